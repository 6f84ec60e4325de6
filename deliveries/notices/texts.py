"""The words of a message. One file a kind in templates/messages: its first line is the subject, its second the short
form for text messages and notifications, the rest the mail.

Names are customers' and stores' data, and templates are split by lines, so what goes in is one clean line each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from deliveries.live import words
from deliveries.live.snapshots import Facts
from deliveries.live.window import Window
from deliveries.models import Event, Notice, Offer, Package, SafePlace, Swap, Trip
from deliveries.models.event import SHIFT_CANCELLED, SHIFT_MOVED
from deliveries.models.notice import Channel
from deliveries.states import PackageState
from stores.models import Store

from . import wording
from .channels import Text, sms
from .channels.sms import gsm
from .kinds import ALL
from .wording import Words

NAME, SHORT_NAME = 60, 16  # characters; a text message has few
_JOINERS = frozenset("\u200d\ufe0f")  # inside an emoji; alone they show nothing


def line(text: str, most: int = NAME) -> str:
    """`text` on one line without what cannot be seen or turns other text around, at most `most` characters."""
    shown = (
        letter if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or letter in _JOINERS else " "
        for letter in text
    )  # fmt: skip
    clean = " ".join("".join(shown).split())
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def name(text: str, channel: str, otherwise: str) -> str:
    """A name as this channel can write it; `otherwise` when nothing of it is left, as of an Arabic one in a text message."""
    if channel != Channel.SMS:
        return line(text) or otherwise
    written = gsm(line(text))
    return gsm(line(written, SHORT_NAME)) if any(letter.isalnum() for letter in written) else gsm(otherwise)


def write(
    kind: str, context: Mapping[str, Any], *, language: str, zone: ZoneInfo, link: str = "", stop: str = "",
    said: Words | None = None,
) -> Text:  # fmt: skip
    """The message of `kind` in `language`, times on the clock of `zone`; `said`: staff's own words instead of ours."""
    context = {**context, "link": link, "stop": stop}
    with translation.override(language), timezone.override(zone):
        if said and wording.ours_only(kind, context):
            said = None
        filled = wording.fill(said, wording.values(kind, context)) if said else None
        if filled:
            photo = kind == "delivered" and context.get("photo")
            rendered = render_to_string(
                "messages/_edited.txt", {**context, "said": filled, "photo_link": photo}
            ).strip()
        else:
            rendered = render_to_string(f"messages/{kind}.txt", context).strip()
    rendered = rendered.replace(".m..", ".m.")  # a sentence that ends with "6:41 p.m." has its full stop
    subject, _newline, rest = rendered.partition("\n")
    short, _newline, body = rest.partition("\n")
    subject, short = line(subject, 200), line(short, 300)
    return Text(
        subject=subject, body=body.strip() + "\n", title=subject, short=short, link=link, stop=stop,
        language=language, lasts=ALL[kind].lasts, says_stop=filled is not None,
    )  # fmt: skip


# --- Words of staff's own -------------------------------------------------------------------------------------------------
def clean(said: Words) -> Words:
    """A text without what cannot be seen: subject and short form on one line, the mail in paragraphs."""
    body = "\n".join(line(each, 10_000) for each in said.body.strip().splitlines())
    return Words(line(said.subject, 10_000), line(said.short, 10_000), re.sub(r"\n{3,}", "\n\n", body).strip())


def faults(kind: str, language: str, said: Words) -> list[tuple[str, str]]:
    """What is wrong with a text, as (field, sentence); its text message is measured with the longest values and a link."""
    said = clean(said)
    found = wording.faults(kind, said)
    filled = None if found else wording.fill(said, wording.longest(kind, language, "M" * SHORT_NAME))
    if filled:
        link = settings.SITE_URL + reverse("tracking", args=["M" * 32])  # as long as a real one
        with translation.override(language):
            message = sms.written(Text("", "", "", filled.short, link, stop=link, says_stop=True))
        if (length := sms.length(message)) > sms.LONGEST_OF_TWO:
            sentence = _(
                "As a text message this may come to %(length)d characters with long names, the link and how to stop. "
                "Make it %(more)d shorter."
            )
            found.append(("short", sentence % {"length": length, "more": length - sms.LONGEST_OF_TWO}))
    return found


