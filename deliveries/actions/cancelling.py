"""The order is off: the package leaves whatever it is on, and nobody loses by it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries.actors import Actor
from deliveries.models import Offer, Package, Trip
from deliveries.states import IN_CUSTODY, OfferState, PackageState

from . import Refused
from .moves import WrongState, move
from .offers import withdraw
from .reclaim import take_off


class InHand(Refused):
    code = "in_hand"
    sentence = _(
        "An associate has this package in hand already. Ask the store: they can call it back, and then it can be cancelled."
    )


class AlreadyOver(Refused):
    code = "already_over"
    sentence = _("This package has been delivered, or the carrier has it. It cannot be cancelled any more.")


class OtherVersion(Refused):
    """Somebody changed it since the caller looked."""

    code = "version"
    status = 412
    sentence = _("The package has changed since you looked. Read it again, then decide.")


@transaction.atomic
def cancel(*, package: Package, by: Actor, now: datetime, reason: str, version: int | None = None) -> Package:
    """Take the package out of the books, as long as nobody has it in hand. Twice is once.

    An open offer with it goes back whole, and the rest is planned anew. On a claimed trip the others stay, and so does
    every cent that was promised; a trip of which nothing is left is called off and pays what it promised. The associate
    is told.

    Raises OtherVersion where `version` is given and not the package's; InHand, AlreadyOver, WrongState.
    """
    offer = Offer.objects.filter(lines__package=package, lines__open=True, state=OfferState.SENT).first()
    trip = Trip.objects.filter(claims__package=package, claims__released_at=None).first()
    person_id = trip.associate_id if trip else offer.associate_id if offer else None
    if person_id is not None:
        Associate.objects.select_for_update().get(pk=person_id)
    [locked] = Package.objects.for_update([package.pk])
    if locked.state == PackageState.CANCELLED:
        return locked
    if version is not None and version != locked.version:
        raise OtherVersion
    if locked.state in IN_CUSTODY:
        raise InHand
    if locked.state in (PackageState.DELIVERED, PackageState.WITH_CARRIER):
        raise AlreadyOver
    if locked.state == PackageState.OFFERED:
        if offer is None:  # it came into an offer between our look and our lock
            raise WrongState
        withdraw(offer=offer, by=by, now=now, reason=reason)
        locked.refresh_from_db()
    if locked.state == PackageState.CLAIMED:
        if trip is None or locked.trip_id != trip.pk:
            raise WrongState
        mine = Trip.objects.select_for_update().get(pk=trip.pk)
        take_off(mine, [locked], "cancel", by=by, now=now, reason=reason)
        return locked
    move([locked], "cancel", by=by, now=now, reason=reason)
    return locked
