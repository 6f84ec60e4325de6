"""Insurance and license: each person is reminded before a date passes, and the store's leads once a week."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from stores.models import Store

from .kinds import ABOUT_PAPERS
from .owed import owe_associate
from .staff import owe_staff

# Days before the last valid one on which somebody is told; 0 is that day itself.
REMIND_DAYS = (30, 7, 0)


def paper_key(person_id: int, kind: str, until: date) -> str:
    """What a reminder of this date begins its key with; a new date is a new reminder."""
    return f"associate/{person_id}/{kind}/{until:%Y%m%d}/"


def remind(*, store: Store, now: datetime) -> None:
    """Write down who is to be reminded in this store today; a repeat, or a day without a run, does no harm."""
    today = store.local(now).date()
    people = Associate.objects.filter(store=store, state__in=[Associate.State.ACTIVE, Associate.State.PAUSED])
    soon = 0
    for kind, papers in ABOUT_PAPERS.items():
        ending = people.filter(**{f"{papers}__lte": today + timedelta(days=REMIND_DAYS[0])})
        soon += ending.count()
        for person in ending.filter(**{f"{papers}__gte": today}).select_related("user"):
            until: date = getattr(person, papers)
            # The nearest reminder that is due by now: after a week in which nothing ran, one mail and not two.
            due = min(days for days in REMIND_DAYS if (until - today).days <= days)
            owe_associate(person, kind, f"{paper_key(person.pk, kind, until)}{due}", now=now)
    if soon:
        week = today - timedelta(days=today.weekday())
        owe_staff(
            store, f"store/{store.pk}/papers/{week}",
            format_lazy(_("Papers to look at in store {store}"), store=store.number),
            format_lazy(
                _("{count} dates of insurance or license end within 30 days, or have ended. Look at the new papers and "
                  "write the dates down; until then these people are offered nothing after the date."),
                count=soon,
            ),
            page=reverse("admin:associates_associate_changelist") + f"?papers=ending&in_store={store.pk}", now=now,
        )  # fmt: skip
