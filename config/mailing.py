"""EMAIL_URL in production: an SMTP server, or a mail provider's API through django-anymail."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

CONNECT_S, READ_S = 5, 20


def settings_of(url: str) -> dict[str, Any]:
    """Django's mail settings for `url`.

    `smtp+tls://user:password@host:587` as django-environ reads it; `anymail://postmark?SERVER_TOKEN=...` for a provider, with
    what django-anymail calls its settings after the provider's name. Raises ImproperlyConfigured.
    """
    parts = urlsplit(url)
    if parts.scheme != "anymail":
        return dict(environ.Env.email_url_config(url))
    if not parts.hostname or not parts.query:
        raise ImproperlyConfigured(
            "EMAIL_URL with anymail is anymail://PROVIDER?SETTING=VALUE, as postmark?SERVER_TOKEN=..."
        )
    provider = parts.hostname.lower()
    esp = provider.upper()
    return {
        "EMAIL_BACKEND": f"anymail.backends.{provider}.EmailBackend",
        "ANYMAIL": {f"{esp}_{name.upper()}": value for name, value in parse_qsl(parts.query)}
        | {"REQUESTS_TIMEOUT": (CONNECT_S, READ_S)},
    }
