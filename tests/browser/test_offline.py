"""A trip with no signal: confirmed on the phone, reloaded, and on the server exactly once when the signal is back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from associates.models import Associate
from deliveries import actors, pins
from deliveries.actions import claims, exceptions, handover, trips
from deliveries.models import DeliveryException, Event, Package, Proof, Stop, Trip
from deliveries.states import PackageState, TripState
from tests import make

from . import evening
from .evening import until
from .test_associate import photo_of_a_door

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]


@pytest.fixture
def road(phone: Callable[..., Page], trouble: list[str]) -> Any:
    """`road(number)`: a signed-in phone on a trip of so many stops, with everything kept that it keeps."""

    pages: list[Page] = []

    def on_the_road(number: int = 3) -> tuple[Page, Associate, Trip, list[Stop]]:
        ana, _packages, offer = evening.offered(evening.store(), number)
        now = timezone.now()
        trip = claims.claim(
            planned=claims.planned_from(offer), shown=offer.quote_digest, by=ana, now=now, key=uuid4(), offer=offer
        )
        for package in trip.packages.all():
            handover.load(trip=trip, label=package.label, by=actors.associate(ana.user_id), now=now)
        trips.depart(trip=trip, by=ana, now=now)
        stops = list(trip.stops.all())
        page = phone(permissions=["geolocation"], geolocation=spot(stops[0]))
        pages.append(page)
        evening.sign_in(page, ana)
        page.goto("/trip/")
        settled(page, stops)
        return page, ana, trip, stops

    yield on_the_road
    for page in pages:
        page.context.close()
    trouble.clear()  # a browser without network says so about every request: that is the test, not a fault


KEPT_FIRST = """async (address) => {
    const kept = await (await caches.match('/trip/', { ignoreVary: true })).text();
    const whole = new DOMParser().parseFromString(kept, 'text/html');
    return [...whole.querySelectorAll('h1')].some((each) => each.textContent === address);
}"""


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile("/(accounts/login/.*)?$"))


def spot(stop: Stop) -> dict[str, float]:
    return {"latitude": stop.lat, "longitude": stop.lon, "accuracy": 9}


def settled(page: Page, stops: list[Stop]) -> None:
    """Wait until the worker runs and has kept the trip's pages."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()  # a page that was loaded while the worker came up may be without it
    until(page, "navigator.serviceWorker.controller !== null")
    until(
        page,
        """async (paths) => {
            const cache = await caches.open('pages');
            return (await Promise.all(paths.map((path) => cache.match(path, { ignoreVary: true })))).every(Boolean);
        }""",
        ["/trip/", *(f"/trip/stops/{stop.pk}/{what}/" for stop in stops for what in ("drop-off", "problem"))],
    )


def confirm(page: Page, stop: Stop, *, photo: bool = True, arrive: bool = True) -> None:
    """Arrive and drop off at this stop, as the page has it."""
    page.context.set_geolocation(spot(stop))  # type: ignore[arg-type]
    if arrive:
        page.get_by_role("button", name="I have arrived").click()
    page.get_by_role("link", name="Drop off").click()
    expect(page.get_by_text("Position found")).to_be_visible()
    if photo:
        page.get_by_label("Photo of the package").set_input_files(
            {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo_of_a_door()}
        )
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/trip/")


def strip(page: Page) -> Any:
    return page.locator("#strip")


def waiting(page: Page) -> list[dict[str, Any]]:
    """The phone's queue, without photos."""
    return page.evaluate(
        """async () => (await outbox.all(document.getElementById('strip').dataset.person))
            .map(({ photo, ...rest }) => ({ ...rest, photo: photo ? photo.byteLength : 0 }))"""
    )  # type: ignore[no-any-return]


def until_sent(page: Page) -> None:
    until(
        page,
        """async () => (await outbox.all(document.getElementById('strip').dataset.person))
            .every((item) => item.state !== 'waiting')""",
    )


