"""`manage.py import_shifts FILE.csv`: roster and shifts from a file, by the same validator as POST /api/v1/shifts."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from associates import roster
from deliveries import actors
from deliveries.intake import shifts
from stores.feeds.command import ImportCommand
from stores.feeds.report import Report
from stores.feeds.sheets import Table
from stores.models import Store


class Command(ImportCommand):
    help = "Take the roster and its shifts from a CSV file. docs/integration.md describes the columns."
    sheet = roster.SHIFTS

    def take_in(self, table: Table, *, dry_run: bool, progress: Callable[[Report], None]) -> Report:
        return shifts.take_in(
            table, stores=Store.objects.all(), by=actors.retailer("import_shifts"), now=timezone.now(), dry_run=dry_run,
            progress=progress,
        )  # fmt: skip
