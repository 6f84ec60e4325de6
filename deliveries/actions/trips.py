"""A trip leaves the store, reaches its stops, and ends. Settlement follows when nothing can be undone any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import actors, hours, live, notices, pay
from deliveries.models import LedgerEntry, Package, Stop, Trip
from deliveries.states import PackageState, TripState

from . import Refused
from .claims import TooLate
from .moves import WrongState, move

UNDO = timedelta(seconds=60)
# While a package of the trip is in one of these, there is still something to do on the road.
OPEN_ON_THE_ROAD = (PackageState.LOADED, PackageState.OUT, PackageState.ATTEMPTED, PackageState.RETURNING)
# What leaves nothing to do for a package on the road.
ENDS_A_STOP = ("deliver", "keep", "receive_return")


class StillToLoad(Refused):
    code = "still_to_load"
    sentence = _("Not everything is scanned yet. Scan the rest, report it missing, or give it back.")


def clamp(happened_at: datetime | None, earliest: datetime | None, now: datetime) -> datetime:
    """A phone's clock, believed only between `earliest` and now."""
    if happened_at is None or happened_at > now:
        return now
    return max(happened_at, earliest) if earliest else happened_at


@transaction.atomic
def depart(*, trip: Trip, by: Associate, now: datetime, happened_at: datetime | None = None) -> Trip:
    """Leave the store with everything loaded. Twice is once. Raises StillToLoad, TooLate."""
    person = Associate.objects.select_for_update().get(pk=by.pk)
    packages = Package.objects.for_update(list(trip.packages.values_list("pk", flat=True)))
    locked = Trip.objects.select_for_update().get(pk=trip.pk, associate=person)
    if locked.state == TripState.UNDER_WAY:
        return locked
    if locked.state not in (TripState.PLANNED, TripState.LOADING):
        raise TooLate
    if not packages or any(package.state != PackageState.LOADED for package in packages):
        raise StillToLoad
    at = clamp(happened_at, locked.claimed_at, now)
    locked.state, locked.started_at = TripState.UNDER_WAY, at
    locked.save(update_fields=["state", "started_at"])
    move(packages, "depart", by=actors.associate(person.user_id), now=now, happened_at=at)
    _tell(locked)
    return locked


@transaction.atomic
def arrive(*, stop: Stop, by: Associate, now: datetime, happened_at: datetime | None = None) -> Stop:
    """At the door. The first time counts; a repeat changes nothing. A phone may say it after the trip has ended."""
    trip = Trip.objects.select_for_update().get(pk=stop.trip_id, associate=by)
    if trip.started_at is None:
        raise WrongState
    locked = Stop.objects.select_for_update().get(pk=stop.pk)
    if locked.arrived_at is None:
        locked.arrived_at = clamp(happened_at, trip.started_at, trip.ended_at or now)
        locked.save(update_fields=["arrived_at"])
    return locked


def end_if_done(trip: Trip, *, now: datetime, happened_at: datetime) -> None:
    """End a locked trip under way when nothing is left to do on the road. Called by verbs, in their transaction.

    Phones report in any order: the trip ends when the last thing on it happened, not with the one that was told last.
    """
    if trip.state != TripState.UNDER_WAY or trip.packages.filter(state__in=OPEN_ON_THE_ROAD).exists():
        return
    latest = trip.events.filter(verb__in=ENDS_A_STOP).aggregate(at=Max("happened_at"))["at"]
    trip.state, trip.ended_at = TripState.FINISHED, max(happened_at, latest) if latest else happened_at
    trip.save(update_fields=["state", "ended_at"])
    _tell(trip)


def reopen(trip: Trip) -> None:
    """Take a locked trip's end back, for an undone drop-off. Only before it is settled."""
    if trip.state == TripState.FINISHED:
        if trip.settled_at is not None:
            raise WrongState
        trip.state, trip.ended_at = TripState.UNDER_WAY, None
        trip.save(update_fields=["state", "ended_at"])


@transaction.atomic
def settle(*, trip: Trip, now: datetime) -> Trip:
    """Write what the trip pays into the ledger: the quote, or more where the work was more. Twice is once.

    Paid time runs from the end of the shift to the end of the trip, waiting at the bay included. A trip that ended
    before it left the store is paid for the time it took after the shift. The workweek is read anew: hours that grew
    since the quote may bring a premium, hours that shrank take nothing back.
    """
    person = Associate.objects.select_for_update().get(pk=trip.associate_id)
    locked = Trip.objects.select_for_update(of=("self",)).select_related("shift", "store").get(pk=trip.pk)
    if locked.state not in (TripState.FINISHED, TripState.ABANDONED) or locked.ended_at is None:
        raise WrongState
    if locked.settled_at is not None:
        return locked
    worked_s = max(0, int((locked.ended_at - locked.shift.ends_at).total_seconds()))
    week = hours.before_trips(locked.store, [(person, locked.shift)])[person.pk].week
    if locked.started_at is not None:
        lines = pay.settle(locked.promise, worked_s=worked_s, driven_m=_driven_m(locked), week=week)
        locked.paid_cents = sum(line.cents for line in lines)
    else:
        lines = pay.waiting(locked.promise, worked_s=worked_s, week=week)
    locked.settled_at = now
    locked.save(update_fields=["paid_cents", "settled_at"])
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                store_id=locked.store_id, associate_id=locked.associate_id, trip=locked, kind=line.kind,
                key=f"trip/{locked.pk}/{line.kind}", quantity=line.quantity, rate=line.rate, cents=line.cents,
                rule_version=locked.promise.version, at=now,
            )
            for line in lines
        ]
    )  # fmt: skip
    notices.owe_pay(locked, now=now)
    _tell(locked)
    return locked


def _driven_m(trip: Trip) -> int:
    """Metres driven for the store: the planned legs, and the way back from the last stop where something came back."""
    legs = list(trip.stops.values_list("leg_m", flat=True))
    brought_back = trip.events.filter(verb="return").exists()
    return sum(legs) * (2 if brought_back else 1)


def _tell(trip: Trip) -> None:
    associate_id = trip.associate_id
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)
