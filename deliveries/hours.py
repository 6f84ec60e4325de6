"""The hours of a workweek: store shifts as the roster has them, trips as the ledger paid them.

Shifts count from start to end, meal breaks in them: the roster does not tell us breaks, and too many hours only bring
overtime earlier. Nothing here is one query a person: a whole evening is read in two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil

from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Q, Subquery, Sum

from associates.models import Associate, Shift
from deliveries import fatigue, pay
from deliveries.models import LedgerEntry, Trip
from stores.models import Store

LOOK_AHEAD = timedelta(hours=24)  # a next clock-in later than this cannot ask for rest tonight
# Straight-time pay: what the regular rate and the minimum wage look at. Mileage is no wage (29 CFR 778.217), and an
# overtime premium is not part of the rate it is half of (29 CFR 778.201).
WAGES = ("packages", "time", "minimum", "correction")


@dataclass(frozen=True, slots=True)
class Hours:
    """Of one associate before a trip after one shift: the workweek so far, and the next clock-in if it is near."""

    week: pay.Week
    next_start: datetime | None


@dataclass(frozen=True, slots=True)
class PaidTrip:
    """A settled trip as the ledger has it. Seconds are paid seconds, from the end of the shift."""

    trip: Trip
    began_at: datetime
    seconds: int
    wages_cents: int
    premium_cents: int
    mileage_cents: int
    metres: int

    def within(self, period: pay.Period) -> tuple[int, Fraction]:
        """Seconds of the trip in `period`, and the wages for them in cents, by time where it crosses a boundary."""
        inside = period.overlap_s(self.began_at, self.began_at + timedelta(seconds=self.seconds))
        share = Fraction(inside, self.seconds) if self.seconds else Fraction(self.began_at >= period.start)
        return inside, self.wages_cents * share


@dataclass(slots=True)
class Worked:
    """One person's workweek: in the store, and on trips. `store_cents` is None where the wage is unknown."""

    store_s: int = 0
    store_cents: int | None = 0
    trip_s: int = 0
    trip_cents: Fraction = Fraction(0)
    trips: list[PaidTrip] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        return self.store_s + self.trip_s

    @property
    def store(self) -> pay.Week:
        """The week as the store's own payroll sees it."""
        return pay.Week(self.store_s, self.store_cents)

    @property
    def so_far(self) -> pay.Week:
        """The week with its trips."""
        earned = None if self.store_cents is None else self.store_cents + ceil(self.trip_cents)
        return pay.Week(self.seconds, earned)


def week_of(store: Store, moment: datetime) -> pay.Period:
    """The workweek of `store` that `moment` is in."""
    return pay.workweek(moment, store.zone, store.workweek_starts_on)


def weeks_over(store: Store, now: datetime, *, back: int = 3) -> list[pay.Period]:
    """The last `back` workweeks of `store` that have been over for a day, so that their last trip is settled; newest
    first."""
    week, found = week_of(store, now - LOOK_AHEAD), []
    for _number in range(back):
        week = week_of(store, week.start - LOOK_AHEAD)
        found.append(week)
    return found


def before_trips(store: Store, shifts: Sequence[tuple[Associate, Shift]]) -> dict[int, Hours]:
    """What each has worked in the week before a trip after this shift (the shift included), by associate id."""
    if not shifts:
        return {}
    weeks = {associate.pk: week_of(store, shift.ends_at) for associate, shift in shifts}
    rows = _shifts(
        [associate.employee_id for associate, _ in shifts],
        min(week.start for week in weeks.values()),
        max(shift.ends_at for _, shift in shifts) + LOOK_AHEAD,
    )
    trips = _paid_trips(weeks, min(week.start for week in weeks.values()))
    found = {}
    for associate, shift in shifts:
        mine = rows[associate.employee_id]
        so_far = pay.Period(weeks[associate.pk].start, shift.ends_at)
        worked = _worked(mine, [trip for trip in trips[associate.pk] if trip.began_at < shift.ends_at], so_far)
        later = [row.starts_at for row in mine if row.starts_at >= shift.ends_at]
        found[associate.pk] = Hours(worked.so_far, min(later, default=None))
    return found


def span_of(shift: Shift) -> fatigue.Span:
    """The day around `shift` as it is in the books now."""
    later = Shift.objects.filter(
        employee=shift.employee_id, starts_at__gte=shift.ends_at, starts_at__lt=shift.ends_at + LOOK_AHEAD
    )
    return fatigue.Span(
        shift.starts_at, shift.ends_at, later.order_by("starts_at").values_list("starts_at", flat=True).first()
    )


