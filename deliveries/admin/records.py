"""What is only ever written: events, ledger lines, manifests."""

from __future__ import annotations

import io
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from deliveries import manifests
from deliveries.models import Carrier, Event, LedgerEntry, Manifest, Tender
from deliveries.templatetags.units import dollars
from deliveries.views.downloads import CSV, download
from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter, in_store_time

from .packages import who
from .verbs import link


@admin.register(Event)
class EventAdmin(ScopedAdmin):
    """The audit trail: what moved, when, by whom, why. Nothing in it names who was offered what."""

    list_display = ("when", "package", "verb", "from_state", "to_state", "by", "reason", "store")
    list_filter = ("verb", "by_kind", StoreFilter)
    list_select_related = ("package", "store", "by_user")
    also_by = ("package",)
    search_fields = ("package__label", "package__reference")
    ordering = ("-pk",)
    fields = readonly_fields = (
        "package_link", "store", "version", "verb", "from_state", "to_state", "when", "happened", "by", "reason",
    )  # fmt: skip
    when = in_store_time("at", _("at"))
    happened = in_store_time("happened_at", _("happened"))

    @display(description=_("by"))
    def by(self, event: Event) -> str:
        return who(event)

    @display(description=_("package"))
    def package_link(self, event: Event) -> str:
        return link("deliveries_package_change", event.package_id, event.package)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ScopedAdmin):
    """Pay, line by line, append-only. Seconds and metres are left out: where the last leg is paid they measure the way
    home."""

    list_display = ("when", "associate", "kind", "amount", "rule_version", "reason", "store")
    list_filter = ("kind", StoreFilter)
    list_select_related = ("store", "associate__employee")
    also_by = ("trip", "associate")
    search_fields = ("associate__first_name", "associate__employee__reference")
    ordering = ("-pk",)
    fields = readonly_fields = ("store", "associate", "trip_link", "kind", "amount", "rule_version", "when", "reason")
    when = in_store_time("at", _("at"))

    @display(description=_("amount"), ordering="cents")
    def amount(self, entry: LedgerEntry) -> str:
        return dollars(entry.cents)

    @display(description=_("trip"))
    def trip_link(self, entry: LedgerEntry) -> str:
        return link("deliveries_trip_change", entry.trip_id, entry.trip)


class TenderInline(ReadOnlyInline):
    model = Tender
    fields = readonly_fields = ("tendered", "cost", "reason", "tracking")
    verbose_name_plural = _("packages")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tender]:
        return super().get_queryset(request).select_related("package")

    @display(description=_("package"))
    def tendered(self, tender: Tender) -> str:
        return link("deliveries_package_change", tender.package_id, tender.package)

    @display(description=_("cost"))
    def cost(self, tender: Tender) -> str:
        return dollars(tender.cents)


@admin.register(Manifest)
class ManifestAdmin(ScopedAdmin):
    """What the carrier was given, and the file to hand over with it."""

    list_display = ("__str__", "carrier", "made", "how_many", "cost", "told", "file", "store")
    list_filter = (StoreFilter,)
    list_select_related = ("store", "carrier")
    ordering = ("-pk",)
    fields = readonly_fields = ("store", "carrier", "evening", "made", "told", "file")
    inlines = (TenderInline,)
    made = in_store_time("made_at", _("made"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Manifest]:
        return super().get_queryset(request).annotate(held=Count("tenders"), cents=Sum("tenders__cents"))

    def get_urls(self) -> list[Any]:
        csv = path("<int:pk>/csv/", self.admin_site.admin_view(self.csv_view), name="deliveries_manifest_csv")
        return [csv, *super().get_urls()]

    def csv_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The manifest as CSV. Another store's is not found."""
        manifest = self.get_queryset(request).filter(pk=pk).first()
        if manifest is None:
            raise Http404
        name = f"manifest-{manifest.store.number}-{manifest.evening}-{manifest.pk}.csv"
        text = io.StringIO(newline="")
        manifests.write_csv(manifest, text)
        return download(text.getvalue(), media=CSV, name=name)

    @display(description=_("packages"), ordering="held")
    def how_many(self, manifest: Any) -> int:
        return int(manifest.held)

    @display(description=_("cost"), ordering="cents")
    def cost(self, manifest: Any) -> str:
        return dollars(manifest.cents or 0)

    @display(description=_("carrier told"))
    def told(self, manifest: Manifest) -> str:
        """Of a carrier with an API: whether it has answered, and otherwise what went wrong last."""
        if manifest.carrier.kind == Carrier.Kind.FILE:
            return "–"
        if manifest.announced_at is not None:
            return str(_("yes"))
        return str(_("Not yet: %(error)s. Hand the CSV over meanwhile.") % {"error": manifest.error or "…"})

    @display(description=_("file"))
    def file(self, manifest: Manifest) -> str:
        return format_html(
            '<a class="hw-link" href="{}">{}</a> · <a class="hw-link" href="{}?store={}&manifest={}">{}</a>',
            reverse("admin:deliveries_manifest_csv", args=[manifest.pk]), _("Download CSV"),
            reverse("staff:carrier_labels"), manifest.store.number, manifest.pk, _("Labels"),
        )  # fmt: skip
