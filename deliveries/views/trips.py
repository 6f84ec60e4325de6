"""The trip: before leaving, under way, just over. One address, so that a phone left open is never on the wrong page."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from associates import actions as terms
from associates.models import Associate, Consent
from deliveries.actions import exceptions, trips
from deliveries.models import DeliveryException, Package, Stop, Trip
from deliveries.states import TRIP_NOT_LEFT, PackageState, TripState

from . import maps, mine, pickup
from .access import associate_page
from .answers import BadForm, key_of, text
from .phone import kept

# Reasons that stop the whole trip, not one door.
STOPS_THE_TRIP = (DeliveryException.Reason.CAR, DeliveryException.Reason.CANNOT_GO_ON)
NOT_THEIRS = (DeliveryException.Reason.NOT_RECEIVED,)  # the customer's to say
AT_ONE_DOOR = tuple(reason for reason in DeliveryException.Reason if reason not in STOPS_THE_TRIP + NOT_THEIRS)


@require_GET
@associate_page
@kept
def trip(request: HttpRequest, person: Associate) -> HttpResponse:
    now = timezone.now()
    found = mine.trip_tonight(person, now)
    if found is None:
        return render(
            request, "associate/no_trip.html", {"tab": "today", "person": person, "in_hand": mine.in_hand(person)}
        )
    if found.state in TRIP_NOT_LEFT:
        return pickup.page(request, person, found, now)
    if found.state == TripState.UNDER_WAY:
        return under_way(request, person, found, now)
    context = {
        "tab": "today", "person": person, "store": found.store, "trip": found, "undoable": _undoable(person, now),
        "in_hand": mine.in_hand(person), "delivered": found.packages.filter(state=PackageState.DELIVERED).count(),
        "to_store": navigate(found.store.lat, found.store.lon), "at": now.isoformat(),
    }  # fmt: skip
    return render(request, "associate/trip_over.html", context)


def under_way(request: HttpRequest, person: Associate, found: Trip, now: datetime) -> HttpResponse:
    """The next stop first; then what comes back, what follows, what is done."""
    doors = mine.doors(person, found)
    ahead = mine.ahead(doors)
    context = {
        "tab": "today", "person": person, "store": found.store, "trip": found, "doors": doors, "at": now.isoformat(),
        "ahead": [
            {
                "stop": door.stop, "packages": door.packages, "where": navigate(door.packages[0].lat, door.packages[0].lon),
                "out": [package for package in door.packages if package.state == PackageState.OUT],
                "attempted": [package for package in door.packages if package.state == PackageState.ATTEMPTED],
            }
            for door in ahead
        ],
        "done": [door for door in doors if door not in ahead],
        "to_store": navigate(found.store.lat, found.store.lon), "back": mine.to_bring_back(person),
        "undoable": _undoable(person, now), "may_locate": may_locate(person),
        "drawing": maps.doors_of(found.store, doors),
    }  # fmt: skip
    return render(request, "associate/trip.html", context)


def may_locate(person: Associate) -> bool:
    """Whether they consent, in the words of today, to their position on a trip."""
    return terms.consents_standing(person)[Consent.Kind.LOCATION]


def _undoable(person: Associate, now: datetime) -> list[dict[str, object]]:
    return [{"proof": proof, "until": proof.at + trips.UNDO} for proof in mine.undoable(person, now)]


def navigate(lat: float, lon: float) -> dict[str, str]:
    """Links that open a maps app at a point: Google's universal link, the phone's own choice, and Apple's."""
    point = f"{lat:.6f},{lon:.6f}"
    return {
        "google": "https://www.google.com/maps/dir/?" + urlencode({"api": 1, "destination": point}, safe=","),
        "geo": f"geo:{point}?q={point}",
        "apple": "https://maps.apple.com/?" + urlencode({"daddr": point}, safe=","),
    }


@require_POST
@associate_page
def leave_store(request: HttpRequest, person: Associate) -> HttpResponse:
    """Leave with everything loaded. The same tap twice is one departure."""
    found = mine.open_trip(person)
    if found is not None:
        trips.depart(trip=found, by=person, now=timezone.now())
    return redirect("trip")


@require_POST
@associate_page
def arrive(request: HttpRequest, person: Associate, stop_id: int) -> HttpResponse:
    trips.arrive(stop=stop_of(person, stop_id), by=person, now=timezone.now())
    return redirect("trip")


def stop_of(person: Associate, stop_id: int) -> Stop:
    """One of this person's stops. Raises Http404 for anybody else's."""
    found = Stop.objects.select_related("trip__store").filter(pk=stop_id, trip__associate=person).first()
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "POST"])
@associate_page
@kept
def problem(request: HttpRequest, person: Associate, stop_id: int) -> HttpResponse:
    """What went wrong at this door. The choice what to do next follows on the trip's page."""
    stop = stop_of(person, stop_id)
    packages = [
        claim.package
        for claim in stop.claims.filter(released_at=None).select_related("package")
        if claim.package.state in trips.AT_A_DOOR
    ]
    reasons = [(reason.value, reason.label) for reason in AT_ONE_DOOR]
    reason, note = text(request, "reason", 20), text(request, "note", 280)
    context = {
        "tab": "today", "person": person, "store": stop.trip.store, "stop": stop, "packages": packages,
        "reasons": reasons, "key": request.POST.get("key") or uuid4(), "note": note, "reason": reason, "lacks": "",
    }  # fmt: skip
    if request.method == "GET":
        return render(request, "associate/problem.html", context)
    key, wanted = key_of(request), set(request.POST.getlist("package"))
    named = [claim.package for claim in stop.claims.select_related("package") if str(claim.package_id) in wanted]
    context["lacks"] = "reason" if reason not in dict(reasons) else "package" if not named else ""
    if context["lacks"]:
        return render(request, "associate/problem.html", context, status=422)
    now = timezone.now()
    for package in named:
        exceptions.attempt(package=package, reason=reason, note=note, by=person, now=now, key=key)
    return redirect("trip")


AFTER_AN_ATTEMPT = {"retry": exceptions.retry, "keep": exceptions.keep, "bring-back": exceptions.bring_back}


@require_POST
@associate_page
def after_attempt(request: HttpRequest, person: Associate, package_id: int, what: str) -> HttpResponse:
    """Try the door again, keep it until the next shift, or bring it back."""
    package = Package.objects.filter(pk=package_id, holder=person).first()
    if package is None or what not in AFTER_AN_ATTEMPT:
        raise Http404
    AFTER_AN_ATTEMPT[what](package=package, by=person, now=timezone.now())
    return redirect("trip")


@require_http_methods(["GET", "POST"])
@associate_page
@kept
def cannot_go_on(request: HttpRequest, person: Associate) -> HttpResponse:
    """Stop here. Says first what it means; emergency and store are one tap away."""
    found = mine.open_trip(person)
    if found is None:
        return redirect("trip")
    if request.method == "GET":
        context = {
            "tab": "today", "person": person, "store": found.store, "trip": found, "key": uuid4(),
            "reasons": [(value, label) for value, label in DeliveryException.Reason.choices if value in STOPS_THE_TRIP],
        }  # fmt: skip
        return render(request, "associate/cannot_go_on.html", context)
    reason = text(request, "reason", 20)
    if reason not in STOPS_THE_TRIP:
        raise BadForm
    exceptions.cannot_go_on(
        trip=found, reason=reason, note=text(request, "note", 280), by=person, now=timezone.now(),
        key=key_of(request),
    )  # fmt: skip
    return redirect("trip")
