"""Set-up: one question a step, saved on each, with a way back. The same steps change an answer later, from "Me"."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from associates import actions, language, terms
from associates.access import for_associates
from associates.forms import FORMS, StepForm
from associates.models import Associate
from stores.refused import Refused

SESSION_KEY = "setup_step"


@require_GET
@for_associates
def setup(request: HttpRequest, person: Associate) -> HttpResponse:
    """On to where they stopped: the step they last saw on this device, unless an earlier one is still open."""
    if person.state != Associate.State.SETTING_UP:
        return redirect("me")
    seen, open_ = request.session.get(SESSION_KEY, ""), terms.open_step(person)
    in_order = terms.STEPS.index
    return redirect("setup_step", step=seen if seen in terms.STEPS and in_order(seen) > in_order(open_) else open_)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@for_associates
def step(request: HttpRequest, person: Associate, step: str) -> HttpResponse:
    """Ask one question; on a good answer go to the next one, or back to "Me" when set-up was finished before."""
    if step == "summary":
        return _summary(request, person)
    if step not in FORMS:
        raise Http404
    first_time = person.state == Associate.State.SETTING_UP
    form_class = FORMS[step]
    form = form_class(request.POST) if request.method == "POST" else form_class(initial=form_class.current(person))
    if first_time and step not in terms.STEPS:
        raise Http404
    number = terms.STEPS.index(step) if step in terms.STEPS else 0
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                note = form.save(person, timezone.now())
            except Refused as refused:
                form.add_error(None, str(refused.sentence))
            else:
                if note:
                    messages.warning(request, note)
                following = terms.STEPS[number + 1]
                request.session[SESSION_KEY] = following
                response = redirect("setup_step", step=following) if first_time else redirect("me")
                if step == "language":
                    person.user.refresh_from_db()
                    language.remember(response, person.user)
                return response
    context = {
        "form": form, "step": step, "number": number + 1, "steps": len(terms.STEPS), "first_time": first_time,
        "back": terms.STEPS[number - 1] if number else "", "person": person, "store": person.store,
        **meaning(person, form),
    }  # fmt: skip
    return render(request, "associate/setup_step.html", context, status=status)


def meaning(person: Associate, form: StepForm) -> dict[str, str]:
    """What the limits mean with the answer in `form`, if it is a good one, as sentences for the page."""
    limits, weekdays = terms.limits_of(person), terms.weekdays_of(person)
    if form.has_meaning and form.is_bound and form.is_valid():
        for field, value in form.meant().items():
            if field == "weekdays":
                weekdays = value
            else:
                setattr(limits, field, value)
    return {
        "terms": terms.sentence(limits, weekdays),
        "floor": terms.floor_sentence(limits),
        "fatigue": terms.fatigue_sentence(person.store),
    }


@require_POST
@for_associates
def would_mean(request: HttpRequest, person: Associate, step: str) -> HttpResponse:
    """The sentence for an answer that is still being typed; nothing is saved. 204 while it is no good answer."""
    form_class = FORMS.get(step)
    if form_class is None or not form_class.has_meaning:
        raise Http404
    form = form_class(request.POST)
    if not form.is_valid():
        return HttpResponse(status=204)
    return render(request, "associate/meaning.html", meaning(person, form))


def _summary(request: HttpRequest, person: Associate) -> HttpResponse:
    sentence, status = "", 200
    if request.method == "POST":
        try:
            actions.finish_setup(associate=person, by=person.user, now=timezone.now())
        except Refused as refused:
            sentence, status = str(refused.sentence), 409
        else:
            request.session.pop(SESSION_KEY, None)
            return redirect("today")
    context = {
        "person": person, "refused": sentence, "number": len(terms.STEPS), "steps": len(terms.STEPS),
        "terms": terms.sentence(terms.limits_of(person), terms.weekdays_of(person)),
        "fatigue": terms.fatigue_sentence(person.store), "back": terms.STEPS[-2], "open": terms.open_step(person),
    }  # fmt: skip
    return render(request, "associate/setup_summary.html", context, status=status)
