"""Associates and the retailer's roster in the admin.

What is not here is not here on purpose: where somebody lives, their limits, whether they said "not tonight", and
anything that could be counted into how often somebody declines.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter, in_store_time

from .models import CONSENT_VERSIONS, NEEDED_CONSENTS, PAPERS, Associate, Consent, Employee, Shift

REMIND_BEFORE = timedelta(days=30)


@admin.register(Employee)
class EmployeeAdmin(ScopedAdmin):
    """The roster as the retailer's feed wrote it. The birth date stays in the feed."""

    list_display = ("reference", "first_name", "last_name", "active", "store")
    list_filter = ("active", StoreFilter)
    list_select_related = ("store",)
    search_fields = ("reference", "first_name", "last_name")
    fields = ("store", "reference", "first_name", "last_name", "active")
    ordering = ("store", "reference")


@admin.register(Shift)
class ShiftAdmin(ScopedAdmin):
    """Shifts as the retailer's feed wrote them, on the store's clock."""

    list_display = ("reference", "employee", "starts", "ends", "store")
    list_filter = (StoreFilter,)
    list_select_related = ("store", "employee")
    search_fields = ("reference", "employee__reference", "employee__first_name", "employee__last_name")
    ordering = ("-ends_at",)
    fields = readonly_fields = ("store", "employee", "reference", "starts", "ends")
    starts = in_store_time("starts_at", _("starts"))
    ends = in_store_time("ends_at", _("ends"))


PAPER_LABELS = {"valid": "success", "soon": "warning", "over": "danger", "none": "info"}


class PapersFilter(admin.SimpleListFilter):
    """Whose insurance or license needs somebody."""

    title = _("papers")
    parameter_name = "papers"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("ending", _("End within 30 days, or have ended")), ("over", _("Have ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Associate]) -> QuerySet[Associate]:
        today = timezone.now().date()
        if self.value() == "ending":
            return ending(queryset, today + REMIND_BEFORE)
        return ending(queryset, today - timedelta(days=1)) if self.value() == "over" else queryset


def ending(people: QuerySet[Associate], last: date) -> QuerySet[Associate]:
    """Those of `people`, still with us, with papers that end on `last` or before."""
    either = Q()
    for papers in PAPERS:
        either |= Q(**{f"{papers}__lte": last})
    return people.exclude(state=Associate.State.LEFT).filter(either)


class ConsentInline(ReadOnlyInline):
    model = Consent
    fields = ("kind", "version", "given_at", "withdrawn_at")
    ordering = ("kind", "-version", "-given_at")


@admin.register(Associate)
class AssociateAdmin(ScopedAdmin):
    """Who may deliver. Staff keep the dates of insurance and license; everything else is the associate's own."""

    by_hand = frozenset({"change"})
    list_display = ("first_name", "employee", "state_shown", "consents_complete", "insurance", "license", "store")
    list_filter = ("state", PapersFilter, StoreFilter)
    list_select_related = ("store", "employee")
    search_fields = ("first_name", "employee__reference", "employee__last_name")
    ordering = ("store", "first_name", "pk")
    readonly_fields = ("first_name", "employee", "store", "state_now", "consents_complete", "enrolled_on", "vehicle")
    fieldsets = (
        (None, {"fields": ("first_name", "employee", "store", "state_now", "enrolled_on")}),
        (_("Eligibility"), {"fields": ("insured_until", "licensed_until", "consents_complete", "vehicle")}),
    )
    inlines = (ConsentInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Associate]:
        # The columns that no page shows are not even loaded.
        return super().get_queryset(request).defer("area", "resting_on").prefetch_related("consents")

    @display(
        description=_("state"),
        ordering="state",
        label={"active": "success", "setting_up": "info", "paused": "warning", "left": "danger"},
    )
    def state_shown(self, person: Associate) -> tuple[str, str]:
        return person.state, person.get_state_display()

    @display(description=_("state"))
    def state_now(self, person: Associate) -> str:
        return person.get_state_display()

    @display(description=_("consents complete"), boolean=True)
    def consents_complete(self, person: Associate) -> bool:
        given = {(c.kind, c.version) for c in person.consents.all() if c.withdrawn_at is None}
        return given >= {(kind, CONSENT_VERSIONS[kind]) for kind in NEEDED_CONSENTS}

    @display(description=_("insurance"), ordering="insured_until", label=PAPER_LABELS)
    def insurance(self, person: Associate) -> tuple[str, str]:
        return validity(person, person.insured_until)

    @display(description=_("license"), ordering="licensed_until", label=PAPER_LABELS)
    def license(self, person: Associate) -> tuple[str, str]:
        return validity(person, person.licensed_until)


def validity(person: Associate, until: date | None) -> tuple[str, str]:
    """How long papers still hold, on the store's calendar: a key for the colour, and words."""
    if until is None:
        return "none", gettext("no date given")
    today = person.store.local(timezone.now()).date()
    if until < today:
        return "over", gettext("ended on %(day)s") % {"day": until}
    state = "soon" if until - today <= REMIND_BEFORE else "valid"
    return state, gettext("until %(day)s") % {"day": until}
