"""Filters that turn what is stored into what people read. Each has one home: the arithmetic is in `stores/units.py`."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stores import units
from stores.models import Store

register = template.Library()


@register.filter
def dollars(cents: int) -> str:
    """1140 -> "$11.40"."""
    return units.dollars(cents)


@register.filter
def cents(tenths: int) -> str:
    """Tenths of a cent, as mileage rates are kept: 725 -> "72.5¢"."""
    return f"{tenths / 10:g}¢"


@register.filter
def mile_rate(tenths: int) -> str:
    """The same in dollars, as the pay plan's form has it: 725 -> "$0.725"."""
    return units.dollars_of_tenths(tenths)


@register.filter
def pounds(grams: int) -> str:
    """9072 -> "20 lb"."""
    return _("%(number)s lb") % {"number": formats.number_format(units.pounds(grams), use_l10n=True)}


@register.filter
def miles(metres: int) -> str:
    """4989 -> "3.1 mi"."""
    return _("%(number)s mi") % {"number": formats.number_format(units.miles(metres), use_l10n=True)}


@register.filter
def near(metres: int) -> str:
    """How far something is that may be a few steps away: 12 -> "39 ft", from a tenth of a mile on "0.3 mi"."""
    if metres < 161:
        return _("%(number)s ft") % {"number": formats.number_format(units.feet(metres), use_l10n=True)}
    return miles(metres)


@register.filter
def inches(millimetres: int) -> str:
    """300 -> "12 in"."""
    return _("%(number)s in") % {"number": units.inches(millimetres)}


@register.filter
def minutes(seconds: int) -> str:
    """541 -> "10 min"; from two hours on "2 h 5 min"."""
    whole = units.minutes(seconds)
    if whole < 120:
        return ngettext("%(number)d min", "%(number)d min", whole) % {"number": whole}
    return _("%(hours)d h %(minutes)d min") % {"hours": whole // 60, "minutes": whole % 60}


@register.filter
def clock(moment: datetime, store: Store) -> str:
    """A time on the store's clock: "5:45 pm"."""
    return formats.date_format(store.local(moment), "g:i A").lower()


@register.filter
def local_day(moment: datetime, store: Store) -> str:
    """A day on the store's calendar: "Tuesday, November 24"."""
    return formats.date_format(store.local(moment), _("l, F j"))


@register.filter
def short_day(moment: datetime, store: Store) -> str:
    """A day on the store's calendar, short: "Tue, Nov 24"."""
    return formats.date_format(store.local(moment), _("D, M j"))
