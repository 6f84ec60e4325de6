"""A few short texts to a customer, and a customer's thanks, on the associate's side."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from associates.models import Associate
from deliveries import controls
from deliveries.actions import chat, wishes
from deliveries.models import ChatMessage, Package, Stop
from stores.refused import Refused

from .access import associate_page
from .answers import BadForm, key_of, text
from .phone import kept
from .trips import stop_of

# One tap each, sent in the customer's language: nobody types while the engine runs.
READY: dict[str, str | Promise] = {
    "on_my_way": gettext_lazy("I am on my way to you."),
    "at_the_door": gettext_lazy("I am at your door."),
    "which_door": gettext_lazy("Which door is it?"),
    "thanks": gettext_lazy("Thank you!"),
}


@require_http_methods(["GET", "POST"])
@associate_page
@kept
def page(request: HttpRequest, person: Associate, stop_id: int, package_id: int) -> HttpResponse:
    """What was written about one package of a stop, and a form for more."""
    stop = stop_of(person, stop_id)
    package = package_at(stop, package_id)
    said = ""
    if request.method == "POST":
        try:
            answer(request, package, person, key_of(request), timezone.now())
        except Refused as no:
            said = str(no)
        else:
            messages.success(request, _("Sent."))
            return redirect("trip")
    lines = list(ChatMessage.objects.filter(package=package, trip=stop.trip_id))
    talking = package.holder_id == person.pk and package.state in controls.TALKING
    left = controls.MOST_MESSAGES - sum(not line.from_customer for line in lines) if talking else 0
    context = {
        "tab": "today", "person": person, "stop": stop, "package": package, "lines": lines if talking else [], "said": said,
        "left": max(0, left), "over": chat.EnoughAnswered.sentence if talking else chat.TalkIsOver.sentence,
        "ready": READY.items(), "key": request.POST.get("key") or uuid4(), "words": text(request, "words", 160),
        "nothing_said": chat.NothingSaid.sentence,
    }  # fmt: skip
    return render(request, "associate/chat.html", context, status=409 if said else 200)


def package_at(stop: Stop, package_id: int) -> Package:
    """A package of this stop. Raises Http404 for any other."""
    claim = stop.claims.filter(package=package_id, released_at=None).select_related("package").first()
    if claim is None:
        raise Http404
    return claim.package


def answer(request: HttpRequest, package: Package, person: Associate, key: UUID, now: datetime) -> bool:
    """Send what the form says. False when it was here before. Raises the verb's refusals."""
    words = text(request, "words", 160)
    if not words and (ready := READY.get(text(request, "ready", 20))):
        with translation.override(package.language):
            words = str(ready)
    known = ChatMessage.objects.filter(key=key, package=package, trip__associate=person).exists()
    chat.answer(package=package, words=words, by=person, key=key, now=now)
    return not known


def about(request: HttpRequest, stop: Stop) -> Package:
    """The package that a message from a phone's queue is about. Raises BadForm, Http404."""
    try:
        return package_at(stop, int(text(request, "about", 18)))
    except ValueError as error:
        raise BadForm from error


@require_POST
@associate_page
def remove_thanks(request: HttpRequest, person: Associate, thanks_id: int) -> HttpResponse:
    """Somebody does not want to read a customer's words any more. Another's are left alone."""
    wishes.remove_thanks(thanks_id=thanks_id, by=person, now=timezone.now())
    return redirect("earnings")
