"""Stores and their people in the admin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTimeWidget

from stores import scope, units

from .lengths import FeetField, LengthField, MilesField
from .models import (
    MOST_PICKUP_CREDIT_CENTS,
    ApiKey,
    Holiday,
    OpeningHours,
    PayPlan,
    StaffMember,
    Store,
    User,
    Weekday,
)
from .money import DollarsField, MileRateField
from .scoped_admin import ScopedAdmin, StoreFilter

# Rights come from roles in stores, not from groups; and nobody reads another person's second factor.
admin.site.unregister(Group)
admin.site.unregister(Authenticator)

# Kept in metres and cents: shown and written as people here measure and pay.
IN_OTHER_UNITS: dict[str, Callable[..., LengthField | DollarsField]] = {
    "radius_m": partial(
        MilesField, label=_("Radius, miles"), help_text=_("Packages farther than this go to the carrier."),
    ),
    "far_m": partial(
        FeetField, label=_("A drop-off farther than this from the pin needs a reason, feet"),
        help_text=_("As the crow flies, from where the phone is to where the address is on the map."),
    ),
    "pickup_credit_cents": partial(
        DollarsField, most=MOST_PICKUP_CREDIT_CENTS, example="3.00",
        label=_("Credit for customers who pick up instead, dollars"),
        help_text=_("Shown to customers beside “Pick it up at the store”. 0: none."),
    ),
}  # fmt: skip
IDENTITY = ("number", "name", "address1", "city", "state", "zip", "lat", "lon", "time_zone")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Accounts. For superusers only: an account may belong to any store, or to none."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("phone", "last_login", "date_joined")  # a number is confirmed by whoever has it
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "language", "phone")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)

    def _superuser(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._superuser(request)

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: an account is switched off, because events and trips name it."""
        return False


class OpeningHoursInline(StackedInline):
    """Each weekday, the missing ones ready to be filled in; a day that stays empty is closed.

    Not a table: unfold's has a head without words, and a region that is named like the page's own.
    """

    model = OpeningHours
    fields = ("weekday", "opens", "closes")
    hide_title = True
    max_num = len(Weekday)
    formfield_overrides: ClassVar[dict[Any, Any]] = {
        models.TimeField: {"widget": UnfoldAdminTimeWidget(attrs={"type": "time"})},
    }
    verbose_name_plural = _("opening hours, store time (customers who collect see them; an empty day is closed)")

    @staticmethod
    def missing(store: Store | None) -> list[int]:
        """The weekdays without a line."""
        there = set(store.opening_hours.values_list("weekday", flat=True)) if store is not None and store.pk else set()
        return [day for day in Weekday.values if day not in there]

    def get_extra(self, request: HttpRequest, obj: Store | None = None, **kwargs: Any) -> int:
        return len(self.missing(obj)) if self.has_add_permission(request, obj) else 0

    def has_view_permission(self, request: HttpRequest, obj: Store | None = None) -> bool:
        return scope.access_of(request).anywhere

    def has_change_permission(self, request: HttpRequest, obj: Store | None = None) -> bool:
        """Whoever edits the store."""
        return scope.access_of(request).may_edit("store", obj.pk if obj is not None else None)

    has_add_permission = has_delete_permission = has_change_permission


