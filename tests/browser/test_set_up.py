"""Pages by which staff set a store up and stop it, in a real Chromium, on a handheld and on the desk."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from deliveries import actors
from deliveries.actions import carriers, switching
from deliveries.carriers import Label
from deliveries.models import Carrier, CarrierRate
from stores.models import ApiKey, Store
from tests import make
from tests.live.server import Web

from . import evening
from .test_staff import DESK, FORM, looks_right, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CARD = ".hw"  # in a list of the admin
SIZES = pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
Phone = Callable[..., Page]


@pytest.fixture
def store(web: object) -> Store:
    return evening.store(name="Harbor store")


def png(width: int = 400, height: int = 600) -> bytes:
    """A picture of the size of a carrier's label, grey."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xdd" * width for _row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@SIZES
def test_labels_of_what_the_carrier_takes(phone: Phone, store: Store, size: dict[str, object]) -> None:
    now = datetime.now(UTC)
    Carrier.objects.filter(store=store).update(
        kind="http", url="https://carrier.example.com/api", name="Parcel Express"
    )
    packages = [make.package(store, now=now - timedelta(hours=1)) for _ in range(4)]
    manifest = carriers.tender(store=store, packages=packages, by=actors.system("test"), now=now, reason="late")
    assert manifest is not None
    page = phone(**size)
    sign_in(page, make.staff(store))
    page.get_by_role("link", name=f"Labels of manifest {manifest.pk}").click()
    expect(page.get_by_text("has not sent its labels yet")).to_be_visible()
    expect(page.locator(".hw-label")).to_have_count(4)
    looks_right(page, "carrier-labels-ours")
    sent = [Label("1Z1", png(), "image/png"), Label("1Z2", b"%PDF-1.4", "application/pdf"), Label("1Z3"), Label("1Z4")]
    labels = {package.pk: label for package, label in zip(packages, sent, strict=True)}
    carriers.announced(manifest=manifest, labels=labels, now=now)
    page.reload()
    expect(page.locator(".hw-label")).to_have_count(2)
    picture = page.locator(".hw-carrier-label img")
    picture.scroll_into_view_if_needed()
    evening.until(page, "document.querySelector('.hw-carrier-label img').complete")
    expect(picture).to_have_js_property("naturalWidth", 400)
    looks_right(page, "carrier-labels")
    with page.expect_download() as download:
        page.get_by_role("link", name="as one file to print").click()
    assert download.value.suggested_filename == f"labels-{store.number}.pdf"
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF labels (ZIP)").click()
    assert download.value.suggested_filename == f"labels-{store.number}.zip"
    page.emulate_media(media="print", color_scheme="light")
    assert not page.get_by_role("link", name="PDF labels (ZIP)").is_visible()
    assert page.locator(".hw-manifest").is_visible()


@SIZES
def test_a_switch_is_turned_with_a_reason(phone: Phone, store: Store, size: dict[str, object]) -> None:
    now = datetime.now(UTC)
    switching.switch_off(what="carrier", store=None, by=actors.system("test"), now=now, reason="The truck is on strike")
    page = phone(**size)
    sign_in(page, make.staff(store, first_name="Maya", last_name="Lopez"))
    expect(page.locator("#hw-board")).to_contain_text("Hand-offs to the carrier: switched off in every store.")
    page.goto("/admin/switches/")
    card = page.locator('[data-switch="messages"]')
    card.get_by_role("button", name="Switch off: Messages").click()
    assert card.get_by_label("Reason").evaluate("field => !field.validity.valid"), "a reason is asked for"
    card.get_by_label("Reason").fill("The gateway sends everything twice")
    card.get_by_role("button", name="Switch off: Messages").click()
    expect(card).to_contain_text("by Maya Lopez: The gateway sends everything twice")
    looks_right(page, "switches")
    page.goto("/admin/tonight/")
    expect(page.locator("#hw-board")).to_contain_text("Messages: switched off.")
    looks_right(page, "tonight-off")
    page.get_by_role("link", name="Messages: switched off.").click()
    card.get_by_label("Reason").fill("Mended")
    card.get_by_role("button", name="Switch on: Messages").click()
    expect(page.locator("section", has=page.locator("#hw-turns"))).to_contain_text("by Maya Lopez: Mended")


