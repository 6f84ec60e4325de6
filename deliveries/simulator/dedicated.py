"""The other way to bring the same packages: somebody drives from the store and back with nothing else to do. Pure.

Routes by the savings of Clarke and Wright (Operations Research 12, 1964): start with a round trip to each door, join the
two ends that save most, while a route stays within its stops and hours. A good dispatcher does about as well, so the
comparison flatters nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from deliveries.planner.problem import IntMatrix

MOST_STOPS = 20
LONGEST_S = 3 * 3600


@dataclass(frozen=True, slots=True)
class Rounds:
    """All round trips of one evening together. `seconds` has loading, driving, service and the way back in it."""

    routes: int
    metres: int
    seconds: int


def round_trips(
    seconds: IntMatrix, metres: IntMatrix, doors: list[int], *, service_s: int, load_s: int,
    most_stops: int = MOST_STOPS, longest_s: int = LONGEST_S,
) -> Rounds:  # fmt: skip
    """Rounds from row and column 0 to `doors` and back. `seconds` and `metres` have the store first; symmetric or not.

    A door farther than `longest_s` allows still gets a round of its own.
    """
    routes: dict[int, list[int]] = {door: [door] for door in doors}
    where = {door: door for door in doors}
    savings = sorted(
        ((int(seconds[a, 0] + seconds[0, b] - seconds[a, b]), a, b) for a in doors for b in doors if a != b),
        reverse=True,
    )
    for saved, a, b in savings:
        if saved <= 0:
            break
        first, second = routes[where[a]], routes[where[b]]
        if first is second or first[-1] != a or second[0] != b or len(first) + len(second) > most_stops:
            continue
        joined = first + second
        if _time(seconds, joined, service_s, load_s) > longest_s:
            continue
        key, gone = where[a], where[b]
        routes[key] = joined
        for door in second:
            where[door] = key
        del routes[gone]
    return Rounds(
        routes=len(routes),
        metres=sum(_along(metres, route) for route in routes.values()),
        seconds=sum(_time(seconds, route, service_s, load_s) for route in routes.values()),
    )


def _along(matrix: IntMatrix, route: list[int]) -> int:
    return int(sum(matrix[a, b] for a, b in zip([0, *route], [*route, 0], strict=True)))


def _time(seconds: IntMatrix, route: list[int], service_s: int, load_s: int) -> int:
    return _along(seconds, route) + service_s * len(route) + load_s
