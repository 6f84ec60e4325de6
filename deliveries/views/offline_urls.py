"""Addresses of the app on the phone. The worker stands at the root, because it serves the pages below its address."""

from django.urls import URLPattern, path

from deliveries.views import offline, sync

urlpatterns: list[URLPattern] = [
    path("sw.js", offline.worker, name="worker"),
    path("manifest.webmanifest", offline.manifest, name="manifest"),
    path("offline/", offline.offline, name="offline"),
    path("trip/sync/", sync.sync, name="sync"),
]
