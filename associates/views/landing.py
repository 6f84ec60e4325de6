"""The front page, and outside production the mails that were sent."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from associates.access import associate_of
from associates.models import Associate
from stores.models import User

NEWEST = 20


@require_GET
@never_cache
def landing(request: HttpRequest) -> HttpResponse:
    """One sentence and two buttons; who is signed in goes to their own first page, in their own language."""
    if not request.user.is_authenticated:
        return render(request, "landing.html", {"demo": settings.DEMO, "sign_ins": demo_sign_ins()})
    user = cast(User, request.user)
    person = associate_of(user)
    if person is not None and person.state != Associate.State.LEFT:
        response = redirect("today")
        remember_language(response, user)
        return response
    return redirect("admin:index" if user.is_staff else "join")


def remember_language(response: HttpResponse, user: User) -> None:
    """The language somebody chose follows them to every device they sign in on."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, user.language, max_age=60 * 60 * 24 * 365, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def demo_sign_ins() -> list[Any]:
    """The demo's people, where the demo is installed and this is not production."""
    # Named by a string: the demo stands above this app, and production has none.
    if not settings.DEMO or find_spec("deliveries.demo") is None:
        return []
    demo = import_module("deliveries.demo")
    return list(demo.sign_ins()) if hasattr(demo, "sign_ins") else list(getattr(demo, "SIGN_INS", []))


@require_GET
@never_cache
def demo_mail(request: HttpRequest) -> HttpResponse:
    """Mails written to EMAIL_FILE_PATH, newest first, so that a newcomer can read their sign-up code."""
    if not settings.DEMO:
        raise Http404
    folder = Path(settings.EMAIL_FILE_PATH)
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True) if folder.is_dir() else []
    mails = [mail for path in files[:NEWEST] for mail in reversed(read_mails(path))]
    return render(request, "demo_mail.html", {"mails": mails[:NEWEST]})


def read_mails(path: Path) -> list[dict[str, str]]:
    """The messages in one file of Django's file-based backend, in the order they were sent."""
    separator = b"-" * 79
    parts = [part.strip() for part in path.read_bytes().split(separator) if part.strip()]
    messages = [
        cast(EmailMessage, email.message_from_bytes(part, policy=email.policy.default))  # type: ignore[arg-type]
        for part in parts
    ]
    return [
        {
            "to": str(message["to"] or ""),
            "subject": str(message["subject"] or ""),
            "date": str(message["date"] or ""),
            "text": body.get_content() if (body := message.get_body(("plain",))) else "",
        }
        for message in messages
    ]
