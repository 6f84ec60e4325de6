"""manage.py plan_nation --stores 4700 --seed 1: a whole country's evening, rehearsed."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing import get_context
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deliveries.nation import evenings, scratch, writing
from deliveries.pay import METRES_PER_MILE_THOUSANDTHS

DAY = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)


class Command(BaseCommand):
    help = "Plan synthetic store evenings in parallel and write their offers in bulk, in a schema of their own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stores", type=int, default=4700)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--seconds", type=float, default=5.0, help="at most so long for one store (default 5)")
        parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
        parser.add_argument("--no-write", action="store_true", help="plan only")

    def handle(self, *args: Any, **options: Any) -> None:
        stores, seed = options["stores"], options["seed"]
        if stores < 1:
            raise CommandError("--stores must be at least 1.")
        started = time.perf_counter()
        planned = list(self._progress(self._plan(stores, seed, options["seconds"], options["processes"]), stores))
        planning_s = time.perf_counter() - started
        self._report_plans(planned, planning_s, options["processes"])
        if not options["no_write"]:
            self._write(planned, options["processes"])

    def _plan(self, stores: int, seed: int, seconds: float, processes: int) -> Iterator[evenings.PlannedEvening]:
        # Forked after numpy and the planner are loaded, and before any thread is: workers start at once.
        work = partial(evenings.plan, seed=seed, seconds=seconds)
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            yield from pool.map(work, range(stores), chunksize=4)

    def _progress(self, plans: Iterator[evenings.PlannedEvening], total: int) -> Iterator[evenings.PlannedEvening]:
        started, shown = time.perf_counter(), 0.0
        for done, plan in enumerate(plans, 1):
            yield plan
            now = time.perf_counter()
            if now - shown > 0.5 or done == total:
                shown = now
                left = (now - started) / done * (total - done)
                bar = "█" * (30 * done // total)
                self.stderr.write(f"\r{bar:30} {done}/{total} stores, {left:4.0f} s left ", ending="")
                sys.stderr.flush()
        self.stderr.write("")

    def _report_plans(self, planned: list[evenings.PlannedEvening], seconds: float, processes: int) -> None:
        optimal = sum(plan.status == "optimal" for plan in planned)
        offers = [offer for plan in planned for offer in plan.offers]
        packages = sum(len(plan.weights_g) for plan in planned)
        taken = sum(len(offer.package_ids) for offer in offers)
        pay = sum(offer.cents for offer in offers)
        saved = sum(offer.saved_cents for offer in offers)
        miles = sum(offer.extra_m for offer in offers) * 1000 / METRES_PER_MILE_THOUSANDTHS
        worst = max((p.bound_ticks - p.objective_ticks) / p.bound_ticks if p.bound_ticks else 0.0 for p in planned)
        for line in (
            f"{len(planned)} store evenings planned in {seconds:.1f} s on {processes} processes"
            f" ({1000 * seconds / len(planned):.0f} ms a store)",
            f"proved optimal {optimal} ({optimal / len(planned):.2%}), largest gap {worst:.3%},"
            f" slowest store {max(plan.seconds for plan in planned):.2f} s",
            f"{taken} of {packages} packages in {len(offers)} offers to"
            f" {sum(len(plan.shift_ends_s) for plan in planned)} associates",
            f"pay ${pay / 100:,.0f} instead of ${saved / 100:,.0f} to carriers, {miles:,.0f} extra miles",
        ):
            self.stdout.write(line)

    def _write(self, planned: list[evenings.PlannedEvening], processes: int) -> None:
        with scratch.scratch_schema(), writing.writers(planned, processes) as country:
            started = time.perf_counter()
            rows = country.fill(DAY, NOW)
            self.stdout.write(
                f"{rows} rows of stores, people and packages made in {time.perf_counter() - started:.1f} s"
            )
            started = time.perf_counter()
            sent = country.send(NOW)
            seconds = time.perf_counter() - started
        self.stdout.write(
            f"{sum(part.offers for part in sent)} offers written in {seconds:.2f} s by {len(sent)} connections,"
            " each package with its move and its event"
        )
        if failed := [part for part in sent if part.error]:
            for part in failed:
                self.stderr.write(f"Stores {part.first} to {part.last} got no offers. {part.error}")
            raise CommandError(
                f"{len(failed)} of {len(sent)} ranges of stores could not be written, all or nothing each; the others are"
                " not touched by it. Mend the cause and run the rehearsal again."
            )
