"""The associate's pages, the customer's page, and the retailer's API."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("deliveries.api.urls")),
    path("", include("deliveries.views.associate_urls")),
    path("", include("deliveries.views.offline_urls")),
    path("", include("deliveries.views.tracking_urls")),
]
