"""The map of a trip under way: fetched on a tap, the stops in their order, the next one said to be it, also without a signal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from associates.models import Associate
from deliveries import actors
from deliveries.actions import dropoffs, handover, trips
from deliveries.models import Trip
from stores.places import Point
from tests import make

from . import evening
from .evening import until

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]
HOME = Point(40.7, -74.13)


def on_the_road() -> tuple[Associate, Trip]:
    """Somebody under way to three doors."""
    store = evening.store()
    now = datetime.now(UTC)
    person = make.associate(store, lives=HOME)
    shift = make.shift(person, ends_at=now - timedelta(minutes=5))
    places = [Point(40.668, -74.112), Point(40.681, -74.106), Point(40.684, -74.128)]
    packages = [
        make.package(store, at=at, now=now, deliver_by=now + timedelta(hours=4), address1=f"{number} Elm Street")
        for number, at in enumerate(places, 10)
    ]
    trip = evening.claim(person, shift, packages)
    for package in packages:
        handover.load(trip=trip, label=package.label, by=actors.system("bay"), now=now)
    trips.depart(trip=trip, by=person, now=now)
    return person, trip


def labels(page: Page) -> list[str]:
    return page.locator("#trip-map .map-label:not(.map-store)").all_inner_texts()


def test_the_trips_map_follows_what_is_done(phone: Callable[..., Page], check: Check, trouble: list[str]) -> None:
    ana, _trip = on_the_road()
    page = phone()
    evening.sign_in(page, ana)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/trip/")
    until(page, "navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    expect(page.get_by_role("button", name="Show the map")).to_be_visible()
    assert not [url for url in asked if "leaflet" in url], "not before somebody asks for it"
    page.get_by_role("button", name="Show the map").click()
    shown = page.get_by_role("group", name="Map: the store and your stops")
    expect(shown).to_be_focused()
    expect(shown.locator(".map-store")).to_have_text("Store")
    assert labels(page) == ["1 next", "2", "3"]
    assert not [url for url in asked if not url.startswith(("http://127.0.0.1", "http://localhost", "ws:"))], asked
    shown.scroll_into_view_if_needed()
    check(page, "trip-map")

    # Another order, said by the phone: the map follows at once.
    second = page.locator("#later-list li:visible").first.inner_text().split(",")[0].strip()
    page.locator('#later-list li:visible form[data-by="-1"] button').first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(second)
    expect(shown.locator(".map-next")).to_have_text("1 next")

    # Without a signal the map is still there after a reload: the phone keeps what it has fetched once.
    path = "/trip/"
    until(page, "(path) => caches.open('pages').then((all) => all.match(path, {ignoreVary: true})).then(Boolean)", path)
    page.context.set_offline(True)
    page.reload()
    page.get_by_role("button", name="Show the map").click()
    expect(shown.locator(".map-next")).to_have_text("1 next")
    page.context.set_offline(False)
    page.goto("/trip/")
    page.wait_for_load_state("networkidle")  # what coming back asks for is answered before the database is emptied
    trouble.clear()  # a browser without a network says so in its console


def test_a_door_that_is_done_steps_back(phone: Callable[..., Page], check: Check) -> None:
    ana, trip = on_the_road()
    first = trip.stops.first()
    assert first is not None
    page = phone()
    evening.sign_in(page, ana)
    page.goto("/trip/")
    page.get_by_role("button", name="Show the map").click()
    expect(page.locator("#trip-map .map-next")).to_have_text("1 next")
    claim = first.claims.select_related("package").get()
    spot = dropoffs.Position(claim.package.point, 5)
    dropoffs.deliver(package=claim.package, by=ana, now=datetime.now(UTC), key=uuid4(), position=spot)
    page.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")
    expect(page.locator("#trip-map .map-next")).to_have_text("2 next")
    assert labels(page) == ["1 ✓", "2 next", "3"]
    page.locator("#trip-map .map").scroll_into_view_if_needed()
    check(page, "trip-map-second")


def test_without_a_signal_the_list_says_the_same(phone: Callable[..., Page], trouble: list[str]) -> None:
    ana, _trip = on_the_road()
    page = phone(service_workers="block")  # what a worker asks for does not come by the page's routes
    evening.sign_in(page, ana)
    page.goto("/trip/")
    page.route("**/leaflet/**", lambda route: route.abort())
    page.get_by_role("button", name="Show the map").click()
    expect(page.get_by_text("The list on this page says the same")).to_be_visible()
    expect(page.locator("#later-list li:visible")).to_have_count(2)
    trouble.clear()
