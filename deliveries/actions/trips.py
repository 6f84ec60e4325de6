"""A trip leaves the store, reaches its stops, and ends. Settlement follows when nothing can be undone any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import actors, hours, live, notices, pay
from deliveries.models import LedgerEntry, Package, Stop, Trip
from deliveries.states import TRIP_NOT_LEFT, TRIP_OVER, PackageState, TripState

from . import Refused
from .claims import TooLate
from .moves import WrongState, move, note
from .repeats import first_time, told_a_newer

UNDO = timedelta(seconds=60)
# While a package of the trip is in one of these, there is still something to do on the road.
OPEN_ON_THE_ROAD = (PackageState.LOADED, PackageState.OUT, PackageState.ATTEMPTED, PackageState.RETURNING)
# While one is in one of these, its stop is still ahead.
AT_A_DOOR = (PackageState.OUT, PackageState.ATTEMPTED)
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
    if locked.state not in TRIP_NOT_LEFT:
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


@dataclass(frozen=True, slots=True)
class Leg:
    """The drive to a stop from the one before it."""

    stop_id: int
    seconds: int
    metres: int
    estimated: bool = True


@transaction.atomic
def reorder(
    *, trip: Trip, legs: Sequence[Leg], by: Associate, now: datetime, key: UUID | None = None,
    happened_at: datetime | None = None,
) -> Trip:  # fmt: skip
    """Take the stops ahead in another order. The same order again changes nothing.

    `legs`: the stops ahead in their new order, each with its drive from the one before; the caller works them out
    before, because asking for drive times is slow. `key`, `happened_at`: of a phone that tells it late; an order that a
    newer one has overtaken changes nothing. The promised pay stays, and what is driven on top is paid on top
    (`settle`). Raises WrongState when these are not the stops ahead any more: one was done meanwhile.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    if not first_time(key, "reorder", by=person, now=now, happened_at=happened_at):
        return trip
    if told_a_newer("reorder", by=person, happened_at=happened_at or now):
        return trip
    packages = Package.objects.for_update(list(trip.packages.values_list("pk", flat=True)))
    locked = Trip.objects.select_for_update().get(pk=trip.pk, associate=person)
    if locked.state != TripState.UNDER_WAY:
        raise WrongState
    open_ids = [package.pk for package in packages if package.state in AT_A_DOOR]
    live_claims = locked.claims.filter(released_at=None, package__in=open_ids, stop__isnull=False)
    ahead_ids = set(live_claims.values_list("stop_id", flat=True))
    stops = list(locked.stops.select_for_update())
    ahead = {stop.pk: stop for stop in stops if stop.pk in ahead_ids}
    if len(legs) != len(ahead) or {leg.stop_id for leg in legs} != ahead.keys():
        raise WrongState
    if [leg.stop_id for leg in legs] == list(ahead):
        return locked
    done = [stop for stop in stops if stop.pk not in ahead]
    for leg in legs:
        ahead[leg.stop_id].leg_s, ahead[leg.stop_id].leg_m = leg.seconds, leg.metres
        ahead[leg.stop_id].leg_estimated = leg.estimated
    for position, stop in enumerate([*done, *(ahead[leg.stop_id] for leg in legs)], 1):
        stop.position = position
    Stop.objects.bulk_update(stops, ["position", "leg_s", "leg_m", "leg_estimated"])
    hide(locked)
    out = [package for package in packages if package.state == PackageState.OUT]
    note(out, "reorder", by=actors.associate(person.user_id), now=now, happened_at=happened_at)
    _tell(locked)
    return locked


def end_if_done(trip: Trip, *, now: datetime, happened_at: datetime) -> None:
    """End a locked trip under way when nothing is left to do on the road. Called by verbs, in their transaction.

    Phones report in any order: the trip ends when the last thing on it happened, not with the one that was told last.
    """
    hide(trip)
    if trip.state != TripState.UNDER_WAY or trip.packages.filter(state__in=OPEN_ON_THE_ROAD).exists():
        return
    latest = trip.events.filter(verb__in=ENDS_A_STOP).aggregate(at=Max("happened_at"))["at"]
    trip.state, trip.ended_at = TripState.FINISHED, max(happened_at, latest) if latest else happened_at
    trip.save(update_fields=["state", "ended_at"])
    _tell(trip)


def hide(trip: Trip) -> None:
    """Forget where a locked trip was seen: another door comes next, or none. Called by verbs, in their transaction."""
    if trip.seen_at is not None:
        trip.seen_lat = trip.seen_lon = trip.seen_at = None
        trip.save(update_fields=["seen_lat", "seen_lon", "seen_at"])


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
    before it left the store is paid for the time it took after the shift; one of which the store or the
    retailer left nothing, as quoted.
    The workweek is read anew: hours that grew
    since the quote may bring a premium, hours that shrank take nothing back.
    """
    person = Associate.objects.select_for_update().get(pk=trip.associate_id)
    locked = Trip.objects.select_for_update(of=("self",)).select_related("shift", "store").get(pk=trip.pk)
    if locked.state not in TRIP_OVER or locked.ended_at is None:
        raise WrongState
    if locked.settled_at is not None:
        return locked
    worked_s = max(0, int((locked.ended_at - locked.shift.ends_at).total_seconds()))
    week = hours.before_trips(locked.store, [(person, locked.shift)])[person.pk].week
    if locked.started_at is not None or locked.called_off:
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
    """Metres driven for the store: the planned legs, and as much again for the way back where something came back."""
    if trip.started_at is None:
        return 0
    legs = list(trip.stops.values_list("leg_m", flat=True))
    brought_back = trip.events.filter(verb="return").exists()
    return sum(legs) * (2 if brought_back else 1)


def _tell(trip: Trip) -> None:
    associate_id = trip.associate_id
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)
