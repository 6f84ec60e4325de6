"""The verbs of one evening, in order, against a real database."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from deliveries import actors, matching
from deliveries.actions import carriers, claims, dropoffs, exceptions, handover, offers, trips
from deliveries.models import Event, LedgerEntry, Offer, Package
from deliveries.states import OfferState, PackageState, TripState
from stores.places import Point

from . import make

pytestmark = pytest.mark.django_db


def test_an_evening_from_the_bay_to_the_ledger() -> None:
    store = make.store()
    ana = make.associate(store)
    shift = make.shift(ana)
    packages = [make.package(store) for _ in range(3)]
    now = make.EVENING

    round_ = matching.run_round(store=store, now=now)
    assert round_ is not None
    assert round_.offers_sent == 1
    assert matching.run_round(store=store, now=now) is None, "one round a slot"
    offer = Offer.objects.get(associate=ana)
    assert offer.lines.count() == 3
    assert {p.state for p in Package.objects.all()} == {PackageState.OFFERED}

    planned = claims.planned_from(offer)
    key = uuid4()
    trip = claims.claim(planned=planned, shown=offer.quote_digest, by=ana, now=now, key=key, offer=offer)
    assert claims.claim(planned=planned, shown=offer.quote_digest, by=ana, now=now, key=key, offer=offer) == trip
    assert trip.pay_cents == offer.pay_cents
    offer.refresh_from_db()
    assert offer.state == OfferState.CLAIMED

    at = shift.ends_at + timedelta(minutes=2)
    for package in packages:
        handover.load(trip=trip, label=package.label, by=actors.associate(ana.user_id), now=at)
    trip = trips.depart(trip=trip, by=ana, now=at + timedelta(minutes=3))
    stops = list(trip.stops.all())
    assert len(stops) == 3
    later = at
    for stop in stops:
        later += timedelta(minutes=20)
        trips.arrive(stop=stop, by=ana, now=later)
        for claim in stop.claims.all():
            dropoffs.deliver(
                package=claim.package, by=ana, now=later, key=uuid4(),
                position=dropoffs.Position(claim.package.point, 10),
            )  # fmt: skip
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED
    trip = trips.settle(trip=trip, now=later + timedelta(minutes=2))
    assert trip.paid_cents is not None
    assert trip.paid_cents >= trip.pay_cents
    assert sum(LedgerEntry.objects.filter(trip=trip).values_list("cents", flat=True)) == trip.paid_cents
    versions = list(Event.objects.filter(package=packages[0]).values_list("version", "verb"))
    assert versions == [
        (1, "receive"), (2, "stage"), (3, "offer"), (4, "claim"), (5, "load"), (6, "depart"), (7, "deliver"),
    ]  # fmt: skip


def test_not_tonight_returns_the_packages_and_leaves_no_count() -> None:
    store = make.store()
    ana = make.associate(store)
    make.shift(ana)
    package = make.package(store)
    matching.run_round(store=store, now=make.EVENING)
    offer = Offer.objects.get()
    offers.not_tonight(offer=offer, by=ana, now=make.EVENING)
    offers.not_tonight(offer=offer, by=ana, now=make.EVENING)
    offer.refresh_from_db()
    package.refresh_from_db()
    assert offer.state == OfferState.LAPSED
    assert package.state == PackageState.STAGED
    later = make.EVENING + timedelta(minutes=15)
    assert matching.run_round(store=store, now=later) is None, "nobody else is there to ask"


def test_what_nobody_claims_goes_to_the_carrier_at_the_cut_off() -> None:
    store = make.store()
    package = make.package(store)
    now = store.cutoff(store.evening(make.EVENING)) + timedelta(seconds=1)
    left = matching.leftovers(store, now)
    assert left == [package]
    manifest = carriers.tender(store=store, packages=left, by=actors.system("test"), now=now, reason="cut-off")
    assert manifest is not None
    package.refresh_from_db()
    assert package.state == PackageState.WITH_CARRIER
    assert carriers.tender(store=store, packages=left, by=actors.system("test"), now=now, reason="cut-off") is None


def test_a_failed_drop_off_comes_back_and_the_trip_ends_in_the_store() -> None:
    store = make.store()
    ana = make.associate(store)
    shift = make.shift(ana)
    package = make.package(store, at=Point(store.lat + 0.01, store.lon))
    matching.run_round(store=store, now=make.EVENING)
    offer = Offer.objects.get()
    trip = claims.claim(
        planned=claims.planned_from(offer), shown=offer.quote_digest, by=ana, now=make.EVENING, key=uuid4(), offer=offer
    )
    at = shift.ends_at
    handover.load(trip=trip, label=package.label.lower(), by=actors.associate(ana.user_id), now=at)
    trips.depart(trip=trip, by=ana, now=at)
    key = uuid4()
    for _ in range(2):
        exceptions.attempt(package=package, reason="nobody_home", by=ana, now=at + timedelta(minutes=20), key=key)
    exceptions.bring_back(package=package, by=ana, now=at + timedelta(minutes=21))
    trip.refresh_from_db()
    assert trip.state == TripState.UNDER_WAY
    exceptions.receive_return(package=package, by=actors.system("test"), now=at + timedelta(minutes=40))
    trip.refresh_from_db()
    package.refresh_from_db()
    assert trip.state == TripState.FINISHED
    assert (package.state, package.holder) == (PackageState.RETURNED, None)
