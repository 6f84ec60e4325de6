"""The front page, and outside production the mails that were sent."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from associates import language
from associates.access import associate_of
from associates.models import Associate

NEWEST = 20


@require_GET
@never_cache
def landing(request: HttpRequest) -> HttpResponse:
    """One sentence and two buttons; who is signed in goes to their own first page, in their own language."""
    if not request.user.is_authenticated:
        context: dict[str, object] = {"demo": settings.DEMO}
        if settings.DEMO:
            from deliveries import demo  # production has none

            context |= {
                "sign_ins": demo.sign_ins(), "newcomers": demo.newcomers(), "sights": demo.sights(timezone.now()),
            }  # fmt: skip
        return render(request, "landing.html", context)
    person = associate_of(request.user)
    if person is not None and person.state != Associate.State.LEFT:
        response = redirect("today")
        language.remember(response, request.user)
        return response
    return redirect("admin:index" if request.user.is_staff else "join")


@require_POST
@never_cache
def demo_customer(request: HttpRequest) -> HttpResponse:
    """The private page of one of the demo's customers, by a new link: only the hashes of earlier ones are kept."""
    if settings.DEMO:
        from deliveries import demo

        token = demo.customer_token(request.POST.get("name", ""), timezone.now())
        if token:
            return redirect("tracking", token)
    raise Http404


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
    messages = [email.message_from_bytes(part, policy=email.policy.default) for part in parts]
    return [
        {
            "to": str(message["to"] or ""),
            "subject": str(message["subject"] or ""),
            "date": str(message["date"] or ""),
            "text": body.get_content() if (body := message.get_body(("plain",))) else "",
        }
        for message in messages
    ]
