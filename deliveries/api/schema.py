"""What OpenAPI says of the API. The rows' columns come from the same tables as their validation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from deliveries.models import Package
from stores.feeds.sheets import Sheet
from stores.models import ApiScope


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "deliveries.api.keys.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A key made by `manage.py make_api_key`."}


class RowFaultShape(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="CSV: the header is row 1. JSON: the first object is row 1.")
    column = serializers.CharField(allow_blank=True)
    value = serializers.CharField(allow_blank=True, help_text="What the cell held, shortened.")
    code = serializers.CharField()
    message = serializers.CharField(help_text="What is wrong and how to mend it.")


class ReportShape(serializers.Serializer[Any]):
    """read = accepted + unchanged + rejected, always."""

    read = serializers.IntegerField()
    accepted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    dry_run = serializers.BooleanField()
    errors = RowFaultShape(many=True)  # type: ignore[assignment]
    warnings = RowFaultShape(many=True)


class ProblemShape(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="For programs; docs/integration.md lists them.")
    detail = serializers.CharField()
    row = serializers.IntegerField(required=False)
    column = serializers.CharField(required=False)
    byte = serializers.IntegerField(required=False)


class PackageStanding(serializers.ModelSerializer[Package]):
    store = serializers.IntegerField(source="store.number")
    state = serializers.CharField()

    class Meta:
        model = Package
        fields = ("store", "reference", "label", "state", "version", "state_since", "deliver_by", "associate_ok")
        read_only_fields = fields


class SecretShape(serializers.Serializer[Any]):
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_on = serializers.DateField(allow_null=True)


class KeyShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    stores = serializers.ListField(child=serializers.IntegerField(), help_text="Numbers of the stores it works for.")
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiScope.choices))
    per_minute = serializers.IntegerField(help_text="Requests it may make in a minute.")
    secrets = SecretShape(many=True)


def _problems(*statuses: int) -> dict[tuple[int, str], Any]:
    said = {
        400: "The body cannot be read; nothing was written.",
        401: "No key, or one that is unknown, expired or revoked.",
        403: "The key lacks the scope.",
        404: "Not here, or not yours to see.",
        413: "Too many rows or bytes; nothing was written.",
        415: "Neither application/json nor text/csv in UTF-8.",
        429: "Too many requests; Retry-After says when to go on.",
    }
    return {
        (status, "application/problem+json"): OpenApiResponse(ProblemShape, description=said[status])
        for status in statuses
    }


def _rows(sheet: Sheet) -> dict[str, Any]:
    """The JSON body of a feed. Numbers may be written as texts; a text that is no number is the row's error, not ours."""
    properties = {
        column.name: {
            "oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}],
            "nullable": True, "description": column.about, "example": column.example,
        }
        for column in sheet.columns
    }  # fmt: skip
    row = {
        "type": "object", "properties": properties, "required": sheet.required, "additionalProperties": False,
    }  # fmt: skip
    return {
        "type": "object",
        "properties": {sheet.name: {"type": "array", "items": row, "minItems": 1, "maxItems": 1000}},
        "required": [sheet.name],
        "additionalProperties": False,
    }


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
        "request": {"application/json": _rows(sheet), "text/csv": {"type": "string"}},
        "parameters": [
            OpenApiParameter("dry_run", bool, description="Check and report; write nothing.", required=False)
        ],
        "responses": {
            200: OpenApiResponse(ReportShape, description="Every row is in."),
            207: OpenApiResponse(ReportShape, description="Some rows were rejected; the good ones are kept."),
            **_problems(400, 401, 403, 413, 415, 429),
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


ONE_PACKAGE: dict[str, Any] = {
    "summary": "How a package stands",
    "description": "State and version, and nothing about a person.",
    "parameters": [OpenApiParameter("store", int, required=True, description="The store's number.")],
    "responses": {200: PackageStanding, **_problems(400, 401, 403, 404, 429)},
}

THIS_KEY: dict[str, Any] = {
    "summary": "What this key is",
    "description": "Its stores, scopes and secrets; the first thing to ask when something is refused.",
    "responses": {200: KeyShape, **_problems(401, 429)},
}