def test_network_cut_confirmed_reload_back_online_one_drop_off(road: Any, check: Check) -> None:
    page, _ana, trip, stops = road()
    page.context.set_offline(True)
    expect(strip(page)).to_contain_text("Offline")
    check(page, "offline-trip")
    before = datetime.now(UTC)
    confirm(page, stops[0])
    after = datetime.now(UTC)
    expect(strip(page)).to_contain_text("2 waiting to send")
    expect(page.get_by_text("saved, will send")).to_be_visible()
    expect(page.get_by_text("Stop 2 of 3")).to_be_visible()
    check(page, "offline-saved")

    page.reload()  # from the phone alone
    expect(page.get_by_text("Stop 2 of 3")).to_be_visible()
    expect(page.get_by_text("saved, will send")).to_be_visible()
    expect(strip(page)).to_contain_text("as of")
    [arrived, drop_off] = waiting(page)
    assert (arrived["kind"], drop_off["kind"]) == ("arrived", "drop_off")
    assert 0 < drop_off["photo"] < 400_000, "shrunk before it is kept"
    confirm(page, stops[1], photo=False)
    expect(page.get_by_text("Stop 3 of 3")).to_be_visible()
    page.goto(f"/trip/stops/{stops[0].pk}/drop-off/")
    page.wait_for_url("**/trip/")  # nothing is left to do there
    assert not Proof.objects.exists()

    page.context.set_offline(False)
    expect(strip(page)).to_be_hidden()
    until_sent(page)
    expect(page.get_by_role("button", name="Undo")).to_have_count(2)
    expect(page.get_by_text("Stop 3 of 3")).to_be_visible()
    expect(page.locator("#saved")).to_be_hidden()
    first, second = Proof.objects.order_by("happened_at")
    assert (first.package_id, second.package_id) == tuple(stop.claims.get().package_id for stop in stops[:2]), (
        "in the order in which it happened"
    )
    assert first.photo
    assert not second.photo
    # The true time, to within the seconds that a tap takes; and the server's own beside it.
    assert before - timedelta(seconds=2) <= first.happened_at <= after + timedelta(seconds=2)
    assert first.at > after
    assert Event.objects.filter(trip=trip, verb="deliver").count() == 2
    assert Stop.objects.get(pk=stops[0].pk).arrived_at <= first.happened_at


def test_everything_offline_to_the_end(road: Any, check: Check) -> None:
    page, _ana, trip, stops = road(2)
    page.context.set_offline(True)
    confirm(page, stops[0], photo=False)
    expect(page.get_by_text("Stop 2 of 2")).to_be_visible()  # what is saved has been laid over the kept page
    page.get_by_role("link", name="Problem").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").get_by_text("Choose what is wrong.")).to_be_visible()
    page.get_by_text("Nobody home").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/trip/")
    expect(page.get_by_role("heading", name="could not be left")).to_be_visible()
    check(page, "offline-could-not-be-left")
    page.get_by_role("button", name="Keep it safe until my next shift").click()
    expect(page.locator("h1:visible")).to_have_text("Everything is saved")
    check(page, "offline-all-saved")
    page.reload()
    expect(page.locator("h1:visible")).to_have_text("Everything is saved")
    expect(strip(page)).to_contain_text("waiting to send")
    before = datetime.now(UTC)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="All done. Have a good evening.")).to_be_visible()
    assert DeliveryException.objects.get().reason == "nobody_home"
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED
    assert trip.ended_at is not None
    assert trip.ended_at < before, "when it was kept, not when it was told"
    kept = stops[1].claims.get().package
    assert (kept.state, kept.holder_id) == (PackageState.KEPT, trip.associate_id)
    page.goto("/today/")
    expect(page.get_by_role("heading", name="With you until your next shift")).to_be_visible()
    check(page, "today-kept")


