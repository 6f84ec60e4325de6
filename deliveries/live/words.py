"""The sentences of the tracking page: one for every status, what happens next, and the lines of the timeline.

English is the source; every sentence is whole, so that it can be translated whole. Called inside the right language
and time zone (`snapshots.render`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils import dateformat, timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deliveries.controls import Control
from deliveries.models import SafePlace
from stores import units

if TYPE_CHECKING:
    from .snapshots import Facts


class Status(StrEnum):
    """What a customer reads. Fewer than the states of a package, and `next` besides."""

    PREPARING = "preparing"
    READY = "ready"
    WITH_ASSOCIATE = "with_associate"
    ON_THE_WAY = "on_the_way"
    NEXT = "next"
    DELIVERED = "delivered"
    COLLECTED = "collected"
    ATTEMPTED = "attempted"
    RESCHEDULED = "rescheduled"
    COMING_BACK = "coming_back"
    WITH_CARRIER = "with_carrier"
    PICK_UP = "pick_up"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one page, in the language and on the clock that are active now.

    `step` is how far along the four steps it is (0 to 3), None where it left that road; `tone` is for the colour only.
    """

    headline: str
    why: str
    who: str
    next: str
    number: str
    window: str
    window_note: str
    stops: str
    place: str
    near: str
    credit: str
    opening: str
    hours: list[str]
    safe_place: str
    controls: list[tuple[str, str, str]]
    step: int | None
    tone: str
    timeline: list[tuple[datetime, str]]


STEPS = {
    Status.PREPARING: 0,
    Status.READY: 1,
    Status.WITH_ASSOCIATE: 1,
    Status.ON_THE_WAY: 2,
    Status.NEXT: 2,
    Status.DELIVERED: 3,
}
TONES = {
    Status.DELIVERED: "good", Status.COLLECTED: "good", Status.ON_THE_WAY: "moving", Status.NEXT: "moving",
    Status.ATTEMPTED: "care", Status.COMING_BACK: "care", Status.RESCHEDULED: "care", Status.CANCELLED: "over",
}  # fmt: skip

