"""Swaps before loading: ask a colleague to take packages, look at what a question would mean for oneself, say yes or no.

Everybody sees figures of their own trip alone, areas instead of doors, and of the other a first name. Whom one may ask does not
depend on offers, on "not tonight" or on anybody's limits, so the list tells nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from associates.models import Associate, Shift, willing
from deliveries import matching, quoting
from deliveries.actions import claims
from deliveries.actions import swaps as verbs
from deliveries.models import Package, Swap, Trip
from deliveries.states import TripState
from stores.models import Store

from . import answers, mine
from .access import associate_page
from .quotes import Shown, show
from .reasons import why_not

GONE = (TripState.LOADING, TripState.UNDER_WAY, TripState.FINISHED)


@dataclass(frozen=True, slots=True)
class After:
    """One's own trip after a swap: the plan (None: nothing is left on it) and how it is shown."""

    planned: quoting.PlannedTrip | None
    shown: Shown | None

    @property
    def digest(self) -> str:
        return self.planned.quote.digest if self.planned else ""


def colleagues(person: Associate, now: datetime) -> list[tuple[Associate, Shift]]:
    """Whom `person` may ask: signed up in the same store, with a shift that ends this evening, not loading or gone yet."""
    shifts = {shift.employee_id: shift for shift in _ending_tonight(person.store, now).order_by("-ends_at")}
    began = person.store.evening_began(now)
    away = Trip.objects.filter(associate=OuterRef("pk"), state__in=GONE, shift__ends_at__gte=began)
    people = Associate.objects.filter(
        store=person.store_id, state=Associate.State.ACTIVE, employee__active=True, employee__in=shifts
    )
    people = people.exclude(Exists(away)).exclude(pk=person.pk).order_by("first_name", "pk")
    return [(each, shifts[each.employee_id]) for each in people]


def _ending_tonight(store: Store, now: datetime) -> QuerySet[Shift]:
    """Shifts of `store` that end this evening, or are not longer over than the open board is open."""
    until = store.evening_began(now) + timedelta(days=1)
    return Shift.objects.filter(store=store, ends_at__gt=now - matching.BOARD_STAYS_OPEN, ends_at__lt=until)


@require_http_methods(["GET", "POST"])
@associate_page
def ask(request: HttpRequest, person: Associate) -> HttpResponse:
    """Choose packages and a colleague. A POST carries ticks and answers with one's own quote; it changes nothing."""
    trip = _planned_trip(person)
    return _ask_page(request, person, trip)


@require_POST
@associate_page
def send(request: HttpRequest, person: Associate) -> HttpResponse:
    """Ask, at the quote of one's own trip on the screen."""
    trip, now = _planned_trip(person), timezone.now()
    shown, ticked = answers.shown(request), _ticked(request, trip)
    whom = {str(each.pk): each for each, _shift in colleagues(person, now)}.get(request.POST.get("colleague", ""))
    if not ticked or whom is None:
        said = _("Tick what you would give, and choose whom you ask.")
        return _ask_page(request, person, trip, said=said, status=422)
    try:
        after = _after(person, trip, gives=ticked)
        verbs.ask(
            trip=trip, packages=ticked, colleague=whom, rest=after.planned, shown=shown, by=person, now=now
        )  # fmt: skip
    except claims.QuoteChanged as changed:
        return _ask_page(request, person, trip, said=str(changed), status=409)
    except quoting.DoesNotFit:
        return _ask_page(request, person, trip, status=409)  # says why
    messages.success(
        request, _("%(name)s is asked. Until they say yes, everything stays with you.") % {"name": whom.first_name}
    )
    return redirect("trip")


@require_GET
@associate_page
def swap(request: HttpRequest, person: Associate, swap_id: int) -> HttpResponse:
    """One question, as the one who answers it or as the one who waits; `?package=` shows what an exchange would mean."""
    try:
        question = _mine(person, swap_id)
    except Http404:
        # A page left open looks again when the question has ended, and goes where the outcome is.
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(reverse("trip"))
        raise
    return _page(request, person, question)


