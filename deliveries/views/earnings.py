"""Earnings: week by week, trip by trip, what was quoted and what was paid."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from associates.models import Associate
from deliveries.models import LedgerEntry, Trip
from deliveries.states import PackageState, TripState

from . import mine
from .access import associate_page

A_PAGE = 20


@dataclass
class Week:
    """Trips of one week, newest first; `monday` on the store's calendar. Sums are of what is settled."""

    monday: date
    trips: list[Trip] = field(default_factory=list)

    @property
    def cents(self) -> int:
        return sum(trip.paid for trip in self.trips)  # type: ignore[attr-defined]


@require_GET
@associate_page
def earnings(request: HttpRequest, person: Associate) -> HttpResponse:
    over = (
        mine.trips(person)
        .filter(state__in=[TripState.FINISHED, TripState.ABANDONED])
        .exclude(state=TripState.ABANDONED, started_at=None, settled_at__isnull=False, entries=None)
        .annotate(
            delivered=Count("packages", filter=Q(packages__state=PackageState.DELIVERED), distinct=True),
        )
        .order_by("-ended_at", "-pk")
    )
    page = Paginator(over, A_PAGE).get_page(request.GET.get("page"))
    entries = LedgerEntry.objects.filter(associate=person, trip__in=list(page.object_list))
    by_trip: dict[int, list[LedgerEntry]] = {}
    for entry in entries:
        by_trip.setdefault(entry.trip_id, []).append(entry)
    weeks: list[Week] = []
    for trip in page.object_list:
        trip.lines = by_trip.get(trip.pk, [])
        trip.paid = sum(entry.cents for entry in trip.lines)
        trip.seconds = sum(entry.quantity for entry in trip.lines if entry.kind == "time")
        trip.metres = sum(entry.quantity for entry in trip.lines if entry.kind == "mileage")
        day = trip.store.evening(trip.ended_at)
        monday = day - timedelta(days=day.weekday())
        if not weeks or weeks[-1].monday != monday:
            weeks.append(Week(monday))
        weeks[-1].trips.append(trip)
    total = LedgerEntry.objects.filter(associate=person).aggregate(cents=Sum("cents"))["cents"] or 0
    context = {"tab": "earnings", "person": person, "store": person.store, "weeks": weeks, "page": page, "total": total}
    return render(request, "associate/earnings.html", context)
