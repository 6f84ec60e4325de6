"""The store's pages in a real Chromium, on a handheld and on the desk, while packages move."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from deliveries import actors
from deliveries.actions import receiving, trips
from deliveries.models import Package, Trip
from stores.models import StaffMember, Store, User
from tests import make
from tests.live.server import Web
from tests.staff import world
from tests.staff.world import World

from . import evening
from .quality import RULES, SCHEMES, check_rules

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK = {"viewport": {"width": 1360, "height": 900}, "is_mobile": False, "has_touch": False}
Phone = Callable[..., Page]
# What unfold's own frame does not keep, by axe's name: its heading and its side bar's switch stand in no landmark.
UNFOLDS_OWN = ["region"]
# On its lists and forms, what scrolls has one name wherever it stands.
UNFOLDS_LISTS = ["region", "landmark-unique"]


@pytest.fixture
def city(web: object) -> World:
    """An evening in the middle, on the real clock."""
    return world.build("Harbor", store=evening.store(name="Harbor store"), now=datetime.now(UTC))


def sign_in(page: Page, user: User) -> None:
    """The page is then tonight's board."""
    evening.let_in(page, "/admin/login/", username=user.email)
    page.goto("/admin/tonight/")


def sign_in_by_form(page: Page, user: User) -> None:
    """Through the admin's own door, which leads to tonight's board."""
    page.goto("/admin/login/")
    page.locator("#id_username").fill(user.email)
    page.locator("#id_password").fill("correct horse battery")
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/admin/tonight/")


def number(page: Page, state: str) -> str:
    return page.locator(f'.hw-figure[data-state="{state}"] .hw-number').inner_text()


# What is ours in a form of the admin, whose frame is unfold's: its fields, and the bar of its buttons.
FORM = "#content-main, #submit-row .container"

LIST = "#result_list"
# What is a target, with what its label adds; a link in running text is exempt (WCAG 2.5.8), as are a form's read-only words.
TARGETS = """([whole, least]) => [...document.querySelectorAll(`:is(${whole}) :is(a, button, input, select, textarea, summary)`)]
  .filter(e => e.type !== 'hidden' && e.checkVisibility({ visibilityProperty: true })
    && !e.closest('p, .readonly, .hw-hidden, #main > .px-4:not(.grow, .border-b) li'))
  .map(e => [e, (e.closest('label') ?? e).getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < 23.5 || box.height < least - 0.5))
  .map(([e, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${e.outerHTML.slice(0, 120)}`)"""


