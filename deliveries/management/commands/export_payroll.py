"""`manage.py export_payroll --store 3520 --from 2026-11-16 --to 2026-11-29`: pay as a signed CSV, and its check."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from deliveries import payroll
from stores.models import Store


class Command(BaseCommand):
    help = "Write the pay of a store and period as CSV with a signature beside it (.sig), or check such a pair."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", type=int, help="store number")
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first day, 2026-11-16"
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last day, in the period")
        parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where to; here by default")
        parser.add_argument("--approved", action="store_true", help="only if every evening of it is approved")
        parser.add_argument("--verify", type=Path, metavar="FILE", help="check FILE against FILE.sig instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self._verify(options["verify"])
            return
        absent = [
            name for name, key in (("--store", "store"), ("--from", "first"), ("--to", "last")) if not options[key]
        ]
        if absent:
            raise CommandError(_("Say which pay to export: %(options)s.") % {"options": ", ".join(absent)})
        store = Store.objects.filter(number=options["store"]).first()
        if store is None:
            raise CommandError(_("There is no store %(number)s.") % {"number": options["store"]})
        try:
            file = payroll.make_file(
                store, options["first"], options["last"], now=timezone.now(), only_approved=options["approved"]
            )
        except (payroll.BadPeriod, payroll.NotApproved) as no:
            raise CommandError(str(no)) from no
        target = options["out"] / file.name
        try:
            _write(target, file.data)
            _write(_signature_of(target), payroll.sign(file.data).encode())
        except OSError as error:
            raise CommandError(f"{target}: {error.strerror or error}. Choose another folder with --out.") from error
        self.stdout.write(str(target))

    def _verify(self, path: Path) -> None:
        try:
            data, signature = path.read_bytes(), _signature_of(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path}: {error}") from error
        if not payroll.verify(data, signature):
            raise CommandError(
                _("%(file)s is not what was signed, or another key signed it. Do not pay from it; export it anew.")
                % {"file": path}
            )
        self.stdout.write(_("%(file)s is as it was signed.") % {"file": path})


def _signature_of(path: Path) -> Path:
    return path.with_name(path.name + ".sig")


def _write(path: Path, data: bytes) -> None:
    """Readable by its owner alone, and never half there: pay is personal, and a torn file would not verify."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
