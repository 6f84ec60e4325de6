"""The admin behind a second step: nobody in without it, everybody led to the way in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from stores.models import User
from tests import make

from . import world

PASSWORD = "correct horse battery"


@pytest.fixture
def lead(settings: Any) -> User:
    settings.STAFF_SECOND_STEP = True
    person = make.staff(make.store())
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def signed_in(person: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    return client


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def test_the_admins_own_door_leads_to_the_sites(lead: User) -> None:
    response = Client().get("/admin/login/?next=/admin/bay/")
    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2Fbay%2F"
    posted = Client().post("/admin/login/", {"username": lead.email, "password": PASSWORD})
    assert posted["Location"].startswith("/accounts/login/"), "a password alone opens nothing"


def test_without_one_every_page_leads_to_setting_it_up(lead: User) -> None:
    client = signed_in(lead)
    for url in ("/admin/", "/admin/tonight/", "/admin/deliveries/package/", "/admin/nowhere/"):
        response = client.get(url)
        assert response["Location"].startswith("/accounts/second-step/?next=%2Fadmin%2F"), url
    page = client.get("/accounts/second-step/?next=/admin/bay/").content.decode()
    assert "Use an authenticator app" in page
    assert "Add a passkey" in page
    way_in = client.get(reverse("mfa_activate_totp"), follow=True)
    assert way_in.status_code == 200
    assert way_in.redirect_chain[-1][0].startswith("/accounts/reauthenticate/"), (
        "the password once more, then set it up"
    )


def test_setting_up_an_app_and_coming_in_with_its_code(lead: User) -> None:
    client = signed_in(lead)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    client.post(reverse("mfa_activate_totp"), {"code": code_of(form.secret)})
    assert Authenticator.objects.filter(user=lead, type="totp").exists()
    assert client.get("/admin/tonight/")["Location"].startswith("/accounts/second-step/"), "shown once that it works"
    asked = client.get("/accounts/second-step/?next=/admin/tonight/").content.decode()
    assert "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Ftonight%2F" in asked
    with time_machine.travel(world.NOW + timedelta(minutes=2)):  # each code opens once
        client.post(reverse("mfa_reauthenticate"), {"code": code_of(form.secret)})
    assert client.get("/admin/tonight/").status_code == 200
    assert client.get("/accounts/second-step/?next=/admin/bay/")["Location"] == "/admin/bay/"
    assert client.get("/accounts/second-step/?next=//evil.example/")["Location"] == "/admin/"


def test_off_by_setting_the_admin_has_its_own_door(settings: Any) -> None:
    assert settings.STAFF_SECOND_STEP is False, "tests, laptops and the demo"
    assert Client().get("/admin/login/").status_code == 200


def test_a_lost_phone_is_reset(lead: User, capsys: pytest.CaptureFixture[str]) -> None:
    TOTP.activate(lead, "JBSWY3DPEHPK3PXP")
    call_command("reset_second_step", lead.email.upper())
    assert not Authenticator.objects.filter(user=lead).exists()
    with pytest.raises(CommandError, match="Nobody signs in with"):
        call_command("reset_second_step", "nobody@example.com")