# --- What goes into them --------------------------------------------------------------------------------------------------
def of_package(
    package: Package, facts: Facts, window: Window | None, *, channel: str, language: str, now: datetime
) -> dict[str, Any]:
    """For every message to a customer. First names and the store's own only."""
    store = package.store
    with translation.override(language):
        return {
            "store": name(store.name, channel, _("your store")),
            "store_phone": line(store.phone_national),
            "address": line(f"{store.address1}, {store.city}"),
            "courier": name(facts.courier, channel, _("Somebody")),
            "hours": facts.week.lines() if facts.week else [],
            "carrier": name(facts.carrier, channel, _("The carrier")),
            "since": facts.since,
            "promise": facts.promise,
            "promised_today": store.evening(facts.promise) == store.evening(now),
            "by": window.closes if window else None,
            "reason": words.REASONS.get(facts.reason, ""),
            "next_step": words.NEXT[facts.status],
            "photo": bool(facts.photo),
            "pin": facts.own.pin,
            "weak_pin": facts.own.weak_pin,
            "in_person": package.safe_place == SafePlace.IN_PERSON,
        }


def of_offer(offer: Offer, packages: int, first_name: str) -> dict[str, Any]:
    """For the messages about an offer."""
    return {
        "name": line(first_name), "packages": packages, "extra_s": offer.extra_s, "extra_m": offer.extra_m,
        "cents": offer.pay_cents, "until": offer.expires_at,
    }  # fmt: skip


def of_trip(trip: Trip, packages: int, first_name: str) -> dict[str, Any]:
    """For the messages about a trip and its pay. What was paid is the ledger's sum, waiting without a drive included."""
    paid = sum(entry.cents for entry in trip.entries.all())  # type: ignore[attr-defined]
    return {
        "name": line(first_name), "packages": packages, "cents": paid, "quoted": trip.pay_cents,
        "day": trip.shift.ends_at, "shift_ends": trip.shift.ends_at,
    }  # fmt: skip


def of_swap(swap: Swap, first_name: str, other: str, channel: str) -> dict[str, Any]:
    """For a colleague's question."""
    return {
        "name": line(first_name), "colleague": name(other, channel, _("A colleague")), "until": swap.expires_at,
    }  # fmt: skip


def of_stop(trip: Trip, *, language: str) -> dict[str, Any]:
    """For the message to a store's leads that somebody cannot go on: who, why, and how much they have in hand."""
    problem = trip.exceptions.order_by("-at").first()
    with translation.override(language):
        why = str(problem.get_reason_display()) if problem else _("No reason given")
    return {
        "name": line(trip.associate.first_name), "why": why, "note": line(problem.note, 200) if problem else "",
        "packages": trip.packages.filter(holder=trip.associate_id).count(), "since": trip.ended_at,
    }  # fmt: skip


def came_back(store: Store, now: datetime) -> int:
    """Packages that left a trip this evening because a shift moved, and that nobody has now."""
    left = Event.objects.filter(
        store=store, at__gte=store.evening_began(now), verb="release", trip__isnull=False,
        reason__in=(SHIFT_MOVED, SHIFT_CANCELLED), package__state=PackageState.STAGED,
    )  # fmt: skip
    return left.values("package").distinct().count()


def page_of(notice: Notice) -> str:
    """The page a message to an associate or to staff leads to."""
    if notice.audience == Notice.Audience.STAFF:
        return settings.SITE_URL + reverse("staff:tonight")
    pages = {
        "offer": "offers",
        "offer_closing": "offers",
        "pay_settled": "earnings",
        "test": "messages",
        "swap_done": "trip",
        "insurance_ends": "me",
        "license_ends": "me",
    }
    return settings.SITE_URL + reverse(pages.get(notice.kind, "today"))
