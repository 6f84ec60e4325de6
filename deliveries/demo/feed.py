"""The retailer's side of the demo: rows become the CSV files a retailer sends, and go in by the door that those go in by."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from django.db.models import QuerySet

from associates.roster import SHIFTS
from deliveries import actors
from deliveries.intake import packages, shifts
from deliveries.intake.columns import PACKAGES
from stores.feeds.report import Report
from stores.feeds.sheets import CsvTable, Sheet
from stores.models import Store

from . import names
from .pilot import Address

NAME = "demo"
NOTES = (
    "Leave it behind the planter, please.", "Second door on the left.", "The bell is broken; please knock.",
    "Leave with the neighbour if nobody opens.", "Beware of the step.",
)  # fmt: skip
Rows = Sequence[Mapping[str, object]]


class NotTaken(RuntimeError):
    """The intake refused a row of the demo: the demo is wrong. The text has the row and the reason."""


def send_roster(store: Store, rows: Rows, *, now: datetime) -> None:
    """Employees and shifts of `store`; columns as in `associates/roster.py`, the store's number is added."""
    table = _table(SHIFTS, store, rows)
    _check(shifts.take_in(table, stores=_only(store), by=actors.retailer(NAME), now=now))


def send_packages(store: Store, rows: Rows, *, now: datetime) -> None:
    """Packages for `store`; columns as in `deliveries/intake/columns.py`, the store's number is added."""
    _check(packages.take_in(_table(PACKAGES, store, rows), stores=_only(store), by=actors.retailer(NAME), now=now))


def note(rng: Random) -> str:
    """What every fourth customer wrote when they ordered."""
    return rng.choice(NOTES) if rng.random() < 0.25 else ""


def customer(store: Store, number: int, called: tuple[str, str], where: Address, note: str = "") -> dict[str, str]:
    """An invented person at a real address, as columns. Their numbers and mailboxes are ones that reach nobody."""
    first, last = called
    return {
        "recipient": f"{first} {last}", "email": f"customer{number + 1}.{store.number}@example.net",
        "phone": f"{store.phone[2:8]}{100 + number:04d}", "language": "es" if first in names.FIRST_SPANISH else "en",
        "address1": where.address1, "address2": where.address2, "city": where.city, "state": where.state,
        "zip": where.zip, "instructions": note,
    }  # fmt: skip


def _only(store: Store) -> QuerySet[Store]:
    return Store.objects.filter(pk=store.pk)


def _table(sheet: Sheet, store: Store, rows: Rows) -> CsvTable:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, ["store", *dict.fromkeys(name for row in rows for name in row)])
    writer.writeheader()
    writer.writerows({"store": store.number, **row} for row in rows)
    return CsvTable(file.getvalue().encode(), sheet)


def _check(report: Report) -> None:
    if report.rejected:
        fault = report.errors[0]
        raise NotTaken(f"row {fault.row}, {fault.column} “{fault.value}”: {fault.message}")
