"""What every view of the API stands on: who calls, what was sent, which page of how much."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any, ClassVar, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.http import HttpRequest, UnreadablePostError
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError, PermissionDenied, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from stores.feeds import fields, packed
from stores.feeds.report import FileFault, shown
from stores.feeds.rows import HIGHEST_STORE
from stores.feeds.sheets import load_object
from stores.models import ApiKey, Store

from .keys import KeyThrottle
from .problems import BadFile

M = TypeVar("M", bound=Model)
MOST_BODY = 64 * 1024  # of a request that is one small object
MOST_A_PAGE, USUAL_PAGE = 500, 100
HIGHEST_ID = 2**63 - 1


class AlwaysJson(BaseContentNegotiation):
    """We answer in JSON whatever `Accept` says: a client that cannot read an error is helped least by a 406."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> None:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class ApiView(APIView):
    """A view of the API. `scopes` names what each method asks of the key, `parameters` what each may find in the query."""

    content_negotiation_class = AlwaysJson
    throttle_classes = (KeyThrottle,)
    scopes: ClassVar[Mapping[str, str]] = {}
    parameters: ClassVar[Collection[str]] = ()
    filters: ClassVar[Collection[str]] = ()  # of a GET, beside `parameters` of what else there is

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = (*(self.filters or self.parameters), "cursor", "limit") if request.method == "GET" else self.parameters
        unknown = sorted(set(request.query_params) - set(known))
        if unknown and request.method in self.scopes:  # a misspelt filter would find everything
            raise ParseError(
                _("“%(name)s” is not a parameter here. There are: %(known)s.")
                % {"name": unknown[0][:40], "known": ", ".join(sorted(known)) or "–"},
                code="unknown_parameter",
            )

    @staticmethod
    def key_of(request: Request) -> ApiKey:
        key = request.auth
        if not isinstance(key, ApiKey):  # IsAuthenticated has said so before; this is for whoever changes that
            raise PermissionDenied
        return key

    # --- What is asked for -----------------------------------------------------------------------------------------------
    def stores_asked(self, request: Request) -> QuerySet[Store]:
        """The key's stores, or the one that `?store=` names; another's is not there (404)."""
        mine = self.key_of(request).stores.all()
        if not request.query_params.get("store"):
            return mine
        return mine.filter(pk=self.store_asked(request).pk)

    def store_asked(self, request: Request) -> Store:
        """The store that `?store=` must name."""
        try:
            number = fields.whole(request.query_params.get("store", ""), HIGHEST_STORE)
        except fields.Bad:
            raise ParseError(_("Name the store by its number: ?store=3520"), code="store_missing") from None
        return get_object_or_404(self.key_of(request).stores.all(), number=number)

    # --- What was sent ---------------------------------------------------------------------------------------------------
    def body(self, request: Request, most_bytes: int = MOST_BODY) -> bytes:
        """The request's body, unpacked, at most `most_bytes`. Raises BadFile, ParseError."""
        out = io.BytesIO()
        self.body_into(request, out, most_bytes)
        return out.getvalue()

    def body_into(self, request: Request, target: IO[bytes], most_bytes: int) -> bytes:
        """Copy the body into `target`, unpacked; returns its SHA-256. Reads it itself: DRF's parsers know no limit."""
        if request.headers.get("Content-Encoding", "identity").lower() not in ("identity", "gzip"):
            raise UnsupportedMediaType(
                request.headers["Content-Encoding"], _("Send the body as it is, or with Content-Encoding: gzip.")
            )
        http: HttpRequest = request._request
        with tempfile.SpooledTemporaryFile(max_size=1024 * 1024) as raw:
            size = 0
            try:
                while chunk := http.read(packed.CHUNK):
                    size += len(chunk)
                    if size > most_bytes:
                        raise packed.too_large(most_bytes)
                    raw.write(chunk)
                raw.seek(0)
                return packed.unpack(raw, target, most_bytes=most_bytes)
            except UnreadablePostError as error:
                raise ParseError(_("The body broke off before its end.")) from error
            except FileFault as fault:
                raise BadFile(fault) from fault

    def object(self, request: Request, allowed: Collection[str]) -> dict[str, Any]:
        """The body as one JSON object with these keys and no others; an empty body is an empty object."""
        return self.object_of(request, self.body(request), allowed)

    @staticmethod
    def object_of(request: Request, data: bytes, allowed: Collection[str]) -> dict[str, Any]:
        """As `object`, for a body that was read already."""
        if not data.strip():
            return {}
        media, _parameters = media_type(request.headers.get("Content-Type", ""))
        if media != "application/json":
            raise UnsupportedMediaType(media, _("Send application/json, in UTF-8."))
        try:
            found = load_object(data)
        except FileFault as fault:
            raise BadFile(fault) from fault
        unknown = sorted(set(found) - set(allowed))
        if unknown:
            raise ParseError(
                _("“%(name)s” is not a key here. There are: %(known)s.")
                % {"name": shown(unknown[0]), "known": ", ".join(sorted(allowed)) or "–"},
                code="unknown_key",
            )
        return found


