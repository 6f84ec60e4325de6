"""Column generation with subset-row cuts, then listing of every bundle inside the gap and the final choice.

Any prices at or above zero give a proven bound: their sum plus, for every associate, the largest profit of a bundle at these
prices (Lagrange). The master finds prices, :mod:`.bundles` finds profits, both in whole ticks, so the bound is exact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from deliveries.planner.assign import Master, Relaxation, choose
from deliveries.planner.bundles import Found, Pricer, Prices
from deliveries.planner.compiled import Kernels
from deliveries.planner.model import Model, Trips
from deliveries.planner.plan import Stop, Stopped
from deliveries.planner.stages import LARGE, Stages

log = logging.getLogger(__name__)

BEAM, FEW, MANY = 16, 100_000, 1_000_000
"""Labels of a level expanded while prices are still poor; labels per associate before a threshold is raised, or given up."""
MOST_PATIENCE = 16
"""So many times FEW at most, where pricing with fewer leaves the bound above the relaxation."""
LABELS_PER_SECOND = 300_000
"""At least; near the end a search gets no more labels than there is time for, so that it still ends with a bound."""
FIRST_CHOICE, QUICK_CHOICE, QUICK_NODES, EASY_CHOICE, WIDEST_CHOICE = 800, 2500, 20, 15_000, 30_000
CUT_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Bound:
    """A Lagrangian bound in ticks with the prices and the associates' best profits it is made of."""

    value: int
    prices: Prices
    profits: np.ndarray


