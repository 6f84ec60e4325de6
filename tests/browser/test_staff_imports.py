"""Imports by hand in a real Chromium: a check and one press, a bar that follows a worker, faulty rows mended and sent again."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from deliveries.intake import imports
from deliveries.models import CarrierRate, Import, Package
from stores.models import Store
from tests import make
from tests.intake.rows import as_csv
from tests.intake.rows import package as row

from . import evening
from .test_staff import DESK, Phone, looks_right, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def store(web: object) -> Store:
    return evening.store(name="Harbor store")


def rows_of(store: Store, number: int) -> list[dict[str, str]]:
    by = store.local(datetime.now(UTC) + timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
    return [row(store, each, deliver_by=by) for each in range(1, number + 1)]


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def a_worker() -> Iterator[None]:
    """Takes in what waits, in a thread with a connection of its own, as Celery's would."""

    def work() -> None:
        try:
            for import_id in imports.unfinished():
                while not imports.run(import_id, now=now):
                    pass
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(timeout=90)
    assert not thread.is_alive()


def send(page: Page, path: Path, first: str = "check", kind: str = "packages") -> None:
    page.goto("/admin/imports/")
    page.get_by_label("What is in the file").select_option(kind)
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_label("What to do").select_option(first)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()


def figure(page: Page, name: str) -> str:
    return page.locator(".hw-figure").filter(has_text=name).locator(".hw-number").inner_text()


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_a_file_is_checked_mended_and_kept(phone: Phone, store: Store, tmp_path: Path, size: dict[str, object]) -> None:
    rows = rows_of(store, 12)
    rows[1]["weight_lb"], rows[4]["zip"], rows[7]["recipient"] = "heavy", "702", "=SUM(A1:A9)\x07"
    (tmp_path / "orders.csv").write_bytes(as_csv(rows))
    page = phone(**size)
    sign_in(page, make.staff(store, first_name="Lou", last_name="Lead"))
    page.goto("/admin/imports/")
    looks_right(page, "imports-empty")
    send(page, tmp_path / "orders.csv")
    looks_right(page, "import-waiting")
    with a_worker():
        pass
    expect(page.get_by_text("Checked only: nothing was written.")).to_be_visible()
    assert (figure(page, "would be kept"), figure(page, "rejected")) == ("9", "3")
    expect(page.get_by_text("Row 3")).to_be_visible()
    expect(page.get_by_text("weight_lb “heavy”")).to_be_visible()
    expect(page.locator("#hw-said")).to_have_text("The whole file is read: 3 rows rejected.")
    looks_right(page, "import-checked")
    assert not Package.objects.exists()
    page.get_by_role("button", name="Keep 9 rows").press("Enter")
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    with a_worker():
        pass
    expect(page.get_by_role("link", name="Download rejected rows")).to_be_visible()
    assert Package.objects.count() == 9
    looks_right(page, "import-kept")

    # The rejected rows, mended in the file that came back, and sent once more.
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected rows").click()
    found = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [each["homeward_row"] for each in found] == ["3", "6", "9"]
    found[0]["weight_lb"], found[1]["zip"], found[2]["recipient"] = "2", "07002", "Kim Lee"
    (tmp_path / "mended.csv").write_bytes(as_csv(found))
    send(page, tmp_path / "mended.csv", "keep")
    with a_worker():
        pass
    expect(page.locator(".hw-figure").filter(has_text="rows read")).to_be_visible()
    assert (figure(page, "kept"), figure(page, "rejected")) == ("3", "0")
    assert Package.objects.count() == 12
    page.get_by_role("link", name="All imports").click()
    expect(page.get_by_role("link", name=re.compile("mended.csv.*Lou Lead"))).to_be_visible()
    looks_right(page, "imports")