@admin.register(Store)
class StoreAdmin(ScopedAdmin):
    """The settings of a store's evenings. Who and where the store is, only a superuser changes."""

    store_path = "pk"
    by_hand = frozenset({"add", "change"})
    list_display = ("number", "name", "city", "state", "stage_shown", "carrier_cutoff", "time_zone")
    list_filter = ("stage",)
    search_fields = ("number", "name", "city")
    ordering = ("number",)
    inlines: Sequence[type[InlineModelAdmin]] = (OpeningHoursInline,)
    fieldsets = (
        (_("Stage"), {"fields": ("stage",)}),
        (
            _("The evening"),
            {
                "fields": (
                    "round_lead_minutes", "round_every_minutes", "answer_lead_minutes", "carrier_cutoff",
                    "carrier_lead_minutes", "radius_m",
                )
            },
        ),
        (
            _("At the bay and the door"),
            {"fields": ("bay_place", "load_minutes", "service_seconds", "far_m", "pickup_credit_cents")},
        ),
        (_("Cover and emergencies"), {"fields": ("emergency_number", "cover_version", "cover_en", "cover_es")}),
        (_("Working time"), {"fields": ("workweek_starts_on", "longest_day_hours", "rest_minutes")}),
        (_("Where the store is"), {"fields": (*IDENTITY, "phone")}),
    )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if field := IN_OTHER_UNITS.get(db_field.name):
            return field(initial=db_field.default)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: InlineModelAdmin, prefix: str
    ) -> dict[str, Any]:
        """The lines that are ready to be filled in have their weekday already."""
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if isinstance(inline, OpeningHoursInline):
            kwargs["initial"] = [{"weekday": day} for day in inline.missing(obj)]
        return kwargs

    def get_fieldsets(self, request: HttpRequest, obj: Store | None = None) -> Any:
        """Who only reads gets no form field, which would convert: columns in people's units stand in their places."""
        if self.has_change_permission(request, obj) if obj else self.has_add_permission(request):
            return self.fieldsets
        shown = {"radius_m": "radius_shown", "far_m": "far_shown", "pickup_credit_cents": "pickup_credit"}
        return [
            (title, {"fields": tuple(shown.get(name, name) for name in part["fields"])})
            for title, part in self.fieldsets
        ]

    @display(description=_("radius"))
    def radius_shown(self, store: Store) -> str:
        return gettext("%(number)s miles") % {"number": units.miles(store.radius_m)}

    @display(description=_("a drop-off farther than this from the pin needs a reason"))
    def far_shown(self, store: Store) -> str:
        return gettext("%(number)s feet") % {"number": units.feet(store.far_m)}

    @display(description=_("credit for customers who pick up instead"))
    def pickup_credit(self, store: Store) -> str:
        return units.dollars(store.pickup_credit_cents)

    @display(description=_("stage"), ordering="stage", label={"live": "success", "pilot": "info", "paused": "warning"})
    def stage_shown(self, store: Store) -> tuple[str, str]:
        return store.stage, store.get_stage_display()

    def get_readonly_fields(self, request: HttpRequest, obj: Store | None = None) -> tuple[str, ...]:
        access = scope.access_of(request)
        return () if access.everywhere else IDENTITY

    def has_add_permission(self, request: HttpRequest) -> bool:
        return scope.access_of(request).everywhere


@admin.register(StaffMember)
class StaffMemberAdmin(ScopedAdmin):
    """Who works in a store, in which role. Given and taken by superusers: it decides what everybody sees."""

    by_hand = frozenset({"add", "change", "delete"})
    list_display = ("user", "role", "store")
    list_filter = ("role", StoreFilter)
    list_select_related = ("user", "store")
    search_fields = ("user__email", "user__first_name", "user__last_name")
    fields = ("user", "store", "role")
    ordering = ("store", "role", "user__email")
    autocomplete_fields = ("user",)

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        if db_field.name == "user" and scope.access_of(request).everywhere:
            return User.objects.all()
        return super().get_field_queryset(db, db_field, request)


class PlanFields(forms.ModelForm):
    """The figures of a pay plan in dollars. What is more than `most` was meant in cents, as this form once had it."""

    hourly_cents = DollarsField(
        label=_("Guaranteed per paid hour, dollars"),
        least=1,
        most=500_00,
        help_text=_("At least the state’s minimum wage."),
    )
    per_package_cents = DollarsField(label=_("Per package, dollars"), most=50_00, example="1.50")
    mileage_tenth_cents = MileRateField(
        label=_("Per mile, dollars"), most=5_000, example="0.725",
        initial=PayPlan._meta.get_field("mileage_tenth_cents").get_default(),
        help_text=_("Up to three decimals: 0.725 is 72.5 cents a mile."),
    )  # fmt: skip


class PayPlanForm(PlanFields):
    def clean(self) -> dict[str, Any]:
        """A plan begins on a day still to come, so that nothing quoted or worked today changes its price."""
        cleaned: dict[str, Any] = super().clean() or {}
        store, first_day = (
            cleaned.get("store") or (self.instance.store_id and self.instance.store),
            cleaned.get("effective_from"),
        )
        if store and first_day:
            today = store.local(timezone.now()).date()
            has_one = PayPlan.objects.filter(store=store, effective_from__lte=today).exclude(pk=self.instance.pk)
            if first_day < today or (first_day == today and has_one.exists()):
                raise ValidationError(
                    {"effective_from": _("A new plan begins tomorrow at the earliest; today's quotes stand.")}
                )
        return cleaned


