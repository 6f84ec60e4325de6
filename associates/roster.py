"""The retailer's roster and shifts: rows to employees and shifts, one validator for files and the API.

A row has an employee and, unless it is roster only, one of their shifts; it is taken as a whole or rejected as a whole.
Idempotent by (store, employee) and (store, shift): the same again is "unchanged", other content is a `conflict`. Of an
employee only `active` may change by a later row; a shift moves or is called off by a row with a higher `version`, and a row
with a lower one is skipped: messages may overtake each other. Who is missing from a later file stays on the roster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, Unpack

import structlog
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stores.feeds import fields
from stores.feeds.report import Report, RowFault
from stores.feeds.rows import Cells, How, Kind, KnownStores, import_rows
from stores.feeds.sheets import Column, Row, Sheet, Table
from stores.models import Store

from .models import LONGEST_SHIFT, Employee, Shift

log = structlog.get_logger(__name__)

YOUNGEST, OLDEST = (
    14,
    100,
)  # 29 CFR 570.2: nobody under 14 works in a store; those under 18 are kept, they cannot sign up

_PERSON = (
    Column("store", "The store's number.", "3520", required=True),
    Column("employee", "Your number for the employee.", "E-20417", required=True, longest=40),
    Column("first_name", "First name.", "Ana", required=True, longest=60),
    Column("last_name", "Last name.", "Alvarez", required=True, longest=60),
    Column("birth_date", "YYYY-MM-DD. Nobody under 18 is ever offered a delivery.", "1990-05-17", required=True),
    Column("active", "false takes them off the roster, true puts them back; empty changes nothing.", "true"),
)
ROSTER = Sheet("roster", _PERSON)
SHIFTS = Sheet(
    "shifts",
    (
        *_PERSON,
        Column(
            "shift",
            "Your number for the shift; empty, as start and end, in a row of the roster only.",
            "S-881",
            longest=40,
        ),
        Column("starts_at", "ISO 8601 with an offset, or without one in the store's local time.", "2026-11-24T13:00"),
        Column("ends_at", "The same; on the next day when the shift goes past midnight.", "2026-11-24T21:30"),
        Column("version", "Your count of the shift's changes; a higher one moves or cancels it.", "3"),
        Column("cancelled", "true calls the shift off; needs a version.", "false"),
    ),
)
SHIFT_COLUMNS = ("shift", "starts_at", "ends_at", "version", "cancelled")
HIGHEST_VERSION = 999_999_999_999  # a count, or the second or millisecond of the change


@dataclass(frozen=True, slots=True)
class ShiftChange:
    """A shift of the books as it is from now on, and what it was."""

    shift: Shift
    was_starts_at: datetime
    was_ends_at: datetime
    was_cancelled: bool

    @property
    def cancelled(self) -> bool:
        return self.shift.cancelled_at is not None


class After(Protocol):
    """What others have to do around a change of shifts; both are called in the transaction that writes them."""

    def hold(self, shift_ids: Collection[int], new: Collection[tuple[int, datetime]]) -> Mapping[int, str]:
        """Before anything is written: which of these shifts must stay as they are, with the sentence why. `new`: who is
        given a shift that is not in the books (employee id), and when it begins."""

    def changed(self, changes: Sequence[ShiftChange], added: Sequence[Shift]) -> None:
        """After it is written."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that is good in itself; `shift` is empty in a row of the roster only."""

    cells: Cells
    store: Store
    employee: str
    first_name: str
    last_name: str
    birth_date: date
    active: bool | None
    shift: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    version: int | None = None
    cancelled: bool = False

    @property
    def key(self) -> tuple[int, str]:
        return self.store.pk, self.shift

    @property
    def person(self) -> tuple[int, str]:
        return self.store.pk, self.employee

    def when(self, starts_at: datetime, ends_at: datetime) -> str:
        """A span on the store's clock, for a sentence."""
        start, end = self.store.local(starts_at), self.store.local(ends_at)
        return f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"


