"""Errors as application/problem+json (RFC 9457), whatever raised them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from types import NoneType
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from stores.feeds.report import FileFault, RowFault
from stores.refused import Refused

MEDIA_TYPE = "application/problem+json"
# RFC 9110, 15.5.14: the request is larger than we take. Every other fault of a file is a 400.
_TOO_MUCH = {"too_large", "too_many_rows"}


class BadFile(exceptions.APIException):
    """A body that cannot be read as a whole; nothing of it was written."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.message, fault.code)
        self.status_code = 413 if fault.code in _TOO_MUCH else 400
        self.where = fault.where


class BadRow(exceptions.APIException):
    """One row's worth of faults, each with its column."""

    status_code = 400

    def __init__(self, faults: Sequence[RowFault]) -> None:
        first = faults[0]
        super().__init__(f"{first.column}: {first.message}" if first.column else first.message, first.code)
        self.where = {"errors": [asdict(fault) for fault in faults]}


class NotNow(exceptions.APIException):
    """A verb said no. Its code and its sentence are the problem's."""

    status_code = 409

    def __init__(self, refused: Refused) -> None:
        super().__init__(str(refused), refused.code)
        self.status_code = getattr(refused, "status", 409)


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer to `exc`, as a problem document; None lets Django answer."""
    response = answer(exc)
    # The page of the documentation answers in HTML; its errors stay what its renderer makes of them.
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    if response is not None and not isinstance(renderer, JSONRenderer | NoneType):
        response.content_type = None
    return response


def answer(exc: Exception) -> Response | None:
    """`exc` as a problem document, where it is one of ours or of DRF's."""
    if isinstance(exc, Http404):
        # Django's own words name our tables, and no way out. Not there and not yours read alike.
        exc = exceptions.NotFound(
            _("It is not there, or not this key's to see. GET /api/v1/key says which stores the key is for.")
        )
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied(*exc.args)
    elif isinstance(exc, Refused):
        exc = NotNow(exc)
    elif isinstance(exc, exceptions.NotAuthenticated):
        said = _("Send your key with every request, as “Authorization: Bearer homeward_…”.")
        exc.detail = exceptions.ErrorDetail(said, code=exc.default_code)  # it carries the header that asks for one
    response = exception_handler(exc, {})
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    response.data = document(response.status_code, _code(exc), _detail(exc), **getattr(exc, "where", {}))
    response.content_type = MEDIA_TYPE
    return response


def document(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    """The members of a problem, in the order people read them."""
    return {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail, **more,
    }  # fmt: skip


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what broke on our side is a problem document, too, for those who called the API."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    detail = _("Something broke on our side. Nothing half done was kept; send it again.")
    return JsonResponse(document(500, "server_error", detail), status=500, content_type=MEDIA_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404, likewise: some addresses match no route at all, such as one with a line break in a reference."""
    if not request.path.startswith("/api/"):
        return defaults.page_not_found(request, exception)
    detail = _("There is nothing at this address. See /api/v1/docs/.")
    return JsonResponse(document(404, "not_found", detail), status=404, content_type=MEDIA_TYPE)


def _code(exc: exceptions.APIException) -> str:
    code = getattr(exc.detail, "code", None)
    return str(code) if code else exc.default_code


def _detail(exc: exceptions.APIException) -> str:
    """One sentence; DRF's lists and dicts of details come from serializers' validation, which the API does not use."""
    return str(exc.detail)
