"""Figures of each evening of one store, in a handful of queries however long the pilot.

An evening runs from four in the morning to four, on the store's clock. Money in cents, time in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from statistics import median

from django.db.models import Sum

from associates.models import Consent
from deliveries.models import DeliveryException, Event, LedgerEntry, Package, Proof, Tender, Trip
from deliveries.states import PackageState
from stores.models import Store

# Of fewer trips, time against the drive home would say where somebody lives (docs/decisions/0051, 0204).
FEWEST_TRIPS = 5


@dataclass(slots=True)
class Evening:
    """One evening. `promised` are packages due on it that went with an associate; `kept` those delivered by the promise.

    `dropoffs` happened on it, with what the carrier would have cost for the same packages. Trips count on the evening
    their shift ended; `quoted` and `paid` are of settled ones, `paid_more` how many of these paid above the quote.
    """

    day: date
    promised: int = 0
    kept: int = 0
    dropoffs: int = 0
    carrier_same: int = 0
    trips: int = 0
    settled: int = 0
    quoted: int = 0
    paid: int = 0
    paid_more: int = 0
    extra_s: int = 0
    waits_s: list[int] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)
    tendered: int = 0
    tendered_cents: int = 0
    opted_out: int = 0
    asked_for_carrier: int = 0

    @property
    def kept_share(self) -> float | None:
        return self.kept / self.promised if self.promised else None

    @property
    def cost_per_dropoff(self) -> int | None:
        return round(self.paid / self.dropoffs) if self.dropoffs and self.settled else None

    @property
    def pay_per_extra_hour(self) -> int | None:
        """Cents an hour longer than the drive home; None for so few trips that it would measure one person's way."""
        return round(self.paid * 3600 / self.extra_s) if self.settled >= FEWEST_TRIPS and self.extra_s else None

    @property
    def waiting_s(self) -> int | None:
        """Median from the end of the shift to leaving the store. All of it is paid."""
        return round(median(self.waits_s)) if self.waits_s else None

    @property
    def problem_count(self) -> int:
        return sum(self.problems.values())


class Total(Evening):
    """Several evenings as one; `day` is the last."""


def total(found: Iterable[Evening]) -> Total:
    whole = Total(date.min)
    for each in found:
        whole.day = max(whole.day, each.day)
        for one in fields(Evening):
            if one.name != "day":
                setattr(whole, one.name, getattr(whole, one.name) + getattr(each, one.name))
    return whole


def span(store: Store, first: date, last: date) -> tuple[datetime, datetime]:
    """From the beginning of the first evening to the end of the last, in UTC."""
    return store.begins(first), store.begins(last + timedelta(days=1))


def evenings(store: Store, first: date, last: date) -> list[Evening]:
    """Every evening from `first` to `last`, those without anything too."""
    begin, end = span(store, first, last)
    found = {first + timedelta(days=n): Evening(first + timedelta(days=n)) for n in range((last - first).days + 1)}

    def on(moment: datetime) -> Evening:
        return found[store.evening(moment)]

    _promises(store, begin, end, on)
    proofs = Proof.objects.filter(trip__store=store, undone_at=None, happened_at__gte=begin, happened_at__lt=end)
    for happened, carrier in proofs.values_list("happened_at", "package__carrier_cents"):
        on(happened).dropoffs += 1
        on(happened).carrier_same += carrier
    _trips(store, begin, end, on)
    told = DeliveryException.objects.filter(trip__store=store, happened_at__gte=begin, happened_at__lt=end)
    for happened, reason in told.values_list("happened_at", "reason"):
        on(happened).problems[reason] += 1
    given = Tender.objects.filter(manifest__store=store, manifest__evening__range=(first, last))
    for day, cents in given.values_list("manifest__evening", "cents"):
        found[day].tendered += 1
        found[day].tendered_cents += cents
    withdrawn = Consent.objects.filter(associate__store=store, withdrawn_at__gte=begin, withdrawn_at__lt=end)
    for person, at in (
        withdrawn.order_by("associate", "withdrawn_at").distinct("associate").values_list("associate", "withdrawn_at")
    ):
        del person
        if at is not None:
            on(at).opted_out += 1
    asked = Package.objects.filter(store=store, carrier_asked=True, deliver_by__gte=begin, deliver_by__lt=end)
    for due in asked.values_list("deliver_by", flat=True):
        on(due).asked_for_carrier += 1
    return list(found.values())


def _promises(store: Store, begin: datetime, end: datetime, on: Callable[[datetime], Evening]) -> None:
    """Packages due in the span that left with an associate, and whether they were there in time."""
    due = Package.objects.filter(
        store=store, deliver_by__gte=begin, deliver_by__lt=end, events__verb="depart"
    ).distinct()
    promises = dict(due.values_list("pk", "deliver_by"))
    delivered = dict(
        Event.objects.filter(package__in=due, verb="deliver", package__state=PackageState.DELIVERED)
        .order_by("version")
        .values_list("package", "happened_at")
    )
    for package_id, by in promises.items():
        evening = on(by)
        evening.promised += 1
        evening.kept += package_id in delivered and delivered[package_id] <= by


def _trips(store: Store, begin: datetime, end: datetime, on: Callable[[datetime], Evening]) -> None:
    trips = Trip.objects.filter(
        store=store, shift__ends_at__gte=begin, shift__ends_at__lt=end, started_at__isnull=False
    )
    lines = dict(LedgerEntry.objects.filter(trip__in=trips).order_by().values_list("trip").annotate(cents=Sum("cents")))
    figures = trips.values_list("pk", "shift__ends_at", "started_at", "pay_cents", "extra_s", "settled_at")
    for pk, ends, started, quoted, extra_s, settled in figures:
        if started is None:
            continue
        evening = on(ends)
        evening.trips += 1
        evening.waits_s.append(max(0, int((started - ends).total_seconds())))
        if settled is not None:
            evening.settled += 1
            evening.quoted += quoted
            evening.paid += lines.get(pk, 0)
            evening.paid_more += lines.get(pk, 0) > quoted
            evening.extra_s += extra_s
