"""Rows on their way through a validator and into the books: cell by cell, row by row, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from enum import IntEnum
from itertools import islice
from typing import TypedDict, TypeVar

import structlog
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stores.models import Store

from . import fields
from .report import Report, RowFault, shown
from .sheets import Row, Sheet, Table, in_batches

log = structlog.get_logger(__name__)
V = TypeVar("V")
HIGHEST_STORE = 999_999


class KnownStores:
    """The stores a sender may write to, by number, looked up once a batch. Another's store is as unknown as none."""

    def __init__(self, allowed: QuerySet[Store]) -> None:
        self._allowed = allowed
        self._found: dict[int, Store | None] = {}

    @staticmethod
    def _numbers(rows: Iterable[Row]) -> set[int]:
        """The store numbers in `rows`; what is none is left to the row's own validation."""
        named = set()
        for text in {row.cells.get("store", "") for row in rows}:
            with suppress(fields.Bad):
                named.add(fields.whole(text, HIGHEST_STORE))
        return named

    def load(self, rows: Iterable[Row]) -> None:
        """Look up, in one query, the stores that `rows` name and that were not looked up before."""
        new = self._numbers(rows) - self._found.keys()
        if new:
            self._found.update(dict.fromkeys(new))
            self._found.update({store.number: store for store in self._allowed.filter(number__in=new)})

    def all(self) -> list[Store]:
        """Every store found so far."""
        return [store for store in self._found.values() if store]

    def named_in(self, rows: Iterable[Row]) -> list[Store]:
        """The stores of `rows`, where they are known; after `load`."""
        return [store for number in self._numbers(rows) if (store := self._found.get(number))]

    def by_number(self, text: str) -> Store:
        """The store with this number. Raises Bad in the same words for a store of somebody else and for none at all."""
        store = self._found.get(fields.whole(text, HIGHEST_STORE))
        if store is None:
            raise fields.Bad("unknown_store", _("There is no such store, or you may not write to it."))
        return store


# --- One row ------------------------------------------------------------------------------------------------------------
class Cells:
    """The cells of one row, and the faults and warnings found in them so far."""

    def __init__(self, row: Row, sheet: Sheet) -> None:
        self.number, self._cells, self._sheet = row.number, row.cells, sheet
        self.faults: list[RowFault] = list(row.faults)
        self.warnings: list[RowFault] = []
        # Its very shape is wrong: that every column is missing would be noise.
        self.shapeless = bool(row.faults and not row.cells)

    def has(self, column: str) -> bool:
        return bool(self._cells.get(column, "").strip())

    def fault(self, column: str, code: str, message: str) -> None:
        self.faults.append(self._about(column, code, message))

    def warn(self, column: str, code: str, message: str) -> None:
        self.warnings.append(self._about(column, code, message))

    def _about(self, column: str, code: str, message: str) -> RowFault:
        return RowFault(self.number, column, shown(self._cells.get(column, "")), code, message)

    def take(self, column: str, read: Callable[[str], V], *, needed: bool = False) -> V | None:
        """The cell's value; None when it is empty or bad. An empty cell is a fault where it is needed."""
        if not self.has(column):
            if needed or column in self._sheet.required:
                self.fault(column, "missing", _("Every row needs this. Fill the cell."))
            return None
        try:
            return read(self._cells[column])
        except fields.Bad as bad:
            self.fault(column, bad.code, bad.message)
            return None

    def text(self, column: str) -> str | None:
        """A line of text, as long as the column may be."""
        return self.take(column, lambda text: fields.text(text, self._sheet.longest(column)))

    def reference(self, column: str, *, needed: bool = False) -> str | None:
        """The sender's own number for something, as long as the column may be."""
        return self.take(column, lambda text: fields.reference(text, self._sheet.longest(column)), needed=needed)

    def take_one_of(self, columns: tuple[str, ...], read: Callable[[str, str], V]) -> V | None:
        """The value of the one filled column of a group; `read` is given the cell and the column's unit."""
        filled = [column for column in columns if self.has(column)]
        if len(filled) != 1:
            code = "two_units" if filled else "missing"
            self.fault(
                filled[1] if filled else columns[0], code,
                _("Fill exactly one of %(columns)s.") % {"columns": ", ".join(columns)},
            )  # fmt: skip
            return None
        return self.take(filled[0], lambda text: read(text, filled[0].rpartition("_")[2]))


