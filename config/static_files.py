"""Static files: what they are called in production, and how they are served, in front of Django.

No request for a page passes through what looks for files, and no request for a file through what is for pages: sessions,
languages, and the log, in which a page's ten scripts would be ten lines.
"""

from __future__ import annotations

import zlib
from typing import Any, TypeVar, cast

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStatic, ServeStaticASGI
from servestatic.storage import CompressedManifestStaticFilesStorage

Kind = TypeVar("Kind", ServeStatic, ServeStaticASGI)

# What gets smaller; photos and icons are compressed by nature.
COMPRESSED = (
    "text/",
    "application/json",
    "application/javascript",
    "application/manifest+json",
    "application/wasm",
    "image/svg",
)


class HashedFiles(CompressedManifestStaticFilesStorage):
    """With a plain name in an `import` a page would have that module twice: its state, its listeners, all it sends.

    Only ours: libraries bring files whose comments look like imports of what is not there.
    """

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )


def table(kind: type[Kind], application: Any) -> Kind:
    """`application` behind the static files, as servestatic's application for ASGI or WSGI (`kind`).

    In production those of STATIC_ROOT, where `collectstatic` has put hashed names and compressed copies. Elsewhere from
    where the apps keep them; with DEBUG they are looked for at each request, so that a change shows.
    """
    files = kind(
        application, autorefresh=settings.DEBUG, max_age=0 if settings.DEBUG else 60, add_headers_function=_headers
    )
    if settings.PRODUCTION:
        files.add_files(settings.STATIC_ROOT, settings.STATIC_URL)
        return files
    stores = [store for finder in get_finders() for store in getattr(finder, "storages", {}).values()]
    for store in reversed(stores):  # the first that has a file is the one meant, and a later one replaces it
        files.add_files(store.location, f"{settings.STATIC_URL}{getattr(store, 'prefix', '') or ''}")
    return files


def _headers(headers: Any, path: str, url: str) -> None:
    """As SecurityMiddleware has them on pages."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = settings.SECURE_REFERRER_POLICY


class StaticFirst:
    """The ASGI application: what lies under STATIC_URL from the disk, everything else from `application`.

    Outside production no compressed copies lie there, and files are compressed as they are sent.
    """

    def __init__(self, application: Any) -> None:
        self.application = application
        self.files = table(ServeStaticASGI, application)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(settings.STATIC_URL):
            return await self.application(scope, receive, send)
        packs = b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"")
        if packs and scope["method"] == "GET" and not settings.PRODUCTION:
            send = cast(ASGISendCallable, Packer(send))
        return await self.files(scope, receive, send)


class Packer:
    """Stands where an answer is sent, and compresses it where that helps: in one piece, because browsers read the first
    and drop the rest."""

    def __init__(self, send: ASGISendCallable) -> None:
        self.send = send
        self.packer: Any = None

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            if (
                message["status"] == 200
                and headers.get(b"content-type", b"").decode("latin-1").startswith(COMPRESSED)
                and b"content-encoding" not in headers
            ):
                self.packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
                for name in (b"content-length", b"etag"):  # of the bytes as they lie there; the date still serves
                    headers.pop(name, None)
                headers |= {b"content-encoding": b"gzip", b"vary": b"Accept-Encoding"}
                message = {**message, "headers": list(headers.items())}
        elif self.packer:
            body, more = self.packer.compress(message.get("body", b"")), message.get("more_body", False)
            message = {**message, "body": body if more else body + self.packer.flush()}
        await self.send(message)
