"""The language somebody chose follows them to every device they sign in on."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse

from stores.models import User


def remember(response: HttpResponse, user: User) -> None:
    """Tell this browser the language of `user`."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, user.language, max_age=60 * 60 * 24 * 365, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
