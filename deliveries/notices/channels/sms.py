"""Text messages through apprise: any gateway it knows, by the address in SMS_URL, where {to} stands for the number.

Apprise says yes or no and writes the gateway's reason to its log, with the number in it. That log is switched off (see
`config/logs.py`); we listen to it for the one thing we need, the gateway's code.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import quote

import apprise
from apprise.decorators import notify
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from .sending import Failed, Text

LONGEST = 160  # of the GSM alphabet, in one part
LONGEST_OF_TWO = 2 * 153  # each part of several says which it is
STOPPED = frozenset({"410", "21610"})  # Gone; Twilio: the person answered STOP
NO_SUCH_NUMBER = frozenset({"404", "21211", "21214", "21217", "21614"})
_CODE = re.compile(r"error=(\d{3,5})\b")
# GSM 03.38, what fits into seven bits; the second line costs two.
_GSM = frozenset("@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
                 "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")  # fmt: skip
_GSM_TWICE = frozenset("^{}\\[~]|€")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


@notify(on="demo")
def _beside_the_mails(body: str, title: str, notify_type: str, *args: Any, meta: dict[str, Any], **more: Any) -> None:
    """`demo://text/{to}`: the gateway of a laptop. The message shows on the page of mails that were sent."""
    number = meta["query"].lstrip("+")
    EmailMessage(_("Text message to +%(number)s") % {"number": number}, body, to=[f"{number}@text.invalid"]).send()


class Sms:
    def offered(self) -> bool:
        return bool(settings.SMS_URL)

    def send(self, text: Text, to: str) -> None:
        """Send one text message to a number in E.164. Raises Failed."""
        codes: list[str] = []
        gateway = apprise.Apprise()
        if not gateway.add(settings.SMS_URL.replace("{to}", quote(to, safe=""))):
            raise Failed("SMS_URL names no gateway that apprise knows")
        sent = gateway.notify(
            body=written(text),
            body_format=apprise.NotifyFormat.TEXT,
            log_callback=lambda entry, _service: codes.extend(_CODE.findall(entry.message)),
        )
        if not sent:
            code = codes[-1] if codes else "no answer"
            raise Failed(f"gateway {code}", gone=code in STOPPED, for_good=code in NO_SUCH_NUMBER)


def written(text: Text) -> str:
    """The whole text message: who speaks, what, where to look; and how to stop, where there is room or it must be said."""
    said = f"{gsm(_('Homeward: %(message)s') % {'message': text.short})} {text.link}".rstrip()
    said += f"\n{text.last_line}" if text.last_line else ""
    stop = gsm(_("Reply STOP to end.")) if text.stop else ""
    return f"{said} {stop}" if stop and (text.says_stop or length(f"{said} {stop}") <= LONGEST) else said


def gsm(text: str) -> str:
    """`text` in the GSM alphabet: accents it has no letter for go ("María" -> "Maria"), signs that have none go too.

    One letter outside of it would more than halve what fits. A name in another script is left out by the caller.
    """
    kept = []
    for letter in text.translate(_PLAIN):
        if letter in _GSM or letter in _GSM_TWICE:
            kept.append(letter)
        else:
            kept += [part for part in unicodedata.normalize("NFKD", letter) if part in _GSM]
    return " ".join("".join(kept).split())


def length(text: str) -> int:
    """Septets; what is not GSM counts as beyond any limit."""
    if any(letter not in _GSM and letter not in _GSM_TWICE for letter in text):
        return LONGEST + len(text)
    return sum(2 if letter in _GSM_TWICE else 1 for letter in text)
