"""Nobody drives home too late: a longest day, rest before the next clock-in, and the hour the associate wants. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Span:
    """The day around a trip: the shift it follows, and the next clock-in where one is near. All aware."""

    starts_at: datetime
    ends_at: datetime
    next_start: datetime | None

    def allows(self, planned: Span) -> bool:
        """Whether a trip that was planned from `planned` may still be driven on this day: it leaves at the same moment,
        and no limit of the way home lies earlier. A day that got shorter, or a longer rest, refuses nothing."""
        if self.ends_at != planned.ends_at or self.starts_at < planned.starts_at:
            return False
        return self.next_start is None or (planned.next_start is not None and self.next_start >= planned.next_start)


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
