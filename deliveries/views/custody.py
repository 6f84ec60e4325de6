"""The custody card: who has what in hand since when, which cover applies, and what to do in an accident."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from associates.models import Associate
from deliveries.models import Event, Package
from deliveries.states import IN_CUSTODY, PackageState
from stores.models import Language, Store

from . import mine
from .access import associate_page
from .phone import kept

# What puts a package into somebody's hands.
INTO_HANDS = ("load", "transfer", "undo_delivery")
STANDARD_COVER = "standard-2026-11"


class Held(NamedTuple):
    """One line of the card. `who`: "you", "store" or "customer", since then."""

    package: Package
    who: str
    since: datetime


@require_GET
@associate_page
@kept
def custody(request: HttpRequest, person: Associate) -> HttpResponse:
    """Reads well without a signal: the phone keeps the page as it stood when it last had one, and says when."""
    now = timezone.now()
    trip = mine.trip_tonight(person, now)
    packages = {package.pk: package for package in mine.in_hand(person)}
    if trip is not None:
        packages |= {package.pk: package for package in trip.packages.all()}
    store = trip.store if trip else person.store
    context = {
        "tab": "today", "person": person, "store": store, "trip": trip, "in_hand": mine.in_hand(person),
        "held": held(list(packages.values()), person), "now": now, "cover": cover(store),
        "cover_version": store.cover_version or STANDARD_COVER,
    }  # fmt: skip
    return render(request, "associate/custody.html", context)


def held(packages: list[Package], person: Associate) -> list[Held]:
    """Who answers for each, in the order of their labels. What somebody else took over is not on it."""
    since: dict[int, datetime] = {}
    for event in Event.objects.filter(package__in=packages, verb__in=INTO_HANDS).order_by("package", "version"):
        since[event.package_id] = event.happened_at
    lines = []
    for package in sorted(packages, key=lambda each: each.label):
        if package.state in IN_CUSTODY:
            if package.holder_id == person.pk:
                lines.append(Held(package, "you", since.get(package.pk, package.state_since)))
        elif package.state == PackageState.DELIVERED:
            lines.append(Held(package, "customer", package.state_since))
        else:
            lines.append(Held(package, "store", package.state_since))
    return lines


def cover(store: Store) -> str:
    """The store's own words in the language of the page; "" where the standard text stands."""
    return store.cover_es if get_language() == Language.SPANISH else store.cover_en
