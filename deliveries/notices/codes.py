"""The text message with a code that signs somebody in or confirms their number. Nothing is written down: it is asked for,
sent at once, and of no use a quarter of an hour later."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from . import channels
from .channels import Text


def text_code(phone: str, code: str, language: str) -> None:
    """Send `code` to a number in E.164, in `language`. Raises Failed."""
    with translation.override(language):
        said = _("%(code)s is your code. It works for %(minutes)d minutes. We never ask you for it.") % {
            "code": code, "minutes": settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT // 60,
        }  # fmt: skip
        # Phones offer the code to the page it is for, and to no other: https://wicg.github.io/sms-one-time-codes/
        bound = f"@{urlsplit(settings.SITE_URL).hostname} #{code}"
        channels.SMS.send(Text(subject=said, body=said, title=said, short=said, link="", last_line=bound), phone)
