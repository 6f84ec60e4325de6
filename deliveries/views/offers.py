"""Offers: look, tick a part and see its exact quote, claim, or "not tonight"."""

from __future__ import annotations

from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from associates.models import Associate, current_shift
from deliveries import matching, quoting
from deliveries.actions import claims
from deliveries.actions import offers as verbs
from deliveries.models import Offer, Package
from deliveries.states import OfferState

from . import answers, maps, mine
from .access import associate_page
from .phone import kept
from .quotes import Shown, show, stops_of, with_mine
from .reasons import refused, why_not
from .today import why_nothing


@require_GET
@associate_page
@kept
def offers(request: HttpRequest, person: Associate) -> HttpResponse:
    """The open offer, the trip already claimed, and whether the board is open."""
    now = timezone.now()
    offer = mine.open_offer(person, now)
    context = {
        "tab": "offers", "person": person, "store": person.store, "offer": offer, "trip": mine.open_trip(person),
        "shown": whole(offer, person) if offer else None, "board": matching.board_shift(person, now) is not None,
        "why": why_nothing(person, current_shift(person, now), now), "swaps": mine.swaps(person, now),
    }  # fmt: skip
    return render(request, "associate/offers.html", context)


@require_http_methods(["GET", "POST"])
@associate_page
@kept
def offer(request: HttpRequest, person: Associate, offer_id: int) -> HttpResponse:
    """One offer. A POST carries ticks and answers with their quote; it changes nothing."""
    now = timezone.now()
    found = _mine(person, offer_id)
    if found.state == OfferState.CLAIMED:
        return redirect("trip")
    if found.state == OfferState.WITHDRAWN:
        return refused(request, verbs.OfferWithdrawn(), status=410)
    if found.state != OfferState.SENT:
        return refused(request, verbs.OfferGone(), status=410)
    if found.expires_at <= now:
        return refused(request, claims.OfferExpired(), status=410)
    ticked = _ticked(request, found) if request.method == "POST" else _packages(found)
    return _page(request, person, found, ticked)


@require_POST
@associate_page
def claim(request: HttpRequest, person: Associate, offer_id: int) -> HttpResponse:
    """Claim what is ticked, at the quote on the screen. The same tap twice is one claim."""
    found = _mine(person, offer_id)
    digest, key = answers.shown(request), answers.key_of(request)
    ticked = _ticked(request, found)
    if not ticked:
        return _page(request, person, found, ticked, status=422)
    try:
        planned, _together = _plan(person, found, ticked)
        claims.claim(planned=planned, shown=digest, by=person, now=timezone.now(), key=key, offer=found)
    except claims.QuoteChanged as changed:
        return _page(request, person, found, ticked, said=str(changed), status=409)
    except quoting.DoesNotFit as no:
        return _page(request, person, found, ticked, said=why_not(no.reason), status=409)
    return redirect("trip")


@require_POST
@associate_page
def not_tonight(request: HttpRequest, person: Associate, offer_id: int) -> HttpResponse:
    """Pass. Nothing is asked, nothing is counted."""
    verbs.not_tonight(offer=_mine(person, offer_id), by=person, now=timezone.now())
    return redirect("today")


def _mine(person: Associate, offer_id: int) -> Offer:
    found = mine.offers(person).filter(pk=offer_id).first()
    if found is None:
        raise Http404
    return found


def _packages(offer: Offer) -> list[Package]:
    """What the offer held when it was sent, less what left it since; in visit order."""
    return [line.package for line in offer.lines.select_related("package")]


def _ticked(request: HttpRequest, offer: Offer) -> list[Package]:
    """The offer's packages that the form names, a stop's in one box; other ids are as good as none."""
    wanted = {number for box in request.POST.getlist("package") for number in box.split()}
    return [package for package in _packages(offer) if str(package.pk) in wanted]


def _plan(person: Associate, offer: Offer, ticked: list[Package]) -> tuple[quoting.PlannedTrip, list[Package]]:
    """The frozen quote for the whole offer, an exact new one for a part. Raises quoting.DoesNotFit."""
    trip = mine.open_trip(person)
    others = trip is not None and trip.packages.exclude(pk__in=[package.pk for package in ticked]).exists()
    if not others and {package.pk for package in ticked} == set(offer.promise.packages):
        return claims.planned_from(offer), ticked
    return with_mine(person, offer.shift, trip if others else None, ticked)


def whole(offer: Offer, person: Associate) -> Shown:
    """All of the offer: as it was sent, or with the trip they have meanwhile, where that fits."""
    packages = _packages(offer)
    try:
        planned, together = _plan(person, offer, packages)
    except quoting.DoesNotFit:
        planned, together = claims.planned_from(offer), packages
    return show(planned, together, offer.shift, offer.store, person)


def _page(
    request: HttpRequest, person: Associate, offer: Offer, ticked: list[Package], *, said: str = "", status: int = 200
) -> HttpResponse:
    shown: Shown | None = None
    planned: quoting.PlannedTrip | None = None
    problem = ""
    if not ticked:
        problem = _("Tick at least one stop, or choose “Not tonight”.")
    else:
        try:
            planned, together = _plan(person, offer, ticked)
            shown = show(planned, together, offer.shift, offer.store, person)
        except quoting.DoesNotFit as no:
            problem = why_not(no.reason)
    ids = {package.pk for package in ticked}
    packages = _packages(offer)
    stops = [
        {"stop": stop, "ticked": all(package.pk in ids for package in stop.packages)}
        for stop in stops_of(claims.planned_from(offer), packages)
    ]
    context = {
        "tab": "offers", "person": person, "store": offer.store, "offer": offer, "stops": stops, "shown": shown,
        "problem": problem, "said": said if said != problem else "", "part": len(ids) < len(packages),
        "key": request.POST.get("key") or uuid4(), "drawing": maps.drawing(offer.store, planned),
    }  # fmt: skip
    return render(request, "associate/offer.html", context, status=status)
