"""What OpenAPI says of the API. The rows' columns come from the same tables as their validation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from deliveries.intake.eligibility import QUESTION
from deliveries.models import ImportRow
from stores.feeds.sheets import Column, Sheet

from .shapes import (
    IMPORT_KINDS,
    STATES,
    TRIP_STATES,
    EligibilityShape,
    EventShape,
    ImportRowShape,
    ImportShape,
    KeyShape,
    LinkShape,
    ProblemShape,
    ReplayShape,
    ReportShape,
    StandingShape,
    TripShape,
    WebhookDeliveryShape,
    WebhookShape,
)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "deliveries.api.keys.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A key made by `manage.py make_api_key`."}


def _problems(*statuses: int) -> dict[tuple[int, str], Any]:
    said = {
        400: "The body cannot be read; nothing was written.",
        401: "No key, or one that is unknown, expired or revoked.",
        403: "The key lacks the scope.",
        404: "Not here, or not yours to see.",
        405: "This address does not know that method.",
        409: "Not now: the state does not allow it, or the Idempotency-Key is taken or still running (Retry-After).",
        412: "The package is no longer the version that If-Match names.",
        413: "Too many rows or bytes; nothing was written.",
        415: "A media type that is not read here, or not in UTF-8.",
        429: "Too many requests; Retry-After says when to go on.",
    }
    return {
        (status, "application/problem+json"): OpenApiResponse(ProblemShape, description=said[status])
        for status in statuses
    }


IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}, "header",
    description="Yours for this request. Sent again with the same body within two days, it is answered with the same "
    "answer and nothing is done twice.",
)  # fmt: skip
IF_MATCH = OpenApiParameter(
    "If-Match", {"type": "string", "pattern": '^(\\*|"[0-9]{1,9}")$'}, "header",
    description="The version you decided on, as ETag gave it.",
)  # fmt: skip
STORE = OpenApiParameter("store", {"type": "integer", "minimum": 0, "maximum": 999999}, required=True,
                         description="The store's number.")  # fmt: skip
ANY_STORE = OpenApiParameter("store", {"type": "integer", "minimum": 0, "maximum": 999999},
                             description="One of the key's stores; all of them without.")  # fmt: skip
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 500}, description="Rows a page; 100.")
CURSOR = OpenApiParameter("cursor", {"type": "integer", "minimum": 0}, description="From `next` of the page before.")
ATOMIC = OpenApiParameter("atomic", bool, description="All rows or none: one bad row and nothing is kept.")
DRY_RUN = OpenApiParameter("dry_run", bool, description="Check and report; write nothing.")
MOMENT = {"type": "string", "format": "date-time"}


def _cells(columns: Iterable[Column]) -> dict[str, Any]:
    """Columns as JSON. Numbers may be written as texts; a text that is no number is the row's error, not the schema's."""
    return {
        column.name: {
            "oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}],
            "nullable": True, "description": column.about, "example": column.example,
        }
        for column in columns
    }  # fmt: skip


def _rows(sheet: Sheet) -> dict[str, Any]:
    """The JSON body of a feed."""
    row = {
        "type": "object", "properties": _cells(sheet.columns), "required": sheet.required, "additionalProperties": False,
    }  # fmt: skip
    return {
        "type": "object",
        "properties": {sheet.name: {"type": "array", "items": row, "minItems": 1, "maxItems": 1000}},
        "required": [sheet.name],
        "additionalProperties": False,
    }


def _page(shape: type[serializers.Serializer[Any]], **more: serializers.Field[Any, Any, Any, Any]) -> Any:
    """The shape of a page of `shape`."""
    return inline_serializer(
        f"{shape.__name__.removesuffix('Shape')}Page",
        {"items": shape(many=True), **more, "next": serializers.CharField(allow_null=True, help_text="The next page.")},
    )


def feed(sheet: Sheet) -> dict[str, Any]:
    """Arguments of `extend_schema` for a POST that takes rows of `sheet`."""
    groups = "".join(f"\n- exactly one of {', '.join(group)}" for group in sheet.one_of)
    example = {sheet.name: [_example(sheet)]}
    return {
        "summary": f"Send {sheet.name}",
        "description": (
            f"Up to 1,000 rows of {sheet.name}. Good rows are kept, bad ones come back with row, column, value, code and "
            "message. The same rows again change nothing." + (f"\n\nEach row fills:{groups}" if groups else "")
        ),
        "request": {
            "application/json": _rows(sheet), "text/csv": {"type": "string"}, "application/jsonl": {"type": "string"},
        },
        "parameters": [DRY_RUN, ATOMIC, IDEMPOTENCY],
        "responses": {
            200: OpenApiResponse(ReportShape, description="Every row is in."),
            207: OpenApiResponse(
                ReportShape, description="Some rows were rejected; the good ones are kept, or with atomic none."
            ),
            **_problems(400, 401, 403, 409, 413, 415, 429),
        },
        "examples": [OpenApiExample("One row", value=example, request_only=True, media_type="application/json")],
    }  # fmt: skip


def _example(sheet: Sheet) -> dict[str, str]:
    """A row with every required column, and the pounds-and-inches one of each group."""
    chosen = {next(name for name in group if name.endswith(("_lb", "_in"))) for group in sheet.one_of}
    grouped = {name for group in sheet.one_of for name in group}
    return {
        column.name: column.example
        for column in sheet.columns
        if column.name in chosen or (column.name not in grouped and (column.required or not sheet.one_of))
    }


LIST_PACKAGES: dict[str, Any] = {
    "summary": "Packages, page by page",
    "parameters": [
        ANY_STORE,
        OpenApiParameter("state", str, enum=STATES),
        OpenApiParameter("reference", str),
        OpenApiParameter("changed_since", MOMENT, description="With its offset."),
        OpenApiParameter("due_before", MOMENT, description="Promised before; with its offset."),
        CURSOR,
        LIMIT,
    ],
    "responses": {200: _page(StandingShape), **_problems(400, 401, 403, 404, 429)},
}
ONE_PACKAGE: dict[str, Any] = {
    "summary": "How a package stands",
    "description": "State and version, and nothing about a person. ETag is the version.",
    "parameters": [STORE],
    "responses": {200: StandingShape, **_problems(400, 401, 403, 404, 429)},
}
CANCEL: dict[str, Any] = {
    "summary": "Cancel a package",
    "description": (
        "Until somebody has it in hand. An offer with it is taken back and planned anew; an associate who has claimed it is "
        "told and keeps the pay that was promised. Twice is once."
    ),
    "parameters": [STORE, IF_MATCH, IDEMPOTENCY],
    "request": {
        "application/json": {
            "type": "object", "additionalProperties": False,
            "properties": {"reason": {"type": "string", "maxLength": 200, "description": "For the store's audit trail."}},
        }
    },
    "responses": {200: StandingShape, **_problems(400, 401, 403, 404, 409, 412, 413, 415, 429)},
}  # fmt: skip
TRACKING_LINK: dict[str, Any] = {
    "summary": "A customer's private link",
    "description": "Each call makes a new one; only its hash is kept here, so none is shown twice.",
    "parameters": [STORE],
    "request": None,
    "responses": {201: LinkShape, **_problems(400, 401, 403, 404, 413, 415, 429)},
}
ELIGIBILITY: dict[str, Any] = {
    "summary": "Could an associate take this?",
    "description": (
        "By the rules of the store and the package alone: size, weight, place, time. Writes nothing, and depends on nobody's "
        "plans. Reasons: store_not_offering, other_state, unknown_place, beyond_radius, zip_precision, too_heavy, "
        "promise_past, too_soon, after_cutoff."
    ),
    "request": {
        "application/json": {
            "type": "object", "properties": _cells(QUESTION.columns), "required": ["store", "deliver_by"],
            "additionalProperties": False,
        }
    },
    "examples": [
        OpenApiExample(
            "By its pin", request_only=True,
            value={
                "store": 3520, "lat": 40.67021, "lon": -74.11594, "weight_lb": 3.2, "length_in": 12, "width_in": 9,
                "height_in": 4, "deliver_by": "2026-11-24T21:00",
            },
        )
    ],
    "responses": {200: EligibilityShape, **_problems(400, 401, 403, 413, 415, 429)},
}  # fmt: skip
_KIND = OpenApiParameter("kind", str, enum=IMPORT_KINDS, required=True, description="What the rows are.")
START_IMPORT: dict[str, Any] = {
    "summary": "Send a file",
    "description": (
        "Up to 100,000 rows or 60 MB, CSV or JSON lines, as it is or gzipped. Taken in in the background, batch by batch; "
        "the answer's Location says how far it is. The key needs the kind's own scope."
    ),
    "parameters": [_KIND, DRY_RUN, ATOMIC, IDEMPOTENCY],
    "request": {"text/csv": {"type": "string"}, "application/jsonl": {"type": "string"}},
    "responses": {202: ImportShape, **_problems(400, 401, 403, 409, 413, 415, 429)},
}
LIST_IMPORTS: dict[str, Any] = {
    "summary": "The key's latest imports",
    "responses": {200: _page(ImportShape), **_problems(400, 401, 403, 429)},
}
ONE_IMPORT: dict[str, Any] = {
    "summary": "How far an import is",
    "parameters": [OpenApiParameter("import_id", {"type": "string", "format": "uuid"}, "path")],
    "responses": {200: ImportShape, **_problems(400, 401, 403, 404, 429)},
}
IMPORT_ROWS: dict[str, Any] = {
    "summary": "An import's rows that somebody has to look at",
    "parameters": [
        OpenApiParameter("import_id", {"type": "string", "format": "uuid"}, "path"),
        OpenApiParameter("outcome", str, enum=ImportRow.Outcome.values),
        CURSOR,
        LIMIT,
    ],
    "responses": {200: _page(ImportRowShape), **_problems(400, 401, 403, 404, 429)},
}
EVENTS: dict[str, Any] = {
    "summary": "A store's events",
    "description": (
        "Oldest first, after `cursor`. Whoever asks again with the answer's `cursor` misses nothing and sees nothing twice. "
        "Offers are not in it: what associates want is theirs."
    ),
    "parameters": [STORE, CURSOR, LIMIT],
    "responses": {
        200: _page(EventShape, cursor=serializers.CharField(help_text="To ask again with.")),
        **_problems(400, 401, 403, 404, 429),
    },
}
TRIPS: dict[str, Any] = {
    "summary": "Trips, page by page",
    "parameters": [
        ANY_STORE,
        OpenApiParameter("state", str, enum=TRIP_STATES),
        OpenApiParameter("ended_since", MOMENT, description="With its offset."),
        CURSOR,
        LIMIT,
    ],
    "responses": {200: _page(TripShape), **_problems(400, 401, 403, 404, 429)},
}
ONE_TRIP: dict[str, Any] = {
    "summary": "One trip",
    "parameters": [OpenApiParameter("trip_id", {"type": "integer", "minimum": 0}, "path")],
    "responses": {200: TripShape, **_problems(400, 401, 403, 404, 429)},
}
PAYROLL: dict[str, Any] = {
    "summary": "A store's pay as CSV",
    "description": (
        "Whole evenings that are over, a row a ledger line; signed in Homeward-Signature. Homeward-Approved says whether "
        "somebody has approved all of it. See docs/pay.md."
    ),
    "parameters": [
        STORE,
        OpenApiParameter("from", {"type": "string", "format": "date"}, required=True, description="The first evening."),
        OpenApiParameter("to", {"type": "string", "format": "date"}, required=True, description="The last, in it."),
        OpenApiParameter(
            "approved", enum=["true", "false"], description="true: 409 unless all of these evenings are approved."
        ),
    ],
    "responses": {(200, "text/csv"): {"type": "string"}, **_problems(400, 401, 403, 404, 409, 429)},
}
_WEBHOOK = OpenApiParameter("webhook_id", {"type": "integer", "minimum": 0}, "path")
_OUTCOME = ["waiting", "delivered", "given_up"]
LIST_WEBHOOKS: dict[str, Any] = {
    "summary": "The key's webhooks",
    "parameters": [CURSOR, LIMIT],
    "responses": {200: _page(WebhookShape), **_problems(400, 401, 403, 429)},
}
MAKE_WEBHOOK: dict[str, Any] = {
    "summary": "Set up a webhook",
    "description": (
        "From now on every event of the key's stores is sent there, signed by the Standard Webhooks specification, in the "
        "order of each package's versions, and again for three days until it is answered with 2xx. Redirects are not "
        "followed; private addresses are refused."
    ),
    "request": {
        "application/json": {
            "type": "object", "additionalProperties": False, "required": ["url"],
            "properties": {"url": {"type": "string", "maxLength": 500, "example": "https://orders.example.com/homeward"}},
        }
    },
    "responses": {201: WebhookShape, **_problems(400, 401, 403, 409, 413, 415, 429)},
}  # fmt: skip
ONE_WEBHOOK: dict[str, Any] = {
    "summary": "One webhook",
    "parameters": [_WEBHOOK],
    "responses": {200: WebhookShape, **_problems(400, 401, 403, 404, 429)},
}
DELETE_WEBHOOK: dict[str, Any] = {
    "summary": "Send nothing there any more",
    "parameters": [_WEBHOOK],
    "responses": {204: None, **_problems(400, 401, 403, 404, 429)},
}
ROTATE_WEBHOOK: dict[str, Any] = {
    "summary": "A new secret",
    "description": "Both sign for a week: a receiver that accepts either changes over in its own time.",
    "parameters": [_WEBHOOK],
    "request": None,
    "responses": {200: WebhookShape, **_problems(400, 401, 403, 404, 413, 415, 429)},
}
REPLAY_WEBHOOK: dict[str, Any] = {
    "summary": "Send events again",
    "description": "Those that happened since a moment, or with one outcome, or all that are in the log (thirty days).",
    "parameters": [_WEBHOOK],
    "request": {
        "application/json": {
            "type": "object", "additionalProperties": False,
            "properties": {"since": MOMENT, "outcome": {"type": "string", "enum": _OUTCOME}},
        }
    },
    "responses": {200: ReplayShape, **_problems(400, 401, 403, 404, 413, 415, 429)},
}  # fmt: skip
WEBHOOK_LOG: dict[str, Any] = {
    "summary": "What was sent",
    "parameters": [_WEBHOOK, OpenApiParameter("outcome", str, enum=_OUTCOME), CURSOR, LIMIT],
    "responses": {200: _page(WebhookDeliveryShape), **_problems(400, 401, 403, 404, 429)},
}

THIS_KEY: dict[str, Any] = {
    "summary": "What this key is",
    "description": "Its stores, scopes and secrets; the first thing to ask when something is refused.",
    "responses": {200: KeyShape, **_problems(401, 429)},
}