def take_in(
    table: Table,
    *,
    stores: QuerySet[Store],
    by: str,
    now: datetime,
    after: After,
    sheet: Sheet = SHIFTS,
    **how: Unpack[How],
) -> Report:
    """Take the employees and shifts of `table` into the books of `stores`; say what became of every row.

    Arguments and batches are those of `stores.feeds.rows.import_rows`; `by` is the sending system's name, for the log.
    `sheet` is SHIFTS or ROSTER. `after` looks after what hangs on shifts that move.
    """
    said: dict[tuple[int, str], int] = {}  # which row of this file changed an employee's `active`

    def take(rows: Sequence[Row], known: KnownStores) -> Report:
        batch = _Batch(said, now)
        for row in rows:
            cells, checked = check(row, known, now.date(), sheet)
            if checked:
                batch.good.append(checked)
            else:
                batch.report.reject(cells.faults)
        batch.look_up(after)
        for checked in batch.good:
            batch.sort_out(checked)
        batch.write()
        after.changed(list(batch.moved.values()), batch.added)
        return batch.report

    report = import_rows(table, kind=Kind.SHIFTS, stores=stores, take=take, **how)
    log.info(
        "intake.shifts", system=by, dry_run=report.dry_run, read=report.read, accepted=report.accepted,
        unchanged=report.unchanged, rejected=report.rejected, skipped=report.skipped,
    )  # fmt: skip
    return report


# --- One row ------------------------------------------------------------------------------------------------------------
def check(row: Row, known: KnownStores, today: date, sheet: Sheet = SHIFTS) -> tuple[Cells, Checked | None]:
    """Everything that can be said of a row alone. None when it has faults; they are in the Cells."""
    cells = Cells(row, sheet)
    if cells.shapeless:
        return cells, None
    take = cells.take
    store = take("store", known.by_number)
    employee = cells.reference("employee")
    first_name = cells.text("first_name")
    last_name = cells.text("last_name")
    born = take("birth_date", lambda t: _birth_date(t, today))
    active = take("active", fields.yes_no)
    with_shift = any(cells.has(column) for column in SHIFT_COLUMNS)
    version = take("version", lambda t: fields.whole(t, HIGHEST_VERSION))
    cancelled = take("cancelled", fields.yes_no) or False
    if cancelled and not cells.has("version"):
        cells.fault(
            "version", "missing", _("A shift is called off by a row with a higher version than the one before.")
        )
    shift = cells.reference("shift", needed=with_shift)
    starts_at = ends_at = None
    if store:
        starts_at = take("starts_at", lambda t: fields.moment(t, store.zone), needed=with_shift)
        ends_at = take("ends_at", lambda t: fields.moment(t, store.zone), needed=with_shift)
        if starts_at and ends_at:
            _check_span(cells, starts_at, ends_at)
    if cells.faults or not (store and employee and first_name and last_name and born):
        return cells, None
    return cells, Checked(
        cells, store, employee, first_name, last_name, born, active, shift or "", starts_at, ends_at, version, cancelled
    )


def _birth_date(text: str, today: date) -> date:
    born = fields.day(text)
    if not YOUNGEST <= today.year - born.year <= OLDEST:
        raise fields.Bad(
            "birth_date",
            _("An employee is between %(youngest)s and %(oldest)s years old. Is the year right?")
            % {"youngest": YOUNGEST, "oldest": OLDEST},
        )
    return born


