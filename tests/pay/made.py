"""Trips that are over, settled by the verb, for tests of what comes after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from associates.models import Associate, Shift
from deliveries import hours, pay, quoting
from deliveries.actions import trips
from deliveries.models import Trip
from deliveries.states import TripState
from stores.models import PayPlan
from tests import make

SETTLED_AFTER = timedelta(minutes=2)


def quote_for(
    person: Associate, shift: Shift, *, minutes: int = 30, metres: int = 8_000, packages: int = 2
) -> pay.Quote:
    """The quote that the store's plan and the week so far make, without a planner."""
    store = shift.store
    day = store.evening(shift.ends_at)
    week = hours.before_trips(store, [(person, shift)])[person.pk].week
    rule = quoting.rates(PayPlan.on(store, day), day)
    return pay.quote(
        rule, range(1, packages + 1), paid_s=minutes * 60, paid_m=metres, extra_s=540, extra_m=4000, week=week
    )


def over(
    person: Associate, shift: Shift, promised: pay.Quote, *, took: timedelta | None = None, left: bool = True
) -> Trip:
    """A trip with this quote that ended `took` after `shift` (as long as quoted when None); not settled yet."""
    return make.trip(
        person, shift=shift, quote=promised.to_json(), quote_digest=promised.digest, pay_cents=promised.cents,
        extra_s=promised.extra_s, extra_m=promised.extra_m, claimed_at=shift.starts_at,
        ended_at=shift.ends_at + (timedelta(seconds=promised.paid_s) if took is None else took),
        state=TripState.FINISHED if left else TripState.ABANDONED,
        started_at=shift.ends_at + timedelta(minutes=5) if left else None,
    )  # fmt: skip


def settled(person: Associate, shift: Shift, *, took: timedelta | None = None, left: bool = True, **quote: Any) -> Trip:
    """The same with the quote of its week, and settled by the verb."""
    trip = over(person, shift, quote_for(person, shift, **quote), took=took, left=left)
    assert trip.ended_at is not None
    return trips.settle(trip=trip, now=trip.ended_at + SETTLED_AFTER)


def shifts(person: Associate, first_end: datetime, number: int, *, long: timedelta = timedelta(hours=8)) -> list[Shift]:
    """`number` shifts on following days, ending at the same elapsed time."""
    ends = [first_end + timedelta(days=day) for day in range(number)]
    return [make.shift(person, ends_at=end, starts_at=end - long) for end in ends]
