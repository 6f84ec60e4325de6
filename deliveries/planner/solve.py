"""Problem in, plan out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from deliveries.planner import compiled, small
from deliveries.planner.assign import load_solver
from deliveries.planner.exact import Exact
from deliveries.planner.model import Model, Trips
from deliveries.planner.plan import Plan, Stop
from deliveries.planner.problem import Problem
from deliveries.planner.reasons import explain
from deliveries.planner.search import insert_all, shake_up
from deliveries.planner.stages import Stages

FINISHING_SECONDS = 0.01
"""Kept back for the reasons and the answer."""
FEW_STOPS = 30
"""With fewer, handing the work to threads takes longer than the work."""


def ready() -> None:
    """Load what planning needs, HiGHS and the kernels if they are made, so that it is at hand before a clock starts."""
    load_solver()
    compiled.ready()


def solve(problem: Problem, *, stop: Stop, seed: int = 0, threads: int | None = None) -> Plan:
    """The best plan found until ``stop``, with a proven bound; 'optimal' when they meet.

    The same problem and seed give the same plan then. ``threads``: for pricing; by default one for
    few stops, else all processors of this process.
    """
    started = time.perf_counter()
    soon = Stop(stop.deadline - FINISHING_SECONDS, stop.asked)
    model = Model(problem)
    trips, value, bound = _improve(model, insert_all(model, {}, soon), soon, seed, threads)
    return Plan(
        routes=model.routes(trips),
        objective_ticks=value,
        bound_ticks=bound,
        status="optimal" if bound == value else "feasible",
        seconds=time.perf_counter() - started,
        reasons=explain(model, trips),
    )


def _improve(model: Model, trips: Trips, stop: Stop, seed: int, threads: int | None) -> tuple[Trips, int, int | None]:
    """Trips, their value and a proven bound, from a first plan."""
    value = model.total(trips)
    if stop():
        return trips, value, None
    few = small.FEWEST_PAIRS if compiled.made() else small.FEW_PAIRS
    settled = small.settle(model, trips, stop, most_pairs=few)
    if settled is not None:
        pool, choice = settled
        if choice.value > value:
            trips, value = pool.trips(choice.chosen), choice.value
        return trips, value, max(value, choice.bound)
    shaken = trips

    def meanwhile(until: Callable[[], bool]) -> None:
        nonlocal shaken
        shaken = shake_up(model, shaken, until, seed, idle=2000)
        while not until():
            time.sleep(0.02)

    kernels = compiled.load(stop, meanwhile)
    if kernels is None:
        shaken = shake_up(model, shaken, stop, seed, idle=2000)
        return shaken, model.total(shaken), None
    threads = threads or (1 if model.size < FEW_STOPS else len(os.sched_getaffinity(0)))
    stages = Stages(model, kernels, trips, seed)
    stages.run(stop, threads)
    exact = Exact(model, kernels, stages, stop, threads)
    exact.run()
    if model.total(shaken) > exact.value:
        # Only if time ran out: an optimum is never below, so what is proved does not depend on how long compiling took.
        return shaken, model.total(shaken), exact.bound
    return exact.trips, exact.value, exact.bound
