"""Every message with made-up people in it, for staff to read before a customer does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from deliveries.live import words
from deliveries.live.words import Status
from deliveries.models import DeliveryException
from deliveries.models.notice import Channel
from stores.models import Store
from stores.opening import weeks_of

from . import texts, wording
from .channels import Text, sms
from .kinds import ALL, ASSOCIATE, CUSTOMER, STAFF

# As long as a real one, and nobody's.
TOKEN = "Ex4mple" + "-" * 25
STATUS = {"attempted": Status.ATTEMPTED, "delivered": Status.DELIVERED, "with_carrier": Status.WITH_CARRIER,
          "pick_up": Status.PICK_UP, "next": Status.NEXT, "answered": Status.NEXT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """One kind in one language: as mail and notification, and as a text message with how much of one it fills."""

    kind: str
    title: str | Promise
    language: str
    text: Text
    sms: str
    sms_length: int
    own: bool  # in the store's own words
    editable: bool


def previews(store: Store, *, now: datetime) -> dict[str, list[Preview]]:
    """By audience, every kind in every language, as this store's would read."""
    languages = [code for code, _name in settings.LANGUAGES]
    own = wording.in_force(store.pk)
    return {
        audience: [
            preview(kind, audience, store, code, own.get((kind, code)), now=now) for kind in table for code in languages
        ]
        for audience, table in (("customer", CUSTOMER), ("associate", ASSOCIATE), ("staff", STAFF))
    }


def preview(
    kind: str, audience: str, store: Store, language: str, said: wording.Words | None, *, now: datetime
) -> Preview:
    """One message, in our words or as `said`."""
    link = settings.SITE_URL + (reverse("tracking", args=[TOKEN]) if audience == "customer" else reverse("today"))
    stop = f"{link}messages/" if audience == "customer" else ""

    def write(channel: Channel) -> Text:
        with translation.override(language):
            context = sample(kind, store, channel, now=now)
        return texts.write(kind, context, language=language, zone=store.zone, link=link, stop=stop, said=said)

    with translation.override(language):
        short = sms.written(write(Channel.SMS))
    return Preview(
        kind, str(ALL[kind].title), language, write(Channel.MAIL), short, sms.length(short), own=said is not None,
        editable=kind in wording.EDITABLE,
    )  # fmt: skip


def sample(kind: str, store: Store, channel: str, *, now: datetime) -> dict[str, Any]:
    """What the templates read, made up, in the language that is active."""
    return {
        "store": texts.name(store.name, channel, _("your store")), "store_phone": texts.line(store.phone_national),
        "address": texts.line(f"{store.address1}, {store.city}"), "courier": texts.name("Ana", channel, ""),
        "hours": week.lines() if (week := weeks_of([store], now=now).get(store.pk)) else [],
        "carrier": texts.name("Parcel Express", channel, ""), "since": now, "promise": now + timedelta(hours=1),
        "promised_today": True, "by": now + timedelta(minutes=50), "reason": words.REASONS["nobody_home"],
        "next_step": words.NEXT[STATUS.get(kind, Status.ON_THE_WAY)], "photo": True, "pin": "",
        "in_person": False, "name": "Ana", "colleague": "Ben",
        "packages": 3, "paper_until": (now + timedelta(days=30)).date(), "quoted": 1140,
        "extra_s": 540, "extra_m": 4989, "cents": 1140, "until": now + timedelta(minutes=30), "day": now,
        "shift_ends": now + timedelta(minutes=10), "why": DeliveryException.Reason.CAR.label, "note": "",
    }  # fmt: skip
