"""Earnings: week by week, trip by trip, what was quoted and what was paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from associates.models import Associate
from deliveries.models import LedgerEntry, Package, Trip
from deliveries.states import PackageState, TripState

from . import mine
from .access import associate_page

A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Earned:
    """One trip that is over, with its lines in the ledger: none while it is pending."""

    trip: Trip
    ended_at: datetime
    delivered: int
    lines: list[LedgerEntry]

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)

    @property
    def seconds(self) -> int:
        return sum(line.quantity for line in self.lines if line.kind == LedgerEntry.Kind.TIME)

    @property
    def metres(self) -> int:
        return sum(line.quantity for line in self.lines if line.kind == LedgerEntry.Kind.MILEAGE)


@dataclass(frozen=True, slots=True)
class Week:
    """Trips of one week, newest first; `monday` on the store's calendar."""

    monday: date
    trips: list[Earned]

    @property
    def cents(self) -> int:
        return sum(earned.cents for earned in self.trips)


def earned_of(found: list[Trip]) -> list[Earned]:
    """Ledger lines and deliveries of these trips, in two queries however many there are."""
    lines: dict[int, list[LedgerEntry]] = {}
    for entry in LedgerEntry.objects.filter(trip__in=found):
        lines.setdefault(entry.trip_id, []).append(entry)
    delivered = dict(
        Package.objects.filter(trip__in=found, state=PackageState.DELIVERED)
        .order_by()
        .values_list("trip_id")
        .annotate(number=Count("pk"))
    )
    return [
        Earned(trip, trip.ended_at, delivered.get(trip.pk, 0), lines.get(trip.pk, []))
        for trip in found
        if trip.ended_at is not None
    ]


@require_GET
@associate_page
def earnings(request: HttpRequest, person: Associate) -> HttpResponse:
    # A trip given back before the shift's end came to nothing; it would only be a line of zeros.
    over = (
        mine.trips(person)
        .filter(state__in=[TripState.FINISHED, TripState.ABANDONED])
        .exclude(started_at=None, settled_at__isnull=False, entries=None)
        .order_by("-ended_at", "-pk")
    )
    page = Paginator(over, A_PAGE).get_page(request.GET.get("page"))
    weeks: list[Week] = []
    for earned in earned_of(list(page.object_list)):
        day = person.store.evening(earned.ended_at)
        monday = day - timedelta(days=day.weekday())
        if not weeks or weeks[-1].monday != monday:
            weeks.append(Week(monday, []))
        weeks[-1].trips.append(earned)
    total = LedgerEntry.objects.filter(associate=person).aggregate(cents=Sum("cents"))["cents"] or 0
    context = {"tab": "earnings", "person": person, "store": person.store, "weeks": weeks, "page": page, "total": total}
    return render(request, "associate/earnings.html", context)
