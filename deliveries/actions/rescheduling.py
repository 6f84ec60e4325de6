"""The retailer moves or cancels a shift: what becomes of the offer and the trip that hang on it.

An open offer goes back and is planned anew. A claimed trip stands with its promise; what would now miss the customer's
hour, or bring the associate home later than they may or want to be, leaves it, and with a cancelled shift everything does;
one before a shift that is new or begins earlier is looked at for the rest between the two, and so is an open offer;
one of which nothing is left is called off. No cent of the promise goes with them, and the associate is always told. Once
somebody has packages in hand, the end of their shift is where the paid time began, so it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from associates.models import Associate, Shift
from associates.roster import ShiftChange
from deliveries import hours, notices, quoting
from deliveries.actors import Actor
from deliveries.models import Offer, Package, Stop, Trip
from deliveries.models.event import SHIFT_CANCELLED, SHIFT_MOVED
from deliveries.states import OfferState, PackageState, TripState
from stores.places import Point

from . import claims, swaps
from .offers import withdraw
from .reclaim import take_off

# Their packages are not in anybody's hands yet, so a shift may still change under them.
NOT_BEGUN = (TripState.PLANNED, TripState.ABANDONED)


@dataclass(frozen=True, slots=True)
class After:
    """What `associates.roster` calls around its writes, in their transaction."""

    by: Actor
    now: datetime

    def hold(self, shift_ids: Collection[int], new: Collection[tuple[int, datetime]]) -> dict[int, str]:
        """Lock everything that hangs on these shifts, in the order of all verbs; shift ids that may not change, and why.
        `new`: employee id and start of shifts that are added; those that begin soon may be the morning after a trip.

        The people whose shifts they are, whether anything hangs on them or not: a claim or an offer that is being written
        at this moment holds its person, too. It is found by what is asked next, or finds the shift moved.
        """
        whose = {employee for employee, starts_at in new if self._soon(starts_at)}
        whose.update(Shift.everything.filter(pk__in=shift_ids).values_list("employee", flat=True))
        if not whose:
            return {}
        # Their other offers and planned trips, too: one may be tonight's, before a shift of tomorrow that begins earlier.
        offers = Offer.objects.filter(associate__employee__in=whose, state=OfferState.SENT)
        before = Q(associate__employee__in=whose, state=TripState.PLANNED)
        trips = Trip.objects.filter(Q(shift__in=shift_ids) | before)
        list(Associate.objects.filter(employee__in=whose).order_by("pk").select_for_update())
        on_offers = offers.filter(lines__open=True).values_list("lines__package_id", flat=True)
        on_trips = Package.objects.filter(trip__in=trips).values_list("pk", flat=True)
        Package.objects.for_update([*on_offers, *on_trips])
        locked = trips.exclude(state__in=NOT_BEGUN).order_by("pk").select_for_update(of=("self",))
        sentence = _(
            "Its associate has begun the trip after this shift, and is paid from the shift's end; so it stands. Correct the "
            "hours with payroll."
        )
        return {trip.shift_id: sentence for trip in locked if trip.shift_id in shift_ids}

    def changed(self, changes: Sequence[ShiftChange], added: Sequence[Shift]) -> None:
        """Look after what hangs on shifts that were moved, cancelled or added; after `hold`, and after they are written."""
        for change in changes:
            for offer in Offer.objects.filter(shift=change.shift, state=OfferState.SENT):
                withdraw(offer=offer, by=self.by, now=self.now, reason=_reason(change))
            trip = Trip.objects.filter(shift=change.shift, state=TripState.PLANNED).first()
            if trip is not None:
                _look_after(trip, change, by=self.by, now=self.now)
        # Once all are where they are to be: the night between two may have moved as a whole.
        earlier = [c.shift for c in changes if c.was_cancelled or c.shift.starts_at < c.was_starts_at]
        earlier = [s for s in (*earlier, *added) if s.cancelled_at is None and self._soon(s.starts_at)]
        busy = _have_an_evening({shift.employee_id for shift in earlier}) if earlier else set()
        for shift in earlier:
            if shift.employee_id in busy:
                _keep_the_rest_before(shift, by=self.by, now=self.now)

    def _soon(self, starts_at: datetime) -> bool:
        """Whether an evening that is offered or claimed by now may lie before a shift that begins then: such an evening is
        today's, and ends within a day. Next week's roster holds nobody."""
        return self.now < starts_at < self.now + 2 * hours.LOOK_AHEAD


def _reason(change: ShiftChange) -> str:
    return SHIFT_CANCELLED if change.cancelled else SHIFT_MOVED


def _look_after(trip: Trip, change: ShiftChange, *, by: Actor, now: datetime) -> None:
    """A planned trip, locked. What cannot be brought in time leaves it; its pay stays as promised."""
    trip = Trip.objects.select_related("store", "associate__user", "associate__limits").get(pk=trip.pk)
    packages = Package.objects.for_update(list(trip.packages.values_list("pk", flat=True)))
    claimed = [package for package in packages if package.state == PackageState.CLAIMED]
    off = claimed if change.cancelled else _too_late(trip, claimed, change)
    take_off(trip, off, "release", by=by, now=now, reason=_reason(change))
    swaps.end_questions(of=trip.associate)
    if (
        not off and change.shift.ends_at != change.was_ends_at
    ):  # otherwise the events tell it, or nothing moved for them
        notices.owe_associate(
            trip.associate,
            "shift_moved",
            f"trip/{trip.pk}/shift/{change.shift.pk}/{now:%Y%m%d%H%M%S%f}",
            trip=trip,
            now=now,
        )


def _have_an_evening(employees: Collection[int]) -> set[int]:
    """Those of `employees` who have an open offer or a planned trip."""
    theirs = Q(associate__employee__in=employees)
    offers = Offer.objects.filter(theirs, state=OfferState.SENT).values_list("associate__employee", flat=True)
    return {
        *offers,
        *Trip.objects.filter(theirs, state=TripState.PLANNED).values_list("associate__employee", flat=True),
    }


def _keep_the_rest_before(shift: Shift, *, by: Actor, now: datetime) -> None:
    """A shift is new or begins earlier: what would bring its person home too late for the rest before it leaves the planned
    trip of the evening before, from the last stop back; an open offer that would goes back and is planned anew. Nothing
    else is looked at: nothing else has changed."""
    before = Q(
        associate__employee=shift.employee_id, shift__ends_at__lte=shift.starts_at,
        shift__ends_at__gt=shift.starts_at - hours.LOOK_AHEAD,
    ) & ~Q(shift=shift)  # fmt: skip
    offers = Offer.objects.filter(before, state=OfferState.SENT)
    for offer in offers.select_related("store", "shift", "associate").order_by("pk"):
        if _home_at(offer) > shift.starts_at - timedelta(minutes=offer.store.rest_minutes):
            withdraw(offer=offer, by=by, now=now, reason=SHIFT_MOVED)
    trips = Trip.objects.filter(before, state=TripState.PLANNED)
    for trip in trips.select_related("store", "shift", "associate__user", "associate__limits").order_by("pk"):
        packages = Package.objects.for_update(list(trip.packages.values_list("pk", flat=True)))
        claimed = [package for package in packages if package.state == PackageState.CLAIMED]
        home_by = shift.starts_at - timedelta(minutes=trip.store.rest_minutes)
        off = _home_late(trip, _doors(trip, claimed, trip.shift), home_by)
        if off:
            take_off(trip, off, "release", by=by, now=now, reason=SHIFT_MOVED)
        swaps.end_questions(of=trip.associate)  # what was agreed to was a way home of another night


def _home_at(offer: Offer) -> datetime:
    """When the trip of `offer`, begun at its shift's end, is home: planned legs, and an estimate of the last one."""
    stops = claims.planned_from(offer).stops
    way = quoting.way_home_s(offer.associate, [Point(stop.lat, stop.lon) for stop in stops[-1:]])
    seconds = sum(stop.leg_s for stop in stops) + len(stops) * offer.store.service_seconds + sum(way or ())
    return offer.shift.ends_at + timedelta(minutes=offer.store.load_minutes, seconds=seconds)


