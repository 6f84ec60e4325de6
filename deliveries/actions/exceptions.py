"""When a drop-off does not work: say why, then keep the package or bring it back; and when somebody cannot go on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import actors, notices
from deliveries.actors import Actor
from deliveries.models import Claim, DeliveryException, Package, Trip
from deliveries.states import IN_CUSTODY, TRIP_OVER, PackageState, TripState

from . import Refused
from .moves import WrongState, move
from .repeats import first_time
from .trips import clamp, end_if_done, hide


class MayNotBeKept(Refused):
    code = "may_not_be_kept"
    sentence = _(
        "Food, medicine, alcohol and valuables do not stay with you overnight. Bring it back; the way is paid."
    )


@transaction.atomic
def attempt(
    *,
    package: Package,
    reason: str,
    note: str = "",
    by: Associate,
    now: datetime,
    key: UUID,
    happened_at: datetime | None = None,
) -> DeliveryException:
    """It could not be left, and why. The same `key` again returns the same row, wherever the package is by then.

    Raises WrongState.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    earlier = DeliveryException.objects.filter(key=key, package=package, trip__associate=person).first()
    if earlier:
        return earlier
    person, locked, trip = _mine(package, by)
    at = clamp(happened_at, trip.started_at, now)
    hide(trip)
    move([locked], "attempt", by=actors.associate(person.user_id), now=now, happened_at=at, reason=reason)
    return DeliveryException.objects.create(
        package=locked, trip=trip, key=key, reason=reason, note=note.strip()[:280], at=now, happened_at=at
    )


@transaction.atomic
def retry(
    *, package: Package, by: Associate, now: datetime, key: UUID | None = None, happened_at: datetime | None = None
) -> Package:
    """Try the same door again on this trip. Raises WrongState. `key` and `happened_at`: of a phone that tells it late."""
    if not first_time(key, "retry", by=by, now=now, happened_at=happened_at):
        return package
    person, locked, trip = _mine(package, by)
    at = clamp(happened_at, trip.started_at, now)
    if trip.state != TripState.UNDER_WAY:
        raise WrongState
    move([locked], "retry", by=actors.associate(person.user_id), now=now, happened_at=at)
    locked.exceptions.filter(resolved_at=None).update(resolved_at=now)
    return locked


@transaction.atomic
def keep(
    *, package: Package, by: Associate, now: datetime, key: UUID | None = None, happened_at: datetime | None = None
) -> Package:
    """Keep it overnight and bring it to the next shift. It stays in the associate's custody, and says so.

    `key`, `happened_at`: of a phone that tells it late. Raises MayNotBeKept by what is inside, WrongState.
    """
    if not first_time(key, "keep", by=by, now=now, happened_at=happened_at):
        return package
    person, locked, trip = _mine(package, by)
    if not locked.may_be_kept:
        raise MayNotBeKept
    at = clamp(happened_at, trip.started_at, now)
    move([locked], "keep", by=actors.associate(person.user_id), now=now, happened_at=at)
    end_if_done(trip, now=now, happened_at=at)
    return locked


@transaction.atomic
def bring_back(
    *, package: Package, by: Associate, now: datetime, key: UUID | None = None, happened_at: datetime | None = None
) -> Package:
    """On the way back to the store with it. The way back is paid; the trip ends when the store has it.

    `key`, `happened_at`: of a phone that tells it late. Raises WrongState.
    """
    if not first_time(key, "return", by=by, now=now, happened_at=happened_at):
        return package
    person, locked, trip = _mine(package, by)
    hide(trip)
    at = clamp(happened_at, trip.started_at, now)
    move([locked], "return", by=actors.associate(person.user_id), now=now, happened_at=at)
    return locked


@transaction.atomic
def receive_return(*, package: Package, by: Actor, now: datetime) -> Package:
    """The store has it again: custody passes back, its claim ends, exceptions are settled. Twice is once."""
    holder_id = Package.objects.values_list("holder_id", flat=True).get(pk=package.pk)
    if holder_id is not None:
        Associate.objects.select_for_update().get(pk=holder_id)
    [locked] = Package.objects.for_update([package.pk])
    if locked.state == PackageState.RETURNED:
        return locked
    trip = Trip.objects.select_for_update().get(pk=locked.trip_id) if locked.trip_id else None
    move([locked], "receive_return", by=by, now=now)
    Claim.objects.filter(package=locked, released_at=None).update(released_at=now)
    locked.exceptions.filter(resolved_at=None).update(resolved_at=now)
    if trip is not None:
        end_if_done(trip, now=now, happened_at=now)
    return locked


@transaction.atomic
def cannot_go_on(
    *,
    trip: Trip,
    reason: str = "cannot_go_on",
    note: str = "",
    by: Associate,
    now: datetime,
    key: UUID,
    on_behalf: Actor | None = None,
    happened_at: datetime | None = None,
) -> Trip:
    """The associate stops here. Everything in hand is on its way back; the trip is over and paid as quoted at least.

    Packages claimed but never loaded go back to the bay. Custody stays with the associate until the store receives
    each package, whoever fetches it. The store's leads are told at once. The same call again changes nothing.
    `on_behalf`: the member of staff who does it
    for them, say after a phone call; the events name that person. Their reason is the exception's note: an event's
    reason code may reach the customer, so it stays a code.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    packages = Package.objects.for_update(list(trip.packages.values_list("pk", flat=True)))
    locked = Trip.objects.select_for_update().get(pk=trip.pk, associate=person)
    if locked.state in TRIP_OVER:
        return locked
    actor = on_behalf or actors.associate(person.user_id)
    at = clamp(happened_at, locked.started_at or locked.claimed_at, now)
    waiting = [package for package in packages if package.state == PackageState.CLAIMED]
    in_hand = [p for p in packages if p.state in IN_CUSTODY and p.state != PackageState.RETURNING]
    move(waiting, "release", by=actor, now=now, reason=note.strip()[:280] if on_behalf else "")
    locked.claims.filter(package__in=waiting, released_at=None).update(released_at=now)
    move(in_hand, "return", by=actor, now=now, happened_at=at, reason=reason)
    DeliveryException.objects.bulk_create(
        [
            DeliveryException(
                package=package, trip=locked, key=key, reason=reason, note=note.strip()[:280], at=now, happened_at=at
            )
            for package in in_hand
        ],
        ignore_conflicts=True,
    )
    hide(locked)
    locked.state, locked.ended_at = TripState.ABANDONED, at
    locked.save(update_fields=["state", "ended_at"])
    if on_behalf is None:
        notices.owe_leads(locked, reason=reason, now=now)
        transaction.on_commit(lambda: notices.wake(), robust=True)
    return locked


def _mine(package: Package, by: Associate) -> tuple[Associate, Package, Trip]:
    """Lock in order; the package must be in this associate's hands. Raises WrongState."""
    person = Associate.objects.select_for_update().get(pk=by.pk)
    [locked] = Package.objects.for_update([package.pk])
    if locked.holder_id != person.pk or locked.trip_id is None:
        raise WrongState
    return person, locked, Trip.objects.select_for_update().get(pk=locked.trip_id)
