"""Middleware of our own: the looser policy that unfold's pages need, under the admin only; and what travels compressed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import reverse
from django.utils.cache import patch_vary_headers

# unfold ships Alpine (which evaluates expressions) and inline styles and scripts; every other page stays strict.
ADMIN_POLICY = {"script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class AdminPolicyMiddleware:
    """Tells django-csp to use ADMIN_POLICY for paths under the admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(reverse("admin:index")):
            response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined]
        return response


# What gets smaller; photos and icons are compressed by nature.
COMPRESSED = (
    "text/",
    "application/json",
    "application/javascript",
    "application/manifest+json",
    "application/wasm",
    "image/svg",
)


class CompressMiddleware(GZipMiddleware):
    """Gzip for pages and, where no build has made compressed copies (`make run`), for scripts and styles.

    Secrets in pages are safe from guessing by length: Django masks its form token anew each time and pads at random.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith(COMPRESSED):
            return response
        if response.streaming and getattr(response, "is_async", False):
            return _streamed(request, response)
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed


def _streamed(request: HttpRequest, response: Any) -> HttpResponseBase:
    """As Django's, in one piece: it packs each chunk of an asynchronous file by itself, and browsers read the first only."""
    if response.status_code != 200 or response.has_header("Content-Encoding"):
        return cast(HttpResponseBase, response)
    patch_vary_headers(response, ("Accept-Encoding",))
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return cast(HttpResponseBase, response)
    response.streaming_content = _packed(response.streaming_content)
    del response.headers["Content-Length"]
    if etag := response.headers.get("ETag"):
        response.headers["ETag"] = etag if etag.startswith("W/") else f"W/{etag}"
    response.headers["Content-Encoding"] = "gzip"
    return cast(HttpResponseBase, response)


async def _packed(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    async for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
