"""Who has what, now: every package that is not delivered, cancelled or with the carrier, by whose hands it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries.models import Package
from deliveries.states import ENDED, PackageState
from stores.models import Store

from .staff import Desk, show, staff_page

MOST_ROWS = 400
IN_THE_STORE: tuple[tuple[Any, tuple[PackageState, ...]], ...] = (
    (_("On the bay"), (PackageState.STAGED, PackageState.OFFERED, PackageState.CLAIMED)),
    (_("Waiting for the bay"), (PackageState.RECEIVED,)),
    (_("Returns shelf"), (PackageState.RETURNED,)),
    (_("Held for pick-up"), (PackageState.HELD_FOR_PICKUP,)),
)


@dataclass(slots=True)
class Hands:
    """One place or person, and the packages there, the one that is there longest first."""

    name: Any
    person: Associate | None
    packages: list[tuple[Package, timedelta, bool]] = field(default_factory=list)


def custody(store: Store, now: datetime, wanted: str = "") -> list[Hands]:
    """Everything the store or somebody for it answers for; `wanted` is a part of a label, reference or recipient."""
    mine = Package.objects.filter(store=store).exclude(state__in=sorted(ENDED)).select_related("holder__employee")
    if wanted:
        mine = mine.filter(Q(label__icontains=wanted) | Q(reference__icontains=wanted) | Q(recipient__icontains=wanted))
    people: dict[int, Hands] = {}
    places = [Hands(name, None) for name, _states in IN_THE_STORE]
    place_of = {state: places[n] for n, (_name, states) in enumerate(IN_THE_STORE) for state in states}
    for package in mine.order_by("state_since", "pk")[:MOST_ROWS]:
        late = package.deliver_by <= now
        row = (package, now - package.state_since, late)
        if package.holder is not None:
            hands = people.setdefault(package.holder_id or 0, Hands(package.holder.first_name, package.holder))
            hands.packages.append(row)
        else:
            place_of[PackageState(package.state)].packages.append(row)
    return [*people.values(), *(place for place in places if place.packages)]


@staff_page
def custody_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """People first: what is in somebody's hands is what somebody has to answer for."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()[:40]
    hands = custody(desk.store, timezone.now(), wanted)
    page = {
        "title": _("Custody"), "store": desk.store, "stores": desk.stores, "page_url": reverse("staff:custody"),
        "hands": hands, "wanted": wanted, "count": sum(len(each.packages) for each in hands), "most": MOST_ROWS,
    }  # fmt: skip
    response = show(request, "admin/staff/custody.html", page)
    response["Cache-Control"] = "private, no-store"
    return response
