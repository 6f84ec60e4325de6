"""Quiet hours on ordinary nights and on the two when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from deliveries.notices.quiet import quiet_until

NEW_YORK, CHICAGO, PHOENIX = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago"), ZoneInfo("America/Phoenix")
HALF_PAST_NINE, SEVEN = time(21, 30), time(7)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_over_midnight() -> None:
    def quiet(text: str) -> datetime | None:
        return quiet_until(at(text), NEW_YORK, HALF_PAST_NINE, SEVEN)

    assert quiet("2026-11-24T21:29:59-05:00") is None
    assert quiet("2026-11-24T21:30:00-05:00") == at("2026-11-25T07:00-05:00")
    assert quiet("2026-11-25T02:00:00-05:00") == at("2026-11-25T07:00-05:00")
    assert quiet("2026-11-25T07:00:00-05:00") is None


def test_within_a_day_and_never() -> None:
    assert quiet_until(at("2026-11-24T13:30-06:00"), CHICAGO, time(13), time(14)) == at("2026-11-24T14:00-06:00")
    assert quiet_until(at("2026-11-24T14:30-06:00"), CHICAGO, time(13), time(14)) is None
    assert quiet_until(at("2026-11-24T23:30-06:00"), CHICAGO, SEVEN, SEVEN) is None


def test_the_night_that_loses_an_hour() -> None:
    """8 March 2026: 2:00 becomes 3:00, and seven o'clock is seven o'clock."""
    assert quiet_until(at("2026-03-08T01:30-05:00"), NEW_YORK, HALF_PAST_NINE, SEVEN) == at("2026-03-08T07:00-04:00")
    # Until half past two, which is not on that night's clock: as long as half an hour after the clocks went forward.
    assert quiet_until(at("2026-03-08T01:59-05:00"), NEW_YORK, time(22), time(2, 30)) == at("2026-03-08T03:30-04:00")
    assert quiet_until(at("2026-03-08T03:30-04:00"), NEW_YORK, time(22), time(2, 30)) is None


def test_the_night_that_has_an_hour_twice() -> None:
    """1 November 2026: half past one comes twice; quiet until the first, and the second does not begin it anew."""
    assert quiet_until(at("2026-11-01T00:30-04:00"), NEW_YORK, HALF_PAST_NINE, SEVEN) == at("2026-11-01T07:00-05:00")
    assert quiet_until(at("2026-11-01T01:15-04:00"), NEW_YORK, time(22), time(1, 30)) == at("2026-11-01T01:30-04:00")
    assert quiet_until(at("2026-11-01T01:15-05:00"), NEW_YORK, time(22), time(1, 30)) is None


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2028, 1, 1)),  # noqa: DTZ001
    st.sampled_from([NEW_YORK, CHICAGO, PHOENIX]),
    st.times(),
    st.times(),
)
def test_it_ends_after_now_within_a_day_and_an_hour_and_is_then_over(
    naive: datetime, zone: ZoneInfo, begins: time, ends: time
) -> None:
    now = naive.replace(tzinfo=UTC)
    until = quiet_until(now, zone, begins, ends)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet_until(until, zone, begins, ends) is None or begins > ends
