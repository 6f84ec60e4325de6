"""From a first plan to a good one: two annealers side by side, then the best choice among all bundles they held; and again.

A restricted master heuristic: each annealer gets some trips right that the other gets wrong, and the integer choice takes the
best of both (Archetti & Speranza, A survey on matheuristics for routing problems, 2014). Each stage starts from the choice of
the one before, colder.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from deliveries.planner.assign import Master, Pool, choose
from deliveries.planner.compiled import Kernels
from deliveries.planner.model import Model, Trips
from deliveries.planner.plan import Stop, Stopped
from deliveries.planner.search import Annealer

HEATS = (8000.0, 4000.0, 2000.0)
"""Temperature, in ticks, that each stage starts at."""
ROUNDS_PER_STOP, LARGE_ROUNDS_PER_STOP, MOST_ROUNDS = 75, 110, 22_500
"""Of each annealer in each stage. The largest evenings gain more from columns than from further rounds."""
SIDE_BY_SIDE = 2
SNAPSHOTS = 15
"""How often in a stage an annealer's bundles are taken into the pool."""
MOST_CHOICES, NODES = 1200, 1
LARGE = 80
"""Stops from which an evening gets more than one annealing. Smaller ones are proved sooner than a choice would be made."""
DEEP_HEAT, DEEP_ROUNDS_PER_STOP = 12_000.0, 300
"""Of the search that goes on beside a long choice, in large evenings."""


class Stages:
    """``trips`` and ``value`` are the best so far, ``pool`` holds every bundle seen on the way."""

    def __init__(self, model: Model, kernels: Kernels, trips: Trips, seed: int) -> None:
        """Start from feasible ``trips``."""
        self.model = model
        self.pool = Pool(model)
        self.trips, self.value = trips, model.total(trips)
        self.add(trips)
        self._annealers = [Annealer(model, kernels, trips, SIDE_BY_SIDE * seed + k) for k in range(SIDE_BY_SIDE)]

    def run(self, stop: Stop, threads: int) -> None:
        """All stages, or as many as fit before ``stop``; none after one that left nothing to be gained from its bundles.

        An evening that is not large is annealed once, and no more.
        """
        with ThreadPoolExecutor(min(threads, SIDE_BY_SIDE)) as executor:
            for heat in HEATS:
                before = self.value
                for seen in executor.map(self._anneal, self._annealers, repeat(heat), repeat(stop)):
                    for trips in seen:
                        self.add(trips)
                for annealer in self._annealers:
                    self._keep(annealer.trips, annealer.value)
                if stop() or self.model.size < LARGE:
                    return
                open_gap = self._choose(stop)
                if self.value == before and open_gap < 1:
                    return
                for annealer in self._annealers:
                    annealer.trips, annealer.value = self.trips, self.value

    def deeper(self, trips: Trips, stop: Stop) -> list[Trips]:
        """Search on from ``trips``, slowly and hotter than before; what was seen on the way, the best of it last."""
        if self.model.size < LARGE:
            return []
        annealer = self._annealers[0]
        annealer.trips, annealer.value = trips, self.model.total(trips)
        seen = annealer.run(DEEP_ROUNDS_PER_STOP * self.model.size, stop, hot=DEEP_HEAT, chunks=2 * SNAPSHOTS)
        return [*seen, annealer.trips]

    def _anneal(self, annealer: Annealer, heat: float, stop: Stop) -> list[Trips]:
        stops = self.model.size
        rounds = min(LARGE_ROUNDS_PER_STOP * stops, MOST_ROUNDS) if stops >= LARGE else ROUNDS_PER_STOP * stops
        seen = list(annealer.run(rounds, stop, hot=heat, chunks=SNAPSHOTS))
        return [*seen, annealer.trips]

    def add(self, trips: Trips) -> list[int]:
        """Put the bundles of ``trips`` into the pool; their numbers.

        Raises:
            ValueError: a trip breaks a limit.
        """
        numbers = []
        for a, route in trips.items():
            known = self.pool.number(a, route)
            if known is None:
                detour = self.model.detour(a, route)
                if detour is None:
                    raise ValueError(f"trip {route} breaks a limit of associate {a}")
                known, _ = self.pool.add(a, route, self.model.worth(a, route, detour))
            numbers.append(known)
        return numbers

    def _keep(self, trips: Trips, value: int) -> None:
        if value > self.value:
            self.trips, self.value = trips, value

    def _choose(self, stop: Stop) -> float:
        """The best plan among the bundles whose reduced profit is inside the gap; what a better one could gain, in ticks."""
        pool = self.pool
        if not len(pool):
            return 0.0
        master = Master(self.model, pool)
        master.add(list(range(len(pool))))
        try:
            relaxation = master.solve(stop)
        except Stopped:
            return 0.0
        members = pool.inside(relaxation, relaxation.value - self.value, MOST_CHOICES)
        start = self.add(self.trips)
        choice = choose(self.model, pool, sorted({*members, *start}), stop, start=start, nodes=NODES)
        self._keep(pool.trips(choice.chosen), choice.value)
        return relaxation.value - self.value
