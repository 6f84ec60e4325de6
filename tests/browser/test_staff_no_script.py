"""The store's admin in a Chromium that runs no script: every act works, and what does not renew itself says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from deliveries.models import Import, Package, Simulation
from tests import make
from tests.intake.rows import as_csv
from tests.intake.rows import package as row
from tests.live.server import Web
from tests.simulator.test_simulator import homes_of, orders_of
from tests.staff import world
from tests.staff.world import World

from . import evening
from .test_staff import Phone, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def city(web: object) -> World:
    """An evening in the middle, on the real clock."""
    return world.build("Harbor", store=evening.store(name="Harbor store"), now=datetime.now(UTC))


def test_an_evening_without_script(phone: Phone, web: Web, city: World, tmp_path: Path) -> None:
    web.stop()  # the web process remembers content types of an earlier test's database
    web.start()
    page = phone(java_script_enabled=False)
    sign_in(page, make.staff(city.store))
    # Playwright looks for no words in a noscript element, though a person reads them.
    expect(page.locator(".hw-no-script")).to_be_visible()
    expect(page.locator(".hw-no-script")).to_contain_text("load the page again")
    expect(page.get_by_role("heading", name="Promises at risk")).to_be_visible()

    # The bay: typed onto it, and handed over.
    page.get_by_role("link", name="Scan at the bay").click()
    page.get_by_label("Scan or type a label").fill(city.packages["received"].label)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text(f"{city.packages['received'].label} · On the bay.")).to_be_visible()
    page.get_by_role("link", name="Hand over").click()
    page.get_by_role("link", name="DeeHarbor").click()
    for name, done in (("claimed", "1 of 2"), ("claimed too", "2 of 2")):
        page.get_by_label("Scan or type a label").fill(city.packages[name].label)
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("heading", name=f"{done} handed over")).to_be_visible()

    # A verb with its reason, from a row's page and from ticked rows; the menu at the end of the page leads there.
    page.locator("#nav-sidebar").get_by_role("link", name="Packages").click()
    page.get_by_role("link", name="Filters").click()
    page.locator("#changelist-filter").get_by_role("link", name="staged", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text(city.packages["staged"].label)
    mine = page.locator("#result_list tr", has_text=city.packages["staged"].label)
    mine.locator("input[type=checkbox]").check()
    page.locator("#changelist-actions select").select_option(label="Give to the carrier")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("Reason").fill("nobody is on tonight")
    page.get_by_role("button", name="Give to the carrier").click()
    expect(page.get_by_text("Give to the carrier: done for 1.")).to_be_visible()
    states = dict(Package.objects.values_list("label", "state"))
    moved = [states[city.packages[name].label] for name in ("received", "claimed", "claimed too", "staged")]
    assert moved == ["staged", "loaded", "loaded", "with_carrier"]

    # A file to check, and one to simulate with; a page that waits for a worker comes again by itself.
    by = city.store.local(datetime.now(UTC) + timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
    (tmp_path / "orders.csv").write_bytes(as_csv([row(city.store, 1, deliver_by=by)]))
    page.goto("/admin/imports/")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "orders.csv")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    expect(page.locator("meta[http-equiv=refresh]")).to_be_attached()
    assert Import.objects.filter(file_name="orders.csv").exists()
    (tmp_path / "orders.csv").write_bytes(orders_of(city.store))
    (tmp_path / "homes.csv").write_bytes(homes_of(city.store))
    page.goto("/admin/simulator/")
    page.get_by_label("Orders").set_input_files(tmp_path / "orders.csv")
    page.get_by_label("Home areas and shifts").set_input_files(tmp_path / "homes.csv")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    assert Simulation.objects.filter(store=city.store).exists()

    # A pay plan: its worked example is a press away, and the plan is saved from the same form.
    page.goto("/admin/stores/payplan/add/")
    page.locator("#id_store").select_option(label=str(city.store))
    page.get_by_label("Effective from").fill((datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%d"))
    page.get_by_label("Guaranteed per paid hour, dollars").fill("$20")
    page.get_by_label("Per package, dollars").fill("1.75")
    page.locator("noscript button[formaction]").click()
    expect(page.get_by_text("3 packages at $1.75 each")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Per package, dollars")).to_have_value("1.75")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("$20.00")

    # And out.
    page.get_by_role("button", name="Log out").click()
    page.goto("/admin/tonight/")
    expect(page.locator("#id_username")).to_be_visible()
