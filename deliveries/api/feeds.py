"""Rows in one request: packages, shifts, the roster. Up to a thousand, answered at once."""

from __future__ import annotations

import hashlib

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from associates import roster
from deliveries import actors
from deliveries.intake import packages, shifts
from deliveries.intake.columns import PACKAGES
from stores.feeds.report import FileFault, Report
from stores.feeds.sheets import CsvTable, JsonTable, LinesTable, Sheet, Table
from stores.models import ApiKey, ApiScope

from . import schema
from .base import ApiView, asks, media_type
from .once import once
from .problems import BadFile

MOST_ROWS = 1_000
MOST_BYTES = 4 * 1024 * 1024
LINES = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
READERS: dict[str, type[CsvTable] | type[JsonTable] | type[LinesTable]] = {
    "application/json": JsonTable, "text/csv": CsvTable, **dict.fromkeys(LINES, LinesTable),
}  # fmt: skip


class TakeIn(ApiView):
    """What the feeds have in common: a body to a table, a report to an answer."""

    sheet: Sheet
    parameters = ("dry_run", "atomic")

    def table(self, request: Request, data: bytes) -> Table:
        media, parameters = media_type(request.headers.get("Content-Type", ""))
        if media not in READERS or parameters.get("charset", "utf-8") not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media, _("Send application/json, application/jsonl or text/csv, in UTF-8."))
        try:
            return READERS[media](data, self.sheet, most_rows=MOST_ROWS, most_bytes=MOST_BYTES)
        except FileFault as fault:
            raise BadFile(fault) from fault

    def post(self, request: Request) -> Response:
        """Take the body's rows in: 200 when every row is good, 207 when some were rejected; the good ones are kept."""
        key, data = self.key_of(request), self.body(request, MOST_BYTES)

        def work() -> Response:
            dry_run, atomic = asks(request, "dry_run"), asks(request, "atomic")
            report = self.take_in(self.table(request, data), key, dry_run=dry_run, atomic=atomic)
            return Response({**report.as_json(), "atomic": atomic}, status=207 if report.rejected else 200)

        return once(request, key, hashlib.sha256(data).digest(), work)

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool, atomic: bool) -> Report:
        raise NotImplementedError


class Packages(TakeIn):
    sheet = PACKAGES

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool, atomic: bool) -> Report:
        return packages.take_in(
            table, stores=key.stores.all(), by=actors.retailer(key.name), now=timezone.now(), dry_run=dry_run,
            atomic=atomic,
        )  # fmt: skip


class Shifts(TakeIn):
    sheet = roster.SHIFTS
    scopes = {"POST": ApiScope.SHIFTS_WRITE}

    @extend_schema(operation_id="send_shifts", **schema.feed(roster.SHIFTS))
    def post(self, request: Request) -> Response:
        return super().post(request)

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool, atomic: bool) -> Report:
        return shifts.take_in(
            table, stores=key.stores.all(), by=actors.retailer(key.name), now=timezone.now(), dry_run=dry_run,
            atomic=atomic,
        )  # fmt: skip


class Roster(Shifts):
    sheet = roster.ROSTER
    scopes = {"POST": ApiScope.ROSTER_WRITE}

    @extend_schema(operation_id="send_roster", **schema.feed(roster.ROSTER))
    def post(self, request: Request) -> Response:
        return super().post(request)

    def take_in(self, table: Table, key: ApiKey, *, dry_run: bool, atomic: bool) -> Report:
        return shifts.take_in(
            table, stores=key.stores.all(), by=actors.retailer(key.name), now=timezone.now(), dry_run=dry_run,
            atomic=atomic, sheet=roster.ROSTER,
        )  # fmt: skip
