"""Addresses of the tracking pages."""

from django.urls import URLPattern, path

from . import customer_messages, tracking, wishes

urlpatterns: list[URLPattern] = [
    path("t/<str:token>/", tracking.page, name="tracking"),
    path("t/<str:token>/state", tracking.state, name="tracking-state"),
    path("t/<str:token>/photo", tracking.photo, name="tracking-photo"),
    path("t/<str:token>/instructions/", wishes.instructions, name="tracking-instructions"),
    path("t/<str:token>/pin/", wishes.pin, name="tracking-pin"),
    path("t/<str:token>/another-day/", wishes.another_day, name="tracking-another-day"),
    path("t/<str:token>/pick-up/", wishes.pick_up, name="tracking-pick-up"),
    path("t/<str:token>/carrier/", wishes.carrier, name="tracking-carrier"),
    path("t/<str:token>/write/", wishes.write, name="tracking-write"),
    path("t/<str:token>/not-received/", wishes.not_received, name="tracking-not-received"),
    path("t/<str:token>/rating/", wishes.rating, name="tracking-rating"),
    path("t/<str:token>/language/", wishes.language, name="tracking-language"),
    path("t/<str:token>/messages/", customer_messages.page, name="tracking-messages"),
    path("t/<str:token>/messages/push", customer_messages.push, name="tracking-push"),
]