def looks_right(page: Page, name: str, part: str = "#hw") -> None:
    """Axe in light and dark: on the whole page, except what unfold's frame does not keep, which our own part has to; nothing
    too wide; targets."""
    width = page.viewport_size["width"]  # type: ignore[index]
    shots = os.environ.get("HOMEWARD_SHOTS")
    page.wait_for_load_state()
    for scheme in SCHEMES:
        # As unfold's own switch does it; "auto" looks at the system once, when the page loads.
        page.evaluate("scheme => Alpine.$data(document.documentElement).switchTheme(scheme)", scheme)
        page.wait_for_function("s => document.documentElement.classList.contains(s)", arg=scheme)
        left_out = UNFOLDS_OWN if part == "#hw" else UNFOLDS_LISTS
        check_rules(page, f"{name}, {scheme}", {"runOnly": {"type": "rule", "values": left_out}}, part)
        # All rules in dark, too: unfold has parts of its own there.
        whole = {"runOnly": RULES["light"], "rules": {rule: {"enabled": False} for rule in left_out}}
        check_rules(page, f"{name}, {scheme}, whole page", whole)
        if shots:
            page.screenshot(path=f"{shots}/staff-{name}-{scheme}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is too wide"
    out = page.evaluate(
        "part => [...document.querySelectorAll(`:is(${part}) *`)]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth - 8"
        # What stands in a part that scrolls by itself may be wider than it; the part itself may not stick out.
        " && !e.matches('.hw-hidden, .hw-scroll *')).map(e => e.outerHTML.slice(0, 120))",
        part,
    )
    assert not out, f"{name}: sticks out: {out}"
    targets_are_large(page, name, part)


def targets_are_large(page: Page, name: str, part: str) -> None:
    """All of the page: 24 px each way on the desk, 48 px high for a thumb (decisions/0277). What is ours or is filled in is
    48 px on the desk, too."""
    handheld = page.viewport_size["width"] < 1024  # type: ignore[index]
    small = page.evaluate(TARGETS, ["body", 48 if handheld else 24])
    if part != LIST:
        small += page.evaluate(TARGETS, [f":is({part}) > :not(#result_list)", 48])
    assert not small, f"{name}: too small for a finger: {small}"


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_the_board_moves_by_itself(phone: Phone, city: World, size: dict[str, object]) -> None:
    page = phone(**size)
    sign_in_by_form(page, make.staff(city.store))
    expect(page.locator("#hw-status")).to_contain_text("Live")
    looks_right(page, "tonight")
    waiting, staged = int(number(page, "received")), int(number(page, "staged"))
    page.evaluate("window.neverReloaded = true")
    receiving.stage(packages=[city.packages["received"]], by=actors.system("test"), now=datetime.now(UTC))
    expect(page.locator('.hw-figure[data-state="staged"] .hw-number')).to_have_text(str(staged + 1))
    assert number(page, "received") == str(waiting - 1)
    assert page.evaluate("window.neverReloaded")
    page.locator('.hw-figure[data-state="staged"]').click()
    page.wait_for_url("**/admin/deliveries/package/**")
    expect(page.locator("#result_list")).to_contain_text(city.packages["received"].label)


def test_the_boards_clock_is_the_stores(phone: Phone, city: World) -> None:
    """Whoever looks from another time zone still reads one clock on the whole board."""
    page = phone(timezone_id="Asia/Kathmandu")
    sign_in(page, make.staff(city.store))
    expect(page.locator("#hw-status")).to_contain_text("Live")
    shown = re.search(r"(\d+):(\d\d):\d\d [AP]M", page.locator("#hw-status").inner_text())
    assert shown
    minutes = int(shown[1]) % 12 * 60 + int(shown[2])
    there = city.store.local(datetime.now(UTC))
    assert (there.hour % 12 * 60 + there.minute - minutes) % 720 <= 2
    assert page.locator("link[rel=icon]").get_attribute("href") == "/static/img/icon.svg"


def test_the_board_says_when_it_is_old_and_catches_up(phone: Phone, city: World) -> None:
    page = phone()
    sign_in(page, make.staff(city.store))
    page.route_web_socket(re.compile("/ws/store/"), lambda socket: socket.close(code=1013))
    page.clock.install()
    page.goto("/admin/tonight/")
    expect(page.locator("#hw-status")).to_contain_text("every 15 seconds")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#hw-status")).to_contain_text("What you see may be old")
    page.context.set_offline(False)
    staged = int(number(page, "staged"))
    receiving.stage(packages=[city.packages["received"]], by=actors.system("test"), now=datetime.now(UTC))
    page.clock.run_for(17_000)
    expect(page.locator('.hw-figure[data-state="staged"] .hw-number')).to_have_text(str(staged + 1))


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_an_evening_at_the_bay(phone: Phone, city: World, size: dict[str, object]) -> None:
    page = phone(**size)
    hand = make.staff(city.store, StaffMember.Role.BAY)
    sign_in(page, hand)
    page.goto("/admin/tonight/")
    page.get_by_role("link", name="Scan at the bay").click()
    field = page.locator("#hw-code")
    expect(field).to_be_focused()  # the field has autofocus: it is there before the script that takes scans is
    page.wait_for_load_state()

    # A scanner types fast and ends with Enter: two labels, one after the other, nothing lost.
    for name in ("received", "weak"):
        page.keyboard.type(city.packages[name].label)
        page.keyboard.press("Enter")
    expect(page.locator(".hw-result")).to_contain_text("On the bay.")
    expect(
        page.get_by_role("heading", name="package still waits").or_(
            page.get_by_role("heading", name="packages still wait")
        )
    ).to_contain_text("1 ")
    states = set(
        Package.objects.filter(pk__in=[city.packages["received"].pk, city.packages["weak"].pk]).values_list(
            "state", flat=True
        )
    )
    assert states == {"staged"}
    looks_right(page, "bay-stage")
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    expect(page.locator(".hw-result")).to_contain_text("No package here has that code")
    expect(field).to_be_focused()
    looks_right(page, "bay-refused")

    page.get_by_role("link", name="Hand over").click()
    page.get_by_role("link", name=re.compile("DeeHarbor")).click()
    page.locator("#hw-code").fill(city.packages["claimed"].label)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 of 2 handed over")).to_be_visible()
    looks_right(page, "bay-handover")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Missing").click()
    expect(page.get_by_role("heading", name="1 of 1 handed over")).to_be_visible()
    dee = city.people["Dee"]
    trips.depart(trip=Trip.objects.get(associate=dee), by=dee, now=datetime.now(UTC))

    page.get_by_role("link", name="Returns", exact=True).click()
    page.wait_for_url("**mode=returns**")  # the page before it has such a field, too
    page.locator("#hw-code").fill(city.packages["attempted"].label)
    page.keyboard.press("Enter")
    expect(page.locator(".hw-result")).to_contain_text("Back in the store")
    looks_right(page, "bay-returns")


def test_a_lead_gives_a_package_to_the_carrier(web: Web, phone: Phone, city: World) -> None:
    # The verb writes a LogEntry. Every flush of a test database numbers content types anew, and the web process, which
    # outlives the tests, remembers the old numbers.
    web.stop()
    web.start()
    page = phone(**DESK)
    sign_in(page, make.staff(city.store))
    page.goto(f"/admin/deliveries/package/{city.packages['staged'].pk}/change/")
    if shots := os.environ.get("HOMEWARD_SHOTS"):
        page.screenshot(path=f"{shots}/staff-package.png", full_page=True)
    page.get_by_role("link", name="Give to the carrier").click()
    expect(page.get_by_label("Reason")).to_be_visible()
    looks_right(page, "verb")
    page.get_by_label("Reason").fill("nobody is on tonight")
    page.get_by_role("button", name="Give to the carrier").click()
    expect(page.get_by_text("Give to the carrier: done for 1.")).to_be_visible()
    assert Package.objects.get(pk=city.packages["staged"].pk).state == "with_carrier"
    page.goto("/admin/deliveries/package/")
    if shots:
        page.screenshot(path=f"{shots}/staff-packages.png", full_page=True)


def test_labels_are_ready_to_print(phone: Phone, city: World) -> None:
    page = phone(**DESK)
    sign_in(page, make.staff(city.store))
    page.goto("/admin/labels/")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    looks_right(page, "labels")
    page.emulate_media(media="print", color_scheme="light")
    assert page.locator(".hw-label").first.is_visible()
    assert not page.locator("#nav-sidebar").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    box = page.locator(".hw-label").first.bounding_box()
    assert box is not None
    assert (round(box["width"] / 96, 2), round(box["height"] / 96, 2)) == (4.0, 2.0), "inches"


def test_two_stores_are_switched_on_the_board(phone: Phone, city: World) -> None:
    page = phone()
    person = make.staff(city.store)
    other: Store = evening.store(name="Quiet store")
    StaffMember.objects.create(user=person, store=other, role=StaffMember.Role.LEAD)
    sign_in(page, person)
    page.goto(f"/admin/tonight/?store={city.store.number}")
    expect(page.get_by_text(city.packages["soon"].label)).to_be_visible()
    page.get_by_label("Store", exact=True).select_option(label=str(other))
    expect(page.get_by_text("No trip is claimed or on the road.")).to_be_visible()
    looks_right(page, "tonight-empty")


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_a_lists_own_parts_are_for_a_thumb(phone: Phone, city: World, size: dict[str, object]) -> None:
    """Tick boxes, the bar of actions, filters, sorting and pages, which unfold draws."""
    world.build("More", store=city.store, now=datetime.now(UTC))
    page = phone(**size)
    sign_in(page, make.staff(city.store))
    page.goto("/admin/deliveries/package/")
    looks_right(page, "packages", LIST)
    page.locator(f"{LIST} tbody input[type=checkbox]").first.check()
    page.locator("#changelist-actions select").select_option(label="Stage")
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    targets_are_large(page, "packages ticked", LIST)
    page.get_by_role("link", name="Filters").focus()  # by keyboard, too
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By state")).to_be_visible()
    targets_are_large(page, "packages filtered", LIST)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="By state")).to_be_hidden()
    page.goto("/admin/deliveries/event/?o=-1")
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="2", exact=True)).to_be_visible()
    targets_are_large(page, "events", LIST)
