"""What the law asks and what a mile costs, by date. A new year is a new row here, with its source. Pure.

States that are not listed have the federal minimum here; a store's pay plan may always pay more, and must where a
city asks for more. Not legal advice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

# (in force from, cents an hour), oldest first.
FEDERAL_MINIMUM = ((date(2009, 7, 24), 725),)  # 29 USC 206(a)(1)(C)
STATE_MINIMUM: dict[str, Sequence[tuple[date, int]]] = {
    # Arkansas Code 11-4-210 (Issue 5 of 2018).
    "AR": ((date(2021, 1, 1), 1100),),
    # New Jersey Constitution, Article I, paragraph 23; the yearly notices of the Department of Labor.
    "NJ": ((date(2024, 1, 1), 1513), (date(2025, 1, 1), 1549), (date(2026, 1, 1), 1592)),
}
# Tenths of a cent a mile: the IRS's business standard mileage rate, which stands for what driving one's own car costs.
CAR_MILE = ((date(2024, 1, 1), 670), (date(2025, 1, 1), 700), (date(2026, 1, 1), 725))


def _in_force(table: Sequence[tuple[date, int]], day: date) -> int:
    """The value of `table` on `day`; its first where `day` is earlier than all."""
    return table[max(0, bisect_right(table, day, key=lambda row: row[0]) - 1)][1]


def minimum_cents(state: str, day: date) -> int:
    """The minimum wage in cents an hour in `state` (two letters) on `day`: the higher of state and federal."""
    federal = _in_force(FEDERAL_MINIMUM, day)
    return max(federal, _in_force(STATE_MINIMUM[state], day)) if state in STATE_MINIMUM else federal


def car_tenth_cents(day: date) -> int:
    """What a mile in one's own car costs on `day`, in tenths of a cent: the IRS's rate."""
    return _in_force(CAR_MILE, day)
