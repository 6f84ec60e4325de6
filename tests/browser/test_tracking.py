"""The customer's page in a real Chromium, before a real server, while packages move."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import time as clock_time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, Route, WebSocketRoute, expect, sync_playwright

from deliveries import actors, links
from deliveries.actions import cancelling, carriers, exceptions, receiving, trips
from deliveries.models import Package
from stores.models import OpeningHours

from .. import make
from ..live import road
from ..live.server import Web
from . import quality
from .conftest import FLAGS
from .evening import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE = {"width": 390, "height": 844}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread; our ORM calls do not mind
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture(scope="module")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Web(tmp_path_factory.mktemp("web") / "web.log") as server:
        yield server


@pytest.fixture
def phone(chromium: Browser, site: Web) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=PHONE, base_url=site.address, locale="en-US")
    yield context
    context.close()


def open_page(phone: BrowserContext, token: str) -> Page:
    """The page, live; fails the test when the browser complains about anything."""
    page = phone.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.on("console", lambda line: pytest.fail(line.text) if "Content Security Policy" in line.text else None)
    page.goto(f"/t/{token}/")
    expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    page.evaluate("window.neverReloaded = true")
    return page


def headline(page: Page) -> str:
    return page.locator("#live h1").inner_text()


def test_the_page_changes_by_itself(phone: BrowserContext) -> None:
    made = road.loaded(2)
    page = open_page(phone, made.tokens[1])
    assert headline(page) == "Somebody from your store will bring it"
    began = time.perf_counter()
    trips.depart(trip=made.trip, by=made.ana, now=timezone.now())
    expect(page.locator("#live h1")).to_have_text("Your package is on the way")
    print(f"tap to text on the page: {1000 * (time.perf_counter() - began):.0f} ms")  # noqa: T201
    expect(page.locator(".stops")).to_have_text("1 stop before yours")
    made.deliver(made.packages[0])
    expect(page.locator("#live h1")).to_have_text("You are the next stop")
    expect(page.get_by_role("status")).to_contain_text("You are the next stop. Expected")
    made.deliver(made.packages[1], photo=picture())
    expect(page.locator("#live h1")).to_have_text("Your package was delivered")
    photo = page.locator(".photo img")
    expect(photo).to_be_visible()
    until(page, "document.querySelector('.photo img').naturalWidth > 0")
    assert page.evaluate("window.neverReloaded"), "all of it without a reload"


def test_without_script_the_page_is_whole(chromium: Browser, site: Web) -> None:
    made = road.under_way(2)
    context = chromium.new_context(viewport=PHONE, base_url=site.address, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"/t/{made.tokens[1]}/")
        assert headline(page) == "Your package is on the way"
        assert 'content="60"' in page.content(), "and it looks again by itself"
        expect(page.locator("#connection")).to_contain_text("As of")
        made.deliver(made.packages[0])
        page.get_by_role("link", name="Look again").click()
        expect(page.locator("#live h1")).to_have_text("You are the next stop")
        page.get_by_role("link", name="Español").click()
        expect(page.locator("html")).to_have_attribute("lang", "es")
    finally:
        context.close()


def test_a_restarted_server_is_found_again(phone: BrowserContext, site: Web) -> None:
    made = road.under_way(1)
    page = open_page(phone, made.tokens[0])
    site.stop()
    expect(page.locator("#connection")).not_to_have_attribute("data-is", "live")
    expect(page.locator("#connection-text")).to_contain_text("Updated")
    made.deliver(made.packages[0])
    assert headline(page) == "You are the next stop", "it cannot know yet, and does not claim to be live"
    site.start()
    expect(page.locator("#live h1")).to_have_text("Your package was delivered", timeout=40_000)
    expect(page.locator("#connection")).to_have_attribute("data-is", "live", timeout=40_000)
    assert page.evaluate("window.neverReloaded")


def test_a_phone_that_was_offline_catches_up(phone: BrowserContext) -> None:
    made = road.under_way(1)
    page = open_page(phone, made.tokens[0])
    phone.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    phone.set_offline(False)
    made.deliver(made.packages[0])
    expect(page.locator("#live h1")).to_have_text("Your package was delivered")


def test_a_phone_that_slept_asks_when_it_wakes_and_opens_a_new_socket(phone: BrowserContext) -> None:
    """Its first socket is open and dead, as after an hour in a pocket: nothing comes through it, and nothing closes it."""
    made = road.under_way(1)
    sockets: list[WebSocketRoute] = []

    def first_one_is_deaf(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if len(sockets) > 1:
            socket.connect_to_server()

    page = phone.new_page()
    page.route_web_socket(re.compile("/ws/t/"), first_one_is_deaf)
    page.clock.install()
    page.goto(f"/t/{made.tokens[0]}/")
    until(page, "document.getElementById('connection').dataset.is !== undefined")
    assert headline(page) == "You are the next stop"
    made.deliver(made.packages[0])
    page.clock.pause_at(timezone.now() + timedelta(hours=1))  # no timer of the page ran meanwhile but once
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.resume()
    expect(page.locator("#live h1")).to_have_text("Your package was delivered")
    expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    assert len(sockets) > 1


def test_the_door_is_put_on_a_map(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> None:
    """Where the store has a map's pictures, a weak pin is put where it belongs by a tap, and not beyond its limit."""
    tiles = {"MAP_TILES_URL": "https://tiles.example.com/{z}/{x}/{y}.png", "MAP_TILES_ATTRIBUTION": "Nobody"}
    package = make.package(make.store(), now=timezone.now(), precision="zip")
    with Web(tmp_path_factory.mktemp("tiles") / "web.log", **tiles) as server:
        context = chromium.new_context(viewport=PHONE, base_url=server.address, locale="en-US")
        page = context.new_page()
        asked: list[str] = []

        def tile(route: Route) -> None:
            asked.append(route.request.headers.get("referer", ""))
            route.fulfill(body=tile_png(), content_type="image/png")

        page.route("https://tiles.example.com/**", tile)
        page.goto(f"/t/{token_of(package)}/")
        page.get_by_role("link", name="Show where my door is").click()
        ground = page.locator("#map.leaflet-container")
        expect(ground).to_be_visible()
        box = ground.bounding_box()
        assert box is not None
        until(page, "document.querySelectorAll('.leaflet-tile-loaded').length > 0")
        ground.click(position={"x": box["width"] / 2, "y": 4})
        expect(page.locator("#far")).to_be_visible()
        said = page.locator("#said")
        for tap in range(4):
            ground.click(position={"x": box["width"] / 2, "y": box["height"] / 2 + (20 if tap == 0 else -20)})
            expect(page.locator("#far")).to_be_hidden()
            if said.inner_text() == "Moved. Save it below.":
                break
            expect(said).to_have_text("Nearly there. Tap your house, then save it below.")
        expect(said).to_have_text("Moved. Save it below.")
        quality.check_page(page, "customer-pin-map")
        page.get_by_role("button", name="Save the pin").click()
        expect(page.get_by_role("status").first).to_contain_text("The pin is where you put it")
        assert asked
        assert not any("/t/" in referrer for referrer in asked), "whoever draws the map does not learn the link"
        context.close()
    moved = Package.objects.get(pk=package.pk)
    assert moved.precision == "manual"
    assert (moved.lat, moved.lon) != (package.lat, package.lon)


