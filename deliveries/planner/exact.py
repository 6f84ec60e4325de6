"""Column generation with subset-row cuts, then listing of every bundle inside the gap and the final choice.

Any prices at or above zero give a proven bound: their sum plus, for every associate, the largest profit of a bundle at these
prices (Lagrange). The master finds prices, :mod:`.bundles` finds profits, both in whole ticks, so the bound is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from deliveries.planner.assign import Master, Pool, Relaxation, choose
from deliveries.planner.bundles import Found, Pricer, Prices
from deliveries.planner.model import Model, Trips
from deliveries.planner.plan import Stop

BEAM, FEW, MANY = 16, 100_000, 200_000
"""Labels of a level expanded while prices are still poor; labels per associate before a threshold is raised, or given up."""
WIDEST_CHOICE = 40_000


@dataclass(frozen=True, slots=True)
class Bound:
    """A Lagrangian bound in ticks with the prices and the associates' best profits it is made of."""

    value: int
    prices: Prices
    profits: np.ndarray


class Stopped(Exception):
    """Raised inside when it is time; the best plan and bound so far stand."""


class Exact:
    """One evening on the way to its optimum: ``trips`` and ``value`` from below, ``bound`` from above."""

    def __init__(self, model: Model, kernels: ModuleType, trips: Trips, stop: Stop, threads: int) -> None:
        """Start from any feasible trips."""
        self.model, self.stop, self.threads = model, stop, threads
        self.trips, self.value = trips, model.total(trips)
        self.step = int(np.gcd(60, model.rate))
        self.best: Bound | None = None
        self._ceiling: int | None = None
        self._fixed_gap = float("inf")
        self.pool = Pool(model)
        self._fresh: list[int] = []
        floor = kernels.insertion_floor(model.drive, model.service)
        self.people = range(len(model.packages))
        self.pricers = []
        for a in self.people:
            if stop():
                raise Stopped
            self.pricers.append(Pricer(model, kernels, a, floor))

    @property
    def bound(self) -> int | None:
        """Proven upper bound in ticks, a multiple of what objectives can differ by; None before the first."""
        if self._ceiling is not None:
            return self._ceiling
        if self.best is None:
            return None
        return max(self.value, self.best.value // self.step * self.step)

    @property
    def proved(self) -> bool:
        """Whether the trips at hand are optimal."""
        return self.bound is not None and self.bound <= self.value

    def see(self, trips: Trips) -> None:
        """Put the trips' bundles into the pool; keep the trips if they are the best so far."""
        total = 0
        for a, route in trips.items():
            d = self.model.detour(a, route)
            if d is None:
                raise ValueError(f"trip {route} breaks a limit of associate {a}")
            worth = self.model.worth(a, route, d)
            total += worth
            self._pool(a, route, worth)
        if total > self.value:
            self.trips, self.value = trips, total

    def run(self) -> None:
        """Go on until proved or stopped."""
        try:
            with self._mapping() as mapping:
                self._map = mapping
                self._run()
        except Stopped:
            pass

    def _run(self) -> None:
        self._seed_pool()
        self.master = Master(self.model, self.pool)
        self._generate(beam=True)
        self._generate(beam=False)
        last = None
        while not self.proved:
            relaxation = self._relaxation
            self._choose_from_pool(relaxation)
            if self.proved:
                return
            assert self.best is not None
            gap = self.best.value - self.value
            if self._list(limit=FEW if last is None else MANY):
                return
            cuts = self.master.violated(relaxation.shares)
            if not len(cuts) or (last is not None and gap > 0.97 * last and len(cuts) < 5):
                break
            last = gap
            self.master.cut(cuts)
            self._generate(beam=False)
        limit = MANY
        while not self.proved and not self.stop():
            limit *= 2
            if self._list(limit=limit):
                return

    @contextmanager
    def _mapping(self) -> Iterator[Callable]:
        if self.threads == 1:
            yield map
        else:
            with ThreadPoolExecutor(self.threads) as executor:
                yield executor.map

    def _check(self) -> None:
        if self.stop():
            raise Stopped

    def _pool(self, a: int, route: list[int], worth: int) -> bool:
        k, changed = self.pool.add(a, route, worth)
        if changed:
            self._fresh.append(k)
        return changed

    def _seed_pool(self) -> None:
        """The trips at hand, and each stop alone with those who would do it best."""
        self.see(self.trips)
        model = self.model
        worth = model.value[None, :] + model.bonus[:, None] - model.rate * model.alone
        for u in range(1, model.size + 1):
            for a in np.argsort(-worth[:, u], kind="stable")[:8].tolist():
                d = model.detour(a, [u])
                if d is not None:
                    self._pool(a, [u], model.worth(a, [u], d))

    def _generate(self, *, beam: bool) -> None:
        """Add bundles until none improves the relaxation: by a beam at smoothed prices, or exactly."""
        centre: Prices | None = None
        least = 1 << 62
        while not self.proved:
            self._check()
            self.master.add(self._fresh)
            self._fresh = []
            relaxation = self._relaxation = self.master.solve()
            self._check()
            prices = relaxation.prices
            if beam and centre is not None:
                prices = Prices((centre.stops + prices.stops) // 2, prices.triples, prices.cuts)
            found = self._price(prices, relaxation.wages, beam=beam)
            value = prices.total + sum(max(0, f.best) for f in found)
            if beam:
                if value < least:
                    least, centre = value, prices
            elif self.best is None or value < self.best.value:
                self.best = Bound(value, prices, np.array([max(0, f.best) for f in found]))
                self._fix()
            new = 0
            for a, f in enumerate(found):
                for row, d in zip(f.routes.tolist(), f.detours.tolist(), strict=True):
                    route = [u for u in row if u]
                    worth = self.model.worth(a, route, d)
                    if worth - int(relaxation.prices.stops[route].sum()) > relaxation.wages[a]:
                        new += self._pool(a, route, worth)
            if TRACE:
                TRACE(self, relaxation, value, found, new, beam)
            if new == 0 or (beam and new < len(self.people) // 8):
                return

    def _price(self, prices: Prices, wages: np.ndarray, *, beam: bool) -> list[Found]:
        def one(a: int) -> Found:
            self._check()
            pricer = self.pricers[a]
            threshold = int(wages[a])
            if beam:
                return pricer.beam(prices, threshold, width=BEAM, most=30)
            found = pricer.price(prices, threshold, limit=FEW, most=30)
            raised = 4 * self.step
            while not found.exact and raised < 300 * self.step:
                self._check()
                raised *= 4
                again = pricer.price(prices, threshold + raised, limit=FEW, most=30)
                found = Found(again.best, again.exact, found.routes, found.detours, found.profits, found.labels)
            return found

        return list(self._map(one, self.people))

    def _thresholds(self) -> np.ndarray:
        """By associate, the profit that a bundle of a better plan must exceed at the best bound's prices."""
        assert self.best is not None
        return self.value + self.step - 1 - self.best.value + self.best.profits

    def _fix(self, share: float = 0.7) -> None:
        """Drop arcs that no better plan can use, if the gap is at most ``share`` of what it was when last dropped."""
        assert self.best is not None
        gap = self.best.value - self.value
        if gap > share * self._fixed_gap:
            return
        self._fixed_gap = gap
        thresholds, prices = self._thresholds(), self.best.prices

        def one(a: int) -> None:
            self._check()
            self.pricers[a].fix(prices, int(thresholds[a]))

        list(self._map(one, self.people))

    def _choose_from_pool(self, relaxation: Relaxation) -> None:
        """A better plan from the bundles at hand whose reduced profit is inside the gap."""
        assert self.best is not None
        gap = self.best.value - self.value
        pool, prices = self.pool, relaxation.prices
        members = np.arange(len(pool))
        inside = pool.incidence(members.tolist())
        reduced = np.array(pool.worths) - inside @ prices.stops - relaxation.wages[np.array(pool.associates)]
        if len(prices.cuts):
            reduced = reduced - (inside[:, prices.triples].sum(axis=2) >= 2) @ prices.cuts
        order = np.argsort(-reduced, kind="stable")
        order = order[reduced[order] >= -gap][:3000]
        choice = choose(self.model, pool, sorted(order.tolist()), self.stop, nodes=50)
        if choice.value > self.value:
            self.trips, self.value = pool.trips(choice.chosen), choice.value
            self._fix()
        if TRACE:
            TRACE(self, "pool choice", len(order), choice)
        self._check()

    def _list(self, *, limit: int) -> bool:
        """List every bundle that a better plan could use and choose among them; False if there are too many."""
        assert self.best is not None
        self._fix(share=0.999)
        thresholds, prices = self._thresholds(), self.best.prices

        def one(a: int) -> Found:
            self._check()
            return self.pricers[a].price(prices, int(thresholds[a]), limit=limit, listing=True)

        listed = []
        total = 0
        for found in self._map(one, self.people):
            if not found.exact:
                return False
            listed.append(found)
            total += len(found.profits)
        if TRACE:
            TRACE(self, "listed", total, sum(f.labels for f in listed))
        if total > WIDEST_CHOICE:
            return False
        members = []
        for a, f in enumerate(listed):
            for row, d in zip(f.routes.tolist(), f.detours.tolist(), strict=True):
                route = [u for u in row if u]
                members.append(self.pool.add(a, route, self.model.worth(a, route, d))[0])
        start = [self.pool.add(a, r, self.model.worth(a, r, self.model.detour(a, r)))[0] for a, r in self.trips.items()]
        members = sorted(set(members) | set(start))
        choice = choose(self.model, self.pool, members, self.stop, triples=self.master.triples, start=start)
        if choice.value > self.value:
            self.trips, self.value = self.pool.trips(choice.chosen), choice.value
        ceiling = max(self.value, choice.bound)
        assert self.bound is not None
        if ceiling < self.bound:
            self._ceiling = ceiling
        if TRACE:
            TRACE(self, "final choice", len(members), choice)
        return choice.optimal


TRACE: Callable | None = None
