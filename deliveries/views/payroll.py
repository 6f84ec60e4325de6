"""Payroll: what a pay week owes, what is still open about it, the approval, and the file to take away."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries import actors, payroll
from deliveries.actions import Refused, approving
from deliveries.models import LedgerEntry, PayApproval
from deliveries.states import TRIP_OVER
from stores import scope, units
from stores.models import Store

from .downloads import CSV, download
from .staff import Desk, show, staff_page

VERB = "approve_pay"
WEEKS, MOST_DOWNLOADS = 9, 5
EARLIEST = date(2017, 1, 1)  # before any store of ours; earlier dates are somebody's slip of the finger


class ApproveForm(forms.Form):
    """What was looked at: the days, and the digest of their file."""

    first = forms.DateField()
    last = forms.DateField()
    shown = forms.CharField(max_length=64)
    reason = forms.CharField(required=False, max_length=280)


def may_somewhere(request: HttpRequest) -> bool:
    """Whether the side bar leads here: the person approves pay in one store at least."""
    access = scope.access_of(request)
    return access.everywhere or any(access.may(VERB, store_id) for store_id in access.roles)


@staff_page
def payroll_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """`?from=2026-11-16` shows the pay week of that evening; otherwise the last one that is over."""
    mine = [store for store in desk.stores if desk.access.may(VERB, store.pk)]
    if desk.store not in mine:
        if mine and "store" not in request.GET:
            return HttpResponseRedirect(_address(mine[0]))
        raise _not_included()
    if request.method == "POST":
        return _approve(request, desk.store)
    now = timezone.now()
    calendar = payroll.calendar(desk.store)
    weeks = calendar.recent(now, WEEKS)
    day = _day(request)
    if day is None:
        period = next(week for week in weeks if week.over(now))
    else:
        period = calendar.around(min(max(day, EARLIEST), desk.store.evening(now)))
    page = {
        "title": _("Payroll"), "store": desk.store, "stores": mine, "page_url": reverse("staff:payroll"),
        "here": _address(desk.store, period.first), "period": period,
        "weeks": [(week, pay, week.over(now)) for week, pay in zip(weeks, payroll.totals(weeks), strict=True)],
        "left_behind": calendar.left_behind(period.start), **_figures(period, now), **_open(period, now),
        **_later(calendar, period),
    }  # fmt: skip
    response = show(request, "admin/staff/payroll.html", page)
    response["Cache-Control"] = "private, no-store"
    return response


@staff_page
def payroll_file(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """The file of an approved week, the same bytes as `manage.py export_payroll` writes."""
    return _take(request, desk, pk, signature=False)


@staff_page
def payroll_signature(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """Its signature, to lie beside it."""
    return _take(request, desk, pk, signature=True)


def _figures(period: payroll.PayPeriod, now: datetime) -> dict[str, Any]:
    """Who gets what. Hours and miles are left out, as in the ledger: where the last leg is paid they measure it."""
    people, over = payroll.by_person(period), period.over(now)
    kinds = LedgerEntry.Kind
    file = payroll.make_file(period.store, period.first, period.last, now=now) if over else None
    return {
        "over": over, "file": file, "kinds": kinds.labels, "total": sum(person.cents for person in people),
        "people": [(each, [each.by_kind.get(kind) for kind in kinds.values]) for each in people],
        "sums": [sum(person.by_kind.get(kind, 0) for person in people) for kind in kinds.values],
        "names_changed": bool(period.approval and file and period.approval.digest != file.digest),
    }  # fmt: skip


def _open(period: payroll.PayPeriod, now: datetime) -> dict[str, Any]:
    trips, disputes = list(payroll.open_trips(period)), list(payroll.open_disputes(period))
    return {
        "open_trips": [(trip, trip.state in TRIP_OVER) for trip in trips], "disputes": disputes,
        "questions": bool(trips or disputes), "premium_due": payroll.premium_due(period, now),
    }  # fmt: skip


def _later(calendar: payroll.Calendar, period: payroll.PayPeriod) -> dict[str, Any]:
    """What was written later about this week's trips, by the week whose file has it; and what came late into this one."""
    cents: dict[date, int] = defaultdict(int)
    weeks: dict[date, payroll.PayPeriod] = {}
    for line in payroll.written_later(period):
        week = calendar.around(period.store.evening(line.at))
        weeks[week.first] = week
        cents[week.first] += line.cents
    return {
        "later": [(weeks[first], cents[first]) for first in sorted(weeks)],
        "earlier": payroll.about_earlier(period),
        "downloads": period.approval.downloads.select_related("by_user")[:MOST_DOWNLOADS] if period.approval else [],
    }


def _approve(request: HttpRequest, store: Store) -> HttpResponse:
    form = ApproveForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("That was no week of this page. Nothing was approved; try again."))
        return HttpResponseRedirect(_address(store))
    asked, now = form.cleaned_data, timezone.now()
    here = HttpResponseRedirect(_address(store, asked["first"]))
    try:
        approval = approving.approve(
            store=store, first=asked["first"], last=asked["last"], shown=asked["shown"], by=_actor(request), now=now,
            reason=asked["reason"],
        )  # fmt: skip
    except Refused as no:
        messages.error(request, str(no))
        return here
    if approval.at == now:
        said = gettext("Approved: %(amount)s. Take the file and its signature along below.")
        messages.success(request, said % {"amount": units.dollars(approval.cents)})
    else:
        messages.info(request, gettext("%(who)s had already approved this week.") % {"who": approval.who})
    return here


def _take(request: HttpRequest, desk: Desk, pk: int, *, signature: bool) -> HttpResponse:
    approval = PayApproval.objects.filter(pk=pk, store__in=desk.stores).select_related("store").first()
    if approval is None:
        raise Http404
    if not desk.access.may(VERB, approval.store_id):
        raise _not_included()
    data = approving.take_file(approval=approval, by=_actor(request), now=timezone.now(), signature=signature)
    name = payroll.file_name(approval.store, approval.first_day, approval.last_day)
    if signature:
        return download(data, media="text/plain; charset=utf-8", name=f"{name}.sig")
    return download(data, media=CSV, name=name)


def _address(store: Store, first: date | None = None) -> str:
    return f"{reverse('staff:payroll')}?store={store.number}" + (f"&from={first}" if first else "")


def _day(request: HttpRequest) -> date | None:
    try:
        return parse_date(request.GET.get("from", "")[:10])
    except ValueError:  # 31 February
        return None


def _actor(request: HttpRequest) -> actors.Actor:
    user_id: int = request.user.pk  # type: ignore[assignment]  # staff pages let nobody in who is not signed in
    return actors.staff(user_id)


def _not_included() -> PermissionDenied:
    return PermissionDenied(gettext("Your role does not include this. Pay is approved by payroll and by the district."))
