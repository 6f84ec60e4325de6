"""Before leaving: scan by typed code, report missing, give back."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from associates.models import Associate
from deliveries import actors, quoting
from deliveries.actions import claims, handover
from deliveries.models import Package, Trip
from deliveries.states import PackageState, TripState
from stores.refused import Refused

from . import mine
from .access import associate_page
from .answers import text
from .reasons import refused, why_not


def page(
    request: HttpRequest, person: Associate, trip: Trip, now: datetime, *, said: str = "", typed: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The pick-up list of a trip that has not left; `said` is what was wrong with the code just typed."""
    packages = [package for door in mine.doors(person, trip) for package in door.packages]
    loaded = [package for package in packages if package.state == PackageState.LOADED]
    context = {
        "tab": "today", "person": person, "store": trip.store, "trip": trip, "packages": packages,
        "loaded": len(loaded), "all_loaded": len(loaded) == len(packages) > 0, "said": said, "typed": typed,
        "waiting_since": trip.shift.ends_at if trip.shift.ends_at <= now else None, "now": now,
        "ends_at": trip.shift.ends_at, "swaps": mine.swaps(person, now), "store_change": mine.store_change(trip),
    }  # fmt: skip
    return render(request, "associate/pickup.html", context, status=status)


@require_http_methods(["GET", "POST"])
@associate_page
def scan(request: HttpRequest, person: Associate) -> HttpResponse:
    """One package out of the bay into their hands. The same code twice is one hand-over, and says so.

    A code that was wrong is answered here, so a reload (by hand, or by the page itself) asks for this address: the trip.
    The camera asks for JSON: `result` is `loaded`, `before` or `refused`, with a `sentence` and how many are `left`.
    """
    camera = request.headers.get("Accept") == "application/json"
    trip = mine.open_trip(person)
    if trip is None or trip.state == TripState.UNDER_WAY:
        if camera:
            return JsonResponse({"result": "refused", "sentence": str(claims.TooLate.sentence), "left": 0}, status=409)
        return redirect("trip")
    if request.method == "GET":
        return redirect("trip")
    now, typed = timezone.now(), text(request, "label", 40)
    if not typed:
        return page(request, person, trip, now, said=_("Type the code under the bars of the label."), status=422)
    before = set(trip.packages.filter(state=PackageState.LOADED).values_list("pk", flat=True))
    try:
        package = handover.load(trip=trip, label=typed, by=actors.associate(person.user_id), now=now)
    except Refused as no:
        if camera:
            return JsonResponse({"result": "refused", "sentence": f"{typed}: {no}"}, status=409)
        return page(request, person, trip, now, said=str(no), typed=typed, status=409)
    loaded, total = len(before | {package.pk}), trip.packages.count()
    counts = {"code": package.label, "loaded": loaded, "all": total}
    again = package.pk in before
    if again:
        sentence = _("%(code)s was scanned before. %(loaded)d of %(all)d are with you.") % counts
    else:
        sentence = _("%(code)s is with you. %(loaded)d of %(all)d.") % counts
    if camera:
        result = "before" if again else "loaded"
        return JsonResponse({"result": result, "sentence": sentence, "left": total - loaded})
    (messages.warning if again else messages.success)(request, sentence)
    return redirect("trip")


@require_POST
@associate_page
def missing(request: HttpRequest, person: Associate, package_id: int) -> HttpResponse:
    """It is not on the bay. The trip's pay stays as quoted."""
    package, trip = _on_my_trip(person, package_id)
    handover.report_missing(trip=trip, package=package, by=actors.associate(person.user_id), now=timezone.now())
    messages.success(
        request,
        _("%(code)s is off your trip, and the store knows that it is missing. Your pay stays as it was.")
        % {"code": package.label},
    )
    return redirect("trip")


@require_http_methods(["GET", "POST"])
@associate_page
def give_back(request: HttpRequest, person: Associate, package_id: int) -> HttpResponse:
    """Shows what the trip pays without this package, then gives it back. Free, and counted nowhere."""
    package, trip = _on_my_trip(person, package_id)
    rest = list(trip.packages.exclude(pk=package.pk))
    planned: quoting.PlannedTrip | None = None
    if rest:
        try:
            # A smaller trip that no longer fits (limits changed since) is theirs to finish all the same.
            planned = quoting.plan_trip(person, trip.shift, rest, relaxed=True)
        except quoting.DoesNotFit as no:
            return refused(request, why_not(no.reason), code="trip_left")
    if request.method == "GET":
        context = {
            "tab": "today", "person": person, "store": trip.store, "trip": trip, "package": package, "planned": planned,
        }  # fmt: skip
        return render(request, "associate/give_back.html", context)
    claims.give_back(package=package, rest=planned, by=person, now=timezone.now())
    messages.success(request, _("%(code)s goes back to the bay.") % {"code": package.label})
    return redirect("trip")


def _on_my_trip(person: Associate, package_id: int) -> tuple[Package, Trip]:
    """A package on this person's trip. Raises Http404 for any other."""
    trip = mine.open_trip(person)
    package = trip.packages.filter(pk=package_id).first() if trip else None
    if trip is None or package is None:
        raise Http404
    return package, trip