def _check_span(cells: Cells, starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        message = _("The shift ends before it starts. If it goes past midnight, write the next day's date.")
        cells.fault("ends_at", "ends_before_start", message)
    elif ends_at - starts_at > LONGEST_SHIFT:
        cells.fault("ends_at", "too_long_shift", _("The shift is longer than 16 hours. Are both dates right?"))


# --- One batch ----------------------------------------------------------------------------------------------------------
class _Batch:
    """Some rows against the books: looked up at once, sorted out one after the other, written at once."""

    def __init__(self, said: dict[tuple[int, str], int], now: datetime) -> None:
        self.report, self._now = Report(), now
        self.moved: dict[int, ShiftChange] = {}
        self.added: list[Shift] = []
        self.good: list[Checked] = []
        self._said, self._says = said, dict[tuple[int, str], int]()
        self._people: dict[tuple[int, str], Employee] = {}
        self._shifts: dict[tuple[int, str], Shift] = {}
        self._spans: dict[tuple[int, str], list[Shift]] = defaultdict(list)
        self._new_people: list[Employee] = []
        self._counted: list[Shift] = []
        self._changed: list[Employee] = []
        self._fixed: Mapping[int, str] = {}

    def look_up(self, after: After) -> None:
        """Fetch the employees and shifts that the good rows name, and the shifts that theirs may overlap; and have what
        hangs on shifts that a row would change held still."""
        stores = {row.store.pk for row in self.good}
        people = Employee.objects.filter(store__in=stores, reference__in={row.employee for row in self.good})
        self._people = {(person.store_id, person.reference): person for person in people}
        timed = [row for row in self.good if row.starts_at and row.ends_at]
        shifts = Shift.everything.select_related("employee")
        same = shifts.filter(store__in=stores, reference__in={row.shift for row in timed})
        self._shifts = {(shift.store_id, shift.reference): shift for shift in same}
        if not timed:
            return
        changing = {
            known.pk
            for row in timed
            if (known := self._shifts.get(row.key)) and _differing(row, known) and (row.version or 0) > known.version
        }
        new = [
            (person.pk, row.starts_at)
            for row in timed
            if row.starts_at and row.key not in self._shifts and (person := self._people.get(row.person))
        ]
        if changing or new:
            self._fixed = after.hold(changing, new)
        near = shifts.filter(
            cancelled_at=None,
            employee__in=[person.pk for person in self._people.values()],
            starts_at__lt=max(row.ends_at for row in timed if row.ends_at),
            ends_at__gt=min(row.starts_at for row in timed if row.starts_at),
        )
        for shift in near:
            self._spans[shift.employee.store_id, shift.employee.reference].append(shift)

    def sort_out(self, row: Checked) -> None:
        """Count one row as accepted, unchanged or rejected, and note what is to be written."""
        person, is_new = self._people.get(row.person), False
        changes_active = False
        if person is None:
            is_new = True
            person = Employee(
                store=row.store, reference=row.employee, first_name=row.first_name, last_name=row.last_name,
                birth_date=row.birth_date, active=row.active is not False,
            )  # fmt: skip
        else:
            changes_active = self._check_person(row, person)
        known = self._shifts.get(row.key) if row.starts_at and row.ends_at else None
        if known and row.version is not None and row.version < known.version and not row.cells.faults:
            self.report.skip(_older(row, known))
            return
        shift = self._new_shift(row, person) if known is None else None
        moves = self._moves(row, known) if known else False
        if row.cells.faults:
            self.report.reject(row.cells.faults)
            return
        self._people[row.person] = person
        if row.active is not None:
            self._says.setdefault(row.person, row.cells.number)
        if is_new:
            self._new_people.append(person)
        elif changes_active:
            person.active = not person.active
            if person.pk:
                self._changed.append(person)
        if shift:
            self.added.append(shift)
            self._shifts[row.key] = shift
            if not row.cancelled:
                self._spans[row.person].append(shift)
        if known:
            self._take_over(row, known, moves=moves)
        if is_new or changes_active or shift or moves:
            self.report.accepted += 1
        else:
            self.report.unchanged += 1

    def _check_person(self, row: Checked, person: Employee) -> bool:
        """Whether the row changes `active` of a known employee; a fault where it would change more, or contradicts."""
        names = ("first_name", "last_name", "birth_date")
        columns = [name for name in names if getattr(person, name) != getattr(row, name)]
        if columns:
            row.cells.fault(
                "employee", "conflict",
                _("This employee is known with another %(columns)s. Nothing was changed; correct the row, or have the "
                  "store's lead change the employee.") % {"columns": ", ".join(columns)},
            )  # fmt: skip
            return False
        if row.active is None or row.active == person.active:
            return False
        earlier = self._says.get(row.person) or self._said.get(row.person)
        if earlier:
            row.cells.fault(
                "active", "conflict", _("Row %(row)s says the opposite of this employee.") % {"row": earlier}
            )
        return not earlier

    def _new_shift(self, row: Checked, person: Employee) -> Shift | None:
        """The row's shift, when it fits between the others; a fault where it does not."""
        if not (row.starts_at and row.ends_at) or not self._fits(row):
            return None
        return Shift(
            store=row.store, employee=person, reference=row.shift, starts_at=row.starts_at, ends_at=row.ends_at,
            version=row.version or 0, cancelled_at=self._now if row.cancelled else None,
        )  # fmt: skip

    def _fits(self, row: Checked) -> bool:
        """Whether the row's span is free of the person's other shifts; a fault where it is not."""
        if row.cancelled or not (row.starts_at and row.ends_at):
            return True
        for other in self._spans[row.person]:
            if other.reference != row.shift and other.starts_at < row.ends_at and row.starts_at < other.ends_at:
                row.cells.fault(
                    "starts_at", "overlap",
                    _("Overlaps shift %(shift)s of the same employee (%(when)s).")
                    % {"shift": other.reference, "when": row.when(other.starts_at, other.ends_at)},
                )  # fmt: skip
                return False
        return True

    def _moves(self, row: Checked, known: Shift) -> bool:
        """Whether the row moves or cancels a known shift, or brings it back; a fault where it may not."""
        columns = _differing(row, known)
        if not columns:
            return False
        newer = row.version is not None and row.version > known.version
        if not newer or "employee" in columns:
            advice = (
                _("Give another person's shift a number of its own.") if "employee" in columns
                else _("A row with a version above %(version)s moves it.") % {"version": known.version}
            )  # fmt: skip
            row.cells.fault(
                "shift", "conflict",
                _("This shift is known with another %(columns)s (%(when)s). Nothing was changed. %(advice)s")
                % {"columns": ", ".join(columns), "when": row.when(known.starts_at, known.ends_at), "advice": advice},
            )  # fmt: skip
            return False
        if known.pk in self._fixed and {"ends_at", "cancelled"} & set(columns):
            row.cells.fault("ends_at", "trip_begun", self._fixed[known.pk])
            return False
        return self._fits(row)

    def _take_over(self, row: Checked, known: Shift, *, moves: bool) -> None:
        """Note the change of a shift in the books, or that a row of this batch changed one before it was written."""
        if moves and row.starts_at and row.ends_at:
            was = self.moved.get(known.pk) if known.pk else None
            change = was or ShiftChange(known, known.starts_at, known.ends_at, known.cancelled_at is not None)
            known.starts_at, known.ends_at = row.starts_at, row.ends_at
            known.cancelled_at = self._now if row.cancelled else None
            others = [other for other in self._spans[row.person] if other.reference != row.shift]
            self._spans[row.person] = others if row.cancelled else [*others, known]
            if known.pk:
                self.moved[known.pk] = change
        if row.version is not None and row.version > known.version:
            known.version = row.version
            if known.pk and known.pk not in self.moved:
                self._counted.append(known)

    def write(self) -> None:
        """A handful of statements. The database's constraints have the last word; IntegrityError goes to the caller."""
        Employee.objects.bulk_create(self._new_people)
        for active in (True, False):
            changed = [person.pk for person in self._changed if person.active is active]
            if changed:
                Employee.objects.filter(pk__in=changed).update(active=active)
        moved = [change.shift for change in self.moved.values()] + self._counted
        # What is called off first: another shift may take its hours.
        for some in ([s for s in moved if s.cancelled_at], [s for s in moved if not s.cancelled_at]):
            Shift.everything.bulk_update(some, ["starts_at", "ends_at", "version", "cancelled_at"])
        Shift.everything.bulk_create(self.added)
        self._said.update(self._says)


def _differing(row: Checked, known: Shift) -> list[str]:
    """The columns in which the row differs from the shift in the books."""
    ours = (known.employee.reference, known.starts_at, known.ends_at, known.cancelled_at is not None)
    theirs = (row.employee, row.starts_at, row.ends_at, row.cancelled)
    names = ("employee", "starts_at", "ends_at", "cancelled")
    return [name for name, a, b in zip(names, ours, theirs, strict=True) if a != b]


def _older(row: Checked, known: Shift) -> RowFault:
    message = _("Version %(version)s of this shift is in the books already; the row came late and was left out.")
    return RowFault(
        row.cells.number, "version", str(row.version), "older_version", message % {"version": known.version}
    )
