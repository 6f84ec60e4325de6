"""Lengths of time in words, for people who decide what to do next."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()


@register.filter
def span(length: timedelta) -> str:
    """How long: "under a minute", "14 min", "2 h 5 min", "3 days". The sign is left to the sentence around it."""
    minutes = int(abs(length).total_seconds()) // 60
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return ngettext("%(days)d day", "%(days)d days", hours // 24) % {"days": hours // 24}
