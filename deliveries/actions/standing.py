"""Pausing, leaving and taking consents back, with what it means for an open offer or a trip.

The change itself is a verb of `associates/actions.py`; here is what that app cannot know.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import formats
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from associates import actions
from associates.models import NEEDED_CONSENTS, Associate, Consent, Shift
from deliveries.actors import system
from deliveries.models import Offer, Trip
from deliveries.states import TRIP_OVER, DisputeState, OfferState, TripState
from stores.models import User

from . import Refused, messages, offers
from .trips import hide

# Payroll takes a period over when it is over, and weeks are corrected for three weeks (`tasks.close_weeks`).
PAY_TRAVELS = timedelta(days=35)
REMOVED = "(deleted with the person)"


class StillOnATrip(Refused):
    code = "still_on_a_trip"
    sentence = _(
        "You still have packages. Finish the trip, or give them back before you leave the store, and then try again."
    )


class StillADispute(Refused):
    code = "still_a_dispute"
    sentence = _(
        "You asked about a trip’s pay, and the answer is still to come. Wait for it, or take the question back."
    )


class PayOnItsWay(Refused):
    code = "pay_on_its_way"

    def __init__(self, through: datetime) -> None:
        super().__init__(
            gettext(
                "Your last pay is still on its way through payroll, which needs your employee number. You can delete "
                "everything from %(day)s on. You can leave now: that deletes your home area, car, limits and days at once."
            )
            % {"day": formats.date_format(through)}
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
    if kind == Consent.Kind.LOCATION:
        for trip in Trip.objects.select_for_update().filter(associate=person, state=TripState.UNDER_WAY):
            hide(trip)
    actions.withdraw_consent(associate=person, kind=kind, by=by, now=now)


@transaction.atomic
def leave(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Leave for good; an open offer goes back at once. Raises StillOnATrip while anything is claimed or in hand."""
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    _nothing_on_hand(person)
    _give_up_offer(person, now)
    messages.forget(associate=person)
    return actions.leave(associate=person, by=by, now=now)


@transaction.atomic
def erase(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Delete the person; trips, custody and pay stay without them. Twice is once.

    Raises StillOnATrip while anything is claimed or in hand, StillADispute while one waits for an answer, PayOnItsWay
    until payroll has had the last line of pay, which needs the employee number; and `actions.StaffToo`.
    """
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    _nothing_on_hand(person)
    if person.disputes.filter(state=DisputeState.OPEN).exists():
        raise StillADispute
    through = pay_is_through(person)
    if through is not None and now < through:
        raise PayOnItsWay(person.store.local(through))
    leave(associate=person, by=by, now=now)
    Offer.objects.filter(associate=person, state__in=[OfferState.LAPSED, OfferState.WITHDRAWN]).delete()
    person.blocks.all().delete()
    person.thanks.all().delete()
    person.disputes.update(words=REMOVED)
    person.disputes.exclude(answer="").update(answer=REMOVED)
    messages.forget(associate=person)
    shifts = Shift.everything.filter(Q(trips__associate=person) | Q(offers__associate=person)).values_list(
        "pk", flat=True
    )
    erased = actions.erase(associate=person, shifts=list(shifts), by=by, now=now)
    for rows in (erased.trips.all(), erased.disputes.all()):
        _nameless_in_history(rows)
    return erased


def _nameless_in_history(rows: QuerySet[Any]) -> None:
    """What staff's pages call these rows in their history carried the first name and the employee number."""
    kind = ContentType.objects.get_for_model(rows.model)
    by_id = {str(row.pk): row for row in rows.select_related("store", "associate__employee")}
    lines = list(LogEntry.objects.filter(content_type=kind, object_id__in=list(by_id)))
    for line in lines:
        line.object_repr = str(by_id[str(line.object_id)])[:200]
    LogEntry.objects.bulk_update(lines, ["object_repr"])


def pay_is_through(person: Associate) -> datetime | None:
    """From when on nothing of their pay is still on its way; None where there never was any."""
    trip_ended: datetime | None = person.trips.aggregate(last=Max("ended_at"))["last"]
    line_written: datetime | None = person.ledger.aggregate(last=Max("at"))["last"]
    moments = [moment for moment in (trip_ended, line_written) if moment is not None]
    return max(moments) + PAY_TRAVELS if moments else None


def _nothing_on_hand(person: Associate) -> None:
    on_a_trip = person.trips.exclude(state__in=TRIP_OVER).exists()
    if on_a_trip or person.holding.exists():
        raise StillOnATrip


def _give_up_offer(person: Associate, now: datetime) -> None:
    """By the system and without a reason: nothing may tell who did not want what."""
    for offer in Offer.objects.filter(associate=person, state=OfferState.SENT):
        offers.withdraw(offer=offer, by=system("offers"), now=now, reason="")
