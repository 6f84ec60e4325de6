"""The store takes a package back from an offer, a claim or a car that has not left, and what it may then do with it.

What the store takes off a trip lowers no pay: the promise of the trip stands, line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import live, quoting
from deliveries.actors import Actor
from deliveries.models import Claim, Manifest, OfferPackage, Package, Trip
from deliveries.quoting import PlannedTrip
from deliveries.states import TRIP_NOT_LEFT, PackageState, TripState

from . import Refused, carriers, offers, receiving
from .claims import TooLate, lay_stops, take_quote
from .moves import WrongState, move, note

# What can be taken back: it is promised to somebody and has not left the store.
PROMISED = (PackageState.OFFERED, PackageState.CLAIMED, PackageState.LOADED)


class NotOurs(Refused):
    code = "not_our_limit"
    sentence = _("This is not a limit of the store: the retailer, or the law, keeps the package for the carrier.")


def rest_of(trip: Trip, leaving: Package, now: datetime) -> PlannedTrip | None:
    """The trip without `leaving`, planned anew, nothing of its promise lowered; None when nothing is left or when the
    rest cannot be planned (its stops then stay in their order). Before the verb: drive times may be slow."""
    stay = list(trip.packages.exclude(pk=leaving.pk))
    if not stay:
        return None
    person = Associate.objects.select_related("limits", "employee", "user").get(pk=trip.associate_id)
    try:
        return quoting.plan_trip(person, trip.shift, stay, at_least=trip.promise, relaxed=True, now=now)
    except quoting.DoesNotFit:
        return None


@transaction.atomic
def reclaim(*, package: Package, by: Actor, now: datetime, reason: str, rest: PlannedTrip | None = None) -> Package:
    """The package is on the bay again. An open offer that holds it is withdrawn whole; a trip goes on without it.

    `rest` as from `rest_of`. Raises WrongState where nobody has it, TooLate once its trip has left.
    """
    line = OfferPackage.objects.filter(package=package, open=True).select_related("offer").first()
    if line is not None:
        offers.withdraw(offer=line.offer, by=by, now=now, reason=reason)
        [freed] = Package.objects.for_update([package.pk])
        return freed
    claimed = Claim.objects.filter(package=package, released_at=None).select_related("trip").first()
    if claimed is None:
        raise WrongState
    Associate.objects.select_for_update().get(pk=claimed.trip.associate_id)
    [locked] = Package.objects.for_update([package.pk])
    trip = Trip.objects.select_for_update().get(pk=claimed.trip_id)
    if locked.trip_id != trip.pk:
        raise WrongState
    if trip.state not in TRIP_NOT_LEFT:
        raise TooLate
    verb = "unload" if locked.state == PackageState.LOADED else "release"
    take_off(trip, [locked], verb, by=by, now=now, reason=reason, rest=rest)
    return locked


def take_off(
    trip: Trip, packages: Sequence[Package], verb: str, *, by: Actor, now: datetime, reason: str,
    rest: PlannedTrip | None = None,
) -> None:  # fmt: skip
    """Locked packages leave, by `verb`, a locked trip that has not left: the store's doing or the retailer's, so no cent
    of its promise goes with them. One of which nothing is left is called off and pays what it promised.

    `rest` as from `rest_of`; without it the stops that are left stay in their order.
    """
    move(packages, verb, by=by, now=now, reason=reason)
    trip.claims.filter(package__in=packages, released_at=None).update(released_at=now, stop=None)
    remaining = set(trip.packages.values_list("pk", flat=True))
    if not remaining:
        trip.state, trip.ended_at, trip.called_off = TripState.ABANDONED, now, True
        trip.stops.all().delete()
    elif rest is not None and set(rest.quote.packages) == remaining and rest.quote.cents >= trip.pay_cents:
        take_quote(trip, rest.quote)
        lay_stops(trip, rest.stops)
    else:
        trip.stops.filter(claims=None).delete()
    trip.save()
    associate_id = trip.associate_id
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)


@transaction.atomic
def force_to_carrier(
    *, package: Package, by: Actor, now: datetime, reason: str, rest: PlannedTrip | None = None
) -> Manifest:
    """To the carrier now, whoever it was promised to. Raises WrongState, TooLate, NoCarrier; then nothing has moved."""
    _free(package, by=by, now=now, reason=reason, rest=rest)
    manifest = carriers.tender(store=package.store, packages=[package], by=by, now=now, reason=reason)
    if manifest is None:
        raise WrongState
    return manifest


@transaction.atomic
def force_hold(*, package: Package, by: Actor, now: datetime, reason: str, rest: PlannedTrip | None = None) -> Package:
    """Kept for the customer to fetch, whoever it was promised to. Raises WrongState, TooLate."""
    _free(package, by=by, now=now, reason=reason, rest=rest)
    return receiving.hold(package=package, by=by, now=now, reason=reason)


def _free(package: Package, *, by: Actor, now: datetime, reason: str, rest: PlannedTrip | None) -> None:
    """Whatever promised it to somebody is taken back first."""
    if Package.objects.filter(pk=package.pk, state__in=PROMISED).exists():
        reclaim(package=package, by=by, now=now, reason=reason, rest=rest)


@transaction.atomic
def let_associate(*, package: Package, by: Actor, now: datetime, reason: str) -> Package:
    """Override the store's radius for one package: an associate may be offered it. Twice is once.

    Only what our own radius kept back; never what the retailer or a state line did, and no limit of an associate is
    touched: who has set fewer minutes is not offered it. Raises NotOurs, WrongState.
    """
    [locked] = Package.objects.for_update([package.pk])
    if locked.state not in (PackageState.RECEIVED, PackageState.STAGED, PackageState.RETURNED):
        raise WrongState
    if locked.associate_ok:
        return locked
    if locked.kept_because != Package.Kept.RADIUS:
        raise NotOurs
    locked.associate_ok, locked.kept_because = True, ""
    locked.save(update_fields=["associate_ok", "kept_because"])
    note([locked], "override", by=by, now=now, reason=reason)
    return locked
