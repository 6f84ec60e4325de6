""" "Why not me tonight?": the planner's reason for one person, in words, and what they could change. For them alone.

What came of earlier offers is not in it: whether one was open and not taken is kept nowhere, and this page does not guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from associates.models import Associate, Limits, Shift, current_shift
from deliveries import matching
from deliveries.planner import AssociateReason
from stores import units

from . import mine
from .access import associate_page
from .today import why_nothing

Words = str | Promise
SETTINGS = "setup_step"


@dataclass(frozen=True, slots=True)
class Way:
    """A way out: a page, and the words on its button. `step` is a question of set-up, where the page is one."""

    page: str
    label: Words
    step: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Why there is no offer, in one sentence as a heading, some more about it, and ways out."""

    title: Words
    text: Words = ""
    ways: tuple[Way, ...] = ()


# Nothing is on offer to them at all this evening: the codes of `today.why_nothing`.
CLOSED: dict[str, Answer] = {
    "setting_up": Answer(
        gettext_lazy("Your set-up is not finished."),
        gettext_lazy("A few questions are still open. What you answered is saved."),
        (Way("setup", gettext_lazy("Go on with set-up")),),
    ),
    "paused": Answer(
        gettext_lazy("You are paused."),
        gettext_lazy("Nothing is offered until you come back."),
        (Way("me", gettext_lazy("Send me offers again")),),
    ),
    "store_paused": Answer(
        gettext_lazy("Your store sends no offers at the moment."),
        gettext_lazy("Your settings are kept; there is nothing you need to do."),
    ),
    "holiday": Answer(gettext_lazy("Your store sends no offers on this day.")),
    "off_roster": Answer(
        gettext_lazy("The store’s roster does not list you any more."),
        gettext_lazy("If that is wrong, ask your people lead."),
    ),
    "no_shift": Answer(
        gettext_lazy("You have no shift today."),
        gettext_lazy("Offers come on days you work. Your next shift shows under “Today” by itself."),
    ),
    "off_day": Answer(
        gettext_lazy("Today is not one of your days."),
        gettext_lazy("You can change your weekdays, or say yes to this day alone."),
        (Way("days", gettext_lazy("Change my days")),),
    ),
    "resting": Answer(
        gettext_lazy("You said “not tonight”."),
        gettext_lazy("That costs nothing, and nobody keeps count. You can change your mind at any time."),
        (Way("today", gettext_lazy("Deliver tonight after all")),),
    ),
    "incomplete": Answer(
        gettext_lazy("Something is missing."),
        gettext_lazy("A consent, your home area or your insurance date is missing, so nothing can be offered."),
        (Way("me", gettext_lazy("Look under “Me”")),),
    ),
}

# A pair that somebody blocked reads like any other evening: nobody learns from this page that a customer asked for it.
OTHERS = Answer(
    gettext_lazy("Tonight the packages went better with others."),
    gettext_lazy(
        "All trips of the evening are planned together, and something on your way fitted better into another one. Whoever "
        "had fewer trips lately comes first. What you did with earlier offers plays no part."
    ),
)


@require_GET
@associate_page
def why(request: HttpRequest, person: Associate) -> HttpResponse:
    """The page. Nothing on it is kept on the phone."""
    now = timezone.now()
    shift = current_shift(person, now)
    context = {
        "tab": "offers", "person": person, "store": person.store, "shift": shift, "answer": _answer(person, shift, now),
        "board": matching.board_shift(person, now) is not None,
    }  # fmt: skip
    return render(request, "associate/why.html", context)


def _answer(person: Associate, shift: Shift | None, now: datetime) -> Answer:
    if mine.open_offer(person, now):
        return Answer(_("You have an offer."), ways=(Way("offers", _("Look at it")),))
    if mine.open_trip(person):
        return Answer(
            _("You have a trip tonight."),
            _("While you have one, nothing else is offered."),
            (Way("trip", _("My trip")),),
        )
    code = why_nothing(person, shift, now)
    if code or shift is None:
        return CLOSED[code or "no_shift"]
    if now >= shift.ends_at:
        return Answer(
            _("Your shift is over."), _("Offers go out before a shift ends. After it there is the open board.")
        )
    last, reason = matching.reason_for(person, now)
    if last is None or (not reason and not matching.in_wave(person.store, shift, now)):
        return _not_yet(person, shift, now)
    if not reason:
        return Answer(
            _("Nothing for you so far."),
            _("The evening is planned again every %(minutes)d minutes. We’ll tell you; you need not look.")
            % {"minutes": person.store.round_every_minutes},
        )
    return of_reason(AssociateReason(reason), person.limits)


