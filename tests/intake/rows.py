"""Good rows as a retailer would send them; a test changes the one cell it is about."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from associates import roster
from deliveries import actors
from deliveries.intake import packages, shifts
from deliveries.intake.columns import PACKAGES
from stores.feeds.report import Report
from stores.feeds.sheets import CsvTable, JsonTable
from stores.models import Store
from tests import make

TODAY = date(2026, 11, 24)


def package(store: Store | int, number: int = 1, /, **cells: Any) -> dict[str, Any]:
    """A package of a pound and a half for a door near the store of `make.store`."""
    row = {
        "store": str(getattr(store, "number", store)), "reference": f"W-{number}", "recipient": "Sam Carter",
        "address1": f"{number} W 53rd St", "city": "Bayonne", "state": "NJ", "zip": "07002", "lat": "40.6602",
        "lon": "-74.1159", "weight_lb": "1.5", "length_in": "12", "width_in": "9", "height_in": "4",
        "value_usd": "24.99", "carrier_usd": "8.75", "deliver_by": "2026-11-24T21:00",
    }  # fmt: skip
    row.update(cells)
    return {name: value for name, value in row.items() if value is not None}


def shift(store: Store | int, number: int = 1, /, **cells: Any) -> dict[str, Any]:
    row = {
        "store": str(getattr(store, "number", store)), "employee": f"E-{number}", "first_name": "Ana",
        "last_name": "Alvarez", "birth_date": "1990-05-17", "shift": f"S-{number}", "starts_at": "2026-11-24T13:00",
        "ends_at": "2026-11-24T21:00",
    }  # fmt: skip
    row.update(cells)
    return {name: value for name, value in row.items() if value is not None}


def as_csv(rows: Iterable[dict[str, Any]]) -> bytes:
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_json(name: str, rows: Iterable[Any]) -> bytes:
    return json.dumps({name: list(rows)}).encode()


def take_packages(data: bytes | list[dict[str, Any]], **options: Any) -> Report:
    data = data if isinstance(data, bytes) else as_csv(data)
    table = JsonTable(data, PACKAGES) if data.startswith(b"{") else CsvTable(data, PACKAGES)
    return packages.take_in(
        table, **{"stores": Store.objects.all(), "by": actors.retailer("test"), "now": make.EVENING, **options}
    )


def take_shifts(data: bytes | list[dict[str, Any]], **options: Any) -> Report:
    data = data if isinstance(data, bytes) else as_csv(data)
    table = JsonTable(data, roster.SHIFTS) if data.startswith(b"{") else CsvTable(data, roster.SHIFTS)
    return shifts.take_in(
        table, **{"stores": Store.objects.all(), "by": actors.retailer("test"), "now": make.EVENING, **options}
    )


def faults(report: Report) -> list[tuple[int, str, str]]:
    """(row, column, code) of every error, in order; and the sum must be right, in every test that asks."""
    assert report.read == report.accepted + report.unchanged + report.rejected
    return [(fault.row, fault.column, fault.code) for fault in sorted(report.errors, key=lambda fault: fault.row)]
