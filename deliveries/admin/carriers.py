"""Carriers and their rates, which a lead sets up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from deliveries import outbound
from deliveries.actions import carriers
from deliveries.models import Carrier, CarrierRate
from deliveries.models.carrier_rate import MOST_RATE_CENTS
from deliveries.models.package import HEAVIEST_G
from deliveries.templatetags.units import dollars, pounds
from stores import scope, units
from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter

from .verbs import link

HEAVIEST_LB = units.pounds(HEAVIEST_G)


class RateEndForm(forms.ModelForm):
    """For a line that is history: when it ends, and nothing else. The days' rules are here for both forms."""

    def clean(self) -> dict[str, Any]:
        """Name what stands in the way together with the way to mend it."""
        cleaned: dict[str, Any] = super().clean() or {}
        row = self.instance
        self._clean_line(cleaned)
        if self.errors:
            return cleaned
        carrier = cleaned.get("carrier") or row.carrier
        first, last = cleaned.get("effective_from", row.effective_from), cleaned.get("effective_until")
        today = carrier.store.evening(timezone.now())
        if "effective_from" in cleaned and first < today:
            self.add_error("effective_from", _("A rate begins today at the earliest: what is past was paid already."))
        if last and last < max(first, today):
            self.add_error("effective_until", _("The last day is today at the earliest, and not before the first."))
        if not self.errors and (other := self._in_the_way(cleaned, carrier, first, last)):
            sentence = _(
                "This meets another line: %(other)s. Give that one a last day before this one begins, or choose other "
                "ZIP codes or weights."
            )
            raise ValidationError(sentence, params={"other": _as_people_read(other)})
        return cleaned

    def _clean_line(self, cleaned: dict[str, Any]) -> None:
        """What else of the line is in this form."""

    def _in_the_way(
        self, cleaned: dict[str, Any], carrier: Carrier, first: date, last: date | None
    ) -> CarrierRate | None:
        """The line of the same carrier that would hold some package on some day, too. Locks the carrier, so that two
        people who write at once are told, and not the database."""
        Carrier.objects.select_for_update().get(pk=carrier.pk)
        row = self.instance
        others = CarrierRate.objects.filter(
            Q(effective_until=None) | Q(effective_until__gte=first),
            carrier=carrier, zip_from__lte=cleaned.get("zip_to", row.zip_to),
            zip_to__gte=cleaned.get("zip_from", row.zip_from), over_g__lt=row.up_to_g, up_to_g__gt=row.over_g,
        ).exclude(pk=row.pk)  # fmt: skip
        if last:
            others = others.filter(effective_from__lte=last)
        return others.order_by("effective_from").first()


class RateForm(RateEndForm):
    """Weights in pounds and prices in dollars, as a carrier's own table has them."""

    over_lb = forms.DecimalField(
        label=_("Over, pounds"), min_value=0, max_digits=4, decimal_places=1, initial=0,
        widget=UnfoldAdminDecimalFieldWidget, help_text=_("Where the line before it ends; 0 for the first."),
    )  # fmt: skip
    up_to_lb = forms.DecimalField(
        label=_("Up to, pounds"), min_value=Decimal("0.1"), max_value=HEAVIEST_LB, max_digits=4, decimal_places=1,
        initial=HEAVIEST_LB, widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("A package of exactly this weight is still in this line."),
    )  # fmt: skip
    price = forms.DecimalField(
        label=_("Price, dollars"), min_value=0, max_value=MOST_RATE_CENTS // 100, decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if row.pk:
            self.initial["over_lb"], self.initial["up_to_lb"] = units.pounds(row.over_g), units.pounds(row.up_to_g)
            self.initial["price"] = Decimal(row.cents) / 100

    def _clean_line(self, cleaned: dict[str, Any]) -> None:
        """Write the row's own units, and look at the order of things."""
        row = self.instance
        if cleaned.get("over_lb") is not None:
            row.over_g = units.grams(cleaned["over_lb"])
        if cleaned.get("up_to_lb") is not None:
            heaviest = cleaned["up_to_lb"] >= HEAVIEST_LB  # which is rounded down to a tenth
            row.up_to_g = HEAVIEST_G if heaviest else units.grams(cleaned["up_to_lb"])
        if cleaned.get("price") is not None:
            row.cents = int(cleaned["price"] * 100)
        if not self.errors and row.over_g >= row.up_to_g:
            self.add_error("up_to_lb", _("Write a higher weight than the one it begins over."))
        if cleaned.get("zip_from", "") > cleaned.get("zip_to", "99999"):
            self.add_error("zip_to", _("Write the same ZIP code as the first, or a higher one."))


def _zips(rate: CarrierRate) -> str:
    if (rate.zip_from, rate.zip_to) == ("00000", "99999"):
        return gettext("everywhere")
    return rate.zip_from if rate.zip_from == rate.zip_to else f"{rate.zip_from}–{rate.zip_to}"


def _weights(rate: CarrierRate) -> str:
    return f"{pounds(rate.over_g)} – {pounds(rate.up_to_g)}"


def _as_people_read(rate: CarrierRate) -> str:
    """One line in a sentence: where, how heavy, how much, since when."""
    since = gettext("from %(day)s") % {"day": date_format(rate.effective_from, "DATE_FORMAT")}
    return ", ".join([_zips(rate), _weights(rate), dollars(rate.cents), since])


class RateInline(ReadOnlyInline):
    """The table, under its carrier."""

    model = CarrierRate
    fields = readonly_fields = ("line", "weights", "price", "effective_from", "effective_until")
    verbose_name_plural = _("rates")

    @display(description=_("where"))
    def line(self, rate: CarrierRate) -> str:
        return link("deliveries_carrierrate_change", rate.pk, _zips(rate))

    @display(description=_("weight"))
    def weights(self, rate: CarrierRate) -> str:
        return _weights(rate)

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
        return _zips(rate)

    @display(description=_("weight"), ordering="over_g")
    def weights(self, rate: CarrierRate) -> str:
        return _weights(rate)

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