def test_another_try_a_return_and_the_end_of_the_trip_offline(road: Any, check: Check) -> None:
    page, ana, trip, stops = road(2)
    first, second = (stop.claims.get().package for stop in stops)
    page.context.set_offline(True)
    for _twice in range(2):  # nobody home; another try; nobody home; back
        page.get_by_role("link", name="Problem").click()
        page.get_by_text("Nobody home").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/trip/")
        if not _twice:
            page.get_by_role("button", name="Try this door again").click()
            expect(page.get_by_role("link", name="Problem")).to_be_visible()
    page.get_by_role("button", name="Bring it back to the store").click()
    expect(page.get_by_text("Stop 2 of 2")).to_be_visible()
    page.goto("/trip/custody/")
    expect(page.get_by_role("heading", name="In an accident")).to_be_visible()
    expect(page.get_by_role("link", name="Emergency: 911")).to_have_attribute("href", "tel:911")
    check(page, "offline-custody")
    page.get_by_role("link", name="I can’t go on").click()
    page.get_by_text("Trouble with the car").click()
    page.get_by_role("button", name="End the trip").click()
    page.wait_for_url("**/trip/")
    expect(page.locator("h1:visible")).to_have_text("Everything is saved")
    expect(strip(page)).to_contain_text("5 waiting to send")
    assert not Event.objects.filter(verb__in=["attempt", "return"]).exists()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="This trip is over")).to_be_visible()
    expect(page.get_by_text("Still in your hands")).to_be_visible()
    told = Event.objects.filter(trip=trip, package=first).order_by("version").values_list("verb", flat=True)
    assert list(told)[-4:] == ["attempt", "retry", "attempt", "return"]
    second.refresh_from_db()
    assert (second.state, second.holder_id) == (PackageState.RETURNING, ana.pk)
    happened = list(Event.objects.filter(trip=trip).order_by("happened_at", "pk").values_list("verb", flat=True))[-5:]
    assert happened == ["attempt", "retry", "attempt", "return", "return"]


def test_another_order_offline(road: Any) -> None:
    page, _ana, trip, stops = road(3)
    page.context.set_offline(True)
    addresses = [stop.claims.get().package.address1 for stop in stops]
    for _place in range(2):
        page.get_by_role("button", name=re.compile(f"Earlier.*{addresses[2]}")).click()
    expect(page.locator("h1:visible")).to_have_text(addresses[2])
    expect(page.get_by_text("Stop 1 of 3")).to_be_visible()
    page.reload()
    expect(page.locator("h1:visible")).to_have_text(addresses[2])
    page.context.set_offline(False)
    until_sent(page)
    expect(page.locator("#saved")).to_be_hidden()
    assert [stop.pk for stop in trip.stops.all()] == [stops[2].pk, stops[0].pk, stops[1].pk]
    assert Event.objects.filter(trip=trip, verb="reorder").values("at").distinct().count() == 2


def test_undone_offline_within_the_minute(road: Any) -> None:
    page, _ana, trip, stops = road(1)
    confirm(page, stops[0])
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#saved").get_by_text("drop-off taken back")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    page.context.set_offline(False)
    expect(page.get_by_text("Stop 1 of 1")).to_be_visible()
    trip.refresh_from_db()
    assert trip.state == TripState.UNDER_WAY
    assert Proof.objects.get().undone_at is not None


def test_a_pin_without_a_signal(road: Any, check: Check) -> None:
    page, _ana, _trip, stops = road(1)
    package = stops[0].claims.get().package
    Package.objects.filter(pk=package.pk).update(pin_required=True)
    package.refresh_from_db()
    page.goto(f"/trip/stops/{stops[0].pk}/drop-off/")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Ask for the PIN")
    page.get_by_label("PIN for").fill("0000" if pins.pin_of(package) != "0000" else "1111")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("4 tries are left")
    check(page, "drop-off-pin")
    page.context.set_offline(True)
    page.get_by_label("PIN for").fill(pins.pin_of(package))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Take a photo as well")
    page.get_by_label("Photo of the package").set_input_files(
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo_of_a_door()}
    )
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/trip/")
    page.context.set_offline(False)
    until_sent(page)
    assert Proof.objects.get().pin == Proof.Pin.RIGHT


