"""The words: every message in both languages by every channel, whatever people and stores are called."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation

from deliveries.notices import previews, texts
from deliveries.notices.channels import sms
from deliveries.notices.kinds import ALL
from deliveries.notices.previews import sample
from stores.models import Store

from .. import make

LINK = "https://homeward.example/t/" + "A" * 32 + "/"
NAMES = {
    "formula": '=HYPERLINK("http://x")',
    "script": "<script>alert(1)</script>",
    "emoji": "Zoë 👩‍🚀🏳️‍🌈",
    "right to left": "محمد עברית",
    "turned around": "Ana\u202egnp.exe\u2066",
    "newline": "Ana\r\nBcc: all@example.com\n\nhello",
    "NUL and separators": "A\x00n\u2028a\u0085",
    "long": "Wolfeschlegelsteinhausenbergerdorff " * 9,
    "Spanish": "José Ángel Muñoz",
    "nothing": "\u200b",
    "template": "{{ link }}{% now 'Y' %}",
}


@pytest.fixture
def store(db: None) -> Store:
    return make.store(name="Bayonne", phone="+1 201 555 0100")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("kind", ALL)
def test_every_message_whatever_the_names(kind: str, name: str, store: Store) -> None:
    store.name = name
    for language, _label in settings.LANGUAGES:
        for channel in ("mail", "sms", "push"):
            with translation.override(language):
                context: dict[str, Any] = sample(kind, store, channel, now=make.EVENING)
                context |= {who: texts.name(name, channel, "Somebody") for who in ("courier", "carrier")}
                context |= {"name": texts.line(name), "address": texts.line(name)}
            text = texts.write(kind, context, language=language, zone=store.zone, link=LINK, stop=f"{LINK}messages/")
            EmailMessage(text.subject, text.body, to=["a@example.net"]).message()  # raises on a header of two lines
            for short in (text.subject, text.title, text.short):
                assert short == texts.line(short, 300), "one line, nothing hidden"
                assert short
            assert "\u202e" not in text.body
            assert "\nBcc" not in text.body
            assert "&lt;" not in text.body + text.short, "plain text is not escaped"
            assert LINK in text.body
            if channel == "sms":
                with translation.override(language):
                    written = sms.written(text)
                assert all(letter in sms._GSM or letter in sms._GSM_TWICE for letter in written), written
                assert LINK in written
                assert sms.length(written) <= 2 * 153, "two parts at most"


def test_a_text_message_fits_into_one_for_ordinary_names(store: Store) -> None:
    for group in previews.previews(store, now=make.EVENING).values():
        for each in group:
            if each.language == "en":
                assert each.sms_length <= sms.LONGEST, (each.kind, each.sms_length, each.sms)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("José Ángel Muñoz", "José Angel Muñoz"), ("¿Dónde está?", "¿Donde esta?"), ("Zoë 👩‍🚀", "Zoe"), ("“A–B…”", '"A-B..."'),
        ("Łukasz", "ukasz"), ("张伟", ""), ("a\nb", "a b"),
    ],
)  # fmt: skip
def test_the_gsm_alphabet(given: str, written: str) -> None:
    assert sms.gsm(given) == written


def test_a_name_that_a_text_message_cannot_write_is_left_out() -> None:
    assert texts.name("محمد", "sms", "Somebody") == "Somebody"
    assert texts.name("محمد", "push", "Somebody") == "محمد"
    assert sms.length("é" * 160) == 160
    assert sms.length("€") == 2
    assert sms.length("ł") > sms.LONGEST


def test_how_to_stop_where_there_is_room_and_only_for_customers() -> None:
    text = texts.Text("s", "b", "t", "You are next.", LINK, stop=f"{LINK}messages/")
    assert sms.written(text).endswith("Reply STOP to end.")
    assert "STOP" not in sms.written(texts.Text("s", "b", "t", "An offer.", LINK))
    long = texts.Text("s", "b", "t", "x" * 80, LINK, stop="y")
    assert "STOP" not in sms.written(long)