def tile_png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (256, 256), "#dde5e2").save(file, "PNG")
    return file.getvalue()


def test_where_sockets_are_not_let_through_it_asks(phone: BrowserContext) -> None:
    made = road.under_way(1)
    page = phone.new_page()
    page.route_web_socket(re.compile("/ws/t/"), lambda socket: socket.close(code=1013))
    page.clock.install()
    page.goto(f"/t/{made.tokens[0]}/")
    assert headline(page) == "You are the next stop"
    made.deliver(made.packages[0])
    deadline = time.monotonic() + 20
    while page.locator("#connection").get_attribute("data-is") != "polling":
        assert time.monotonic() < deadline
        page.clock.run_for(5_000)
    expect(page.locator("#connection")).to_have_attribute("data-is", "polling")
    expect(page.locator("#live h1")).to_have_text("Your package was delivered")


def test_older_news_is_dropped_and_silence_is_not_called_live(phone: BrowserContext) -> None:
    made = road.under_way(1)
    sockets: list[WebSocketRoute] = []
    page = phone.new_page()
    page.route_web_socket(re.compile("/ws/t/"), lambda socket: sockets.append(socket))
    page.clock.install(time=timezone.now())
    page.clock.pause_at(timezone.now() + timedelta(hours=1))  # from here on time passes only where this test says so
    page.goto(f"/t/{made.tokens[0]}/")
    deadline = time.monotonic() + 20
    while not sockets:
        assert time.monotonic() < deadline, "the page opened no socket"
        page.wait_for_timeout(50)
    now = [int(part) for part in page.locator("#live").get_attribute("data-version").split(".")]  # type: ignore[union-attr]

    def say(version: list[int], text: str) -> None:
        html = f"<section><h1>{text}</h1></section>"
        sockets[0].send(json.dumps({"type": "state", "version": version, "again_s": None, "html": html}))

    say([now[0] + 1, now[1]], "newer")
    expect(page.locator("#live h1")).to_have_text("newer")
    for older in ([now[0], now[1] + 9], [now[0] + 1, now[1] - 1]):
        say(older, "older")
    say([now[0] + 1, now[1]], "the same, said again")
    expect(page.locator("#live h1")).to_have_text("the same, said again")
    expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    page.route("**/state*", lambda route: route.abort())
    page.clock.run_for(49_000)
    expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    page.clock.run_for(2_000)
    expect(page.locator("#connection")).not_to_have_attribute("data-is", "live")