def test_the_phone_tells_where_it_is_until_the_last_stop(road: Any, check: Check) -> None:
    page, _ana, trip, stops = road(1)
    away = {"latitude": stops[0].lat - 0.03, "longitude": stops[0].lon - 0.03, "accuracy": 9}
    page.context.set_geolocation(away)  # type: ignore[arg-type]
    page.reload()
    expect(page.get_by_text("The next customer sees roughly where you are")).to_be_visible()
    check(page, "trip-sharing")
    deadline = datetime.now(UTC) + timedelta(seconds=15)
    while Trip.objects.get(pk=trip.pk).seen_at is None:
        assert datetime.now(UTC) < deadline
        page.wait_for_timeout(100)
    seen = Trip.objects.get(pk=trip.pk)
    assert (seen.seen_lat, seen.seen_lon) != (away["latitude"], away["longitude"])
    page.get_by_role("button", name="Stop showing it").click()
    expect(page.get_by_text("Nobody sees where you are.")).to_be_visible()
    until_nowhere(page, trip)
    page.reload()
    expect(page.get_by_text("Nobody sees where you are.")).to_be_visible()
    page.get_by_role("button", name="Show the next customer roughly where I am").click()
    expect(page.get_by_text("The next customer sees roughly where you are")).to_be_visible()
    confirm(page, stops[0])
    expect(page.get_by_role("heading", name="All done. Have a good evening.")).to_be_visible()
    expect(page.locator("#sharing")).to_have_count(0)
    until_nowhere(page, trip)


def until_nowhere(page: Page, trip: Trip) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=15)
    while Trip.objects.get(pk=trip.pk).seen_at is not None:
        assert datetime.now(UTC) < deadline
        page.wait_for_timeout(100)


def test_a_phone_that_does_not_find_itself_says_so(road: Any, check: Check) -> None:
    page, _ana, _trip, stops = road(1)
    page.context.set_geolocation({"latitude": stops[0].lat - 0.03, "longitude": stops[0].lon, "accuracy": 9})
    page.clock.install()
    page.reload()
    expect(page.get_by_text("The next customer sees roughly where you are")).to_be_visible()
    page.clock.fast_forward(150_000)
    expect(page.get_by_text("Your phone has not found where it is")).to_be_visible()
    page.clock.resume()
    check(page, "trip-position-old")
    page.context.set_geolocation({"latitude": stops[0].lat - 0.02, "longitude": stops[0].lon, "accuracy": 9})
    expect(page.get_by_text("The next customer sees roughly where you are")).to_be_visible()


def test_taken_back_before_it_was_sent(road: Any) -> None:
    page, _ana, _trip, stops = road()
    page.context.set_offline(True)
    confirm(page, stops[0], photo=False)
    expect(page.get_by_text("Stop 2 of 3")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Stop 1 of 3")).to_be_visible()
    page.context.set_offline(False)
    until_sent(page)
    assert not Proof.objects.exists()
    confirm(page, stops[0], photo=False, arrive=False)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Stop 1 of 3")).to_be_visible()
    until_sent(page)
    expect(page.get_by_text("Stop 1 of 3")).to_be_visible()
    assert Proof.objects.get().undone_at is not None


def test_a_tap_is_not_lost_when_the_page_looks_again(road: Any) -> None:
    """The finger is down while the answer of a look arrives: what is under it stays until it is up."""
    page, _ana, _trip, stops = road()
    page.get_by_role("button", name="I have arrived").click()
    link = page.get_by_role("link", name="Drop off")
    link.hover()
    page.mouse.down()
    part = page.locator("#live").element_handle()
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers) as asked:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")
    asked.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done, 300))")
    assert part.evaluate("(part) => part.isConnected")
    page.mouse.up()
    expect(page).to_have_url(re.compile(f"/trip/stops/{stops[0].pk}/drop-off/$"))


def test_a_look_that_waited_for_a_finger_is_made_up_for(road: Any) -> None:
    page, _ana, _trip, _stops = road()
    part = page.locator("#live").element_handle()
    page.mouse.move(2, 2)
    page.mouse.down()
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers) as asked:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")
    asked.value.finished()
    assert part.evaluate("(part) => part.isConnected")
    page.mouse.up()
    until(page, "(part) => !part.isConnected", part)
    expect(page.get_by_text("Stop 1 of 3")).to_be_visible()


