"""The simulator: two files in, a page of figures out. Nothing real is planned, offered or written."""

from __future__ import annotations

import csv
import io
from typing import Any, cast

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries.models import Simulation
from deliveries.simulator import HOMES, jobs, results
from stores.feeds.export import safe_cell
from stores.feeds.report import FileFault
from stores.models import User

from .downloads import CSV, download
from .staff import Desk, show, staff_page


class SimulationForm(forms.Form):
    orders = forms.FileField(
        label=_("Orders"), help_text=_("CSV, the columns of the package feed. Evenings in the past are fine.")
    )
    homes = forms.FileField(
        label=_("Home areas and shifts"),
        help_text=_("CSV: lat, lon, shift_ends; if you like max_packages and max_extra_minutes. No names. Each place is "
                    "made coarse when it is read, and forgotten when the run is over."),
    )  # fmt: skip
    share = forms.IntegerField(
        label=_("Percent of these people who deliver on an evening"), min_value=1, max_value=100, initial=25
    )
    draws = forms.IntegerField(
        label=_("How often to draw who says yes"), min_value=1, max_value=20, initial=3,
        help_text=_("The figures are those of the middle draw, with the range of all."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or {}
        for name in ("orders", "homes"):
            file = answers.get(name)
            if file is not None and file.size > jobs.MOST_BYTES:
                self.add_error(name, _("This file is larger than 8 MB. Take fewer evenings."))
        return answers


@staff_page
def simulator_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The form, and the runs of this store so far."""
    if not desk.may("simulate"):
        raise PermissionDenied(gettext("Your role does not include this. Ask a lead of your store."))
    form = SimulationForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        answers = form.cleaned_data
        try:
            job = jobs.ask(
                store=desk.store, orders=answers["orders"].read(), homes=answers["homes"].read(), share=answers["share"],
                draws=answers["draws"], by=cast(User, request.user), now=timezone.now(),
            )  # fmt: skip
        except FileFault as fault:
            form.add_error(str(fault.where.get("file", "orders")), fault.message)
        else:
            return HttpResponseRedirect(reverse("staff:simulation", args=[job.pk]) + f"?store={desk.store.number}")
    runs = Simulation.objects.filter(store=desk.store).defer("orders", "homes", "result").select_related("asked_by")
    page = {
        "title": _("Simulator"), "stores": desk.stores, "store": desk.store, "form": form, "runs": runs[:20],
        "page_url": reverse("staff:simulator"), "columns": HOMES.columns,
    }  # fmt: skip
    return show(request, "admin/staff/simulator.html", page, status=422 if form.errors else 200)


def _job(desk: Desk, pk: int) -> Simulation:
    """A run of this store; another's is not found."""
    job = Simulation.objects.defer("orders", "homes").select_related("store").filter(store=desk.store, pk=pk).first()
    if job is None or not desk.may("simulate"):
        raise Http404
    return job


@staff_page
def simulation_view(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """One run: its progress while it runs, its figures afterwards. `?part=1` is what the script asks for."""
    job = _job(desk, pk)
    context: dict[str, Any] = {"job": job, "store": desk.store}
    if job.result:
        middle = job.result["draws"][0]
        context |= {
            "lines": results.lines(job.result["draws"]), "reasons": results.reasons(middle),
            "costs_more": middle["pay"] > middle["carrier_matched"],
            "faults": [("orders", job.result["orders"]), ("homes", job.result["homes"])],
        }  # fmt: skip
    if request.GET.get("part"):
        return TemplateResponse(request, "admin/staff/simulation_part.html", context)
    page = {"title": _("Simulation"), "stores": [], "page_url": reverse("staff:simulator")}
    return show(request, "admin/staff/simulation.html", {**context, **page})


@staff_page
def simulation_csv(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """The figures as CSV, safe to open in a spreadsheet."""
    job = _job(desk, pk)
    if not job.result:
        raise Http404
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow([gettext("Figure"), gettext("Middle draw"), gettext("Range"), gettext("Note")])
    for line in results.lines(job.result["draws"]):
        rows.writerow([safe_cell(cell) for cell in (line.name, line.value, line.range, line.note)])
    for reason, count in results.reasons(job.result["draws"][0]):
        rows.writerow([safe_cell(gettext("Not matched: %(reason)s") % {"reason": reason}), count, "", ""])
    return download(text.getvalue(), media=CSV, name=f"simulation-{job.store.number}-{job.pk}.csv")
