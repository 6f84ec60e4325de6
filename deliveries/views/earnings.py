"""Earnings: week by week, trip by trip, what was quoted and what was paid, and a word about it if it seems wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from associates.models import Associate
from deliveries import hours, pay
from deliveries.actions import ledger
from deliveries.models import Dispute, LedgerEntry, Package, Trip
from deliveries.states import TRIP_OVER, DisputeState, PackageState

from . import mine
from .access import associate_page
from .answers import text

A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Earned:
    """One trip that is over, with its lines in the ledger: none while it is pending."""

    trip: Trip
    ended_at: datetime
    delivered: int
    lines: list[LedgerEntry]
    disputes: list[Dispute] = field(default_factory=list)

    @property
    def may_dispute(self) -> bool:
        return self.trip.settled_at is not None and not any(d.state == DisputeState.OPEN for d in self.disputes)

    @property
    def above_quote(self) -> int:
        """Cents above what was quoted; 0 for a trip that never left the store."""
        return max(0, self.cents - self.trip.pay_cents)

    @property
    def cents_per_extra_hour(self) -> int | None:
        """What an hour more than the drive home brought: the quoted detour, and what the trip took beyond its quote."""
        if self.trip.paid_cents is None:
            return None
        extra_s = self.trip.extra_s + max(0, self.seconds - self.trip.promise.paid_s)
        return self.cents * 3600 // extra_s if extra_s else None

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
    """Trips of one workweek of the store, newest first, and its hours so far."""

    starts_at: datetime
    worked: hours.Worked
    trips: list[Earned]

    @property
    def cents(self) -> int:
        return sum(earned.cents for earned in self.trips)

    @property
    def wage_matters(self) -> bool:
        """More than forty hours, and we do not know what the store pays for them."""
        return self.worked.store_cents is None and self.worked.seconds > pay.FORTY_HOURS_S


def earned_of(found: list[Trip]) -> list[Earned]:
    """Ledger lines, disputes and deliveries of these trips, in three queries however many there are."""
    lines: dict[int, list[LedgerEntry]] = {}
    for entry in LedgerEntry.objects.filter(trip__in=found):
        lines.setdefault(entry.trip_id, []).append(entry)
    disputes: dict[int, list[Dispute]] = {}
    for said in Dispute.objects.filter(trip__in=found).order_by("opened_at"):
        disputes.setdefault(said.trip_id, []).append(said)
    delivered = dict(
        Package.objects.filter(trip__in=found, state=PackageState.DELIVERED)
        .order_by()
        .values_list("trip_id")
        .annotate(number=Count("pk"))
    )
    return [
        Earned(trip, trip.ended_at, delivered.get(trip.pk, 0), lines.get(trip.pk, []), disputes.get(trip.pk, []))
        for trip in found
        if trip.ended_at is not None
    ]


@require_GET
@associate_page
def earnings(request: HttpRequest, person: Associate) -> HttpResponse:
    # A trip given back before the shift's end came to nothing; it would only be a line of zeros.
    over = (
        mine.trips(person)
        .filter(state__in=TRIP_OVER)
        .exclude(started_at=None, settled_at__isnull=False, entries=None)
        .order_by("-ended_at", "-pk")
    )
    page = Paginator(over, A_PAGE).get_page(request.GET.get("page"))
    by_week: dict[pay.Period, list[Earned]] = {}
    now = timezone.now()
    for earned in earned_of(list(page.object_list)):
        week = hours.week_of(person.store, earned.trip.shift.ends_at)
        by_week.setdefault(week._replace(end=min(week.end, now)), []).append(earned)
    worked = hours.of_weeks(person, by_week)
    weeks = [Week(person.store.local(week.start), worked[week], trips) for week, trips in by_week.items()]
    total = LedgerEntry.objects.filter(associate=person).aggregate(cents=Sum("cents"))["cents"] or 0
    context = {"tab": "earnings", "person": person, "store": person.store, "weeks": weeks, "page": page, "total": total}
    return render(request, "associate/earnings.html", context)


@require_POST
@associate_page
def dispute(request: HttpRequest, person: Associate, trip_id: int) -> HttpResponse:
    """Say that a trip's pay is not right."""
    trip = get_object_or_404(mine.trips(person), pk=trip_id)
    ledger.dispute(trip=trip, words=text(request, "words", ledger.LONGEST_WORDS), by=person, now=timezone.now())
    return _back_to(trip.pk)


@require_POST
@associate_page
def withdraw(request: HttpRequest, person: Associate, dispute_id: int) -> HttpResponse:
    """Take it back."""
    said = get_object_or_404(Dispute.objects.filter(associate=person).select_related("trip"), pk=dispute_id)
    ledger.withdraw_dispute(dispute=said, by=person, now=timezone.now())
    return _back_to(said.trip_id)


def _back_to(trip_id: int) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('earnings')}#trip-{trip_id}")
