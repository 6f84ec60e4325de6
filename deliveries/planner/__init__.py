"""The evening planner: which associate takes which packages home, exactly or with a proven distance to the best.

Pure Python over numpy and HiGHS: nothing here imports Django, the ORM or settings, so the planner runs as a command, in a
worker process or in a notebook. ``docs/planner.md`` explains the method.

    problem = Problem.from_json(json.load(file))
    plan = solve(problem, stop=Stop.after(10), seed=1)
    evaluate(problem, plan.routes).objective_ticks
"""

from deliveries.planner.evaluate import Evaluation, Trip, Violation, evaluate
from deliveries.planner.plan import AssociateReason, PackageReason, Plan, Reasons, Stop
from deliveries.planner.problem import FORMAT, Associate, Package, Params, Problem
from deliveries.planner.solve import ready, solve

__all__ = [
    "FORMAT",
    "Associate",
    "AssociateReason",
    "Evaluation",
    "Package",
    "PackageReason",
    "Params",
    "Plan",
    "Problem",
    "Reasons",
    "Stop",
    "Trip",
    "Violation",
    "evaluate",
    "ready",
    "solve",
]
