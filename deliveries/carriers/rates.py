"""What a store's carrier charges by the store's own table of rates.

Who is believed, first to last: the carrier itself, where it has an API and answers; the table, because it is what this
store and this carrier agreed, with dates; the retailer's `carrier_usd`, which was written before anybody knew who comes. A
store without a table works by the retailer's figure alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import structlog

from deliveries.models import Carrier, CarrierRate, Package
from stores.models import Store

from .service import NotNow, service_of

log = structlog.get_logger(__name__)


def asked(store: Store, packages: Sequence[Package]) -> dict[int, int]:
    """What the store's carrier itself says it charges, in cents by package id; nothing when it does not answer. Slow: it
    may ask over the network, so no transaction is to be open."""
    carrier = Carrier.objects.filter(store=store, active=True).first()
    try:
        return service_of(carrier).rates(packages) if carrier else {}
    except NotNow as failure:
        log.warning("carriers.no_rates", carrier=carrier.pk if carrier else None, error=failure.code)
        return {}


def listed(packages: Sequence[Package], *, now: datetime) -> list[int | None]:
    """The table's price of each on its store's day of `now`, in cents; None where the table says nothing. One query."""
    table: dict[int, list[CarrierRate]] = defaultdict(list)
    stores = {package.store_id for package in packages}
    rows = CarrierRate.objects.filter(carrier__store__in=stores, carrier__active=True).select_related("carrier__store")
    for rate in rows:
        table[rate.carrier.store_id].append(rate)
    found: list[int | None] = []
    for package in packages:
        lines = table.get(package.store_id, [])
        day = lines[0].carrier.store.evening(now) if lines else None
        found.append(
            next((rate.cents for rate in lines if day and rate.holds(day, package.zip, package.weight_g)), None)
        )
    return found


def price(packages: Sequence[Package], *, now: datetime) -> None:
    """Set the price that plans and reports go by, of packages not saved yet. What the retailer said is kept beside it."""
    for package, cents in zip(packages, listed(packages, now=now), strict=True):
        if cents is not None:
            package.carrier_said_cents, package.carrier_cents = package.carrier_cents, cents
