"""The bay: one field to scan into. Stage, hand over to a person, receive returns. Every scan is one call of a verb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries import actors
from deliveries.actions import Refused, exceptions, handover, receiving
from deliveries.actions.receiving import NothingThere
from deliveries.models import Claim, Package, Trip
from deliveries.states import TRIP_NOT_LEFT, PackageState
from stores.models import Store
from stores.places import Precision

from .staff import Desk, show, staff_page

MODES: dict[str, tuple[str | Promise, str]] = {
    "stage": (_("Onto the bay"), "stage"),
    "handover": (_("Hand over"), "load"),
    "returns": (_("Returns"), "receive_return"),
}
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one scan. `kind` is "done", "again" (nothing to do) or "refused"; `sentence` is for people."""

    kind: str
    sentence: str
    code: str
    note: str = ""


def find(store: Store, typed: str) -> Package:
    """The package with this label; or with this reference, for the retailer's own bar code. Raises NothingThere."""
    label = handover.normal_label(typed)
    mine = Package.objects.filter(store=store)
    found = mine.filter(label=label).first() or mine.filter(reference=typed.strip()[:64]).first()
    if found is None:
        raise NothingThere
    return found


def scan(desk: Desk, mode: str, typed: str, trip: Trip | None, user_id: int) -> Result:
    """One scan in one mode. A refusal comes back as its sentence, with where the package is now."""
    by, now = actors.staff(user_id), timezone.now()
    if not desk.may(MODES[mode][1]):
        return Result("refused", gettext("Your role does not include this. Ask a lead of your store."), typed)
    try:
        package = find(desk.store, typed)
    except NothingThere as no:
        return Result("refused", str(no), typed)
    before = package.state
    try:
        if mode == "stage":
            receiving.stage(packages=[package], by=by, now=now)
        elif mode == "returns":
            exceptions.receive_return(package=package, by=by, now=now)
        elif trip is None:
            return Result("refused", gettext("Choose a trip first; then scan its packages."), typed)
        else:
            handover.load(trip=trip, label=package.label, by=by, now=now)
    except Refused as no:
        package.refresh_from_db()
        state = package.get_state_display()
        return Result("refused", str(no), package.label, gettext("It is now: %(state)s.") % {"state": state})
    return _done(mode, package, before, trip)


def _done(mode: str, package: Package, before: str, trip: Trip | None) -> Result:
    reached = {"stage": PackageState.STAGED, "handover": PackageState.LOADED, "returns": PackageState.RETURNED}[mode]
    again = before == reached
    if mode == "stage":
        sentence = gettext("Already on the bay.") if again else gettext("On the bay.")
        weak = package.precision == Precision.ZIP
        note = gettext("Its pin is only known by ZIP code: confirm it before it can be offered.") if weak else ""
        return Result("again" if again else "done", sentence, package.label, note)
    if mode == "returns":
        sentence = (
            gettext("Already on the returns shelf.") if again else gettext("Back in the store. Put it on the shelf.")
        )
        return Result("again" if again else "done", sentence, package.label)
    name = trip.associate.first_name if trip else ""
    sentence = gettext("%(name)s already has it.") if again else gettext("Handed to %(name)s.")
    return Result("again" if again else "done", sentence % {"name": name}, package.label)


def open_trips(store: Store) -> list[Trip]:
    """Trips that are still at the bay, the earliest end of shift first."""
    return list(
        Trip.objects.filter(store=store, state__in=TRIP_NOT_LEFT)
        .select_related("associate", "shift")
        .defer("quote")
        .order_by("shift__ends_at", "pk")
    )


