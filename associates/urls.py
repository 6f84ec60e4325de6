"""Sign-up and settings of an associate."""

from django.urls import URLPattern, path

from associates.views import join, me, setup

urlpatterns: list[URLPattern] = [
    path("join/", join.join, name="join"),
    path("setup/", setup.setup, name="setup"),
    path("setup/<slug:step>/", setup.step, name="setup_step"),
    path("me/", me.me, name="me"),
    path("me/resume/", me.resume, name="resume"),
    path("me/consents/<slug:kind>/give/", me.give, name="give_consent"),
]
