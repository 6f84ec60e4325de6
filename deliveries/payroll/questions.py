"""What there is to know about a pay period besides its file: who gets what, what is still open, what came late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Aggregate, Count, Q, QuerySet, Sum

from associates.models import Associate
from deliveries import hours
from deliveries.models import Dispute, LedgerEntry, Trip
from deliveries.states import DisputeState, TripState

from .periods import PayPeriod


class Pay(NamedTuple):
    """Some lines: what they add up to in cents, and how many there are."""

    cents: int
    lines: int


@dataclass(frozen=True, slots=True)
class PersonsPay:
    """What one associate gets, by kind of line; cents."""

    associate: Associate
    by_kind: Mapping[str, int]

    @property
    def cents(self) -> int:
        return sum(self.by_kind.values())


def by_person(period: PayPeriod) -> list[PersonsPay]:
    """Everybody with a line in the period, in the order of the file."""
    sums = LedgerEntry.objects.filter(period.lines).order_by().values_list("associate", "kind")
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for associate, kind, cents in sums.annotate(Sum("cents")):
        found[associate][kind] = cents
    people = Associate.objects.filter(pk__in=found).select_related("employee").order_by("employee__reference")
    return [PersonsPay(person, found[person.pk]) for person in people]


def totals(periods: list[PayPeriod]) -> list[Pay]:
    """Of each of these periods of one store, in one query."""
    if not periods:
        return []
    asked: dict[str, Aggregate] = {}
    for number, each in enumerate(periods):
        inside = Q(at__gte=each.start, at__lt=each.end)
        asked |= {
            f"cents{number}": Sum("cents", filter=inside, default=0),
            f"lines{number}": Count("pk", filter=inside),
        }
    lines = LedgerEntry.objects.filter(store=periods[0].store, at__gte=min(each.start for each in periods))
    found = lines.aggregate(**asked)
    return [Pay(found[f"cents{number}"], found[f"lines{number}"]) for number in range(len(periods))]


def open_trips(period: PayPeriod) -> QuerySet[Trip]:
    """Trips of the period whose pay is not worked out: their lines will be in a later file.

    Without those that were given back before anything was carried, which count as never claimed.
    """
    mine = Trip.objects.filter(_trips_of(period), settled_at=None)
    given_back = Q(state=TripState.ABANDONED, started_at=None, called_off=False)
    return mine.exclude(given_back).select_related("associate__employee", "shift").order_by("shift__ends_at", "pk")


def open_disputes(period: PayPeriod) -> QuerySet[Dispute]:
    """What associates say about the pay of the period and nobody has answered."""
    mine = Dispute.objects.filter(_trips_of(period, "trip__"), state=DisputeState.OPEN)
    return mine.select_related("associate__employee", "trip").order_by("opened_at", "pk")


def has_questions(period: PayPeriod) -> bool:
    """Whether somebody's pay of the period is known to be incomplete or doubted: approving it asks for a reason."""
    return open_trips(period).exists() or open_disputes(period).exists()


def premium_due(period: PayPeriod, now: datetime) -> datetime | None:
    """When what the whole workweek owes is worked out (`ledger.close_week`), while that is still to come.

    What it adds is always in the next file, so nobody has to wait for it.
    """
    at = hours.week_of(period.store, period.start).end + hours.LOOK_AHEAD
    drove = Trip.objects.filter(_trips_of(period), settled_at__isnull=False)
    return at if now < at and drove.exists() else None


def written_later(period: PayPeriod) -> QuerySet[LedgerEntry]:
    """Lines about trips of this period that are in a later file: corrections, the week's premium, a late settlement."""
    return LedgerEntry.objects.filter(_trips_of(period, "trip__"), at__gte=period.end).order_by("at", "pk")


def about_earlier(period: PayPeriod) -> Pay:
    """The lines of this period that are about trips before it."""
    lines = LedgerEntry.objects.filter(period.lines, trip__shift__ends_at__lt=period.start)
    return Pay(*lines.aggregate(cents=Sum("cents", default=0), lines=Count("pk")).values())


def _trips_of(period: PayPeriod, trip: str = "") -> Q:
    """Trips after shifts that ended in the period; `trip` is the path from a row to its trip ("trip__")."""
    store, ends_at = f"{trip}store", f"{trip}shift__ends_at"
    return Q(**{store: period.store, f"{ends_at}__gte": period.start, f"{ends_at}__lt": period.end})
