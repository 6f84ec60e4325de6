"""An associate's terms in words: what their limits mean, and which step of set-up is still open."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import formats
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stores import units
from stores.models import Store

from .models import Associate, Limits

# Set-up asks one question a step, in this order.
STEPS = (
    "consents", "home", "vehicle", "count", "weight", "size", "minutes", "days", "language",
    "position", "camera", "notifications", "summary",
)  # fmt: skip
# What the phone itself asks for, one at a time. The answer is the browser's to keep; without it all goes on by hand.
PERMISSIONS = ("position", "camera", "notifications")


def limits_of(associate: Associate) -> Limits:
    """Their limits, or unsaved defaults before the first answer."""
    return Limits.objects.filter(associate=associate).first() or Limits(associate=associate)


def weekdays_of(associate: Associate) -> list[int]:
    return sorted(associate.days.values_list("weekday", flat=True))


def weekdays_in_words(weekdays: Iterable[int]) -> str:
    """ "Mon Wed Fri", "any day", "on no day yet"."""
    chosen = sorted(set(weekdays))
    if not chosen:
        return _("on no day yet")
    if len(chosen) == 7:
        return _("any day")
    return " ".join(str(WEEKDAYS_ABBR[weekday]) for weekday in chosen)


def sentence(limits: Limits, weekdays: Iterable[int]) -> str:
    """What the limits mean: "Up to 4 packages, 20 lb each and 60 lb in all, at most 15 minutes longer than your drive
    home, home by 8:30 p.m., Mon Wed Fri." """
    words = {
        "count": limits.max_packages,
        "each": units.pounds(limits.max_package_weight_g),
        "load": units.pounds(limits.max_total_weight_g),
        "minutes": limits.max_extra_minutes,
        "time": formats.time_format(limits.home_by, "TIME_FORMAT") if limits.home_by else "",
        "days": weekdays_in_words(weekdays),
    }
    if limits.home_by is None:
        text = ngettext(
            "Up to %(count)d package, %(each)s lb, at most %(minutes)d minutes longer than your drive home, %(days)s.",
            "Up to %(count)d packages, %(each)s lb each and %(load)s lb in all, at most %(minutes)d minutes longer than "
            "your drive home, %(days)s.",
            limits.max_packages,
        )
    else:
        text = ngettext(
            "Up to %(count)d package, %(each)s lb, at most %(minutes)d minutes longer than your drive home, home by "
            "%(time)s, %(days)s.",
            "Up to %(count)d packages, %(each)s lb each and %(load)s lb in all, at most %(minutes)d minutes longer than "
            "your drive home, home by %(time)s, %(days)s.",
            limits.max_packages,
        )
    return text % words


def floor_sentence(limits: Limits) -> str:
    """What an extra hour must pay at least; empty where nothing was asked for."""
    if not limits.floor_cents_per_hour:
        return ""
    return _("No offer below %(money)s for each extra hour.") % {"money": units.dollars(limits.floor_cents_per_hour)}


def fatigue_sentence(store: Store) -> str:
    """How late a trip may end in `store`, whatever else was asked for."""
    return _(
        "Your shift and your trip together may not exceed %(day)d hours, and you are home %(rest)s hours before your next "
        "clock-in. Homeward offers nothing that would break this."
    ) % {"day": store.longest_day_hours, "rest": f"{store.rest_minutes / 60:g}"}


def open_step(associate: Associate) -> str:
    """The first step whose answer is missing; limits have defaults, so they are asked again until days are chosen."""
    if not associate.has_consented():
        return "consents"
    if not Associate.objects.filter(pk=associate.pk, home_cell__isnull=False).exists():
        return "home"
    if not associate.vehicle:
        return "vehicle"
    if not associate.days.exists():
        return "count"
    return "summary"