@dataclass(frozen=True, slots=True)
class _Door:
    """One stop of a trip that leaves at its shift's end: when it is reached, and when its door closes behind them."""

    stop: Stop
    reached: datetime
    left: datetime
    packages: list[Package]


def _doors(trip: Trip, claimed: Sequence[Package], shift: Shift) -> list[_Door]:
    """The stops of `trip` in the planned order, with the planned legs."""
    store, package_of = trip.store, {package.pk: package for package in claimed}
    at = shift.ends_at + timedelta(minutes=store.load_minutes)
    found = []
    for stop in trip.stops.prefetch_related("claims").order_by("position"):
        reached = at + timedelta(seconds=stop.leg_s)
        at = reached + timedelta(seconds=store.service_seconds)
        mine = [package_of[claim.package_id] for claim in stop.claims.all() if claim.package_id in package_of]
        found.append(_Door(stop, reached, at, mine))
    return found


def _home_late(trip: Trip, doors: Sequence[_Door], home_by: datetime) -> list[Package]:
    """What would keep the associate out after `home_by`, from the last of `doors` back."""
    kept, late = [door for door in doors if door.packages], list[Package]()
    way = quoting.way_home_s(trip.associate, [door.stop.point for door in kept])
    while way and kept and kept[-1].left + timedelta(seconds=way[len(kept) - 1]) > home_by:
        late += kept.pop().packages
    return late


def _too_late(trip: Trip, claimed: Sequence[Package], change: ShiftChange) -> list[Package]:
    """Those of `claimed` that would miss their promise if the trip left at the shift's new end, and, from the last stop
    back, those that would keep the associate out longer than they may or want.

    What is dropped makes the rest earlier, never later, so one look is enough.
    """
    shift = change.shift
    late: list[Package] = []
    kept: list[_Door] = []
    for door in _doors(trip, claimed, shift):
        late += [package for package in door.packages if door.reached > package.deliver_by]
        in_time = [package for package in door.packages if door.reached <= package.deliver_by]
        kept.append(replace(door, packages=in_time))
    if shift.ends_at <= change.was_ends_at and shift.starts_at >= change.was_starts_at:
        return late  # home no later than before, after a day no longer
    return late + _home_late(trip, kept, quoting.home_by(trip.associate, shift))
