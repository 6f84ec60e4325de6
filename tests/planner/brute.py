"""The optimum of a tiny evening by trying everything: every set of stops, every order, every assignment.

Written from the rules in ``docs/planner.md`` alone, in plain Python, so that it shares no thought with the planner.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from deliveries.planner import Problem


def trip_ticks(problem: Problem, a: int, order: tuple[tuple[int, ...], ...]) -> int | None:
    """Worth of associate ``a`` serving the stops (tuples of package numbers) in that order; None if a rule is broken."""
    person, params, time = problem.associates[a], problem.params, problem.time_s
    packages = [problem.packages[k] for stop in order for k in stop]
    home = 1 + len(problem.packages) + a
    if len(packages) > person.max_packages or sum(p.weight_g for p in packages) > person.max_total_weight_g:
        return None
    if sum(p.volume_ml for p in packages) > person.max_volume_ml:
        return None
    for p in packages:
        if not p.associate_ok or p.id in person.blocked or p.size_class > person.max_size_class:
            return None
        if p.weight_g > person.max_package_weight_g:
            return None
    at, clock = 0, person.shift_end_s + params.load_s
    for stop in order:
        node = stop[0] + 1
        if time[at, node] < 0 or time[node, home] < 0:
            return None
        clock += int(time[at, node])
        if any(clock > problem.packages[k].due_s for k in stop):
            return None
        clock += params.service_s
        at = node
    if time[0, home] < 0:
        return None
    arrives = clock + int(time[at, home])
    straight = person.shift_end_s + params.load_s + int(time[0, home])
    detour = arrives - straight
    if detour > person.max_detour_s or (person.home_by_s is not None and arrives > person.home_by_s):
        return None
    if person.floor_cents_per_hour is not None:
        extra = max(0, params.load_s + detour)
        pay_ticks = 60 * params.base_pay_cents * len(packages) + params.pay_cents_per_detour_minute * extra
        if pay_ticks * 60 < person.floor_cents_per_hour * extra:
            return None
    saved = sum(p.saved_cents - params.base_pay_cents for p in packages) + person.bonus_cents
    return 60 * saved - params.pay_cents_per_detour_minute * detour


def stops_of(problem: Problem) -> list[tuple[int, ...]]:
    """Packages that go together as one stop."""
    groups: dict[str, list[int]] = {}
    for k, p in enumerate(problem.packages):
        groups.setdefault(f"together {p.together}" if p.together is not None else f"alone {p.id}", []).append(k)
    return [tuple(g) for g in groups.values()]


def optimum(problem: Problem) -> int:
    """The largest objective of any plan, in ticks."""
    stops = stops_of(problem)
    best = {0: 0}
    for a in range(len(problem.associates)):
        worths = dict(_bundles(problem, a, stops))
        grown = dict(best)
        for used, value in best.items():
            for mask, worth in worths.items():
                if not used & mask:
                    grown[used | mask] = max(grown.get(used | mask, -(10**18)), value + worth)
        best = grown
    return max(best.values())


def _bundles(problem: Problem, a: int, stops: list[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    for size in range(1, len(stops) + 1):
        for chosen in combinations(range(len(stops)), size):
            worths = [trip_ticks(problem, a, tuple(stops[s] for s in order)) for order in permutations(chosen)]
            feasible = [w for w in worths if w is not None]
            if feasible:
                yield sum(1 << s for s in chosen), max(feasible)
