"""Ways in: a code by mail first, a passkey beside it, a second step only for those who set one up; limits in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from associates.models import Associate
from associates.passkeys import Adapter, passkeys_of
from tests import make

pytestmark = pytest.mark.django_db
TOTP, PASSKEY, CODES = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES
PASSWORD = {"password": "correct horse battery"}


@pytest.fixture
def ana() -> Associate:
    person = make.associate(make.store())
    EmailAddress.objects.create(user=person.user, email=person.user.email, verified=True, primary=True)
    return person


def test_the_page_offers_the_code_first_then_the_passkey_then_the_password(client: Client) -> None:
    page = client.get("/accounts/login/?next=/earnings/").content.decode()
    places = [page.index(words) for words in ("Send me a code", "Use my passkey", "Use my password")]
    assert places == sorted(places)
    assert page.count('value="/earnings/"') >= 2, "every way leads back to where they wanted to go"
    assert "<script>" not in page
    assert "onclick" not in page


def test_an_unknown_address_gets_the_same_answer(ana: Associate) -> None:
    answers = set()
    for address in (ana.user.email, "nobody@example.org"):
        reply = Client().post("/accounts/login/code/", {"address": address}, follow=True)
        page = reply.content.decode().replace(address, "…")
        answers.add((str(reply.redirect_chain), re.sub(r'value="[^"]{40,}"', "", page)))
    assert len(answers) == 1
    assert len(mail.outbox) == 2, "the owner of the other address is told that somebody tried"


def test_only_an_app_is_a_second_step(ana: Associate) -> None:
    adapter = Adapter()
    assert not adapter.is_mfa_enabled(ana.user)
    Authenticator.objects.create(user=ana.user, type=PASSKEY, data={"name": "Blue phone"})
    assert not adapter.is_mfa_enabled(ana.user)
    assert not adapter.is_mfa_enabled(ana.user, [TOTP, PASSKEY])
    assert adapter.is_mfa_enabled(ana.user, [PASSKEY])
    Authenticator.objects.create(user=ana.user, type=TOTP, data={})
    assert adapter.is_mfa_enabled(ana.user)
    assert adapter.is_mfa_enabled(ana.user, [TOTP, PASSKEY])


def test_a_password_alone_is_asked_for_more_only_with_an_app(client: Client, ana: Associate) -> None:
    Authenticator.objects.create(user=ana.user, type=PASSKEY, data={"name": "Blue phone"})
    reply = client.post("/accounts/login/", {"login": ana.user.email, **PASSWORD})
    assert reply.headers["Location"] == "/"
    Authenticator.objects.create(user=ana.user, type=TOTP, data={"secret": "A" * 32})
    reply = Client().post("/accounts/login/", {"login": ana.user.email, **PASSWORD})
    assert reply.headers["Location"] == "/accounts/2fa/authenticate/"


def test_passkeys_are_named_but_never_shown(ana: Associate) -> None:
    Authenticator.objects.create(
        user=ana.user, type=PASSKEY, data={"name": "Blue phone", "credential": {"id": "secret"}}
    )
    [key] = passkeys_of(ana.user)
    assert key["name"] == "Blue phone"
    assert set(key) == {"name", "made_at", "last_used_at"}


@pytest.mark.parametrize("path", ["/me/passkeys/add/", "/accounts/2fa/webauthn/"])
def test_a_stranger_has_no_passkeys_page(client: Client, path: str) -> None:
    assert "/accounts/" in client.get(path).headers["Location"]


def test_rubbish_is_no_passkey(client: Client) -> None:
    for credential in ("", "{}", "[]", '{"response": {"userHandle": "!!"}}', "x" * 5000, "null"):
        reply = client.post("/accounts/2fa/webauthn/login/", {"credential": credential})
        assert reply.status_code == 302, credential
        assert reply.headers["Location"] == "/accounts/login/"


def test_anothers_passkey_is_not_there(client: Client, ana: Associate) -> None:
    key = Authenticator.objects.create(user=ana.user, type=PASSKEY, data={"name": "Blue phone"})
    ben = make.associate(ana.store)
    client.post("/accounts/login/", {"login": ben.user.email, **PASSWORD})
    client.force_login(ben.user, backend="django.contrib.auth.backends.ModelBackend")
    assert b"Blue phone" not in client.get("/accounts/2fa/webauthn/").content
    assert client.get(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/").status_code in (302, 404)
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_too_many_tries_are_answered_in_words(client: Client, ana: Associate, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip", "login_failed": "2/m/ip,2/300s/key"}
    wrong = {"login": ana.user.email, "password": "wrong"}
    pages = [client.post("/accounts/login/", wrong) for _ in range(4)]
    last = pages[-1]
    assert last.status_code == 429
    text = last.content.decode()
    assert "Wait five minutes, then try again" in text
    assert 'href="/accounts/login/"' in text
