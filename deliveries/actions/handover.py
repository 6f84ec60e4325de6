"""Hand-over at the bay: custody passes from the store to a person, one scan a package."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries.actors import Actor
from deliveries.models import Package, Trip
from deliveries.states import TRIP_NOT_LEFT, PackageState, TripState

from . import Refused
from .claims import TooLate
from .moves import move
from .receiving import NothingThere
from .reclaim import take_off


class NotOnThisTrip(Refused):
    code = "not_on_this_trip"
    sentence = _("That package is not on this trip. Put it back on the bay.")


def normal_label(typed: str) -> str:
    """A label as people type it, as it is stored: no spaces or dashes, capitals, O read as 0, I and L as 1."""
    return "".join(typed.split()).replace("-", "").upper().replace("O", "0").replace("I", "1").replace("L", "1")


@transaction.atomic
def load(*, trip: Trip, label: str, by: Actor, now: datetime) -> Package:
    """Scan one package out of the bay into the hands of the trip's associate. The same scan twice is one hand-over.

    Raises NothingThere (no such label in the store), NotOnThisTrip, TooLate.
    """
    person = Associate.objects.select_for_update().get(pk=trip.associate_id)
    found = Package.objects.filter(store=trip.store_id, label=normal_label(label)).first()
    if found is None:
        raise NothingThere
    [package] = Package.objects.for_update([found.pk])
    locked = Trip.objects.select_for_update().get(pk=trip.pk)
    if package.trip_id != locked.pk:
        raise NotOnThisTrip
    if locked.state not in TRIP_NOT_LEFT:
        raise TooLate
    if package.state == PackageState.LOADED:
        return package
    move([package], "load", by=by, now=now, holder=person)
    if locked.state == TripState.PLANNED:
        locked.state = TripState.LOADING
        locked.save(update_fields=["state"])
    return package


@transaction.atomic
def report_missing(*, trip: Trip, package: Package, by: Actor, now: datetime) -> Trip:
    """A claimed package is not on the bay. It leaves the trip; what the trip pays stays as quoted, also when nothing is
    left of it: not their fault.

    The package counts as received, not staged, until somebody scans it again.
    """
    Associate.objects.select_for_update().get(pk=trip.associate_id)
    [locked] = Package.objects.for_update([package.pk])
    mine = Trip.objects.select_for_update().get(pk=trip.pk)
    if locked.trip_id != mine.pk:
        raise NotOnThisTrip
    take_off(mine, [locked], "unstage", by=by, now=now, reason="missing at hand-over")
    return mine
