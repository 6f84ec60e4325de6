"""Why something is not possible, as sentences for the associate, and the page that says it with the way out."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stores.refused import Refused

# The planner's codes (`planner.PackageReason`, and "no_home_area" from `quoting`) for a trip that does not fit.
DOES_NOT_FIT: dict[str, str | Promise] = {
    "no_home_area": _("We do not know your home area, so we cannot work out the detour. Set it under “Me”."),
    "not_for_associates": _("The store keeps one of these for its carrier."),
    "no_associates": _("This does not fit your shift tonight."),
    "no_path": _("We know no road to one of these addresses."),
    "blocked": _("One of these cannot go with you."),
    "outside_every_detour": _("This would take longer than the extra minutes you allow."),
    "too_heavy": _("One of these is heavier than you carry, or together they are."),
    "too_large": _("One of these is larger than you take, or together they do not fit your trunk."),
    "past_due": _("One of these would arrive later than promised to its customer."),
    "below_floor": _("This would pay less for an extra hour than you ask for."),
    "not_worth_it": _("The detour for this costs more than the carrier. Try more packages together."),
    "trips_full": _("These do not fit on one trip within your limits. Leave one out."),
}
NOT_NOW = _("These do not fit on one trip tonight. Leave one out.")

# Where to go on from a refusal, by its code: the name of a URL and the words on the button.
WAY_OUT: dict[str, tuple[str, str | Promise]] = {
    "over_limits": ("me", _("My limits")),
    "not_eligible": ("me", _("What is missing")),
    "swap_gone": ("today", _("Today")),
    "loading_began": ("trip", _("Back to pick-up")),
    "already_asked": ("swap_ask", _("Look at it")),
    "trip_left": ("trip", _("My trip")),
    "wrong_state": ("trip", _("My trip")),
    "still_to_load": ("trip", _("Back to pick-up")),
    "still_on_a_trip": ("trip", _("My trip")),
    "still_a_dispute": ("earnings", _("Earnings")),
    "pay_on_its_way": ("leave", _("Only leave Homeward")),
    "undo_too_late": ("trip", _("My trip")),
    "not_on_this_trip": ("trip", _("Back to pick-up")),
    "may_not_be_kept": ("trip", _("My trip")),
    "no_transfer": ("take_over", _("Try another code")),
    "transfer_changed": ("trip", _("My trip")),
    "cannot_take": ("today", _("Today")),
    "not_settled": ("earnings", _("Earnings")),
    "nothing_said": ("earnings", _("Earnings")),
    "dispute_open": ("earnings", _("Earnings")),
    "dispute_closed": ("earnings", _("Earnings")),
}


def why_not(reason: str) -> str:
    """The sentence for a `quoting.DoesNotFit`."""
    return str(DOES_NOT_FIT.get(reason, NOT_NOW))


def refused(request: HttpRequest, no: Refused | str, *, code: str = "", status: int = 409) -> HttpResponse:
    """A friendly page for a verb's "no": the sentence, and the way on."""
    if isinstance(no, Refused):
        code = no.code
    name, label = WAY_OUT.get(code, ("offers", _("What there is now")))
    return render(
        request, "associate/refused.html", {"sentence": str(no), "way": name, "way_label": label}, status=status
    )
