"""What is owed because time passes, not because something happened: a sweep over one store."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from deliveries.live import snapshots
from deliveries.models import Offer, Package, Trip
from deliveries.states import OfferState, PackageState, TripState
from stores.models import Store

from .owed import owe_associate, owe_customers
from .readers import settings_of

LOOK_AHEAD = timedelta(hours=4)  # no trip takes longer
LONG_PAST = timedelta(hours=4)
IN_STORE_AHEAD = timedelta(hours=2)  # no drive to one door, with the loading, takes longer
REMIND_BEFORE_SHIFT_ENDS = timedelta(minutes=10)
CLOSES_SOON = timedelta(minutes=10)
LONG_OPEN = timedelta(minutes=25)  # an offer that is open for less has just been announced


def forewarn(*, store: Store, now: datetime) -> None:
    """Write down who is to be warned in this store; a repeat writes nothing new."""
    _late(store, now)
    _trip_reminders(store, now)
    _closing_offers(store, now)


def _late(store: Store, now: datetime) -> None:
    """Once a promise, as soon as the customer's page says "late", which is before the promise is broken. After a time in
    which nothing ran, later than that is better than never."""
    going = Q(
        state__in=[PackageState.CLAIMED, PackageState.LOADED, PackageState.OUT],
        deliver_by__range=(now - LONG_PAST, now + LOOK_AHEAD),
    )
    here = Q(
        state__in=[PackageState.RECEIVED, PackageState.STAGED, PackageState.OFFERED],
        deliver_by__range=(now - LONG_PAST, now + IN_STORE_AHEAD),
    )
    packages = {package.pk: package for package in Package.objects.not_ended().filter(going | here, store=store)}
    said = snapshots.load(packages, now=now)
    late = [pk for pk, facts in said.items() if facts.late]
    owe_customers([(packages[pk], "late", f"{packages[pk].deliver_by:%Y%m%d%H%M}") for pk in late], now=now)


def _trip_reminders(store: Store, now: datetime) -> None:
    """The shift ends, and nothing is loaded yet."""
    ending = Trip.objects.filter(
        store=store, state=TripState.PLANNED,
        shift__ends_at__range=(now - timedelta(hours=1), now + REMIND_BEFORE_SHIFT_ENDS),
    )  # fmt: skip
    for trip in ending.select_related("associate__user", "shift"):
        # Who claimed just now from the board is standing there.
        if trip.claimed_at < trip.shift.ends_at - REMIND_BEFORE_SHIFT_ENDS:
            owe_associate(trip.associate, "trip_reminder", f"trip/{trip.pk}/reminder", trip=trip, now=now)


def _closing_offers(store: Store, now: datetime) -> None:
    """Once, and only to those who asked for it: an offer costs nothing to pass, and nobody is to be pressed."""
    closing = Offer.objects.filter(store=store, state=OfferState.SENT, expires_at__range=(now, now + CLOSES_SOON))
    for offer in closing.filter(associate__message_settings__remind_of_offers=True).select_related("associate__user"):
        if offer.expires_at - offer.sent_at >= LONG_OPEN and settings_of(offer.associate).remind_of_offers:
            owe_associate(offer.associate, "offer_closing", f"offer/{offer.pk}/closing", offer=offer, now=now)
