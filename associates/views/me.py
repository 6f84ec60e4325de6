""" "Me": one's own terms, consents and what others can see."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from associates import actions, terms
from associates.access import for_associates
from associates.forms import ConsentsForm
from associates.models import NEEDED_CONSENTS, Associate, Consent


@require_GET
@for_associates
def me(request: HttpRequest, person: Associate) -> HttpResponse:
    standing = actions.consents_standing(person)
    consents = [
        {
            "kind": kind, "label": field.label, "text": field.help_text, "given": standing[kind],
            "needed": kind in NEEDED_CONSENTS,
        }
        for kind, field in ConsentsForm.base_fields.items()
    ]  # fmt: skip
    context = {
        "person": person, "tab": "me", "consents": consents,
        "terms": terms.sentence(terms.limits_of(person), terms.weekdays_of(person)),
    }  # fmt: skip
    return render(request, "associate/me.html", context)


@require_POST
@for_associates
def give(request: HttpRequest, person: Associate, kind: str) -> HttpResponse:
    """Give one consent (again)."""
    if kind not in Consent.Kind.values:
        raise Http404
    actions.give_consent(associate=person, kind=kind, by=person.user, now=timezone.now())
    return redirect("me")


@require_POST
@for_associates
def resume(request: HttpRequest, person: Associate) -> HttpResponse:
    actions.resume(associate=person, by=person.user, now=timezone.now())
    return redirect("today")
