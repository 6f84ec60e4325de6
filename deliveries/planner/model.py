"""The problem as arrays: stops instead of packages, and detours as sums of reduced edge costs.

A *stop* is a group of packages that go together (usually one). For one associate, with p(i) = time(i, home), the reduced
edge cost c(i, j) = time(i, j) + p(j) - p(i) + service makes the sum over a route from the store its detour, wherever the
route ends. So detour limit, latest time home, floor per extra hour and every deadline are caps on that one running number
d: arrival at j is departure + p(store) + d(j) - p(j) - service.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deliveries.planner.problem import TICKS_PER_CENT, Problem

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Trips = dict[int, list[int]]
"""Associate index to stops in the order of the visits."""

FAR = 10**8
"""Stands for "no path": far above every cap, small enough that sums of dozens of them stay exact."""
NOT = -4 * FAR
"""A cap below every running detour, even one that starts with a way home that does not exist."""


class Model:
    """Arrays over nodes (0 the store, 1..U the stops) and associates (0..N-1).

    By node: ``count`` (packages), ``weight``, ``volume``, ``value`` (ticks without detour). By associate: ``bonus`` (ticks),
    ``packages``, ``weight_cap``, ``volume_cap``, ``by_count`` (detour caps by number of packages, shape (N, K + 1), never
    falling up to ``packages``, -FAR beyond). By both, shape (N, U + 1): ``home`` (drive home, FAR if none), ``possible``,
    ``cap`` (largest running detour at which arriving there is still in time; NOT where not possible).
    """

    def __init__(self, problem: Problem) -> None:
        """Group packages into stops and turn every limit into a cap."""
        self.problem = problem
        self.stops = _stops(problem)
        self.size = len(self.stops)
        self.rate = problem.params.pay_cents_per_detour_minute
        self.service = problem.params.service_s
        self.stop_of = {problem.packages[k].id: u for u, stop in enumerate(self.stops, 1) for k in stop}
        self._by_node(problem)
        self._by_associate(problem)

    def _by_node(self, problem: Problem) -> None:
        packages, pay = problem.packages, problem.params.base_pay_cents
        rows = [[packages[k] for k in stop] for stop in self.stops]

        def column(first: int, values: list[int]) -> Ints:
            return np.array([first, *values], dtype=np.int64)

        self.count = column(0, [len(row) for row in rows])
        self.weight = column(0, [sum(p.weight_g for p in row) for row in rows])
        self.volume = column(0, [sum(p.volume_ml for p in row) for row in rows])
        self.heaviest = column(0, [max(p.weight_g for p in row) for row in rows])
        self.largest = column(0, [max(p.size_class for p in row) for row in rows])
        self.due = column(0, [min(p.due_s for p in row) for row in rows])
        self.allowed = column(0, [all(p.associate_ok for p in row) for row in rows]).astype(bool)
        self.value = column(0, [TICKS_PER_CENT * sum(p.saved_cents - pay for p in row) for row in rows])
        nodes = np.array([0, *(stop[0] + 1 for stop in self.stops)], dtype=np.intp)
        drive = problem.time_s[np.ix_(nodes, nodes)].astype(np.int64)
        self.drive = np.where(drive < 0, FAR, np.minimum(drive, FAR))
        np.fill_diagonal(self.drive, FAR)
        homes = problem.time_s[nodes, 1 + len(packages) :].astype(np.int64).T
        self.home = np.ascontiguousarray(np.where(homes < 0, FAR, np.minimum(homes, FAR)))

    def _by_associate(self, problem: Problem) -> None:
        people = problem.associates

        def column(name: str) -> Ints:
            return np.array([getattr(a, name) for a in people], dtype=np.int64)

        self.bonus = TICKS_PER_CENT * column("bonus_cents")
        self.packages = np.minimum(column("max_packages"), len(problem.packages))
        self.weight_cap, self.volume_cap = column("max_total_weight_g"), column("max_volume_ml")
        self.detour_limit = detour_limits(problem)
        self.by_count = self._detour_caps(problem)
        departure = column("shift_end_s") + problem.params.load_s
        possible = (
            self.allowed[None, :]
            & (self.heaviest[None, :] <= column("max_package_weight_g")[:, None])
            & (self.largest[None, :] <= column("max_size_class")[:, None])
            & (self.weight[None, :] <= self.weight_cap[:, None])
            & (self.volume[None, :] <= self.volume_cap[:, None])
            & (self.count[None, :] <= self.packages[:, None])
            & (self.home < FAR)
            & (self.home[:, :1] < FAR)
        )
        for k, associate in enumerate(people):
            for name in associate.blocked:
                if name in self.stop_of:
                    possible[k, self.stop_of[name]] = False
        self.possible: Bools = possible
        cap = self.due[None, :] - departure[:, None] - self.home[:, :1] + self.home + self.service
        self.cap = np.where(possible, np.clip(cap, -FAR, FAR), NOT)
        self.alone = self.drive[0][None, :] + self.home - self.home[:, :1] + self.service

    def _detour_caps(self, problem: Problem) -> Ints:
        """The floor: modelled pay base*n + rate*(load + detour) must reach floor per hour of load + detour, that is
        (floor - 60 rate) * (load + detour) <= 3600 base n; without effect when 60 rate >= floor."""
        counts = np.arange(int(self.packages.max(initial=0)) + 1)
        caps = np.where(counts[None, :] <= self.packages[:, None], self.detour_limit[:, None], -FAR)
        for k, associate in enumerate(problem.associates):
            short = (associate.floor_cents_per_hour or 0) - 60 * self.rate
            if short > 0:
                reach = 3600 * problem.params.base_pay_cents * counts // short - problem.params.load_s
                caps[k] = np.minimum(caps[k], reach)
        return caps

    def edges(self, a: int, nodes: npt.NDArray[np.intp]) -> Ints:
        """Reduced edge costs of associate ``a`` between ``nodes``, shape (len(nodes), len(nodes))."""
        home = self.home[a, nodes]
        return self.drive[np.ix_(nodes, nodes)] + home[None, :] - home[:, None] + self.service

    def detour(self, a: int, route: Sequence[int]) -> int | None:
        """The detour in seconds of the stops of ``route`` in order, or None if it breaks a limit."""
        at, d, home = 0, 0, self.home[a]
        for j in route:
            d += int(self.drive[at, j] + home[j] - home[at]) + self.service
            if d > self.cap[a, j]:
                return None
            at = j
        stops = list(route)
        count = int(self.count[stops].sum())
        if count > self.packages[a] or d > self.by_count[a, count]:
            return None
        if self.weight[stops].sum() > self.weight_cap[a] or self.volume[stops].sum() > self.volume_cap[a]:
            return None
        return d

    def worth(self, a: int, route: Sequence[int], detour: int) -> int:
        """The objective's share in ticks of a trip with that detour."""
        return int(self.value[list(route)].sum() + self.bonus[a]) - self.rate * detour

    def total(self, trips: Trips) -> int:
        """The objective in ticks; raises ValueError on a trip that breaks a limit."""
        total = 0
        for a, route in trips.items():
            if route:
                d = self.detour(a, route)
                if d is None:
                    raise ValueError(f"associate {a}: trip {route} breaks a limit")
                total += self.worth(a, route, d)
        return total

    def routes(self, trips: Trips) -> dict[str, list[str]]:
        """Trips as package ids by associate id, in the order of the problem."""
        packages, associates = self.problem.packages, self.problem.associates
        return {
            associates[a].id: [packages[k].id for u in trips[a] for k in self.stops[u - 1]]
            for a in sorted(trips)
            if trips[a]
        }


def detour_limits(problem: Problem) -> Ints:
    """Each associate's own detour limit in seconds, less if they would be home too late; may be negative."""
    direct = problem.time_s[0, 1 + len(problem.packages) :]
    limits = []
    for a, straight in zip(problem.associates, direct.tolist(), strict=True):
        limit = a.max_detour_s
        if a.home_by_s is not None:
            limit = min(limit, a.home_by_s - a.shift_end_s - problem.params.load_s - max(straight, 0))
        limits.append(limit)
    return np.array(limits, dtype=np.int64)


def _stops(problem: Problem) -> list[list[int]]:
    """Package indices by stop, in the order of the problem's packages."""
    found: dict[tuple[str, str], list[int]] = {}
    for k, package in enumerate(problem.packages):
        key = ("alone", package.id) if package.together is None else ("together", package.together)
        found.setdefault(key, []).append(k)
    return list(found.values())
