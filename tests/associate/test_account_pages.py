"""Every address of allauth, from its url conf: a page in our frame and in the reader's language, a redirect, or nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.html import strip_tags

from associates.models import Associate
from tests import make

pytestmark = pytest.mark.django_db
WHATEVER = {"uidb36": "1", "key": "set-password", "pk": "1"}
# Words that are the same in both languages, and people's own.
SAME = re.compile(r"·? ?Homeward|Error|No|español|English|person\d+@example\.com|[\W\d]*|[A-Z2-7]{16,}|[0-9a-f]{8}")


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """Every address under `patterns`, with something filled in for its parameters."""
    for pattern in patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, here)
        else:
            plain = re.sub(r"\(\?P<(\w+)>.+?\)(?=[/$-])", lambda found: WHATEVER[found[1]], here)
            yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: WHATEVER[found[1]], plain).strip("^$")


def of_allauth() -> list[str]:
    [accounts] = [each for each in get_resolver().url_patterns if str(each.pattern) == "accounts/"]
    assert isinstance(accounts, URLResolver)
    return sorted(
        {*addresses(accounts.url_patterns, "accounts/"), "/me/number/", "/me/number/code/", "/me/passkeys/add/"}
    )


ALL = of_allauth()


def words(page: str) -> set[str]:
    """The sentences that somebody reads or hears on a page."""
    main = re.sub(r"<(script|style|svg|template).*?</\1>", "", page, flags=re.S)
    heard = re.findall(r'(?:aria-label|placeholder|alt)="([^"]+)"', main)
    lines = [line.strip() for line in strip_tags(re.sub(r"<[^>]+>", "\n", main)).splitlines()]
    return {line for line in [*lines, *heard] if line and not SAME.fullmatch(line)}


def signed_in(person: Associate, language: str) -> Client:
    """Signed in, with every kind of second step, and asked for the password a moment ago."""
    client = Client(headers={"accept-language": language})
    client.force_login(person.user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(person.user.pk)
    session.save()
    return client


def with_an_app(person: Associate) -> None:
    """Give `person` an authenticator app and recovery codes. Passkeys are real in the browser's tests."""
    TOTP.activate(person.user, "A" * 32)
    RecoveryCodes.activate(person.user)


def test_the_list_is_whole() -> None:
    assert len(ALL) > 25
    for known in ("/accounts/login/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/keys/1/remove/"):
        assert known in ALL


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("who", ["nobody", "associate", "with an app"])
def test_every_page_is_ours_and_in_spanish(who: str, path: str, settings: object) -> None:
    settings.SMS_URL = "demo://text/{to}"  # type: ignore[attr-defined]
    ana = make.associate(make.store())
    ana.user.emailaddress_set.create(email=ana.user.email, verified=True, primary=True)
    if who == "with an app":
        with_an_app(ana)
    pages = {}
    for language in ("en", "es"):
        client = Client(headers={"accept-language": language}) if who == "nobody" else signed_in(ana, language)
        answer = client.get(path)
        if answer.status_code in (302, 404, 405) or not answer.headers["Content-Type"].startswith("text/html"):
            return
        assert answer.status_code == 200
        page = pages[language] = answer.content.decode()
        assert f'<html lang="{language}"' in page
        assert "css/components.css" in page
        assert 'class="skip"' in page
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script>", page), "the policy refuses it"
        assert page.count("<h1") == 1
    left = words(pages["en"]) & words(pages["es"])
    assert not left, f"not translated: {sorted(left)}"
