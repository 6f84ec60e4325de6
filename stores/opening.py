"""When a store is open: its week, and what that comes to at a moment, in words. On a holiday of the store nobody knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.formats import time_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from .models import Holiday, OpeningHours, Store, Weekday

DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class Now:
    """How a store stands at a moment; times are UTC.

    `closes` where it is open, else `opens` where it is known when it will be. `holiday`: the name of today's, and then neither
    is known. `until`: when this may have changed.
    """

    until: datetime
    opens: datetime | None = None
    closes: datetime | None = None
    holiday: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """A store's hours by weekday (0 is Monday; one that is missing is closed), and its holidays about now.

    Hours are (opens, closes) on the store's clock; what closes at or before it opens closes on the next day.
    """

    zone: ZoneInfo
    days: Mapping[int, tuple[time, time]]
    holidays: Mapping[date, str] = field(default_factory=dict)

    def at(self, moment: datetime) -> Now:
        """How the store stands at `moment`, looking a week ahead."""
        today = moment.astimezone(self.zone).date()
        midnight = self._moment(today + timedelta(days=1), time(0))
        for day in (today + timedelta(days=n) for n in range(-1, DAYS_AHEAD + 1)):
            if day == today and today in self.holidays:
                return Now(until=midnight, holiday=self.holidays[today])
            hours = None if day in self.holidays else self.days.get(day.weekday())
            if hours is None:
                continue
            opens, closes = (self._moment(day, at) for at in hours)
            if hours[1] <= hours[0]:
                closes = self._moment(day + timedelta(days=1), hours[1])
            if opens <= moment < closes:
                return Now(until=closes, closes=closes)
            if opens > moment:
                return Now(until=min(opens, midnight), opens=opens)
        return Now(until=midnight)

    def say(self, moment: datetime) -> str:
        """ "The store opens tomorrow at 7 a.m." in the active language; "" where it does not open within a week. Without a
        full stop, because "a.m." has one already."""
        now = self.at(moment)
        if now.holiday:
            return _("Today is %(holiday)s. Call the store for its hours.") % {"holiday": now.holiday}
        if now.closes is not None:
            return _("The store is open today until %(time)s") % {"time": self._clock(now.closes)}
        if now.opens is None:
            return ""
        opens, today = now.opens.astimezone(self.zone), moment.astimezone(self.zone).date()
        if opens.date() == today:
            return _("The store opens today at %(time)s") % {"time": self._clock(opens)}
        if opens.date() == today + timedelta(days=1):
            return _("The store opens tomorrow at %(time)s") % {"time": self._clock(opens)}
        return _("The store opens on %(day)s at %(time)s") % {
            "day": Weekday(opens.weekday()).label, "time": self._clock(opens)
        }  # fmt: skip

    def lines(self) -> list[str]:
        """The week in as few lines as it takes: "Monday to Saturday: 6 a.m. to 11 p.m."."""
        lines = []
        for hours, run in groupby(range(7), key=self.days.get):
            days = list(run)
            first, last = days[0], days[-1]
            said: dict[str, object] = {"first": Weekday(first).label, "last": Weekday(last).label}
            if hours is not None:
                said |= {"opens": time_format(hours[0]), "closes": time_format(hours[1])}
            if hours is None:
                line = _("%(first)s: closed") if first == last else _("%(first)s to %(last)s: closed")
            elif len(days) == 7:
                line = _("Every day: %(opens)s to %(closes)s")
            elif first == last:
                line = _("%(first)s: %(opens)s to %(closes)s")
            else:
                line = _("%(first)s to %(last)s: %(opens)s to %(closes)s")
            lines.append(capfirst(line % said))
        return lines

    def _clock(self, moment: datetime) -> str:
        return time_format(moment.astimezone(self.zone))

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def weeks_of(stores: Collection[Store], *, now: datetime) -> dict[int, Week]:
    """By store's id, in two queries, none for no store; a store that has not said its hours is left out."""
    zones = {store.pk: store.zone for store in stores}
    if not zones:
        return {}
    days: dict[int, dict[int, tuple[time, time]]] = defaultdict(dict)
    for row in OpeningHours.objects.filter(store__in=zones):
        days[row.store_id][row.weekday] = (row.opens, row.closes)
    holidays: dict[int, dict[date, str]] = defaultdict(dict)
    near = (now.date() - timedelta(days=2), now.date() + timedelta(days=DAYS_AHEAD + 2))  # of any zone
    for holiday in Holiday.objects.filter(store__in=list(days), day__range=near):
        holidays[holiday.store_id][holiday.day] = holiday.name
    return {store_id: Week(zones[store_id], hours, holidays[store_id]) for store_id, hours in days.items()}