def _not_yet(person: Associate, shift: Shift, now: datetime) -> Answer:
    """Before their wave: when it is."""
    store = person.store
    begins = shift.ends_at - timedelta(minutes=store.round_lead_minutes)
    if begins <= now:
        return Answer(
            _("There is no plan yet."),
            _("The evening is planned as soon as packages are on the bay. We’ll tell you; you need not look."),
        )
    return Answer(
        _("It is too early."),
        _("Your turn comes %(minutes)d minutes before your shift ends. We’ll tell you; you need not look.")
        % {"minutes": store.round_lead_minutes},
    )


def of_reason(reason: AssociateReason, limits: Limits) -> Answer:
    """The planner's code for somebody with these limits: what stood in the way, and the limit it was."""
    again = _("If you change it now, the next plan tonight goes by it.")
    minutes = Way(SETTINGS, _("Change how much longer"), "minutes")
    heavy = Way(SETTINGS, _("Change how heavy"), "weight")
    large = Way(SETTINGS, _("Change how large"), "size")
    count = Way(SETTINGS, _("Change how many packages"), "count")
    if reason == AssociateReason.NONE_WITHIN_DETOUR:
        text = ngettext(
            "You allow %(number)d minute more than your drive home. Everything on the bay takes longer.",
            "You allow %(number)d minutes more than your drive home. Everything on the bay takes longer.",
            limits.max_extra_minutes,
        ) % {"number": limits.max_extra_minutes}
        return Answer(_("Nothing lies close enough to your way."), f"{text} {again}", (minutes,))
    if reason == AssociateReason.HOME_TOO_LATE:
        if limits.home_by is None:
            return Answer(
                _("You would be home too late."),
                _("Your shift and a trip together may not get too long, and you need rest before your next clock-in."),
            )
        text = _("With any of the packages you would be home after the time you set.")
        return Answer(
            _("You would be home too late."), f"{text} {again}", (Way(SETTINGS, _("Change home by"), "home-by"),)
        )
    if reason == AssociateReason.ALL_TOO_HEAVY:
        text = _("You carry up to %(each)s lb, and %(load)s lb in all. What lies on your way is heavier.") % {
            "each": units.pounds(limits.max_package_weight_g), "load": units.pounds(limits.max_total_weight_g),
        }  # fmt: skip
        return Answer(_("What lies on your way is too heavy."), f"{text} {again}", (heavy,))
    if reason == AssociateReason.ALL_TOO_LARGE:
        text = _("What lies on your way is larger than you take, does not fit your trunk, or is too many for one door.")
        return Answer(_("What lies on your way is too large."), f"{text} {again}", (large, count))
    if reason == AssociateReason.BELOW_FLOOR:
        text = _("You ask for %(money)s for an extra hour. What lies on your way pays less.") % {
            "money": units.dollars(limits.floor_cents_per_hour)
        }
        return Answer(
            _("It would pay less than you ask for."),
            f"{text} {again}",
            (Way(SETTINGS, _("Change the least"), "floor"),),
        )
    if reason == AssociateReason.LIMIT_IS_ZERO:
        return Answer(_("One of your limits is zero."), again, (count, heavy, large))
    if reason == AssociateReason.NO_PATH:
        return Answer(
            _("We know no road between the store and your home area."),
            _("Set your home area again, and tell the store if it stays like this."),
            (Way(SETTINGS, _("Set my home area"), "home"),),
        )
    if reason == AssociateReason.ALL_PAST_DUE:
        return Answer(
            _("After your shift it is too late for them."),
            _("What lies on your way was promised to its customers for an earlier time."),
        )
    if reason == AssociateReason.NONE_WORTH_IT:
        return Answer(
            _("The detour would cost more than the carrier."),
            _("What lies near your way is too little for the time it takes. That changes with every evening."),
        )
    if reason == AssociateReason.NO_PACKAGES:
        return Answer(
            _("There was nothing to offer."),
            _("No package on the bay may go with an associate right now. The next plan looks again."),
        )
    return OTHERS