def lists(desk: Desk, mode: str, trip: Trip | None) -> dict[str, Any]:
    """What the page lists under the field, by mode."""
    mine = Package.objects.not_ended().filter(store=desk.store)
    if mode == "stage":
        waiting = mine.filter(state__in=[PackageState.RECEIVED, PackageState.RETURNED]).order_by("deliver_by", "pk")
        return {"waiting": list(waiting[:MOST_ROWS]), "waiting_count": waiting.count()}
    if mode == "returns":
        coming = mine.filter(state__in=[PackageState.RETURNING, PackageState.KEPT, PackageState.ATTEMPTED])
        return {
            "coming": list(coming.select_related("holder").order_by("state_since", "pk")[:MOST_ROWS]),
            "shelf": list(mine.filter(state=PackageState.RETURNED).order_by("state_since", "pk")[:MOST_ROWS]),
        }
    claims = (
        Claim.objects.filter(trip=trip, released_at=None).select_related("package").order_by("stop__position", "pk")
    )
    packages = [claim.package for claim in claims] if trip else []
    loaded = sum(package.state == PackageState.LOADED for package in packages)
    return {"trips": open_trips(desk.store), "packages": packages, "loaded": loaded}


@staff_page
def bay_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """GET shows the bay; POST is one scan (`code`) or a package reported missing (`missing`).

    With the header `X-Part` only the part that changes comes back, for the script that keeps the field ready;
    without it the page works by redirect.
    """
    mode = request.GET.get("mode", "stage")
    if mode not in MODES:
        raise Http404
    trip = None
    if mode == "handover" and (number := request.GET.get("trip", "")):
        trip = next((trip for trip in open_trips(desk.store) if str(trip.pk) == number), None)
        if trip is None:
            return HttpResponseRedirect(_address(desk, mode, None))
    result = None
    if request.method == "POST":
        user_id: int = request.user.pk  # type: ignore[assignment]
        if missing := request.POST.get("missing", ""):
            result = _missing(desk, trip, missing, user_id)
        elif typed := "".join(filter(str.isprintable, request.POST.get("code", ""))).strip()[:80]:
            result = scan(desk, mode, typed, trip, user_id)
        if not request.headers.get("X-Part"):
            if result:
                level = messages.ERROR if result.kind == "refused" else messages.SUCCESS
                messages.add_message(request, level, f"{result.code} · {result.sentence} {result.note}".strip())
            return HttpResponseRedirect(_address(desk, mode, trip))
        if trip is not None:
            trip = next((row for row in open_trips(desk.store) if row.pk == trip.pk), None)
    context = {
        "title": _("Bay"), "store": desk.store, "stores": desk.stores, "page_url": reverse("staff:bay"),
        "mode": mode, "trip": trip, "result": result, "may": desk.may(MODES[mode][1]),
        "modes": [(name, label, _address(desk, name, None)) for name, (label, _verb) in MODES.items()],
        "here": _address(desk, mode, trip), **lists(desk, mode, trip),
    }  # fmt: skip
    if request.headers.get("X-Part"):
        return TemplateResponse(request, "admin/staff/bay_part.html", context)
    return show(request, "admin/staff/bay.html", context)


def _missing(desk: Desk, trip: Trip | None, number: str, user_id: int) -> Result:
    """A claimed package is nowhere on the bay: it leaves the trip, and the trip pays what it promised."""
    package = Package.objects.filter(store=desk.store, trip=trip).filter(pk=number if number.isdecimal() else 0).first()
    if trip is None or package is None:
        raise Http404
    if not desk.may("report_missing"):
        return Result("refused", gettext("Your role does not include this. Ask a lead of your store."), package.label)
    try:
        handover.report_missing(trip=trip, package=package, by=actors.staff(user_id), now=timezone.now())
    except Refused as no:
        return Result("refused", str(no), package.label)
    return Result("done", gettext("Reported missing. The trip goes on without it and pays the same."), package.label)


def _address(desk: Desk, mode: str, trip: Trip | None) -> str:
    query = {"store": desk.store.number, "mode": mode, **({"trip": trip.pk} if trip else {})}
    return f"{reverse('staff:bay')}?{urlencode(query)}"
