"""Passkeys, on top of allauth: a way in beside the code by mail, not a second step after it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.contrib.auth.base_user import AbstractBaseUser
from django.forms import Form
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

TOTP, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN


class Adapter(DefaultMFAAdapter):
    def is_mfa_enabled(self, user: AbstractBaseUser, types: Collection[str] | None = None) -> bool:
        """Whether `user` has one of `types`. Asked for a second step (all types, or both kinds of it), only an
        authenticator app counts: whoever lost the phone with the passkey still gets in with a code by mail."""
        second_step = types is None or set(types) == {TOTP, PASSKEY}
        return bool(super().is_mfa_enabled(user, [TOTP] if second_step else types))

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        if type != PASSKEY:
            return str(super().generate_authenticator_name(user, type))
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("My phone") if number == 1 else gettext("Device %(number)d") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return super().get_public_key_credential_rp_entity() | {"name": "Homeward"}


class AddPasskey(AddWebAuthnView):
    """Allauth's page; afterwards to the list. The recovery codes that allauth makes beside a first passkey go again:
    they stand in for a second step, and a passkey is none."""

    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        mine = Authenticator.objects.filter(user=self.request.user)
        if self.did_generate_recovery_codes and not mine.filter(type=TOTP).exists():
            mine.filter(type=Authenticator.Type.RECOVERY_CODES).delete()
        return response

    def get_success_url(self) -> str:
        return reverse("mfa_list_webauthn")


def passkeys_of(user: AbstractBaseUser) -> list[dict[str, Any]]:
    """Name and dates of each passkey of `user`, oldest first; never the key."""
    keys = Authenticator.objects.filter(user_id=user.pk, type=PASSKEY).order_by("created_at")
    return [{"name": key.wrap().name, "made_at": key.created_at, "last_used_at": key.last_used_at} for key in keys]
