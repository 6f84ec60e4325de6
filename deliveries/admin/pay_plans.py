"""A pay plan with a worked example beside its form: what two trips would pay, by the rules that pay real ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Avg
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from deliveries import pay, quoting
from deliveries.models import Package
from stores import scope
from stores.admin import PayPlanAdmin, PlanFields
from stores.models import PayPlan, Store
from stores.money import DollarsField


@dataclass(frozen=True, slots=True)
class Case:
    """A made-up trip, about as a suburb gives it. Seconds and metres, loading in them; extra against the drive home."""

    packages: int
    paid_s: int
    paid_m: int
    extra_s: int
    extra_m: int
    last_leg_s: int = 600
    last_leg_m: int = 6437


CASES = (Case(3, 41 * 60, 11_587, 14 * 60, 4_989), Case(1, 23 * 60, 6_437, 9 * 60, 3_219))


class ExampleForm(PlanFields):
    """The figures of a plan that may not be finished yet."""

    class Meta:
        model = PayPlan
        fields = (
            "store", "effective_from", "hourly_cents", "per_package_cents", "mileage_tenth_cents", "last_leg_paid",
        )  # fmt: skip


admin.site.unregister(PayPlan)


@admin.register(PayPlan)
class PayPlanDesk(PayPlanAdmin):
    change_form_outer_after_template = "admin/staff/pay_example.html"

    def get_urls(self) -> list[Any]:
        example = path("example/", self.admin_site.admin_view(self.example_view), name="stores_payplan_example")
        return [example, *super().get_urls()]

    def example_view(self, request: HttpRequest) -> HttpResponse:
        """What the plan in the form would pay for two trips. Writes nothing; asked again at each change of a field, or
        sent whole by the form's own button where no script runs, which gets a page of its own."""
        if not scope.access_of(request).may_edit(self.form_name):
            raise PermissionDenied
        form = ExampleForm(request.POST or request.GET)
        form.fields["store"].queryset = scope.access_of(request).editable_stores(self.form_name)  # type: ignore[attr-defined]
        form.is_valid()
        answers = {name: value for name, value in form.cleaned_data.items() if value is not None}
        needed = {"store", "effective_from", "hourly_cents", "per_package_cents", "mileage_tenth_cents"}
        missing = needed - answers.keys()
        # An amount that is wrong says so itself; what else is missing is named.
        wrong = {name for name in missing if isinstance(form.fields[name], DollarsField) and form[name].value()}
        context: dict[str, Any] = {
            "wrong": [sentence for name in form.fields if name in wrong for sentence in form.errors[name]],
            "missing": [str(form.fields[name].label) for name in form.fields if name in missing - wrong],
        }
        if not missing:
            context |= _example(**answers)
        if request.method != "POST":
            return TemplateResponse(request, "admin/staff/pay_example_part.html", context)
        context |= {**self.admin_site.each_context(request), "opts": self.opts, "title": _("What this plan pays")}
        return TemplateResponse(request, "admin/staff/pay_example_page.html", context)


def _example(*, store: Store, last_leg_paid: bool = False, **figures: Any) -> dict[str, Any]:
    plan = PayPlan(store=store, last_leg_paid=last_leg_paid, **figures)
    rates = quoting.rates(plan, plan.effective_from)
    carrier = round(_carrier_cents(store))
    trips = []
    for case in CASES:
        more_s, more_m = (case.last_leg_s, case.last_leg_m) if last_leg_paid else (0, 0)
        quote = pay.quote(
            rates, range(1, case.packages + 1), paid_s=case.paid_s + more_s, paid_m=case.paid_m + more_m,
            extra_s=case.extra_s, extra_m=case.extra_m, last_leg_s=more_s, last_leg_m=more_m,
        )  # fmt: skip
        trips.append(
            {
                "case": case, "quote": quote, "each": round(quote.cents / case.packages),
                "carrier": carrier * case.packages, "more": quote.cents > carrier * case.packages,
            }
        )  # fmt: skip
    return {"trips": trips, "below": plan.hourly_cents < rates.minimum_cents, "minimum": rates.minimum_cents}


def _carrier_cents(store: Store) -> float:
    """What the carrier costs for a package of this store on average, over a month; 8.75 dollars where none is known."""
    month = timezone.now() - timedelta(days=30)
    known = Package.objects.filter(store=store, received_at__gte=month).aggregate(cents=Avg("carrier_cents"))["cents"]
    return float(known or 875)
