"""The customer's page behind a private link: server-rendered, whole without script, live with it.

No GET changes anything, whoever asks: link-preview robots fetch these addresses, too. A link that is
not valid gets one answer, whatever is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import redis
import structlog
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe

from deliveries import links
from deliveries.live import snapshots
from deliveries.models import TrackingLink

log = structlog.get_logger(__name__)

BAD_A_MINUTE = 60  # links that are none, from one address: a household mistypes, a scanner does not stop
HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
View = Callable[[HttpRequest, TrackingLink], HttpResponseBase]


def behind_a_link(view: View) -> Callable[..., HttpResponseBase]:
    """`with_link` for a page that is only looked at."""
    return require_safe(with_link(view))


def with_link(view: View) -> Callable[..., HttpResponseBase]:
    """Gives the view the valid link of its token, or answers for it. Private headers on every answer."""

    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponseBase:
        if _too_many_bad(request):
            answer: HttpResponseBase = _refuse(request, "tracking/too_many.html", 429)
            answer["Retry-After"] = "60"
        else:
            link = links.find(token, timezone.now())
            answer = view(request, link) if link else _invalid(request)
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


def _invalid(request: HttpRequest) -> HttpResponse:
    """One answer for what never was, has expired, was revoked, or is no token."""
    _count_bad(request)
    return _refuse(request, "tracking/invalid.html", 404)


def _refuse(request: HttpRequest, template: str, status: int) -> HttpResponse:
    language = translation.get_language() or "en"  # what the browser asks for: there is no package to ask
    return HttpResponse(render_to_string(template, {"LANGUAGE_CODE": language}), status=status)


def _bad_key(request: HttpRequest) -> str:
    address = request.META.get("REMOTE_ADDR", "")
    return f"tracking-bad-{salted_hmac('tracking', address).hexdigest()[:24]}"  # no address in the cache


def _too_many_bad(request: HttpRequest) -> bool:
    return _cache(lambda key: cache.get(key, 0) >= BAD_A_MINUTE, request, otherwise=False)


def _count_bad(request: HttpRequest) -> None:
    def count(key: str) -> None:
        cache.add(key, 0, timeout=60)
        cache.incr(key)

    _cache(count, request, otherwise=None)


def _cache(ask: Callable[[str], Any], request: HttpRequest, *, otherwise: Any) -> Any:
    """The limit lives in Redis. Without Redis there is no limit, and there is a page."""
    try:
        return ask(_bad_key(request))
    except (redis.RedisError, ValueError) as error:  # ValueError: the key ended between add and incr
        log.warning("tracking.no_limit", error=type(error).__name__)
        return otherwise
