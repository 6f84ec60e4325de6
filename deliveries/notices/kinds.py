"""Every kind of message in one table: whom it is for, when it is still true, by which channels, and how urgent it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deliveries.models.notice import Channel
from deliveries.states import PackageState, TripState

P, T = PackageState, TripState
MAIL, SMS, PUSH = Channel.MAIL, Channel.SMS, Channel.PUSH
EVERYWHERE = (MAIL, SMS, PUSH)
# By text message only where there is no mail address: news that can wait till somebody looks.
CALM = (MAIL, PUSH)
# By mail only where nothing faster reaches them: true for minutes.
FAST = (SMS, PUSH)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message.

    title:    what staff read in the previews.
    true_in:  the states of its package or trip in which it may still be sent; empty where something else decides.
    channels: by which it goes; where the reader has none of these, by the first of EVERYWHERE they have.
    urgent:   about something under way now, so quiet hours do not hold it.
    wait:     how long it stays unsent, because what it says may be taken back.
    lasts:    how long a push service keeps it for a phone that is off.
    """

    title: str | Promise
    true_in: frozenset[str] = frozenset()
    channels: tuple[Channel, ...] = EVERYWHERE
    urgent: bool = False
    wait: timedelta = timedelta()
    lasts: timedelta = timedelta(hours=12)


# A drop-off can be taken back for 60 seconds. The page says it at once; a message cannot be unsaid, so it waits.
UNDO = timedelta(seconds=65)
CUSTOMER: dict[str, Kind] = {
    "ready": Kind(_("Ready"), frozenset({P.STAGED, P.OFFERED, P.CLAIMED, P.LOADED}), CALM, wait=timedelta(minutes=2)),
    "on_the_way": Kind(_("On the way"), frozenset({P.OUT}), urgent=True, lasts=timedelta(hours=2)),
    "next": Kind(_("You are the next stop"), frozenset({P.OUT}), FAST, urgent=True, lasts=timedelta(minutes=15)),
    "answered": Kind(
        _("An answer to their text"),
        frozenset({P.LOADED, P.OUT, P.ATTEMPTED}),
        FAST,
        urgent=True,
        wait=timedelta(seconds=20),
        lasts=timedelta(minutes=30),
    ),
    "late": Kind(
        _("Late"),
        frozenset({P.RECEIVED, P.STAGED, P.OFFERED, P.CLAIMED, P.LOADED, P.OUT}),
        urgent=True,
        lasts=timedelta(hours=2),
    ),
    "delivered": Kind(_("Delivered"), frozenset({P.DELIVERED}), urgent=True, wait=UNDO),
    "attempted": Kind(_("Could not be left"), frozenset({P.ATTEMPTED, P.KEPT, P.RETURNING, P.RETURNED}), urgent=True),
    "with_carrier": Kind(_("With the carrier"), frozenset({P.WITH_CARRIER}), CALM),
    "pick_up": Kind(_("Ready for pick-up"), frozenset({P.HELD_FOR_PICKUP})),
}
# What is answered within this long of a message about an answer waits for the next one.
ANSWERS_APART = timedelta(minutes=5)
ASSOCIATE: dict[str, Kind] = {
    "offer": Kind(_("Offer"), lasts=timedelta(minutes=30)),
    "offer_closing": Kind(_("Offer closes soon"), channels=FAST, lasts=timedelta(minutes=10)),
    "offer_withdrawn": Kind(_("Offer withdrawn by the store"), lasts=timedelta(hours=1)),
    "trip_reminder": Kind(
        _("Your packages wait at the bay"), frozenset({T.PLANNED}), FAST, urgent=True, lasts=timedelta(minutes=30)
    ),
    "trip_changed": Kind(_("Trip changed by the store"), urgent=True, lasts=timedelta(hours=2)),
    "shift_moved": Kind(
        _("Shift moved by the store"), frozenset({T.PLANNED, T.LOADING}), urgent=True, lasts=timedelta(hours=2)
    ),
    "swap_asked": Kind(_("A colleague asks for a swap"), urgent=True, lasts=timedelta(minutes=20)),
    "swap_done": Kind(
        _("A colleague said yes to a swap"),
        frozenset({T.PLANNED, T.LOADING, T.ABANDONED}),
        urgent=True,
        lasts=timedelta(hours=1),
    ),
    "trip_added": Kind(
        _("Package put on a trip by the store"),
        frozenset({T.PLANNED, T.LOADING}),
        urgent=True,
        lasts=timedelta(hours=2),
    ),
    "pay_settled": Kind(_("Pay settled"), channels=CALM),
    "insurance_ends": Kind(_("Insurance ends soon"), channels=CALM),
    "license_ends": Kind(_("Driver’s license ends soon"), channels=CALM),
    "test": Kind(_("Test message"), urgent=True, lasts=timedelta(minutes=5)),
}
# To the store's leads: what cannot wait until they look at the board.
STAFF: dict[str, Kind] = {
    "trip_stopped": Kind(_("Somebody cannot go on"), channels=(MAIL, SMS), urgent=True, lasts=timedelta(hours=1)),
    "shifts_moved": Kind(
        _("Packages came back because shifts moved"), channels=(MAIL, SMS), urgent=True, lasts=timedelta(hours=1)
    ),
}
ALL = CUSTOMER | ASSOCIATE | STAFF
# Which date of an associate a message is about.
ABOUT_PAPERS = {"insurance_ends": "insured_until", "license_ends": "licensed_until"}
# What tells, if kept, who was offered what: deleted with the evening, as offers are.
OF_OFFERS = ("offer", "offer_closing", "offer_withdrawn", "swap_asked")
# Verb of an Event -> the message it owes the customer. Few on purpose: what they want to be told without looking.
OF_VERBS = {
    "stage": "ready",
    "depart": "on_the_way",
    "deliver": "delivered",
    "attempt": "attempted",
    "tender": "with_carrier",
    "hold": "pick_up",
}
del P, T
