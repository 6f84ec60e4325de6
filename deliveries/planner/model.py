"""The problem as arrays: stops instead of packages, and detours as sums of reduced edge costs.

A *stop* is a group of packages that go together (usually one). For associate *a* with p(i) = time(i, home), the reduced edge
cost c(i, j) = time(i, j) + p(j) - p(i) + service makes the sum over a route from the store its detour, wherever it ends. So
detour limit, latest time home, floor per extra hour and every deadline are caps on that one running number ``d``:
arrival at j is departure + d(j) - p(j) + p(store) - service.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deliveries.planner.problem import TICKS_PER_CENT, Associate, Problem

Ints = npt.NDArray[np.int64]
FAR = 10**8
"""Stands for "no path": above every cap; sums of dozens of them still fit easily in 64 bits."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One associate's limits as caps.

    ``home``: drive times to home by node (U + 1). ``possible``: nodes this associate may carry at all. ``cap``: per node the
    largest running detour at which arriving there is still in time. ``by_count``: cap of the whole detour by number of
    packages (0..packages), never falling. ``bonus``: ticks.
    """

    index: int
    home: Ints
    possible: npt.NDArray[np.bool_]
    cap: Ints
    by_count: Ints
    packages: int
    weight: int
    volume: int
    bonus: int


class Model:
    """Arrays over stops (node 0 is the store, nodes 1..U the stops) and one :class:`Carrier` per associate."""

    def __init__(self, problem: Problem) -> None:
        """Group packages into stops and turn every limit into a cap."""
        self.problem = problem
        self.stops = _stops(problem)
        packages, time = problem.packages, problem.time_s
        self.size = len(self.stops)
        rows = [[packages[k] for k in stop] for stop in self.stops]
        self.nodes = np.array([0] + [stop[0] + 1 for stop in self.stops], dtype=np.intp)
        self.count = np.array([0] + [len(row) for row in rows], dtype=np.int64)
        self.weight = np.array([0] + [sum(p.weight_g for p in row) for row in rows], dtype=np.int64)
        self.volume = np.array([0] + [sum(p.volume_ml for p in row) for row in rows], dtype=np.int64)
        self.heaviest = np.array([0] + [max(p.weight_g for p in row) for row in rows], dtype=np.int64)
        self.largest = np.array([0] + [max(p.size_class for p in row) for row in rows], dtype=np.int64)
        self.due = np.array([0] + [min(p.due_s for p in row) for row in rows], dtype=np.int64)
        self.allowed = np.array([False] + [all(p.associate_ok for p in row) for row in rows], dtype=bool)
        pay = problem.params.base_pay_cents
        self.value = np.array(
            [0] + [TICKS_PER_CENT * sum(p.saved_cents - pay for p in row) for row in rows], dtype=np.int64
        )
        self.rate = problem.params.pay_cents_per_detour_minute
        self.service = problem.params.service_s
        drive = time[np.ix_(self.nodes, self.nodes)].astype(np.int64)
        self.drive = np.where(drive < 0, FAR, drive)
        np.fill_diagonal(self.drive, FAR)
        homes = time[self.nodes, 1 + len(packages) :].astype(np.int64)
        self.homes = np.where(homes < 0, FAR, homes)
        self.stop_of = {packages[k].id: u for u, stop in enumerate(self.stops, 1) for k in stop}
        self.carriers = [self._carrier(k, a) for k, a in enumerate(problem.associates)]

    def _carrier(self, index: int, associate: Associate) -> Carrier:
        home = self.homes[:, index]
        by_count = detour_caps(self.problem, index)
        departure = associate.shift_end_s + self.problem.params.load_s
        possible = (
            self.allowed
            & (self.heaviest <= associate.max_package_weight_g)
            & (self.largest <= associate.max_size_class)
            & (self.weight <= associate.max_total_weight_g)
            & (self.volume <= associate.max_volume_ml)
            & (self.count <= associate.max_packages)
            & (home < FAR)
            & (home[0] < FAR)
        )
        for name in associate.blocked:
            if name in self.stop_of:
                possible[self.stop_of[name]] = False
        return Carrier(
            index=index,
            home=home,
            possible=possible,
            cap=self.due - departure - home[0] + home + self.service,
            by_count=by_count,
            packages=len(by_count) - 1,
            weight=associate.max_total_weight_g,
            volume=associate.max_volume_ml,
            bonus=TICKS_PER_CENT * associate.bonus_cents,
        )

    def edges(self, carrier: Carrier, nodes: npt.NDArray[np.intp]) -> Ints:
        """Reduced edge costs between ``nodes`` (include 0) for one associate, shape (len(nodes), len(nodes))."""
        home = carrier.home[nodes]
        return self.drive[np.ix_(nodes, nodes)] + home[None, :] - home[:, None] + self.service

    def detour(self, carrier: Carrier, route: list[int]) -> int | None:
        """The detour of the stops of ``route`` in order, or None if it breaks a limit."""
        at, d = 0, 0
        for j in route:
            d += int(self.drive[at, j] + carrier.home[j] - carrier.home[at]) + self.service
            if d > carrier.cap[j] or not carrier.possible[j]:
                return None
            at = j
        count = int(self.count[route].sum())
        over = count > carrier.packages or d > carrier.by_count[count]
        if over or self.weight[route].sum() > carrier.weight or self.volume[route].sum() > carrier.volume:
            return None
        return d

    def worth(self, carrier: Carrier, route: list[int]) -> int | None:
        """The objective's share of one trip in ticks, or None if it breaks a limit; an empty trip is worth 0."""
        if not route:
            return 0
        d = self.detour(carrier, route)
        return None if d is None else int(self.value[route].sum()) + carrier.bonus - self.rate * d

    def routes(self, trips: dict[int, list[int]]) -> dict[str, list[str]]:
        """Trips over stops, by associate index, as package ids by associate id, in the order of the problem."""
        packages, associates = self.problem.packages, self.problem.associates
        return {
            associates[k].id: [packages[j].id for u in trips[k] for j in self.stops[u - 1]]
            for k in sorted(trips)
            if trips[k]
        }


