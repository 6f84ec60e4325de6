"""Offers on a phone: the map when it is wanted, ticks, no signal, and "why not me tonight?"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from associates.models import Associate
from deliveries.models import Offer, Package, Trip
from stores.models import Store
from stores.places import Point
from tests import make

from . import evening
from .evening import until

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]


def far_apart() -> dict[str, Point]:
    """Places of three customers in three areas, on the way to `make.associate`'s usual home."""
    return {"at": Point(40.668, -74.112), "and": Point(40.681, -74.106), "too": Point(40.684, -74.128)}


def offered_apart() -> tuple[Associate, list[Package], Offer]:
    store = evening.store()
    now = datetime.now(UTC)
    person = make.associate(store, lives=Point(40.7, -74.13))
    make.shift(person, ends_at=now + timedelta(minutes=30))
    packages = [make.package(store, at=at, now=now, deliver_by=now + timedelta(hours=4)) for at in far_apart().values()]
    return person, packages, evening.send_round(store, person)


def test_the_map_is_fetched_when_it_is_wanted_and_follows_the_ticks(phone: Callable[..., Page], check: Check) -> None:
    ana, _packages, offer = offered_apart()
    page = phone()
    evening.sign_in(page, ana)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/offers/{offer.pk}/")
    expect(page.get_by_text("Straight home", exact=True)).to_be_visible()
    expect(page.locator("ol.way li")).to_have_count(3)
    assert not [url for url in asked if "leaflet" in url], "not before somebody asks for it"
    page.get_by_role("button", name="Show the map").click()
    area_map = page.get_by_role("group", name="Map: the store and the areas")
    expect(area_map).to_be_focused()
    expect(area_map.locator(".map-area")).to_have_count(3)
    expect(area_map.locator(".map-store")).to_have_text("Store")
    assert not [url for url in asked if not url.startswith(("http://127.0.0.1", "http://localhost", "ws:"))], asked
    area_map.scroll_into_view_if_needed()
    check(page, "offer-map")
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("checkbox").first.uncheck()
    expect(page.get_by_role("heading", level=1)).to_have_text("A part of the offer")
    expect(area_map.locator(".map-area")).to_have_count(2)
    expect(page.locator("ol.way li")).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    expect(page.get_by_text("Tick at least one stop")).to_be_visible()
    expect(area_map.locator(".map-area")).to_have_count(0)
    page.get_by_role("checkbox").first.check()
    expect(area_map.locator(".map-area")).to_have_count(1)


