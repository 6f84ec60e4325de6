"""Every address of the site, filled in with rows of a `world`. Made from the URL conf, so that new pages are in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import URLResolver

from associates.forms import FORMS
from associates.models import Consent
from deliveries.admin.verbs import VerbAdmin
from deliveries.models import (
    Dispute,
    Offer,
    Package,
    Proof,
    PushSubscription,
    Stop,
    Swap,
    Thanks,
    Transfer,
    Trip,
    Webhook,
)

PARAMETER = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<(?:\w+:)?(\w+)>")
MODEL = re.compile(r"^admin/(\w+)/(\w+)/")
MOST_OF_A_KIND = 2
# Rows of these are asked for by number in an address of ours.
NUMBERED: dict[str, type[Model]] = {
    "package_id": Package, "offer_id": Offer, "stop_id": Stop, "proof_id": Proof, "trip_id": Trip, "dispute_id": Dispute,
    "subscription_id": PushSubscription, "swap_id": Swap, "transfer_id": Transfer, "webhook_id": Webhook, "thanks_id": Thanks,
}  # fmt: skip
WORDS: dict[str, list[str]] = {
    "step": [*FORMS, "summary"],
    "kind": [*Consent.Kind.values, "late"],
    "language": ["en"],
    "day": ["2026-11-24"],
    "what": ["keep", "return", "test", "rotate", "end"],
    "way": ["up", "down"],
    "rest": ["nowhere"],
    "url": ["nowhere"],
    "uidb36": ["1"],
    "key": ["a-key"],
    "import_id": ["00000000-0000-4000-8000-000000000000"],
}


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    """Every route, with its parameters as they are written."""
    for each in (resolver or get_resolver()).url_patterns:
        route = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLPattern):
            yield route.removesuffix("$")
        else:
            yield from patterns(each, route)


def addresses(tokens: list[str]) -> dict[str, list[str]]:
    """Routes, each with the addresses to look at. Fails for a parameter that nobody taught this file."""
    return {
        route: [
            "/" + _filled(route, values)
            for values in itertools.product(*(_values(route, name, tokens) for name in _names(route)))
        ]
        for route in patterns()
    }


def _names(route: str) -> list[str]:
    return [one or other for one, other in PARAMETER.findall(route)]


def _filled(route: str, values: tuple[str, ...]) -> str:
    left = iter(values)
    return PARAMETER.sub(lambda _: next(left), route)


def _values(route: str, name: str, tokens: list[str]) -> list[str]:
    where = MODEL.match(route)
    model: Any = apps.get_model(*where.groups()) if where and where[1] != "r" else None
    if name in NUMBERED:
        return _rows(NUMBERED[name])
    if name in WORDS:
        return WORDS[name]
    if name in ("object_id", "pk", "id"):
        return _rows(model) if model else ["1"]
    if name == "name":
        page = admin.site._registry[model]
        assert isinstance(page, VerbAdmin)
        ids = "-".join(_rows(model)[:1])
        return [f"{verb}/?ids={ids}&" for verb in page.verbs]
    known = {
        "token": tokens,
        "reference": list(Package.objects.values_list("reference", flat=True)[:MOST_OF_A_KIND]),
        "content_type_id": [str(ContentType.objects.get_for_model(Package).pk)],
        "app_label": ["stores", "associates", "deliveries"],
    }
    assert name in known, f"{route}: say in tests/privacy/visits.py what may stand for “{name}”"
    return known[name]


def _rows(model: type[Model]) -> list[str]:
    """The newest and the oldest of them; a number that is not there where there are none."""
    keys = model._default_manager.order_by("pk").values_list("pk", flat=True)
    half = MOST_OF_A_KIND // 2
    chosen = sorted({*keys[:half], *keys.reverse()[:half]})
    return [str(key) for key in chosen] or ["1"]
