"""Pay: the quote, and that nobody is ever paid less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries import pay

RATES = pay.Rates("3520/2026-01-01", hourly_cents=1800, per_package_cents=100, mileage_tenth_cents=725)

rates = st.builds(
    pay.Rates,
    version=st.just("v"),
    hourly_cents=st.integers(725, 20_000),
    per_package_cents=st.integers(0, 2_000),
    mileage_tenth_cents=st.integers(0, 3_000),
)
quotes = st.builds(
    lambda rates, count, paid_s, paid_m, extra_s, extra_m: pay.quote(
        rates, range(count), paid_s=paid_s, paid_m=paid_m, extra_s=extra_s, extra_m=extra_m
    ),
    rates,
    st.integers(1, 20),
    st.integers(0, 20_000),
    st.integers(0, 200_000),
    st.integers(-100, 20_000),
    st.integers(-100, 200_000),
)


def test_a_worked_example() -> None:
    """Three packages, 20 paid minutes at $18.00, 6.2 miles at 72.5 ¢."""
    quote = pay.quote(RATES, [7, 8, 9], paid_s=20 * 60, paid_m=9978, extra_s=540, extra_m=4989)
    assert [(line.kind, line.cents) for line in quote.lines] == [("packages", 300), ("time", 600), ("mileage", 450)]
    assert quote.cents == 1350
    assert quote.cents_per_extra_hour == 9000


def test_everything_is_rounded_up_for_the_associate() -> None:
    assert pay.time_cents(1, 1800) == 1
    assert pay.mileage_cents(1, 725) == 1
    assert pay.mileage_cents(1609, 725) == 73
    assert pay.time_cents(0, 1800) == pay.mileage_cents(0, 725) == 0


@given(quotes, st.integers(0, 40_000), st.integers(0, 400_000))
def test_settlement_is_never_below_the_quote_in_any_line(quote: pay.Quote, worked_s: int, driven_m: int) -> None:
    lines = pay.settle(quote, worked_s=worked_s, driven_m=driven_m)
    assert len(lines) == len(quote.lines)
    for promised, settled in zip(quote.lines, lines, strict=True):
        assert settled.kind == promised.kind
        assert settled.cents >= promised.cents
        assert settled.quantity >= promised.quantity


@given(quotes, st.integers(0, 40_000))
def test_every_second_of_work_is_paid_at_the_promised_rate(quote: pay.Quote, worked_s: int) -> None:
    [time] = [line for line in pay.settle(quote, worked_s=worked_s, driven_m=0) if line.kind == "time"]
    assert time.cents * 3600 >= worked_s * time.rate


@given(quotes, st.integers(0, 40_000), st.integers(0, 40_000), st.integers(0, 400_000))
def test_longer_work_never_pays_less(quote: pay.Quote, some: int, more: int, driven_m: int) -> None:
    short = pay.settle(quote, worked_s=min(some, more), driven_m=driven_m)
    long = pay.settle(quote, worked_s=max(some, more), driven_m=driven_m)
    assert sum(line.cents for line in long) >= sum(line.cents for line in short)


@given(quotes, quotes)
def test_a_trip_that_grows_keeps_every_promise(new: pay.Quote, old: pay.Quote) -> None:
    raised = pay.raised(new, old)
    assert raised.cents >= max(new.cents, old.cents)
    assert (raised.packages, raised.extra_s) == (new.packages, new.extra_s)


@given(quotes)
def test_a_quote_survives_its_json_and_its_digest_tells_it_apart(quote: pay.Quote) -> None:
    again = pay.Quote.from_json(quote.to_json())
    assert again == quote
    assert again.digest == quote.digest
    dearer = pay.Quote(quote.version, quote.packages, quote.extra_s + 1, quote.extra_m, quote.lines)
    assert dearer.digest != quote.digest


@given(quotes, st.integers(1, 40_000))
def test_waiting_for_a_trip_that_never_left_is_paid(quote: pay.Quote, worked_s: int) -> None:
    [line] = pay.waiting(quote, worked_s=worked_s)
    assert line.kind == "time"
    assert line.cents * 3600 >= worked_s * line.rate
    assert pay.waiting(quote, worked_s=0) == ()


@pytest.mark.parametrize("packages", [[], [1, 1]])
def test_no_quote_for_nothing_or_twice(packages: list[int]) -> None:
    with pytest.raises(ValueError, match="at least one package, each once"):
        pay.quote(RATES, packages, paid_s=1, paid_m=1, extra_s=1, extra_m=1)


def test_no_quote_for_negative_work() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        pay.quote(RATES, [1], paid_s=-1, paid_m=1, extra_s=1, extra_m=1)