@admin.register(PayPlan)
class PayPlanAdmin(ScopedAdmin):
    """What a store pays, by date. Once in force a plan is history; a change is a new plan."""

    form = PayPlanForm
    by_hand = frozenset({"add", "change", "delete"})
    ordering = ("store", "-effective_from")
    list_display = ("store", "effective_from", "in_force", "hourly", "per_package", "per_mile")
    list_filter = (StoreFilter,)
    list_select_related = ("store",)
    fields = (
        "store", "effective_from", "hourly_cents", "per_package_cents", "mileage_tenth_cents", "last_leg_paid",
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: PayPlan | None = None) -> tuple[str, ...]:
        """Who only reads gets no form field, which would convert: columns in dollars stand in their places."""
        if self.has_change_permission(request, obj) if obj else self.has_add_permission(request):
            return self.fields
        shown = {"hourly_cents": "hourly", "per_package_cents": "per_package", "mileage_tenth_cents": "per_mile"}
        return tuple(shown.get(name, name) for name in self.fields)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """The whole row: the plan keeps the minimum wage of its first day beside it, and the day may have changed."""
        obj.save()

    @display(description=_("in force"), boolean=True)
    def in_force(self, plan: PayPlan) -> bool:
        return plan.effective_from <= plan.store.local(timezone.now()).date()

    @display(description=_("per paid hour"), ordering="hourly_cents")
    def hourly(self, plan: PayPlan) -> str:
        return units.dollars(plan.hourly_cents)

    @display(description=_("per package"), ordering="per_package_cents")
    def per_package(self, plan: PayPlan) -> str:
        return units.dollars(plan.per_package_cents)

    @display(description=_("per mile"), ordering="mileage_tenth_cents")
    def per_mile(self, plan: PayPlan) -> str:
        return units.dollars_of_tenths(plan.mileage_tenth_cents)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (isinstance(obj, PayPlan) and self.in_force(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (isinstance(obj, PayPlan) and self.in_force(obj))


@admin.register(Holiday)
class HolidayAdmin(ScopedAdmin):
    """Days without offers."""

    by_hand = frozenset({"add", "change", "delete"})
    list_display = ("day", "name", "store")
    list_filter = (StoreFilter,)
    list_select_related = ("store",)
    fields = ("store", "day", "name")
    ordering = ("-day",)


class ApiKeyForm(forms.ModelForm):
    revoke = forms.BooleanField(
        required=False,
        label=_("Revoke this key now"),
        help_text=_("The system that uses it is refused from the next call on. This cannot be taken back."),
    )


class ApiKeyStoreFilter(StoreFilter):
    path = "stores"


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Keys of the retailer's systems: seen by everybody they concern, revoked by superusers.

    A key is made by `manage.py make_api_key`, which shows its secret once, and given a new one by `rotate_api_key`; only
    hashes are kept, and not even those are here.
    """

    store_path = "stores"
    by_hand = frozenset({"change"})
    form = ApiKeyForm
    list_display = ("name", "working", "scopes_shown", "made_on", "revoked_at")
    list_filter = (ApiKeyStoreFilter,)
    ordering = ("name", "pk")
    readonly_fields = (
        "name", "for_stores", "scopes_shown", "per_minute", "secrets_shown", "made_at", "revoked_at",
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        revocable = obj is not None and obj.revoked_at is None and self.has_change_permission(request, obj)
        return (*self.readonly_fields, "revoke") if revocable else self.readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """A key of two own stores is one row."""
        own = super().get_queryset(request)
        return ApiKey.objects.filter(pk__in=own.values("pk")).prefetch_related("secrets").order_by(*self.ordering)

    @display(description=_("works"), boolean=True)
    def working(self, key: ApiKey) -> bool:
        now = timezone.now()
        return key.revoked_at is None and any(secret.expires_at > now for secret in key.secrets.all())

    @display(description=_("may"))
    def scopes_shown(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description=_("secrets"))
    def secrets_shown(self, key: ApiKey) -> str:
        """When each ends and was last used; what they are, nobody can say any more."""
        lines = [
            _("until %(until)s, last used: %(used)s")
            % {
                "until": date_format(secret.expires_at, "DATE_FORMAT"),
                "used": date_format(secret.last_used_on, "DATE_FORMAT") if secret.last_used_on else _("never"),
            }
            for secret in key.secrets.order_by("made_at")
        ]
        return "; ".join(map(str, lines)) or "–"

    @display(description=_("made on"), ordering="made_at")
    def made_on(self, key: ApiKey) -> Any:
        return key.made_at

    @display(description=_("stores"))
    def for_stores(self, key: ApiKey) -> str:
        """Its stores, as far as the person knows them. Set by `get_object`."""
        return ", ".join(str(store) for store in getattr(key, "known_stores", []))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ApiKey | None:
        key = super().get_object(request, object_id, from_field)
        if key is not None:
            key.known_stores = list(key.stores.filter(pk__in=scope.stores_of(request.user)))
        return key

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return scope.access_of(request).everywhere

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if form.cleaned_data.get("revoke"):
            ApiKey.objects.filter(pk=obj.pk, revoked_at=None).update(revoked_at=timezone.now())
