"""The retailer's API. Each view reads the request, makes one call, and answers; the rules are behind the call."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, UnreadablePostError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ParseError, PermissionDenied, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from associates import roster
from deliveries import actors
from deliveries.intake import packages
from deliveries.intake.columns import PACKAGES
from deliveries.models import Package
from stores.feeds import fields
from stores.feeds.report import FileFault, Report
from stores.feeds.rows import HIGHEST_STORE
from stores.feeds.sheets import CsvTable, JsonTable, Sheet, Table
from stores.models import ApiKey, ApiScope

from . import schema
from .keys import ANY, KeyThrottle
from .problems import BadFile

MOST_ROWS = 1_000
MOST_BYTES = 4 * 1024 * 1024
READERS: dict[str, type[CsvTable] | type[JsonTable]] = {"application/json": JsonTable, "text/csv": CsvTable}


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
    content_negotiation_class = AlwaysJson
    throttle_classes = (KeyThrottle,)

    @staticmethod
    def key_of(request: Request) -> ApiKey:
        key = request.auth
        if not isinstance(key, ApiKey):  # IsAuthenticated has said so before; this is for whoever changes that
            raise PermissionDenied
        return key


class TakeIn(ApiView):
    """What the two feeds have in common: a body to a table, a report to an answer."""

    sheet: Sheet

    def table(self, request: Request) -> Table:
        """The request's rows. Reads the body itself: DRF's parsers know no limit, and lose a chunked body."""
        media, parameters = _media_type(request.headers.get("Content-Type", ""))
        if media not in READERS or parameters.get("charset", "utf-8") not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media, _("Send application/json or text/csv, in UTF-8."))
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMediaType(media, _("Send the body as it is, without a Content-Encoding."))
        http: HttpRequest = request._request
        try:
            data = http.read(MOST_BYTES + 1)
        except UnreadablePostError as error:
            raise ParseError(_("The body broke off before its end.")) from error
        try:
            return READERS[media](data, self.sheet, most_rows=MOST_ROWS, most_bytes=MOST_BYTES)
        except FileFault as fault:
            raise BadFile(fault) from fault

    def post(self, request: Request) -> Response:
        """Take the body's rows in: 200 when every row is good, 207 when some were rejected; the good ones are kept."""
        key = self.key_of(request)
        report = self.take_in(self.table(request), key, dry_run=_asks(request, "dry_run"))
        return Response(report.as_json(), status=207 if report.rejected else 200)

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool) -> Report:
        raise NotImplementedError


class Packages(TakeIn):
    sheet = PACKAGES
    scopes = {"POST": ApiScope.PACKAGES_WRITE}

    @extend_schema(operation_id="send_packages", **schema.feed(PACKAGES))
    def post(self, request: Request) -> Response:
        return super().post(request)

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool) -> Report:
        return packages.take_in(
            table, stores=key.stores.all(), by=actors.retailer(key.name), now=timezone.now(), dry_run=dry_run
        )


class Shifts(TakeIn):
    sheet = roster.SHIFTS
    scopes = {"POST": ApiScope.SHIFTS_WRITE}

    @extend_schema(operation_id="send_shifts", **schema.feed(roster.SHIFTS))
    def post(self, request: Request) -> Response:
        return super().post(request)

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool) -> Report:
        return roster.take_in(table, stores=key.stores.all(), by=key.name, today=timezone.now().date(), dry_run=dry_run)


class OnePackage(ApiView):
    """How a package stands. Nothing about a person: not its recipient, not who has it."""

    scopes = {"GET": ApiScope.PACKAGES_READ}

    @extend_schema(operation_id="get_package", **schema.ONE_PACKAGE)
    def get(self, request: Request, reference: str) -> Response:
        if "\0" in reference:  # PostgreSQL refuses it, so no package has it
            raise NotFound
        try:
            number = fields.whole(request.query_params.get("store", ""), HIGHEST_STORE)
        except fields.Bad:
            raise ParseError(_("Name the store by its number: ?store=3520"), code="store_missing") from None
        store = get_object_or_404(self.key_of(request).stores.all(), number=number)
        package = get_object_or_404(Package, store=store, reference=reference)
        return Response(schema.PackageStanding(package).data)


class ThisKey(ApiView):
    """What the calling key is: the first thing to ask when something is refused."""

    scopes = {"GET": ANY}

    @extend_schema(operation_id="get_key", **schema.THIS_KEY)
    def get(self, request: Request) -> Response:
        key = self.key_of(request)
        return Response(
            {
                "name": key.name,
                "stores": list(key.stores.order_by("number").values_list("number", flat=True)),
                "scopes": key.scopes,
                "per_minute": key.per_minute,
                "secrets": list(key.secrets.order_by("made_at").values("made_at", "expires_at", "last_used_on")),
            }
        )


class NotHere(ApiView):
    """Any other address under /api/v1/, so that a typing error is answered in the API's own manner."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(exclude=True)
    def get(self, request: Request, rest: str) -> Response:
        raise NotFound(_("There is nothing at this address. See /api/v1/docs/."))

    post = put = patch = delete = get


def _media_type(header: str) -> tuple[str, dict[str, str]]:
    """`text/csv; charset=UTF-8` as ("text/csv", {"charset": "utf-8"}), all in lower case."""
    media, *parameters = header.lower().split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return media.strip(), {name.strip(): value.strip().strip('"') for name, _equals, value in pairs}


def _asks(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false")
    try:
        return fields.yes_no(value)
    except fields.Bad as bad:
        raise ParseError(bad.message, code="true_or_false") from None
