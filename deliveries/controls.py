"""What a customer may do about a package, and when not, with the sentence that says so. The only home of these rules:
the page asks which controls to show, the verbs in `actions/wishes.py` and `actions/chat.py` ask again on the locked row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deliveries.models import Package
from deliveries.states import ENDED, PackageState
from stores.models import Holiday, Store
from stores.places import Precision


class Control(StrEnum):
    """Each is also the last part of its page's address, `/t/<token>/<control>/`."""

    INSTRUCTIONS = "instructions"
    PIN = "pin"
    ANOTHER_DAY = "another-day"
    PICK_UP = "pick-up"
    CARRIER = "carrier"
    WRITE = "write"
    NOT_RECEIVED = "not-received"
    RATING = "rating"


P = PackageState
# In the store's hands and planned for nobody: everything can still be changed.
IN_STORE = (P.RECEIVED, P.STAGED, P.RETURNED)
# On the way to the door, or meant to be: a step to the side changes no plan.
BEFORE_THE_DOOR = (*IN_STORE, P.OFFERED, P.CLAIMED, P.LOADED, P.OUT)
MAY_STILL_COME = (*BEFORE_THE_DOOR, P.ATTEMPTED, P.KEPT, P.RETURNING)
# While somebody is driving with it. Not overnight: an evening's errand ends.
TALKING = (P.LOADED, P.OUT, P.ATTEMPTED)

BRIEF_AFTER = timedelta(hours=24)  # after the end only the status is left
MISSED_FOR = timedelta(days=7)
GONE_AFTER = timedelta(days=30)  # after the end nothing is left
MOST_DAYS_AHEAD, MOST_CHANGES_OF_DAY = 6, 2
MOST_REPORTS = 2
MOST_MESSAGES = 5  # of each side about one package on one trip

# How far the pin may be moved, in metres, by how well its address was known.
PIN_LIMIT_M = {Precision.ROOFTOP: 300, Precision.MANUAL: 300, Precision.STREET: 1_000, Precision.ZIP: 10_000}
# ... and once somebody's trip is planned by it: a driveway, not another street. Pay and the plan stay as they are.
PLANNED_PIN_LIMIT_M = 75

OVER: dict[str, str | Promise] = {
    P.DELIVERED: _("It has been delivered already."),
    P.WITH_CARRIER: _("The carrier has it now. Ask the carrier what can still be changed."),
    P.CANCELLED: _("This delivery was cancelled, so there is nothing to change."),
    P.HELD_FOR_PICKUP: _("It is kept at the store for you. Call the store if you want something else."),
}
PLANNED = _("It is planned for tonight already, so this cannot be changed here any more. Call the store.")
IN_HAND = _("Somebody from the store has it in hand, so this cannot be changed here any more. Call the store.")
NOT_ON_THE_ROAD = _("You can write to them once they have your package in hand, and until they have brought it.")
NOT_DELIVERED = _("This can be said once it has been delivered.")
TWICE_MOVED = _("It was moved to another day twice already. Call the store, and they will find a day with you.")
ENOUGH_WRITTEN = _("That was the last of %(n)d messages. Call the store if something is still open.")
ALREADY_TOLD = _("You have told us. The store looks into it and calls you.")
TOO_LATE_TO_TELL = _("This can be told here for seven days after the delivery. Call the store.")
ALREADY_RATED = _("You have rated this delivery. Thank you.")
LONG_OVER = _("This delivery is over.")
del P


def why_not(
    control: Control, package: Package, *, verbs: Sequence[str], written: int = 0, now: datetime
) -> str | Promise | None:
    """Why this is not possible now, None when it is.

    Args:
        verbs: those of the package's events, oldest first.
        written: how many messages the customer has sent to whoever has it.
    """
    state = PackageState(package.state)
    if control == Control.NOT_RECEIVED:
        return _why_not_missed(package, verbs, now)
    if state in ENDED and now - package.state_since > BRIEF_AFTER:
        return LONG_OVER
    if control == Control.CARRIER:
        return None  # it is remembered for the next packages even where it is too late for this one
    if control == Control.RATING:
        if state != PackageState.DELIVERED or "collect" in verbs:
            return NOT_DELIVERED
        return ALREADY_RATED if "rate" in verbs and "thank" in verbs else None
    if state in OVER:
        return OVER[state]
    if control == Control.INSTRUCTIONS:
        return None
    if control == Control.WRITE:
        if state not in TALKING:
            return NOT_ON_THE_ROAD
        return str(ENOUGH_WRITTEN) % {"n": MOST_MESSAGES} if written >= MOST_MESSAGES else None
    if control == Control.PIN and state in BEFORE_THE_DOOR:
        return None
    if state not in IN_STORE:
        return PLANNED if state in (PackageState.OFFERED, PackageState.CLAIMED) else IN_HAND
    if control == Control.ANOTHER_DAY and list(verbs).count("reschedule") >= MOST_CHANGES_OF_DAY:
        return TWICE_MOVED
    return None


def _why_not_missed(package: Package, verbs: Sequence[str], now: datetime) -> str | Promise | None:
    if package.state != PackageState.DELIVERED or "collect" in verbs:
        return NOT_DELIVERED
    if now - package.state_since > MISSED_FOR:
        return TOO_LATE_TO_TELL
    return ALREADY_TOLD if is_missing(verbs) or list(verbs).count("not_received") >= MOST_REPORTS else None


def is_missing(verbs: Sequence[str]) -> bool:
    """Whether the customer has said that it did not come, and nobody has settled that yet."""
    about_it = [verb for verb in verbs if verb in ("not_received", "found", "settle_report")]
    return bool(about_it) and about_it[-1] == "not_received"


def possible(package: Package, *, verbs: Sequence[str], written: int, now: datetime) -> tuple[Control, ...]:
    """The controls a customer has now, in the order of the page."""
    return tuple(
        control for control in Control if why_not(control, package, verbs=verbs, written=written, now=now) is None
    )


# --- Another day ----------------------------------------------------------------------------------------------------
def days(store: Store, package: Package, now: datetime) -> list[date]:
    """The evenings this package may be moved to: the next six, without the store's holidays, and never to an earlier one
    than is planned already."""
    first = max(store.evening(now), store.evening(package.not_before) if package.not_before else date.min)
    ahead = [store.evening(now) + timedelta(days=n) for n in range(1, MOST_DAYS_AHEAD + 1)]
    closed = set(Holiday.objects.filter(store=store, day__in=ahead).values_list("day", flat=True))
    return [day for day in ahead if day > first and day not in closed]


def moved_to(store: Store, package: Package, day: date) -> tuple[datetime, datetime]:
    """From when on and by when it comes on the evening of `day`: by the same time of the clock as was promised."""
    promise = store.local(package.deliver_by)
    after_midnight = (promise.date() - store.evening(package.deliver_by)).days
    by = datetime.combine(day + timedelta(days=after_midnight), promise.time(), store.zone)
    return datetime.combine(day, time(4), store.zone), by


# --- What is typed --------------------------------------------------------------------------------------------------
_CONTACT = re.compile(r"@|https?:|www\.|(?:\d[\s().+-]*){7,}", re.IGNORECASE)


def gives_contact(words: str) -> bool:
    """Whether a text holds a phone number, a mail address or a link: these two are to know nothing of each other."""
    return bool(_CONTACT.search(words))
