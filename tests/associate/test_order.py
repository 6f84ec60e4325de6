"""Another order of the stops: what moves, what stays, who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from associates.models import Associate
from deliveries.actions import dropoffs, trips
from deliveries.actions.moves import WrongState
from deliveries.live import snapshots
from deliveries.models import Event, Package, Stop, Trip
from deliveries.views import order
from tests import make

from .conftest import Evening
from .test_evening_pages import text

SignIn = Callable[[Associate], Client]


def places(trip: Trip) -> list[int]:
    return list(trip.stops.values_list("pk", flat=True))


def deliver(evening: Evening, stop: Stop) -> None:
    package = stop.claims.get().package
    position = dropoffs.Position(stop.point, 5)
    dropoffs.deliver(package=package, by=evening.ana, now=evening.shift.ends_at, key=uuid4(), position=position)


def test_a_stop_moves_one_place_and_the_customer_hears_of_it(evening: Evening) -> None:
    trip = evening.under_way()
    first, second, third = places(trip)
    customers = Stop.objects.get(pk=second).claims.get().package_id
    now = trip.started_at
    assert now is not None
    before = snapshots.load([customers], now=now)[customers]
    assert before.stops_away == 1
    page = text(evening.client.post(f"/trip/stops/{second}/move/earlier/", follow=True))
    assert "is stop 1 now" in page
    assert places(trip) == [second, first, third]
    after = snapshots.load([customers], now=now)[customers]
    assert after.stops_away == 0
    assert after.version > before.version, "an open page takes it for news"
    assert Event.objects.filter(verb="reorder").count() == 3
    package = Package.objects.get(pk=customers)
    assert (package.version, package.state) == (package.events.latest("version").version, "out")
    evening.client.post(f"/trip/stops/{second}/move/later/")
    evening.client.post(f"/trip/stops/{second}/move/later/")
    evening.client.post(f"/trip/stops/{second}/move/later/")
    assert places(trip) == [first, third, second], "beyond the end nothing changes"
    assert Event.objects.filter(verb="reorder").count() == 9


def test_what_is_done_stays_where_it_was(evening: Evening) -> None:
    trip = evening.under_way()
    first, second, third = trip.stops.all()
    deliver(evening, first)
    evening.client.post(f"/trip/stops/{third.pk}/move/earlier/")
    evening.client.post(f"/trip/stops/{third.pk}/move/earlier/")
    evening.client.post(f"/trip/stops/{first.pk}/move/later/")
    assert places(trip) == [first.pk, third.pk, second.pk]
    legs = order.legs(trip, [first], [third, second])
    now = list(trip.stops.all())
    assert [(leg.seconds, leg.metres) for leg in legs] == [(stop.leg_s, stop.leg_m) for stop in now[1:]]
    assert (now[0].leg_s, now[0].leg_m) == (first.leg_s, first.leg_m)


def test_the_promise_stays_whatever_the_order(evening: Evening) -> None:
    trip = evening.under_way()
    quoted = trip.pay_cents
    for _turn in range(2):
        evening.client.post(f"/trip/stops/{places(trip)[-1]}/move/earlier/")
    for stop in trip.stops.all():
        deliver(evening, stop)
    trip.refresh_from_db()
    assert trip.pay_cents == quoted
    assert trip.ended_at is not None
    settled = trips.settle(trip=trip, now=trip.ended_at + timedelta(minutes=2))
    assert settled.paid_cents is not None
    assert settled.paid_cents >= quoted


def test_an_order_worked_out_before_a_drop_off_is_refused(evening: Evening) -> None:
    trip = evening.under_way()
    stops = list(trip.stops.all())
    legs = order.legs(trip, [], stops[::-1])
    deliver(evening, stops[0])
    for wrong in (legs, legs[:1], [*legs[:1], *legs[:1]], []):
        with pytest.raises(WrongState):
            trips.reorder(trip=trip, legs=wrong, by=evening.ana, now=evening.shift.ends_at)
    assert places(trip) == [stop.pk for stop in stops]
    assert not Event.objects.filter(verb="reorder").exists()


def test_nobody_moves_anybody_elses_stops(evening: Evening, sign_in: SignIn) -> None:
    trip = evening.under_way()
    first, second, _third = places(trip)
    ben = make.associate(evening.store)
    assert sign_in(ben).post(f"/trip/stops/{second}/move/earlier/").status_code == 404
    assert evening.client.post(f"/trip/stops/{second}/move/sideways/").status_code == 404
    assert evening.client.get(f"/trip/stops/{second}/move/earlier/").status_code == 405
    with pytest.raises(Trip.DoesNotExist):
        trips.reorder(trip=trip, legs=[], by=ben, now=evening.shift.ends_at)
    assert places(trip)[0] == first
