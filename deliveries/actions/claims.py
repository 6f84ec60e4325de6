"""Claim packages, from an offer or from the open board; give them back before leaving.

The lock order in `actions/__init__` was measured: 100 racing claims for 20 packages went wrong 194 times with
check-then-insert, 3 times with a unique index alone, never with associate, then packages by id, plus the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Limits, Shift
from deliveries import actors, hours, live, switches
from deliveries.actors import Actor, system
from deliveries.models import Claim, Offer, Package, Stop, Trip
from deliveries.pay import Quote
from deliveries.quoting import PlannedStop, PlannedTrip
from deliveries.states import TRIP_NOT_LEFT, OfferState, PackageState, TripState

from . import Refused
from .moves import move
from .offers import OfferGone


class OfferExpired(OfferGone):
    code = "offer_expired"
    sentence = _("This offer's time has passed. Its packages went back; the open board may still have them.")


class AlreadyTaken(Refused):
    code = "already_taken"
    sentence = _("One of these packages was just taken by somebody else. Look at what is left.")


class OverLimits(Refused):
    code = "over_limits"
    sentence = _("Together these are more than your limits allow. Leave one out, or change your limits.")


class QuoteChanged(Refused):
    code = "quote_changed"
    sentence = _("The quote changed while you looked. Here is the new one; nothing has been claimed yet.")


class ShiftChanged(QuoteChanged):
    code = "shift_changed"
    sentence = _("Your shifts have changed since this was planned. Look at it again; nothing has been claimed yet.")


class BoardClosed(Refused):
    code = "board_closed"
    sentence = _("The open board opens when your shift ends.")


class NotEligible(Refused):
    code = "not_eligible"
    sentence = _("You cannot claim right now. “Me” shows what is missing.")


class OffersStopped(Refused):
    code = "offers_stopped"
    sentence = _("Your store has stopped offers for now. Nothing was claimed; what you claimed before stays yours.")


class TooLate(Refused):
    code = "trip_left"
    sentence = _("This trip has already left the store.")


def planned_from(offer: Offer) -> PlannedTrip:
    """The trip that a whole offer stands for, as it was frozen."""
    stops = tuple(PlannedStop.from_json(stop) for stop in offer.stops)
    return PlannedTrip(offer.associate_id, offer.shift_id, hours.span_of(offer.shift), stops, offer.promise)


def shift_of(planned: PlannedTrip, person: Associate) -> Shift:
    """The shift of a locked associate that `planned` was made for. Raises ShiftChanged when it, or the next clock-in, is no
    longer as it was then: what the retailer moves, adds and cancels holds the same lock (`rescheduling.After.hold`)."""
    shift = Shift.objects.filter(pk=planned.shift_id, employee=person.employee_id).first()
    if shift is None or not hours.span_of(shift).allows(planned.day):
        raise ShiftChanged
    return shift


@transaction.atomic
def claim(
    *, planned: PlannedTrip, shown: str, by: Associate, now: datetime, key: UUID, offer: Offer | None = None
) -> Trip:
    """Put packages on the associate's trip of tonight, at the quote they saw.

    Args:
        planned: all the trip's packages, those already on it included, with stops and quote (`quoting.plan_trip`, or
            `planned_from(offer)` for the whole offer). Made before the transaction: it may ask a routing server.
        shown: digest of the quote on the screen when the person tapped.
        key: the tap's. A repeat returns the same trip.
        offer: the offer they come from; None for the open board.

    Raises OfferGone or OfferExpired, AlreadyTaken, OverLimits, QuoteChanged or ShiftChanged, BoardClosed, NotEligible,
    OffersStopped, TooLate.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    earlier = Claim.objects.filter(key=key, trip__associate=person).select_related("trip").first()
    if earlier:
        return earlier.trip
    if switches.off(switches.What.OFFERS, person.store_id):
        raise OffersStopped
    if person.state != Associate.State.ACTIVE or not person.has_consented() or planned.associate_id != person.pk:
        raise NotEligible
    open_offer = _open(offer, person, now) if offer is not None else None
    shift = shift_of(planned, person)
    trip = Trip.objects.filter(shift=shift).exclude(state=TripState.ABANDONED).first()
    if trip and trip.state not in TRIP_NOT_LEFT:
        raise TooLate
    has = set(trip.packages.values_list("pk", flat=True)) if trip else set()
    asked = set(planned.quote.packages)
    fresh_ids = sorted(asked - has)
    if not has <= asked or planned.quote.digest != shown:
        raise QuoteChanged
    if trip and planned.quote.cents < trip.pay_cents:
        raise QuoteChanged

    packages = {package.pk: package for package in Package.objects.for_update(sorted(asked))}
    fresh = [packages[package_id] for package_id in fresh_ids]
    if open_offer is not None:
        _check_holds(open_offer, fresh)
    elif now < shift.ends_at:
        raise BoardClosed
    needed = PackageState.OFFERED if offer is not None else PackageState.STAGED
    if not fresh or any(package.state != needed or package.store_id != person.store_id for package in fresh):
        raise AlreadyTaken
    if offer is None and any(not package.may_go(now) or package.deliver_by <= now for package in fresh):
        raise AlreadyTaken
    check_limits(person.limits, list(packages.values()))

    if trip is None:
        trip = Trip(store_id=person.store_id, associate=person, shift=shift, claimed_at=now)
    put_on(trip, fresh, planned, by=actors.associate(person.user_id), now=now, key=key, offer=offer)
    if offer is not None:
        _answer(offer, fresh, now)
    return trip


