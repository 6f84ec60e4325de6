"""EMAIL_URL: a server, or a provider."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.test import override_settings

from config import mailing


def test_a_server() -> None:
    found = mailing.settings_of("smtp+tls://user:pass@mail.example:587")
    assert found["EMAIL_HOST"] == "mail.example"
    assert found["EMAIL_PORT"] == 587
    assert found["EMAIL_USE_TLS"] is True
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"


def test_a_provider_that_anymail_knows() -> None:
    found = mailing.settings_of("anymail://postmark?SERVER_TOKEN=abc%2Fd")
    assert found["ANYMAIL"]["POSTMARK_SERVER_TOKEN"] == "abc/d"
    with override_settings(**found):
        connection = get_connection(timeout=20)
    assert type(connection).__module__ == "anymail.backends.postmark"
    assert connection.server_token == "abc/d"


@pytest.mark.parametrize("url", ["anymail://", "anymail://postmark", "anymail:postmark"])
def test_a_provider_without_its_settings_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="anymail://PROVIDER"):
        mailing.settings_of(url)
