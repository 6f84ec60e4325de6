"""Staff give a package to somebody they name, with that person's word, at an exact quote, inside all their limits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Shift, willing
from deliveries import notices, quoting
from deliveries.actors import Actor
from deliveries.models import Claim, OfferPackage, Package, Trip
from deliveries.quoting import PlannedTrip
from deliveries.states import TRIP_NOT_LEFT, PackageState, TripState

from . import Refused
from .claims import OverLimits, ShiftChanged, check_limits, put_on, shift_of
from .moves import WrongState
from .reclaim import PROMISED, reclaim

FROM = (PackageState.STAGED, *PROMISED)


class CannotTake(Refused):
    """One sentence for every reason: which limit it is, and where the person lives, is not the store's to know."""

    code = "cannot_take"
    sentence = _("This person cannot take it tonight. Choose somebody else, or give it to the carrier.")


def plan_for(package: Package, to: Associate, shift: Shift, now: datetime) -> PlannedTrip:
    """The trip of `to` with `package` on it, quoted exactly, within their limits. Before the verb, for drive times may
    be slow. Raises CannotTake."""
    trip = _trip_of(shift)
    mine = list(trip.packages.all()) if trip else []
    try:
        return quoting.plan_trip(to, shift, [*mine, package], at_least=trip.promise if trip else None, now=now)
    except quoting.DoesNotFit as no:
        raise CannotTake from no


@transaction.atomic
def reassign(
    *, package: Package, planned: PlannedTrip, to: Associate, by: Actor, now: datetime, reason: str, key: UUID,
    rest: PlannedTrip | None = None,
) -> Trip:  # fmt: skip
    """Put a package that is staged, offered, claimed or loaded on the trip of `to`; the same `key` again is the same.

    `planned` as from `plan_for`, `rest` as from `reclaim.rest_of` for the trip it leaves. Both people are told, always.
    Nobody gets less than was promised before. Raises CannotTake, WrongState, TooLate.
    """
    earlier = Claim.objects.filter(key=key, package=package, trip__associate=to).select_related("trip").first()
    if earlier:
        return earlier.trip
    has_it = {
        *Claim.objects.filter(package=package, released_at=None).values_list("trip__associate_id", flat=True),
        *OfferPackage.objects.filter(package=package, open=True).values_list("offer__associate_id", flat=True),
    }
    # Both people, then all their packages, then the trips: the order of every verb, for two.
    people = Associate.objects.filter(pk__in={*has_it, to.pk}).order_by("pk").select_for_update()
    person = {each.pk: each for each in people}[to.pk]
    try:
        shift = shift_of(planned, person)
    except ShiftChanged as no:
        raise CannotTake from no
    trip = _trip_of(shift)
    ids = {
        package.pk,
        *planned.quote.packages,
        *Claim.objects.filter(trip__associate__in=has_it, released_at=None).values_list("package", flat=True),
        *OfferPackage.objects.filter(offer__associate__in=has_it, open=True).values_list("package", flat=True),
    }
    packages = {each.pk: each for each in Package.objects.for_update(sorted(ids))}
    mine = packages[package.pk]
    if mine.state not in FROM or mine.store_id != person.store_id or (trip and mine.trip_id == trip.pk):
        raise WrongState
    if mine.state in PROMISED:
        reclaim(package=mine, by=by, now=now, reason=reason, rest=rest)
        mine.refresh_from_db()
    trip = Trip.objects.select_for_update().get(pk=trip.pk) if trip else None
    _check(person, trip, planned, [packages[pk] for pk in planned.quote.packages], mine, now)
    if trip is None:
        trip = Trip(store_id=person.store_id, associate=person, shift=shift, claimed_at=now)
    put_on(trip, [mine], planned, by=by, now=now, key=key, reason=reason)
    notices.owe_associate(person, "trip_added", f"package/{mine.pk}/added/{mine.version}", trip=trip, now=now)
    return trip


def _check(
    person: Associate, trip: Trip | None, planned: PlannedTrip, load: list[Package], fresh: Package, now: datetime
) -> None:
    store = person.store
    has = set(trip.packages.values_list("pk", flat=True)) if trip else set()
    quote, limits = planned.quote, person.limits
    try:
        check_limits(limits, load)
    except OverLimits as no:
        raise CannotTake from no
    if (
        planned.associate_id != person.pk
        or set(quote.packages) != has | {fresh.pk}
        or not willing(store, store.evening(now)).filter(pk=person.pk).exists()
        or (trip is not None and (trip.state not in TRIP_NOT_LEFT or quote.cents < trip.pay_cents))
        or not Package.objects.offerable(store, now).filter(pk=fresh.pk).exists()
        or quote.extra_s > limits.max_extra_minutes * 60
        or not quoting.keeps_floor(limits, quote)
    ):
        raise CannotTake


def _trip_of(shift: Shift) -> Trip | None:
    return Trip.objects.filter(shift=shift).exclude(state=TripState.ABANDONED).first()
