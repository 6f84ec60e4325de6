"""The customer's page behind a private link: server-rendered, whole without script, live with it.

No GET changes anything, whoever asks: link-preview robots fetch these addresses, too. A link that is
not valid gets one answer, whatever is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import wraps
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TypeVar

import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from deliveries import links
from deliveries.controls import Control
from deliveries.live import snapshots
from deliveries.models import TrackingLink

log = structlog.get_logger(__name__)

BAD_A_MINUTE = 60  # links that are none, from one address: a household mistypes, a scanner does not stop
BAD_A_MINUTE_IN_ALL = 6_000  # from all of them; beyond it an address waits after its first
WRITES_AN_HOUR = 40  # of one package, by whoever has a link to it
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
Answer = TypeVar("Answer")


def behind_a_link(view: View) -> Callable[..., HttpResponseBase]:
    """`with_link` for a page that is only looked at."""
    return require_safe(with_link(view))


def with_link(view: View) -> Callable[..., HttpResponseBase]:
    """Gives the view the valid link of its token, or answers for it. Private headers on every answer."""

    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponseBase:
        address = request.META.get("REMOTE_ADDR", "")
        if waits([address])[address]:
            answer: HttpResponseBase = too_many(request)
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


def may_write(link: TrackingLink) -> bool:
    """Whether this package's page may change something once more in this hour; counts it."""

    def count() -> bool:
        key = f"tracking-writes-{link.package_id}"
        cache.add(key, 0, timeout=3600)
        return int(cache.incr(key)) <= WRITES_AN_HOUR

    return _limited(count, otherwise=True)


def too_many(request: HttpRequest) -> HttpResponse:
    answer = _refuse(request, "tracking/too_many.html", 429)
    answer["Retry-After"] = "60"
    return answer


def _invalid(request: HttpRequest) -> HttpResponse:
    """One answer for what never was, has expired, was revoked, or is no token."""
    count_bad(request.META.get("REMOTE_ADDR", ""))
    return _refuse(request, "tracking/invalid.html", 404)


def _refuse(request: HttpRequest, template: str, status: int) -> HttpResponse:
    language = translation.get_language() or "en"  # what the browser asks for: there is no package to ask
    return HttpResponse(render_to_string(template, {"LANGUAGE_CODE": language}), status=status)


def _bad_key(address: str) -> str:
    """Of an IPv6 address the network counts: whoever has one has 2^64 addresses of it, each good for a few tries more."""
    try:
        given = ip_address(address)
    except ValueError:  # a test's client, a local socket
        given = None
    if isinstance(given, IPv6Address):
        address = str(given.ipv4_mapped or IPv6Network((given, 64), strict=False))
    return f"tracking-bad-{salted_hmac('tracking', address).hexdigest()[:24]}"  # no address in the cache


ALL_BAD = "tracking-bad"


def waits(addresses: Collection[str]) -> dict[str, bool]:
    """Which of these addresses have tried so many links that are none that they wait; one question to Redis."""
    keys = {address: _bad_key(address) for address in addresses}

    def ask() -> dict[str, bool]:
        tries = cache.get_many([*keys.values(), ALL_BAD])
        many = tries.get(ALL_BAD, 0) >= BAD_A_MINUTE_IN_ALL
        mine = {address: tries.get(key, 0) for address, key in keys.items()}
        return {address: n >= BAD_A_MINUTE or (many and n > 0) for address, n in mine.items()}

    return _limited(ask, otherwise=dict.fromkeys(addresses, False))


def count_bad(address: str) -> None:
    """Somebody at this address tried a link that is none, on a page or a socket."""

    def count() -> None:
        for key in (_bad_key(address), ALL_BAD):
            cache.add(key, 0, timeout=60)
            cache.incr(key)

    _limited(count, otherwise=None)


def _limited(ask: Callable[[], Answer], *, otherwise: Answer) -> Answer:
    """The limits live in Redis. Without Redis there are none, and there is a page."""
    try:
        return ask()
    except (redis.RedisError, ValueError) as error:  # ValueError: the key ended between add and incr
        log.warning("tracking.no_limit", error=type(error).__name__)
        return otherwise
