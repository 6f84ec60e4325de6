"""Behind a customer's private link: which messages come to which address, and an end to them.

No log-in, no cookie: the link is what allows it, so nothing that a browser adds by itself could be abused, and Django's
form token is not needed. Only a POST changes anything. Addresses are shown so that their owner knows them again and
nobody else learns them.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from deliveries.actions import messages as verbs
from deliveries.models import Package, PushSubscription, TrackingLink
from deliveries.models.notice import Channel
from deliveries.notices import channels, readers
from stores.refused import Refused

from . import tracking
from .devices import BadBrowser, name_of, subscription_from


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@tracking.with_link
def page(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """Shows and, on POST, changes. A mail program's own "unsubscribe" button posts here, too (RFC 8058)."""
    now, package = timezone.now(), Package.objects.select_related("store").get(pk=link.package_id)
    language = tracking.language_of(request, link)
    refusal = ""
    if request.method == "POST":
        if request.POST.get("List-Unsubscribe") == "One-Click":
            verbs.stop(package=package, channel=Channel.MAIL, now=now)
            return HttpResponse(status=204)
        with translation.override(language):
            refusal = _change(request, package)
        if not refusal:
            answer = redirect(request.path + f"?lang={language}&saved=1")
            answer.status_code = 303
            return answer
    with translation.override(language), timezone.override(package.store.zone):
        context = {
            "ways": _shown(package), "store": package.store, "LANGUAGE_CODE": language, "refusal": refusal,
            "other": "en" if language == "es" else "es", "saved": "saved" in request.GET and not refusal,
            "public_key": channels.PUSH.public_key(), "languages": settings.LANGUAGES,
            "package_language": package.language,
            "browsers": PushSubscription.objects.filter(package=package).count(),
        }  # fmt: skip
        return HttpResponse(render_to_string("tracking/messages.html", context), status=409 if refusal else 200)


@csrf_exempt
@require_POST
@tracking.with_link
def push(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """From static/js/push.js: this browser wants to be told of this package."""
    package = Package.objects.get(pk=link.package_id)
    try:
        verbs.subscribe(
            **subscription_from(request), device=name_of(request), language=tracking.language_of(request, link),
            by=package, now=timezone.now(),
        )  # fmt: skip
    except BadBrowser as error:
        return JsonResponse({"error": str(error)}, status=400)
    except Refused as no:
        return JsonResponse({"error": str(no)}, status=409)
    return HttpResponse(status=204)


def _change(request: HttpRequest, package: Package) -> str:
    """Do what the form asks; returns the sentence for people where it cannot be done."""
    now, channel = timezone.now(), request.POST.get("channel", "")
    if channel == Channel.PUSH:
        verbs.unsubscribe_customer(package=package, now=now)
    elif channel in (Channel.MAIL, Channel.SMS):
        try:
            change = verbs.start if request.POST.get("want") == "yes" else verbs.stop
            change(package=package, channel=channel, now=now)
        except Refused as no:
            return str(no)
    return ""


def _shown(package: Package) -> list[dict[str, object]]:
    ways = readers.addresses_of(package)
    closed = readers.opted_out(ways)
    return [
        {"channel": str(way.channel), "label": way.channel.label, "address": masked(way), "on": way not in closed}
        for way in ways
    ]


def masked(way: readers.Way) -> str:
    """ "s…@example.net", "…0100"."""
    if way.channel == Channel.MAIL:
        local, _at, domain = way.address.rpartition("@")
        return f"{local[:1]}…@{domain}"
    return f"…{way.address[-4:]}"
