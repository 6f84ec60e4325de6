"""Addresses of the retailer's API, under /api/v1/."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from . import feeds, imports, packages, reading, webhooks

# Swagger UI writes style attributes into its page; its scripts come from our own static files, so those stay strict.
_docs = csp_replace({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema", authentication_classes=[], permission_classes=[])
)

urlpatterns = [
    path("key", reading.ThisKey.as_view(), name="api-key"),
    path("packages", packages.Packages.as_view(), name="api-packages"),
    path("packages/<path:reference>/cancel", packages.Cancellation.as_view(), name="api-package-cancel"),
    path("packages/<path:reference>/tracking-link", packages.TrackingLink.as_view(), name="api-package-link"),
    path("packages/<path:reference>", packages.OnePackage.as_view(), name="api-package"),
    path("eligibility", packages.Eligibility.as_view(), name="api-eligibility"),
    path("shifts", feeds.Shifts.as_view(), name="api-shifts"),
    path("roster", feeds.Roster.as_view(), name="api-roster"),
    path("imports", imports.Imports.as_view(), name="api-imports"),
    path("imports/<uuid:import_id>", imports.OneImport.as_view(), name="api-import"),
    path("imports/<uuid:import_id>/rows", imports.ImportRows.as_view(), name="api-import-rows"),
    path("events", reading.Events.as_view(), name="api-events"),
    path("trips", reading.Trips.as_view(), name="api-trips"),
    path("trips/<int:trip_id>", reading.OneTrip.as_view(), name="api-trip"),
    path("payroll", reading.Payroll.as_view(), name="api-payroll"),
    path("webhooks", webhooks.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<int:webhook_id>", webhooks.OneWebhook.as_view(), name="api-webhook"),
    path("webhooks/<int:webhook_id>/deliveries", webhooks.WebhookLog.as_view(), name="api-webhook-deliveries"),
    path("webhooks/<int:webhook_id>/replay", webhooks.WebhookReplay.as_view(), name="api-webhook-replay"),
    path("webhooks/<int:webhook_id>/rotate", webhooks.WebhookRotation.as_view(), name="api-webhook-rotate"),
    path(
        "schema/",
        SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]),
        name="api-schema",
    ),
    path("docs/", _docs, name="api-docs"),
    path("", reading.NotHere.as_view()),
    path("<path:rest>", reading.NotHere.as_view()),
]