def test_ticks_the_browser_put_back_are_quoted(phone: Callable[..., Page]) -> None:
    ana, _packages, offer = offered_apart()
    page = phone()
    evening.sign_in(page, ana)
    # As a browser does that fills in again what was filled in: before the scripts run, and without a word.
    page.add_init_script(
        """document.addEventListener("readystatechange", () => {
          const box = document.readyState === "interactive" && document.querySelector("[name=package]");
          if (box) box.checked = false;
        })"""
    )
    page.goto(f"/offers/{offer.pk}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("A part of the offer")
    expect(page.locator("ol.way li")).to_have_count(2)


def test_without_a_signal_an_offer_is_there_to_read(phone: Callable[..., Page], trouble: list[str]) -> None:
    ana, _packages, offer = offered_apart()
    page = phone()
    evening.sign_in(page, ana)
    page.goto(f"/offers/{offer.pk}/")
    until(page, "navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    pay = page.locator(".pay").inner_text()
    path = f"/offers/{offer.pk}/"
    until(page, "(path) => caches.open('pages').then((all) => all.match(path, {ignoreVary: true})).then(Boolean)", path)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator(".pay")).to_have_text(pay)
    expect(page.get_by_text("Offline · as of")).to_be_visible()
    page.get_by_role("checkbox").first.click()
    expect(page.get_by_text("this needs a signal")).to_be_visible()
    expect(page.get_by_role("checkbox").first).to_be_checked()
    page.get_by_role("button", name="Show the map").click()
    expect(page.get_by_text("The list above says the same")).to_be_visible()
    page.get_by_role("button", name="Claim 3 packages").click()
    expect(page.get_by_text("Nothing was sent")).to_be_visible()
    assert not Trip.objects.exists()
    page.context.set_offline(False)
    page.get_by_role("button", name="Show the map").click()
    expect(page.locator(".map-area")).to_have_count(3)
    page.get_by_role("button", name="Claim 3 packages").click()
    expect(page).to_have_url(re.compile("/trip/$"))
    trouble.clear()  # a browser without a network says so in its console


def test_why_not_me_names_the_limit_and_leads_to_it(phone: Callable[..., Page], check: Check) -> None:
    store = evening.store()
    now = datetime.now(UTC)
    ana = make.associate(store, lives=Point(40.62, -74.14), limits={"max_extra_minutes": 5})
    make.shift(ana, ends_at=now + timedelta(minutes=30))
    page = phone()
    evening.sign_in(page, ana)
    page.get_by_role("link", name="Offers").click()
    page.get_by_role("link", name="Why not me tonight?").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("There is no plan yet.")
    check(page, "why-not-yet")
    evening.packages(store)
    evening.run_round(store)
    page.reload()
    expect(page.get_by_role("heading", level=2)).to_have_text("Nothing lies close enough to your way.")
    check(page, "why-not")
    page.get_by_role("link", name="Change how much longer").click()
    expect(page.get_by_label("Minutes", exact=True)).to_have_value("5")


def claimed(store: Store, name: str, at: Point, *places: Point) -> Associate:
    """Somebody with a claimed trip to these places, half an hour before the end of their shift."""
    now = datetime.now(UTC)
    person = make.associate(store, employee=make.employee(store, first_name=name), lives=at)
    shift = make.shift(person, ends_at=now + timedelta(minutes=30))
    packages = [make.package(store, at=place, now=now, deliver_by=now + timedelta(hours=4)) for place in places]
    evening.claim(person, shift, packages)
    return person


def test_two_colleagues_swap_before_loading(phone: Callable[..., Page], check: Check) -> None:
    store = evening.store()
    north, east, south = Point(40.668, -74.112), Point(40.676, -74.106), Point(40.664, -74.12)
    ana = claimed(store, "Ana", Point(40.69, -74.12), north, south)
    ben = claimed(store, "Ben", Point(40.695, -74.105), east)
    anas, bens = phone(), phone()
    evening.sign_in(anas, ana)
    evening.sign_in(bens, ben)

    anas.goto("/trip/")
    anas.get_by_role("link", name="Ask a colleague to take one").click()
    expect(anas.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    anas.get_by_role("checkbox").first.check()
    anas.get_by_role("radio", name="Ben").check()
    expect(anas.get_by_text("After the swap")).to_be_visible()
    expect(anas.get_by_role("radio", name="Ben")).to_be_checked()
    check(anas, "swap-ask")
    anas.get_by_role("button", name="Ask", exact=True).click()
    expect(anas.get_by_text("Ben is asked.")).to_be_visible()
    check(anas, "swap-asked")

    # Nobody touches Ben's phone: the question shows by itself.
    bens.get_by_role("link", name="Ana asks for a swap").click()
    expect(bens.get_by_text("Would come to you")).to_be_visible()
    check(bens, "swap-answer")
    bens.get_by_text("Only in exchange for one of mine").click()
    bens.get_by_role("checkbox").first.check()
    bens.get_by_role("button", name="Show what it would mean").click()
    expect(bens.get_by_role("button", name="Ask Ana for this exchange")).to_be_visible()
    check(bens, "swap-exchange")
    bens.get_by_role("button", name="Ask Ana for this exchange").click()
    expect(bens.get_by_role("heading", level=1)).to_have_text("You asked Ana")
    check(bens, "swap-waiting")

    anas.get_by_role("link", name="Ben would, in exchange").click()
    expect(anas.get_by_text("Would go from you")).to_be_visible()
    check(anas, "swap-exchange-asked")
    anas.get_by_role("button", name="Yes, swap").click()
    expect(anas.get_by_text("Your trip is as agreed now.")).to_be_visible()
    expect(bens).to_have_url(re.compile("/trip/$"))  # nobody touched it
    trips = {trip.associate_id: set(trip.packages.values_list("lat", flat=True)) for trip in Trip.objects.all()}
    assert trips[ben.pk] != {east.lat}
    assert east.lat in trips[ana.pk]
    assert len(trips[ana.pk]) == 2


def test_a_swap_without_script(phone: Callable[..., Page]) -> None:
    store = evening.store()
    ana = claimed(store, "Ana", Point(40.69, -74.12), Point(40.668, -74.112), Point(40.664, -74.12))
    ben = claimed(store, "Ben", Point(40.695, -74.105), Point(40.676, -74.106))
    anas, bens = phone(java_script_enabled=False), phone(java_script_enabled=False)
    evening.sign_in(anas, ana)
    evening.sign_in(bens, ben)
    anas.goto("/trip/swap/")
    anas.get_by_role("checkbox").first.check()
    anas.get_by_role("radio", name="Ben").check()
    anas.get_by_role("button", name="Show what it would mean").click()
    anas.get_by_role("button", name="Ask", exact=True).click()
    bens.goto("/today/")
    bens.get_by_role("link", name="Ana asks for a swap").click()
    bens.get_by_role("button", name="Yes, swap").click()
    expect(bens.get_by_text("Your trip is as agreed now.")).to_be_visible()
    assert Trip.objects.get(associate=ben).packages.count() == 2
