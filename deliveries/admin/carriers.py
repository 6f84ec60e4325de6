"""Carriers and their rates, which a lead sets up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from deliveries import outbound
from deliveries.actions import carriers
from deliveries.carriers import rates
from deliveries.models import Carrier, CarrierRate
from deliveries.models.carrier_rate import MOST_RATE_CENTS
from deliveries.templatetags.units import dollars
from stores import scope, units
from stores.money import DollarsField
from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter

from .verbs import link


class RateEndForm(forms.ModelForm):
    """For a line that is history: when it ends, and nothing else. The rules are in `carriers/rates.py`, for both forms."""

    begun = True
    # What a field of the row is called in the form.
    shown_as = {"up_to_g": "up_to_lb"}

    def clean(self) -> dict[str, Any]:
        """Name what stands in the way together with the way to mend it."""
        cleaned: dict[str, Any] = super().clean() or {}
        self._clean_line(cleaned)
        if self.errors:
            return cleaned
        # The row as it would be; the form's own is filled by Django only after this.
        row = CarrierRate(
            **{field.attname: getattr(self.instance, field.attname) for field in self.instance._meta.fields}
        )
        for name in ("carrier", "effective_from", "effective_until", "zip_from", "zip_to"):
            if name in cleaned:
                setattr(row, name, cleaned[name])
        for each in rates.wrong(row, today=row.carrier.store.evening(timezone.now()), begun=self.begun):
            self.add_error(self.shown_as.get(each.field, each.field), str(each.sentence))
        if self.errors:
            return cleaned
        Carrier.objects.select_for_update().get(pk=row.carrier_id)
        if other := rates.meeting(row).first():
            sentence = _(
                "This meets another line: %(other)s. Give that one a last day before this one begins, or choose other "
                "ZIP codes or weights."
            )
            raise ValidationError(sentence, params={"other": rates.described(other)})
        return cleaned

    def _clean_line(self, cleaned: dict[str, Any]) -> None:
        """What else of the line is in this form."""


class RateForm(RateEndForm):
    """Weights in pounds and prices in dollars, as a carrier's own table has them."""

    begun = False
    over_lb = forms.DecimalField(
        label=_("Over, pounds"), min_value=0, max_digits=4, decimal_places=1, initial=0,
        widget=UnfoldAdminDecimalFieldWidget, help_text=_("Where the line before it ends; 0 for the first."),
    )  # fmt: skip
    up_to_lb = forms.DecimalField(
        label=_("Up to, pounds"), min_value=Decimal("0.1"), max_value=rates.HEAVIEST_LB, max_digits=4, decimal_places=1,
        initial=rates.HEAVIEST_LB, widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("A package of exactly this weight is still in this line."),
    )  # fmt: skip
    price = DollarsField(label=_("Price, dollars"), most=MOST_RATE_CENTS, example="6.40")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if row.pk:
            self.initial["over_lb"], self.initial["up_to_lb"] = units.pounds(row.over_g), units.pounds(row.up_to_g)
            self.initial["price"] = row.cents

    def _clean_line(self, cleaned: dict[str, Any]) -> None:
        """Write the row's own units."""
        row = self.instance
        if cleaned.get("over_lb") is not None:
            row.over_g = units.grams(cleaned["over_lb"])
        if cleaned.get("up_to_lb") is not None:
            row.up_to_g = rates.grams(cleaned["up_to_lb"])
        if cleaned.get("price") is not None:
            row.cents = cleaned["price"]


class RateInline(ReadOnlyInline):
    """The table, under its carrier."""

    model = CarrierRate
    fields = readonly_fields = ("line", "weights", "price", "effective_from", "effective_until")
    verbose_name_plural = _("rates")

    @display(description=_("where"))
    def line(self, rate: CarrierRate) -> str:
        return link("deliveries_carrierrate_change", rate.pk, rates.zips(rate))

    @display(description=_("weight"))
    def weights(self, rate: CarrierRate) -> str:
        return rates.weights(rate)

    @display(description=_("price"))
    def price(self, rate: CarrierRate) -> str:
        return dollars(rate.cents)


