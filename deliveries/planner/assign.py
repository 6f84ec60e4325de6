"""Who gets which bundle: the linear master over the bundles seen so far, subset-row cuts, and the final choice in HiGHS."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from deliveries.planner.bundles import Prices
from deliveries.planner.model import Ints, Model, Trips
from deliveries.planner.plan import Stop, Stopped

CUTS_PER_ROUND = 60
LEAST_VIOLATION = 0.02
THREAD = "highs"
ASK_EVERY = 0.02
"""Seconds between two looks whether somebody asks to stop, while HiGHS works."""


class Pool:
    """Every bundle seen: associate, route, detour and worth; of the same set only its shortest order."""

    def __init__(self, model: Model) -> None:
        """An empty pool."""
        self.model = model
        self.associates: list[int] = []
        self.routes: list[tuple[int, ...]] = []
        self.worths: list[int] = []
        self._index: dict[tuple[int, frozenset[int]], int] = {}

    def __len__(self) -> int:
        return len(self.routes)

    def add(self, associate: int, route: list[int], worth: int) -> tuple[int, bool]:
        """Number of the bundle, and whether it is new or worth more than before."""
        key = (associate, frozenset(route))
        k = self._index.get(key)
        if k is None:
            self._index[key] = k = len(self.routes)
            self.associates.append(associate)
            self.routes.append(tuple(route))
            self.worths.append(worth)
            return k, True
        if worth > self.worths[k]:
            self.routes[k], self.worths[k] = tuple(route), worth
            return k, True
        return k, False

    def number(self, associate: int, route: list[int]) -> int | None:
        """Number of a bundle whose order is ``route``'s; None if it, or this order of it, is new."""
        k = self._index.get((associate, frozenset(route)))
        return k if k is not None and self.routes[k] == tuple(route) else None

    def inside(self, relaxation: Relaxation, gap: float, most: int) -> list[int]:
        """Numbers of the bundles that lose at most ``gap`` ticks at the relaxation's prices; the ``most`` best of them."""
        members = self.incidence(list(range(len(self))))
        prices = relaxation.prices
        reduced = np.array(self.worths) - members @ prices.stops - relaxation.wages[np.array(self.associates)]
        if len(prices.cuts):
            reduced = reduced - _held(members, prices.triples) @ prices.cuts
        order = np.argsort(-reduced, kind="stable")
        return sorted(order[reduced[order] >= -gap][:most].tolist())

    def trips(self, chosen: list[int]) -> Trips:
        """The chosen bundles as trips."""
        return {self.associates[k]: list(self.routes[k]) for k in chosen}

    def incidence(self, members: list[int]) -> np.ndarray:
        """Which stops the bundles contain: bool, shape (len(members), U + 1)."""
        found = np.zeros((len(members), self.model.size + 1), dtype=bool)
        found[self.stops(members)] = True
        return found

    def stops(self, members: list[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Every stop of every bundle in the order of the visits: the row of ``members``, and the stop."""
        routes = [self.routes[k] for k in members]
        lengths = np.fromiter(map(len, routes), dtype=np.int64, count=len(routes))
        stops = np.fromiter(chain.from_iterable(routes), dtype=np.int64, count=int(lengths.sum()))
        return np.arange(len(routes)).repeat(lengths), stops


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The solved master: ``value`` and ``shares`` (by pool number), prices in whole ticks, and ``wages`` by associate."""

    value: float
    shares: np.ndarray
    prices: Prices
    wages: Ints

    def whole(self) -> list[int] | None:
        """Numbers of the chosen bundles, if none is chosen in part: then this is a plan, and the best of these bundles."""
        chosen = self.shares > 0.5
        return np.flatnonzero(chosen).tolist() if np.abs(self.shares - chosen).max(initial=0.0) < 1e-6 else None


class Master:
    """The linear relaxation of choosing bundles, in HiGHS, growing by bundles and cuts."""

    def __init__(self, model: Model, pool: Pool) -> None:
        """One row per stop and one per associate, each at most 1; no bundle yet."""
        self.model, self.pool = model, pool
        self.people = len(model.packages)
        self.triples = np.zeros((0, 3), dtype=np.int64)
        self._solver = _solver()
        self._solver.changeObjectiveSense(_highs().ObjSense.kMaximize)
        self._rows(model.size + self.people)
        self._column: list[int] = []
        self._number: dict[int, int] = {}

    def _rows(self, n: int) -> None:
        none = np.zeros(0, dtype=np.int32)
        self._solver.addRows(n, np.full(n, -np.inf), np.ones(n), 0, np.zeros(n, dtype=np.int32), none, np.zeros(0))

    def add(self, numbers: list[int]) -> None:
        """Add bundles of the pool, or correct what they are worth."""
        new = []
        for k in numbers:
            if k in self._number:
                self._solver.changeColCost(self._number[k], float(self.pool.worths[k]))
            else:
                self._number[k] = len(self._column)
                self._column.append(k)
                new.append(k)
        if not new:
            return
        starts, rows = columns(self.model, self.pool, new, self.triples)
        n = len(new)
        self._solver.addCols(
            n, np.array([self.pool.worths[k] for k in new], dtype=float), np.zeros(n), np.full(n, np.inf),
            len(rows), starts, rows, np.ones(len(rows)),
        )  # fmt: skip

    def cut(self, triples: Ints) -> None:
        """Add subset-row cuts: of any three stops, at most one bundle may hold two or more."""
        for row in _held(self.pool.incidence(self._column), triples).T:
            held = np.flatnonzero(row).astype(np.int32)
            self._solver.addRow(-np.inf, 1.0, len(held), held, np.ones(len(held)))
        self.triples = np.concatenate((self.triples, triples))

    def solve(self, stop: Stop) -> Relaxation:
        """Optimise over the bundles at hand.

        Raises:
            Stopped: it is time. This master is not to be used again then.
        """
        if not _run(self._solver, stop):
            raise Stopped
        solution = self._solver.getSolution()
        dual = np.maximum(0, np.rint(np.abs(np.array(solution.row_dual)))).astype(np.int64)
        shares = np.zeros(len(self.pool))
        shares[self._column] = solution.col_value
        size = self.model.size
        return Relaxation(
            value=self._solver.getInfo().objective_function_value,
            shares=shares,
            prices=Prices(np.concatenate(([0], dual[:size])), self.triples, dual[size + self.people :]),
            wages=dual[size : size + self.people],
        )

    def violated(self, shares: np.ndarray) -> Ints:
        """Subset-row cuts over three stops that ``shares`` breaks, worst first, shape (C, 3)."""
        part = np.flatnonzero((shares > 1e-6) & (shares < 1 - 1e-6))
        inside = self.pool.incidence(part.tolist())
        stops = np.flatnonzero(inside.sum(axis=0) > 1)
        inside = inside[:, stops].astype(float)
        weighted = inside * shares[part][:, None]
        pair = weighted.T @ inside
        known = {tuple(t) for t in self.triples.tolist()}
        found = []
        for i in range(len(stops) - 2):
            rows = weighted[:, i] > 0
            both = (inside[rows, i + 1 :] * weighted[rows, i][:, None]).T @ inside[rows, i + 1 :]
            beside = pair[i, i + 1 :]
            broken = pair[i + 1 :, i + 1 :] + beside[:, None] + beside[None, :] - 2 * both - 1
            for j, k in zip(*np.nonzero(np.triu(broken, 1) > LEAST_VIOLATION), strict=True):
                triple = (int(stops[i]), int(stops[i + 1 + j]), int(stops[i + 1 + k]))
                if triple not in known:
                    found.append((-broken[j, k], triple))
        found.sort()
        used = np.zeros(self.model.size + 1, dtype=np.int64)
        chosen = []
        for _, triple in found:
            if (used[list(triple)] < 5).all():
                used[list(triple)] += 1
                chosen.append(triple)
                if len(chosen) == CUTS_PER_ROUND:
                    break
        return np.array(chosen, dtype=np.int64).reshape(len(chosen), 3)


def columns(model: Model, pool: Pool, numbers: list[int], triples: Ints) -> tuple[np.ndarray, np.ndarray]:
    """Rows (stops, associates, cuts) of bundles in HiGHS's column-wise form: starts and row numbers, all coefficients 1."""
    bundle, stop = pool.stops(numbers)
    whose = np.array([pool.associates[k] for k in numbers], dtype=np.int64)
    bundles, rows = [bundle, np.arange(len(numbers))], [stop - 1, model.size + whose]
    if len(triples):
        cut, holder = np.nonzero(_held(pool.incidence(numbers), triples).T)
        bundles.append(holder)
        rows.append(model.size + len(model.packages) + cut)
    of = np.concatenate(bundles)
    order = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[order], np.arange(len(numbers)))
    return starts.astype(np.int32), np.concatenate(rows)[order].astype(np.int32)


def _held(inside: npt.NDArray[np.bool_], triples: Ints) -> npt.NDArray[np.bool_]:
    """Which bundles (rows of ``inside``) hold two or more stops of which triples, shape (bundles, C)."""
    by_stop = np.ascontiguousarray(inside.T)
    a, b, c = (by_stop[triples[:, t]] for t in range(3))
    return (a & b | (a | b) & c).T


@dataclass(frozen=True, slots=True)
class Choice:
    """Outcome of the integer choice: pool numbers, their worth, an upper bound over the bundles given, proof of optimality."""

    chosen: list[int]
    value: int
    bound: int
    optimal: bool


def choose(
    model: Model,
    pool: Pool,
    numbers: list[int],
    stop: Stop,
    *,
    triples: Ints | None = None,
    start: list[int] | None = None,
    nodes: int | None = None,
) -> Choice:
    """The best choice among bundles ``numbers``: every stop and every associate at most once.

    ``triples``: valid subset-row cuts to add; ``start``: numbers of a feasible choice to begin with; ``nodes``: give up after
    so many nodes of the search tree (instead of after a time: the outcome stays the same on any machine).
    """
    if not numbers:
        return Choice([], 0, 0, True)
    triples = np.zeros((0, 3), dtype=np.int64) if triples is None else triples
    step = int(np.gcd.reduce([pool.worths[k] for k in numbers])) or 1
    starts, rows = columns(model, pool, numbers, triples)
    n, m = len(numbers), model.size + len(model.packages) + len(triples)
    highspy, solver = _highs(), _solver()
    problem = highspy.HighsLp()
    problem.num_col_, problem.num_row_ = n, m
    problem.sense_ = highspy.ObjSense.kMaximize
    problem.col_cost_ = np.array([pool.worths[k] / step for k in numbers])
    problem.col_lower_, problem.col_upper_ = np.zeros(n), np.ones(n)
    problem.row_lower_, problem.row_upper_ = np.full(m, -np.inf), np.ones(m)
    problem.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    problem.a_matrix_.start_ = np.append(starts, len(rows)).astype(np.int32)
    problem.a_matrix_.index_ = rows
    problem.a_matrix_.value_ = np.ones(len(rows))
    problem.integrality_ = [highspy.HighsVarType.kInteger] * n
    for name, setting in (
        ("presolve", "off"),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 0.5),
    ):
        solver.setOptionValue(name, setting)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    solver.passModel(problem)
    solver.setOptionValue("time_limit", max(0.01, min(0.97 * stop.left() - 0.01 - 1e-6 * len(rows), 1e6)))
    seen = _Seen(stop)
    solver.cbMipImprovingSolution.subscribe(seen.better)
    solver.cbMipInterrupt.subscribe(seen.going_on)
    if start:
        at = {k: i for i, k in enumerate(numbers)}
        given = np.array([at[k] for k in start], dtype=np.int32)
        solver.setSolution(len(given), given, np.ones(len(given)))
    most: dict[int, int] = {}
    for k in numbers:
        most[pool.associates[k]] = max(most.get(pool.associates[k], 0), pool.worths[k])
    ceiling = sum(most.values())
    optimal, ended = False, _run(solver, stop)
    solution, highest = seen.solution, seen.bound
    if ended:
        info = solver.getInfo()
        optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        solution = np.array(solver.getSolution().col_value) if info.primal_solution_status == 2 else None
        highest = info.mip_dual_bound
    chosen = [] if solution is None else [numbers[i] for i in np.flatnonzero(solution > 0.5)]
    value = sum(pool.worths[k] for k in chosen)
    if optimal:
        bound = value
    elif np.isfinite(highest) and abs(highest) < 1e15:
        bound = max(value, min(ceiling, step * int(np.floor(highest + 1e-6))))
    else:
        bound = ceiling
    return Choice(chosen, value, bound, optimal)


