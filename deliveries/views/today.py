"""Today: the shift, the "deliver tonight" switch, tonight's trip; and why there is nothing, where there is nothing."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from associates import actions, terms
from associates.models import Associate, Shift, current_shift, on_their_days, willing
from deliveries import matching, switches
from deliveries.actions import offers, standing
from deliveries.states import TripState
from stores.models import Holiday

from . import mine
from .access import associate_page
from .phone import kept


@require_GET
@associate_page
@kept
def today(request: HttpRequest, person: Associate) -> HttpResponse:
    now = timezone.now()
    shift = current_shift(person, now)
    trip = mine.trip_tonight(person, now)
    context = {
        "tab": "today", "person": person, "store": person.store, "now": now, "shift": shift, "trip": trip,
        "offer": mine.open_offer(person, now), "in_hand": mine.in_hand(person), "swaps": mine.swaps(person, now),
        "board": matching.board_shift(person, now) is not None, "why": why_nothing(person, shift, now),
        "ask_again": person.state == Associate.State.ACTIVE and actions.consents_to_ask_again(person),
        "store_change": mine.store_change(trip),
        "resting": person.resting_on == person.store.evening(now),
        "kept_packages": mine.kept(person), "next_shift": next_shift(person, now),
        "may_take_over": matching.board_shift(person, now) is not None
        or (trip is not None and trip.state == TripState.UNDER_WAY),
        "terms": terms.sentence(terms.limits_of(person), terms.weekdays_of(person)),
    }  # fmt: skip
    return render(request, "associate/today.html", context)


def next_shift(person: Associate, now: datetime) -> Shift | None:
    """The shift to which something kept is to be brought."""
    return Shift.objects.filter(employee=person.employee_id, starts_at__gt=now).order_by("starts_at").first()


def why_nothing(person: Associate, shift: Shift | None, now: datetime) -> str:
    """Why no offer can come this evening, as a code for the template; "" when one can."""
    store = person.store
    evening = store.evening(now)
    if person.state == Associate.State.SETTING_UP:
        return "setting_up"
    if person.state == Associate.State.PAUSED:
        return "paused"
    if not switches.offers_go_out(store):
        return "store_paused"
    if Holiday.objects.filter(store=store, day=evening).exists():
        return "holiday"
    if not person.employee.active:
        return "off_roster"
    if shift is None:
        return "no_shift"
    if not on_their_days(Associate.objects.filter(pk=person.pk), evening).exists():
        return "off_day"
    if person.resting_on == evening:
        return "resting"
    if not willing(store, evening).filter(pk=person.pk).exists():
        return "incomplete"
    return ""


@require_POST
@associate_page
def tonight(request: HttpRequest, person: Associate) -> HttpResponse:
    """The switch. Off is "not tonight"; on takes it back."""
    now = timezone.now()
    if request.POST.get("tonight") == "yes":
        offers.tonight_after_all(by=person, now=now)
    else:
        offers.not_tonight(by=person, now=now)
    return redirect("today")


@require_POST
@associate_page
def pause(request: HttpRequest, person: Associate) -> HttpResponse:
    standing.pause(associate=person, by=person.user, now=timezone.now())
    return redirect("me")


@require_POST
@associate_page
def withdraw_consent(request: HttpRequest, person: Associate, kind: str) -> HttpResponse:
    standing.withdraw_consent(associate=person, kind=kind, by=person.user, now=timezone.now())
    return redirect("me")


@associate_page
def leave(request: HttpRequest, person: Associate) -> HttpResponse:
    """Asks once, then leaves."""
    if request.method != "POST":
        return render(request, "associate/leave.html", {"tab": "me", "person": person})
    standing.leave(associate=person, by=person.user, now=timezone.now())
    return redirect("join")