class BadValue(APIException):
    """One value of a request that is not what it should be; names it."""

    status_code = 400

    def __init__(self, name: str, bad: fields.Bad) -> None:
        super().__init__(f"{name}: {bad.message}", bad.code)
        self.where = {"column": name}


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """`text/csv; charset=UTF-8` as ("text/csv", {"charset": "utf-8"}), all in lower case."""
    media, *parameters = header.lower().split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return media.strip(), {name.strip(): value.strip().strip('"') for name, _equals, value in pairs}


def asks(request: Request, name: str) -> bool:
    """Whether the query says `name=true`; false when it says nothing."""
    try:
        return fields.yes_no(request.query_params.get(name, "false"))
    except fields.Bad as bad:
        raise ParseError(bad.message, code="true_or_false") from None


def one_of(request: Request, name: str, allowed: Sequence[str]) -> str | None:
    """The query's `name`, one of `allowed`; None when it says nothing."""
    value = request.query_params.get(name)
    if not value:
        return None
    try:
        return fields.choice(value, *allowed)
    except fields.Bad as bad:
        raise BadValue(name, bad) from None


def moment(request: Request, name: str, zone: ZoneInfo | None = None) -> datetime | None:
    """The query's `name` as an instant; an offset is needed, because several stores have several clocks."""
    value = request.query_params.get(name)
    if not value:
        return None
    # A plus in a query is a space to whoever decodes it.
    value = re.sub(r" (\d{2}:?\d{2})$", r"+\1", value)
    if not re.search(r"(?:[Zz]|[+-]\d{2}:?\d{2})$", value):
        raise BadValue(name, fields.Bad("time_format", str(_("Write it with its offset: 2026-11-24T18:30Z."))))
    try:
        return fields.moment(value, zone or ZoneInfo("UTC"))
    except fields.Bad as bad:
        raise BadValue(name, bad) from None


def day(request: Request, name: str) -> date | None:
    """The query's `name` as a date."""
    value = request.query_params.get(name)
    if not value:
        return None
    try:
        return fields.day(value)
    except fields.Bad as bad:
        raise BadValue(name, bad) from None


def whole(request: Request, name: str, otherwise: int, most: int) -> int:
    """The query's `name` as a whole number."""
    value = request.query_params.get(name)
    if not value:
        return otherwise
    try:
        return fields.whole(value, most)
    except fields.Bad as bad:
        raise BadValue(name, bad) from None


# --- Versions ---------------------------------------------------------------------------------------------------------------
def expected_version(request: Request) -> int | None:
    """The version that `If-Match` asks for, as `ETag` gave it; None for none, and for `*`."""
    value = request.headers.get("If-Match")
    if value is None or value.strip() == "*":
        return None
    found = re.fullmatch(r'\s*"([0-9]{1,9})"\s*', value)
    if not found:
        raise ParseError(_('If-Match takes one version as ETag gave it, such as "3", in its quotes.'), code="if_match")
    return int(found[1])


# --- Pages ------------------------------------------------------------------------------------------------------------------
def page_of(rows: QuerySet[M], request: Request) -> tuple[list[M], dict[str, Any]]:
    """One page of `rows` in the order they were made, and the answer's members about the next.

    The cursor is the last row's number: rows that come or go meanwhile neither repeat a row nor hide one.
    """
    limit = max(1, whole(request, "limit", USUAL_PAGE, MOST_A_PAGE))
    after = whole(request, "cursor", 0, HIGHEST_ID)
    found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return found, {"next": next_page(request, found[-1].pk) if more else None}


def next_page(request: Request, cursor: Any) -> str:
    query = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return request.build_absolute_uri(f"{request.path}?{urlencode({**query, 'cursor': cursor})}")


def pages(items: list[Any], about: Mapping[str, Any]) -> Response:
    return Response({"items": items, **about})
