"""PyVRP: optional clients with prizes, one vehicle type per associate, exact.

Every associate has a start and an end of their own.  Distance is the drive plus the service, less the solo drive on
the arcs that leave the start: the detour (some arcs are negative, which PyVRP allows).  `max_distance` is its limit
and the unit cost the pay.  Duration is the plain clock, for due times, from a start fixed by `start_late`.  Associates
with the same limits for one package share a profile, in which what they may not carry is farther than any limit.

This reached better plans than a profile of reduced costs per associate (`Evening.detour_s`), whose many matrices do not
fit a cache.  PyVRP is single-threaded, so two searches share the two cores: one with its defaults, one with the
smaller neighbourhood that did better on the given instances of up to 150 packages.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np
from pyvrp import Client, Depot, Location, ProblemData, SolveParams, VehicleType
from pyvrp import solve as pyvrp_solve
from pyvrp.search import NeighbourhoodParams
from pyvrp.stop import MaxRuntime

from .both_cores import best_of
from .evening import Answer, Evening

SMALL_NEIGHBOURHOOD = 30


def solve(evening: Evening, seconds: float, seed: int) -> Answer:
    """Search for `seconds` in both ways at once; building the model is not counted."""
    data = _model(evening)
    searches = (SolveParams(), SolveParams(neighbourhood=NeighbourhoodParams(num_neighbours=SMALL_NEIGHBOURHOOD)))
    return best_of([partial(_search, data, seconds, seed, parameters) for parameters in searches])


def _search(data: ProblemData, seconds: float, seed: int, parameters: SolveParams) -> Answer:
    started = time.perf_counter()
    stop = MaxRuntime(seconds)
    best = pyvrp_solve(data, stop, seed=seed, collect_stats=False, display=False, params=parameters).best
    elapsed = time.perf_counter() - started
    if not best.is_feasible():
        return Answer({}, 0, elapsed)
    routes = {
        route.vehicle_type(): [activity.idx + 1 for activity in route if activity.is_client()]
        for route in best.routes()
    }
    return Answer(routes, best.prizes() - best.distance_cost(), elapsed)


def _model(evening: Evening) -> ProblemData:
    """Locations: a start per associate, then an end per associate, then the packages."""
    vehicles = len(evening.vehicles)
    starts, ends, stops = slice(0, vehicles), slice(vehicles, 2 * vehicles), slice(2 * vehicles, None)
    clock = np.zeros((2 * vehicles + len(evening.rows),) * 2, dtype=np.int64)
    clock[stops, stops] = evening.drive_s[1:, 1:]
    clock[starts, stops] = evening.drive_s[0, 1:]
    clock[stops, ends] = evening.to_home_s[1:, :]
    detour = clock.copy()
    detour[starts, stops] -= evening.to_home_s[0, :, None]
    detour[:, stops] += evening.service_s
    np.fill_diagonal(detour, 0)

    profiles: dict[bytes, int] = {}
    distances: list[np.ndarray] = []
    types = []
    unreachable = 10 * (1 + max((vehicle["max_detour_s"] for vehicle in evening.vehicles), default=0))
    for number, (vehicle, start) in enumerate(zip(evening.vehicles, evening.start_s, strict=True)):
        allowed = evening.allowed[:, number]
        profile = profiles.setdefault(allowed.tobytes(), len(distances))
        if profile == len(distances):
            distance = detour.copy()
            distance[:, 2 * vehicles + np.flatnonzero(~allowed)] = unreachable + detour.max()
            np.fill_diagonal(distance, 0)
            distances.append(distance)
        types.append(
            VehicleType(
                capacity=[vehicle["max_total_weight_g"], vehicle["max_volume_ml"], vehicle["max_packages"]],
                start_depot=number,
                end_depot=vehicles + number,
                tw_early=start,
                start_late=start,
                max_distance=vehicle["max_detour_s"],
                unit_distance_cost=evening.ticks_per_s,
                profile=profile,
            )
        )
    return ProblemData(
        locations=[Location(0, 0)] * len(clock),  # coordinates only serve PyVRP's plots
        clients=[
            Client(
                location=2 * vehicles + stop,
                delivery=[evening.weight_g[stop], evening.volume_ml[stop], 1],
                service_duration=evening.service_s,
                tw_late=evening.due_s[stop],
                prize=evening.prize_ticks[stop],
                required=False,
            )
            for stop in range(len(evening.rows))
        ],
        depots=[Depot(location=place) for place in range(2 * vehicles)],
        vehicle_types=types,
        distance_matrices=distances,
        duration_matrices=[clock] * len(distances),
    )
