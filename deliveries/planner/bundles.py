"""Which sets of stops one associate could carry, at given prices: pricing, bounds, and listing for the final choice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from deliveries.planner.compiled import Kernels
from deliveries.planner.kernels import allowance
from deliveries.planner.model import FAR, Ints, Model
from deliveries.planner.plan import Stop
from deliveries.planner.tree import Tree

Tables = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
ROUGHLY = 3
SOME, SWEEPS = 3000, 6
"""Labels after which better tolls are looked for, and how long."""
FEW_LAYERS, SMALL_GRAPH = 5, 4000
"""A bound by number of packages left is stronger but costs more: taken with few packages, or once few arcs are left."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Dual prices in whole ticks. ``stops``: by node (0 for the store). ``triples``: subset-row cuts, shape (C, 3), nodes."""

    stops: Ints
    triples: Ints
    cuts: Ints

    @property
    def total(self) -> int:
        """What the prices alone contribute to the Lagrangian bound."""
        return int(self.stops.sum() + self.cuts.sum())


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of pricing one associate.

    ``best``: upper bound of the profit of any bundle, in ticks (attained if ``exact`` and above the threshold).
    ``routes`` (rows of nodes, 0 padded), ``detours``, ``profits``: bundles found above the threshold. ``labels``: work done.
    """

    best: int
    exact: bool
    routes: npt.NDArray[np.int64]
    detours: Ints
    profits: Ints
    labels: int = 0


_NONE = np.zeros((0, 1), dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)


class Pricer:
    """One associate's graph of stops and arcs that can be in a feasible (and later: in an improving) bundle.

    Whatever takes long looks at the clock now and then, and raises Stopped.
    """

    def __init__(self, model: Model, kernels: Kernels, associate: int, floor: Ints, stop: Stop) -> None:
        """``floor``: by node, least growth of a detour by inserting it (``kernels.insertion_floor``)."""
        self.model, self.kernels, self.associate, self.stop = model, kernels, associate, stop
        self.packages = int(model.packages[associate])
        self.most = int(model.by_count[associate].max(initial=-FAR))
        self.by_count = np.ascontiguousarray(model.by_count[associate, : self.packages + 1])
        self.bonus = int(model.bonus[associate])
        self.tolls = np.zeros(3, dtype=np.int64)
        nodes = np.concatenate(([0], np.flatnonzero(model.possible[associate])))
        cost = model.edges(associate, nodes)
        np.fill_diagonal(cost, FAR)
        cost[:, 0] = FAR
        self.fall = max(0, -int(cost.min()))
        limit = np.minimum(model.cap[associate, nodes], self.most + self.fall * self.packages)
        distance = cost[0].copy()
        for _ in range(self.packages):
            distance[distance > limit] = FAR
            shorter = np.minimum(distance, (distance[:, None] + cost).min(axis=0))
            if np.array_equal(shorter, distance):
                break
            distance = shorter
        distance[0] = 0
        arcs = (distance[:, None] + cost <= limit[None, :]) & (distance[:, None] <= limit[:, None])
        arcs[0] = cost[0] <= limit
        least = int(cost[arcs].min()) if arcs.any() else FAR
        self.least = least
        self.layered = self.fall > 0 or self.packages <= FEW_LAYERS or least < 15
        self.skip = np.minimum(floor[nodes], np.where(arcs, cost, FAR).min(axis=0))
        self.fixed = self.fall > 0 or bool((self.skip < 0).any())
        start, end = np.nonzero(arcs)
        self._take(nodes, start, end, cost[start, end])

    def _take(self, nodes: npt.NDArray[np.intp], start: Ints, end: Ints, cost: Ints) -> None:
        """Keep these arcs (between local numbers), dropping stops that no arc reaches."""
        reached = np.zeros(len(nodes), dtype=bool)
        reached[end] = True
        reached[0] = True
        reached_start = reached[start]
        start, end, cost = start[reached_start], end[reached_start], cost[reached_start]
        number = np.cumsum(reached) - 1
        self.nodes, self.skip = nodes[reached], self.skip[reached]
        self.start, self.to, self.cost = number[start], number[end], np.ascontiguousarray(cost)
        n = len(self.nodes)
        model, a = self.model, self.associate
        self.arc_from = np.searchsorted(self.start, np.arange(n + 1)).astype(np.int64)
        self.cap = model.cap[a, self.nodes]
        self.count, self.weight, self.volume = (
            model.count[self.nodes],
            model.weight[self.nodes],
            model.volume[self.nodes],
        )
        self.layered |= self.fixed and len(self.to) < SMALL_GRAPH
        self.bucket = max(1, -(-self.most // 30) if self.layered else min(45, self.least))
        self.width = 1 if self.fall or self.most <= 0 else -(-self.most // self.bucket) + 1
        if self.width == 1:
            self.use, self.need = np.zeros(len(self.to), dtype=np.int64), np.zeros(n, dtype=np.int64)
        else:
            self.use = self.cost // self.bucket
            self.need = np.maximum(0, -((self.cap - self.most) // self.bucket))
        self.tables = _tables(self.packages + 1 if self.layered else 1, n, self.width)
        self.room = np.empty((4, len(self.to) + n + 1), dtype=np.int64)
        self.rough: tuple[int, int, Ints, Ints, Tables] | None = None
        self._tax(self.tolls)

    def _roughly(self) -> tuple[int, int, Ints, Ints, Tables]:
        """Wider buckets, rounded to the nearest: no bound, but a guide for the beam at a fraction of the time."""
        bucket = ROUGHLY * self.bucket
        width = 1 if self.width == 1 else -(-self.most // bucket) + 1
        use = np.maximum(0 if self.layered else 1, (self.cost + bucket // 2) // bucket) if width > 1 else self.use
        need = np.maximum(0, -((self.cap - self.most) // bucket)) if width > 1 else self.need
        return bucket, width, use, need, _tables(self.tables[0].shape[0], len(self.nodes), width)

    @property
    def empty(self) -> bool:
        """Whether this associate can carry nothing."""
        return len(self.nodes) < 2 or self.most < -self.fall * self.packages

    def bound(self, prices: Prices) -> int:
        """Upper bound in ticks of the profit of any bundle at these prices; leaves the completion tables filled."""
        self.stop.check()
        if self.empty:
            return 0
        self._gains(prices)
        layers = self.tables[0].shape[0]
        self.kernels.completions(
            self.arc_from, self.to, self.cost, self.use, self.need, self.gain - self.tax, self.active, self.count,
            self.model.rate, layers, self.width, *self.tables, self.room,
        )  # fmt: skip
        return int(self.tables[0][layers - 1, 0, self.width - 1]) + self.bonus + self.spare

    def _tax(self, tolls: Ints) -> None:
        """Charge these tolls in the completion bounds: ``tax`` by node, ``spare`` for all that the associate may carry."""
        model, a = self.model, self.associate
        self.tolls = tolls
        self.tax = allowance(tolls, self.count, self.weight, self.volume)
        self.spare = int(allowance(tolls, self.packages, int(model.weight_cap[a]), int(model.volume_cap[a])))

    def _tune(self, prices: Prices) -> None:
        """Find tolls that lower the bound: up or down one at a time, by steps that are halved where neither helps."""
        model, a = self.model, self.associate
        least = self.bound(prices)
        room = np.array([self.packages, int(model.weight_cap[a]) >> 10, int(model.volume_cap[a]) >> 14])
        steps = np.maximum(least // (3 * np.maximum(room, 1)), 1)
        for _ in range(SWEEPS):
            for k in range(3):
                for step in (steps[k], -steps[k]):
                    tolls = self.tolls.copy()
                    tolls[k] += step
                    if tolls[k] < 0:
                        continue
                    before = self.tolls
                    self._tax(tolls)
                    bound = self.bound(prices)
                    if bound < least:
                        least = bound
                        break
                    self._tax(before)
                else:
                    steps[k] = max(1, steps[k] // 3)

    def _gains(self, prices: Prices) -> None:
        self.gain = self.model.value[self.nodes] - prices.stops[self.nodes]
        if self.fixed:
            self.active = np.ones(len(self.nodes), dtype=bool)
        else:
            self.active = self.gain > self.model.rate * self.skip

    def beam(self, prices: Prices, threshold: int, *, width: int, most: int) -> Found:
        """Some bundles whose profit exceeds ``threshold`` ticks, by a beam of ``width`` labels a level; proves nothing."""
        if self.empty:
            return Found(0, False, *_NONE)
        if self.rough is None:
            self.rough = self._roughly()
        bucket, columns, use, need, tables = self.rough
        self._gains(prices)
        self.kernels.completions(
            self.arc_from, self.to, self.cost, use, need, self.gain - self.tax, self.active, self.count, self.model.rate,
            tables[0].shape[0], columns, *tables, self.room,
        )  # fmt: skip
        return self._search(prices, threshold, bucket, tables, limit=1 << 30, beam=width, listing=False, most=most)

    def price(self, prices: Prices, threshold: int, *, limit: int, listing: bool = False, most: int = 0) -> Found:
        """Bundles whose profit exceeds ``threshold`` ticks; exact unless it would take more than ``limit`` labels.

        ``listing``: every one of them, otherwise only such that the best is among them. ``most``: return at most so many.
        """
        bound = self.bound(prices)
        if self.empty or bound <= threshold:
            return Found(bound, True, *_NONE)
        for most_labels in sorted({min(SOME, limit), limit}):
            found = self._search(
                prices, threshold, self.bucket, self.tables, limit=most_labels, beam=0, listing=listing, most=most
            )
            if found.exact:
                return found
            if most_labels < limit:
                self._tune(prices)
                bound = self.bound(prices)
                if bound <= threshold:
                    return Found(bound, True, *_NONE)
        return replace(found, best=bound)

    def _search(
        self,
        prices: Prices,
        threshold: int,
        bucket: int,
        tables: Tables,
        *,
        limit: int,
        beam: int,
        listing: bool,
        most: int,
    ) -> Found:
        model, a = self.model, self.associate
        uneven = bool((self.by_count[1:] != self.by_count[-1]).any())
        arguments = (
            self.arc_from, self.to, self.cost, self.cap, self.gain, self.count, self.weight, self.volume, self.by_count,
            self.packages, model.rate, self.bonus, self.most, self.fall, bucket, int(model.weight_cap[a]),
            int(model.volume_cap[a]), self.tolls, *self._cuts(prices), threshold, *tables, limit, beam, listing or uneven,
        )  # fmt: skip
        tree = Tree(self.kernels, arguments, len(self.nodes), min(len(self.nodes) - 1, self.packages), beam, self.stop)
        exact, labels = tree.exact, tree.total
        routes, detours, profits, keys = tree.bundles(threshold, self.by_count)
        if not len(profits):
            return Found(threshold, exact, *_NONE, labels)
        order = np.lexsort((detours, keys))
        order = order[np.concatenate(([True], keys[order][1:] != keys[order][:-1]))]
        order = order[np.argsort(-profits[order], kind="stable")]
        best = int(profits[order[0]])
        if most:
            order = order[:most]
        local = routes[order]
        return Found(best, exact, np.where(local >= 0, self.nodes[local], 0), detours[order], profits[order], labels)

    def fix(self, prices: Prices, threshold: int) -> None:
        """Drop for good the arcs that no bundle with a profit above ``threshold`` ticks at these prices can use."""
        if self.empty or self.bound(prices) <= threshold:
            none = np.zeros(0, dtype=np.int64)
            self.skip = self.skip[:1]
            self._take(self.nodes[:1], none, none, none)
            return
        if not self.fixed:
            self.fixed, self.active = True, np.ones(len(self.nodes), dtype=bool)
            self.bound(prices)
        self.stop.check()
        keep = np.zeros(len(self.to), dtype=bool)
        kept = self.kernels.useful_arcs(
            self.arc_from, self.to, self.cost, self.use, self.need, self.gain - self.tax, self.active, self.count,
            self.model.rate, self.tables[0].shape[0], self.width, self.bonus, threshold - self.spare, *self.tables[:3],
            np.empty_like(self.tables[0]), np.empty_like(self.tables[0]), np.empty_like(self.tables[1]), keep,
        )  # fmt: skip
        if kept < 0.9 * len(keep):
            self._take(self.nodes, self.start[keep], self.to[keep], self.cost[keep])

    def _cuts(self, prices: Prices) -> tuple[Ints, Ints, Ints]:
        """The priced cuts by local node: offsets, the two other nodes (0: not here), prices."""
        n = len(self.nodes)
        local = np.zeros(self.model.size + 1, dtype=np.int64)
        local[self.nodes] = np.arange(n)
        triples = local[prices.triples]
        live = (prices.cuts > 0) & ((triples > 0).sum(axis=1) >= 2)
        triples, price = triples[live], prices.cuts[live]
        node = triples.T.ravel()
        others = np.concatenate((triples[:, [1, 2]], triples[:, [0, 2]], triples[:, [0, 1]]))
        order = np.argsort(node, kind="stable")
        order = order[node[order] > 0]
        offsets = np.searchsorted(node[order], np.arange(n + 1)).astype(np.int64)
        return offsets, np.ascontiguousarray(others[order]), np.tile(price, 3)[order]


def _tables(layers: int, nodes: int, width: int) -> Tables:
    """Room for the completion bounds: best, where to; second best, where to; third best."""
    shape = (layers, nodes, width)
    return (
        np.zeros(shape, dtype=np.int64),
        np.full(shape, -1, dtype=np.int16),
        np.zeros(shape, dtype=np.int64),
        np.full(shape, -1, dtype=np.int16),
        np.zeros(shape, dtype=np.int64),
    )
