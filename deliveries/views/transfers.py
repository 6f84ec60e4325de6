"""Handing packages over to a colleague on the road: the giver's page with the code, and the taker's with the quote."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import segno
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from associates.models import Associate
from deliveries import matching, quoting
from deliveries.actions import transfers
from deliveries.conflicts import blocked
from deliveries.models import Package, Transfer, Trip
from deliveries.states import MOVES, TripState
from stores.refused import Refused

from . import mine
from .access import associate_page
from .answers import shown, text
from .phone import kept
from .reasons import refused, why_not

# Where the giver's own session keeps [transfer, code] while it is good; the transfer itself has only its hash.
KEPT_IN = "transfer_code"


def qr(code: str) -> SafeString:
    """The code as an SVG for a colleague's camera; the letters stand beside it."""
    drawn = segno.make(code, error="m", micro=False).svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None)
    return mark_safe(drawn.replace("<svg ", '<svg aria-hidden="true" ', 1))  # noqa: S308  # drawn by segno from our own code


# --- The one who gives ------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@associate_page
@kept
def hand_over(request: HttpRequest, person: Associate) -> HttpResponse:
    """Choose packages, show the code, then say that the colleague has them."""
    now = timezone.now()
    may = MOVES["transfer"].sources
    mine_now = [p for p in mine.in_hand(person) if p.state in may and p.trip_id is not None]
    trip = _trip_of(person, mine_now)
    waiting = transfers.open_one(trip, now) if trip else None
    context: dict[str, Any] = {
        "tab": "today", "person": person, "store": person.store, "trip": trip, "packages": mine_now,
        "transfer": waiting, "lacks": False, "code": "",
    }  # fmt: skip
    if request.method == "POST":
        wanted = set(request.POST.getlist("package"))
        named = [p for p in mine_now if str(p.pk) in wanted and trip is not None and p.trip_id == trip.pk]
        if not named or trip is None:
            return render(request, "associate/hand_over.html", {**context, "lacks": True}, status=422)
        made, code = transfers.begin(trip=trip, packages=named, by=person, now=now)
        request.session[KEPT_IN] = [made.pk, code]
        return redirect("hand_over")
    if waiting is not None:
        context["chosen"] = list(waiting.packages.order_by("label"))
        context["code"], context["second"] = _code_of(request, waiting), transfers.second_code(waiting)
        context["qr"] = qr(context["code"]) if context["code"] else ""
    return render(request, "associate/hand_over.html", context)


def _trip_of(person: Associate, packages: list[Package]) -> Trip | None:
    """The trip whose packages can be handed over: the one under way, else the last one that left some in hand."""
    under_way = mine.trips(person).filter(state=TripState.UNDER_WAY).first()
    if under_way is not None or not packages:
        return under_way
    return mine.trips(person).filter(pk__in={p.trip_id for p in packages}).order_by("-claimed_at").first()


def _code_of(request: HttpRequest, transfer: Transfer) -> str:
    pk, code = request.session.get(KEPT_IN, [None, ""])
    return str(code) if pk == transfer.pk else ""


@require_POST
@associate_page
def answer(request: HttpRequest, person: Associate, transfer_id: int, what: str) -> HttpResponse:
    """`confirm` by the giver, `withdraw` by either, `received` by the taker with the giver's second code. Another's is a 404."""
    given = Transfer.objects.filter(pk=transfer_id, giver=person).first()
    found = given or Transfer.objects.filter(pk=transfer_id, taker=person).first()
    now = timezone.now()
    if found is None or what not in (("confirm", "withdraw") if given else ("received", "withdraw")):
        raise Http404
    if what == "received":
        transfers.confirm_with_code(transfer=found, code=text(request, "code", 20), by=person, now=now)
        messages.success(request, _("They are in your care and on your trip now."))
        return redirect("trip")
    if what == "withdraw":
        transfers.withdraw(transfer=found, by=person, now=now)
        messages.success(request, _("Nothing was handed over."))
        return redirect("trip")
    done = transfers.confirm(transfer=found, by=person, now=now)
    request.session.pop(KEPT_IN, None)
    number = done.packages.count()
    said = ngettext(
        "%(name)s has %(number)d package now. Your trip pays at least what was quoted.",
        "%(name)s has %(number)d packages now. Your trip pays at least what was quoted.",
        number,
    )
    messages.success(request, said % {"name": done.taker.first_name if done.taker else "", "number": number})
    return redirect("trip")


# --- The one who takes --------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@associate_page
def take_over(request: HttpRequest, person: Associate) -> HttpResponse:
    """Type or scan the code, see what it is and what it pays, agree, and wait for the colleague's word."""
    now = timezone.now()
    waiting = Transfer.objects.filter(taker=person, done_at=None, withdrawn_at=None).select_related("giver").first()
    typed = text(request, "code", 20)
    context: dict[str, Any] = {
        "tab": "today", "person": person, "store": person.store, "waiting": waiting, "typed": typed, "said": "",
    }  # fmt: skip
    if request.method == "GET" or waiting is not None:
        return render(request, "associate/take_over.html", context)
    if not typed:
        return render(request, "associate/take_over.html", {**context, "said": _("Type the code.")}, status=422)
    try:
        found = transfers.find(code=typed, by=person, now=now)
        base, planned = plan(person, found, now)
    except Refused as no:
        return render(request, "associate/take_over.html", {**context, "said": str(no)}, status=409)
    except quoting.DoesNotFit as no:
        return refused(request, why_not(no.reason), code="trip_left")
    if "shown" in request.POST:
        transfers.take(transfer=found, planned=planned, base=base, shown=shown(request), by=person, now=now)
        return redirect("take_over")
    context |= {
        "found": found, "packages": list(found.packages.order_by("label")), "quote": planned.quote,
        "more_cents": planned.quote.cents - (base.pay_cents if base else 0), "base": base,
        "more_s": planned.quote.extra_s - (base.extra_s if base else 0),
    }  # fmt: skip
    return render(request, "associate/take_over.html", context)


def plan(person: Associate, transfer: Transfer, now: datetime) -> tuple[Trip | None, quoting.PlannedTrip]:
    """The taker's trip with these packages on it: theirs under way that grows, or a new one after their shift.

    Raises CannotTake, quoting.DoesNotFit.
    """
    packages = list(transfer.packages.all())
    if person.state != Associate.State.ACTIVE or not person.has_consented():
        raise transfers.CannotTake
    if blocked([person], {}, packages)[person.pk]:
        raise transfers.CannotTake
    under_way = mine.trips(person).filter(state=TripState.UNDER_WAY).first()
    if under_way is not None:
        return under_way, quoting.extended(under_way, packages)
    shift = matching.board_shift(person, now)
    if shift is None or mine.open_trip(person) is not None:
        raise transfers.CannotTake
    return None, quoting.plan_trip(person, shift, packages, relaxed=True, now=now)
