"""What became of a file: every row is accepted, unchanged, rejected or skipped, and the report says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext as _

LONGEST_SHOWN = 80


def shown(value: str) -> str:
    """`value` as a report may show it: short, with what is invisible or not text at all written as an escape."""
    cut = value if len(value) <= LONGEST_SHOWN else value[: LONGEST_SHOWN - 1] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing wrong (or, as a warning, odd) about one row.

    `row` counts as a spreadsheet does: in a CSV the header is row 1; in JSON the first object is row 1.
    """

    row: int
    column: str
    value: str
    code: str
    message: str


class FileFault(Exception):
    """The file as a whole cannot be read; nothing of it is written. `where` has row, column or byte when known."""

    def __init__(self, code: str, message: str, **where: int | str) -> None:
        super().__init__(message)
        self.code, self.message, self.where = code, message, where

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, **self.where}


@dataclass(slots=True)
class Report:
    """Counts and faults of one import. `read == accepted + unchanged + rejected + skipped`, always.

    Skipped are rows without a fault that were left out all the same: an older version than the one in the books, or, of
    a file that is taken as a whole or not at all, the good rows beside a bad one.
    """

    dry_run: bool = False
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    errors: list[RowFault] = field(default_factory=list)
    warnings: list[RowFault] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.accepted + self.unchanged + self.rejected + self.skipped

    def reject(self, faults: Iterable[RowFault]) -> None:
        """Count one row as rejected, for these reasons."""
        self.rejected += 1
        self.errors.extend(faults)

    def skip(self, why: RowFault) -> None:
        """Count one row as skipped, and say why among the warnings."""
        self.skipped += 1
        self.warnings.append(why)

    def keep_none(self) -> None:
        """What was accepted was rolled back again, because of the rows that were rejected."""
        self.skipped += self.accepted
        self.accepted = 0

    def add(self, other: Report) -> None:
        """Take over what another report (of one batch, once it is committed) counted."""
        self.accepted += other.accepted
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        self.skipped += other.skipped
        self.errors.extend(other.errors)
        self.warnings.extend(other.warnings)

    def as_json(self) -> dict[str, Any]:
        """The report as the API and `--json` give it, errors and warnings in the order of their rows."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "dry_run": self.dry_run,
            "errors": [asdict(fault) for fault in sorted(self.errors, key=lambda fault: fault.row)],
            "warnings": [asdict(fault) for fault in sorted(self.warnings, key=lambda fault: fault.row)],
        }

    def summary(self) -> str:
        """One sentence for people."""
        sentence = (
            _(
                "%(read)s rows read: %(accepted)s would be accepted, %(unchanged)s unchanged, %(rejected)s rejected, "
                "%(skipped)s skipped."
            )
            if self.dry_run
            else _(
                "%(read)s rows read: %(accepted)s accepted, %(unchanged)s unchanged, %(rejected)s rejected, "
                "%(skipped)s skipped."
            )
        )
        return sentence % {
            "read": f"{self.read:,}", "accepted": f"{self.accepted:,}", "unchanged": f"{self.unchanged:,}",
            "rejected": f"{self.rejected:,}", "skipped": f"{self.skipped:,}",
        }  # fmt: skip
