"""Offers on a phone: the map when it is wanted, ticks, no signal, and "why not me tonight?"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from deliveries.models import Trip
from stores.places import Point
from tests import make

from . import evening
from .evening import until

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]


def far_apart() -> dict[str, Point]:
    """Places of three customers in three areas, on the way to `make.associate`'s usual home."""
    return {"at": Point(40.668, -74.112), "and": Point(40.681, -74.106), "too": Point(40.684, -74.128)}


def offered_apart() -> tuple:  # type: ignore[type-arg]
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
    check(page, "offer-way")
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