@require_POST
@associate_page
def yes(request: HttpRequest, person: Associate, swap_id: int) -> HttpResponse:
    """Yes, at the quote on the screen. The same tap twice is one swap."""
    shown, key, now = answers.shown(request), answers.key_of(request), timezone.now()
    found = mine.swaps(person, now).filter(pk=swap_id).first()
    if found is None:
        return _over(person, key)
    try:
        after = _answered(person, found, now)
        verbs.accept(swap=found, planned=after.planned, shown=shown, by=person, now=now, key=key)
    except claims.QuoteChanged as changed:
        return _page(request, person, found, said=str(changed), status=409)
    except quoting.DoesNotFit as no:
        return _page(request, person, found, said=why_not(no.reason), status=409)
    except (verbs.SwapGone, verbs.LoadingBegan):
        verbs.drop(swap=found, by=person, now=now)  # it can never be answered any more
        raise
    messages.success(request, _("Done. Your trip is as agreed now."))
    return redirect("trip")


@require_POST
@associate_page
def only_for(request: HttpRequest, person: Associate, swap_id: int) -> HttpResponse:
    """Yes, if they take these in exchange."""
    found, now = _mine(person, swap_id), timezone.now()
    shown, back = answers.shown(request), _back(request, person)
    try:
        after = _answered(person, found, now, gives=back)
        if not back or after.planned is None:
            raise verbs.SwapGone
        verbs.only_for(swap=found, packages=back, planned=after.planned, shown=shown, by=person, now=now)
    except claims.QuoteChanged as changed:
        return _page(request, person, found, said=str(changed), status=409)
    except quoting.DoesNotFit as no:
        return _page(request, person, found, said=why_not(no.reason), status=409)
    messages.success(request, _("%(name)s is asked for the exchange.") % {"name": found.asker.first_name})
    return redirect("swap", swap_id=found.pk)


@require_POST
@associate_page
def no(request: HttpRequest, person: Associate, swap_id: int) -> HttpResponse:
    """No, or never mind. Nothing is asked, nothing is kept."""
    found = Swap.objects.filter(Q(asker=person) | Q(colleague=person), pk=swap_id).first()
    if found is not None:
        verbs.drop(swap=found, by=person, now=timezone.now())
    messages.success(request, _("The question is closed. Everything stays as it was."))
    return redirect("today")


def _planned_trip(person: Associate) -> Trip:
    """Their trip, if nothing of it is loaded. Raises LoadingBegan, Http404."""
    trip = mine.open_trip(person)
    if trip is None:
        raise Http404
    if trip.state != TripState.PLANNED:
        raise verbs.LoadingBegan
    return trip


def _mine(person: Associate, swap_id: int) -> Swap:
    found = mine.swaps(person, timezone.now()).filter(pk=swap_id).first()
    if found is None:
        raise Http404
    return found


def _over(person: Associate, key: UUID) -> HttpResponse:
    """The answer to a "yes" on a question that is not there: the tap that ended it, sent again, or too late."""
    if mine.trips(person).filter(claims__key=key).exists():
        return redirect("trip")
    raise verbs.SwapGone


def _ticked(request: HttpRequest, trip: Trip) -> list[Package]:
    """The trip's packages that the form or the address names."""
    asked = request.POST if request.method == "POST" else request.GET
    wanted = {number for box in asked.getlist("package") for number in box.split()}
    return [package for package in trip.packages.order_by("pk") if str(package.pk) in wanted]


def _back(request: HttpRequest, person: Associate) -> list[Package]:
    trip = mine.open_trip(person)
    return _ticked(request, trip) if trip else []


