"""What nobody claimed goes to the carrier, in time. A package is never with both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from deliveries.actors import Actor
from deliveries.models import Carrier, Manifest, Package, Tender
from deliveries.states import MOVES
from stores.models import Store

from . import Refused
from .moves import move


class NoCarrier(Refused):
    code = "no_carrier"
    sentence = _("This store has no active carrier. Add one under Carriers, then try again.")


@transaction.atomic
def tender(*, store: Store, packages: Sequence[Package], by: Actor, now: datetime, reason: str) -> Manifest | None:
    """Hand those of `packages` that are in the store's hands to its carrier, on one manifest; None when none is.

    Packages offered, claimed or on the road are left alone. Raises NoCarrier.
    """
    locked = Package.objects.for_update([package.pk for package in packages])
    ours = [p for p in locked if p.state in MOVES["tender"].sources and p.store_id == store.pk]
    if not ours:
        return None
    carrier = Carrier.objects.filter(store=store, active=True).first()
    if carrier is None:
        raise NoCarrier
    manifest = Manifest.objects.create(store=store, carrier=carrier, made_at=now, evening=store.evening(now))
    Tender.objects.bulk_create(
        [Tender(manifest=manifest, package=package, cents=package.carrier_cents, reason=reason) for package in ours]
    )
    move(ours, "tender", by=by, now=now, reason=reason)
    return manifest