HEADLINES: dict[Status, str | Promise] = {
    Status.PREPARING: gettext_lazy("We are getting your package ready"),
    Status.READY: gettext_lazy("Your package is ready to go"),
    Status.WITH_ASSOCIATE: gettext_lazy("Somebody from your store will bring it"),
    Status.ON_THE_WAY: gettext_lazy("Your package is on the way"),
    Status.NEXT: gettext_lazy("You are the next stop"),
    Status.DELIVERED: gettext_lazy("Your package was delivered"),
    Status.COLLECTED: gettext_lazy("Your package was picked up"),
    Status.ATTEMPTED: gettext_lazy("We could not leave your package"),
    Status.RESCHEDULED: gettext_lazy("We will bring it another day"),
    Status.COMING_BACK: gettext_lazy("Your package is going back to the store"),
    Status.WITH_CARRIER: gettext_lazy("Your package is with the carrier"),
    Status.PICK_UP: gettext_lazy("Your package waits for you at the store"),
    Status.CANCELLED: gettext_lazy("This delivery was cancelled"),
}
NEXT: dict[Status, str | Promise] = {
    Status.PREPARING: gettext_lazy("Next, the store packs it and puts it on the shelf for tonight."),
    Status.READY: gettext_lazy("Next, somebody who works in the store takes it along, or our carrier does."),
    Status.WITH_ASSOCIATE: gettext_lazy("Next, they leave the store after work. This page shows when."),
    Status.ON_THE_WAY: gettext_lazy("You need not wait at the door: it is left in a safe place, with a photo."),
    Status.NEXT: gettext_lazy("You need not wait at the door: it is left in a safe place, with a photo."),
    Status.DELIVERED: gettext_lazy("You cannot find it? Look at the photo and ask at home, then call the store."),
    Status.COLLECTED: gettext_lazy("Nothing more to do. Something is not right? Call the store."),
    Status.ATTEMPTED: gettext_lazy("It is safe with them. They try again or take it back to the store tonight."),
    Status.RESCHEDULED: gettext_lazy(
        "We plan it for another evening, and this page shows it as soon as it is planned."
    ),
    Status.COMING_BACK: gettext_lazy("Next, the store checks it in and plans another day."),
    Status.WITH_CARRIER: gettext_lazy("The carrier brings it to your door. For where it is now, ask the carrier."),
    Status.PICK_UP: gettext_lazy("Bring the number of your order. The store keeps it for you."),
    Status.CANCELLED: gettext_lazy("Nothing will be brought. You did not expect this? Call the store."),
}
# For a customer; the associate's own words for the same reasons are DeliveryException.Reason.
REASONS: dict[str, str | Promise] = {
    "nobody_home": gettext_lazy("Nobody answered, and it could not be left outside."),
    "unsafe": gettext_lazy("There was no safe place to leave it."),
    "wrong_address": gettext_lazy("The address could not be found."),
    "refused": gettext_lazy("It was not accepted at the door."),
    "damaged": gettext_lazy("The package was damaged on the way."),
    "car": gettext_lazy("The car broke down."),
    "cannot_go_on": gettext_lazy("The trip had to end early."),
}
TIMELINE: dict[str, str | Promise] = {
    "receive": gettext_lazy("The store has your order"),
    "stage": gettext_lazy("Ready in the store"),
    "depart": gettext_lazy("Left the store"),
    "deliver": gettext_lazy("Delivered"),
    "attempt": gettext_lazy("Could not be left"),
    "retry": gettext_lazy("Another try tonight"),
    "keep": gettext_lazy("Kept safe for the next trip"),
    "return": gettext_lazy("On its way back to the store"),
    "receive_return": gettext_lazy("Back in the store"),
    "tender": gettext_lazy("Handed to the carrier"),
    "hold": gettext_lazy("Kept at the store for you"),
    "collect": gettext_lazy("Picked up at the store"),
    "cancel": gettext_lazy("Cancelled"),
    "reschedule": gettext_lazy("You chose another day"),
    "ask_carrier": gettext_lazy("You asked for the carrier"),
    "ask_associate": gettext_lazy("You asked for somebody from the store"),
    "not_received": gettext_lazy("You told us that it did not come"),
    "found": gettext_lazy("You told us that you have it"),
    "settle_report": gettext_lazy("The store looked into it"),
}
# What a customer may do: on the button, and in smaller letters below.
CONTROLS: dict[Control, tuple[str | Promise, str | Promise]] = {
    Control.INSTRUCTIONS: (
        gettext_lazy("Say where to leave it"),
        gettext_lazy("A safe place, how to find the door, a gate code"),
    ),
    Control.PIN: (gettext_lazy("Move the pin"), gettext_lazy("When maps put your door in the wrong spot")),
    Control.ANOTHER_DAY: (gettext_lazy("Bring it another day"), gettext_lazy("One of the next evenings")),
    Control.PICK_UP: (gettext_lazy("Pick it up at the store"), gettext_lazy("We keep it there for you")),
    Control.CARRIER: (
        gettext_lazy("Who brings your packages"),
        gettext_lazy("Somebody from the store, or a carrier only"),
    ),
    Control.NOT_RECEIVED: (gettext_lazy("I did not get it"), gettext_lazy("The store looks into it at once")),
    Control.RATING: (gettext_lazy("Rate it, or say thanks"), gettext_lazy("It takes two taps")),
}


def say(facts: Facts, *, now: datetime) -> Said:
    """Everything the fragment says about `facts`."""
    return Said(
        headline=str(HEADLINES[facts.status]),
        why=str(REASONS.get(facts.reason, "")),
        who=_who(facts),
        next="" if facts.brief else _next(facts),
        number=_("Ask them about %(number)s.") % {"number": facts.carrier_number} if facts.carrier_number else "",
        window=_window(facts, now),
        window_note=_window_note(facts),
        stops=_stops(facts),
        place=_place(facts),
        near=_near(facts),
        credit=_credit(facts),
        opening=facts.week.say(now) if facts.week else "",
        hours=facts.week.lines() if facts.week else [],
        safe_place=str(dict(SafePlace.choices).get(facts.own.safe_place, "")),
        controls=[
            (str(control), str(CONTROLS[control][0]), str(CONTROLS[control][1]))
            for control in facts.own.can
            if control in CONTROLS
        ],
        step=STEPS.get(facts.status),
        tone=TONES.get(facts.status, "calm"),
        timeline=[(line.at, str(TIMELINE[line.verb])) for line in facts.timeline],
    )


def _next(facts: Facts) -> str:
    """What happens next, with what its customer asked for."""
    if facts.own.not_before is not None:
        return _("Until then the store keeps it for you. You need to do nothing.")
    if facts.own.missing:
        return _("The store looks into it, with the photo and the place of the drop-off, and calls you.")
    if facts.own.carrier_asked and facts.status in (Status.PREPARING, Status.READY):
        return _("Next, our carrier takes it along, as you asked.")
    if facts.own.pin and facts.status in (Status.ON_THE_WAY, Status.NEXT):
        return _("Somebody has to be there: it is handed over against your PIN.")
    if facts.own.safe_place == SafePlace.IN_PERSON and facts.status in (Status.ON_THE_WAY, Status.NEXT):
        return _("You asked to have it handed to you, so please be there.")
    return str(NEXT[facts.status])


