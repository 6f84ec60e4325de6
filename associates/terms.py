"""An associate's terms in words: what their limits mean, and which step of set-up is still open."""

from __future__ import annotations

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stores import units

from .models import Associate, Limits

# Set-up asks one question a step, in this order.
STEPS = ("consents", "home", "vehicle", "count", "weight", "size", "minutes", "days", "language", "summary")


def limits_of(associate: Associate) -> Limits:
    """Their limits, or unsaved defaults before the first answer."""
    return Limits.objects.filter(associate=associate).first() or Limits(associate=associate)


def weekdays_of(associate: Associate) -> list[int]:
    return sorted(associate.days.values_list("weekday", flat=True))


def sentence(limits: Limits, weekdays: list[int]) -> str:
    """What the limits mean: "Up to 4 packages, 20 lb each and 60 lb in all, at most 15 minutes longer than your drive
    home, Mon Wed Fri." """
    if not weekdays:
        days = _("on no day yet")
    elif len(weekdays) == 7:
        days = _("any day")
    else:
        days = " ".join(str(WEEKDAYS_ABBR[weekday]) for weekday in weekdays)
    return ngettext(
        "Up to %(count)d package, %(each)s lb, at most %(minutes)d minutes longer than your drive home, %(days)s.",
        "Up to %(count)d packages, %(each)s lb each and %(load)s lb in all, at most %(minutes)d minutes longer than "
        "your drive home, %(days)s.",
        limits.max_packages,
    ) % {
        "count": limits.max_packages,
        "each": units.pounds(limits.max_package_weight_g),
        "load": units.pounds(limits.max_total_weight_g),
        "minutes": limits.max_extra_minutes,
        "days": days,
    }


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
