"""`Idempotency-Key`: the same write twice is one write, and the second is told what the first was told.

The answer is kept for two days (`tasks.forget`). While a call runs its process holds a lock, so a twin is told to come
back; a process that dies lets go of it, and the next one does the work, which the rows' own references make harmless.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries.models import ApiCall
from stores.alone import alone
from stores.models import ApiKey
from stores.refused import Refused

from . import problems

COME_BACK_S = 2
KEPT_HEADERS = ("Location", "ETag")


class OtherBody(APIException):
    status_code = 409
    default_code = "idempotency_key_reused"
    default_detail = _("This Idempotency-Key came with another request before. Use a new key for a new request.")


class StillRunning(APIException):
    status_code = 409
    default_code = "still_running"
    default_detail = _("The first request with this Idempotency-Key is still running. Ask again in a moment.")
    wait = COME_BACK_S  # becomes Retry-After


def once(request: Request, key: ApiKey, body: bytes, work: Callable[[], Response]) -> Response:
    """The answer of `work`, done once for an Idempotency-Key; done each time where the request has none.

    `body` is the request's body, or its digest. Raises OtherBody, StillRunning.
    """
    name = request.headers.get("Idempotency-Key")
    if name is None:
        return work()
    if not re.fullmatch(r"[!-~]{1,255}", name):
        raise ParseError(
            _("An Idempotency-Key is 1 to 255 printable characters of ASCII without spaces."), code="idempotency_key"
        )
    fingerprint = _fingerprint(request, body)
    with alone(f"api-call/{key.pk}/{name}") as mine:
        call, _fresh = ApiCall.objects.get_or_create(
            key=key, name=name, defaults={"fingerprint": fingerprint, "made_at": timezone.now()}
        )
        if bytes(call.fingerprint) != fingerprint:
            raise OtherBody
        if call.status is not None:
            return _again(call)
        if not mine:
            raise StillRunning
        try:
            response = work()
        except (APIException, Refused, Http404) as error:
            answer = problems.answer(error)
            if answer is None:
                raise
            response = answer
        if response.status_code < 500:
            _keep(call, response)
        return response


def _again(call: ApiCall) -> Response:
    headers = dict(call.headers)
    media = headers.pop("Content-Type", None)
    return Response(call.body, call.status, headers={**headers, "Idempotent-Replayed": "true"}, content_type=media)


def _fingerprint(request: Request, body: bytes) -> bytes:
    head = [request.method or "", request.get_full_path(), request.headers.get("Content-Type", ""),
            request.headers.get("If-Match", "")]  # fmt: skip
    return hashlib.sha256("\n".join(head).encode() + b"\n" + body).digest()


def _keep(call: ApiCall, response: Response) -> None:
    body = None if response.data is None else json.loads(JSONRenderer().render(response.data))
    headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    if response.content_type:
        headers["Content-Type"] = response.content_type
    ApiCall.objects.filter(pk=call.pk).update(status=response.status_code, body=body, headers=headers)