class _Seen:
    """What HiGHS told on its way: its best solution yet, and the lowest upper bound."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.solution: np.ndarray | None = None
        self.bound = float("inf")

    def better(self, event: Any) -> None:
        self.solution = np.array(event.data_out.mip_solution)

    def going_on(self, event: Any) -> None:
        """Asked now and then, a hundred times a second at most."""
        self.bound = min(self.bound, event.data_out.mip_dual_bound)
        event.data_in.user_interrupt = self.stop()


def _run(solver: Any, stop: Stop) -> bool:
    """Have HiGHS solve; False when it is time and it has not ended. Then it is not to be touched any more.

    It looks at the clock between steps that may take half a second. Nobody waits for that: it goes on in a thread of its own,
    ends there, and takes what it holds along.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix=THREAD)
    work = executor.submit(solver.run)
    executor.shutdown(wait=False)
    while True:
        try:
            work.result(min(stop.left(), 3600.0 if stop.asked is None else ASK_EVERY))
            return True
        except TimeoutError:
            if stop():
                return False


def _highs() -> ModuleType:
    """HiGHS, imported when it is first needed."""
    import highspy

    return highspy


def load_solver() -> None:
    """Import HiGHS and let it say its greeting now."""
    _solver()


_greeted = False


def _solver() -> Any:
    """A silent HiGHS on one thread. Its first one in a process greets on standard output, where a plan may be written."""
    global _greeted
    highspy = _highs()
    if _greeted:
        solver = highspy.Highs()
    else:
        with _no_output():
            solver = highspy.Highs()
        _greeted = True
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


@contextmanager
def _no_output() -> Iterator[None]:
    """Send what C code prints on descriptor 1 nowhere."""
    flush = ctypes.CDLL(None).fflush
    try:
        sys.stdout.flush()
        flush(None)
        kept = os.dup(1)
    except (OSError, ValueError, AttributeError):  # No standard output at all.
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
        flush(None)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
