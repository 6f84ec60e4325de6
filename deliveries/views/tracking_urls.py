"""Addresses of the tracking pages."""

from django.urls import URLPattern, path

from . import tracking

urlpatterns: list[URLPattern] = [
    path("t/<str:token>/", tracking.page, name="tracking"),
    path("t/<str:token>/state", tracking.state, name="tracking-state"),
    path("t/<str:token>/photo", tracking.photo, name="tracking-photo"),
]
