"""A carrier with an API. POST {url}/rates asks what packages cost, POST {url}/labels orders them and brings their labels.

    /rates   {"packages": [{...}]}                     -> {"rates": [{"reference", "cents"}]}
    /labels  {"manifest", "evening", "packages": [...]} -> {"labels": [{"reference", "tracking", "label"?, "media"?}]}

`reference` is ours, store and label in one. The manifest's number goes as Idempotency-Key: an order that was taken and
whose answer was lost is not taken twice. What comes back is checked like everything from outside.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings

from deliveries import outbound, webhooks
from deliveries.models import Carrier, Manifest, Package

from .service import Label, NotNow

MOST_CENTS = 100_000
MOST_LABEL = 120_000  # bytes; a label of four by six inches has ten to fifty thousand
MEDIA = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG"}


class ByHttp:
    def __init__(self, carrier: Carrier) -> None:
        self._url = carrier.url.rstrip("/")
        self._token = webhooks.open_secret(carrier.token) if carrier.token else ""

    def rates(self, packages: Sequence[Package]) -> dict[int, int]:
        answer = self._ask("rates", {"packages": [_described(package) for package in packages]}, {})
        return _read(answer, "rates", packages, _cents)

    def announce(self, manifest: Manifest) -> dict[int, Label]:
        packages = [tender.package for tender in manifest.tenders.select_related("package__store").order_by("package")]
        body = {
            "manifest": str(manifest.pk),
            "evening": manifest.evening.isoformat(),
            "packages": [{**_described(package), **_addressed(package)} for package in packages],
        }
        answer = self._ask("labels", body, {"Idempotency-Key": f"manifest-{manifest.pk}"})
        labels = _read(answer, "labels", packages, _label)
        if missing := len(packages) - len(labels):
            raise NotNow(f"no label for {missing}")
        return labels

    def _ask(self, what: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}", **headers}
        try:
            answer = outbound.post(
                f"{self._url}/{what}", json.dumps(body).encode(), sent, local=settings.OUTBOUND_LOCAL,
                most_answer=64 * 1024 * 1024,
            )  # fmt: skip
        except (outbound.Refused, outbound.Unreachable) as failure:
            raise NotNow(failure.code) from None
        if not 200 <= answer.status < 300:
            raise NotNow(f"answered {answer.status}")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise NotNow("answer is not JSON") from None


def _reference(package: Package) -> str:
    return f"{package.store.number}-{package.label}"


def _described(package: Package) -> dict[str, Any]:
    return {
        "reference": _reference(package), "zip": package.zip, "weight_g": package.weight_g, "length_mm": package.length_mm,
        "width_mm": package.width_mm, "height_mm": package.height_mm, "value_cents": package.value_cents,
        "deliver_by": package.deliver_by.isoformat(),
    }  # fmt: skip


def _addressed(package: Package) -> dict[str, Any]:
    return {
        "recipient": package.recipient, "phone": package.phone, "address1": package.address1, "address2": package.address2,
        "city": package.city, "state": package.region, "instructions": package.instructions,
    }  # fmt: skip


def _read(
    answer: Any, name: str, packages: Sequence[Package], read: Callable[[Mapping[str, Any]], Any]
) -> dict[int, Any]:
    """The answer's rows by package id; rows of packages we did not ask about are nobody's."""
    rows = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise NotNow(f"answer has no {name}")
    ids = {_reference(package): package.pk for package in packages}
    return {
        ids[row["reference"]]: read(row)
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("reference"), str) and row["reference"] in ids
    }


def _cents(row: Mapping[str, Any]) -> int:
    cents = row.get("cents")
    if not isinstance(cents, int) or isinstance(cents, bool) or not 0 <= cents <= MOST_CENTS:
        raise NotNow("a rate is no amount of cents")
    return cents


def _label(row: Mapping[str, Any]) -> Label:
    tracking, data, media = row.get("tracking"), row.get("label") or "", row.get("media") or ""
    if not isinstance(tracking, str) or not (
        tracking.isascii() and tracking.isprintable() and 1 <= len(tracking) <= 60
    ):
        raise NotNow("a tracking number is none")
    try:
        image = base64.b64decode(data, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise NotNow("a label is not base64") from None
    if len(image) > MOST_LABEL or (image and not image.startswith(MEDIA.get(str(media), b"\0none"))):
        raise NotNow("a label is neither PDF nor PNG")
    return Label(tracking, image, str(media) if image else "")
