"""Scanning with the camera: Chromium's fake one shows a picture of a real label of ours."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from deliveries import actors
from deliveries.actions import claims, handover, trips
from deliveries.models import Package, Trip
from deliveries.states import PackageState
from tests import make
from tests.live.server import Web

from . import evening
from .conftest import CHROMIUM, FLAGS, PHONE
from .test_staff import DESK
from .test_staff import sign_in as sign_in_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Check = Callable[[Page, str], None]
Filmed = Callable[[Image.Image], Callable[..., Page]]
# Code 128: widths of bars and gaps, for code set C with the pairs of one label (ISO/IEC 15417, table 1).
BARS = {"start": "211232", "12": "112232", "34": "131123", "56": "331121", "44": "132131", "stop": "2331112"}


@pytest.fixture
def filmed(browser: Browser, web: Web, tmp_path: Path, trouble: list[str]) -> Iterator[Filmed]:
    """`filmed(picture)`: makes phones whose camera sees this picture, in a browser of their own."""
    open_browsers: list[Browser] = []

    def make_camera(picture: Image.Image) -> Callable[..., Page]:
        frame = Image.new("RGB", (640, 480), "#8a6d4b")  # cardboard
        picture = picture.convert("RGB")
        picture.thumbnail((420, 320))
        frame.paste(picture, ((640 - picture.width) // 2, (480 - picture.height) // 2))
        one = io.BytesIO()
        frame.save(one, "JPEG", quality=92)
        film = tmp_path / f"{uuid4()}.mjpeg"
        film.write_bytes(one.getvalue() * 10)
        chromium = browser.browser_type.launch(
            executable_path=CHROMIUM,
            args=[
                *FLAGS, "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}",
            ],
        )  # fmt: skip
        open_browsers.append(chromium)

        def phone(**options: Any) -> Page:
            context = chromium.new_context(
                **{
                    "viewport": PHONE, "is_mobile": True, "has_touch": True, "locale": "en-US",
                    "base_url": web.address, "reduced_motion": "reduce", "permissions": ["camera"], **options,
                }
            )  # fmt: skip
            context.set_default_timeout(20_000)
            page = context.new_page()
            page.on("pageerror", lambda error: trouble.append(str(error)))
            return page

        return phone

    yield make_camera
    for each in open_browsers:
        each.close()
    assert not trouble, trouble


def label_of(page: Page, package: Package) -> Image.Image:
    """The package's label, as the store prints it."""
    sign_in_staff(page, make.staff(package.store))
    page.goto(f"/admin/labels/?ids={package.pk}")
    found = page.locator(".hw-label").screenshot(scale="css")
    return Image.open(io.BytesIO(found))


def code_128(code: str) -> Image.Image:
    """`code` as bars; one whose pairs are in BARS. The check digit of 123456 is (105 + 12 + 2*34 + 3*56) % 103 = 44."""
    widths = "".join(BARS[key] for key in ("start", *(code[i : i + 2] for i in range(0, 6, 2)), "44", "stop"))
    picture = Image.new("RGB", (3 * (sum(map(int, widths)) + 20), 160), "white")
    draw, x = ImageDraw.Draw(picture), 30
    for number, width in enumerate(widths):
        if number % 2 == 0:
            draw.rectangle((x, 10, x + 3 * int(width) - 1, 150), fill="black")
        x += 3 * int(width)
    return picture


def claimed(number: int = 2) -> tuple[Any, Trip, list[Package]]:
    ana, _packages, offer = evening.offered(evening.store(), number)
    trip = claims.claim(
        planned=claims.planned_from(offer), shown=offer.quote_digest, by=ana, now=datetime.now(UTC), key=uuid4(),
        offer=offer,
    )  # fmt: skip
    return ana, trip, [claim.package for claim in trip.claims.order_by("stop__position").select_related("package")]


