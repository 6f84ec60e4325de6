"""Addresses of the tracking pages."""

from django.urls import URLPattern, path

from . import customer_messages, tracking

urlpatterns: list[URLPattern] = [
    path("t/<str:token>/", tracking.page, name="tracking"),
    path("t/<str:token>/state", tracking.state, name="tracking-state"),
    path("t/<str:token>/photo", tracking.photo, name="tracking-photo"),
    path("t/<str:token>/messages/", customer_messages.page, name="tracking-messages"),
    path("t/<str:token>/messages/push", customer_messages.push, name="tracking-push"),
]
