"""Pay as the CSV that payroll takes over, signed, the same bytes each time it is made.

Only days that are over are written: the ledger is append-only and each line has the moment it was written, so a period
once over never changes; a later correction is in the period it was written in. Distances and times are the ledger's own,
where a paid way home is in whole steps; there is no address in it, and no name: payroll knows employee numbers.
"""

from __future__ import annotations

import csv
import hmac
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from django.conf import settings
from django.utils.crypto import salted_hmac

from deliveries.models import LedgerEntry
from stores.feeds.export import safe_cell
from stores.models import Store

COLUMNS = (
    "row", "store", "period", "employee", "trip_day", "trip", "line", "quantity", "unit", "rate_usd", "wages_usd",
    "mileage_usd", "amount_usd", "rule", "reason", "entry",
)  # fmt: skip
LONGEST_PERIOD = timedelta(days=366)
METRES_A_MILE = 1609.344
ALGORITHM = "hmac-sha256"


class BadPeriod(ValueError):
    """A period that cannot be exported; the message says why and what can."""


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
        return [_dollars(self.wages), _dollars(self.mileage), _dollars(self.wages + self.mileage)]


def export(store: Store, first: date, last: date, *, now: datetime) -> bytes:
    """What the ledger of `store` got from the evening of `first` to that of `last`, as CSV (UTF-8, CRLF).

    One row a ledger line, a total an employee, a total of all. An evening runs from four in the morning to four on the
    store's clock. Raises BadPeriod.
    """
    if last < first:
        raise BadPeriod(f"The period ends on {last}, before it begins on {first}.")
    if last - first >= LONGEST_PERIOD:
        raise BadPeriod("The period is longer than a year; export it in parts.")
    start, end = _evening_begins(store, first), _evening_begins(store, last + timedelta(days=1))
    if end > now:
        over = store.evening(now) - timedelta(days=1)
        raise BadPeriod(f"{last} is not over in store {store.number}; the last day that is over is {over}.")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    head = [store.number, f"{first}/{last}"]
    total = Sums()
    for employee, entries in groupby(_entries(store, start, end), lambda entry: entry.associate.employee.reference):
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
    return text.getvalue().encode()


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


def _evening_begins(store: Store, day: date) -> datetime:
    return datetime.combine(day, time(4), store.zone).astimezone(UTC)


def _entries(store: Store, start: datetime, end: datetime) -> Iterator[LedgerEntry]:
    rows = LedgerEntry.objects.filter(store=store, at__gte=start, at__lt=end)
    rows = rows.select_related("associate__employee", "trip__shift")
    return rows.order_by("associate__employee__reference", "trip_id", "pk").iterator(chunk_size=2000)


def _sums(entry: LedgerEntry) -> Sums:
    is_mileage = entry.kind == LedgerEntry.Kind.MILEAGE
    return Sums(wages=0 if is_mileage else entry.cents, mileage=entry.cents if is_mileage else 0, lines=1)


def _measures(entry: LedgerEntry) -> list[str]:
    """Quantity, unit and rate of a line, as payroll reads them: hours to the second, miles to a tenth."""
    match entry.kind:
        case LedgerEntry.Kind.PACKAGES:
            return [str(entry.quantity), "packages", _dollars(entry.rate)]
        case LedgerEntry.Kind.MILEAGE:
            return [f"{entry.quantity / METRES_A_MILE:.1f}", "miles", f"{entry.rate / 1000:.3f}"]
        case LedgerEntry.Kind.CORRECTION:
            return ["", "", ""]
    return [f"{entry.quantity / 3600:.4f}", "hours", _dollars(entry.rate)]


def _total_row(kind: str, head: list[object], employee: str, sums: Sums) -> list[object]:
    return [kind, *head, employee, "", "", "", sums.lines, "lines", "", *sums.cells, "", "", ""]


def _dollars(cents: int) -> str:
    sign_, whole = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign_}{whole // 100}.{whole % 100:02}"
