"""Files in the background: up to 100,000 rows, and a resource that says how far they are."""

from __future__ import annotations

import tempfile
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ParseError, PermissionDenied, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries.intake import imports
from deliveries.models import Import, ImportRow
from stores.feeds.sheets import MOST_BYTES
from stores.models import ApiKey, ApiScope

from . import schema
from .base import ApiView, asks, media_type, one_of, page_of, pages
from .feeds import LINES
from .keys import ANY
from .once import once
from .shapes import IMPORT_KINDS

# What each kind asks of the key.
SCOPES = {
    Import.Kind.PACKAGES: ApiScope.PACKAGES_WRITE, Import.Kind.SHIFTS: ApiScope.SHIFTS_WRITE,
    Import.Kind.ROSTER: ApiScope.ROSTER_WRITE,
}  # fmt: skip
MEDIA = {"text/csv": Import.Media.CSV, **dict.fromkeys(LINES, Import.Media.LINES)}


def shown(job: Import) -> dict[str, Any]:
    """An import as the API shows it."""
    read = imports.progress(job)
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "status": job.status,
        "atomic": job.atomic,
        "dry_run": job.dry_run,
        "made_at": job.made_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "rows": job.rows,
        "read": read,
        "percent": 100 if job.status == Import.Status.DONE else read * 100 // job.rows if job.rows else 0,
        "accepted": job.accepted,
        "unchanged": job.unchanged,
        "rejected": job.rejected,
        "skipped": job.skipped,
        "fault": job.fault,
        "troubled": reverse("api-import-rows", args=[job.pk]),
    }


def _mine(key: ApiKey) -> QuerySet[Import]:
    return Import.objects.filter(key=key)


class Imports(ApiView):
    scopes = {"GET": ANY, "POST": ANY}  # the kind asks for its own
    parameters = ("kind", "dry_run", "atomic")

    @extend_schema(operation_id="list_imports", **schema.LIST_IMPORTS)
    def get(self, request: Request) -> Response:
        latest = _mine(self.key_of(request)).order_by("-made_at", "pk")[:100]
        return pages([shown(job) for job in latest], {"next": None})

    @extend_schema(operation_id="start_import", **schema.START_IMPORT)
    def post(self, request: Request) -> Response:
        key = self.key_of(request)
        kind = one_of(request, "kind", IMPORT_KINDS)
        if kind is None:
            raise ParseError(_("Say what the rows are: ?kind=packages, shifts or roster."), code="kind_missing")
        if SCOPES[Import.Kind(kind)] not in key.scopes:
            raise PermissionDenied(
                _("This key may not do that: it lacks “%(scope)s”. It has: %(scopes)s.")
                % {"scope": SCOPES[Import.Kind(kind)], "scopes": ", ".join(key.scopes)},
                code="scope",
            )
        media, parameters = media_type(request.headers.get("Content-Type", ""))
        if media not in MEDIA or parameters.get("charset", "utf-8") not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media, _("Send text/csv or application/jsonl, in UTF-8, as it is or gzipped."))
        with tempfile.TemporaryFile() as file:
            digest = self.body_into(request, file, MOST_BYTES)

            def work() -> Response:
                job = imports.begin(
                    kind=kind, media=MEDIA[media], file=file, stores=key.stores.all(), key=key, now=timezone.now(),
                    atomic=asks(request, "atomic"), dry_run=asks(request, "dry_run"),
                )  # fmt: skip
                return Response(shown(job), status=202, headers={"Location": reverse("api-import", args=[job.pk])})

            return once(request, key, digest, work)


class OneImport(ApiView):
    scopes = {"GET": ANY}

    @extend_schema(operation_id="get_import", **schema.ONE_IMPORT)
    def get(self, request: Request, import_id: UUID) -> Response:
        job = get_object_or_404(_mine(self.key_of(request)), pk=import_id)
        headers = {} if job.ended_at else {"Retry-After": "2"}
        return Response(shown(job), headers=headers)


class ImportRows(ApiView):
    scopes = {"GET": ANY}
    parameters = ("outcome",)

    @extend_schema(operation_id="list_import_rows", **schema.IMPORT_ROWS)
    def get(self, request: Request, import_id: UUID) -> Response:
        """The rows that somebody has to look at, as they came, with what is wrong about them."""
        if not _mine(self.key_of(request)).filter(pk=import_id).exists():
            raise NotFound
        rows = ImportRow.objects.filter(imported=import_id)
        if outcome := one_of(request, "outcome", ImportRow.Outcome.values):
            rows = rows.filter(outcome=outcome)
        found, about = page_of(rows, request)
        return pages(
            [
                {
                    "row": row.row, "outcome": row.outcome, "cells": row.cells, "line": row.line or None,
                    "faults": row.faults,
                }
                for row in found
            ],
            about,
        )  # fmt: skip
