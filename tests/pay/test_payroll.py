"""The payroll file: the same bytes twice, sums that are the ledger's, a signature that notices, and nobody's home."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import Sum

from deliveries import actors, payroll
from deliveries.actions import ledger
from deliveries.models import LedgerEntry
from stores.models import Store
from tests import make

from . import made

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)  # 18:00 in New Jersey
LATER = MONDAY + timedelta(days=40)
FIRST, LAST = date(2026, 11, 23), date(2026, 11, 29)


@pytest.fixture
def store() -> Store:
    """A week of two people, one of them with a spreadsheet formula for a number, and a correction with another."""
    store = make.store()
    for reference in ("E-2", "=HYPERLINK(1)"):
        person = make.associate(store, employee=make.employee(store, reference=reference))
        for shift in made.shifts(person, MONDAY, 2):
            trip = made.settled(person, shift, took=timedelta(minutes=47))
    ledger.correct(
        trip=trip, cents=-100, reason="=1+1", by=actors.system("test"), now=MONDAY + timedelta(days=2), key="a"
    )
    make.associate(make.store())  # another store's people are not in it
    return store


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def cents(dollars: str) -> int:
    return round(float(dollars) * 100)


def test_lines_and_totals_are_the_ledgers(store: Store) -> None:
    found = rows(payroll.export(store, FIRST, LAST, now=LATER))
    lines = [row for row in found if row["row"] == "line"]
    assert len(lines) == LedgerEntry.objects.filter(store=store).count() == 13
    assert sum(cents(row["amount_usd"]) for row in lines) == LedgerEntry.objects.aggregate(all=Sum("cents"))["all"]
    for row in lines:
        assert cents(row["wages_usd"]) + cents(row["mileage_usd"]) == cents(row["amount_usd"])
        assert (cents(row["mileage_usd"]) > 0) == (row["line"] == "mileage")
    by_employee = [row for row in found if row["row"] == "employee_total"]
    assert [row["employee"] for row in by_employee] == ["'=HYPERLINK(1)", "E-2"]
    [total] = [row for row in found if row["row"] == "total"]
    assert found[-1] == total
    for column in ("wages_usd", "mileage_usd", "amount_usd"):
        assert cents(total[column]) == sum(cents(row[column]) for row in by_employee)
        assert cents(total[column]) == sum(cents(row[column]) for row in lines)
    [correction] = [row for row in lines if row["line"] == "correction"]
    assert (correction["amount_usd"], correction["reason"]) == ("-1.00", "'=1+1")
    time_ = next(row for row in lines if row["line"] == "time")
    assert (time_["quantity"], time_["unit"], time_["rate_usd"]) == ("0.7833", "hours", "18.00")


def test_a_period_over_gives_the_same_bytes_and_later_corrections_are_in_theirs(store: Store) -> None:
    once = payroll.export(store, FIRST, LAST, now=LATER)
    trip = LedgerEntry.objects.filter(store=store).latest("pk").trip
    ledger.correct(trip=trip, cents=500, reason="Toll", by=actors.system("t"), now=LATER, key="later")
    assert payroll.export(store, FIRST, LAST, now=LATER + timedelta(days=400)) == once
    day = store.evening(LATER)
    [line, _, total] = rows(payroll.export(store, day, day, now=LATER + timedelta(days=2)))
    assert (line["amount_usd"], total["amount_usd"]) == ("5.00", "5.00")
    # Periods side by side miss nothing and pay nothing twice.
    halves = [
        payroll.export(store, FIRST, FIRST, now=LATER), payroll.export(store, date(2026, 11, 24), LAST, now=LATER)
    ]  # fmt: skip
    entries = [row["entry"] for half in halves for row in rows(half) if row["row"] == "line"]
    assert sorted(entries) == sorted(row["entry"] for row in rows(once) if row["row"] == "line")


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (date(2026, 11, 24), date(2026, 11, 23), "before it begins"),
        (date(2025, 11, 20), date(2026, 11, 21), "longer than a year"),
        (date(2026, 11, 20), date(2026, 11, 23), "the last day that is over is 2026-11-22"),
    ],
)
def test_a_period_that_cannot_be_is_refused(first: date, last: date, says: str) -> None:
    with pytest.raises(payroll.BadPeriod, match=says):
        payroll.export(make.store(), first, last, now=MONDAY)


def test_an_empty_period_is_a_file_with_a_total_of_nothing() -> None:
    [total] = rows(payroll.export(make.store(), FIRST, LAST, now=LATER))
    assert (total["row"], total["amount_usd"], total["quantity"]) == ("total", "0.00", "0")


def test_no_address_no_name_and_no_exact_way_home_is_in_it(store: Store) -> None:
    text = payroll.export(store, FIRST, LAST, now=LATER).decode()
    person = store.associates.first()  # type: ignore[attr-defined]
    for canary in (person.first_name, person.employee.last_name, "07002", "Test Street", "40.69", "74.12"):
        assert canary not in text
    assert set(payroll.COLUMNS).isdisjoint({"name", "home", "address", "lat", "lon"})


def test_a_signature_is_for_these_bytes_and_this_key(settings: Any) -> None:
    data = b"row,store\r\n"
    signature = payroll.sign(data)
    assert payroll.verify(data, signature)
    assert not payroll.verify(data + b" ", signature)
    for wrong in ("", "hmac-sha256 ", signature.upper(), signature.replace("hmac-sha256", "none"), "hmac-sha256 é"):
        assert not payroll.verify(data, wrong)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    assert payroll.verify(data, signature), "a key before this one still checks old files"
    assert payroll.sign(data) != signature
    settings.PAYROLL_KEY = "a key of its own"
    assert not payroll.verify(data, signature)
    assert payroll.verify(data, payroll.sign(data))


@time_machine.travel(LATER, tick=False)
def test_the_command_writes_a_pair_that_it_verifies(store: Store, tmp_path: Path, capsys: Any) -> None:
    arguments = ["--store", str(store.number), "--from", "2026-11-23", "--to", "2026-11-29", "--out", str(tmp_path)]
    call_command("export_payroll", *arguments)
    path = Path(capsys.readouterr().out.strip())
    first = path.read_bytes()
    assert first == payroll.export(store, FIRST, LAST, now=LATER)
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, f"{path.name}.sig"]
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in tmp_path.iterdir())
    call_command("export_payroll", "--verify", str(path))
    assert "as it was signed" in capsys.readouterr().out
    call_command("export_payroll", *arguments)
    assert path.read_bytes() == first
    path.write_bytes(first.replace(b"18.00", b"81.00"))
    with pytest.raises(CommandError, match="Do not pay from it"):
        call_command("export_payroll", "--verify", str(path))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--store, --from, --to"),
        (["--store", "1", "--from", "2026-11-23"], "--to"),
        (["--store", "424242", "--from", "2026-11-23", "--to", "2026-11-24"], "There is no store 424242"),
        (["--verify", "/nowhere/at/all.csv"], "/nowhere/at/all.csv"),
    ],
)
def test_the_command_says_what_is_missing(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("export_payroll", *arguments)


@time_machine.travel(LATER, tick=False)
def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    store = make.store()
    with pytest.raises(CommandError, match="Choose another folder"):
        call_command(
            "export_payroll", "--store", str(store.number), "--from", "2026-11-23", "--to", "2026-11-24",
            "--out", str(tmp_path / "nowhere"),
        )  # fmt: skip
