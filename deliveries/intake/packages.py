"""Packages from the retailer: rows to checked content, content to packages in the books, and a report of every row.

Idempotent by (store, reference): the same content again is "unchanged", other content under a known reference is a
`conflict` and changes nothing. Each batch is one transaction; a file that was half read when the process died is simply
sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack

import structlog
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from deliveries import labels
from deliveries.actions import receiving
from deliveries.actors import Actor
from deliveries.models import ItemClass, Package
from deliveries.models.package import HEAVIEST_G, LONGEST_MM
from stores.feeds import fields
from stores.feeds.report import Report, RowFault, shown
from stores.feeds.rows import BATCH, Cells, How, Kind, KnownStores, import_rows
from stores.feeds.sheets import Row, Table, in_batches
from stores.models import Language, Store
from stores.places import Located, Point, Precision, distance_m, in_united_states, locate_many

from . import measures
from .columns import HEIGHT, LENGTH, PACKAGES, WEIGHT, WIDTH

log = structlog.get_logger(__name__)

FARTHEST_M = 200_000
PIN_OFF_M = 50_000  # no ZIP's pin is farther from its middle, but for a few in deserts
MOST_VALUE_CENTS = 5_000_000
MOST_CARRIER_CENTS = 100_000
LONGEST_PROMISE = timedelta(days=60)

# Columns that came later, and what they are when nothing is said.
ADDED_LATER: dict[str, object] = {"item_class": ItemClass.GENERAL, "pin_required": False}
# Content's names (the model's) that people know by another: the column to show in a conflict.
_SHOWN_AS = {
    "region": "state", "weight_g": "weight", "length_mm": "length", "width_mm": "width", "height_mm": "height",
    "value_cents": "value_usd", "carrier_cents": "carrier_usd",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that is good in itself. `content` has the fields of Package that the retailer decides; lat and lon may be None."""

    cells: Cells
    store: Store
    reference: str
    content: dict[str, Any]
    fingerprint: str

    @property
    def key(self) -> tuple[int, str]:
        return self.store.pk, self.reference

    @property
    def address(self) -> tuple[str, str]:
        return self.content["address1"], self.content["zip"]


def take_in(
    table: Table,
    *,
    stores: QuerySet[Store],
    by: Actor,
    now: datetime,
    **how: Unpack[How],
) -> Report:
    """Take the packages of `table` into the books of `stores`, in batches, and say what became of every row.

    Arguments and batches are those of `stores.feeds.rows.import_rows`; `by` and `now` go into each package's first Event.
    """

    def take(rows: Sequence[Row], known: KnownStores) -> Report:
        return _take(rows, known, by=by, now=now)

    report = import_rows(table, kind=Kind.PACKAGES, stores=stores, take=take, **how)
    log.info(
        "intake.packages", system=by.name, dry_run=report.dry_run, read=report.read, accepted=report.accepted,
        unchanged=report.unchanged, rejected=report.rejected,
    )  # fmt: skip
    return report


def imagine(table: Table, *, stores: QuerySet[Store], now: datetime) -> tuple[list[Package], Report]:
    """The packages of `table`, checked and located as an import would, but neither saved nor compared with the books.

    For the simulator. Without labels; a reference twice in the file counts once.
    """
    report, made = Report(dry_run=True), list[Package]()
    known, seen = KnownStores(stores), set[tuple[int, str]]()
    for rows in in_batches(table, BATCH):
        known.load(rows)
        good = []
        for row in rows:
            cells, checked = check(row, known)
            if checked is None:
                report.reject(cells.faults)
            elif checked.key in seen:
                report.unchanged += 1
            else:
                seen.add(checked.key)
                good.append(checked)
        places = locate_many({row.address for row in good})
        for each in good:
            package = _package_of(each, places.get(each.address), now)
            if package is None:
                report.reject(each.cells.faults)
                continue
            report.accepted += 1
            report.warnings += each.cells.warnings
            made.append(package)
    return made, report


