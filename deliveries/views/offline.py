"""Homeward as an app on the phone: its manifest, its service worker, and the page for when there is nothing else."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from .phone import KEEP

WORKER = "js/sw.js"
# What the worker itself runs: the queue it shares with the pages, and what a notification does.
PARTS = ("js/outbox.js", "js/push-worker.js")
# What every page of the road needs to look and work as usual.
SHELL = (
    "css/tokens.css", "css/components.css", "css/controls.css", "css/custody.css", "css/forms.css", "css/map.css",
    "css/offer.css", "css/scanner.css", "css/trip-map.css", "django_htmx/htmx-2.min.js", "js/answer.js", "js/associate.js",
    "js/dropoff.js", "js/labels.js", "js/map.js", "js/offer.js", "js/offline.js", "js/outbox.js", "js/pickup.js",
    "js/problem.js", "js/save.js", "js/scanner.js", "js/tap.js", "js/trip.js", "js/trip-map.js", "js/whereabouts.js",
    "img/icon.svg", "img/icon-192.png",
)  # fmt: skip
# Kept when it was loaded once: who scans at the bay, or looks at the map, may want to do so later without a signal.
LATER = (
    "js/scan.js", "js/scan-worker.js", "vendor/zxing-wasm-3.1.4/reader.js",
    "vendor/zxing-wasm-3.1.4/zxing_reader.wasm", "vendor/leaflet/leaflet.js", "vendor/leaflet/leaflet.css",
)  # fmt: skip
THEME, PAPER = "#0b5f58", "#f7f5f0"


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root so that it serves every page. A new version of any file it keeps is a new worker."""
    return HttpResponse(_worker(request.LANGUAGE_CODE), content_type="text/javascript; charset=utf-8")


def _worker(language: str) -> str:
    return _worker_now(language) if settings.DEBUG else _worker_once(language)


def _worker_now(language: str) -> str:
    files = [_source(name) for name in (WORKER, *PARTS, *SHELL, *LATER[:2])]
    page = (settings.BASE_DIR / "templates/offline.html").read_bytes()
    knows: dict[str, Any] = {
        "version": hashlib.sha256(b"\0".join([*files, page, language.encode()])).hexdigest()[:12],
        "keep": KEEP, "offline": reverse("offline"), "sync": reverse("sync"), "login": reverse("account_login"),
        "logout": reverse("account_logout"), "stops": reverse("trip") + "stops/",
        "parts": [static(name) for name in PARTS], "shell": [static(name) for name in SHELL],
        "later": [static(name) for name in LATER], "static": settings.STATIC_URL, "fresh": settings.DEBUG,
    }  # fmt: skip
    return f"const KNOWS = {json.dumps(knows)};\n{files[0].decode()}"


_worker_once = lru_cache(maxsize=8)(_worker_now)


def _source(name: str) -> bytes:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(name)
    return Path(found).read_bytes()


@require_safe
@cache_control(max_age=3600)
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes Homeward an app on the home screen. A view and no file: the icons' addresses change with their contents."""
    icons = [
        {"src": static("img/icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": static("img/icon-512.png"), "sizes": "512x512", "type": "image/png"},
        {"src": static("img/icon-maskable-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        {"src": static("img/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
    ]
    return JsonResponse(
        {
            "id": "/", "name": "Homeward", "short_name": "Homeward", "lang": request.LANGUAGE_CODE,
            "description": _("Deliver on your way home."), "start_url": reverse("today"), "scope": "/",
            "display": "standalone", "orientation": "portrait", "theme_color": THEME, "background_color": PAPER,
            "icons": icons, "categories": ["business", "productivity"],
            "shortcuts": [{"name": _("My trip"), "url": reverse("trip"), "icons": icons[:1]}],
        },
        content_type="application/manifest+json",
    )  # fmt: skip


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page for an address that the phone has not kept. The same for everybody, so that everybody's phone may keep it."""
    return render(request, "offline.html")
