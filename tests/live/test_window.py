"""The range a customer is told: never in the past, never narrower than what is known, never wider for less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries.live.window import ESTIMATED, ROUTED, Ahead, Errors, expect

START = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
seconds = st.integers(0, 4 * 3600)
aheads = st.builds(
    Ahead, drive_s=st.integers(0, 2 * 3600), stops=st.integers(0, 25), service_s=st.integers(0, 600),
    leaving=st.booleans(), errors=st.sampled_from([ESTIMATED, ROUTED]),
)  # fmt: skip


def after(second: float) -> datetime:
    return START + timedelta(seconds=second)


@given(ahead=aheads, gone_s=seconds, promise_s=seconds)
def test_it_is_ahead_of_us_and_on_the_five_minutes(ahead: Ahead, gone_s: int, promise_s: int) -> None:
    now, promise = after(gone_s), after(promise_s)
    window = expect(since=START, ahead=ahead, now=now, promise=promise)
    assert window.opens < window.closes
    assert window.closes > now, "never ends before now"
    assert window.opens > now - timedelta(minutes=5)
    for end in (window.opens, window.closes):
        assert int(end.timestamp()) % 300 == 0
    assert window.late == (window.closes > promise)


@given(ahead=aheads, since_s=seconds)
def test_what_is_planned_and_what_it_may_be_off_lie_inside(ahead: Ahead, since_s: int) -> None:
    since = after(since_s)
    window = expect(since=since, ahead=ahead, now=since, promise=since)
    assert window.opens <= since + timedelta(seconds=ahead.seconds - ahead.early_s)
    assert since + timedelta(seconds=ahead.seconds + ahead.late_s) <= window.closes
    assert ahead.early_s <= ahead.seconds, "not before it was known"


@given(ahead=aheads, drive_s=st.integers(0, 2 * 3600), stops=st.integers(0, 25), done_s=seconds)
def test_less_ahead_is_never_a_wider_range(ahead: Ahead, drive_s: int, stops: int, done_s: int) -> None:
    """A stop done, a stretch driven, the store left: whichever, whenever, in whatever part of five minutes."""
    less = Ahead(
        min(drive_s, ahead.drive_s), min(stops, ahead.stops), ahead.service_s, leaving=False, errors=ahead.errors
    )
    before = expect(since=START, ahead=ahead, now=START, promise=START)
    since = after(done_s)
    now_known = expect(since=since, ahead=less, now=since, promise=START)
    assert less.early_s <= ahead.early_s
    assert less.late_s <= ahead.late_s
    assert now_known.closes - now_known.opens <= before.closes - before.opens


@given(ahead=aheads, first_s=seconds, later_s=seconds)
def test_waiting_alone_moves_its_end_only_once_it_is_over(ahead: Ahead, first_s: int, later_s: int) -> None:
    first, later = sorted([first_s, later_s])
    early = expect(since=START, ahead=ahead, now=after(first), promise=START)
    late = expect(since=START, ahead=ahead, now=after(later), promise=START)
    assert early.opens <= late.opens
    assert early.closes <= late.closes
    if not late.over:
        assert early.closes == late.closes


@pytest.mark.parametrize("errors", [ESTIMATED, ROUTED])
@given(drive_s=seconds, more_s=seconds)
def test_longer_drives_are_off_by_more(errors: Errors, drive_s: int, more_s: int) -> None:
    assert 0 < errors.early(drive_s) <= errors.early(drive_s + more_s)
    assert 0 < errors.late(drive_s) <= errors.late(drive_s + more_s)
    for planned, early, late in errors.rows:
        assert (errors.early(planned), errors.late(planned)) == (early, late)


def test_a_road_map_makes_it_narrower() -> None:
    widths = []
    for errors in (ESTIMATED, ROUTED):
        window = expect(since=START, ahead=Ahead(1500, 3, 150, errors=errors), now=START, promise=START)
        widths.append(window.closes - window.opens)
    assert widths[1] < widths[0]


def test_late_and_overdue_are_said() -> None:
    window = expect(since=START, ahead=Ahead(3600, 0, 150), now=START, promise=after(1800))
    assert window.late
    over = expect(since=START, ahead=Ahead(600, 0, 150), now=after(3600), promise=after(3 * 3600))
    assert over.over
    assert not over.late
    assert over.closes >= after(75 * 60)