def _near(facts: Facts) -> str:
    """How far it is, for whoever is next; never nearer than the blur lets anybody say."""
    if facts.away_m is None:
        return ""
    tenths = round(facts.away_m / 160.9344)
    if tenths < 2:
        return _("Less than 0.2 mi away")
    return _("About %(miles)s mi away") % {"miles": number_format(tenths / 10, 1)}


def _credit(facts: Facts) -> str:
    if not facts.own.credit_cents:
        return ""
    return _("For picking it up yourself you get %(amount)s at the counter.") % {
        "amount": units.dollars(facts.own.credit_cents)
    }


def _who(facts: Facts) -> str:
    """Who has it, by first name."""
    if facts.carrier:
        return _("%(carrier)s is bringing it.") % {"carrier": facts.carrier}
    if not facts.courier:
        return ""
    sentences: dict[Status, Callable[[], str]] = {
        Status.WITH_ASSOCIATE: lambda: _("%(name)s, from your store, brings it on the way home from work."),
        Status.ON_THE_WAY: lambda: _("%(name)s, from your store, is bringing it on the way home from work."),
        Status.NEXT: lambda: _("%(name)s, from your store, is driving to you now."),
        Status.DELIVERED: lambda: _("%(name)s, from your store, brought it."),
        Status.RESCHEDULED: lambda: _("%(name)s, from your store, keeps it safe until then."),
        Status.COMING_BACK: lambda: _("%(name)s, from your store, is taking it back."),
    }
    return sentences[facts.status]() % {"name": facts.courier} if facts.status in sentences else ""


def _window(facts: Facts, now: datetime) -> str:
    if facts.window is not None and facts.window.opens <= now:
        return _("Expected by %(closes)s") % {"closes": _clock(facts.window.closes)}
    if facts.window is not None:
        return _("Expected between %(opens)s and %(closes)s") % {
            "opens": _clock(facts.window.opens),
            "closes": _clock(facts.window.closes),
        }
    if facts.own.not_before is not None:
        return _("By %(time)s") % {"time": _moment(facts.promise, now)}
    if facts.status in (Status.PREPARING, Status.READY, Status.WITH_ASSOCIATE, Status.ON_THE_WAY):
        if facts.late or facts.promise < now:
            return _("Late: it was promised by %(time)s") % {"time": _moment(facts.promise, now)}
        return _("By %(time)s") % {"time": _moment(facts.promise, now)}
    if facts.status == Status.WITH_CARRIER and not facts.brief:
        return _with_carrier(facts, now)
    if facts.status in (Status.DELIVERED, Status.COLLECTED):
        return _moment(facts.since, now)
    return ""


def _with_carrier(facts: Facts, now: datetime) -> str:
    """The promise that the carrier was given with it. Whether the carrier kept it we do not know, and do not say."""
    if facts.late:
        return _("Late: it was promised by %(time)s") % {"time": _moment(facts.promise, now)}
    return _("By %(time)s") % {"time": _moment(facts.promise, now)} if now < facts.promise else ""


def _window_note(facts: Facts) -> str:
    if facts.window is None:
        return ""
    if facts.window.late:
        return _("Later than the %(time)s we promised. We are sorry.") % {"time": _clock(facts.promise)}
    if facts.window.over:
        return _("It takes longer than we thought, so this is a new estimate.")
    return _("An estimate: it gets closer with every stop.")


def _stops(facts: Facts) -> str:
    if not facts.stops_away:
        return ""
    return ngettext("%(n)d stop before yours", "%(n)d stops before yours", facts.stops_away) % {"n": facts.stops_away}


def _place(facts: Facts) -> str:
    if facts.near_the_door is None:
        return ""
    return _("Left at your address.") if facts.near_the_door else _("Left near your address. The photo shows where.")


def _clock(moment: datetime) -> str:
    """ "5:45 p.m.", on the store's clock."""
    return dateformat.format(timezone.localtime(moment), "P")


def _moment(moment: datetime, now: datetime) -> str:
    """The time alone today, with the day otherwise."""
    local = timezone.localtime(moment)
    if local.date() == timezone.localtime(now).date():
        return _("%(time)s today") % {"time": _clock(moment)}
    return _("%(time)s on %(day)s") % {"time": _clock(moment), "day": dateformat.format(local, _("l, F j"))}