# --- The batches of an import -------------------------------------------------------------------------------------------
BATCH = 1_000
TakeRows = Callable[[Sequence[Row], KnownStores], Report]


class Kind(IntEnum):
    """What an import writes. Two imports of one kind into one store come one after the other."""

    PACKAGES = 1
    SHIFTS = 2
    RATES = 3


class How(TypedDict, total=False):
    """What every import may be told beside what it reads; `import_rows` says what each means."""

    dry_run: bool
    atomic: bool
    start: int
    keep: Callable[[Sequence[Row], Report], None]
    progress: Callable[[Report], bool | None]


def import_rows(
    table: Table,
    *,
    kind: Kind,
    stores: QuerySet[Store],
    take: TakeRows,
    dry_run: bool = False,
    atomic: bool = False,
    start: int = 0,
    keep: Callable[[Sequence[Row], Report], None] = lambda rows, report: None,
    progress: Callable[[Report], bool | None] = lambda report: None,
) -> Report:
    """Run `take` over the rows of `table`, a transaction a batch, and add up what it reports.

    Two imports of the same file at once wait for each other by store, so the second finds every row unchanged. A process
    that dies half way has kept whole batches; the file is simply sent again, or goes on from `start`.

    Args:
        stores: those the sender may write to.
        take: writes the rows it is given and reports on each of them; it may raise IntegrityError, and is then called
            again with fewer.
        dry_run: do everything and roll all of it back. Other imports into these stores wait meanwhile.
        atomic: all rows or none: one transaction, rolled back when a row is rejected. Others wait, as above.
        start: rows of the table to leave out, because an earlier turn has taken them.
        keep: called with the rows and the report of a batch in its transaction, to write down how far it is.
        progress: called after every batch with the report so far. Answers False to stop here.
    """
    report = Report(dry_run=dry_run)
    known = KnownStores(stores)
    whole = dry_run or atomic
    with transaction.atomic() if whole else nullcontext():
        if whole:  # one transaction for all batches: locks must be taken all at once, or two of these could deadlock
            for rows in in_batches(table, BATCH):
                known.load(rows)
            _wait_for_others(kind, known.all())
        for rows in in_batches(islice(table, start, None), BATCH):
            known.load(rows)
            with transaction.atomic():
                _wait_for_others(kind, known.named_in(rows))
                batch = _take_what_goes(rows, known, take)
                keep(rows, batch)
            report.add(batch)
            if progress(report) is False:
                break
        if whole and (dry_run or report.rejected):
            transaction.set_rollback(True)
    if atomic and report.rejected:
        report.keep_none()
    return report


def _take_what_goes(rows: Sequence[Row], known: KnownStores, take: TakeRows) -> Report:
    """`take` in a savepoint. When the database refuses - somebody wrote past the lock, or it knows a rule that the
    validator forgot - the rows are halved until the one to blame is alone; the others are kept."""
    try:
        with transaction.atomic():
            return take(rows, known)
    except (IntegrityError, DataError) as error:
        report = Report()
        if len(rows) > 1:
            middle = len(rows) // 2
            report.add(_take_what_goes(rows[:middle], known, take))
            report.add(_take_what_goes(rows[middle:], known, take))
            return report
        # Not the exception itself: PostgreSQL's detail quotes the row, and with it somebody's name and address.
        cause = error.__cause__
        log.warning(
            "intake.row_refused_by_database",
            row=rows[0].number,
            sqlstate=getattr(cause, "sqlstate", None),
            constraint=getattr(getattr(cause, "diag", None), "constraint_name", None),
        )
        message = _("The books did not take this row. Send it again; if it stays, ask us with the row's number.")
        report.reject([RowFault(rows[0].number, "", "", "refused", message)])
        return report


def _wait_for_others(kind: Kind, stores: Iterable[Store]) -> None:
    """Wait until no other transaction imports this kind into these stores. Holds until the transaction ends."""
    ids = sorted({store.pk for store in stores})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, id) FROM unnest(%s::int[]) AS id", [int(kind), ids])