# --- One row ------------------------------------------------------------------------------------------------------------
def check(row: Row, known: KnownStores) -> tuple[Cells, Checked | None]:
    """Everything that can be said of a row alone. None when it has faults; they are in the Cells."""
    cells = Cells(row, PACKAGES)
    if cells.shapeless:
        return cells, None
    take = cells.take
    store = take("store", known.by_number)
    content: dict[str, Any] = {
        "recipient": cells.text("recipient"),
        "phone": take("phone", fields.phone) or "",
        "email": take("email", fields.email) or "",
        "language": take("language", lambda t: fields.choice(t, *Language.values)) or Language.ENGLISH.value,
        "address1": cells.text("address1"),
        "address2": cells.text("address2") or "",
        "city": cells.text("city"),
        "region": take("state", fields.state),
        "zip": take("zip", fields.zip5),
        "instructions": take("instructions", lambda t: fields.note(t, PACKAGES.longest("instructions"))) or "",
        "weight_g": cells.take_one_of(WEIGHT, lambda t, unit: measures.grams(t, unit, HEAVIEST_G)),
        "length_mm": cells.take_one_of(LENGTH, lambda t, unit: measures.millimetres(t, unit, LONGEST_MM)),
        "width_mm": cells.take_one_of(WIDTH, lambda t, unit: measures.millimetres(t, unit, LONGEST_MM)),
        "height_mm": cells.take_one_of(HEIGHT, lambda t, unit: measures.millimetres(t, unit, LONGEST_MM)),
        "value_cents": take("value_usd", lambda t: fields.cents(t, MOST_VALUE_CENTS)) or 0,
        "carrier_cents": take("carrier_usd", lambda t: fields.cents(t, MOST_CARRIER_CENTS)),
        "associate_ok": take("associate_ok", fields.yes_no) is not False,
        "item_class": take("item_class", lambda t: fields.choice(t, *ItemClass.values)) or ItemClass.GENERAL.value,
    }
    asked = take("pin_required", fields.yes_no)
    content["pin_required"] = content["item_class"] == ItemClass.VALUABLES if asked is None else asked
    reference = cells.reference("reference")
    if store:
        content["deliver_by"] = take("deliver_by", lambda t: fields.moment(t, store.zone))
        content["lat"], content["lon"] = _pin(cells, store)
    elif not cells.has("deliver_by"):
        take("deliver_by", str)
    _check_density(cells, content)
    if cells.faults or store is None or reference is None:
        return cells, None
    return cells, Checked(cells, store, reference, content, fingerprint(store, reference, content))


def _pin(cells: Cells, store: Store) -> tuple[float | None, float | None]:
    """The retailer's own coordinates, when they can be right: in the country and not absurdly far from the store."""
    lat = cells.take("lat", lambda t: fields.degrees(t, 90), needed=cells.has("lon"))
    lon = cells.take("lon", lambda t: fields.degrees(t, 180), needed=cells.has("lat"))
    if lat is None or lon is None:
        return None, None
    point = Point(lat, lon)
    if in_united_states(point):
        if distance_m(point, _at(store)) > FARTHEST_M:
            cells.fault("lat", "too_far", _too_far(point, store))
        return lat, lon
    if abs(lon) <= 90 and in_united_states(Point(lon, lat)):
        cells.fault("lat", "swapped", _("Latitude and longitude are swapped."))
    elif in_united_states(Point(lat, -lon)):
        cells.fault("lon", "sign", _("Longitudes in the United States are negative. Put a minus in front."))
    else:
        cells.fault("lat", "not_in_country", _("That point is not in the United States."))
    return None, None


def _at(store: Store) -> Point:
    return Point(store.lat, store.lon)


def _too_far(point: Point, store: Store) -> str:
    return _("That is %(km)s km from store %(store)s, farther than the %(most)s km allowed. Is it the right store?") % {
        "km": f"{distance_m(point, _at(store)) / 1000:,.0f}", "store": store.number, "most": FARTHEST_M // 1000,
    }  # fmt: skip


def _check_density(cells: Cells, content: dict[str, Any]) -> None:
    weight = content["weight_g"]
    sides = (content["length_mm"], content["width_mm"], content["height_mm"])
    if weight is None or None in sides:
        return
    odd = measures.density_fault(weight, sides)
    if odd:
        impossible, code, message = odd
        column = next(column for column in WEIGHT if cells.has(column))
        (cells.fault if impossible else cells.warn)(column, code, message)


