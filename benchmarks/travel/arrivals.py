"""Trips on the real matrix: what was planned, what the routers say it takes, and whether the window held.

Made up here, because nobody has driven yet: which doors (near the way between two random points, nearest first, as a
planner would), and how long a service takes (log-normal around the planned 150 s; nine in ten between 78 and 290 s).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from deliveries.live.window import Ahead, Errors, Window, expect

from .town import Floats, Town

START = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
SERVICE_S, SERVICE_SPREAD = 150, 0.4
MOST_STOPS = 8


@dataclass(frozen=True, slots=True)
class Arrival:
    """From one milestone to one door: seconds planned to drive, stops before it, seconds driven, seconds really taken."""

    planned_s: float
    stops: int
    drive_s: float
    real_s: float


def arrivals(town: Town, plan_s: Floats, real_s: Floats, *, trips: int, seed: int) -> Iterator[Arrival]:
    """Every (milestone, door after it) of `trips` trips planned by `plan_s` and driven by `real_s`."""
    random = np.random.default_rng(seed)
    n = len(plan_s)
    for _ in range(trips):
        start, home = random.integers(0, n, 2)
        detour = plan_s[start] + plan_s[:, home] - plan_s[start, home]
        some = random.choice(n, min(n, 60), replace=False)
        near = some[np.argsort(detour[some])][:20]
        doors = set(random.choice(near, min(len(near), random.integers(1, MOST_STOPS + 1)), replace=False).tolist())
        at, legs = int(start), []
        while doors:
            to = min(doors, key=lambda door: float(plan_s[at, door]))
            doors.remove(to)
            if to != at:
                legs.append(
                    (plan_s[at, to], real_s[at, to], random.lognormal(-(SERVICE_SPREAD**2) / 2, SERVICE_SPREAD))
                )
                at = to
        if any(np.isnan(leg[:2]).any() for leg in legs):
            continue
        for first in range(len(legs)):
            planned = driven = service = 0.0
            for count, (plan, real, factor) in enumerate(legs[first:]):
                planned, driven = planned + plan, driven + real
                yield Arrival(planned, count, driven, driven + service)
                service += SERVICE_S * factor


def told(arrival: Arrival, errors: Errors, offset_s: float) -> Window:
    """The window that a page shows at the milestone, which was `offset_s` after a whole five minutes."""
    since = START + timedelta(seconds=offset_s)
    ahead = Ahead(round(arrival.planned_s), arrival.stops, SERVICE_S, errors=errors)
    return expect(since=since, ahead=ahead, now=since, promise=START)


def before(arrival: Arrival, errors: Errors, offset_s: float) -> Window:
    """The rule until now, for comparison: 0.85 and 1.40 of what is left, 2 and 6 minutes, rounded outwards."""
    since = START + timedelta(seconds=offset_s)
    left_s = arrival.planned_s + arrival.stops * SERVICE_S
    opens = (since + timedelta(seconds=left_s * 0.85 - 120)).timestamp() // 300 * 300
    closes = -(-(since + timedelta(seconds=left_s * 1.40 + 360)).timestamp() // 300) * 300
    return Window(
        max(datetime.fromtimestamp(opens, UTC), START), datetime.fromtimestamp(closes, UTC), late=False, over=False
    )
