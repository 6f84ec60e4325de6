"""Signing in on a phone: a code by mail, a passkey of Chromium's virtual authenticator; then one's own terms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from associates.models import Associate
from deliveries.actions import claims
from tests import make

from . import evening

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]
CODE = re.compile(r"^ *([A-Z0-9]{4}-?[A-Z0-9]{4})$", re.M)


def known(**fields: object) -> Associate:
    """An associate whose e-mail address was confirmed when they joined."""
    person = make.associate(evening.store(), **fields)
    EmailAddress.objects.create(user=person.user, email=person.user.email, verified=True, primary=True)
    return person


def mailed_code(page: Page, address: str) -> str:
    mail = page.context.new_page()
    mail.goto("/demo/mail/")
    letter = mail.locator("article", has_text=address).first.inner_text()
    mail.close()
    code = CODE.search(letter)
    assert code, letter
    return code[1]


def sign_in_by_code(page: Page, person: Associate) -> None:
    page.get_by_label("Your e-mail address").fill(person.user.email)
    page.get_by_role("button", name="Send me a code").click()
    expect(page).to_have_url(re.compile("/code/confirm/"))  # then the mail is written
    page.locator("input[name=code]").fill(mailed_code(page, person.user.email))
    page.get_by_role("button", name="Confirm").click()


def with_authenticator(page: Page) -> Page:
    """A phone with a fingerprint sensor that always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def test_a_code_by_mail_is_the_first_offer(phone: Callable[..., Page], check: Check) -> None:
    ana = known()
    page = phone()
    page.goto("/accounts/login/?next=/earnings/")
    check(page, "sign-in")
    page.get_by_label("Your e-mail address").fill(ana.user.email)
    page.get_by_role("button", name="Send me a code").click()
    expect(page).to_have_url(re.compile("/code/confirm/"))
    check(page, "sign-in-code")
    page.locator("input[name=code]").fill("WRNG-CODE")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".error")).to_contain_text("Incorrect code")
    check(page, "sign-in-code-wrong")
    page.locator("input[name=code]").fill(mailed_code(page, ana.user.email))
    page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(re.compile("/earnings/$"))


def test_three_wrong_codes_end_it_in_words(phone: Callable[..., Page], check: Check) -> None:
    ana = known()
    page = phone()
    page.goto("/accounts/login/")
    page.get_by_label("Your e-mail address").fill(ana.user.email)
    page.get_by_role("button", name="Send me a code").click()
    expect(page).to_have_url(re.compile("/code/confirm/"))
    for _ in range(3):  # the page of the second refusal looks like that of the first: each answer is waited for
        page.locator("input[name=code]").fill("WRNG-CODE")
        with page.expect_event("load"):
            page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(re.compile("/accounts/login/"))
    expect(page.get_by_role("status")).to_contain_text("Too many failed login attempts")
    check(page, "sign-in-locked")