def test_sent_twice_and_in_reverse_is_once(road: Any) -> None:
    """The answer is lost every time but the last; the queue is sent from its end."""
    page, _ana, trip, stops = road()
    page.context.set_offline(True)
    for number, stop in enumerate(stops, 1):
        expect(page.get_by_text(f"Stop {number} of 3")).to_be_visible()
        confirm(page, stop, photo=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Everything is saved")
    turned = page.evaluate(
        """async () => {
            const items = await outbox.all(document.getElementById('strip').dataset.person);
            return items.reverse();
        }"""
    )
    person = page.locator("#strip").get_attribute("data-person") or ""
    for _turn in range(2):
        for item in turned:  # the phone's own request, answered into nothing
            token = page.request.get("/trip/sync/").json()["csrf"]
            form = {
                **item["fields"],
                "key": item["key"],
                "person": person,
                "kind": item["kind"],
                "stop": str(item["stop"]),
            }
            if item["packages"]:
                form["package"] = str(item["packages"][0])
            answer = page.request.post(
                "/trip/sync/", multipart={**form, "age_ms": "1000"},
                headers={"X-CSRFToken": token, "Referer": page.url},
            )  # fmt: skip
            assert answer.ok, answer.text()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("All done. Have a good evening.")
    assert Proof.objects.count() == len(stops)
    assert Event.objects.filter(trip=trip, verb="deliver").count() == len(stops)
    trip.refresh_from_db()
    assert trip.ended_at == max(proof.happened_at for proof in Proof.objects.all())


def test_online_is_said_before_the_line_carries(road: Any) -> None:
    """What failed just then is tried again within seconds, not at the next look in twenty: by the page itself, on a phone
    whose browser knows no background sync (an iPhone's). Elsewhere the worker may be quicker."""
    page, _ana, _trip, stops = road(1)
    page.add_init_script("delete ServiceWorkerRegistration.prototype.sync")
    page.reload()
    until(page, "navigator.serviceWorker.ready.then((registration) => !registration.sync)")
    page.context.set_offline(True)
    confirm(page, stops[0], photo=False)
    expect(strip(page)).to_be_visible()  # before it is, there is nothing that could be gone
    asked: list[str] = []

    def fail_at_first(route: Route) -> None:
        asked.append(route.request.method)
        if len(asked) <= 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/trip/sync/", fail_at_first)
    page.context.set_offline(False)
    until(page, "!document.getElementById('strip').checkVisibility()", seconds=15)
    assert asked[:3] == ["GET", "GET", "GET"]
    assert Proof.objects.exists()


def test_signed_out_meanwhile_keeps_the_queue(road: Any) -> None:
    page, ana, _trip, stops = road()
    page.context.set_offline(True)
    confirm(page, stops[0])
    Session.objects.all().delete()
    page.context.set_offline(False)
    expect(strip(page)).to_contain_text("sign in again")
    strip(page).get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/accounts/login/**")
    until(page, "caches.has('pages').then((has) => !has)")  # what was kept for Ana goes with her session
    # Somebody else signs in on this phone: sees nothing of it, sends nothing of it.
    ben = make.associate(ana.store)
    evening.sign_in_by_form(page, ben)
    expect(strip(page)).to_be_hidden()
    sign_out(page)
    assert not Proof.objects.exists()
    evening.sign_in_by_form(page, ana)
    page.goto("/trip/")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert Proof.objects.get().photo


def test_another_order_of_the_stops(road: Any) -> None:
    page, _ana, trip, stops = road()
    first, second = (stop.claims.get().package.address1 for stop in stops[:2])
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    page.get_by_role("button", name=re.compile(f"Earlier.*{second}")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(second)
    expect(page.locator("#announce")).to_have_text(f"{second} comes earlier")
    until_sent(page)
    expect(page.locator("#saved")).to_be_hidden()
    # The phone has the new order, too; a page is kept when it has been shown already.
    until(page, KEPT_FIRST, second)
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(second)
    assert trip.stops.first() == stops[1]


def test_what_the_server_refuses_is_shown_with_a_way_out(road: Any, check: Check) -> None:
    page, ana, _trip, stops = road(2)
    page.context.set_offline(True)
    confirm(page, stops[0])
    # The store hears by phone that it cannot be left there, before the phone has a signal.
    package = stops[0].claims.get().package
    exceptions.attempt(package=package, reason="unsafe", by=ana, now=timezone.now(), key=uuid4())
    page.context.set_offline(False)
    alert = page.get_by_role("alert").filter(has_text="no longer possible")
    expect(alert).to_be_visible()
    check(page, "offline-refused")
    page.reload()
    expect(alert).to_be_visible()
    expect(alert.get_by_role("link", name="Open the stop")).to_have_attribute(
        "href", f"/trip/stops/{stops[0].pk}/drop-off/"
    )
    exceptions.retry(package=package, by=ana, now=timezone.now())
    alert.get_by_role("button", name="Send it again").click()
    expect(alert).to_be_hidden()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert Proof.objects.get().photo, "the photo was kept until the server had it"


def test_too_far_is_asked_without_a_signal(road: Any) -> None:
    page, _ana, _trip, stops = road(1)
    page.context.set_offline(True)
    page.get_by_role("button", name="I have arrived").click()
    page.context.set_geolocation({"latitude": stops[0].lat + 0.02, "longitude": stops[0].lon, "accuracy": 9})
    page.get_by_role("link", name="Drop off").click()
    expect(page.get_by_label("Why is it left here?")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert").get_by_text("away from the address")).to_be_visible()
    page.get_by_label("Why is it left here?").fill("Met at the gate")
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/trip/")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("All done. Have a good evening.")
    proof = Proof.objects.get()
    assert proof.far
    assert proof.far_reason == "Met at the gate"


def test_a_page_that_is_not_kept_says_so(road: Any, check: Check) -> None:
    page, _ana, _trip, _stops = road(1)
    page.context.set_offline(True)
    page.goto("/earnings/")
    expect(page.get_by_role("heading", level=1)).to_have_text("No signal here")
    check(page, "offline-page")
    page.get_by_role("link", name="My trip").click()
    expect(page.get_by_text("Stop 1 of 1")).to_be_visible()
    # What needs the server says so instead of leaving for the browser's error page.
    page.get_by_role("link", name="Hand packages over to a colleague").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No signal here")
    page.context.set_offline(False)


def test_a_note_waits_for_the_next_page_somebody_sees(road: Any) -> None:
    """The worker fetches stops in the background: nobody reads those, so the note is not for them."""
    page, _ana, _trip, stops = road(1)
    note = CookieStorage(HttpRequest())._encode([Message(constants.SUCCESS, "Saved just now.")])  # type: ignore[attr-defined]
    page.context.add_cookies([{"name": "messages", "value": note, "url": page.evaluate("location.origin")}])
    stop = f"/trip/stops/{stops[0].pk}/drop-off/"
    page.evaluate("async (path) => (await caches.open('pages')).delete(path, { ignoreVary: true })", stop)
    page.evaluate("(path) => navigator.serviceWorker.controller.postMessage({ keep: [path] })", stop)
    kept = "async (path) => (await (await caches.match(path, { ignoreVary: true }))?.text()) ?? ''"
    until(page, f"async (path) => ({kept})(path).then((text) => text.includes('</html>'))", stop)
    assert "Saved just now." not in page.evaluate(kept, stop)
    page.goto("/trip/")
    expect(page.get_by_text("Saved just now.")).to_be_visible()
    page.goto("/trip/")
    expect(page.get_by_text("Saved just now.")).to_have_count(0)


def test_sign_out_forgets_the_pages(road: Any) -> None:
    page, _ana, _trip, _stops = road(1)
    sign_out(page)
    until(page, "caches.has('pages').then((has) => !has)")
    page.context.set_offline(True)
    page.goto("/trip/")
    expect(page.get_by_role("heading", level=1)).to_have_text("No signal here")


def test_what_a_page_asks_to_keep_as_it_goes_does_not_outlive_the_sign_out(road: Any) -> None:
    """The trip's last request to keep its stops may reach the worker when the sign-out is through."""
    page, _ana, _trip, stops = road(1)
    sign_out(page)
    until(page, "caches.has('pages').then((has) => !has)")
    came_back = page.evaluate(
        """async (url) => {
            const worker = navigator.serviceWorker;
            const answered = new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
            worker.startMessages();
            worker.controller.postMessage({ keep: [url] });
            worker.controller.postMessage({ ask: "kept?" });
            await answered;
            return caches.has("pages");
        }""",
        f"/trip/stops/{stops[0].pk}/",
    )
    assert not came_back
