"""The open board: what is left after the shift, first come, within one's limits."""

from __future__ import annotations

from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from associates.models import Associate
from deliveries import matching, quoting
from deliveries.actions import claims
from deliveries.models import Package

from . import answers, mine
from .access import associate_page
from .quotes import show, with_mine
from .reasons import refused, why_not


@require_GET
@associate_page
def board(request: HttpRequest, person: Associate) -> HttpResponse:
    """Each package with what adding it would bring: the difference to the trip they have."""
    now = timezone.now()
    trip = mine.open_trip(person)
    shift = matching.board_shift(person, now)
    rows = [
        {
            "package": package, "quote": planned.quote,
            "more_cents": planned.quote.cents - (trip.pay_cents if trip else 0),
            "more_s": planned.quote.extra_s - (trip.extra_s if trip else 0),
            "more_m": planned.quote.extra_m - (trip.extra_m if trip else 0),
        }
        for package, planned in (matching.board(person, now) if shift else [])
    ]  # fmt: skip
    context = {"tab": "offers", "person": person, "store": person.store, "rows": rows, "shift": shift, "trip": trip}
    return render(request, "associate/board.html", context)


@require_GET
@associate_page
def package(request: HttpRequest, person: Associate, package_id: int) -> HttpResponse:
    """One package of the board, with the whole trip's quote."""
    return _page(request, person, _on_board(person, package_id))


@require_POST
@associate_page
def claim(request: HttpRequest, person: Associate, package_id: int) -> HttpResponse:
    """Take it, at the quote on the screen. The same tap twice is one claim."""
    digest, key = answers.shown(request), answers.key_of(request)
    trip = mine.open_trip(person)
    now = timezone.now()
    wanted = Package.objects.filter(store=person.store, pk=package_id).first()
    if wanted is None:
        raise Http404
    shift = trip.shift if trip else matching.board_shift(person, now)
    if shift is None:
        raise claims.BoardClosed
    if trip is None or wanted.trip_id != trip.pk:  # not a tap that has already been answered
        wanted = _on_board(person, package_id)
    try:
        planned, _together = with_mine(person, shift, trip, [wanted])
        claims.claim(planned=planned, shown=digest, by=person, now=now, key=key)
    except claims.QuoteChanged as changed:
        return _page(request, person, wanted, said=str(changed), status=409)
    except quoting.DoesNotFit as no:
        return refused(request, why_not(no.reason), code="does_not_fit")
    return redirect("trip")


def _on_board(person: Associate, package_id: int) -> Package:
    """The package if it is still free in their store. Raises AlreadyTaken for one that was, Http404 for any other."""
    now = timezone.now()
    if matching.board_shift(person, now) is None:
        raise claims.BoardClosed
    found = Package.objects.offerable(person.store, now).filter(pk=package_id).first()
    if found is None:
        if Package.objects.filter(store=person.store, pk=package_id).exists():
            raise claims.AlreadyTaken
        raise Http404
    return found


def _page(
    request: HttpRequest, person: Associate, wanted: Package, *, said: str = "", status: int = 200
) -> HttpResponse:
    trip = mine.open_trip(person)
    shift = trip.shift if trip else matching.board_shift(person, timezone.now())
    if shift is None:
        raise claims.BoardClosed
    try:
        planned, together = with_mine(person, shift, trip, [wanted])
    except quoting.DoesNotFit as no:
        return refused(request, why_not(no.reason), code="does_not_fit")
    context = {
        "tab": "offers", "person": person, "store": person.store, "package": wanted, "trip": trip, "said": said,
        "shown": show(planned, together, shift, person.store, person), "key": request.POST.get("key") or uuid4(),
    }  # fmt: skip
    return render(request, "associate/board_package.html", context, status=status)
