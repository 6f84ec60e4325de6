"""A report of some evenings of one store: figures, charts, CSV, print. What nobody wanted is in none of them."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries import reports
from deliveries.models import DeliveryException, StopRule, StoreEvent
from deliveries.reports import Evening, charts
from deliveries.reports.evenings import FEWEST_TRIPS, span
from stores import units
from stores.feeds.export import safe_cell
from stores.models import Store

from .downloads import CSV, download
from .staff import Desk, show, staff_page

USUAL_DAYS, MOST_DAYS = 14, 92


def days_of(request: HttpRequest, store: Store) -> tuple[date, date, str]:
    """The first and last evening asked for, and a sentence where that was not possible as asked."""
    tonight = store.evening(timezone.now())
    first, last = _day(request, "from"), _day(request, "to")
    said = ""
    last = min(last or tonight, tonight)
    first = first or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        first, said = last, gettext("The first evening was after the last one; the last one is shown.")
    if (last - first).days >= MOST_DAYS:
        first, said = (
            last - timedelta(days=MOST_DAYS - 1),
            gettext("At most 92 evenings at once; the last ones are shown."),
        )
    return first, last, said


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return parse_date(request.GET.get(name, "")[:10])
    except ValueError:  # 31 February
        return None


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def money(cents: int | None) -> str:
    return "–" if cents is None else units.dollars(cents)


def waited(seconds: int | None) -> str:
    return "–" if seconds is None else gettext("%(number)d min") % {"number": round(seconds / 60)}


COLUMNS: tuple[tuple[Any, Any], ...] = (
    (_("Delivered by promise"), lambda e: f"{e.kept}/{e.promised}"),
    (_("By promise"), lambda e: percent(e.kept_share)),
    (_("Drop-offs"), lambda e: str(e.dropoffs)),
    (_("Pay"), lambda e: money(e.paid) if e.settled else "–"),
    (_("Cost a drop-off"), lambda e: money(e.cost_per_dropoff)),
    (_("The carrier for the same"), lambda e: money(e.carrier_same) if e.dropoffs else "–"),
    (_("Pay an extra hour"), lambda e: money(e.pay_per_extra_hour)),
    (_("Waiting, median"), lambda e: waited(e.waiting_s)),
    (_("Quoted"), lambda e: money(e.quoted) if e.settled else "–"),
    (_("Trips paid above the quote"), lambda e: f"{e.paid_more}/{e.settled}"),
    (_("Problems at the door"), lambda e: str(e.problem_count)),
    (_("To the carrier"), lambda e: str(e.tendered)),
    (_("Customers who want the carrier"), lambda e: str(e.asked_for_carrier)),
    (_("Associates who took a consent back"), lambda e: str(e.opted_out)),
)


def cells(evening: Evening) -> list[str]:
    return [read(evening) for _name, read in COLUMNS]


@staff_page
def reports_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """`?from=2026-11-01&to=2026-11-14`; the last two weeks otherwise. With `csv=1` the same as a file."""
    if not desk.may("report"):
        raise PermissionDenied(gettext("Your role does not include this. Ask a lead of your store."))
    first, last, said = days_of(request, desk.store)
    found = reports.evenings(desk.store, first, last)
    if request.GET.get("csv"):
        return _csv(desk.store, first, last, found)
    whole = reports.total(found)
    short = [(date_format(each.day, gettext("M j")), each) for each in found]
    reasons = dict(DeliveryException.Reason.choices)
    begin, end = span(desk.store, first, last)
    context = {
        "title": _("Report"), "store": desk.store, "stores": desk.stores, "page_url": reverse("staff:reports"),
        "first": first, "last": last, "said": said, "columns": [name for name, _read in COLUMNS],
        "rows": [(each.day, cells(each)) for each in reversed(found)], "whole": cells(whole), "total": whole,
        "few_trips": FEWEST_TRIPS,
        "charts": [
            (gettext("Delivered by promise, percent"), charts.bars(
                gettext("Delivered by promise, percent"),
                [(day, None if e.kept_share is None else 100 * e.kept_share, percent(e.kept_share)) for day, e in short],
                most=100,
            )),
            (gettext("Cost a drop-off"), charts.bars(
                gettext("Cost a drop-off"), [(day, e.cost_per_dropoff, money(e.cost_per_dropoff)) for day, e in short]
            )),
            (gettext("Waiting before leaving, median minutes"), charts.bars(
                gettext("Waiting before leaving, median minutes"),
                [(day, None if e.waiting_s is None else e.waiting_s / 60, waited(e.waiting_s)) for day, e in short],
            )),
            (gettext("Problems at the door"), charts.bars(
                gettext("Problems at the door"),
                [(day, e.problem_count if e.dropoffs or e.problem_count else None, str(e.problem_count)) for day, e in short],
            )),
        ],
        "problems": [(reasons.get(code, code), count) for code, count in whole.problems.most_common()],
        "rules": StopRule.objects.filter(store=desk.store),
        "decisions": StoreEvent.objects.filter(store=desk.store, at__gte=begin, at__lt=end).select_related("by_user"),
    }  # fmt: skip
    return show(request, "admin/staff/report.html", context)


def _csv(store: Store, first: date, last: date, found: list[Evening]) -> HttpResponse:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow([gettext("Evening"), *(str(name) for name, _read in COLUMNS)])
    for each in found:
        rows.writerow([each.day.isoformat(), *(safe_cell(cell) for cell in cells(each))])
    rows.writerow([gettext("All"), *(safe_cell(cell) for cell in cells(reports.total(found)))])
    return download(text.getvalue(), media=CSV, name=f"report-{store.number}-{first}-{last}.csv")
