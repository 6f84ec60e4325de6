"""A carrier's whole table from a file: checked first, line by line, and never a price that nobody agreed on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from deliveries import actors
from deliveries.carriers import rates as rules
from deliveries.intake import rates
from deliveries.models import Carrier, CarrierRate, Import
from stores.feeds.report import Report
from stores.feeds.sheets import CsvTable
from stores.models import StaffMember, Store
from tests import make
from tests.intake.rows import as_csv, faults

from . import world
from .test_imports import look, send, work

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
TODAY = date(2026, 11, 24)
BY = actors.system("test")


def line(store: Store, /, **cells: Any) -> dict[str, str]:
    row = {
        "store": store.number, "carrier": "", "effective_from": "2027-01-01", "effective_until": "", "zip_from": "07000",
        "zip_to": "07999", "over_lb": "", "up_to_lb": "5", "price_usd": "6.40", **cells,
    }  # fmt: skip
    return {name: str(value) for name, value in row.items()}


def take(*rows: dict[str, str], by: actors.Actor = BY, dry_run: bool = False) -> Report:
    table = CsvTable(as_csv(rows), rates.RATES)
    return rates.take_in(table, stores=Store.objects.all(), by=by, now=world.NOW, dry_run=dry_run)


def table() -> list[tuple[str, str, int, int, int, str]]:
    return [
        (each.zip_from, each.zip_to, each.over_g, each.up_to_g, each.cents, str(each.effective_until or ""))
        for each in CarrierRate.objects.order_by("effective_from", "zip_from", "over_g")
    ]


def test_a_table_is_taken_in_and_the_same_again_changes_nothing(elsewhere: Store) -> None:
    rows = [
        line(elsewhere), line(elsewhere, over_lb="5", up_to_lb="", price_usd="9.1"),
        line(elsewhere, zip_from="", zip_to="", effective_from="2026-11-24", effective_until="2026-12-31", up_to_lb=""),
    ]  # fmt: skip
    report = take(*rows)
    assert (report.accepted, faults(report)) == (3, [])
    assert table() == [
        ("00000", "99999", 0, 70_000, 640, "2026-12-31"), ("07000", "07999", 0, 2268, 640, ""),
        ("07000", "07999", 2268, 70_000, 910, ""),
    ]  # fmt: skip
    again = take(*rows)
    assert (again.accepted, again.unchanged) == (0, 3)


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"effective_from": "2026-11-23"}, "effective_from", "rate_past"),
        ({"effective_from": "01/01/2027"}, "effective_from", "date_format"),
        ({"effective_from": ""}, "effective_from", "missing"),
        ({"effective_until": "2026-12-31"}, "effective_until", "rate_ends"),
        ({"zip_from": "070", "zip_to": "079"}, "zip_from", "zip_prefix"),
        ({"zip_from": "7000"}, "zip_from", "zip_lost_zero"),
        ({"zip_from": "०७०००"}, "zip_from", "zip"),
        ({"zip_from": ""}, "zip_from", "missing"),
        ({"zip_from": "08000"}, "zip_to", "zips_order"),
        ({"over_lb": "5"}, "up_to_lb", "weights_order"),
        ({"up_to_lb": "200"}, "up_to_lb", "too_heavy"),
        ({"up_to_lb": "5 lb"}, "up_to_lb", "unit_in_value"),
        ({"price_usd": "$6.40"}, "price_usd", "currency_sign"),
        ({"price_usd": "NaN"}, "price_usd", "not_a_number"),
        ({"price_usd": "-1"}, "price_usd", "negative"),
        ({"price_usd": "6.405"}, "price_usd", "cents"),
        ({"price_usd": "1000.01"}, "price_usd", "too_much"),
        ({"carrier": "Pigeons"}, "carrier", "unknown_carrier"),
        ({"carrier": "=1+1\x07"}, "carrier", "control_character"),
        ({"store": "1"}, "store", "unknown_store"),
    ],
)
def test_a_bad_row_names_column_value_and_the_way_out(
    elsewhere: Store, cells: dict[str, str], column: str, code: str
) -> None:
    report = take(line(elsewhere, **cells), line(elsewhere, zip_from="08000", zip_to="08999"))
    assert (report.accepted, report.rejected) == (1, 1), "the good row is kept"
    assert (2, column, code) in [(fault.row, fault.column, fault.code) for fault in report.errors]
    assert all(fault.message for fault in report.errors)


def test_a_store_without_a_carrier_is_told_where_to_add_one(elsewhere: Store) -> None:
    Carrier.objects.filter(store=elsewhere).update(active=False)
    [fault] = take(line(elsewhere)).errors
    assert (fault.code, "Add one under Carriers" in fault.message) == ("no_carrier", True)
    assert take(line(elsewhere, carrier="Parcel carrier")).accepted == 1, "by its name an old one is still known"


def test_a_later_line_ends_the_open_one_that_it_follows(elsewhere: Store) -> None:
    take(line(elsewhere, effective_from="2026-11-24"))
    report = take(line(elsewhere, zip_from="07000", zip_to="08999", price_usd="7"))
    assert (report.accepted, [fault.code for fault in report.warnings]) == (1, ["rate_follows"])
    assert "December 31, 2026" in report.warnings[0].message or "Dec. 31, 2026" in report.warnings[0].message
    assert table() == [("07000", "07999", 0, 2268, 640, "2026-12-31"), ("07000", "08999", 0, 2268, 700, "")]
    assert take(line(elsewhere, effective_from="2026-11-24")).unchanged == 1, (
        "the first file, come again, undoes nothing"
    )


def test_what_is_in_force_today_is_followed_tomorrow_at_the_earliest(elsewhere: Store) -> None:
    CarrierRate.objects.create(
        carrier=Carrier.objects.get(store=elsewhere), effective_from=TODAY - timedelta(days=9), cents=500
    )
    [fault] = take(line(elsewhere, effective_from="2026-11-24", zip_from="", zip_to="", up_to_lb="")).errors
    assert (fault.code, "tomorrow at the earliest" in fault.message) == ("rate_past", True)
    assert take(line(elsewhere, effective_from="2026-11-25", zip_from="", zip_to="", up_to_lb="")).accepted == 1
    assert [each.effective_until for each in CarrierRate.objects.order_by("effective_from")] == [TODAY, None]


def test_what_only_meets_another_line_is_refused_and_names_it(elsewhere: Store) -> None:
    take(line(elsewhere))
    for cells in ({"zip_from": "07500", "zip_to": "07500", "effective_from": "2027-06-01"}, {"up_to_lb": "3"}):
        [fault] = take(line(elsewhere, **cells)).errors
        assert fault.code == "overlap"
        assert "07000–07999, 0 – 5 lb, $6.40" in fault.message
    report = take(line(elsewhere, zip_from="01000", zip_to="01999"), line(elsewhere, zip_from="01500", zip_to="01500"))
    assert (report.accepted, report.rejected) == (1, 1), "rows of one file meet each other like all lines"


def test_of_a_known_line_only_the_last_day_is_set(elsewhere: Store) -> None:
    take(line(elsewhere))
    [fault] = take(line(elsewhere, price_usd="7")).errors
    assert (fault.column, fault.code) == ("price_usd", "conflict")
    assert take(line(elsewhere, effective_until="2027-06-30")).accepted == 1
    assert table()[0][-1] == "2027-06-30"
    take(line(elsewhere, effective_from="2027-07-01"))
    [fault] = take(line(elsewhere, effective_until="2027-08-31")).errors
    assert (fault.column, fault.code) == ("effective_until", "overlap")


def test_history_says_who_it_was(elsewhere: Store) -> None:
    lead = make.staff(elsewhere)
    take(line(elsewhere, effective_from="2026-11-24"), by=actors.staff(lead.pk))
    take(line(elsewhere), by=actors.staff(lead.pk))
    old = CarrierRate.objects.earliest("effective_from")
    said = LogEntry.objects.filter(object_id=str(old.pk)).order_by("pk")
    assert [(each.user, each.get_change_message()) for each in said] == [
        (lead, "Added from a file."), (lead, "Last day set from a file."),
    ]  # fmt: skip


def test_a_lead_checks_a_table_keeps_it_and_mends_the_rest(elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere)
    data = as_csv([line(elsewhere), line(elsewhere, zip_from="080", zip_to="089"), line(make.store())])
    url = send(client, data, kind="rates", first="check", name="rates.csv")
    work()
    page = look(client, url)
    for said in ("Keep 1 row", "zip_from “080”", "Write the zone", "There is no such store"):
        assert said in page
    assert not CarrierRate.objects.exists()
    kept = client.post(url.replace("/?", "/keep/?"))["Location"]
    work()
    assert CarrierRate.objects.get().carrier.store == elsewhere
    text = client.get(kept.replace("/?", "/rejected/?")).content.decode()
    mended = [row for row in csv.DictReader(io.StringIO(text)) if row["zip_from"] == "080"]
    mended[0]["zip_from"], mended[0]["zip_to"] = "08000", "08999"
    send(client, as_csv(mended), kind="rates", name="mended.csv")
    work()
    assert Import.objects.latest("made_at").accepted == 1
    assert CarrierRate.objects.count() == 2


def test_the_table_goes_out_as_it_comes_in(elsewhere: Store, enter: Enter) -> None:
    theirs = CarrierRate.objects.create(
        carrier=Carrier.objects.get(store=make.store()), effective_from=TODAY, cents=4321
    )
    carrier = Carrier.objects.get(store=elsewhere)
    carrier.name = "=Parcels"
    carrier.save()
    take(line(elsewhere), line(elsewhere, zip_from="", zip_to="", over_lb="5", up_to_lb=""))
    CarrierRate.objects.create(carrier=carrier, effective_from=TODAY, zip_to="06999", up_to_g=1000, cents=1)
    client = enter(elsewhere, StaffMember.Role.BAY)
    data = client.get(reverse("staff:rates_csv")).content
    assert f"{theirs.cents // 100}.21" not in data.decode()
    assert "'=Parcels" in data.decode(), "no spreadsheet runs it"
    before = table()
    report = rates.take_in(CsvTable(data, rates.RATES), stores=Store.objects.all(), by=BY, now=world.NOW)
    assert (report.unchanged, faults(report)) == (3, [])
    assert table() == before


def test_who_may_not_write_rates_brings_none(elsewhere: Store, enter: Enter) -> None:
    for role in (StaffMember.Role.BAY, StaffMember.Role.PAYROLL, StaffMember.Role.SUPPORT):
        file = SimpleUploadedFile("rates.csv", as_csv([line(elsewhere)]))
        answer = enter(elsewhere, role).post(reverse("staff:imports"), {"kind": "rates", "first": "keep", "file": file})
        assert answer.status_code == 403
        assert "Import a table" not in look(enter(elsewhere, role), reverse("admin:deliveries_carrierrate_changelist"))
    assert "Import a table" in look(enter(elsewhere), reverse("admin:deliveries_carrierrate_changelist"))
    assert not Import.objects.exists()


def test_a_national_tariff_is_not_a_stores_table(elsewhere: Store, enter: Enter) -> None:
    rows = [line(elsewhere, zip_from=f"{n:05}", zip_to=f"{n:05}") for n in range(rates.MOST_LINES + 1)]
    client = enter(elsewhere)
    url = send(client, as_csv(rows), kind="rates")
    work()
    assert "at most 5,000 go in one" in look(client, url)


@given(st.integers(0, 70_000))
def test_pounds_of_a_file_are_the_same_grams(grams: int) -> None:
    assert rules.units.grams(Decimal(rates._pounds(grams))) == grams
