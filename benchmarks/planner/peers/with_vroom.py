"""VROOM: two models, because it ranks plans by jobs served first and by cost second, which is not this objective.

"Prizes" is exact: for every job there is one more vehicle, a carrier that may serve just one job, in no time and at
the cost of its prize.  So every job is always served, and only cost is left to compare.  "Priorities" is the obvious
model: as much of the prizes as possible (scaled to VROOM's 0..100), then cost; stops that lose money are taken out
afterwards.  It often starts better where nearly every stop pays.

In both a job needs a skill of its own, which exactly the vehicles that may carry it have; cost is the detour's pay
(see `evening`) in a profile per associate; the detour limit is the end of the time window at home.  VROOM stops by
itself and gets worse when cut short, so the adapter climbs its exploration levels while time is left and keeps the
best plan.  It uses both cores and has no seed.
"""

from __future__ import annotations

import time
from datetime import timedelta

import numpy as np
import vroom

from .evening import Answer, Evening

LEVELS = (0, 2, 5)  # exploration, 5 is VROOM's highest
THREADS = 2
NO_LIMIT = 2**31 - 1
TOP_PRIORITY = 100


def solve(evening: Evening, seconds: float, seed: int) -> Answer:
    """Search until the ladder is climbed or `seconds` are over; building the models is not counted."""
    del seed
    best, spent = Answer({}, 0, 0.0), 0.0
    for level in LEVELS:
        for with_carriers in (False, True):  # the quicker model first
            if spent >= seconds:
                break
            problem = _model(evening, with_carriers)
            started = time.perf_counter()
            found = problem.solve(level, THREADS, timedelta(seconds=seconds - spent))
            routes = _routes(evening, found)
            if with_carriers and not len(found.unassigned):
                ticks = sum(evening.prize_ticks) - int(found.summary.cost)
            else:
                routes = {vehicle: _without_losses(evening, vehicle, stops) for vehicle, stops in routes.items()}
                ticks = sum(_worth(evening, vehicle, stops) for vehicle, stops in routes.items())
            spent += time.perf_counter() - started
            if ticks > (best.model_ticks or 0):
                best = Answer(routes, ticks, spent)
    return Answer(best.routes, best.model_ticks, spent, finished=spent < seconds)


def _routes(evening: Evening, found: vroom.Solution) -> dict[int, list[int]]:
    table, routes = found.routes, {}
    for vehicle, kind, job in zip(table["vehicle_id"], table["type"], table["id"], strict=True):
        if kind == "job" and vehicle < len(evening.vehicles):
            routes.setdefault(int(vehicle), []).append(int(job))
    return routes


def _worth(evening: Evening, vehicle: int, stops: list[int]) -> int:
    arc = evening.detour_s(vehicle)
    seconds = sum(int(arc[here, there]) for here, there in zip([0, *stops], stops, strict=False))
    return sum(evening.prize_ticks[stop - 1] for stop in stops) - evening.ticks_per_s * seconds


def _without_losses(evening: Evening, vehicle: int, stops: list[int]) -> list[int]:
    """Leave out one stop after the other while that raises the route's worth."""
    while stops:
        shorter = max(
            (stops[:k] + stops[k + 1 :] for k in range(len(stops))), key=lambda s: _worth(evening, vehicle, s)
        )
        if _worth(evening, vehicle, shorter) <= _worth(evening, vehicle, stops):
            break
        stops = shorter
    return stops


def _model(evening: Evening, with_carriers: bool) -> vroom.Input:
    end = len(evening.rows) + 1  # places: 0 store, 1.. packages, end
    problem = vroom.Input()
    for vehicle in range(len(evening.vehicles)):
        _add_associate(evening, problem, vehicle, end)
    if with_carriers:
        _add_carriers(evening, problem, end)
    scale = TOP_PRIORITY / max(evening.prize_ticks, default=1)
    for stop in range(1, end):
        problem.add_job(
            vroom.Job(
                stop,
                location=stop,
                default_service=evening.service_s,
                delivery=[evening.weight_g[stop - 1], evening.volume_ml[stop - 1]],
                skills={stop},
                time_windows=[(0, evening.due_s[stop - 1])],
                priority=0 if with_carriers else max(1, round(scale * evening.prize_ticks[stop - 1])),
            )
        )
    return problem


def _add_associate(evening: Evening, problem: vroom.Input, vehicle: int, end: int) -> None:
    associate, start, home = evening.vehicles[vehicle], evening.start_s[vehicle], evening.to_home_s[:, vehicle]
    clock = np.zeros((end + 1, end + 1), dtype=np.uint32)
    clock[:end, :end] = evening.drive_s
    clock[:end, end] = home
    cost = np.zeros_like(clock)
    cost[:end, :end] = evening.ticks_per_s * evening.detour_s(vehicle)
    problem.set_durations_matrix(f"associate {vehicle}", clock)
    problem.set_costs_matrix(f"associate {vehicle}", cost)
    problem.add_vehicle(
        vroom.Vehicle(
            vehicle,
            start=0,
            end=end,
            profile=f"associate {vehicle}",
            capacity=[associate["max_total_weight_g"], associate["max_volume_ml"]],
            max_tasks=associate["max_packages"],
            skills={int(stop) for stop in 1 + np.flatnonzero(evening.allowed[:, vehicle])},
            time_window=(start, start + int(home[0]) + associate["max_detour_s"]),
        )
    )


def _add_carriers(evening: Evening, problem: vroom.Input, end: int) -> None:
    price = np.zeros((end + 1, end + 1), dtype=np.uint32)
    price[:, 1:end] = np.asarray(evening.prize_ticks, dtype=np.uint32)[None, :]
    np.fill_diagonal(price, 0)
    problem.set_durations_matrix("carrier", np.zeros_like(price))
    problem.set_costs_matrix("carrier", price)
    for stop in range(1, end):
        problem.add_vehicle(
            vroom.Vehicle(
                len(evening.vehicles) + stop,
                start=0,
                end=end,
                profile="carrier",
                capacity=[NO_LIMIT, NO_LIMIT],
                max_tasks=1,
                skills={stop},
            )
        )
