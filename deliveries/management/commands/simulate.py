"""`manage.py simulate --store 3520 --orders orders.csv --homes homes.csv`: a pilot on paper, before anyone enrols."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deliveries.simulator import read, results, simulate
from stores.feeds.report import FileFault
from stores.models import PayPlan, Store


class Command(BaseCommand):
    help = "Simulate a store's evenings with the real planner and pay rules; nothing is written to the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", type=int, required=True, help="store number; its settings and pay plan are used")
        parser.add_argument("--orders", required=True, help="CSV of packages, as the package feed has them")
        parser.add_argument(
            "--homes", required=True, help="CSV: lat, lon, shift_ends, and max_packages, max_extra_minutes"
        )
        parser.add_argument("--share", type=int, default=25, help="percent of the people who deliver on an evening")
        parser.add_argument("--draws", type=int, default=3, help="how often other people say yes (1 to 20)")
        parser.add_argument("--json", action="store_true", help="figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (1 <= options["share"] <= 100 and 1 <= options["draws"] <= 20):
            raise CommandError("--share is 1 to 100 percent, --draws 1 to 20.")
        store = Store.objects.filter(number=options["store"]).first()
        if store is None:
            raise CommandError(f"There is no store {options['store']}.")
        try:
            orders, homes = (Path(options[name]).read_bytes() for name in ("orders", "homes"))
            scene = read(store, orders=orders, homes=homes, now=timezone.now())
            draws = simulate(
                scene, share=options["share"], draws=options["draws"], seed=store.number, progress=self._tell
            )
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        except FileFault as fault:
            raise CommandError(fault.message, returncode=2) from None
        except PayPlan.DoesNotExist as missing:
            raise CommandError(str(missing)) from None
        figures = [draw.to_json() for draw in draws]
        if options["json"]:
            self.stdout.write(json.dumps({"draws": figures, "orders": scene.orders.as_json()}, indent=2))
            return
        for report in (scene.orders, scene.homes):
            self.stdout.write(report.summary())
            for each in report.errors[:20]:
                self.stdout.write(f"  row {each.row}, {each.column}: {each.message}")
        for line in results.lines(figures):
            self.stdout.write(f"{line.name:<42} {line.value:>14}  {line.range}")
        self.stdout.write("")
        for reason, count in results.reasons(figures[0]):
            self.stdout.write(f"{count:>6}  {reason}")

    def _tell(self, done: int, whole: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{done} of {whole} evenings …")
