""" "Me": one's own terms, consents and what others can see."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from associates import actions, sign_in, terms
from associates.access import for_associates
from associates.forms import TAKEN_BACK, ConsentsForm, DayExceptionForm
from associates.models import Associate, Consent
from stores.models import User
from stores.refused import Refused


@require_GET
@for_associates
def me(request: HttpRequest, person: Associate) -> HttpResponse:
    standing, limits = actions.consents_standing(person), terms.limits_of(person)
    again = actions.consents_to_ask_again(person)
    given = {consent.kind: consent for consent in person.consents.filter(withdrawn_at=None)}
    consents = [
        {
            "kind": kind, "label": field.label, "text": field.help_text, "given": standing[kind],
            "changed": kind in again, "row": given.get(kind), "taken_back": TAKEN_BACK[kind],
        }
        for kind, field in ConsentsForm.base_fields.items()
    ]  # fmt: skip
    context = {
        "person": person, "tab": "me", "consents": consents,
        "terms": terms.sentence(limits, terms.weekdays_of(person)), "limits": limits,
        "floor": terms.floor_sentence(limits), "fatigue": terms.fatigue_sentence(person.store),
        "by_text": sign_in.by_text(),
        "single_days": person.day_exceptions.filter(day__gte=person.store.evening(timezone.now())).count(),
    }  # fmt: skip
    return render(request, "associate/me.html", context)


@require_http_methods(["GET", "POST"])
@for_associates
def days(request: HttpRequest, person: Associate) -> HttpResponse:
    """Weekdays in words, and single days that are otherwise."""
    now = timezone.now()
    form, status = DayExceptionForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.set_day(associate=person, by=person.user, now=now, **form.cleaned_data)
            except Refused as refused:
                form.add_error("day", str(refused.sentence))
            else:
                return redirect("days")
    context = {
        "person": person, "tab": "me", "form": form, "weekdays": terms.weekdays_in_words(terms.weekdays_of(person)),
        "exceptions": person.day_exceptions.filter(day__gte=person.store.evening(now)),
    }  # fmt: skip
    return render(request, "associate/days.html", context, status=status)


@require_POST
@for_associates
def clear_day(request: HttpRequest, person: Associate, day: str) -> HttpResponse:
    try:
        when = date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    actions.clear_day(associate=person, day=when, by=person.user, now=timezone.now())
    return redirect("days")


@require_POST
@for_associates
def give(request: HttpRequest, person: Associate, kind: str) -> HttpResponse:
    """Give one consent (again)."""
    if kind not in Consent.Kind.values:
        raise Http404
    actions.give_consent(associate=person, kind=kind, by=person.user, now=timezone.now())
    return redirect("me")


@require_POST
@login_required
def remove_number(request: HttpRequest) -> HttpResponse:
    """Of anybody signed in; store staff have numbers, too."""
    user = cast(User, request.user)
    actions.remove_number(user=user, by=user, now=timezone.now())
    messages.success(request, _("Removed. Codes go to your e-mail address."))
    return redirect("account_change_phone")


@require_POST
@for_associates
def resume(request: HttpRequest, person: Associate) -> HttpResponse:
    actions.resume(associate=person, by=person.user, now=timezone.now())
    return redirect("today")
