"""One associate's first evening, on a phone: sign up, set-up, offer, claim, hand-over, drop-off, earnings."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from associates.models import Associate
from deliveries import matching
from deliveries.actions import trips
from deliveries.models import Offer, Proof, Trip
from deliveries.states import TripState
from stores.models import AddressPoint, Store
from tests import make

from . import evening, quality
from .evening import until

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]


def photo_of_a_door() -> bytes:
    picture = Image.new("RGB", (2400, 1800), "#8aa0ad")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((900, 200, 1500, 1500), fill="#5b3a29")
    draw.rectangle((1050, 1250, 1450, 1600), fill="#c79a5b")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


def sign_up(page: Page, store: Store, check: Check) -> Associate:
    """From the front page to the last question of set-up, as somebody on the roster."""
    worker = make.employee(store, reference="E1001", first_name="Ana")
    AddressPoint.objects.create(street="12 MAIN STREET", zip="07002", lat=store.lat + 0.03, lon=store.lon)
    page.goto("/")
    check(page, "landing")
    page.get_by_role("link", name="Join").click()
    expect(page).to_have_url(re.compile("/accounts/signup/$"))
    check(page, "sign-up")
    page.get_by_label("Email").fill("ana@example.com")
    page.get_by_label("Password").fill("a long pass phrase")
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile("/accounts/confirm-email/$"))
    check(page, "code")
    mail = page.context.new_page()
    mail.goto("/demo/mail/")
    check(mail, "mail")
    letter = mail.locator("article", has_text="ana@example.com").first.inner_text()
    mail.close()
    code = re.search(r"^ *([A-Z0-9]{4}-[A-Z0-9]{4})$", letter, re.M)
    assert code, letter
    page.locator("input[name=code]").fill(code[1])
    page.get_by_role("button", name="Confirm").click()

    expect(page).to_have_url(re.compile("/join/$"))
    check(page, "join")
    page.get_by_label("Store number").fill(str(store.number))
    page.get_by_label("Employee number").fill("E1001")
    page.get_by_label("Date of birth").fill("1990-05-18")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("could not match")
    check(page, "join-wrong")
    page.get_by_label("Date of birth").fill("1990-05-17")
    page.get_by_role("button", name="Continue").click()

    def asked(name: str) -> None:
        expect(page).to_have_url(re.compile(f"/setup/{name}/$"))

    def answered(name: str) -> None:
        asked(name)
        check(page, f"setup-{name}")
        page.get_by_role("button", name="Save and go on").click()

    asked("consents")
    for consent in ("Delivery work", "Location while on a trip", "Home area"):
        page.get_by_role("checkbox", name=consent).check()
    answered("consents")
    asked("home")
    page.get_by_label("Street and number").fill("12 Main St")
    page.get_by_label("ZIP code").fill("07002")
    answered("home")
    asked("vehicle")
    page.get_by_label("Your car").fill("blue Civic")
    page.get_by_role("radio", name="Sedan").check()
    answered("vehicle")
    asked("count")
    meaning = page.locator("[hx-post$='/meaning/']")
    page.get_by_role("button", name="Packages +1").click()
    expect(page.get_by_label("Packages", exact=True)).to_have_value("5")
    expect(meaning).to_contain_text("Up to 5 packages")
    answered("count")
    answered("weight")
    asked("size")
    page.get_by_role("link", name="Back").click()
    asked("weight")
    expect(page.get_by_role("heading", level=1)).to_have_text("How heavy may it be?")
    page.get_by_role("button", name="Save and go on").click()
    answered("size")
    asked("minutes")
    page.get_by_label("Minutes", exact=True).fill("45")
    expect(meaning).to_contain_text("at most 45 minutes longer")
    answered("minutes")
    asked("days")
    for box in page.get_by_role("checkbox").all():
        box.check()
    expect(meaning).to_contain_text("any day")
    answered("days")
    answered("language")
    for permission in ("position", "camera", "notifications"):  # granted and refused: test_account.py
        asked(permission)
        page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Up to 5 packages, 20 lb each and 60 lb in all")).to_be_visible()
    check(page, "setup-summary")
    page.get_by_role("button", name="Yes, send me offers").click()
    expect(page).to_have_url(re.compile("/today/$"))
    return Associate.objects.get(employee=worker)


def test_a_first_evening(phone: Callable[..., Page], check: Check) -> None:
    store = evening.store()
    door = {"latitude": store.lat, "longitude": store.lon, "accuracy": 12}
    page = phone(permissions=["geolocation"], geolocation=door)
    ana = sign_up(page, store, check)
    check(page, "today-no-shift")

    now = datetime.now(UTC)
    shift = make.shift(ana, ends_at=now + timedelta(minutes=30))
    packages = evening.packages(store)
    page.reload()
    expect(page.get_by_role("switch", name="Deliver tonight")).to_be_checked()
    check(page, "today")
    matching.run_round(store=store, now=datetime.now(UTC), seconds=1)
    offer = Offer.objects.get(associate=ana)
    # Nobody touches the phone: the page looks again by itself.
    expect(page.get_by_text("You have an offer")).to_be_visible()
    check(page, "today-offer")

    page.get_by_role("link", name="Offers").click()
    expect(page).to_have_url(re.compile("/offers/$"))
    check(page, "offers")
    page.get_by_role("link", name="Choose and claim").click()
    expect(page).to_have_url(re.compile(f"/offers/{offer.pk}/$"))
    page.get_by_text("What it pays, line by line").first.click()
    check(page, "offer")
    with page.expect_response(re.compile(f"/offers/{offer.pk}/$")):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")
    until(page, "document.querySelector('details .lines').closest('details').open")  # as it was left
    # At twice the size the longest words and the sum share a line; the sum is another one every evening.
    page.locator(".lines tfoot td").evaluate("(sum) => { sum.textContent = '$104.20'; }")
    quality.check_big_text(page, "offer of a hundred dollars")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")  # the sum it has
    before = page.locator(".pay").inner_text()
    page.get_by_role("checkbox").first.uncheck()
    expect(page.get_by_role("heading", level=1)).to_have_text("A part of the offer")
    expect(page.locator(".pay")).not_to_have_text(before)
    expect(page.locator("#announce")).to_contain_text(page.locator(".pay").inner_text())
    check(page, "offer-part")
    page.get_by_role("checkbox").first.check()
    expect(page.locator(".pay")).to_have_text(before)
    page.get_by_role("button", name="Claim 3 packages").click()

    expect(page).to_have_url(re.compile("/trip/$"))
    trip = Trip.objects.get()
    assert trip.pay_cents == offer.pay_cents
    check(page, "pick-up")
    page.get_by_label("Code on the label").fill("00000")
    page.get_by_role("button", name="It is in my hands").click()
    expect(page.get_by_role("alert")).to_contain_text("No package here has that code")
    check(page, "pick-up-wrong")
    for package in packages:
        page.get_by_label("Code on the label").fill(package.label)
        page.get_by_role("button", name="It is in my hands").click()
        expect(page.get_by_role("status").get_by_text(f"{package.label} is with you")).to_be_visible()
    check(page, "pick-up-done")
    page.get_by_role("button", name="Leave").click()

    expect(page.get_by_text("Stop 1 of 3")).to_be_visible()
    check(page, "trip")
    stops = list(trip.stops.all())
    page.get_by_role("link", name="Problem").click()
    expect(page).to_have_url(re.compile("/problem/$"))
    check(page, "problem")
    page.get_by_role("link", name="I can’t go on", exact=True).click()
    expect(page).to_have_url(re.compile("/trip/cannot-go-on/$"))
    check(page, "cannot-go-on")
    page.get_by_role("link", name="Back to the trip").click()

    for number, stop in enumerate(stops, 1):
        page.get_by_role("button", name="I have arrived").click()
        if number == 1:
            # The phone is still at the store, far from the pin: the form asks why, before it is sent.
            page.get_by_role("link", name="Drop off").click()
            expect(page.get_by_label("Why is it left here?")).to_be_visible()
            page.get_by_label("Photo of the package").set_input_files(
                {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo_of_a_door()}
            )
            expect(page.get_by_role("img", name="Your photo")).to_be_visible()
            page.get_by_role("button", name="Confirm").click()
            expect(page.get_by_role("alert")).to_contain_text("away from the address")
            check(page, "drop-off-far")
            # Nothing is lost: the photo is still in the form.
            page.get_by_label("Why is it left here?").fill("The road is closed, met at the corner")
        else:
            page.context.set_geolocation({"latitude": stop.lat, "longitude": stop.lon, "accuracy": 9})
            page.get_by_role("link", name="Drop off").click()
            expect(page.get_by_text("Position found")).to_be_visible()
            if number == 2:
                check(page, "drop-off")
        page.get_by_role("button", name="Confirm").click()
        expect(page).to_have_url(re.compile("/trip/$"))
        expect(page.get_by_role("button", name="Undo").first).to_be_visible()
        if number == 1:
            check(page, "drop-off-done-undo")

    expect(page.get_by_role("heading", level=1)).to_have_text("All done. Have a good evening.")
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED
    check(page, "trip-over")
    first, second, third = Proof.objects.order_by("at")
    assert first.photo
    assert first.far
    assert not second.far
    assert not third.photo
    answer = page.request.get(f"/proofs/{first.pk}/photo")
    assert Image.open(io.BytesIO(answer.body())).size == (1600, 1200)

    trips.settle(trip=trip, now=datetime.now(UTC))
    expect(page.get_by_text("was quoted")).to_be_visible()  # by itself, again
    page.get_by_role("link", name="Earnings").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Earnings")
    page.get_by_text("Line by line", exact=True).click()
    check(page, "earnings")
    page.get_by_role("link", name="Me", exact=True).click()
    expect(page).to_have_url(re.compile("/me/$"))
    page.get_by_role("link", name="Leave Homeward").click()
    expect(page).to_have_url(re.compile("/me/leave/$"))
    check(page, "leave")
    assert shift.trips.count() == 1  # type: ignore[attr-defined]


def test_without_script_everything_is_still_there(phone: Callable[..., Page], check: Check) -> None:
    ana, packages, _offer = evening.offered(evening.store(), 2)
    page = phone(java_script_enabled=False)
    evening.sign_in(page, ana)
    page.get_by_role("link", name="Offers").click()
    page.get_by_role("link", name="Choose and claim").click()
    whole = page.locator(".pay").inner_text()
    page.get_by_role("checkbox").first.uncheck()
    page.get_by_role("button", name="Show the quote").click()
    expect(page.locator(".pay")).not_to_have_text(whole)
    page.get_by_role("button", name="Claim 1 package").click()
    expect(page).to_have_url(re.compile("/trip/$"))
    trip = Trip.objects.get()
    [package] = [package for package in packages if trip.packages.filter(pk=package.pk).exists()]
    page.get_by_label("Code on the label").fill(package.label)
    page.get_by_role("button", name="It is in my hands").click()
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("button", name="I have arrived").click()
    page.get_by_role("link", name="Drop off").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Take a photo")
    page.get_by_label("Photo of the package").set_input_files(
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo_of_a_door()}
    )
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All done. Have a good evening.")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back")).to_be_visible()


def test_position_denied_has_a_way_by_hand(phone: Callable[..., Page], check: Check) -> None:
    ana, _packages, offer = evening.offered(evening.store(), 1)
    page = phone(permissions=[])
    evening.sign_in(page, ana)
    page.goto(f"/offers/{offer.pk}/")
    page.get_by_role("button", name="Claim 1 package").click()
    expect(page).to_have_url(re.compile("/trip/$"))
    page.get_by_label("Code on the label").fill(Trip.objects.get().packages.get().label)
    page.get_by_role("button", name="It is in my hands").click()
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("button", name="I have arrived").click()
    page.get_by_role("link", name="Drop off").click()
    expect(page.get_by_text("Your phone gives no position. A photo is enough.")).to_be_visible()
    check(page, "drop-off-denied")


def test_pages_with_nothing_on_them_and_errors(phone: Callable[..., Page], check: Check) -> None:
    store = evening.store()
    ana = make.associate(store)
    page = phone()
    page.goto("/nowhere/")
    check(page, "404")
    page.goto("/accounts/login/")
    page.locator("summary").click()
    page.locator("input[name=login]").fill(ana.user.email)
    page.locator("input[name=password]").fill("wrong")
    page.locator("details form button").click()
    expect(page.get_by_role("alert").or_(page.locator(".error")).first).to_be_visible()
    check(page, "sign-in-wrong")
    evening.sign_in(page, ana)
    for path, name in (
        ("/offers/", "offers-none"), ("/board/", "board-closed"), ("/trip/", "trip-none"), ("/earnings/", "earnings-none"),
        ("/setup/days/", "days-later"),
    ):  # fmt: skip
        page.goto(path)
        check(page, name)
