"""Words of their own that staff give the messages to customers: placeholders, what is wrong with a text, filling it in.

A placeholder is a known name in braces, `{courier}`, and nothing else: no attribute, no format, no template language. What
is filled in is not read again. The link, how to stop, and the foot of a mail are no part of such a text: they are put
around it (`texts.write`), so nobody can leave them out. Messages to associates are ours alone: they are promises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries.live import words
from deliveries.models import MessageText
from deliveries.models.message_text import MOST_LETTERS

MEANS: dict[str, str | Promise] = {
    "store": _("the store’s name"),
    "store_phone": _("the store’s phone number"),
    "address": _("the store’s address"),
    "courier": _("first name of who brings it"),
    "carrier": _("the carrier’s name"),
    "time": _("the time of day the message is about"),
    "promised": _("day and time of the promise"),
    "reason": _("why it could not be left"),
    "next_step": _("what happens next"),
}
PLACEHOLDERS: dict[str, tuple[str, ...]] = {
    "ready": ("promised", "store", "store_phone"),
    "on_the_way": ("courier", "time", "store", "store_phone"),
    "next": ("courier", "store", "store_phone"),
    "answered": ("courier", "store", "store_phone"),
    "late": ("time", "promised", "store", "store_phone"),
    "delivered": ("time", "store", "store_phone"),
    "attempted": ("reason", "next_step", "store", "store_phone"),
    "with_carrier": ("carrier", "store", "store_phone"),
    "pick_up": ("store", "address", "store_phone"),
}
EDITABLE = tuple(PLACEHOLDERS)
_TIME = {"on_the_way": "by", "late": "by", "delivered": "since"}
_TOKEN = re.compile(r"\{([a-z_]+)\}")
_IN_BRACES = re.compile(r"\{[^{}]*\}|[{}]")  # and a brace without its other half
# "example.com", "https:": phones make links of what looks like an address. "6 p.m." is none.
_ADDRESS = re.compile(r"://|\bhttps?:|\bwww\.|[a-z0-9-]\.[a-z]{2,}", re.IGNORECASE)
_LINK = "\x1f"  # stands for the link while our own text is read; no text has it


@dataclass(frozen=True, slots=True)
class Words:
    """What may be worded: the subject of a mail, the short form for small screens, and the mail above its link."""

    subject: str
    short: str
    body: str


def in_force(store_id: int) -> dict[tuple[str, str], Words]:
    """By kind and language, the words this store has instead of ours: its own before those for every store."""
    rows = MessageText.objects.filter(Q(store=store_id) | Q(store=None), ended_at=None)
    found = {}
    for row in sorted(rows, key=lambda row: row.store_id is not None):
        found[(row.kind, row.language)] = Words(row.subject, row.short, row.body)
    return found


def values(kind: str, context: Mapping[str, Any]) -> dict[str, str]:
    """What stands for each placeholder of `kind`, in the language and on the clock that are active; "" where unknown."""
    found = {}
    for name in PLACEHOLDERS[kind]:
        if name == "time":
            found[name] = _clock(context.get(_TIME[kind]))
        elif name == "promised":
            found[name] = f"{date_format(timezone.localtime(context['promise']), 'l')}, {_clock(context['promise'])}"
        else:
            found[name] = str(context.get(name) or "")
    return found


def ours_only(kind: str, context: Mapping[str, Any]) -> bool:
    """Whether this one message has to be in our words: it says a PIN, that its customer has to be there, or asks where their
    door is, and a text written for every package may say that nobody need wait or do anything."""
    if kind == "next":
        return bool(context.get("pin") or context.get("in_person"))
    if kind == "ready":
        return bool(context.get("weak_pin"))
    return kind == "on_the_way" and bool(context.get("pin"))


def fill(said: Words, known: Mapping[str, str]) -> Words | None:
    """The words with their placeholders filled in; None where one is unknown or has no value now: ours are sent then."""
    filled = [_fill(text, known) for text in (said.subject, said.short, said.body)]
    if any(text is None for text in filled):
        return None
    return Words(*(text or "" for text in filled))


def _fill(text: str, known: Mapping[str, str]) -> str | None:
    if _braces(text) or any(not known.get(name) for name in _TOKEN.findall(text)):
        return None
    return _TOKEN.sub(lambda token: known[token[1]], text)


def _braces(text: str) -> bool:
    """Whether braces are left that hold no name."""
    return any(brace in _TOKEN.sub("", text) for brace in "{}")


def longest(kind: str, language: str, name: str) -> dict[str, str]:
    """Values as long as they come, names as a text message cuts them: `name` is one."""
    noon = datetime(2026, 9, 23, 12, 45, tzinfo=UTC)  # a Wednesday in September
    with translation.override(language), timezone.override(UTC):
        context = {
            **dict.fromkeys(("store", "courier", "carrier"), name), "store_phone": "(201) 555-0100",
            "address": f"{name} {name} {name}", "by": noon, "since": noon, "promise": noon,
            "reason": max(map(str, words.REASONS.values()), key=len),
            "next_step": max(map(str, words.NEXT.values()), key=len),
        }  # fmt: skip
        return values(kind, context)


def faults(kind: str, said: Words) -> list[tuple[str, str]]:
    """What is wrong with a text, as (field, sentence that says how to mend it); empty when nothing is."""
    found = []
    allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS[kind])
    for field, most in MOST_LETTERS.items():
        text = getattr(said, field)
        if not text.strip():
            found.append((field, gettext("Write something here, or go back to our text.")))
        if len(text) > most:
            long = gettext("This has %(count)d characters; at most %(most)d.") % {"count": len(text), "most": most}
            found.append((field, long))
        unknown = [part for part in _IN_BRACES.findall(text) if part[1:-1] not in PLACEHOLDERS[kind]]
        if unknown:
            sentence = gettext(
                "“%(what)s” is no placeholder of this message. Use one of these, or no braces: %(allowed)s."
            )
            found.append((field, sentence % {"what": unknown[0], "allowed": allowed}))
        if _ADDRESS.search(_TOKEN.sub("", text)):
            found.append((field, gettext("Leave addresses out: the link to the package is added by itself.")))
    return found


def ours(kind: str, language: str) -> Words:
    """Our own text with placeholders, to begin from: the built-in template, read with names where values would be."""
    zone = UTC
    by, promise = datetime(2026, 9, 23, 3, 17, tzinfo=zone), datetime(2026, 9, 23, 4, 29, tzinfo=zone)
    context = {
        **{name: f"{{{name}}}" for name in MEANS}, "by": by, "since": by, "promise": promise, "promised_today": False,
        "link": _LINK, "stop": _LINK,
    }  # fmt: skip
    with translation.override(language), timezone.override(zone):
        rendered = render_to_string(f"messages/{kind}.txt", context).replace(".m..", ".m.").partition(_LINK)[0]
        day = date_format(promise, "l")
        for text, name in (
            (f"{day}, {_clock(promise)}", "promised"),
            (_clock(promise), "promised"),
            (_clock(by), "time"),
        ):
            rendered = rendered.replace(text, f"{{{name}}}")
    subject, _newline, rest = rendered.strip().partition("\n")
    short, _newline, body = rest.partition("\n")
    return Words(subject.strip(), short.strip(), body.strip())


def _clock(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "P") if moment else ""