@SIZES
def test_a_message_is_worded_and_tried_out(phone: Phone, store: Store, size: dict[str, object]) -> None:
    page = phone(**size)
    sign_in(page, make.staff(store, first_name="Maya", last_name="Lopez"))
    page.goto("/admin/messages/")
    page.get_by_role("link", name="Word it yourself: On the way, en").click()
    short = page.get_by_label("Text message and notification")
    expect(short).to_be_visible()
    looks_right(page, "message-text")
    short.fill("{courier.__class__} comes")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Use one of these, or no braces: {courier}")
    looks_right(page, "message-text-wrong")
    short.fill("{courier} brings your package, by {time}.")
    page.get_by_role("button", name="Try it out").click()
    expect(page.get_by_text("Homeward: Ana brings your package, by")).to_contain_text("Reply STOP to end.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The next message")).to_be_visible()
    expect(page.locator("section", has=page.locator("#hw-before"))).to_contain_text("Maya Lopez")
    looks_right(page, "message-text-own")
    page.get_by_role("button", name="Back to our words").click()
    expect(page.get_by_text("Our words, or those for every store")).to_be_visible()


@SIZES
def test_a_webhook_is_set_up_and_its_secret_shown_once(
    web: Web, phone: Phone, store: Store, size: dict[str, object]
) -> None:
    # Setting one up writes a LogEntry; see below.
    web.stop()
    web.start()
    key = ApiKey.objects.create(name="Order system", scopes=["packages:write"])
    key.stores.add(store)
    page = phone(**size)
    sign_in(page, make.user(is_staff=True, is_superuser=True))
    page.goto("/admin/deliveries/webhook/add/")
    page.get_by_label("System").select_option(label="Order system")
    page.get_by_label("Address").fill("https://127.0.0.1/homeward")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("alert")).to_contain_text("not one of the public internet")
    looks_right(page, "webhook-new")
    page.get_by_label("Address").fill("https://93.184.215.14/homeward")
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator("code")).to_contain_text("whsec_")
    looks_right(page, "webhook-secret")
    page.get_by_role("link", name="Back", exact=True).click()
    page.get_by_role("link", name="New secret").click()
    page.wait_for_url("**rotate**")
    looks_right(page, "webhook-rotate")


@SIZES
def test_a_carriers_rates_are_a_table(web: Web, phone: Phone, store: Store, size: dict[str, object]) -> None:
    # A form of the admin writes a LogEntry, and the web process remembers the content types of an older test.
    web.stop()
    web.start()
    page = phone(**size)
    sign_in(page, make.staff(store))
    page.goto("/admin/deliveries/carrierrate/")
    looks_right(page, "rates-empty", CARD)
    page.goto("/admin/deliveries/carrierrate/add/")
    looks_right(page, "rate-form", FORM)
    page.locator("#id_carrier").select_option(index=1)
    page.locator("#id_effective_from").fill(store.evening(datetime.now(UTC)).isoformat())
    page.locator("#id_up_to_lb").fill("5")
    page.locator("#id_zip_from").fill("08000")
    page.locator("#id_zip_to").fill("07000")
    page.locator("#id_price").fill("6.40")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist, .errornote, #id_zip_to_error, [id$=error]").first).to_be_visible()
    looks_right(page, "rate-form-wrong", FORM)
    page.locator("#id_zip_to").fill("08999")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("$6.40")
    rate = CarrierRate.objects.get()
    assert (rate.cents, rate.up_to_g) == (640, 2268)
    looks_right(page, "rates", CARD)
    page.get_by_role("link", name="Import a table").click()
    expect(page.get_by_label("What is in the file")).to_have_value("rates")


@SIZES
def test_a_stores_settings_are_in_miles_and_feet(web: Web, phone: Phone, store: Store, size: dict[str, object]) -> None:
    web.stop()  # as above
    web.start()
    page = phone(**size)
    sign_in(page, make.staff(store))
    page.goto(f"/admin/stores/store/{store.pk}/change/")
    looks_right(page, "store-form", FORM)
    page.get_by_label("Radius, miles").fill("500")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Write miles from 0.1 to 100")).to_be_visible()
    looks_right(page, "store-form-wrong", FORM)
    page.get_by_label("Radius, miles").fill("12.5")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/stores/store/")
    store.refresh_from_db()
    assert store.radius_m == 20_117
