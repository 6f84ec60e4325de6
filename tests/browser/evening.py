"""A store where it is evening right now: the web process has the real clock, so the store's zone is chosen to fit it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from deliveries.models import Package
from stores.models import Store
from tests import make

FIVE_PM = 17


def store(**fields: Any) -> Store:
    """A pilot store whose clock shows five in the afternoon."""
    east = (FIVE_PM - datetime.now(UTC).hour + 11) % 24 - 11  # -11 to 12 hours
    zone = f"Etc/GMT{-east:+d}" if east else "Etc/GMT"  # these names count hours west of Greenwich
    return make.store(time_zone=zone, phone="201-555-0100", **fields)


def packages(store: Store, number: int = 3, **fields: Any) -> list[Package]:
    now = datetime.now(UTC)
    return [make.package(store, now=now, deliver_by=now + timedelta(hours=4), **fields) for _ in range(number)]
