"""Errors as application/problem+json (RFC 9457), whatever raised them."""

from __future__ import annotations

from http import HTTPStatus
from types import NoneType
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from stores.feeds.report import FileFault

MEDIA_TYPE = "application/problem+json"
# RFC 9110, 15.5.14: the request is larger than we take. Every other fault of a file is a 400.
_TOO_MUCH = {"too_large", "too_many_rows"}


class BadFile(exceptions.APIException):
    """A body that cannot be read as a whole; nothing of it was written."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.message, fault.code)
        self.status_code = 413 if fault.code in _TOO_MUCH else 400
        self.where = fault.where


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer to `exc`, as a problem document; None lets Django answer."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(*exc.args)
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied(*exc.args)
    response = exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    response.data = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "code": _code(exc),
        "detail": _detail(exc),
        **getattr(exc, "where", {}),
    }
    # The page of the documentation answers in HTML; its errors stay what its renderer makes of them.
    if isinstance(getattr(context.get("request"), "accepted_renderer", None), JSONRenderer | NoneType):
        response.content_type = MEDIA_TYPE
    return response


def _code(exc: exceptions.APIException) -> str:
    code = getattr(exc.detail, "code", None)
    return str(code) if code else exc.default_code


def _detail(exc: exceptions.APIException) -> str:
    """One sentence; DRF's lists and dicts of details come from serializers' validation, which the API does not use."""
    return str(exc.detail)
