"""Two colleagues with trips of their own on one evening, nothing loaded yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from associates.models import Associate, Shift
from deliveries import quoting
from deliveries.actions import claims, swaps
from deliveries.models import Package, Swap, Trip
from deliveries.quoting import PlannedTrip
from stores.models import Store
from stores.places import Point
from tests import make

# After both shifts, so that trips are claimed from the board.
NOW = make.EVENING
ANAS, BENS = Point(40.6912, -74.1211), Point(40.7013, -74.1117)


def trip_of(person: Associate, shift: Shift, packages: list[Package]) -> Trip:
    planned = quoting.plan_trip(person, shift, packages, now=NOW)
    return claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())


@dataclass
class Pair:
    store: Store
    ana: Associate
    ben: Associate
    anas: Trip
    bens: Trip
    a: list[Package]
    b: list[Package]
    clock: Any = None

    def without(self, trip: Trip, gives: list[Package], takes: list[Package] = []) -> PlannedTrip | None:  # noqa: B006
        """The trip afterwards, quoted as the pages do."""
        trip = Trip.objects.get(pk=trip.pk)
        going = {package.pk for package in gives}
        packages = [package for package in trip.packages.all() if package.pk not in going] + takes
        if not packages:
            return None
        promise = trip.promise if not gives else None
        return quoting.plan_trip(
            trip.associate, trip.shift, packages, at_least=promise, relaxed=not takes, now=NOW
        )  # fmt: skip

    def ask(self, *gives: Package) -> Swap:
        rest = self.without(self.anas, list(gives))
        return swaps.ask(
            trip=self.anas, packages=gives, colleague=self.ben, rest=rest, shown=rest.quote.digest if rest else "",
            by=self.ana, now=NOW,
        )  # fmt: skip

    def yes(self, swap: Swap, **more: Any) -> Trip:
        """Ben's plain yes."""
        takes = [line.package for line in swap.lines.all()]
        planned = self.without(self.bens, [], takes)
        assert planned is not None
        fields = {"shown": planned.quote.digest, "by": self.ben, "now": NOW, "key": uuid4(), **more}
        return swaps.accept(swap=swap, planned=planned, **fields)

    def only_for(self, swap: Swap, *back: Package) -> Swap:
        takes = [line.package for line in swap.lines.all()]
        planned = self.without(self.bens, list(back), takes)
        assert planned is not None
        return swaps.only_for(
            swap=swap, packages=back, planned=planned, shown=planned.quote.digest, by=self.ben, now=NOW
        )  # fmt: skip

    def whole(self) -> None:
        """Every promise that holds of trips, claims, stops and quotes holds of both."""
        for trip in Trip.objects.all():
            carried = set(trip.packages.values_list("pk", flat=True))
            if trip.state == "abandoned":
                assert not carried
                continue
            assert carried == set(trip.promise.packages), "the frozen quote is for exactly what is on the trip"
            assert trip.pay_cents == trip.promise.cents
            assert trip.quote_digest == trip.promise.digest
            live = trip.claims.filter(released_at=None)
            assert carried == set(live.values_list("package_id", flat=True))
            assert carried == set(live.filter(stop__trip=trip).values_list("package_id", flat=True))


def make_pair() -> Pair:
    store = make.store(phone="201-555-0100")
    ana = make.associate(store, employee=make.employee(store, first_name="Ana"), lives=ANAS)
    ben = make.associate(store, employee=make.employee(store, first_name="Ben"), lives=BENS)
    shifts = [make.shift(person, ends_at=NOW - timedelta(minutes=5)) for person in (ana, ben)]
    a, b = ([make.package(store) for _ in range(2)] for _ in range(2))
    return Pair(store, ana, ben, trip_of(ana, shifts[0], a), trip_of(ben, shifts[1], b), a, b)


@pytest.fixture
def pair(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        made = make_pair()
        made.clock = clock
        yield made


@pytest.fixture
def phones(pair: Pair) -> tuple[Client, Client]:
    clients = Client(), Client()
    for client, person in zip(clients, (pair.ana, pair.ben), strict=True):
        client.force_login(person.user)
    return clients
