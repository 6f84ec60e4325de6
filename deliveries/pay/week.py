"""The workweek: where it begins, what is beyond its forty hours, and that the minimum wage stays free and clear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .money import mileage_cents, time_cents, up_cents

FORTY_HOURS_S = 40 * 3600  # 29 USC 207(a)(1)


class Period(NamedTuple):
    """From `start` until just before `end`, both aware, in UTC."""

    start: datetime
    end: datetime

    def overlap_s(self, start: datetime, end: datetime) -> int:
        """Seconds of `start` to `end` that are in this period; elapsed time, so a clock change moves nothing."""
        return max(0, int((min(end, self.end) - max(start, self.start)).total_seconds()))


@dataclass(frozen=True, slots=True)
class Week:
    """What somebody worked in the workweek before a trip begins: store shifts and earlier trips.

    `worked_s` in seconds. `earned_cents` is the straight-time pay for it, premiums and mileage left out; None where the
    store job's hourly wage is not known to us.
    """

    worked_s: int
    earned_cents: int | None = None


def workweek(moment: datetime, zone: ZoneInfo, starts_on: int) -> Period:
    """The workweek that `moment` is in: seven days from local midnight of weekday `starts_on` (0 is Monday).

    A fixed and regularly recurring period, as 29 CFR 778.105 asks. It has 167 or 169 hours where the clock changes.
    """
    day = moment.astimezone(zone).date()
    first = day - timedelta(days=(day.weekday() - starts_on) % 7)
    start, end = (datetime.combine(d, time(0), zone).astimezone(UTC) for d in (first, first + timedelta(days=7)))
    return Period(start, end)


def overtime_s(before_s: int, added_s: int) -> int:
    """How many of `added_s` seconds are beyond the fortieth hour, when `before_s` were worked already."""
    return max(0, before_s + added_s - FORTY_HOURS_S) - max(0, before_s - FORTY_HOURS_S)


def overtime_due(before: Week, added_s: int, added_cents: int) -> int:
    """The premium that `added_s` seconds of trips, paid `added_cents` straight, bring to a week; cents, rounded up.

    29 CFR 778.115: the regular rate is all straight-time pay of the week over all its hours, of both kinds of work; the
    premium is half of it for each hour above forty. What is due here is the week's premium with the trips less the
    premium without them. Where the store wage is unknown the trips' own rate stands in for the weighted average: half
    of the rate of the work done in the overtime hours (29 CFR 778.419 knows that measure). Never below 0.
    """
    beyond_s = overtime_s(before.worked_s, added_s)
    if beyond_s == 0:
        return 0
    if before.earned_cents is None:
        return up_cents(Fraction(added_cents * beyond_s, 2 * added_s))
    with_trips = _premium(before.worked_s + added_s, before.earned_cents + added_cents)
    return max(0, up_cents(with_trips - _premium(before.worked_s, before.earned_cents)))


def _premium(worked_s: int, straight_cents: int) -> Fraction:
    """Half the regular rate for every second above forty hours, in cents."""
    beyond_s = max(0, worked_s - FORTY_HOURS_S)
    return Fraction(straight_cents * beyond_s, 2 * worked_s) if beyond_s else Fraction(0)


def minimum_top_up(
    *, paid_s: int, wages_cents: int, paid_m: int, mileage_paid_cents: int, minimum_cents: int, car_tenth_cents: int
) -> int:
    """What is missing for the minimum wage to be free and clear; cents, 0 where nothing is.

    29 CFR 531.35: what a worker spends on the employer's business counts against the wage. So where mileage pays less
    than `car_tenth_cents` a mile for `paid_m`, the difference is taken off `wages_cents` before they are compared with
    `minimum_cents` an hour for `paid_s`. Mileage above the car's cost is no wage and fills no gap. The overtime premium
    is not among the wages: it is owed on top.
    """
    car_cents = max(0, mileage_cents(paid_m, car_tenth_cents) - mileage_paid_cents)
    return max(0, time_cents(paid_s, minimum_cents) + car_cents - wages_cents)
