"""When a package will come, as a range that is honest. Pure.

A planned drive is off by what planned drives are off by: measured on the Reisterstown matrix and kept here as two tables,
seconds early and late by seconds planned (`benchmarks/travel` makes them and says how often the real arrival lies inside;
`docs/travel.md`). Each stop on the way adds what it may take less or more, and leaving the store adds its own while
that is ahead. These are independent of each other, so they add up as squares.

The range is counted from the last thing known for sure, so it narrows with every milestone; it is as wide at least as what
is left says, and never wider for less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ROUND_S = 300
# A stop's service is planned as the store's average. Not measured yet; from the first pilot's trips it will be.
SERVICE_EARLY_S, SERVICE_LATE_S = 60, 90
LEAVING_EARLY_S, LEAVING_LATE_S = 120, 480  # loading, and the last customer of the shift
GRACE_S = 15 * 60  # what is said anew when the range is over and nobody has come


@dataclass(frozen=True, slots=True)
class Errors:
    """How far planned drives are off: rows of (seconds planned, early, late), growing in each column.

    One arrival in ten is earlier and one in ten later; rounding outwards takes in most of those. Between rows
    linear; after the last on with its slope.
    """

    rows: tuple[tuple[int, int, int], ...]

    def early(self, drive_s: float) -> float:
        """Seconds that a drive planned at `drive_s` may take less."""
        return self._at(drive_s, 1)

    def late(self, drive_s: float) -> float:
        """Seconds that it may take more."""
        return self._at(drive_s, 2)

    def _at(self, drive_s: float, column: int) -> float:
        pairs = zip(self.rows, self.rows[1:], strict=False)
        below, above = next((pair for pair in pairs if drive_s < pair[1][0]), (self.rows[-2], self.rows[-1]))
        share = (drive_s - below[0]) / (above[0] - below[0])
        return below[column] + share * (above[column] - below[column])


# The estimate against two routers: early is against the faster (Valhalla), late against the slower (OSRM).
ESTIMATED = Errors(
    (
        (0, 15, 30), (120, 80, 130), (240, 125, 210), (480, 220, 290), (720, 315, 380), (1200, 480, 525),
        (1800, 655, 685), (2700, 840, 820),
    )
)  # fmt: skip
# A router's times. Early is measured, OSRM's against Valhalla's; late is as much again, for traffic, which neither knows.
ROUTED = Errors(
    (
        (0, 15, 15), (120, 45, 45), (240, 75, 75), (480, 130, 130), (720, 190, 190), (1200, 310, 310),
        (1800, 440, 440), (2700, 600, 600),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is planned between the last thing known for sure and the door.

    drive_s: seconds of driving; stops: doors before this one, each `service_s` seconds.
    leaving: the store has not been left yet. errors: of the drives.
    """

    drive_s: int
    stops: int
    service_s: int
    leaving: bool = False
    errors: Errors = ESTIMATED

    @property
    def seconds(self) -> int:
        return self.drive_s + self.stops * self.service_s

    @property
    def early_s(self) -> float:
        """How much sooner than planned it may be."""
        leaving = LEAVING_EARLY_S if self.leaving else 0
        early = math.hypot(self.errors.early(self.drive_s), SERVICE_EARLY_S * math.sqrt(self.stops), leaving)
        return min(early, self.seconds)

    @property
    def late_s(self) -> float:
        """How much later."""
        leaving = LEAVING_LATE_S if self.leaving else 0
        return math.hypot(self.errors.late(self.drive_s), SERVICE_LATE_S * math.sqrt(self.stops), leaving)


@dataclass(frozen=True, slots=True)
class Window:
    """Between `opens` and `closes`, UTC. `late` when `closes` is after the promise; `over` when now is after it."""

    opens: datetime
    closes: datetime
    late: bool
    over: bool


def expect(*, since: datetime, ahead: Ahead, now: datetime, promise: datetime) -> Window:
    """The window at a door that is `ahead` of the moment `since`, on whole five minutes.

    `since` is the last thing known for sure: the trip's start, an arrival, or a stop that is done.
    """
    opens = _down(since + timedelta(seconds=ahead.seconds - ahead.early_s))
    # Wide enough wherever `opens` was between two of the clock's steps: the width depends on what is ahead alone.
    width = ROUND_S * math.ceil((ahead.early_s + ahead.late_s + ROUND_S - 1) / ROUND_S)
    closes = opens + timedelta(seconds=width)
    over = now >= closes
    if over:  # say nothing that is already wrong
        closes = _down(now + timedelta(seconds=GRACE_S + ROUND_S - 1))
    return Window(max(opens, _down(now)), closes, late=closes > promise, over=over)


def _down(moment: datetime) -> datetime:
    return datetime.fromtimestamp(int(moment.timestamp()) // ROUND_S * ROUND_S, UTC)
