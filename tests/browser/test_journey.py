"""Two phones and a customer's page at once, from sign-up to the ledger: the whole evening in real browsers.

Ana signs up and is offered the packages on her way; Ben, on the other phone, is offered those on his. A customer of Ana's
has the live page open all the time and never touches it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from deliveries import links, matching
from deliveries.actions import trips
from deliveries.models import Event, LedgerEntry, Offer, Package, Trip
from deliveries.states import PackageState, TripState
from stores.places import Point
from tests import make

from . import evening
from .test_associate import photo_of_a_door, sign_up

pytestmark = pytest.mark.browser


def nothing(page: Page, name: str) -> None:
    """The pages themselves are looked at in `test_associate.py`."""


def load(page: Page, packages: list[Package]) -> None:
    for package in packages:
        page.get_by_label("Code on the label").fill(package.label.lower())
        page.get_by_role("button", name="It is in my hands").click()
        expect(page.get_by_role("status").get_by_text(f"{package.label} is with you")).to_be_visible()
    page.get_by_role("button", name="Leave").click()


def test_two_phones_and_a_customers_page(phone: Callable[..., Page]) -> None:
    store = evening.store()
    at_store = {"latitude": store.lat, "longitude": store.lon, "accuracy": 8}
    anas = phone(permissions=["geolocation"], geolocation=at_store)
    bens = phone(permissions=["geolocation"], geolocation=at_store)
    ana = sign_up(anas, store, nothing)  # lives 2 miles north of the store
    ben = make.associate(store, lives=Point(store.lat - 0.03, store.lon))
    evening.sign_in(bens, ben)
    now = datetime.now(UTC)
    for person in (ana, ben):
        make.shift(person, ends_at=now + timedelta(minutes=30))
    north = [evening.packages(store, 1, at=Point(store.lat + 0.01 * n, store.lon))[0] for n in (1, 2)]
    south = evening.packages(store, 1, at=Point(store.lat - 0.015, store.lon))

    customers = phone()
    customers.goto(f"/t/{links.issue(package=north[1], now=now)}/")
    expect(customers.locator("#connection")).to_have_attribute("data-is", "live")
    customers.evaluate("window.neverReloaded = true")
    headline = customers.locator("#live h1")
    expect(headline).to_be_visible()

    matching.run_round(store=store, now=datetime.now(UTC))
    assert {offer.associate_id: offer.lines.count() for offer in Offer.objects.all()} == {ana.pk: 2, ben.pk: 1}
    for page, number in ((anas, 2), (bens, 1)):
        expect(page.get_by_text("You have an offer")).to_be_visible()  # both by themselves
        page.get_by_role("link", name="Offers").click()
        page.get_by_role("link", name="Choose and claim").click()
        page.get_by_role("button", name=f"Claim {number} package").click()
        page.wait_for_url("**/trip/")
    # What is Ana's is not Ben's: neither her offer nor her package is there for him, whatever address he types.
    assert bens.request.get(f"/offers/{Offer.objects.get(associate=ana).pk}/").status == 404
    assert bens.request.get(f"/trip/packages/{north[0].pk}/missing/").status in (404, 405)
    bens.get_by_label("Code on the label").fill(north[0].label)
    bens.get_by_role("button", name="It is in my hands").click()
    expect(bens.get_by_role("alert")).to_contain_text("not on this trip")

    load(bens, south)
    load(anas, north)
    expect(headline).to_have_text("Your package is on the way")
    expect(customers.locator("#live")).to_contain_text("Ana")

    trip = Trip.objects.get(associate=ana)
    stops = list(trip.stops.all())
    latencies: list[float] = []
    for number, stop in enumerate(stops, 1):
        anas.get_by_role("button", name="I have arrived").click()
        anas.context.set_geolocation({"latitude": stop.lat, "longitude": stop.lon, "accuracy": 9})
        anas.get_by_role("link", name="Drop off").click()
        expect(anas.get_by_text("Position found")).to_be_visible()
        anas.get_by_label("Photo of the package").set_input_files(
            {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo_of_a_door()}
        )
        expect(anas.get_by_role("img", name="Your photo")).to_be_visible()
        before = customers.locator("#live").get_attribute("data-version")
        customers.evaluate(
            """() => { window.changedAt = 0; new MutationObserver(() => { window.changedAt ||= Date.now(); })
                .observe(document.getElementById('live'), { attributes: true, childList: true }); }"""
        )
        anas.get_by_role("button", name="Confirm").click()
        expect(customers.locator("#live")).not_to_have_attribute("data-version", before or "")
        committed = Event.objects.filter(verb="deliver").latest("at").at.timestamp()
        latencies.append(customers.evaluate("window.changedAt") / 1000 - committed)
        anas.wait_for_url("**/trip/")
        if number < len(stops):
            expect(headline).to_have_text("You are the next stop")
    expect(headline).to_have_text("Your package was delivered")
    assert customers.evaluate("window.neverReloaded") is True, "it changed by itself"
    expect(customers.get_by_role("img")).to_be_visible()
    # Seconds from the commit of the tap to the change of the customer's page; `-s` shows them.
    print("tap to customer's page:", [round(latency, 3) for latency in latencies])  # noqa: T201

    expect(anas.get_by_role("heading", level=1)).to_have_text("All done. Have a good evening.")
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED
    assert {p.state for p in Package.objects.filter(pk__in=[p.pk for p in north])} == {PackageState.DELIVERED}
    assert Package.objects.get(pk=south[0].pk).holder == ben, "custody of the rest is with the other phone"
    settled = trips.settle(trip=trip, now=datetime.now(UTC) + timedelta(minutes=2))
    assert settled.paid_cents == sum(LedgerEntry.objects.filter(trip=trip).values_list("cents", flat=True))
    assert (settled.paid_cents or 0) >= settled.pay_cents

    # Nowhere on the customer's page: a surname, another stop, the store's number of anything.
    text = customers.content()
    for secret in ("Alvarez", ana.user.email, north[0].address1, str(stops[0].lat)):
        assert secret not in text


def test_the_second_tap_of_the_same_button_is_the_same_claim(phone: Callable[..., Page]) -> None:
    """A phone on a bad line sends the claim twice: one trip, and the page after it."""
    person, _packages, offer = evening.offered(evening.store(), 2)
    page = phone()
    evening.sign_in(page, person)
    page.goto(f"/offers/{offer.pk}/")
    form = page.locator("form#claim")
    fields = form.evaluate("form => [...new FormData(form).entries()]")
    body = "&".join(f"{name}={value}" for name, value in fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": page.url}
    answers = [
        page.request.post(f"/offers/{offer.pk}/claim/", data=body, headers=headers, max_redirects=0) for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [302, 302]
    assert Trip.objects.count() == 1