def put_on(
    trip: Trip, fresh: Sequence[Package], planned: PlannedTrip, *, by: Actor, now: datetime, key: UUID,
    offer: Offer | None = None, reason: str = "",
) -> None:  # fmt: skip
    """Write `fresh` onto a locked or new trip of a locked associate; `planned` is the whole trip with them."""
    take_quote(trip, planned.quote)
    trip.save()
    stop_of = lay_stops(trip, planned.stops)
    Claim.objects.bulk_create(
        [
            Claim(trip=trip, package=package, stop=stop_of[package.pk], offer=offer, key=key, claimed_at=now)
            for package in fresh
        ]
    )
    move(fresh, "claim", by=by, now=now, trip=trip, reason=reason)
    associate_id = trip.associate_id
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)


def take_quote(trip: Trip, quote: Quote) -> None:
    """The trip's promise is `quote` from now on. Not saved."""
    trip.quote, trip.quote_digest, trip.pay_cents = quote.to_json(), quote.digest, quote.cents
    trip.extra_s, trip.extra_m = quote.extra_s, quote.extra_m


def check_limits(limits: Limits, packages: Sequence[Package]) -> None:
    """Raise OverLimits unless `packages` together fit what the associate set. Minutes are the planner's to check."""
    fits = (
        len(packages) <= limits.max_packages
        and all(package.weight_g <= limits.max_package_weight_g for package in packages)
        and all(package.size_class <= limits.max_size_class for package in packages)
        and sum(package.weight_g for package in packages) <= limits.max_total_weight_g
        and sum(package.volume_ml for package in packages) <= limits.trunk_ml
    )
    if not fits:
        raise OverLimits


def _open(offer: Offer, person: Associate, now: datetime) -> Offer:
    """`offer`, locked and open. Raises OfferGone, OfferExpired."""
    locked = Offer.objects.select_for_update().filter(pk=offer.pk, associate=person).first()
    if locked is None or locked.state != OfferState.SENT:
        raise OfferGone
    if locked.expires_at <= now:
        raise OfferExpired
    return locked


def _check_holds(offer: Offer, fresh: Sequence[Package]) -> None:
    holds = set(offer.lines.filter(open=True).values_list("package_id", flat=True))
    if not {package.pk for package in fresh} <= holds:
        raise AlreadyTaken


def _answer(offer: Offer, claimed: Sequence[Package], now: datetime) -> None:
    """The offer is answered. What was left out goes back, and no row says that it was left out."""
    left = offer.lines.filter(open=True).exclude(package__in=claimed)
    back = Package.objects.for_update(list(left.values_list("package_id", flat=True)))
    move(back, "release", by=system("offers"), now=now)
    left.delete()
    offer.lines.update(open=False)
    Offer.objects.filter(pk=offer.pk).update(state=OfferState.CLAIMED)


def lay_stops(trip: Trip, planned: Sequence[PlannedStop]) -> dict[int, Stop]:
    """Write the stops of a trip anew and hang its live claims on them; returns the stop of every package id."""
    trip.stops.all().delete()
    stop_of = add_stops(trip, planned)
    claims = list(trip.claims.filter(released_at=None))
    for claim_ in claims:
        claim_.stop = stop_of.get(claim_.package_id)
    Claim.objects.bulk_update(claims, ["stop"])
    return stop_of


def add_stops(trip: Trip, planned: Sequence[PlannedStop]) -> dict[int, Stop]:
    """Write `planned` behind the stops that a locked trip has; returns the stop of every package id in it."""
    behind = trip.stops.aggregate(last=Max("position"))["last"] or 0
    made = Stop.objects.bulk_create(
        [
            Stop(
                trip=trip,
                position=position,
                lat=stop.lat,
                lon=stop.lon,
                leg_s=stop.leg_s,
                leg_m=stop.leg_m,
                leg_estimated=stop.estimated,
            )
            for position, stop in enumerate(planned, behind + 1)
        ]
    )
    return {package_id: row for row, stop in zip(made, planned, strict=True) for package_id in stop.package_ids}


@transaction.atomic
def give_back(*, package: Package, rest: PlannedTrip | None, by: Associate, now: datetime) -> Trip:
    """An associate gives one package back before leaving: free, and the rest of the trip stands at its own quote.

    `rest` is the trip without it, None when nothing is left (then the trip is over). Raises TooLate, QuoteChanged.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    trip_id = Claim.objects.get(package=package, trip__associate=person, released_at=None).trip_id
    [locked] = Package.objects.for_update([package.pk])
    trip = Trip.objects.select_for_update().get(pk=trip_id)
    if trip.state not in TRIP_NOT_LEFT:
        raise TooLate
    remaining = set(trip.packages.exclude(pk=package.pk).values_list("pk", flat=True))
    if remaining != (set(rest.quote.packages) if rest else set()):
        raise QuoteChanged
    verb = "unload" if locked.state == PackageState.LOADED else "release"
    move([locked], verb, by=actors.associate(person.user_id), now=now)
    trip.claims.filter(package=locked, released_at=None).update(released_at=now)
    if rest is None:
        trip.state, trip.ended_at = TripState.ABANDONED, now
        trip.stops.all().delete()
    else:
        take_quote(trip, rest.quote)
        lay_stops(trip, rest.stops)
    trip.save()
    transaction.on_commit(lambda: live.nudge_associate(person.pk), robust=True)
    return trip
