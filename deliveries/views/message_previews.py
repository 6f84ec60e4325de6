"""Messages as customers and associates read them, for staff."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from deliveries.notices import channels
from deliveries.notices.channels.sms import LONGEST
from deliveries.notices.previews import previews

from .staff import Desk, show, staff_page


@staff_page
def previews_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Every kind in every language with made-up people; looked at only."""
    made = previews(desk.store, now=timezone.now())
    return show(
        request,
        "admin/staff/messages.html",
        {
            "title": _("Messages"), "store": desk.store, "stores": desk.stores, "page_url": reverse("staff:messages"),
            "groups": [
                (_("To customers"), made["customer"]), (_("To associates"), made["associate"]),
                (_("To staff"), made["staff"]),
            ],
            "longest": LONGEST, "may_word": desk.may("word"), "sms": channels.SMS.offered(), "push": channels.PUSH.offered(),
        },
    )  # fmt: skip
