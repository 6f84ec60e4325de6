"""Webhooks: set up by the retailer's systems through the API, or here by superusers; and the log of what they were told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from deliveries.actions import Refused, webhooks
from deliveries.models import Webhook, WebhookDelivery
from deliveries.webhooks import try_out
from stores import scope
from stores.admin import ApiKeyStoreFilter
from stores.models import ApiKey
from stores.scoped_admin import ScopedAdmin, StoreFilter, in_store_time


class WebhookForm(forms.Form):
    """A new address; which stores' events it is told of, its key says."""

    key = forms.ModelChoiceField(
        ApiKey.objects.none(), label=_("System"),
        help_text=_("It is told of every event of the stores of this key, from now on."),
    )  # fmt: skip
    url = forms.CharField(
        label=_("Address"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off", "size": 48}),
        help_text=_("Begins with https:// and is on the public internet."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].queryset = ApiKey.objects.filter(revoked_at=None).order_by("name")  # type: ignore[attr-defined]


# What can be done with one, with its button and what it asks.
DEEDS: dict[str, tuple[Any, Any]] = {
    "test": (_("Send a test event"), _("An event of the type “test”, signed like any other, is sent at once.")),
    "rotate": (_("New secret"), _("The old secret signs beside the new one for a week, so that the receiver can change.")),
    "end": (_("Delete the webhook"), _("Nothing is sent there any more, and its log is deleted. To pause it, untick “Active”.")),
}  # fmt: skip


@admin.register(Webhook)
class WebhookAdmin(ScopedAdmin):
    """Where events are sent. Set up, tried out and ended by superusers here, by the retailer's system through the API."""

    store_path = "stores"
    by_hand = frozenset({"change"})
    change_form_outer_before_template = "admin/staff/verbs.html"
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return scope.access_of(request).everywhere

    # --- Setting up, and what can be done with one -----------------------------------------------------------------------
    def get_urls(self) -> list[Any]:
        do = path("<int:pk>/do/<slug:what>/", self.admin_site.admin_view(self.do_view), name="deliveries_webhook_do")
        return [do, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for system and address; the answer to the POST shows the secret, once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WebhookForm(request.POST or None)
        asks = {"title": _("New webhook"), "form": form, "button": _("Set it up"), "back": self._list_url()}
        if request.method == "POST" and form.is_valid():
            key = form.cleaned_data["key"]
            try:
                made, secret = webhooks.set_up(
                    key=key, url=form.cleaned_data["url"], stores=key.stores.all(), now=timezone.now()
                )
            except Refused as no:
                form.add_error("url", str(no))
            else:
                self.log_addition(request, made, "set up")
                return self._page(request, {**asks, "form": None, "secret": secret, "back": self._url(made.pk)})
        return self._page(request, asks)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        buttons = [
            {
                "label": label,
                "url": reverse("admin:deliveries_webhook_do", args=[object_id, what]),
                "grave": what == "end",
            }
            for what, (label, _question) in DEEDS.items()
            if object_id.isdecimal() and self.has_change_permission(request)
        ]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "verb_buttons": buttons})

    def do_view(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """One deed with one webhook: ask (GET), do (POST). Another store's is not found."""
        webhook = self.get_queryset(request).filter(pk=pk).first() if pk < 2**63 else None
        if webhook is None or what not in DEEDS:
            raise Http404
        if not self.has_change_permission(request, webhook):
            raise PermissionDenied
        label, question = DEEDS[what]
        page: dict[str, Any] = {
            "title": label, "webhook": webhook, "button": label, "question": question, "back": self._url(pk),
            "form": forms.Form(), "grave": what == "end",
        }  # fmt: skip
        if request.method != "POST":
            return self._page(request, page)
        self.log_change(request, webhook, what)
        if what == "end":
            webhooks.end(webhook=webhook)
            messages.success(request, gettext("The webhook is deleted."))
            return HttpResponseRedirect(self._list_url())
        if what == "rotate":
            return self._page(
                request, {**page, "form": None, "secret": webhooks.rotate(webhook=webhook, now=timezone.now())}
            )
        status, error = try_out(webhook, now=timezone.now())
        return self._page(request, {**page, "form": None, "tried": True, "status": status, "error": error})

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        response = TemplateResponse(request, "admin/staff/webhook.html", frame)
        response["Cache-Control"] = "private, no-store"
        return response

    def _list_url(self) -> str:
        return reverse("admin:deliveries_webhook_changelist")

    def _url(self, pk: int) -> str:
        return reverse("admin:deliveries_webhook_change", args=[pk])

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
