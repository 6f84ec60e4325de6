"""The law's lines by property: never below the quote, never less for more work, whatever the week and the car cost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries import fatigue, pay
from stores import wages

HOUR, FORTY = 3600, 40 * 3600
NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
rates = st.builds(
    pay.Rates,
    version=st.just("v"),
    hourly_cents=st.integers(725, 5_000),
    per_package_cents=st.integers(0, 500),
    mileage_tenth_cents=st.integers(0, 1_000),
    minimum_cents=st.integers(0, 2_500),
    car_tenth_cents=st.integers(0, 1_000),
)
weeks = st.builds(
    pay.Week,
    worked_s=st.one_of(st.integers(0, 100 * HOUR), st.integers(FORTY - 2 * HOUR, FORTY + 2 * HOUR)),
    earned_cents=st.none() | st.integers(0, 500_000),
)
seconds, metres = st.integers(0, 20_000), st.integers(0, 200_000)
quotes = st.builds(
    lambda rule, count, paid_s, paid_m, week: pay.quote(
        rule, range(count), paid_s=paid_s, paid_m=paid_m, extra_s=0, extra_m=0, week=week
    ),
    rates, st.integers(1, 20), seconds, metres, st.none() | weeks,
)  # fmt: skip


def cents(lines: tuple[pay.Line, ...], *kinds: str) -> int:
    return sum(line.cents for line in lines if not kinds or line.kind in kinds)


@given(quotes, seconds, metres, st.none() | weeks)
def test_every_line_that_was_promised_is_paid(
    quote: pay.Quote, worked_s: int, driven_m: int, week: pay.Week | None
) -> None:
    paid = {line.kind: line for line in pay.settle(quote, worked_s=worked_s, driven_m=driven_m, week=week)}
    for line in quote.lines:
        assert paid[line.kind].cents >= line.cents
        assert paid[line.kind].quantity >= line.quantity


@given(quotes, seconds, seconds, metres, metres, st.none() | weeks)
def test_more_work_never_pays_less(
    quote: pay.Quote, a_s: int, b_s: int, a_m: int, b_m: int, week: pay.Week | None
) -> None:
    less = pay.settle(quote, worked_s=min(a_s, b_s), driven_m=min(a_m, b_m), week=week)
    more = pay.settle(quote, worked_s=max(a_s, b_s), driven_m=max(a_m, b_m), week=week)
    assert cents(more) >= cents(less)
    assert cents(pay.waiting(quote, worked_s=max(a_s, b_s), week=week)) >= cents(
        pay.waiting(quote, worked_s=min(a_s, b_s), week=week)
    )


@given(quotes, seconds, metres)
def test_the_minimum_wage_is_left_after_what_the_car_cost(quote: pay.Quote, worked_s: int, driven_m: int) -> None:
    """29 CFR 531.35, on exact figures: no rounding makes a gap. The overtime premium does not fill one."""
    lines = pay.settle(quote, worked_s=worked_s, driven_m=driven_m)
    worked = next(line for line in lines if line.kind == "time").quantity
    far = next(line for line in lines if line.kind == "mileage").quantity
    car = Fraction(far * quote.car_tenth_cents * 100, 1_609_344)
    spent = max(0, car - cents(lines, "mileage"))
    assert cents(lines, "packages", "time", "minimum") - spent >= Fraction(worked * quote.minimum_cents, 3600)


@given(quotes, weeks)
def test_the_premium_is_half_the_weighted_average_less_what_the_store_pays(quote: pay.Quote, week: pay.Week) -> None:
    """29 CFR 778.115, worked out the other way round: the whole week at once."""
    quote = replace(quote, lines=tuple(line for line in quote.lines if line.kind != "overtime"))
    straight, trip_s = cents(quote.lines, "packages", "time", "minimum"), quote.paid_s
    due = pay.overtime_due(week, trip_s, straight)
    over, over_before = max(0, week.worked_s + trip_s - FORTY), max(0, week.worked_s - FORTY)
    if over == over_before:
        assert due == 0
    elif week.earned_cents is not None:
        average = Fraction(week.earned_cents + straight, week.worked_s + trip_s)
        before = Fraction(week.earned_cents, week.worked_s) / 2 * over_before if over_before else 0
        exact = average / 2 * over - before
        assert max(exact, 0) <= due < max(exact, 0) + 1


@pytest.mark.parametrize(
    ("before_h", "trip_s", "beyond_s"),
    [
        (39.0, 3600, 0), (39.0, 3601, 1), (39.9, 3600, 3240), (40, 3600, 3600), (45, 3600, 3600), (0, 3600, 0),
        (40, 0, 0), (39.9, 360, 0), (39.9, 361, 1),
    ],
)  # fmt: skip
def test_which_seconds_are_beyond_forty_hours(before_h: float, trip_s: int, beyond_s: int) -> None:
    before_s = round(before_h * HOUR)
    assert pay.overtime_s(before_s, trip_s) == beyond_s
    assert (pay.overtime_due(pay.Week(before_s, before_s // 2), trip_s, 2000) > 0) == (beyond_s > 0)


@given(weeks, st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)), min_size=1, max_size=6))
def test_trips_one_by_one_or_at_once_owe_the_same_premium(week: pay.Week, trips: list[tuple[int, int]]) -> None:
    """So the weekly look adds nothing where every trip knew its week; rounding is a cent a trip at most."""
    if week.earned_cents is None:
        return
    one_by_one, so_far = 0, week
    for trip_s, trip_cents in trips:
        one_by_one += pay.overtime_due(so_far, trip_s, trip_cents)
        so_far = pay.Week(so_far.worked_s + trip_s, (so_far.earned_cents or 0) + trip_cents)
    at_once = pay.overtime_due(week, sum(s for s, _ in trips), sum(c for _, c in trips))
    assert one_by_one >= at_once


@given(quotes)
def test_all_of_a_quote_survives_its_json(quote: pay.Quote) -> None:
    again = pay.Quote.from_json(quote.to_json())
    assert again == quote
    assert again.digest == quote.digest == pay.digest_of(quote.canonical)
    assert json.loads(quote.canonical) == quote.to_json()


def test_a_quote_from_before_these_rules_keeps_its_digest() -> None:
    """Digests are promises: what was stored before overtime was known must hash to the same."""
    old = pay.Quote("9001/2026-01-01", (7, 8), 540, 4989, (pay.Line("packages", 2, 100, 200),))
    assert old.to_json().keys() == {"version", "packages", "extra_s", "extra_m", "lines"}
    assert old.digest == "e109520a09b94112054af9965f1f127281e1f04e8e04972d2061a4f3e7906362"


def test_a_way_home_that_is_paid_is_paid_however_long_the_rest_took() -> None:
    rule = pay.Rates("v", 1800, 100, 725, last_leg_paid=True)
    quote = pay.quote(rule, [1], paid_s=1800, paid_m=8050, extra_s=0, extra_m=0, last_leg_s=600, last_leg_m=3220)
    late = {line.kind: line for line in pay.settle(quote, worked_s=2400, driven_m=9000)}
    assert late["time"].quantity == 3000
    assert late["mileage"].quantity == 12_220
    with pytest.raises(ValueError, match="part of the paid trip"):
        pay.quote(rule, [1], paid_s=100, paid_m=100, extra_s=0, extra_m=0, last_leg_s=101)


def test_a_trip_that_grows_keeps_a_premium_the_new_quote_lacks() -> None:
    rule = pay.Rates("v", 1800, 100, 725)
    old = pay.quote(rule, [1], paid_s=3600, paid_m=0, extra_s=0, extra_m=0, week=pay.Week(FORTY, 80_000))
    new = pay.quote(rule, [1, 2], paid_s=3600, paid_m=0, extra_s=0, extra_m=0, week=pay.Week(0, 0))
    assert cents(pay.raised(new, old).lines, "overtime") == cents(old.lines, "overtime") > 0


# --- Dates ---------------------------------------------------------------------------------------------------------------
def test_the_law_changes_at_midnight() -> None:
    assert [wages.minimum_cents("NJ", date(2025, 12, 31)), wages.minimum_cents("NJ", date(2026, 1, 1))] == [1549, 1592]
    assert wages.minimum_cents("AR", date(2026, 1, 1)) == 1100
    assert wages.minimum_cents("TX", date(2026, 1, 1)) == 725
    assert [wages.car_tenth_cents(date(2025, 12, 31)), wages.car_tenth_cents(date(2026, 1, 1))] == [700, 725]


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([NEW_YORK, CHICAGO]),
    st.integers(0, 6),
)
def test_a_workweek_is_seven_local_days_and_the_next_begins_where_it_ends(
    moment: datetime, zone: ZoneInfo, starts_on: int
) -> None:
    week = pay.workweek(moment, zone, starts_on)
    assert week.start <= moment < week.end
    local = week.start.astimezone(zone)
    assert (local.weekday(), local.hour, local.minute) == (starts_on, 0, 0)
    assert week.end.astimezone(zone).date() - local.date() == timedelta(days=7)
    assert pay.workweek(week.end, zone, starts_on).start == week.end
    assert week.end - week.start in (timedelta(hours=167), timedelta(hours=168), timedelta(hours=169))


def test_weeks_in_which_the_clock_changes_have_the_hours_they_have() -> None:
    spring = pay.workweek(datetime(2026, 3, 4, 12, tzinfo=UTC), NEW_YORK, 0)
    autumn = pay.workweek(datetime(2026, 10, 28, 12, tzinfo=UTC), NEW_YORK, 0)
    assert spring.end - spring.start == timedelta(hours=167)
    assert autumn.end - autumn.start == timedelta(hours=169)
    # 22:00 to 6:00 on the wall across the end of daylight saving time is nine hours of work.
    night = datetime(2026, 10, 31, 22, tzinfo=NEW_YORK), datetime(2026, 11, 1, 6, tzinfo=NEW_YORK)
    assert autumn.overlap_s(night[0].astimezone(UTC), night[1].astimezone(UTC)) == 9 * HOUR


# --- Not too tired -------------------------------------------------------------------------------------------------------
MORNING = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
moments = st.datetimes(datetime(2026, 11, 24), datetime(2026, 11, 27), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.none() | moments, st.none() | moments)
def test_home_by_keeps_every_limit(start: datetime, next_start: datetime | None, wish: datetime | None) -> None:
    rest = timedelta(hours=8)
    latest = fatigue.home_by(
        shift_start=start, next_start=next_start, longest_day=timedelta(hours=12), rest=rest, wish=wish
    )
    assert latest - start <= timedelta(hours=12)
    assert next_start is None or next_start - latest >= rest
    assert wish is None or latest <= wish
    assert latest in {start + timedelta(hours=12), wish, next_start and next_start - rest}


near = st.integers(0, 6).map(lambda hour: datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(hours=hour))
spans = st.builds(fatigue.Span, near, near, st.none() | near)


@given(spans, spans)
def test_a_day_allows_what_was_planned_when_no_limit_of_it_lies_earlier(
    today: fatigue.Span, planned: fatigue.Span
) -> None:
    def ends(day: fatigue.Span) -> datetime:
        return fatigue.home_by(
            shift_start=day.starts_at,
            next_start=day.next_start,
            longest_day=timedelta(hours=12),
            rest=timedelta(hours=8),
        )

    assert planned.allows(planned)
    if today.allows(planned):
        assert ends(today) >= ends(planned)
        assert today.ends_at == planned.ends_at
    elif today.ends_at == planned.ends_at:
        later = today.next_start is None or (planned.next_start is not None and today.next_start >= planned.next_start)
        assert today.starts_at < planned.starts_at or not later


def test_a_wish_before_four_in_the_morning_is_after_midnight() -> None:
    evening = date(2026, 11, 24)
    half_past_eight, one = datetime(2026, 1, 1, 20, 30).time(), datetime(2026, 1, 1, 1, 0).time()  # noqa: DTZ001
    assert fatigue.wished(evening, half_past_eight, NEW_YORK) == datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
    assert fatigue.wished(evening, one, NEW_YORK) == datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
