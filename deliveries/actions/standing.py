"""Pausing, leaving and taking consents back, with what it means for an open offer or a trip.

The change itself is a verb of `associates/actions.py`; here is what that app cannot know.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates import actions
from associates.models import NEEDED_CONSENTS, Associate
from deliveries.actors import system
from deliveries.models import Offer
from deliveries.states import OfferState, TripState
from stores.models import User

from . import Refused, messages, offers


class StillOnATrip(Refused):
    code = "still_on_a_trip"
    sentence = _(
        "You still have packages. Finish the trip, or give them back before you leave the store, and then try again."
    )


@transaction.atomic
def pause(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Pause; an open offer goes back at once. A trip that was claimed stays claimed."""
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    _give_up_offer(person, now)
    return actions.pause(associate=person, by=by, now=now)


@transaction.atomic
def withdraw_consent(*, associate: Associate, kind: str, by: User, now: datetime) -> None:
    """Take a consent back; without a needed one, an open offer goes back at once. A trip stays claimed."""
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    if kind in NEEDED_CONSENTS:
        _give_up_offer(person, now)
    actions.withdraw_consent(associate=person, kind=kind, by=by, now=now)


@transaction.atomic
def leave(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Leave for good; an open offer goes back at once. Raises StillOnATrip while anything is claimed or in hand."""
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    on_a_trip = person.trips.exclude(state__in=[TripState.FINISHED, TripState.ABANDONED]).exists()
    if on_a_trip or person.holding.exists():
        raise StillOnATrip
    _give_up_offer(person, now)
    messages.forget(associate=person)
    return actions.leave(associate=person, by=by, now=now)


def _give_up_offer(person: Associate, now: datetime) -> None:
    """By the system and without a reason: nothing may tell who did not want what."""
    for offer in Offer.objects.filter(associate=person, state=OfferState.SENT):
        offers.withdraw(offer=offer, by=system("offers"), now=now, reason="")
