"""Claims cannot race: many people, few packages, a real PostgreSQL, and a control that shows the race is real.

Everybody sees every package as free and taps at the same moment. The verb must let each package go once, keep every
limit and never deadlock. The naive version below, without the locks, must fail at that; if it ever passes, this test
has stopped testing anything.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, OperationalError, close_old_connections, connection, connections, transaction

from associates.models import Associate, Shift
from deliveries import quoting
from deliveries.actions import Refused, claims
from deliveries.models import Claim, Package, Trip
from deliveries.quoting import PlannedTrip
from deliveries.states import PackageState

from .. import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

PEOPLE, PACKAGES, EACH, MOST = 16, 10, 3, 2
Attempt = Callable[[Associate, PlannedTrip], None]


def stage() -> list[tuple[Associate, list[PlannedTrip]]]:
    """PEOPLE after their shifts, each with trips planned for EACH single packages of the same few; at most MOST fit."""
    store = make.store()
    packages = [make.package(store) for _ in range(PACKAGES)]
    chance = random.Random(7)
    wishes = []
    for _ in range(PEOPLE):
        person = make.associate(store, limits={"max_packages": MOST})
        shift = make.shift(person, ends_at=make.EVENING - timedelta(minutes=5))
        chosen = chance.sample(packages, EACH)
        wishes.append((person, [quoting.plan_trip(person, shift, [package]) for package in chosen]))
    return wishes


def race(wishes: list[tuple[Associate, list[PlannedTrip]]], attempt: Attempt) -> Counter[str]:
    """All wishes of all people at once, a thread and a connection each; counts how they ended."""
    outcomes: Counter[str] = Counter()
    tally, barrier = threading.Lock(), threading.Barrier(PEOPLE * EACH)

    def tap(person: Associate, planned: PlannedTrip) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            attempt(person, planned)
            outcome = "claimed"
        except Refused as refusal:
            outcome = refusal.code
        except OperationalError as error:
            outcome = "deadlock" if "deadlock" in str(error) else f"operational: {error}"
        except IntegrityError as error:
            outcome = f"integrity: {str(error).splitlines()[0]}"
        finally:
            connections.close_all()
        with tally:
            outcomes[outcome] += 1

    threads = [threading.Thread(target=tap, args=(person, trip)) for person, trips in wishes for trip in trips]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    close_old_connections()
    return outcomes


def with_the_verb(person: Associate, planned: PlannedTrip) -> None:
    """The tap as a phone does it: when the trip grew meanwhile, look at the new quote and tap again."""
    for _ in range(EACH + 1):
        try:
            claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=make.EVENING, key=uuid4())
            return
        except claims.QuoteChanged:
            planned = _again(person, planned)
    raise claims.QuoteChanged


def _again(person: Associate, planned: PlannedTrip) -> PlannedTrip:
    trip = Trip.objects.get(associate=person)
    wanted = Package.objects.filter(pk__in=[*planned.quote.packages, *trip.packages.values_list("pk", flat=True)])
    try:
        return quoting.plan_trip(person, Shift.objects.get(pk=planned.shift_id), list(wanted), at_least=trip.promise)
    except quoting.DoesNotFit as no:
        raise claims.OverLimits from no


def without_locks(person: Associate, planned: PlannedTrip) -> None:
    """The control: check, then write, as one would without having thought of it; only the database's promises left."""
    with transaction.atomic():
        [package] = Package.objects.filter(pk__in=planned.quote.packages)
        if package.state != PackageState.STAGED:
            raise claims.AlreadyTaken
        if Claim.objects.filter(trip__associate=person, released_at=None).count() >= MOST:
            raise claims.OverLimits
        trip, _made = Trip.objects.get_or_create(
            associate=person,
            shift_id=planned.shift_id,
            defaults={
                "store_id": person.store_id, "quote": planned.quote.to_json(), "pay_cents": planned.quote.cents,
                "quote_digest": planned.quote.digest, "extra_s": 0, "extra_m": 0, "claimed_at": make.EVENING,
            },
        )  # fmt: skip
        Claim.objects.create(trip=trip, package=package, key=uuid4(), claimed_at=make.EVENING)
        Package.objects.filter(pk=package.pk).update(state=PackageState.CLAIMED, version=package.version + 1, trip=trip)


def over_limits() -> int:
    held = Counter(Claim.objects.filter(released_at=None).values_list("trip__associate_id", flat=True))
    return sum(count > MOST for count in held.values())


def test_the_verb_lets_every_package_go_once_and_keeps_every_limit() -> None:
    outcomes = race(stage(), with_the_verb)
    assert sum(outcomes.values()) == PEOPLE * EACH
    assert set(outcomes) <= {"claimed", "already_taken", "over_limits"}, outcomes
    live = Counter(Claim.objects.filter(released_at=None).values_list("package_id", flat=True))
    assert outcomes["claimed"] == len(live) == PACKAGES, "everything asked for went to somebody, once"
    assert set(live.values()) == {1}
    assert over_limits() == 0
    for trip in Trip.objects.all():
        carried = set(trip.packages.values_list("pk", flat=True))
        assert carried == set(trip.promise.packages), "the frozen quote is for exactly what is on the trip"
        assert carried == set(trip.claims.values_list("package_id", flat=True))
        assert carried == {pk for stop in trip.stops.all() for pk in stop.claims.values_list("package_id", flat=True)}


def test_without_the_locks_the_race_is_real() -> None:
    """At least once in a few tries somebody ends over their limits, or the database has to refuse or break a deadlock."""
    for _ in range(5):
        outcomes = race(stage(), without_locks)
        harm = over_limits() + sum(n for how, n in outcomes.items() if how.startswith(("deadlock", "integrity")))
        if harm:
            return
    pytest.fail("The control no longer races; this file would prove nothing. Make it more crowded.")


def test_one_tap_sent_twice_at_once_is_one_claim() -> None:
    store = make.store()
    person = make.associate(store)
    shift = make.shift(person, ends_at=make.EVENING - timedelta(minutes=5))
    planned = quoting.plan_trip(person, shift, [make.package(store), make.package(store)])
    key = uuid4()
    trips: list[int] = []

    def tap() -> None:
        try:
            trip = claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=make.EVENING, key=key)
            trips.append(trip.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tap) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(trips) == 6
    assert len(set(trips)) == 1
    assert Claim.objects.count() == 2
