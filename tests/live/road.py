"""A trip on the road, made through the verbs: what most tests of the live page begin with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.utils import timezone

from associates.models import Associate
from deliveries import actors, links, quoting
from deliveries.actions import claims, dropoffs, handover, trips
from deliveries.models import Package, Trip
from stores.models import Store

from .. import make


@dataclass
class Road:
    store: Store
    ana: Associate
    trip: Trip
    packages: list[Package]  # in the order of their stops
    tokens: list[str]
    now: datetime

    def deliver(self, package: Package, *, photo: bytes | None = None, away_m: int = 0) -> None:
        dropoffs.deliver(
            package=package, by=self.ana, now=timezone.now(), key=uuid4(),
            photo=ContentFile(photo, "p.jpg") if photo else None,
            position=dropoffs.Position(package.point, 10 + away_m),
        )  # fmt: skip


def claimed(n: int = 3, *, now: datetime | None = None, **fields: Any) -> Road:
    """Ana's shift is over and she has claimed `n` packages from the board."""
    now = now or timezone.now()
    store = make.store(phone="+1 201 555 0100")
    ana = make.associate(store, limits={"max_packages": 20, "max_extra_minutes": 60})
    shift = make.shift(ana, ends_at=now - timedelta(minutes=20))
    packages = [make.package(store, now=now - timedelta(hours=2), **fields) for _ in range(n)]
    Package.objects.filter(store=store).update(deliver_by=now + timedelta(hours=4))
    packages = list(Package.objects.filter(store=store))
    planned = quoting.plan_trip(ana, shift, packages)
    trip = claims.claim(
        planned=planned, shown=planned.quote.digest, by=ana, now=now - timedelta(minutes=15), key=uuid4()
    )
    packages = [claim.package for claim in trip.claims.order_by("stop__position", "pk").select_related("package")]
    tokens = [links.issue(package=package, now=now) for package in packages]
    return Road(store, ana, trip, packages, tokens, now)


def loaded(n: int = 3, **fields: Any) -> Road:
    road = claimed(n, **fields)
    for package in road.packages:
        handover.load(
            trip=road.trip, label=package.label, by=actors.associate(road.ana.user_id),
            now=road.now - timedelta(minutes=12),
        )  # fmt: skip
    return road


def under_way(n: int = 3, **fields: Any) -> Road:
    road = loaded(n, **fields)
    road.trip = trips.depart(trip=road.trip, by=road.ana, now=road.now - timedelta(minutes=10))
    return road
