"""What `import_packages` and `import_shifts` have in common: a file in, a report out, an exit code for a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from .report import FileFault, Report, RowFault
from .sheets import MOST_BYTES, CsvTable, Sheet, Table


class ImportCommand(BaseCommand):
    """Subclasses say which `sheet` it is and how its table is taken in.

    Exit codes: 0 every row is in, 1 some rows were rejected, 2 the file could not be read and nothing was written.
    """

    sheet: Sheet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="check and report; write nothing")
        parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")

    def take_in(self, table: Table, *, dry_run: bool, progress: Callable[[Report], None]) -> Report:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            table = CsvTable(_read(options["file"]), self.sheet)
        except FileFault as fault:
            if options["json"]:
                self.stdout.write(json.dumps({"fault": fault.as_json()}, ensure_ascii=False, indent=2))
            raise CommandError(_("%(file)s: %(message)s Nothing was written.") % {
                "file": options["file"], "message": fault.message,
            }, returncode=2) from None  # fmt: skip
        report = self.take_in(table, dry_run=options["dry_run"], progress=self._progress(table.rows))
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        else:
            self._print(report)
        if report.rejected:
            sys.exit(1)

    def _progress(self, rows: int) -> Callable[[Report], None]:
        def tell(report: Report) -> None:
            if sys.stderr.isatty() and report.read < rows:
                self.stderr.write(_("%(read)s of %(rows)s rows …") % {"read": f"{report.read:,}", "rows": f"{rows:,}"})

        return tell

    def _print(self, report: Report) -> None:
        found: list[tuple[RowFault, str]] = [(fault, _("error")) for fault in report.errors]
        found += [(fault, _("warning")) for fault in report.warnings]
        for fault, kind in sorted(found, key=lambda pair: pair[0].row):
            cell = f"{fault.column} “{fault.value}”" if fault.value else fault.column
            self.stdout.write(f"{fault.row}  {kind} {fault.code}  {cell}: {fault.message}")
        self.stdout.write(report.summary())


def _read(name: str) -> bytes:
    """The bytes of a file or of standard input, one more than allowed at most."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        message = _("The file cannot be opened: %(reason)s.") % {
            "reason": getattr(error, "strerror", None) or str(error)
        }
        raise FileFault("unreadable", message) from None
