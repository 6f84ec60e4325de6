"""Nobody drives home too late: a longest day, rest before the next clock-in, and the hour the associate wants. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def home_by(
    *,
    shift_start: datetime,
    next_start: datetime | None,
    longest_day: timedelta,
    rest: timedelta,
    wish: datetime | None = None,
) -> datetime:
    """The latest moment to be home, and so the end of anything that may be offered.

    The earliest of: `longest_day` after the shift began (shift and trip together), `rest` before the next clock-in
    (None: none is known), and the associate's own `wish`. All aware. May be before the shift ends: then no trip fits.
    """
    ends = [shift_start + longest_day]
    if next_start is not None:
        ends.append(next_start - rest)
    if wish is not None:
        ends.append(wish)
    return min(ends)


def wished(evening: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of "home by `at`" on `evening`, in UTC. Until four in the morning it is still that evening."""
    day = evening + timedelta(days=1) if at < time(4) else evening
    return datetime.combine(day, at, zone).astimezone(UTC)
