"""Packages: read-only rows from the retailer, moved by verbs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from deliveries.actions import cancelling, carriers, exceptions, receiving
from deliveries.actions.moves import WrongState
from deliveries.actors import Actor
from deliveries.models import DeliveryException, Event, Package
from deliveries.states import ENDED, PackageState
from deliveries.templatetags.units import dollars, inches, pounds
from stores import scope
from stores.places import Point, Precision
from stores.scoped_admin import ReadOnlyInline, StoreFilter, in_store_time

from .verbs import NoQuestion, ReasonForm, Verb, VerbAdmin, link, sources

STATE_LABELS = {
    PackageState.RECEIVED: "default", PackageState.CANCELLED: "default", PackageState.WITH_CARRIER: "primary",
    PackageState.STAGED: "success", PackageState.OFFERED: "info", PackageState.CLAIMED: "info",
    PackageState.LOADED: "info", PackageState.OUT: "info", PackageState.DELIVERED: "success",
    PackageState.ATTEMPTED: "danger", PackageState.KEPT: "danger", PackageState.RETURNING: "warning",
    PackageState.RETURNED: "warning", PackageState.HELD_FOR_PICKUP: "warning",
}  # fmt: skip


class PinForm(ReasonForm):
    """Where the door is, in degrees; the position of the map's pin."""

    lat = forms.FloatField(
        label=_("Latitude"), validators=[MinValueValidator(-90), MaxValueValidator(90)],
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )  # fmt: skip
    lon = forms.FloatField(
        label=_("Longitude"), validators=[MinValueValidator(-180), MaxValueValidator(180)],
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )  # fmt: skip
    field_order = ["lat", "lon", "reason"]


