"""Problem in, plan out."""

from __future__ import annotations

import os
import time

from deliveries.planner import compiled
from deliveries.planner.exact import Exact, Stopped
from deliveries.planner.model import Model
from deliveries.planner.plan import Plan, Stop
from deliveries.planner.problem import Problem
from deliveries.planner.reasons import explain
from deliveries.planner.search import Annealer, insert_all, shake_up


def solve(problem: Problem, *, stop: Stop, seed: int = 0, threads: int | None = None) -> Plan:
    """The best plan found until ``stop``, with a proven bound; 'optimal' when they meet.

    The same problem and seed give the same plan then. ``threads``: for pricing; by default all processors of this process.
    """
    started = time.perf_counter()
    model = Model(problem)
    trips = insert_all(model, {}, stop)
    value, bound = model.total(trips), None
    kernels = compiled.load()
    if kernels is None:
        trips = shake_up(model, trips, stop, seed)
        value = model.total(trips)
    else:
        annealer = Annealer(model, kernels, trips, seed)
        seen = list(annealer.run(150 * model.size, stop))
        trips, value = annealer.trips, annealer.value
        try:
            exact = Exact(model, kernels, trips, stop, threads or len(os.sched_getaffinity(0)))
            for each in seen:
                exact.see(each)
            exact.run()
            trips, value, bound = exact.trips, exact.value, exact.bound
        except Stopped:
            pass
    return Plan(
        routes=model.routes(trips),
        objective_ticks=value,
        bound_ticks=bound,
        status="optimal" if bound == value else "feasible",
        seconds=time.perf_counter() - started,
        reasons=explain(model, trips),
    )
