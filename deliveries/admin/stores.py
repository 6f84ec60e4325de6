"""A store's page with its verbs: stage, pause, tonight's cut-off; and the decisions made so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldAdminTimeWidget

from deliveries.actions import running
from deliveries.actors import Actor
from deliveries.models import StopRule, StoreEvent
from stores.admin import StoreAdmin
from stores.models import Store
from stores.money import DollarsField
from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter, in_store_time

from .verbs import ReasonForm, Verb, VerbAdmin


class StageForm(ReasonForm):
    stage = forms.ChoiceField(label=_("Stage"), choices=Store.Stage.choices, widget=UnfoldAdminSelectWidget())
    field_order = ["stage", "reason"]


class CutoffForm(ReasonForm):
    to = forms.TimeField(
        label=_("Carrier cut-off tonight, store time"), widget=UnfoldAdminTimeWidget(attrs={"type": "time"}),
        help_text=_("For this evening only, at most three hours after the usual one."),
    )  # fmt: skip
    field_order = ["to", "reason"]


def _set_stage(store: Store, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return running.set_stage(store=store, stage=answers["stage"], by=by, now=now, reason=answers["reason"])


def _pause(store: Store, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return running.pause(store=store, by=by, now=now, reason=answers["reason"])


def _move_cutoff(store: Store, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return running.move_cutoff(store=store, to=answers["to"], by=by, now=now, reason=answers["reason"])


def who_decided(event: StoreEvent) -> str:
    if event.by_user is not None:
        return event.by_user.get_full_name() or event.by_user.email
    return f"{event.get_by_kind_display()}: {event.by_name}"


class StoreEventInline(ReadOnlyInline):
    """What was decided about the store, newest first."""

    model = StoreEvent
    fields = readonly_fields = ("when", "verb", "before", "after", "who", "reason")
    verbose_name_plural = _("decisions")
    when = in_store_time("at", _("at"))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("store", "by_user")

    @display(description=_("by"))
    def who(self, event: StoreEvent) -> str:
        return who_decided(event)


admin.site.unregister(Store)


@admin.register(Store)
class StoreDesk(VerbAdmin, StoreAdmin):
    """The settings by hand, the stage by a verb with a reason."""

    verbs = (
        Verb("pause", _("Pause the store"),
             _("No more offers: those that are open are withdrawn. What is claimed goes on and is paid; the rest goes to "
               "the carrier at the cut-off."), _pause, ("simulate", "pilot", "live"), grave=True),
        Verb("set_stage", _("Change the stage"),
             _("Simulate plans and offers nothing; pilot and live offer; paused gives all to the carrier."), _set_stage,
             Store.Stage.values, form=StageForm),
        Verb("move_cutoff", _("Move tonight’s cut-off"), _("The carrier comes earlier or later this evening?"),
             _move_cutoff, Store.Stage.values, form=CutoffForm, one_at_a_time=True),
    )  # fmt: skip
    inlines = (*StoreAdmin.inlines, StoreEventInline)

    def state_of(self, row: Store) -> str:
        return row.stage

    def initial(self, verb: Verb, row: Store) -> dict[str, Any]:
        return {"stage": row.stage} if verb.name == "set_stage" else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Store | None = None) -> tuple[str, ...]:
        """The stage is set by its verb; a new store begins with Simulate."""
        return (*(name for name in super().get_readonly_fields(request, obj) if name != "stage"), "stage")


@admin.register(StoreEvent)
class StoreEventAdmin(ScopedAdmin):
    """Decisions about stores: stages, pauses, moved cut-offs. Written by verbs, changed by nobody."""

    list_display = ("when", "verb", "before", "after", "by", "reason", "store")
    list_filter = ("verb", "by_kind", StoreFilter)
    list_select_related = ("store", "by_user")
    ordering = ("-pk",)
    fields = readonly_fields = ("store", "verb", "before", "after", "when", "by", "reason")
    when = in_store_time("at", _("at"))

    @display(description=_("by"))
    def by(self, event: StoreEvent) -> str:
        return who_decided(event)


LIMITS = {
    # What a limit is written as: pay in dollars, every other figure as it is counted.
    True: DollarsField(label=_("Pauses at"), least=1, most=1_000_00, example="6.50"),
    False: forms.IntegerField(label=_("Pauses at"), min_value=1, max_value=10_000),
}


class StopRuleForm(forms.ModelForm):
    """The limit in the unit of its figure, which stands above it and may be changed together with it."""

    limit = forms.CharField(
        label=_("Pauses at"), widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("At this or above, in the unit of the figure: 20 percent is 20, pay of $6.50 is 6.50."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["limit"] = self._as(self.instance.kind).prepare_value(self.instance.limit)

    @staticmethod
    def _as(kind: str | None) -> forms.Field:
        return LIMITS[kind == StopRule.Kind.COST]

    def clean_limit(self) -> int:
        """In the unit of the figure as it is chosen in this form."""
        limit: int = self._as(self.cleaned_data.get("kind")).clean(self.cleaned_data["limit"])
        return limit


@admin.register(StopRule)
class StopRuleAdmin(ScopedAdmin):
    """When a store pauses by itself. They come with the stage Pilot; what they did is under Decisions."""

    by_hand = frozenset({"add", "change", "delete"})
    form = StopRuleForm
    list_display = ("kind", "pauses_at", "least", "active", "store")
    list_filter = ("active", StoreFilter)
    list_select_related = ("store",)
    ordering = ("store", "kind")
    fields = ("store", "kind", "limit", "least", "active")

    def get_fields(self, request: HttpRequest, obj: StopRule | None = None) -> tuple[str, ...]:
        """Who only reads reads the limit in words."""
        writes = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return self.fields if writes else ("store", "kind", "pauses_at", "least", "active")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """The whole row: the same words are another limit once the figure is another."""
        obj.save()

    @display(description=_("pauses at"), ordering="limit")
    def pauses_at(self, rule: StopRule) -> str:
        return rule.limit_in_words