class Exact:
    """One evening on the way to its optimum: ``trips`` and ``value`` from below, ``bound`` from above."""

    def __init__(self, model: Model, kernels: Kernels, stages: Stages, stop: Stop, threads: int) -> None:
        """Start from the plan and the bundles that ``stages`` found."""
        self.model, self.kernels, self.stages, self.stop, self.threads = model, kernels, stages, stop, threads
        self.trips, self.value = stages.trips, stages.value
        self.step = int(np.gcd(60, model.rate))
        self.best: Bound | None = None
        self._ceiling: int | None = None
        self._fixed_gap = float("inf")
        self._patience = 1
        self.pool = stages.pool
        self._fresh = list(range(len(self.pool)))
        self._queued = set(self._fresh)
        self.people = range(len(model.packages))

    @property
    def bound(self) -> int | None:
        """Proven upper bound in ticks, a multiple of what objectives can differ by; None before the first."""
        if self.best is None:
            return None
        ceiling = self.best.value // self.step * self.step
        return max(self.value, ceiling if self._ceiling is None else min(ceiling, self._ceiling))

    @property
    def proved(self) -> bool:
        """Whether the trips at hand are optimal."""
        return self.bound is not None and self.bound <= self.value

    def run(self) -> None:
        """Go on until proved or stopped."""
        try:
            with self._mapping() as mapping:
                self._map = mapping
                self._run()
        except Stopped:
            pass

    def _run(self) -> None:
        floor = np.empty(self.model.size + 1, dtype=np.int64)
        self.kernels.insertion_floor(self.model.drive, self.model.service, floor)
        self.pricers = []
        for a in self.people:
            self.stop.check()
            self.pricers.append(Pricer(self.model, self.kernels, a, floor, self.stop))
        self._seed_pool()
        self.master = Master(self.model, self.pool)
        self._generate(beam=True)
        self._generate(beam=False)
        if self.proved:
            return
        widest, labels, listed = WIDEST_CHOICE, MANY, self._close_in()
        while not self.proved:
            self._decide(widest, labels, listed)
            widest, labels, listed = 2 * widest, 2 * labels, None

    def _close_in(self) -> list[Found] | None:
        """Better plans and cuts, until the bundles inside the gap are few enough to choose among: those, if it came so far.

        In a large evening the first choice waits for the first cuts, with which it takes half as long and finds more; and it
        is made among few, in a tenth of the time, for most of what the next one finds.
        """
        for cut in range(CUT_ROUNDS):
            if cut == (1 if self.model.size >= LARGE else 0):
                self._choose_from_pool(self._relaxation, FIRST_CHOICE)
            if self.proved:
                return None
            listed = self._listable()
            if listed is not None:
                return listed
            cuts = self.master.violated(self._relaxation.shares)
            if not len(cuts):
                break
            before = self._gap()
            self.master.cut(cuts)
            self._generate(beam=False)
            if self.proved or (cut and self._gap() > 0.97 * before):
                break
        if self.proved:
            return None
        listed = self._listable()
        if listed is None:
            self._choose_from_pool(self._relaxation, QUICK_CHOICE)
        return listed

    def _gap(self) -> int:
        assert self.best is not None
        return self.best.value - self.value

    @contextmanager
    def _mapping(self) -> Iterator[Callable]:
        if self.threads == 1:
            yield map
        else:
            with ThreadPoolExecutor(self.threads) as executor:
                yield executor.map

    def _timely(self, labels: int) -> int:
        return int(min(labels, max(1000, self.stop.left() * LABELS_PER_SECOND)))

    def _pool(self, a: int, route: list[int], worth: int) -> bool:
        k, changed = self.pool.add(a, route, worth)
        if changed or k not in self._queued:
            self._queued.add(k)
            self._fresh.append(k)
            return True
        return False

    def _seed_pool(self) -> None:
        """Add each stop alone with those who would do it best."""
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
            self.stop.check()
            self.master.add(self._fresh)
            self._fresh = []
            relaxation = self._relaxation = self.master.solve(self.stop)
            whole = relaxation.whole()
            if whole is not None:
                self._keep(self.pool.trips(whole), sum(self.pool.worths[k] for k in whole))
            self.stop.check()
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
            log.debug(
                "%s: plan %d, bound %s, relaxation %.0f, labels %d, new bundles %d of %d, arcs %d",
                "beam" if beam else "exact", self.value, self.bound, relaxation.value, sum(f.labels for f in found),
                new, len(self.pool), sum(len(p.to) for p in self.pricers),
            )  # fmt: skip
            if new == 0 and not beam and value > relaxation.value + self.step and self._patience < MOST_PATIENCE:
                self._patience *= 4
            elif new == 0 or (beam and new < len(self.people) // 8):
                return

    def _price(self, prices: Prices, wages: np.ndarray, *, beam: bool) -> list[Found]:
        def one(a: int) -> Found:
            self.stop.check()
            pricer = self.pricers[a]
            threshold = int(wages[a])
            if beam:
                return pricer.beam(prices, threshold, width=BEAM, most=30)
            found = pricer.price(prices, threshold, limit=self._timely(self._patience * FEW), most=30)
            raised = 4 * self.step
            while not found.exact and raised < 300 * self.step:
                self.stop.check()
                raised *= 4
                again = pricer.price(prices, threshold + raised, limit=self._timely(self._patience * FEW), most=30)
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
            self.stop.check()
            self.pricers[a].fix(prices, int(thresholds[a]))

        list(self._map(one, self.people))

    def _choose_from_pool(self, relaxation: Relaxation, most: int) -> None:
        """A better plan from the bundles at hand whose reduced profit is inside the gap, or from searching on meanwhile.

        ``most``: no more than so many bundles, those of the highest reduced profit.
        """
        assert self.best is not None
        before, start, cuts = self.value, self.stages.add(self.trips), self.master.triples
        members = sorted({*self.pool.inside(relaxation, self.best.value - self.value, most), *start})
        chosen, deeper = self._map(
            lambda work: work(),
            (
                lambda: choose(self.model, self.pool, members, self.stop, triples=cuts, nodes=QUICK_NODES, start=start),
                lambda: self.stages.deeper(self.trips, self.stop),
            ),
        )
        self._keep(self.pool.trips(chosen.chosen), chosen.value)
        for trips in deeper:
            for k in self.stages.add(trips):
                if k not in self._queued:
                    self._queued.add(k)
                    self._fresh.append(k)
        if deeper:
            self._keep(deeper[-1], self.model.total(deeper[-1]))
        if self.value > before:
            self._fix()
        log.debug("choice among %d bundles at hand: %d, plan %d", len(members), chosen.value, self.value)
        self.stop.check()

    def _keep(self, trips: Trips, value: int) -> None:
        if value > self.value:
            self.trips, self.value = trips, value

    def _list(self, width: int, labels: int) -> list[Found] | None:
        """By associate, every bundle that loses less than ``width`` ticks against the best; None if it takes too much."""
        assert self.best is not None
        best, too_many = self.best, False

        def one(a: int) -> Found | None:
            nonlocal too_many
            self.stop.check()
            if too_many:
                return None
            found = self.pricers[a].price(
                best.prices, int(best.profits[a]) - width, limit=self._timely(labels), listing=True
            )
            too_many = too_many or not found.exact
            return found if found.exact else None

        listed = [found for found in self._map(one, self.people) if found is not None]
        return None if too_many else listed

    def _listable(self) -> list[Found] | None:
        """By associate, all bundles inside the gap, if they are few enough to choose among right away."""
        self._fix(share=0.999)
        listed = self._list(self._gap() - self.step + 1, 2 * EASY_CHOICE)
        if listed is not None and sum(len(found.profits) for found in listed) <= EASY_CHOICE:
            return listed
        return None

    def _decide(self, widest: int, labels: int, listed: list[Found] | None) -> None:
        """List the bundles inside the gap and choose among them in integers.

        A plan with a bundle that loses ``width`` ticks is worth at most the bound less ``width``. So with every bundle of a
        smaller loss at hand, the true optimum is at most the larger of the choice's bound and that; if the list covers the
        gap, the choice is the optimum. ``listed``: the whole list, where it is at hand.
        """
        assert self.best is not None
        full = width = self._gap() - self.step + 1
        if listed is None:
            self._fix(share=0.999)
            while (listed := self._list(width, labels)) is None:
                width, labels = width * 2 // 3, labels * 2
        losses = np.concatenate([self.best.profits[a] - f.profits for a, f in enumerate(listed)])
        if len(losses) > widest:
            width = min(width, int(np.partition(losses, widest)[widest]))
        members = []
        for a, f in enumerate(listed):
            self.stop.check()
            for row in np.flatnonzero(self.best.profits[a] - f.profits < width).tolist():
                route = [u for u in f.routes[row].tolist() if u]
                members.append(self.pool.add(a, route, self.model.worth(a, route, int(f.detours[row])))[0])
        start = []
        for a, route in self.trips.items():
            detour = self.model.detour(a, route)
            assert detour is not None
            start.append(self.pool.add(a, route, self.model.worth(a, route, detour))[0])
        members = sorted(set(members) | set(start))
        choice = choose(self.model, self.pool, members, self.stop, triples=self.master.triples, start=start)
        ceiling = max(choice.bound, self.value)
        if width < full:
            ceiling = max(ceiling, (self.best.value - width) // self.step * self.step)
        self._keep(self.pool.trips(choice.chosen), choice.value)
        if self.bound is not None and ceiling < self.bound:
            self._ceiling = ceiling
        log.debug(
            "choice among %d of %d listed (width %d of %d): plan %d, bound %s",
            len(members), len(losses), width, full, self.value, self.bound,
        )  # fmt: skip
        self.stop.check()
