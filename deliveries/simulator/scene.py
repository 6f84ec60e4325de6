"""The simulator's input: orders as the package feed has them, and one row a person whose shift ends that evening."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from associates import home
from associates.models import Associate, Limits, Shift
from deliveries.carriers import rates
from deliveries.intake import packages as intake
from deliveries.intake.columns import PACKAGES
from deliveries.models import Package
from stores.feeds import fields
from stores.feeds.report import FileFault, Report, RowFault
from stores.feeds.rows import Cells
from stores.feeds.sheets import Column, CsvTable, Row, Sheet
from stores.models import Store
from stores.places import Point, distance_m, in_united_states

LONGEST_COMMUTE_M = 150_000
MOST_HOMES = 20_000
HOMES = Sheet(
    "homes",
    (
        Column("lat", "Latitude of the middle of the home area, degrees.", "40.674", required=True),
        Column("lon", "Its longitude; negative in the United States.", "-74.091", required=True),
        Column(
            "shift_ends", "When the shift ends: ISO 8601, without an offset in the store's local time.",
            "2026-11-24T19:00", required=True,
        ),
        Column("max_packages", "Most packages they would take; 4 when empty.", "4"),
        Column("max_extra_minutes", "Most extra minutes; 15 when empty.", "15"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Home:
    """Somebody who might deliver: a coarse cell, the end of a shift, and what they would carry. Nobody's name."""

    cell: Point
    shift_ends: datetime
    max_packages: int
    max_extra_minutes: int


@dataclass(slots=True)
class Evening:
    packages: list[Package] = field(default_factory=list)
    homes: list[Home] = field(default_factory=list)


@dataclass(slots=True)
class Scene:
    """What is simulated, by evening; and what became of each row of the two files."""

    store: Store
    evenings: Mapping[date, Evening]
    orders: Report
    homes: Report

    @property
    def packages(self) -> int:
        return sum(len(each.packages) for each in self.evenings.values())


def read(store: Store, *, orders: bytes, homes: bytes, now: datetime) -> Scene:
    """Both files, checked row by row; bad rows are reported and left out. Raises FileFault for a file as a whole.

    Past evenings are what one simulates, so a promise that is over is no fault and no warning here.
    """
    made, report = intake.imagine(CsvTable(orders, PACKAGES), stores=Store.objects.filter(pk=store.pk), now=now)
    report.warnings = [warning for warning in report.warnings if warning.code != "promise_past"]
    rates.price(made, now=now)
    evenings: dict[date, Evening] = defaultdict(Evening)
    for number, package in enumerate(made, 1):
        package.pk = number
        evenings[store.evening(package.deliver_by)].packages.append(package)
    found, told = _homes(store, CsvTable(homes, HOMES, most_rows=MOST_HOMES))
    for each in found:
        evenings[store.evening(each.shift_ends)].homes.append(each)
    if not made:
        raise FileFault("no_orders", _("No order of this file could be used. Mend the rows named below."))
    if not found:
        raise FileFault("no_homes", _("No home of this file could be used. Mend the rows named below."))
    return Scene(store, dict(sorted(evenings.items())), report, told)


def _homes(store: Store, table: CsvTable) -> tuple[list[Home], Report]:
    report, found = Report(dry_run=True), list[Home]()
    for row in table:
        each, faults = _home(store, row)
        if each is None:
            report.reject(faults)
        else:
            report.accepted += 1
            found.append(each)
    return found, report


def _home(store: Store, row: Row) -> tuple[Home | None, list[RowFault]]:
    cells = Cells(row, HOMES)
    lat = cells.take("lat", lambda text: fields.degrees(text, 90))
    lon = cells.take("lon", lambda text: fields.degrees(text, 180))
    ends = cells.take("shift_ends", lambda text: fields.moment(text, store.zone))
    packages = cells.take("max_packages", lambda text: _between(text, 1, 20))
    minutes = cells.take("max_extra_minutes", lambda text: _between(text, 5, 60))
    if lat is not None and lon is not None:
        point = Point(lat, lon)
        if not in_united_states(point) or distance_m(point, Point(store.lat, store.lon)) > LONGEST_COMMUTE_M:
            cells.fault("lat", "too_far", _too_far())
    if cells.faults or lat is None or lon is None or ends is None:
        return None, cells.faults
    # From here on nothing finer than the cell exists.
    return Home(home.coarse(Point(lat, lon)), ends, packages or 4, minutes or 15), []


def _too_far() -> str:
    return _("That is more than 150 km from the store. Is it the right store, and are latitude and longitude in order?")


def _between(text: str, least: int, most: int) -> int:
    value = fields.whole(text, most)
    if value < least:
        raise fields.Bad("too_small", _("At least %(least)d.") % {"least": least})
    return value


def people(store: Store, homes: list[Home]) -> list[tuple[Associate, Shift, Point]]:
    """Associates and shifts that are saved nowhere, numbered from one, with the limits their row gives."""
    made = []
    for number, each in enumerate(homes, 1):
        person = Associate(pk=number, store=store, first_name="", state=Associate.State.ACTIVE)
        person.limits = Limits(
            associate_id=number, max_packages=each.max_packages, max_extra_minutes=each.max_extra_minutes
        )
        shift = Shift(
            pk=number,
            store=store,
            reference="",
            starts_at=each.shift_ends - timedelta(hours=8),
            ends_at=each.shift_ends,
        )
        made.append((person, shift, each.cell))
    return made