def detour_limit(problem: Problem, index: int) -> int:
    """The associate's own detour limit in seconds, less if they would be home too late; may be negative."""
    associate = problem.associates[index]
    if associate.home_by_s is None:
        return associate.max_detour_s
    direct = max(int(problem.time_s[0, 1 + len(problem.packages) + index]), 0)
    return min(associate.max_detour_s, associate.home_by_s - associate.shift_end_s - problem.params.load_s - direct)


def detour_caps(problem: Problem, index: int) -> Ints:
    """Largest detour in seconds by number of packages, 0..max_packages (at most all); may be negative.

    The floor: modelled pay base*n + rate*(load + detour) must reach floor per hour of load + detour, that is
    (floor - 60 rate) * (load + detour) <= 3600 base n; without effect when 60 rate >= floor.
    """
    associate, params = problem.associates[index], problem.params
    most = detour_limit(problem, index)
    caps = np.full(min(associate.max_packages, len(problem.packages)) + 1, most, dtype=np.int64)
    short = (associate.floor_cents_per_hour or 0) - 60 * params.pay_cents_per_detour_minute
    if short > 0:
        reach = 3600 * params.base_pay_cents * np.arange(len(caps)) // short - params.load_s
        caps = np.minimum(caps, reach)
    return caps


def _stops(problem: Problem) -> list[list[int]]:
    """Package indices by stop, in the order of the problem's packages."""
    found: dict[tuple[str, str], list[int]] = {}
    for k, package in enumerate(problem.packages):
        key = ("alone", package.id) if package.together is None else ("together", package.together)
        found.setdefault(key, []).append(k)
    return list(found.values())
