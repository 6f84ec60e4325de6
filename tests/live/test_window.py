"""The range a customer is told: never in the past, never narrower than what is known, rounded outwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deliveries.live.window import expect

START = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
seconds = st.integers(0, 4 * 3600)


@given(left_s=seconds, gone_s=seconds, promise_s=seconds)
def test_it_is_ahead_of_us_and_on_the_five_minutes(left_s: int, gone_s: int, promise_s: int) -> None:
    now, promise = START + timedelta(seconds=gone_s), START + timedelta(seconds=promise_s)
    window = expect(since=START, left_s=left_s, now=now, promise=promise)
    assert window.opens < window.closes
    assert window.closes > now
    assert window.opens >= now - timedelta(minutes=5)
    for end in (window.opens, window.closes):
        assert int(end.timestamp()) % 300 == 0
    assert window.late == (window.closes > promise)


@given(left_s=seconds)
def test_the_plan_lies_inside_and_less_to_drive_is_a_narrower_range(left_s: int) -> None:
    far = expect(since=START, left_s=left_s, now=START, promise=START)
    near = expect(since=START, left_s=left_s // 3, now=START, promise=START)
    assert far.opens <= START + timedelta(seconds=left_s) <= far.closes
    assert near.closes - near.opens <= far.closes - far.opens + timedelta(minutes=5)


def test_late_and_overdue_are_said() -> None:
    window = expect(since=START, left_s=3600, now=START, promise=START + timedelta(minutes=30))
    assert window.late
    over = expect(since=START, left_s=600, now=START + timedelta(hours=1), promise=START + timedelta(hours=3))
    assert over.over
    assert not over.late
    assert over.closes >= START + timedelta(minutes=75)
