"""Errors as application/problem+json (RFC 9457)."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer to `exc`, as a problem document; None lets Django answer."""
    response = exception_handler(exc, context)
    if response is not None:
        response.data = {"type": "about:blank", "status": response.status_code, "detail": response.data}
        response.content_type = "application/problem+json"
    return response
