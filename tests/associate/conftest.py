"""An evening as the associate's pages see it: a store, Ana with her shift, an offer of three packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from associates.models import Associate, Shift
from deliveries import actors, matching
from deliveries.actions import claims, handover, trips
from deliveries.models import Offer, Package, Trip
from stores.models import Store
from tests import make


@pytest.fixture(autouse=True)
def _cache_of_its_own(settings: Any) -> None:
    """Counted tries of one test never reach the next one: a prefix of its own in the same real cache."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"KEY_PREFIX": uuid4().hex}}


@pytest.fixture
def clock() -> Iterator[Any]:
    """The evening's clock; `clock.move_to(...)` moves it."""
    with time_machine.travel(make.EVENING, tick=False) as traveller:
        yield traveller


@dataclass
class Evening:
    store: Store
    ana: Associate
    shift: Shift
    packages: list[Package]
    client: Client
    clock: Any

    def offer(self) -> Offer:
        """The sealed round's offer to Ana."""
        matching.run_round(store=self.store, now=make.EVENING)
        return Offer.objects.get(associate=self.ana)

    def trip(self) -> Trip:
        """The whole offer, claimed."""
        offer = self.offer()
        return claims.claim(
            planned=claims.planned_from(offer), shown=offer.quote_digest, by=self.ana, now=make.EVENING, key=uuid4(),
            offer=offer,
        )  # fmt: skip

    def under_way(self) -> Trip:
        """Claimed, loaded, and off five minutes after the shift."""
        trip = self.trip()
        at = self.shift.ends_at + timedelta(minutes=5)
        for package in self.packages:
            handover.load(trip=trip, label=package.label, by=actors.associate(self.ana.user_id), now=at)
        self.clock.move_to(at)
        return trips.depart(trip=trip, by=self.ana, now=at)

    def at(self, moment: datetime) -> None:
        self.clock.move_to(moment)


@pytest.fixture
def evening(db: None, clock: Any, client: Client) -> Evening:
    store = make.store(phone="201-555-0100")
    ana = make.associate(store)
    client.force_login(ana.user)
    return Evening(store, ana, make.shift(ana), [make.package(store) for _ in range(3)], client, clock)


@pytest.fixture
def sign_in() -> Callable[[Associate], Client]:
    def signed_in(person: Associate) -> Client:
        client = Client()
        client.force_login(person.user)
        return client

    return signed_in
