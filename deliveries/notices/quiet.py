"""Quiet hours: a stretch of the wall clock, on whichever night the clock is changed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(moment: datetime, zone: ZoneInfo, begins: time, ends: time) -> datetime | None:
    """When the quiet hours that `moment` is in are over, UTC; None outside of them.

    From `begins` to `ends` on the clock of `zone`, over midnight where `ends` is not later. Equal means never quiet. A
    wall time that the clocks skip counts as the moment they are put forward by; one that comes twice, the first time.
    """
    if begins == ends:
        return None
    today = moment.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        last = day if begins < ends else day + timedelta(days=1)
        start = datetime.combine(day, begins, zone).astimezone(UTC)
        end = datetime.combine(last, ends, zone).astimezone(UTC)
        if start <= moment < end:
            return end
    return None
