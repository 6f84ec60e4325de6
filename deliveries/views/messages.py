""" "Messages", under Me: how one is told, when not, on which devices; and a test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from associates.models import Associate
from deliveries.actions import messages as verbs
from deliveries.models import MessageSettings, Notice
from deliveries.models.notice import Channel
from deliveries.notices import channels, readers
from stores.refused import Refused

from .access import associate_page
from .devices import BadBrowser, name_of, subscription_from

SHOW_TESTS = timedelta(minutes=10)


class MessagesForm(forms.ModelForm):
    class Meta:
        model = MessageSettings
        fields = ("mail", "push", "sms", "remind_of_offers", "quiet_from", "quiet_until")
        labels = {
            "mail": gettext_lazy("E-mail"),
            "push": gettext_lazy("Notifications"),
            "sms": gettext_lazy("Text messages"),
            "remind_of_offers": gettext_lazy("Remind me before an offer closes"),
        }
        help_texts = {
            "push": gettext_lazy("On each device that you add below."),
            "sms": gettext_lazy("Your carrier may charge for them. Answer STOP to one, and no more come."),
            "remind_of_offers": gettext_lazy(
                "Once, ten minutes before. Off unless you want it: passing costs nothing."
            ),
            "quiet_from": gettext_lazy(
                "On your store's clock. Only a trip that is under way or about to begin is spoken of at night."
            ),
            "quiet_until": gettext_lazy("The same time twice means no quiet hours."),
        }
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mail"].help_text = self.instance.associate.user.email
        if not channels.SMS.offered():
            del self.fields["sms"]
        elif not self.instance.associate.user.phone:
            self.fields["sms"].disabled = True
            self.fields["sms"].help_text = _("To your mobile number, once you have confirmed one.")
        if not channels.PUSH.offered():
            del self.fields["push"]


@require_http_methods(["GET", "HEAD", "POST"])
@associate_page
def messages(request: HttpRequest, person: Associate) -> HttpResponse:
    now = timezone.now()
    form = MessagesForm(request.POST or None, instance=readers.settings_of(person))
    if request.method == "POST" and form.is_valid():
        verbs.choose(associate=person, by=person, now=now, **form.cleaned_data)
        flash.success(request, _("Saved."))
        return redirect("messages")
    return render(request, "associate/messages.html", _context(person, form), status=422 if form.errors else 200)


def _context(person: Associate, form: MessagesForm) -> dict[str, Any]:
    now = timezone.now()
    tests = Notice.objects.filter(associate=person, kind="test", made_at__gt=now - SHOW_TESTS)
    return {
        "tab": "me", "person": person, "form": form, "texts": channels.SMS.offered(), "agreed": readers.agreed(person),
        "public_key": channels.PUSH.public_key(), "browsers": person.push_subscriptions.all(),
        "tests": [
            {"channel": Channel(test.channel).label, "device": test.subscription.device if test.subscription else "",
             "at": test.made_at, "outcome": _outcome(test)}
            for test in tests.select_related("subscription").order_by("-made_at", "pk")[:20]
        ],
    }  # fmt: skip


def _outcome(test: Notice) -> str:
    if test.sent_at:
        return _("Sent. If it does not show up within a minute, look at the settings of that device or mailbox.")
    if test.failed_at:
        return _("It could not be sent, and trying again would not help. Check the address or the number.")
    if test.error:
        return _("Not sent yet; we try again in a few minutes.")
    return _("On its way.")


@require_POST
@associate_page
def test(request: HttpRequest, person: Associate) -> HttpResponse:
    verbs.send_test(by=person, now=timezone.now(), key=uuid4().hex)
    flash.success(request, _("A test message is on its way. This page says what became of it."))
    return redirect("messages")


@require_POST
@associate_page
def subscribe(request: HttpRequest, person: Associate) -> HttpResponse:
    """From static/js/push.js: this browser's subscription, as JSON."""
    try:
        verbs.subscribe(
            **subscription_from(request), device=name_of(request), language=person.user.language, by=person,
            now=timezone.now(),
        )  # fmt: skip
    except BadBrowser as error:
        return JsonResponse({"error": str(error)}, status=400)
    except Refused as no:
        return JsonResponse({"error": str(no)}, status=409)
    return HttpResponse(status=204)


@require_POST
@associate_page
def remove(request: HttpRequest, person: Associate, subscription_id: int) -> HttpResponse:
    verbs.unsubscribe(subscription_id=subscription_id, by=person, now=timezone.now())
    return redirect("messages")
