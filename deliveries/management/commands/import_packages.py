"""`manage.py import_packages FILE.csv`: packages from a file, by the same validator as POST /api/v1/packages."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from deliveries import actors
from deliveries.intake import packages
from deliveries.intake.columns import PACKAGES
from stores.feeds.command import ImportCommand
from stores.feeds.report import Report
from stores.feeds.sheets import Table
from stores.models import Store


class Command(ImportCommand):
    help = "Take packages from a CSV file into the books. docs/integration.md describes the columns."
    sheet = PACKAGES

    def take_in(self, table: Table, *, dry_run: bool, progress: Callable[[Report], None]) -> Report:
        return packages.take_in(
            table, stores=Store.objects.all(), by=actors.retailer("import_packages"), now=timezone.now(),
            dry_run=dry_run, progress=progress,
        )  # fmt: skip