def spans(shifts: Iterable[int]) -> dict[int, fatigue.Span]:
    """The days around these shifts as they are in the books now, by shift id; those that are called off are left out."""
    later = (
        Shift.objects.filter(
            employee=OuterRef("employee"), starts_at__gte=OuterRef("ends_at"), starts_at__lt=OuterRef("until")
        )
        .order_by("starts_at")
        .values("starts_at")[:1]
    )
    until = ExpressionWrapper(F("ends_at") + LOOK_AHEAD, output_field=DateTimeField())
    rows = Shift.objects.filter(pk__in=list(shifts)).annotate(until=until).annotate(next_start=Subquery(later))
    return {pk: fatigue.Span(*span) for pk, *span in rows.values_list("pk", "starts_at", "ends_at", "next_start")}


def of_weeks(associate: Associate, weeks: Iterable[pay.Period]) -> dict[pay.Period, Worked]:
    """The hours and straight-time pay of `associate` in each of `weeks`; what is still to come of a shift counts, too."""
    weeks = list(weeks)
    if not weeks:
        return {}
    since, until = min(week.start for week in weeks), max(week.end for week in weeks)
    rows = _shifts([associate.employee_id], since, until)[associate.employee_id]
    trips = _paid_trips([associate.pk], since)[associate.pk]
    return {week: _worked(rows, trips, week) for week in weeks}


def with_trips_in(store: Store, week: pay.Period) -> list[int]:
    """Ids of the associates who have a settled trip after a shift that touches `week`, in order."""
    trips = Trip.objects.filter(
        store=store, settled_at__isnull=False, shift__ends_at__gte=week.start - LOOK_AHEAD, shift__ends_at__lt=week.end
    )
    return sorted(set(trips.order_by().values_list("associate_id", flat=True)))


def _worked(shifts: Iterable[_ShiftRow], trips: Iterable[PaidTrip], week: pay.Period) -> Worked:
    found, store_cents = Worked(), Fraction(0)
    for shift in shifts:
        inside = week.overlap_s(shift.starts_at, shift.ends_at)
        found.store_s += inside
        if shift.wage_cents is None:
            found.store_cents = None
        else:
            store_cents += Fraction(inside * shift.wage_cents, 3600)
    if found.store_cents is not None:
        found.store_cents = ceil(store_cents)
    for trip in trips:
        seconds, cents = trip.within(week)
        if seconds or (trip.seconds == 0 and week.start <= trip.began_at < week.end):
            found.trip_s += seconds
            found.trip_cents += cents
            found.trips.append(trip)
    return found


@dataclass(frozen=True, slots=True)
class _ShiftRow:
    starts_at: datetime
    ends_at: datetime
    wage_cents: int | None


def _shifts(employees: Sequence[int], since: datetime, until: datetime) -> Mapping[int, list[_ShiftRow]]:
    """Shifts that touch `since` to `until`, by employee id."""
    found: dict[int, list[_ShiftRow]] = defaultdict(list)
    rows = Shift.objects.filter(employee__in=employees, ends_at__gt=since, starts_at__lt=until).order_by("starts_at")
    columns = rows.values_list("employee_id", "starts_at", "ends_at", "employee__wage_cents")
    for employee, starts_at, ends_at, wage_cents in columns:
        found[employee].append(_ShiftRow(starts_at, ends_at, wage_cents))
    return found


def _paid_trips(associates: Iterable[int], since: datetime) -> Mapping[int, list[PaidTrip]]:
    """Settled trips of the associates that may reach past `since`, oldest first, by associate id."""
    found: dict[int, list[PaidTrip]] = defaultdict(list)
    kind = LedgerEntry.Kind
    trips = (
        Trip.objects.filter(
            associate__in=list(associates), settled_at__isnull=False, shift__ends_at__gte=since - LOOK_AHEAD
        )
        .select_related("shift")
        .annotate(
            seconds=Sum("entries__quantity", filter=Q(entries__kind=kind.TIME), default=0),
            metres=Sum("entries__quantity", filter=Q(entries__kind=kind.MILEAGE), default=0),
            wages=Sum("entries__cents", filter=Q(entries__kind__in=WAGES), default=0),
            premium=Sum("entries__cents", filter=Q(entries__kind=kind.OVERTIME), default=0),
            driven=Sum("entries__cents", filter=Q(entries__kind=kind.MILEAGE), default=0),
        )
        .order_by("shift__ends_at", "pk")
    )
    for trip in trips:
        found[trip.associate_id].append(
            PaidTrip(
                trip=trip,
                began_at=trip.shift.ends_at,
                seconds=trip.seconds,
                wages_cents=trip.wages,
                premium_cents=trip.premium,
                mileage_cents=trip.driven,
                metres=trip.metres,
            )
        )
    return found