@pytest.mark.parametrize("size", [{}, DESK], ids=["handheld", "desk"])
def test_a_carriers_rates_come_as_a_file(phone: Phone, store: Store, tmp_path: Path, size: dict[str, object]) -> None:
    """From the card above the rates: the table as a file, checked, kept, its faulty line mended, and downloaded again."""
    first_day = (store.evening(now()) + timedelta(days=7)).isoformat()
    lines = [
        {"store": str(store.number), "effective_from": first_day, "zip_from": low, "zip_to": high, "price_usd": price}
        for low, high, price in (("07000", "07499", "6.40"), ("07500", "07999", "$7.10"), ("08000", "08999", "7.90"))
    ]
    (tmp_path / "rates.csv").write_bytes(as_csv(lines))
    page = phone(**size)
    sign_in(page, make.staff(store, first_name="Lou", last_name="Lead"))
    page.goto("/admin/deliveries/carrierrate/")
    page.get_by_role("link", name="Import a table").click()
    expect(page.get_by_label("What is in the file")).to_have_value("rates")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "rates.csv")
    page.get_by_role("button", name="Send").click()
    with a_worker():
        pass
    expect(page.get_by_text("Checked only: nothing was written.")).to_be_visible()
    expect(page.get_by_text("price_usd “$7.10”")).to_be_visible()
    looks_right(page, "import-rates-checked")
    assert not CarrierRate.objects.exists()
    page.get_by_role("button", name="Keep 2 rows").click()
    with a_worker():
        pass
    expect(page.get_by_role("link", name="Download rejected rows")).to_be_visible()
    looks_right(page, "import-rates-kept")
    assert CarrierRate.objects.count() == 2
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected rows").click()
    (wrong,) = csv.DictReader(io.StringIO(download.value.path().read_text()))
    (tmp_path / "mended.csv").write_bytes(as_csv([{**wrong, "price_usd": "7.10"}]))
    send(page, tmp_path / "mended.csv", "keep", kind="rates")
    with a_worker():
        pass
    expect(page.locator(".hw-figure").filter(has_text="rows read")).to_be_visible()
    assert (figure(page, "kept"), figure(page, "rejected")) == ("1", "0")
    assert sorted(CarrierRate.objects.values_list("cents", flat=True)) == [640, 710, 790]
    page.goto("/admin/deliveries/carrierrate/")
    looks_right(page, "rates-by-file", ".hw")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the table").click()
    table = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [each["price_usd"] for each in table] == ["6.40", "7.10", "7.90"]


def test_the_bar_follows_the_worker(
    phone: Phone, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check, all of which is one open transaction, and then the file for good, batch by batch."""
    seen, tell = threading.Event(), imports._tell

    def tell_and_wait(job: Import, read: int) -> None:
        """Half way until the page has shown it: a page that asks every second may miss what a worker does in between."""
        tell(job, read)
        assert read != 3000 or seen.wait(60)

    monkeypatch.setattr(imports, "_tell", tell_and_wait)
    (tmp_path / "orders.csv").write_bytes(as_csv(rows_of(store, 6_000)))
    page = phone(**DESK)
    sign_in(page, make.staff(store))
    send(page, tmp_path / "orders.csv")
    bar = page.get_by_role("progressbar", name="Rows read")
    with a_worker():
        expect(bar).to_have_attribute("value", "3000")
        expect(bar).to_have_attribute("max", "6000")
        seen.set()
    expect(page.get_by_text("Checked only: nothing was written.")).to_be_visible()
    page.get_by_role("button", name="Keep 6,000 rows").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    job = Import.objects.get(dry_run=False)
    for turn in (1, 2, 3):
        imports.run(job.pk, now=now, turn_s=0)
        expect(bar).to_have_attribute("value", f"{turn}000")
        expect(page.get_by_text(f"{turn},000 of 6,000 rows read.")).to_be_visible()
    expect(page.locator("#hw-said")).to_have_text("50 percent read.")
    looks_right(page, "import-running")
    with a_worker():
        pass
    expect(page.locator(".hw-figure").filter(has_text="rows kept")).to_be_visible()
    assert Package.objects.count() == 6_000
