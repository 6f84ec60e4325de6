"""The admin asks for a second step: an authenticator app or a passkey, once a session (`STAFF_SECOND_STEP`).

Whoever has none yet is led to a page that sets one up; that page and allauth's own are outside the admin, so there is always
a way in. The proof is allauth's record of how this session was signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from .models import User

TOTP, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN


def proven(request: HttpRequest) -> bool:
    """Whether this session was signed in, or confirmed later, with an authenticator app, a passkey or a recovery code."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


class SecondStepMiddleware:
    """Sends members of staff without it from any page of the admin to the second step. After authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        admin, sign_in = reverse("admin:index"), reverse("admin:login")
        if not settings.STAFF_SECOND_STEP or not request.path.startswith(admin):
            return self.get_response(request)
        if request.path == sign_in and not request.user.is_authenticated:
            # The admin's own form knows no second step; the site's does.
            after = request.GET.get("next") or admin
            return redirect(f"{reverse('account_login')}?{urlencode({'next': after})}")
        if request.user.is_authenticated and request.user.is_staff and not proven(request):
            if request.path == reverse("admin:logout"):
                return self.get_response(request)
            return redirect(f"{reverse('second_step')}?{urlencode({'next': request.get_full_path()})}")
        return self.get_response(request)


@login_required
@require_safe
def second_step(request: HttpRequest) -> HttpResponse:
    """What is missing before the admin opens: a second step to set up, or to use once in this session."""
    after = request.GET.get("next", "")
    if not after.startswith(reverse("admin:index")):
        after = reverse("admin:index")
    if proven(request):
        return redirect(after)
    mine = Authenticator.objects.filter(user=cast(User, request.user))
    kinds = set(mine.values_list("type", flat=True))
    query = urlencode({"next": after})
    context = {
        "after": after,
        "by_app": f"{reverse('mfa_reauthenticate')}?{query}" if TOTP in kinds else "",
        "by_passkey": f"{reverse('mfa_reauthenticate_webauthn')}?{query}" if PASSKEY in kinds else "",
    }
    return render(request, "account/second_step.html", context)
