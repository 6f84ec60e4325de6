"""Sign-up and settings of an associate."""

from allauth.account.views import verify_phone
from django.urls import URLPattern, path

from associates import sign_in
from associates.passkeys import AddPasskey
from associates.views import join, me, setup

urlpatterns: list[URLPattern] = [
    path("join/", join.join, name="join"),
    path("setup/", setup.setup, name="setup"),
    path("setup/<slug:step>/", setup.step, name="setup_step"),
    path("setup/<slug:step>/meaning/", setup.would_mean, name="setup_meaning"),
    path("me/", me.me, name="me"),
    path("me/days/", me.days, name="days"),
    path("me/days/<str:day>/clear/", me.clear_day, name="clear_day"),
    path("me/resume/", me.resume, name="resume"),
    path("me/passkeys/add/", AddPasskey.as_view(), name="add_passkey"),
    path("me/number/", sign_in.ChangeNumber.as_view(), name="account_change_phone"),
    path("me/number/code/", verify_phone, name="account_verify_phone"),
    path("me/number/remove/", me.remove_number, name="remove_number"),
    path("me/consents/<slug:kind>/give/", me.give, name="give_consent"),
]