def _stage(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return receiving.stage(packages=[package], by=by, now=now)


def _tender(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    manifest = carriers.tender(store=package.store, packages=[package], by=by, now=now, reason=answers["reason"])
    if manifest is None:
        raise WrongState
    return manifest


def _hold(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return receiving.hold(package=package, by=by, now=now, reason=answers["reason"])


def _collect(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return receiving.collect(package=package, by=by, now=now)


def _cancel(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return cancelling.cancel(package=package, by=by, now=now, reason=answers["reason"])


def _receive_return(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return exceptions.receive_return(package=package, by=by, now=now)


def _confirm_pin(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return receiving.confirm_pin(package=package, point=Point(answers["lat"], answers["lon"]), by=by, now=now)


class TonightFilter(admin.SimpleListFilter):
    """What came to its present state this evening, on each store's own clock."""

    title = _("evening")
    parameter_name = "evening"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("tonight", _("Moved tonight"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Package]) -> QuerySet[Package]:
        if self.value() != "tonight":
            return queryset
        now, tonight = timezone.now(), Q(pk__in=[])
        for store in scope.stores_of(request.user):
            tonight |= Q(store=store, state_since__gte=store.evening_began(now))
        return queryset.filter(tonight)


class PromiseFilter(admin.SimpleListFilter):
    """Promises that need somebody now."""

    title = _("promise")
    parameter_name = "promise"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("Late")), ("soon", _("Soon, and not on the road"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Package]) -> QuerySet[Package]:
        from deliveries.views.tonight import at_risk

        now = timezone.now()
        if self.value() == "late":
            return queryset.filter(deliver_by__lte=now).exclude(state__in=sorted(ENDED))
        return at_risk(queryset, now) if self.value() == "soon" else queryset


class ProblemFilter(admin.SimpleListFilter):
    title = _("problem")
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open problem at the door"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Package]) -> QuerySet[Package]:
        if self.value() != "open":
            return queryset
        return queryset.filter(Exists(DeliveryException.objects.filter(package=OuterRef("pk"), resolved_at=None)))


class EventInline(ReadOnlyInline):
    """The package's own history, newest first. Who was offered it is not in it."""

    model = Event
    fields = readonly_fields = ("when", "verb", "from_state", "to_state", "who", "reason")
    ordering = ("-version",)
    verbose_name_plural = _("history")
    when = in_store_time("at", _("at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).select_related("store", "by_user")

    @display(description=_("by"))
    def who(self, event: Event) -> str:
        return who(event)


def who(event: Event) -> str:
    """Who did it, for staff: their own people by name; an associate only as "associate", because the trip says who
    carried what, and nothing here may add up what somebody gave back."""
    if event.by_kind == "staff" and event.by_user is not None:
        return event.by_user.get_full_name() or event.by_user.email
    kind = event.get_by_kind_display()
    return f"{kind}: {event.by_name}" if event.by_name else kind


@admin.register(Package)
class PackageAdmin(VerbAdmin):
    """Every package of the person's stores: what it is, where it is, who has it in hand."""

    list_display = ("label", "state_shown", "since", "promised", "recipient", "place", "in_hand", "size", "store")
    list_display_links = ("label",)
    list_filter = ("state", PromiseFilter, TonightFilter, ProblemFilter, "precision", StoreFilter)
    list_select_related = ("store", "holder__employee")
    also_by = ("trip",)
    ordering = ("deliver_by", "pk")
    search_fields = ("label", "reference", "recipient", "address1", "zip")
    search_help_text = _("Label, reference, recipient, street or ZIP")
    inlines = (EventInline,)
    fieldsets = (
        (None, {"fields": ("label", "reference", "store", "state_now", "since", "in_hand", "on_trip")}),
        (
            _("Promise"),
            {
                "fields": (
                    "promised", "not_before_local", "carrier_asked", "associate_ok", "item_class", "pin_required",
                    "carrier_cost", "value",
                )
            },
        ),
        (
            _("To"),
            {
                "fields": (
                    "recipient", "phone", "email", "address1", "address2", "city", "region", "zip", "pin",
                    "safe_place", "instructions",
                )
            },
        ),
        (_("Size"), {"fields": ("weight", "sides")}),
    )  # fmt: skip
    readonly_fields = (
        "state_now", "since", "in_hand", "on_trip", "promised", "not_before_local", "carrier_cost", "value", "pin",
        "weight", "sides",
    )  # fmt: skip
    verbs = (
        Verb("stage", _("Stage"), _("Put it on the bay. From then on it can be offered."), _stage, sources("stage"),
             NoQuestion),
        Verb("confirm_pin", _("Confirm the pin"), _("Look at the map: where is the door?"), _confirm_pin,
             (PackageState.RECEIVED, PackageState.STAGED, PackageState.RETURNED), PinForm, one_at_a_time=True),
        Verb("receive_return", _("Receive the return"), _("You have it in your hands, back in the store."),
             _receive_return, sources("receive_return"), NoQuestion),
        Verb("hold", _("Hold for pick-up"), _("It stays here until the customer comes for it."), _hold,
             sources("hold")),
        Verb("collect", _("Collected by the customer"), _("The customer is here and takes it."), _collect,
             sources("collect"), NoQuestion, one_at_a_time=True),
        Verb("tender", _("Give to the carrier"), _("It goes to the carrier now and is offered to nobody any more."),
             _tender, sources("tender"), grave=True),
        Verb("cancel", _("Cancel"), _("The order is off. This cannot be taken back."), _cancel, sources("cancel"),
             grave=True),
    )  # fmt: skip

    since = in_store_time("state_since", _("since"))
    promised = in_store_time("deliver_by", _("promised by"))
    not_before_local = in_store_time("not_before", _("another day: not before"))

    def initial(self, verb: Verb, row: Package) -> dict[str, Any]:
        return {"lat": row.lat, "lon": row.lon} if verb.name == "confirm_pin" else {}

    @display(description=_("state"), ordering="state", label=STATE_LABELS)
    def state_shown(self, package: Package) -> tuple[str, str]:
        return package.state, package.get_state_display()

    @display(description=_("state"))
    def state_now(self, package: Package) -> str:
        return package.get_state_display()

    @display(description=_("to"), ordering=F("zip"))
    def place(self, package: Package) -> str:
        return f"{package.address1}, {package.zip}"

    @display(description=_("in the hands of"))
    def in_hand(self, package: Package) -> str:
        return str(package.holder) if package.holder else "–"

    @display(description=_("trip"))
    def on_trip(self, package: Package) -> str:
        return link("deliveries_trip_change", package.trip_id, package.trip)

    @display(description=_("size"), ordering="weight_g")
    def size(self, package: Package) -> str:
        return pounds(package.weight_g)

    @display(description=_("weight"))
    def weight(self, package: Package) -> str:
        return pounds(package.weight_g)

    @display(description=_("sides"))
    def sides(self, package: Package) -> str:
        return " × ".join(inches(side) for side in (package.length_mm, package.width_mm, package.height_mm))

    @display(description=_("what the carrier would cost"))
    def carrier_cost(self, package: Package) -> str:
        return dollars(package.carrier_cents)

    @display(description=_("value"))
    def value(self, package: Package) -> str:
        return dollars(package.value_cents)

    @display(description=_("pin"))
    def pin(self, package: Package) -> str:
        known = {
            Precision.ROOFTOP: _("the house"),
            Precision.STREET: _("the street"),
            Precision.MANUAL: _("set by hand on a map"),
            Precision.ZIP: _("the ZIP code only: confirm it before an associate can be offered this package"),
        }
        return f"{package.lat:.5f}, {package.lon:.5f} · {known[Precision(package.precision)]}"
