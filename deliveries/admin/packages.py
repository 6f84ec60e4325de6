"""Packages: read-only rows from the retailer, moved by verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from associates.models import Associate, Shift
from deliveries.actions import cancelling, exceptions, reassign, receiving, reclaim
from deliveries.actors import Actor
from deliveries.matching import BOARD_STAYS_OPEN
from deliveries.models import DeliveryException, Event, Package
from deliveries.quoting import PlannedTrip
from deliveries.states import ENDED, ON_A_TRIP, PackageState, TripState
from deliveries.templatetags.units import dollars, inches, pounds
from stores import scope
from stores.models import Store
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


class ReassignForm(ReasonForm):
    """To whom. Those whose shift ends this evening, each by name only: who fits is the planner's to know."""

    shift = forms.ModelChoiceField(
        label=_("Give it to"), queryset=Shift.objects.none(), widget=UnfoldAdminSelectWidget(),
        help_text=_("They are told at once, with what their trip pays then, and may give it back before they leave."),
    )  # fmt: skip
    agreed = forms.BooleanField(
        label=_("I asked, and this person said yes"), widget=UnfoldBooleanSwitchWidget(),
        error_messages={"required": _("Ask the person first. Nobody is given a package without their word.")},
    )  # fmt: skip
    key = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid4)
    field_order = ["shift", "agreed", "reason"]


def _shift_of(store: Store, shift: Shift) -> str:
    return _("%(name)s, shift ends %(time)s") % {
        "name": f"{shift.employee.first_name} {shift.employee.last_name}",
        "time": date_format(store.local(shift.ends_at), "P"),
    }


def tonights_shifts(store: Store, now: datetime) -> QuerySet[Shift]:
    """Shifts of people who signed up that end this evening and whose trip has not left."""
    began = store.evening_began(now)
    return (
        Shift.objects.filter(
            store=store, ends_at__gte=max(began, now - BOARD_STAYS_OPEN), ends_at__lt=began + timedelta(days=1),
            employee__associate__state=Associate.State.ACTIVE,
        )
        .exclude(trips__state__in=[TripState.UNDER_WAY, TripState.FINISHED])
        .select_related("employee")
        .order_by("ends_at", "pk")
    )  # fmt: skip


def _stage(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return receiving.stage(packages=[package], by=by, now=now)


def _rest(package: Package, now: datetime) -> PlannedTrip | None:
    """The trip the package leaves, planned without it."""
    return reclaim.rest_of(package.trip, package, now) if package.trip and package.state in ON_A_TRIP else None


def _reclaim(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return reclaim.reclaim(package=package, by=by, now=now, reason=answers["reason"], rest=_rest(package, now))


def _tender(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return reclaim.force_to_carrier(package=package, by=by, now=now, reason=answers["reason"], rest=_rest(package, now))


def _hold(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return reclaim.force_hold(package=package, by=by, now=now, reason=answers["reason"], rest=_rest(package, now))


def _override(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return reclaim.let_associate(package=package, by=by, now=now, reason=answers["reason"])


def _reassign(package: Package, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    shift: Shift = answers["shift"]
    to = Associate.objects.select_related("limits", "employee", "user", "store").get(employee=shift.employee_id)
    planned = reassign.plan_for(package, to, shift, now)
    return reassign.reassign(
        package=package, planned=planned, to=to, by=by, now=now, reason=answers["reason"], key=answers["key"],
        rest=_rest(package, now),
    )  # fmt: skip


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
                    "promised", "not_before_local", "carrier_asked", "associate_ok", "kept_because", "item_class",
                    "pin_required", "carrier_cost", "value",
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
        "state_now", "since", "in_hand", "on_trip", "promised", "not_before_local", "kept_because", "carrier_cost", "value",
        "pin", "weight", "sides",
    )  # fmt: skip
    verbs = (
        Verb("stage", _("Stage"), _("Put it on the bay. From then on it can be offered."), _stage, sources("stage"),
             NoQuestion),
        Verb("confirm_pin", _("Confirm the pin"), _("Look at the map: where is the door?"), _confirm_pin,
             (PackageState.RECEIVED, PackageState.STAGED, PackageState.RETURNED), PinForm, one_at_a_time=True),
        Verb("receive_return", _("Receive the return"), _("You have it in your hands, back in the store."),
             _receive_return, sources("receive_return"), NoQuestion),
        Verb("withdraw", _("Take the offer back"),
             _("The offer that holds it is withdrawn, with all that is in it, and its packages return to the bay."),
             _reclaim, (PackageState.OFFERED,), grave=True),
        Verb("release", _("Take it off the trip"),
             _("It returns to the bay. The person is told, and what the trip pays stays as it was."), _reclaim,
             (PackageState.CLAIMED,), grave=True),
        Verb("unload", _("Take it back from the car"),
             _("You have it in your hands again. The person is told, and what the trip pays stays as it was."), _reclaim,
             (PackageState.LOADED,)),
        Verb("reassign", _("Give it to somebody else"),
             _("Both people are told. The new one gets an exact quote, and no limit of theirs is passed."), _reassign,
             reassign.FROM, ReassignForm, one_at_a_time=True),
        Verb("override", _("Let an associate bring it"),
             _("It is beyond the store's radius. From now on it is offered to people whose own limits allow it."),
             _override, (PackageState.RECEIVED, PackageState.STAGED, PackageState.RETURNED)),
        Verb("hold", _("Hold for pick-up"), _("It stays here until the customer comes for it."), _hold,
             sources("hold")),
        Verb("force_hold", _("Hold for pick-up"),
             _("It is taken back from whoever it was promised to, and stays here until the customer comes for it."),
             _hold, reclaim.PROMISED, grave=True),
        Verb("collect", _("Collected by the customer"), _("The customer is here and takes it."), _collect,
             sources("collect"), NoQuestion, one_at_a_time=True),
        Verb("tender", _("Give to the carrier"), _("It goes to the carrier now and is offered to nobody any more."),
             _tender, {*sources("tender"), *reclaim.PROMISED}, grave=True),
        Verb("cancel", _("Cancel"), _("The order is off. This cannot be taken back."), _cancel,
             {*sources("cancel"), PackageState.OFFERED}, grave=True),
    )  # fmt: skip

    since = in_store_time("state_since", _("since"))
    promised = in_store_time("deliver_by", _("promised by"))
    not_before_local = in_store_time("not_before", _("another day: not before"))

    def buttons(self, request: HttpRequest, row: Package) -> list[dict[str, Any]]:
        """Without "let an associate bring it" where it is not the store's radius that says no."""
        shown = super().buttons(request, row)
        ours = not row.associate_ok and row.kept_because == Package.Kept.RADIUS
        return [each for each in shown if ours or each["verb"] != "override"]

    def form_of(self, request: HttpRequest, verb: Verb, rows: Sequence[Package]) -> forms.Form:
        form = super().form_of(request, verb, rows)
        if isinstance(form, ReassignForm):
            shifts = tonights_shifts(rows[0].store, timezone.now())
            if rows[0].trip_id:
                shifts = shifts.exclude(trips=rows[0].trip_id)
            choice: Any = form.fields["shift"]
            choice.queryset = shifts
            choice.label_from_instance = partial(_shift_of, rows[0].store)
        return form

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
        if package.carrier_said_cents is None:
            return dollars(package.carrier_cents)
        return gettext("%(price)s by your rates; the retailer said %(said)s") % {
            "price": dollars(package.carrier_cents), "said": dollars(package.carrier_said_cents),
        }  # fmt: skip

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