class CarrierForm(forms.ModelForm):
    """The token is written and never shown."""

    new_token = forms.CharField(
        required=False, max_length=500, label=_("token of their API"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}), help_text=_("Kept sealed; empty leaves it as it is."),
    )  # fmt: skip

    def clean_url(self) -> str:
        url: str = self.cleaned_data.get("url") or ""
        if url:
            try:
                outbound.check(url, local=settings.OUTBOUND_LOCAL)
            except outbound.Refused:
                raise forms.ValidationError(_("Write an https:// address of the public internet.")) from None
        return url

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("kind") == Carrier.Kind.HTTP and not cleaned.get("url"):
            self.add_error("url", _("A carrier that is told through an API needs its address."))
        return cleaned


@admin.register(Carrier)
class CarrierAdmin(ScopedAdmin):
    """Who brings what nobody claimed. One is active a store; an old one is kept, because manifests name it."""

    by_hand = frozenset({"add", "change"})
    form = CarrierForm
    list_display = ("name", "kind", "active", "store")
    list_filter = ("active", StoreFilter)
    list_select_related = ("store",)
    fields = ("store", "name", "active", "kind", "url", "new_token")
    search_fields = ("name",)
    inlines = (RateInline,)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if isinstance(obj, Carrier) and form.cleaned_data.get("new_token"):
            obj.token = carriers.seal_token(form.cleaned_data["new_token"])
        super().save_model(request, obj, form, change)


class RateStoreFilter(StoreFilter):
    path = "carrier__store"


@admin.register(CarrierRate)
class CarrierRateAdmin(ScopedAdmin):
    """What a carrier charges. From the day after its first on a line is history: only its last day may be set then."""

    store_path = "carrier__store"
    by_hand = frozenset({"add", "change", "delete"})
    list_before_template = "admin/staff/rates_by_file.html"
    list_display = ("carrier", "where", "weights", "price", "effective_from", "effective_until", "in_force", "at_store")
    list_filter = (RateStoreFilter,)
    also_by = ("carrier",)
    list_select_related = ("carrier__store",)
    ordering = ("carrier", "-effective_from", "zip_from", "over_g")
    fields = ("carrier", "effective_from", "effective_until", "zip_from", "zip_to", "over_lb", "up_to_lb", "price")

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        """Carriers of the stores whose rates the person edits; seeing a carrier is not enough."""
        if db_field.name == "carrier":
            stores = scope.access_of(request).editable_stores(self.form_name)
            return Carrier.objects.filter(store__in=stores).select_related("store")
        return super().get_field_queryset(db, db_field, request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change, **{"form": RateForm if self._new(request, obj) else RateEndForm, **kwargs}
        )

    def get_fields(self, request: HttpRequest, obj: CarrierRate | None = None) -> tuple[str, ...]:
        return self.fields if self._new(request, obj) else (*self.fields[:5], "weights", "price_shown")

    def get_readonly_fields(self, request: HttpRequest, obj: CarrierRate | None = None) -> tuple[str, ...]:
        if self._new(request, obj):
            return ()
        return ("carrier", "effective_from", "zip_from", "zip_to", "weights", "price_shown")

    def _new(self, request: HttpRequest, rate: CarrierRate | None) -> bool:
        """Not history yet, and this person may write it."""
        if rate is None:
            return True
        today = rate.carrier.store.evening(timezone.now())
        return rate.effective_from >= today and self.has_change_permission(request, rate)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        old = isinstance(obj, CarrierRate) and not self._new(request, obj)
        return super().has_delete_permission(request, obj) and not old

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """The whole row: pounds and dollars are fields of the form, grams and cents of the row."""
        obj.save()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        access = scope.access_of(request)
        several = access.everywhere or len(access.roles) > 1
        return [name for name in self.list_display if several or name != "at_store"]

    @display(description=_("where"), ordering="zip_from")
    def where(self, rate: CarrierRate) -> str:
        return rates.zips(rate)

    @display(description=_("weight"), ordering="over_g")
    def weights(self, rate: CarrierRate) -> str:
        return rates.weights(rate)

    @display(description=_("price"), ordering="cents")
    def price(self, rate: CarrierRate) -> str:
        return dollars(rate.cents)

    @display(description=_("price"))
    def price_shown(self, rate: CarrierRate) -> str:
        return dollars(rate.cents)

    @display(description=_("in force"), boolean=True)
    def in_force(self, rate: CarrierRate) -> bool:
        today = rate.carrier.store.evening(timezone.now())
        return rate.effective_from <= today and (rate.effective_until is None or today <= rate.effective_until)

    @display(description=_("store"), ordering="carrier__store")
    def at_store(self, rate: CarrierRate) -> str:
        return str(rate.carrier.store)
