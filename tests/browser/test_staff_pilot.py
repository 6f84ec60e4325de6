"""The store's pages about a pilot, in a real Chromium: simulator, report, custody, a pay plan's example, a reassignment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from deliveries.models import Dispute, Package, Simulation, Trip
from deliveries.simulator import jobs
from stores.models import StaffMember, Store
from tests import make
from tests.live.server import Web
from tests.simulator.test_simulator import homes_of, orders_of
from tests.staff import world
from tests.staff.world import World

from . import evening
from .test_staff import DESK, FORM, LIST, Phone, looks_right, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def city(web: object) -> World:
    """An evening in the middle, on the real clock."""
    return world.build("Harbor", store=evening.store(name="Harbor store"), now=datetime.now(UTC))


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_a_pilot_is_simulated(phone: Phone, web: Web, tmp_path: Path, size: dict[str, object]) -> None:
    store: Store = evening.store(name="Paper store")
    (tmp_path / "orders.csv").write_bytes(orders_of(store, bad=True))
    (tmp_path / "homes.csv").write_bytes(homes_of(store))
    page = phone(**size)
    sign_in(page, make.staff(store))
    page.goto("/admin/simulator/")
    looks_right(page, "simulator")
    page.get_by_label("Orders").set_input_files(tmp_path / "homes.csv")
    page.get_by_label("Home areas and shifts").set_input_files(tmp_path / "homes.csv")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("alert").first).to_contain_text("is not a column")
    page.get_by_label("Orders").set_input_files(tmp_path / "orders.csv")
    page.get_by_label("Home areas and shifts").set_input_files(tmp_path / "homes.csv")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    looks_right(page, "simulation-waiting")
    jobs.run(simulation_id=Simulation.objects.get().pk, now=datetime.now(UTC))
    expect(page.get_by_role("rowheader", name="Match rate")).to_be_visible()
    expect(page.get_by_text("Row 2")).to_be_visible()
    looks_right(page, "simulation")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename.startswith("simulation-")


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_the_report_and_custody_of_an_evening(phone: Phone, city: World, size: dict[str, object]) -> None:
    page = phone(**size)
    sign_in(page, make.staff(city.store))
    page.goto("/admin/reports/")
    expect(page.get_by_role("img", name="Delivered by promise, percent")).to_be_visible()
    looks_right(page, "report")
    page.goto("/admin/custody/")
    expect(page.get_by_role("heading", name="In the hands of AnaHarbor")).to_be_visible()
    looks_right(page, "custody")
    page.get_by_label("Label, reference or recipient").fill(city.packages["out"].label)
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("status")).to_contain_text("1 package")
    page.goto("/admin/tonight/")
    page.get_by_role("link", name="Problems", exact=True).click()
    expect(page.locator("#hw-risk")).to_have_count(0)  # the whole board has both
    expect(page.get_by_role("heading", name="Problems at the door")).to_be_visible()
    looks_right(page, "tonight-problems")


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_payroll_reads_the_ledger_and_answers_about_pay(
    phone: Phone, web: Web, city: World, size: dict[str, object]
) -> None:
    web.stop()  # the web process remembers content types of an earlier test's database
    web.start()
    page = phone(**size)
    sign_in(page, make.staff(city.store, StaffMember.Role.PAYROLL))
    page.goto("/admin/deliveries/ledgerentry/")
    expect(page.locator(LIST)).to_contain_text("EveHarbor")
    looks_right(page, "ledger", LIST)
    page.goto("/admin/stores/payplan/")
    looks_right(page, "pay-plans", LIST)
    page.goto("/admin/stores/payplan/add/")
    looks_right(page, "pay-plan-form", FORM)
    page.goto("/admin/deliveries/dispute/")
    looks_right(page, "disputes", LIST)
    page.goto(f"/admin/deliveries/dispute/{city.one(Dispute).pk}/change/")
    looks_right(page, "dispute", FORM)
    page.get_by_role("link", name="Add to the pay").click()
    page.get_by_label("Answer").fill("The toll is added")
    page.get_by_role("button", name="Add to the pay").click()
    amount = page.get_by_label("Add, dollars")
    assert amount.evaluate("field => !field.validity.valid"), "an amount is asked for"
    looks_right(page, "dispute-answer")
    amount.fill("2.50")
    page.get_by_role("button", name="Add to the pay").click()
    expect(page.get_by_text("Add to the pay: done for 1.")).to_be_visible()
    correction = Dispute.objects.get().correction
    assert correction is not None
    assert correction.cents == 250


def test_a_pay_plan_says_what_it_pays_while_it_is_written(phone: Phone, city: World) -> None:
    page = phone(**DESK)
    sign_in(page, make.staff(city.store))
    page.goto("/admin/stores/payplan/add/")
    example = page.locator("section[aria-labelledby=hw-example]")
    expect(example).to_contain_text("Fill in")
    page.locator("#id_store").select_option(label=str(city.store), force=True)
    page.locator("#id_effective_from").fill((datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%d"))
    page.get_by_label("Guaranteed per paid hour, dollars").fill("20")
    page.get_by_label("Per package, dollars").fill("100")
    expect(example).to_contain_text("“100” is more than $50.00, which is the most. Write dollars, not cents")
    page.get_by_label("Per package, dollars").fill("$1.00")
    expect(example).to_contain_text("3 packages at $1.00 each")
    page.get_by_label("Per package, dollars").fill("1.75")
    expect(example).to_contain_text("3 packages at $1.75 each")


def test_a_lead_gives_a_package_to_somebody_else(phone: Phone, web: Web, city: World) -> None:
    web.stop()  # the web process remembers content types of an earlier test's database
    web.start()
    worker = make.employee(city.store, first_name="Fay", last_name="Harbor")
    fay = make.associate(city.store, employee=worker)
    make.shift(fay, ends_at=datetime.now(UTC) + timedelta(minutes=10))
    page = phone(**DESK)
    sign_in(page, make.staff(city.store))
    page.goto(f"/admin/deliveries/package/{city.packages['claimed'].pk}/change/")
    page.get_by_role("link", name="Give it to somebody else").click()
    page.get_by_label("Give it to").select_option(index=1)
    page.get_by_label("I asked, and this person said yes").check(force=True)
    page.get_by_label("Reason").fill("car trouble")
    looks_right(page, "reassign")
    page.get_by_role("button", name="Give it to somebody else").click()
    expect(page.get_by_text("Give it to somebody else: done for 1.")).to_be_visible()
    package = Package.objects.get(pk=city.packages["claimed"].pk)
    assert package.trip == Trip.objects.get(associate=fay)