def test_a_passkey_is_added_and_then_signs_in(phone: Callable[..., Page], check: Check, web: object) -> None:
    ana = known()
    # Browsers give passkeys to names, not to numbers: localhost instead of 127.0.0.1.
    here = f"http://localhost:{web.port}"  # type: ignore[attr-defined]
    page = with_authenticator(phone(base_url=here))
    evening.sign_in(page, ana)
    page.goto("/me/")
    page.get_by_role("link", name="Passkeys").click()
    expect(page).to_have_url(re.compile("/2fa/webauthn/$"))
    check(page, "passkeys-none")
    page.get_by_role("link", name="Add a passkey").click()
    expect(page).to_have_url(re.compile("/accounts/reauthenticate/"))
    check(page, "is-it-you")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile("/me/passkeys/add/$"))
    check(page, "passkey-add")
    page.get_by_label("Name").fill("Blue phone")
    page.get_by_role("button", name="Add this device").click()
    expect(page.get_by_role("heading", name="Blue phone")).to_be_visible()
    check(page, "passkeys")
    key = Authenticator.objects.get(user=ana.user, type="webauthn")
    assert key.wrap().is_passwordless

    page.goto("/me/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: not url.endswith("/me/"))
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page).to_have_url(re.compile("/today/$"))

    # It is a way in, not a second step: another phone without it signs in with a code, and is asked for nothing more.
    other = phone(base_url=here)
    other.goto("/accounts/login/")
    sign_in_by_code(other, ana)
    expect(other).to_have_url(re.compile("/today/$"))

    page.goto("/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("link", name="Use my passkey").click()
    expect(page).to_have_url(re.compile("/webauthn/reauthenticate/"))
    check(page, "is-it-you-by-passkey")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Remove “Blue phone”?")
    check(page, "passkey-remove")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_a_phone_without_the_passkey_says_so(phone: Callable[..., Page], check: Check, web: object) -> None:
    page = phone(base_url=f"http://localhost:{web.port}")  # type: ignore[attr-defined]
    page.add_init_script(
        "navigator.credentials.get = () => Promise.reject(new DOMException('cancelled', 'NotAllowedError'))"
    )
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work, or it was cancelled.")
    check(page, "passkey-cancelled")


def test_without_script_the_code_and_the_password_still_work(phone: Callable[..., Page]) -> None:
    ana = known()
    page = phone(java_script_enabled=False)
    page.goto("/accounts/login/")
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()
    sign_in_by_code(page, ana)
    expect(page).to_have_url(re.compile("/today/$"))


def test_ones_own_terms_on_a_phone(phone: Callable[..., Page], check: Check) -> None:
    """What limits mean follows the thumb; single days; the download; the refusal and the end."""
    ana = known()
    page = phone()
    evening.sign_in(page, ana)
    page.goto("/me/")
    check(page, "me")
    page.get_by_role("link", name="How many packages").click()
    meaning = page.locator("[hx-post$='/meaning/']")
    expect(meaning).to_contain_text("Up to 6 packages")
    page.get_by_role("button", name="Packages +1").click()
    expect(meaning).to_contain_text("Up to 7 packages")
    check(page, "limits-count")
    page.goto("/setup/home-by/")
    page.get_by_label("Home by", exact=True).fill("20:30")
    expect(meaning).to_contain_text("home by 8:30 p.m.")
    check(page, "limits-home-by")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/me/")
    page.goto("/setup/floor/")
    page.get_by_label("Dollars for an extra hour").fill("24")
    expect(meaning).to_contain_text("No offer below $24.00 for each extra hour.")
    check(page, "limits-floor")

    page.goto("/me/days/")
    check(page, "days-none")
    page.get_by_label("Date").fill("2020-01-01")
    page.get_by_role("button", name="Save this date").click()
    expect(page.locator(".error")).to_contain_text("This day is over")
    check(page, "days-wrong")
    day = (datetime.now(UTC) + timedelta(days=5)).date()
    page.get_by_label("Date").fill(day.isoformat())
    page.get_by_role("button", name="Save this date").click()
    expect(page.get_by_role("listitem").filter(has_text="I do not deliver")).to_be_visible()
    check(page, "days")

    page.goto("/me/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").click()
    data = json.loads(download.value.path().read_text())
    assert data["account"]["email"] == ana.user.email
    page.get_by_role("link", name="Delete my data").click()
    expect(page).to_have_url(re.compile("/me/delete/$"))
    check(page, "delete")
    page.get_by_role("button", name="Delete my data").click()
    expect(page.get_by_role("status")).to_contain_text("Your data is deleted")
    check(page, "deleted")


def test_deletion_with_a_trip_says_the_way_out(phone: Callable[..., Page], check: Check) -> None:
    ana, _packages, offer = evening.offered(evening.store())
    claims.claim(
        planned=claims.planned_from(offer),
        shown=offer.quote_digest,
        by=ana,
        now=datetime.now(UTC),
        key=uuid4(),
        offer=offer,
    )
    page = phone()
    evening.sign_in(page, ana)
    page.goto("/me/delete/")
    page.get_by_role("button", name="Delete my data").click()
    expect(page.get_by_role("alert")).to_contain_text("Finish the trip, or give them back")
    check(page, "delete-refused")


def test_what_is_filled_in_before_the_scripts_are_here_counts(phone: Callable[..., Page]) -> None:
    page = phone()
    evening.sign_in(page, known())
    # "interactive" is said before scripts that are deferred run.
    page.add_init_script(
        """document.addEventListener("readystatechange", () => {
          const field = document.readyState === "interactive" && document.querySelector("input[type=number]");
          if (field) field.value = "55";
        })"""
    )
    page.goto("/setup/minutes/")
    expect(page.locator("[hx-post$='/meaning/']")).to_contain_text("at most 55 minutes longer")


@pytest.mark.parametrize("allowed", [True, False])
def test_permissions_one_at_a_time_and_a_way_without(
    phone: Callable[..., Page], check: Check, web: object, allowed: bool
) -> None:
    ana = known(state=Associate.State.SETTING_UP)
    here = f"http://localhost:{web.port}"  # type: ignore[attr-defined]
    given = ["geolocation", "camera", "notifications"] if allowed else []
    page = phone(base_url=here, permissions=given, geolocation={"latitude": 40.66, "longitude": -74.11})
    name = "allowed" if allowed else "denied"
    evening.sign_in(page, ana)
    page.goto("/setup/language/")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/setup/position/")
    if not allowed:
        refuse = """navigator.geolocation.getCurrentPosition = (yes, no) => no({code: 1});
          navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
          Notification.requestPermission = async () => 'denied';"""
        page.add_init_script(refuse)
        page.reload()
    for step, asked in (("position", "Allow the position"), ("camera", "Allow the camera")):
        expect(page).to_have_url(re.compile(f"/setup/{step}/$"))
        button = page.get_by_role("button", name=asked)
        if allowed:
            expect(page.locator("#permission [role=status]")).to_have_text("Allowed on this phone.")
            expect(button).to_be_disabled()
        else:
            button.click()
            expect(page.locator("#permission [role=status]")).to_contain_text("Change that in its settings")
        expect(page.get_by_text("Without it:")).to_be_visible()
        check(page, f"setup-{step}-{name}")
        page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile("/setup/notifications/$"))
    if not allowed:
        # Headless, it is refused from the start.
        expect(page.locator("#push [role=status]")).to_contain_text("set to refuse notifications")
    check(page, f"setup-notifications-{name}")
    page.get_by_role("link", name="Back").click()
    expect(page).to_have_url(re.compile("/setup/camera/$"))
    page.goto("/setup/notifications/")
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile("/setup/summary/$"))
