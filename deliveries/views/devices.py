"""A browser that asks to be told: what it sends, and what to call it in a list."""

from __future__ import annotations

import json

from django.http import HttpRequest
from django.utils.translation import gettext as _

LONGEST = 4_000
# Order matters: Edge and Opera say Chrome, Chrome says Safari.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("SamsungBrowser/", "Samsung Internet"),
            ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
           ("Mac OS X", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux"))  # fmt: skip


class BadBrowser(ValueError):
    """The page of another version sent something we do not read."""


def subscription_from(request: HttpRequest) -> dict[str, str]:
    """`PushSubscription.toJSON()` as endpoint, p256dh and auth. Raises BadBrowser."""
    if int(request.headers.get("Content-Length") or 0) > LONGEST:
        raise BadBrowser(_("That page was out of date. Nothing was changed; open it again."))
    try:
        said = json.loads(request.body)
        found = {
            "endpoint": said["endpoint"], "p256dh": said["keys"]["p256dh"], "auth": said["keys"]["auth"]
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadBrowser(_("That page was out of date. Nothing was changed; open it again.")) from error
    if not all(isinstance(value, str) and "\x00" not in value for value in found.values()):
        raise BadBrowser(_("That page was out of date. Nothing was changed; open it again."))
    return found


def name_of(request: HttpRequest) -> str:
    """ "Chrome, Android": enough to tell one's own devices apart, and no more than that is kept."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return ", ".join(part for part in (browser, system) if part) or _("A browser")
