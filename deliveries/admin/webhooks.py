"""What the retailer's systems were told, and what they sent: read here, set up by the systems themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from deliveries.actions import webhooks
from deliveries.models import Webhook, WebhookDelivery
from stores import scope
from stores.admin import ApiKeyStoreFilter
from stores.scoped_admin import ScopedAdmin, StoreFilter, in_store_time


@admin.register(Webhook)
class WebhookAdmin(ScopedAdmin):
    """Where events are sent. Set up by the retailer's system through the API; switched off and on here by superusers."""

    store_path = "stores"
    by_hand = frozenset({"change"})
    list_display = ("key", "active", "waiting", "given_up", "made_at")
    list_filter = (ApiKeyStoreFilter,)
    list_select_related = ("key",)
    fields = ("key", "url", "active", "waiting", "given_up", "made_at", "old_secret_until")
    readonly_fields = ("key", "url", "waiting", "given_up", "made_at", "old_secret_until")
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """A webhook of two own stores is one row; its events are counted with it."""
        own = super().get_queryset(request)
        return (
            Webhook.objects.filter(pk__in=own.values("pk"))
            .annotate(
                owed=Count("deliveries", filter=Q(deliveries__delivered_at=None, deliveries__given_up_at=None)),
                lost=Count("deliveries", filter=Q(deliveries__given_up_at__isnull=False)),
            )
            .order_by(*self.ordering)
        )

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return scope.access_of(request).everywhere

    @display(description=_("still to be delivered"))
    def waiting(self, webhook: Any) -> int:
        return int(webhook.owed)

    @display(description=_("given up"))
    def given_up(self, webhook: Any) -> int:
        return int(webhook.lost)


class OutcomeFilter(admin.SimpleListFilter):
    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("still to be delivered")), ("delivered", _("delivered")), ("given_up", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting":
            return queryset.filter(delivered_at=None, given_up_at=None)
        if self.value() == "delivered":
            return queryset.filter(delivered_at__isnull=False)
        return queryset.filter(given_up_at__isnull=False) if self.value() == "given_up" else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ScopedAdmin):
    """The log: every event sent to every webhook, how often it was tried, and what was answered."""

    list_display = ("made", "webhook", "package", "version", "attempts", "delivered", "status", "error", "store")
    list_filter = (OutcomeFilter, StoreFilter)
    list_select_related = ("webhook", "package", "store")
    search_fields = ("package__label", "package__reference")
    fields = readonly_fields = (
        "webhook", "store", "package", "version", "made", "due", "attempts", "delivered", "given", "status", "error",
    )  # fmt: skip
    made = in_store_time("made_at", _("made"))
    due = in_store_time("due_at", _("due"))
    delivered = in_store_time("delivered_at", _("delivered"))
    given = in_store_time("given_up_at", _("given up"))
    actions = ("send_again",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return scope.access_of(request).everywhere

    @action(description=_("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Owe the chosen events once more; a receiver knows them by their id."""
        count = webhooks.replay(deliveries=queryset, now=timezone.now())
        said = ngettext("%(count)s event will be sent again.", "%(count)s events will be sent again.", count)
        messages.success(request, said % {"count": count})