def test_the_label_of_the_store_is_scanned_at_the_bay(phone: Callable[..., Page], filmed: Filmed, check: Check) -> None:
    ana, trip, packages = claimed()
    page = filmed(label_of(phone(**DESK), packages[0]))()
    evening.sign_in(page, ana)
    page.goto("/trip/")
    loaded = "performance.getEntriesByType('resource').some(({ name }) => name.includes('scan.js'))"
    assert not page.evaluate(loaded), "the scanner is loaded by whoever scans"
    page.get_by_role("button", name="Scan with the camera").click()
    said = page.locator("#scanner [data-said]")
    expect(said).to_contain_text(f"{packages[0].label} is with you. 1 of 2.")
    check(page, "scan-loaded")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("1 of 2 with you")).to_be_visible()
    page.get_by_role("button", name="Scan with the camera").click()
    expect(said).to_contain_text("was scanned before. 1 of 2")  # twice is once
    page.get_by_role("button", name="Close").click()
    packages[0].refresh_from_db()
    assert (packages[0].state, packages[0].holder_id) == (PackageState.LOADED, ana.pk)
    # The other one by hand, the equal way.
    page.get_by_role("button", name="Scan with the camera").click()
    page.get_by_role("button", name="Type the code").click()
    expect(page.get_by_label("Code on the label")).to_be_focused()
    page.keyboard.type(packages[1].label)
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 of 2 with you")).to_be_visible()
    assert Trip.objects.get(pk=trip.pk).packages.filter(state=PackageState.LOADED).count() == 2


def test_a_package_of_another_trip_and_code_128(filmed: Filmed) -> None:
    ana, _trip, packages = claimed()
    stranger = make.package(packages[0].store, label="123456", now=datetime.now(UTC))
    page = filmed(code_128("123456"))()
    evening.sign_in(page, ana)
    page.goto("/trip/")
    page.get_by_role("button", name="Scan with the camera").click()
    said = page.locator("#scanner [data-said]")
    expect(said).to_have_text("123456: That package is not on this trip. Put it back on the bay.")
    stranger.refresh_from_db()
    assert stranger.state == PackageState.STAGED
    page.keyboard.press("Escape")
    expect(page.locator("#scanner")).to_be_hidden()
    expect(page.locator("#scanner video")).to_have_js_property("srcObject", None)


def test_the_bars_of_the_stores_label_are_read(phone: Callable[..., Page], filmed: Filmed) -> None:
    """The QR code out of sight: what the reader finds are the bars, as they are on the screen and on paper."""
    ana, _trip, packages = claimed()
    desk = phone(**DESK)
    label_of(desk, packages[0])
    bars = desk.locator(".hw-bars").screenshot(scale="css")
    page = filmed(Image.open(io.BytesIO(bars)))()
    evening.sign_in(page, ana)
    page.goto("/trip/")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#scanner [data-said]")).to_contain_text(f"{packages[0].label} is with you. 1 of 2.")


def test_at_the_door_the_wrong_package_is_told(filmed: Filmed, check: Check) -> None:
    ana, trip, packages = claimed()
    Package.objects.filter(pk=packages[1].pk).update(label="123456")
    packages[1].refresh_from_db()
    for package in packages:
        handover.load(trip=trip, label=package.label, by=actors.associate(ana.user_id), now=datetime.now(UTC))
    trips.depart(trip=trip, by=ana, now=datetime.now(UTC))
    page = filmed(code_128("123456"))()
    evening.sign_in(page, ana)
    first, second = trip.stops.all()
    page.goto(f"/trip/stops/{first.pk}/drop-off/")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#scanner [data-said]")).to_have_text("123456 is not for this door. Look for another one.")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#checked")).to_contain_text("not for this door")
    page.get_by_label("Is it the right package?").fill(packages[0].label.lower())
    page.keyboard.press("Enter")
    expect(page.locator("#checked")).to_have_text(f"{packages[0].label} is right for this door.")
    check(page, "drop-off-checked")
    page.goto(f"/trip/stops/{second.pk}/drop-off/")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#checked")).to_have_text("123456 is right for this door.")
    expect(page.locator("#scanner")).to_be_hidden()


def test_no_permission_leads_to_the_way_by_hand(filmed: Filmed, check: Check) -> None:
    ana, _trip, packages = claimed(1)
    page = filmed(Image.new("RGB", (100, 100)))(permissions=[])
    evening.sign_in(page, ana)
    page.goto("/trip/")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#scanner [data-said]")).to_contain_text("The camera is not allowed for this page.")
    check(page, "scan-denied")
    page.get_by_role("button", name="Type the code").click()
    expect(page.get_by_label("Code on the label")).to_be_focused()
    page.keyboard.type(packages[0].label)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Leave", exact=True)).to_be_visible()


def test_no_camera(phone: Callable[..., Page]) -> None:
    ana, _trip, _packages = claimed(1)
    page = phone(permissions=["camera"])
    evening.sign_in(page, ana)
    page.goto("/trip/")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#scanner [data-said]")).to_contain_text("There is no camera here.")
