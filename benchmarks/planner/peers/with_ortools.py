"""OR-Tools routing: one disjunction per package with its prize as the penalty, guided local search; exact.

Arc cost is the detour's pay (see `evening`), one evaluator per associate; a "detour" dimension per associate carries
the limit, a shared "clock" dimension the due times, and who may not carry what is a domain of the vehicle variable.
Of the ways to write refunds for the solo drive (negative fixed costs or arcs, real homes) this one reached the best
plans by far.  The routing solver is single-threaded, so two searches from the two first solutions that did best on
the given instances share the two cores.
"""

from __future__ import annotations

import time
from functools import partial

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from .both_cores import best_of
from .evening import Answer, Evening

FIRST_SOLUTIONS = (
    routing_enums_pb2.FirstSolutionStrategy.LOCAL_CHEAPEST_COST_INSERTION,
    routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC,
)
HORIZON_S = 2 * 86400


def solve(evening: Evening, seconds: float, seed: int) -> Answer:
    """Search for `seconds` from both first solutions at once; building the model is not counted, there is no seed."""
    del seed
    return best_of([partial(_search, evening, seconds, strategy) for strategy in FIRST_SOLUTIONS])


def _search(evening: Evening, seconds: float, strategy: int) -> Answer:
    stops, vehicles = len(evening.rows), len(evening.vehicles)
    manager = pywrapcp.RoutingIndexManager(stops + 1, vehicles, 0)
    routing = pywrapcp.RoutingModel(manager)
    _model(evening, manager, routing)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = strategy
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(int(1000 * seconds))
    routing.CloseModelWithParameters(parameters)
    started = time.perf_counter()
    solution = routing.SolveWithParameters(parameters)
    elapsed = time.perf_counter() - started
    if solution is None:
        return Answer({}, 0, elapsed)
    routes: dict[int, list[int]] = {}
    for vehicle in range(vehicles):
        index = solution.Value(routing.NextVar(routing.Start(vehicle)))
        while not routing.IsEnd(index):
            routes.setdefault(vehicle, []).append(manager.IndexToNode(index))
            index = solution.Value(routing.NextVar(index))
    return Answer(routes, sum(evening.prize_ticks) - solution.ObjectiveValue(), elapsed)


def _model(evening: Evening, manager: pywrapcp.RoutingIndexManager, routing: pywrapcp.RoutingModel) -> None:
    stops, vehicles = len(evening.rows), evening.vehicles
    detours = []
    for vehicle in range(len(vehicles)):
        arc = evening.detour_s(vehicle)
        detours.append(routing.RegisterTransitMatrix(arc.tolist()))
        routing.SetArcCostEvaluatorOfVehicle(
            routing.RegisterTransitMatrix((evening.ticks_per_s * arc).tolist()), vehicle
        )
    routing.AddDimensionWithVehicleTransitAndCapacity(
        detours, 0, [vehicle["max_detour_s"] for vehicle in vehicles], True, "detour"
    )
    clock = evening.drive_s.copy()
    clock[1:, :] += evening.service_s
    clock[:, 0] = 0
    routing.AddDimension(routing.RegisterTransitMatrix(clock.tolist()), 0, HORIZON_S, False, "clock")
    clocks = routing.GetDimensionOrDie("clock")
    for vehicle, start in enumerate(evening.start_s):
        clocks.CumulVar(routing.Start(vehicle)).SetRange(start, start)
    for name, amounts, limit in (
        ("weight", evening.weight_g, "max_total_weight_g"),
        ("volume", evening.volume_ml, "max_volume_ml"),
        ("packages", [1] * stops, "max_packages"),
    ):
        routing.AddDimensionWithVehicleCapacity(
            routing.RegisterUnaryTransitVector([0, *amounts]), 0, [vehicle[limit] for vehicle in vehicles], True, name
        )
    for stop in range(1, stops + 1):
        index = manager.NodeToIndex(stop)
        routing.AddDisjunction([index], evening.prize_ticks[stop - 1])
        clocks.CumulVar(index).SetMax(evening.due_s[stop - 1])
        may = [vehicle for vehicle in range(len(vehicles)) if evening.allowed[stop - 1, vehicle]]
        if len(may) < len(vehicles):
            routing.VehicleVar(index).SetValues([-1, *may])
