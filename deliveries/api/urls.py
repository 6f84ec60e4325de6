"""Addresses of the retailer's API, under /api/v1/."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from . import views

# Swagger UI writes style attributes into its page; its scripts come from our own static files, so those stay strict.
_docs = csp_replace({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema", authentication_classes=[], permission_classes=[])
)

urlpatterns = [
    path("key", views.ThisKey.as_view(), name="api-key"),
    path("packages", views.Packages.as_view(), name="api-packages"),
    path("packages/<path:reference>", views.OnePackage.as_view(), name="api-package"),
    path("shifts", views.Shifts.as_view(), name="api-shifts"),
    path(
        "schema/",
        SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]),
        name="api-schema",
    ),
    path("docs/", _docs, name="api-docs"),
    path("<path:rest>", views.NotHere.as_view()),
]