def fingerprint(store: Store, reference: str, content: dict[str, Any]) -> str:
    """SHA-256 of the checked content, so that 3.2 lb and 1451 g, or two ways to write a time, are the same package.

    It is kept with the package: a column added later is left out of it where it says nothing new, or all would differ.
    """
    content = {name: value for name, value in content.items() if name not in ADDED_LATER or value != ADDED_LATER[name]}
    canonical = json.dumps(
        {"store": store.number, "reference": reference, **content}, sort_keys=True, ensure_ascii=False, default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def differing(content: dict[str, Any], other: dict[str, Any] | Package) -> list[str]:
    """The columns in which `content` differs from another row's or from a package in the books, as the sender knows them.

    Where a package's point and `associate_ok` are our own finding, they are left out.
    """
    if isinstance(other, Package):
        package, other = other, {name: getattr(other, name) for name in content}
        if content["lat"] is None:
            other["lat"] = other["lon"] = None
        other["carrier_cents"] = package.retailers_carrier_cents
        if not package.associate_ok:
            other["associate_ok"] = content["associate_ok"]
    return [_SHOWN_AS.get(name, name) for name, value in content.items() if other[name] != value]


# --- One batch ----------------------------------------------------------------------------------------------------------
def _take(rows: Sequence[Row], known: KnownStores, *, by: Actor, now: datetime) -> Report:
    """Check, sort out and write some rows, in a number of queries that does not depend on how many they are."""
    report, good = Report(), []
    for row in rows:
        cells, checked = check(row, known)
        if checked:
            good.append(checked)
        else:
            report.reject(cells.faults)
    new = _sort_out(report, good, now)
    _label(new)
    receiving.receive(packages=new, by=by, now=now)
    return report


def _sort_out(report: Report, good: Sequence[Checked], now: datetime) -> list[Package]:
    """Count what is known, reject what conflicts, and return the rest as packages not yet saved, with their place."""
    there = {
        (package.store_id, package.reference): package
        for package in Package.objects.filter(
            store__in={row.store.pk for row in good}, reference__in={row.reference for row in good}
        )
    }
    places = locate_many({row.address for row in good if row.key not in there})
    first: dict[tuple[int, str], Checked] = {}
    new = []
    for row in good:
        if package := there.get(row.key):
            what = _("package %(label)s") % {"label": package.label}
            _again(report, row, package.fingerprint, package, what)
        elif earlier := first.get(row.key):
            what = _("row %(row)s") % {"row": earlier.cells.number}
            _again(report, row, earlier.fingerprint, earlier.content, what)
        elif made := _package_of(row, places.get(row.address), now):
            first[row.key] = row
            new.append(made)
            report.accepted += 1
            report.warnings += row.cells.warnings
        else:
            report.reject(row.cells.faults)
    return new


def _again(report: Report, row: Checked, known: str, other: dict[str, Any] | Package, what: str) -> None:
    """A reference that is known, from the books or from a row before: unchanged, or a conflict naming the columns."""
    if row.fingerprint == known:
        report.unchanged += 1
        return
    message = _(
        "This reference is taken by %(what)s, with other content in: %(columns)s. Nothing was changed; "
        "send a changed package under a new reference."
    ) % {"what": what, "columns": ", ".join(differing(row.content, other)) or _("another optional column")}
    report.reject([RowFault(row.cells.number, "reference", shown(row.reference), "conflict", message)])


def _package_of(row: Checked, place: Located | None, now: datetime) -> Package | None:
    """A package to be saved; None, with a fault in the row's cells, when nobody knows where it goes or by when."""
    cells, content, store = row.cells, row.content, row.store
    if content["lat"] is not None:
        pin = Point(content["lat"], content["lon"])
        if place and place.precision == Precision.ZIP and distance_m(pin, place.point) > PIN_OFF_M:
            cells.warn("lat", "pin_off_zip", _("The point is more than 50 km from the middle of its ZIP code."))
        place = Located(pin, Precision.ROOFTOP)
    if place is None:
        cells.fault(
            "zip", "unknown_place", _("Nobody here knows this address or its ZIP code. Send lat and lon with it.")
        )
        return None
    distance = distance_m(place.point, _at(store))
    if distance > FARTHEST_M:
        cells.fault("zip", "too_far", _too_far(place.point, store))
    if content["deliver_by"] > now + LONGEST_PROMISE:
        cells.fault("deliver_by", "promise_far", _("That is more than 60 days ahead. Is the year right?"))
    if cells.faults:
        return None
    ok = content["associate_ok"]
    kept = "" if ok else Package.Kept.RETAILER
    if content["deliver_by"] <= now:
        cells.warn("deliver_by", "promise_past", _("The promise is over already; the carrier will get the package."))
    if place.precision == Precision.ZIP:
        cells.warn(
            "address1", "zip_precision",
            _("Only its ZIP code is known here, so no associate is offered it until the pin is confirmed."),
        )  # fmt: skip
    if ok and content["region"] != store.state:
        ok, kept = False, Package.Kept.STATE
        cells.warn("state", "other_state", _("Another state than the store's: it goes to the carrier."))
    elif ok and distance > store.radius_m:
        ok, kept = False, Package.Kept.RADIUS
        cells.warn("address1", "beyond_radius", _("Beyond the store's radius: it goes to the carrier."))
    return Package(
        **{**content, "lat": place.point.lat, "lon": place.point.lon, "associate_ok": ok, "kept_because": kept},
        store=store, reference=row.reference, fingerprint=row.fingerprint, precision=place.precision,
        locate_after=now if place.precision == Precision.ZIP else None,  # a task asks, not this request
    )  # fmt: skip


def _label(packages: Sequence[Package]) -> None:
    """Give each a code that no package of its store has. Under the store's lock, so nobody else takes it meanwhile."""
    codes: list[str] = []
    taken: set[str] = set()
    while len(codes) < len(packages):  # once, unless one of a thousand million codes came up again
        more = labels.make(len(packages) - len(codes), {*taken, *codes})
        there = Package.objects.filter(store__in={p.store_id for p in packages}, label__in=more)
        taken.update(there.values_list("label", flat=True))
        codes += [code for code in more if code not in taken]
    for package, code in zip(packages, codes, strict=True):
        package.label = code