def _after(
    person: Associate, trip: Trip | None, *, gives: Sequence[Package] = (), takes: Sequence[Package] = (),
    shift: Shift | None = None,
) -> After:  # fmt: skip
    """One's own trip without `gives` and with `takes`, exactly quoted. Who only takes is never paid less than before; who only
    gives may be above limits changed since. Raises quoting.DoesNotFit."""
    going = {package.pk for package in gives}
    stays = [package for package in trip.packages.all() if package.pk not in going] if trip else []
    packages = [*stays, *takes]
    on = trip.shift if trip else shift
    if on is None:
        raise quoting.DoesNotFit("no_associates")
    if not packages:
        return After(None, None)
    promise = trip.promise if trip and not gives else None
    planned = quoting.plan_trip(person, on, packages, at_least=promise, relaxed=not takes, now=timezone.now())
    return After(planned, show(planned, packages, on, person.store, person))


def _answered(person: Associate, swap: Swap, now: datetime, *, gives: Sequence[Package] = ()) -> After:
    """The trip of whoever answers, after a yes. Raises quoting.DoesNotFit."""
    asker = person.pk == swap.asker_id
    trip = swap.trip if asker else mine.open_trip(person)
    lines = list(swap.lines.select_related("package"))
    takes = [line.package for line in lines if line.to_colleague != asker]
    gives = gives or [line.package for line in lines if line.to_colleague == asker]
    return _after(person, trip, gives=gives, takes=takes, shift=None if trip else _shift(person, now))


def _shift(person: Associate, now: datetime) -> Shift | None:
    """Tonight's shift of somebody who may deliver and has no trip yet."""
    if not willing(person.store, person.store.evening(now)).filter(pk=person.pk).exists():
        return None
    shifts = _ending_tonight(person.store, now).filter(employee=person.employee_id)
    return shifts.exclude(trips__state__in=[TripState.PLANNED, *GONE]).order_by("ends_at").first()


def _ask_page(
    request: HttpRequest, person: Associate, trip: Trip, *, said: str = "", status: int = 200
) -> HttpResponse:
    now = timezone.now()
    ticked, problem, after = _ticked(request, trip), "", None
    try:
        after = _after(person, trip, gives=ticked)
    except quoting.DoesNotFit as no:
        problem = why_not(no.reason)
    ids = {package.pk for package in ticked}
    doors = [door.packages for door in mine.doors(person, trip) if door.packages]
    context = {
        "tab": "today", "person": person, "store": trip.store, "trip": trip, "after": after, "ticked": ids, "said": said,
        "problem": problem, "open": mine.swaps(person, now).filter(asker=person).first(),
        "stops": [{"packages": packages, "ids": " ".join(str(package.pk) for package in packages),
                   "ticked": all(package.pk in ids for package in packages)} for packages in doors],
        "colleagues": colleagues(person, now), "now": now, "chosen": request.POST.get("colleague", ""),
    }  # fmt: skip
    return render(request, "associate/swap_ask.html", context, status=status)


def _page(request: HttpRequest, person: Associate, swap: Swap, *, said: str = "", status: int = 200) -> HttpResponse:
    now = timezone.now()
    asker = person.pk == swap.asker_id
    awaited = swap.awaited_id == person.pk
    trip = mine.open_trip(person)
    back = _back(request, person) if awaited and not asker else []
    after, problem = None, ""
    if awaited:
        try:
            after = _answered(person, swap, now, gives=back)
        except quoting.DoesNotFit as no:
            problem = why_not(no.reason)
    lines = list(swap.lines.select_related("package"))
    ids = {package.pk for package in back}
    context = {
        "tab": "today", "person": person, "store": person.store, "swap": swap, "asker": asker, "awaited": awaited,
        "other": swap.colleague if asker else swap.asker, "trip": trip, "after": after, "problem": problem,
        "said": said if said != problem else "", "back": back, "key": request.POST.get("key") or uuid4(),
        "comes": [line.package for line in lines if line.to_colleague != asker],
        "goes": back or [line.package for line in lines if line.to_colleague == asker],
        "own": [{"package": package, "ticked": package.pk in ids} for package in trip.packages.order_by("pk")]
        if trip and trip.state == TripState.PLANNED else [],
    }  # fmt: skip
    return render(request, "associate/swap.html", context, status=status)
