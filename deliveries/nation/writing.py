"""A planned country goes into the database: a range of stores a process, each with its own connection and transaction."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from multiprocessing import get_context

from django.db import connection, connections

from deliveries.actions import bulk
from deliveries.actors import system

from . import scratch
from .evenings import PlannedEvening

OPEN_FOR = timedelta(minutes=75)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one range, `first` to `last` by store number: so many offers, or the error and nothing at all."""

    first: int
    last: int
    offers: int = 0
    error: str = ""


def rounds_of(planned: Sequence[PlannedEvening], now: datetime) -> Iterator[bulk.BulkRound]:
    for plan in planned:
        yield bulk.BulkRound(
            plan.store + 1, now, now.date(), len(plan.weights_g), len(plan.shift_ends_s), plan.status,
            plan.objective_ticks, plan.bound_ticks, plan.seconds,
        )  # fmt: skip


def offers_of(planned: Sequence[PlannedEvening], now: datetime) -> Iterator[bulk.BulkOffer]:
    until = now + OPEN_FOR
    for plan in planned:
        for o in plan.offers:
            yield bulk.BulkOffer(
                plan.store + 1, o.associate_id, o.associate_id, o.package_ids, o.quote, o.digest, o.stops, o.cents,
                o.extra_s, o.extra_m, until,
            )  # fmt: skip


def ranges(planned: Sequence[PlannedEvening], parts: int) -> list[Sequence[PlannedEvening]]:
    """`planned` in so many runs of neighbours of about the same length; fewer when there are fewer stores."""
    parts = max(1, min(parts, len(planned)))
    return [planned[len(planned) * k // parts : len(planned) * (k + 1) // parts] for k in range(parts)]


class Writers:
    """Processes that write one range each, side by side. Made by `writers`."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def fill(self, day: date, now: datetime) -> int:
        """Write what the offers will point to; returns the rows written."""
        rows = sum(self._pool.map(_fill, range(len(_ranges)), [day] * len(_ranges), [now] * len(_ranges)))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return rows

    def send(self, now: datetime) -> list[Sent]:
        """Send the offers, one transaction a range. A range that fails is left out whole and harms no other; another
        call sends what is missing and nothing twice."""
        tasks = [self._pool.submit(_send, k, now) for k in range(len(_ranges))]
        return [_outcome(task, part) for task, part in zip(tasks, _ranges, strict=True)]


# What the writing processes have from their parent by being forked: half a gigabyte need not go through a pipe.
_ranges: list[Sequence[PlannedEvening]] = []


@contextmanager
def writers(planned: Sequence[PlannedEvening], processes: int) -> Iterator[Writers]:
    """Processes that hold `planned`, a range each, until the end of the block."""
    connections.close_all()  # a connection must not be in two processes
    _ranges[:] = ranges(planned, processes)
    gc.collect()
    gc.freeze()  # nobody is to look through the plans again for garbage, which would copy their pages
    try:
        with ProcessPoolExecutor(len(_ranges), mp_context=get_context("fork")) as pool:
            yield Writers(pool)
    finally:
        gc.unfreeze()
        _ranges.clear()


def _fill(part: int, day: date, now: datetime) -> int:
    return scratch.fill(_ranges[part], day, now)


def _send(part: int, now: datetime) -> int:
    planned = _ranges[part]
    return bulk.send_rounds(
        rounds=rounds_of(planned, now), offers=offers_of(planned, now), by=system("nation"), now=now
    )


def _outcome(task: Future[int], part: Sequence[PlannedEvening]) -> Sent:
    first, last = part[0].store + 1, part[-1].store + 1
    try:
        return Sent(first, last, offers=task.result())
    except Exception as error:  # whatever it was: it is told, and the other ranges are not its business
        return Sent(first, last, error=f"{type(error).__name__}: {error}".strip())
