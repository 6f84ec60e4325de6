"""When a package will come, as a range that is honest. Pure.

Planned seconds are estimates: against the Reisterstown matrix half of them are within 15% and one in twenty is off by
much more, and people wait at doors. So the range opens with the time still to drive, is rounded outwards to five
minutes, and narrows with every stop that is done, because it is counted from the last of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARLY, LATE = 0.85, 1.40  # of what is left to drive and to do
SLACK_BEFORE, SLACK_AFTER = timedelta(minutes=2), timedelta(minutes=6)
ROUND_S = 300


@dataclass(frozen=True, slots=True)
class Window:
    """Between `opens` and `closes`, UTC. `late` when `closes` is after the promise; `over` when now is after it."""

    opens: datetime
    closes: datetime
    late: bool
    over: bool


def expect(*, since: datetime, left_s: int, now: datetime, promise: datetime) -> Window:
    """The window for a stop that is `left_s` planned seconds of driving and service after the moment `since`.

    `since` is the last thing known for sure: the trip's start or its last stop that is done.
    """
    opens = max(since + timedelta(seconds=left_s * EARLY) - SLACK_BEFORE, now)
    closes = since + timedelta(seconds=left_s * LATE) + SLACK_AFTER
    opens, closes = _round(opens, up=False), _round(closes, up=True)
    over = now >= closes
    if over:  # say nothing that is already wrong
        opens, closes = _round(now, up=False), _round(now + timedelta(minutes=15), up=True)
    return Window(opens, closes, late=closes > promise, over=over)


def _round(moment: datetime, *, up: bool) -> datetime:
    seconds = int(moment.timestamp())
    steps = -(-seconds // ROUND_S) if up else seconds // ROUND_S
    return datetime.fromtimestamp(steps * ROUND_S, UTC)
