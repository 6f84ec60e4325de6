"""The customer's page behind a private link: server-rendered, whole without script, live with it.

No GET changes anything, whoever asks: link-preview robots fetch these addresses, too. A link that is
not valid gets one answer, whatever is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from deliveries import links
from deliveries.controls import Control
from deliveries.live import snapshots
from deliveries.models import TrackingLink

from . import link_limits

log = structlog.get_logger(__name__)

HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
# What the page of the package says after a form was taken.
DONE: dict[str, str | Promise] = {
    Control.INSTRUCTIONS: gettext_lazy("Saved. Whoever brings it reads it at your door."),
    Control.PIN: gettext_lazy("Saved. The pin is where you put it."),
    Control.ANOTHER_DAY: gettext_lazy("Saved. It comes on the evening you chose."),
    Control.PICK_UP: gettext_lazy("Saved. It waits for you at the store."),
    "carrier": gettext_lazy("Saved. The carrier brings this package and later ones."),
    "carrier-later": gettext_lazy("Saved. The carrier brings your later packages."),
    "associate": gettext_lazy("Saved. Somebody from the store may bring your packages."),
    Control.WRITE: gettext_lazy("Sent. The answer appears on this page."),
    Control.NOT_RECEIVED: gettext_lazy("Thank you for telling us. The store looks into it and calls you."),
    "found": gettext_lazy("Good to hear. Thank you for telling us."),
    Control.RATING: gettext_lazy("Thank you."),
    "language": gettext_lazy("Saved. Messages come in this language."),
}
View = Callable[[HttpRequest, TrackingLink], HttpResponseBase]


def behind_a_link(view: View) -> Callable[..., HttpResponseBase]:
    """`with_link` for a page that is only looked at."""
    return require_safe(with_link(view))


def with_link(view: View) -> Callable[..., HttpResponseBase]:
    """Gives the view the valid link of its token, or answers for it. Private headers on every answer."""

    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponseBase:
        address = request.META.get("REMOTE_ADDR", "")
        answer: HttpResponseBase
        if link_limits.waits([address])[address]:
            answer = too_many(request, "guesses", link_limits.MINUTE_S)
        elif (link := links.find(token, timezone.now())) is None:
            answer = _invalid(request)
        elif seconds := link_limits.page_waits(link.pk, address):
            answer = too_many(request, "reads", seconds, language_of(request, link))
        else:
            answer = view(request, link)
        for name, value in HEADERS.items():
            answer[name] = value
        return answer

    return wrapped


@behind_a_link
def page(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """The whole page, in the package's language or the one asked for (`?lang=es`)."""
    now = timezone.now()
    language = language_of(request, link)
    facts = snapshots.load([link.package_id], now=now)[link.package_id]
    token = request.resolver_match.kwargs["token"] if request.resolver_match else ""
    context = {
        "facts": facts,
        "store": facts.store,
        "fragment": snapshots.render(facts, language, now=now),
        "version": f"{facts.version[0]}.{facts.version[1]}",
        "again_s": snapshots.again_s(facts, now),
        "state_path": f"{reverse('tracking-state', args=[token])}?lang={language}",
        "socket_path": f"/ws/t/{token}/?lang={language}",
        "LANGUAGE_CODE": language,
        "other": "en" if language == "es" else "es",
        "now": now,
        "done": DONE.get(request.GET.get("done", ""), ""),
        "tiles": settings.MAP_TILES_URL,
        "attribution": settings.MAP_TILES_ATTRIBUTION,
        "position_json": json.dumps(snapshots.position(facts)),
    }
    with translation.override(language), timezone.override(facts.store.zone):
        return HttpResponse(render_to_string("tracking/page.html", context))


@behind_a_link
def state(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """What the socket would send, for pages without one."""
    now = timezone.now()
    facts = snapshots.load([link.package_id], now=now)[link.package_id]
    return HttpResponse(
        snapshots.message(facts, language_of(request, link), now=now), content_type="application/json; charset=utf-8"
    )


@behind_a_link
def photo(request: HttpRequest, link: TrackingLink) -> HttpResponseBase:
    """The photo of the drop-off, as long as the page shows it."""
    facts = snapshots.load([link.package_id], now=timezone.now())[link.package_id]
    if not facts.photo:
        return _invalid(request)
    try:
        file = default_storage.open(facts.photo)
    except FileNotFoundError:
        log.error("tracking.photo_missing", package=link.package_id)
        return _invalid(request)
    answer = FileResponse(file, content_type="image/jpeg")
    answer["Content-Security-Policy"] = "default-src 'none'"
    return answer


def language_of(request: HttpRequest, link: TrackingLink) -> str:
    return snapshots.language_or(request.GET.get("lang"), link.package.language)


def too_many(request: HttpRequest, what: str, seconds: int, language: str = "") -> HttpResponse:
    """Too often: `what` is "guesses", "reads" or "writes". Says in how many seconds it goes on."""
    answer = _refuse(request, "tracking/too_many.html", 429, language, what=what, minutes=max(1, round(seconds / 60)))
    answer["Retry-After"] = str(seconds)
    return answer


def _invalid(request: HttpRequest) -> HttpResponse:
    """One answer for what never was, has expired, was revoked, or is no token."""
    link_limits.count_bad(request.META.get("REMOTE_ADDR", ""))
    return _refuse(request, "tracking/invalid.html", 404)


def _refuse(request: HttpRequest, template: str, status: int, language: str = "", **said: str | int) -> HttpResponse:
    """A page that only says why; in what the browser asks for, where there is no package to ask."""
    language = language or translation.get_language() or "en"
    with translation.override(language):
        return HttpResponse(render_to_string(template, {"LANGUAGE_CODE": language, **said}), status=status)
