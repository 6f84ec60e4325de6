"""Pay as the CSV that payroll takes over, signed, the same bytes each time it is made.

Only evenings that are over are written: the ledger is append-only and each line has the moment it was written, so a
period once over never changes; a later correction is in the period it was written in. Once it is approved, the database
refuses a line in it. Distances and times are the ledger's own,
where a paid way home is in whole steps; there is no address in it, and no name: payroll knows employee numbers.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from deliveries.models import LedgerEntry
from stores import units
from stores.feeds.export import safe_cell
from stores.models import Store
from stores.refused import Refused

from . import periods

COLUMNS = (
    "row", "store", "period", "employee", "trip_day", "trip", "line", "quantity", "unit", "rate_usd", "wages_usd",
    "mileage_usd", "amount_usd", "rule", "reason", "entry",
)  # fmt: skip
LONGEST_PERIOD = timedelta(days=366)
METRES_A_MILE = 1609.344
ALGORITHM = "hmac-sha256"


class BadPeriod(ValueError):
    """A period that cannot be exported; the message says why and what can."""


class NotApproved(Refused):
    code = "not_approved"
    sentence = _("Nobody has approved the pay of all these evenings. It is approved in the admin, under Payroll.")


@dataclass(slots=True)
class Sums:
    """Cents of some lines. Mileage is a reimbursement, all else is wages."""

    wages: int = 0
    mileage: int = 0
    lines: int = field(default=0)

    def add(self, other: Sums) -> None:
        self.wages += other.wages
        self.mileage += other.mileage
        self.lines += other.lines

    @property
    def cells(self) -> list[str]:
        return [units.plain_dollars(cents) for cents in (self.wages, self.mileage, self.wages + self.mileage)]


@dataclass(frozen=True, slots=True)
class PayFile:
    """The file of a period, its sums in cents and the number of its lines; and whether all of it is approved."""

    name: str
    data: bytes
    sums: Sums
    approved: bool

    @property
    def cents(self) -> int:
        return self.sums.wages + self.sums.mileage

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, in hex."""
        return hashlib.sha256(self.data).hexdigest()


def export(store: Store, first: date, last: date, *, now: datetime) -> bytes:
    """The bytes of `make_file`."""
    return make_file(store, first, last, now=now).data


def make_file(store: Store, first: date, last: date, *, now: datetime, only_approved: bool = False) -> PayFile:
    """What the ledger of `store` got from the evening of `first` to that of `last`, as CSV (UTF-8, CRLF).

    One row a ledger line, a total an employee, a total of all. An evening runs from four in the morning to four on the
    store's clock. Raises BadPeriod; and NotApproved with `only_approved`, unless every evening of it is.
    """
    if last < first:
        raise BadPeriod(f"The period ends on {last}, before it begins on {first}.")
    if last - first >= LONGEST_PERIOD:
        raise BadPeriod("The period is longer than a year; export it in parts.")
    calendar = periods.calendar(store)
    period = periods.PayPeriod(store, first, last, *calendar.span(first, last))
    if not period.over(now):
        over = periods.over_by(store, now)
        raise BadPeriod(f"{last} is not over in store {store.number}; the last day that is over is {over}.")
    approved = calendar.approved(first, last)
    if only_approved and not approved:
        raise NotApproved
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    head = [store.number, f"{first}/{last}"]
    total = Sums()
    for employee, entries in groupby(_entries(period), lambda entry: entry.associate.employee.reference):
        mine = Sums()
        for entry in entries:
            sums = _sums(entry)
            mine.add(sums)
            writer.writerow(
                [
                    "line", *head, safe_cell(employee), store.evening(entry.trip.shift.ends_at), entry.trip_id, entry.kind,
                    *_measures(entry), *sums.cells, entry.rule_version, safe_cell(entry.reason), entry.key,
                ]
            )  # fmt: skip
        writer.writerow(_total_row("employee_total", head, safe_cell(employee), mine))
        total.add(mine)
    writer.writerow(_total_row("total", head, "", total))
    return PayFile(file_name(store, first, last), text.getvalue().encode(), total, approved)


def file_name(store: Store, first: date, last: date) -> str:
    return f"payroll-{store.number}-{first}-{last}.csv"


def sign(data: bytes) -> str:
    """The content of the `.sig` file: the algorithm and the HMAC-SHA256 of exactly these bytes, in hex."""
    return f"{ALGORITHM} {_hmac(data, _keys()[0])}\n"


def verify(data: bytes, signature: str) -> bool:
    """Whether `signature` (as `sign` wrote it) was made for these bytes, with the present key or one before it."""
    algorithm, _, found = signature.strip().partition(" ")
    if algorithm != ALGORITHM or not found.isascii():
        return False
    return any(hmac.compare_digest(found, _hmac(data, key)) for key in _keys())


def _hmac(data: bytes, key: str) -> str:
    # The salt keeps this key apart from every other use of SECRET_KEY.
    return salted_hmac("homeward.payroll", data, secret=key, algorithm="sha256").hexdigest()


def _keys() -> list[str]:
    """PAYROLL_KEY where it is set, else SECRET_KEY and, for checking older files, the keys before it."""
    if settings.PAYROLL_KEY:
        return [settings.PAYROLL_KEY]
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _entries(period: periods.PayPeriod) -> Iterator[LedgerEntry]:
    rows = LedgerEntry.objects.filter(period.lines)
    rows = rows.select_related("associate__employee", "trip__shift")
    return rows.order_by("associate__employee__reference", "trip_id", "pk").iterator(chunk_size=2000)


def _sums(entry: LedgerEntry) -> Sums:
    is_mileage = entry.kind == LedgerEntry.Kind.MILEAGE
    return Sums(wages=0 if is_mileage else entry.cents, mileage=entry.cents if is_mileage else 0, lines=1)


def _measures(entry: LedgerEntry) -> list[str]:
    """Quantity, unit and rate of a line, as payroll reads them: hours to the second, miles to a tenth."""
    match entry.kind:
        case LedgerEntry.Kind.PACKAGES:
            return [str(entry.quantity), "packages", units.plain_dollars(entry.rate)]
        case LedgerEntry.Kind.MILEAGE:
            return [f"{entry.quantity / METRES_A_MILE:.1f}", "miles", f"{entry.rate / 1000:.3f}"]
        case LedgerEntry.Kind.CORRECTION:
            return ["", "", ""]
    return [f"{entry.quantity / 3600:.4f}", "hours", units.plain_dollars(entry.rate)]


def _total_row(kind: str, head: list[object], employee: str, sums: Sums) -> list[object]:
    return [kind, *head, employee, "", "", "", sums.lines, "lines", "", *sums.cells, "", "", ""]
