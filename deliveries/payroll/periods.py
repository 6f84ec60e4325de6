"""The pay periods of a store: its workweeks, counted in whole evenings, side by side without a gap or an overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q

from deliveries import hours
from deliveries.models import LedgerEntry, PayApproval
from stores.models import Store

DAY = timedelta(days=1)
# A line has the moment its work began, and work of ours runs ten minutes at most. After an hour nothing of the period
# is still being written, and all clocks agree that it is over.
SETTLING = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PayPeriod:
    """The evenings `first` to `last`: every ledger line written from `start` until just before `end`, in UTC."""

    store: Store
    first: date
    last: date
    start: datetime
    end: datetime
    approval: PayApproval | None = None

    def over(self, now: datetime) -> bool:
        """Whether nothing can be written into it any more."""
        return now >= self.end + SETTLING

    @property
    def lines(self) -> Q:
        """The ledger lines of it."""
        return Q(store=self.store, at__gte=self.start, at__lt=self.end)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods of one store, with what is approved of them, oldest first; read once.

    A period is a workweek (`hours.week_of`), but begins where the approved one before it ended: a workweek or a clock
    that was set anew makes one period shorter and leaves nothing out.
    """

    store: Store
    approvals: Sequence[PayApproval]

    def around(self, day: date) -> PayPeriod:
        """The period that the evening of `day` is in."""
        week = hours.week_of(self.store, datetime.combine(day, time(12), self.store.zone))
        first = self.store.local(week.start).date()
        last = first + 6 * DAY
        for each in self.approvals:
            if each.first_day <= day <= each.last_day:
                return PayPeriod(self.store, each.first_day, each.last_day, each.start_at, each.end_at, each)
            if first <= each.last_day < day:
                first = each.last_day + DAY
            if day < each.first_day <= last:
                last = each.first_day - DAY
        return PayPeriod(self.store, first, last, *self.span(first, last))

    def span(self, first: date, last: date) -> tuple[datetime, datetime]:
        """From when until just before when the evenings `first` to `last` run: from four in the morning to four on the
        store's clock. Where an approved period begins or ends there, exactly there."""
        edges = {each.first_day: each.start_at for each in self.approvals}
        edges |= {each.last_day + DAY: each.end_at for each in self.approvals}
        start, end = (edges.get(day) or self.store.begins(day) for day in (first, last + DAY))
        return start, end

    def approved(self, first: date, last: date) -> bool:
        """Whether every one of these evenings is in an approved period."""
        day = first
        for each in self.approvals:
            if each.first_day <= day <= each.last_day:
                day = each.last_day + DAY
        return day > last

    def recent(self, now: datetime, number: int) -> list[PayPeriod]:
        """The period of this evening and those before it, `number` in all, newest first."""
        found = [self.around(self.store.evening(now))]
        while len(found) < number:
            found.append(self.around(found[-1].first - DAY))
        return found

    def left_behind(self, before: datetime) -> date | None:
        """The first evening before that moment with a line that is in no approved period; None where there is none."""
        outside, since = Q(), None
        for each in [*self.approvals, None]:
            until = min(each.start_at, before) if each else before
            if since is None or since < until:
                outside |= Q(at__lt=until) if since is None else Q(at__gte=since, at__lt=until)
            if each is None or each.end_at >= before:
                break
            since = each.end_at
        line = LedgerEntry.objects.filter(outside, store=self.store).order_by("at").values_list("at", flat=True).first()
        return None if line is None else self.store.evening(line)


def calendar(store: Store) -> Calendar:
    """The calendar of `store` as it is now; one query."""
    approvals = PayApproval.objects.filter(store=store).select_related("by_user").order_by("first_day")
    return Calendar(store, list(approvals))


def over_by(store: Store, now: datetime) -> date:
    """The last evening that is over for payroll."""
    return store.evening(now - SETTLING) - DAY