def test_a_link_that_ends_says_so_on_the_open_page(phone: BrowserContext) -> None:
    made = road.under_way(1)
    page = open_page(phone, made.tokens[0])
    links.revoke(package=made.packages[0], now=timezone.now())
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This link is not valid any more")


# --- Every state, light and dark --------------------------------------------------------------------------------------


def picture() -> bytes:
    """A porch with a parcel, drawn."""
    image = Image.new("RGB", (800, 600), "#cfd8dc")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 430, 800, 600), fill="#8d8d86")
    draw.rectangle((250, 60, 550, 430), fill="#6d3b2e")
    draw.rectangle((285, 95, 395, 240), fill="#7f4a3b")
    draw.rectangle((410, 95, 515, 240), fill="#7f4a3b")
    draw.ellipse((505, 250, 530, 275), fill="#d9b45b")
    draw.rectangle((300, 410, 500, 540), fill="#c49a6c")
    draw.rectangle((385, 410, 415, 540), fill="#e6d3ae")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def preparing() -> str:
    return token_of(make.package(make.store(phone="+1 201 555 0100"), staged=False, now=timezone.now()))


def ready() -> str:
    return token_of(make.package(make.store(), now=timezone.now()))


def with_associate() -> str:
    return road.claimed(1).tokens[0]


def on_the_way() -> str:
    return road.under_way(3).tokens[-1]


def late() -> str:
    made = road.under_way(3)
    Package.objects.filter(pk=made.packages[-1].pk).update(deliver_by=timezone.now() + timedelta(minutes=1))
    return made.tokens[-1]


def next_stop() -> str:
    return road.under_way(2).tokens[0]


def delivered() -> str:
    made = road.under_way(2)
    made.deliver(made.packages[0], photo=picture())
    return made.tokens[0]


def attempted() -> str:
    made = road.under_way(1)
    exceptions.attempt(package=made.packages[0], reason="nobody_home", by=made.ana, now=timezone.now(), key=uuid4())
    return made.tokens[0]


def rescheduled() -> str:
    made = road.under_way(1)
    exceptions.attempt(package=made.packages[0], reason="unsafe", by=made.ana, now=timezone.now(), key=uuid4())
    exceptions.keep(package=made.packages[0], by=made.ana, now=timezone.now())
    return made.tokens[0]


def coming_back() -> str:
    made = road.under_way(1)
    exceptions.bring_back(package=made.packages[0], by=made.ana, now=timezone.now())
    return made.tokens[0]


def with_carrier() -> str:
    package = make.package(make.store(), now=timezone.now())
    carriers.tender(store=package.store, packages=[package], by=BY, now=timezone.now(), reason="x")
    return token_of(package)


def pick_up() -> str:
    package = make.package(make.store(), now=timezone.now())
    OpeningHours.objects.create(store=package.store, weekday=2, opens=clock_time(7), closes=clock_time(21))
    receiving.hold(package=package, by=BY, now=timezone.now(), reason="x")
    return token_of(package)


def collected() -> str:
    package = make.package(make.store(), now=timezone.now())
    receiving.hold(package=package, by=BY, now=timezone.now(), reason="x")
    receiving.collect(package=package, by=BY, now=timezone.now())
    return token_of(package)


def cancelled() -> str:
    package = make.package(make.store(), now=timezone.now())
    cancelling.cancel(package=package, by=BY, now=timezone.now(), reason="x")
    return token_of(package)


def not_valid() -> str:
    return "not-a-link"


def token_of(package: Package) -> str:
    return links.issue(package=package, now=timezone.now())


BY = actors.system("test")
STATES = [
    preparing, ready, with_associate, on_the_way, late, next_stop, delivered, attempted, rescheduled, coming_back,
    with_carrier, pick_up, collected, cancelled, not_valid,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_state_is_for_everybody(phone: BrowserContext, state: Callable[[], str]) -> None:
    """One look at everything that a page on a phone has to hold."""
    page = phone.new_page()
    page.goto(f"/t/{state()}/")
    if state is not not_valid:
        expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    if state is delivered:
        until(page, "document.querySelector('.photo img').naturalWidth > 0")
    quality.check_page(page, f"tracking-{state.__name__}")
