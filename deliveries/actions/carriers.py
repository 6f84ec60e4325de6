"""What nobody claimed goes to the carrier, in time. A package is never with both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from deliveries import switches, waking, webhooks
from deliveries.actors import Actor
from deliveries.carriers import Label, rates
from deliveries.models import Carrier, Manifest, Package, Tender
from deliveries.states import MOVES
from stores.models import Store

from . import Refused
from .moves import move

# A claim older than this is a dead process's. After a failure so long, then twice that, and so on.
LEASE = timedelta(minutes=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=30)


class NoCarrier(Refused):
    code = "no_carrier"
    sentence = _("This store has no active carrier. Add one under Carriers, then try again.")


class HandOffsStopped(Refused):
    code = "hand_offs_stopped"
    sentence = _(
        "Hand-offs to the carrier are switched off. Ask a lead to switch them on under Switches, then try again."
    )


@transaction.atomic
def tender(
    *,
    store: Store,
    packages: Sequence[Package],
    by: Actor,
    now: datetime,
    reason: str,
    answered: Mapping[int, int] | None = None,
) -> Manifest | None:
    """Hand those of `packages` that are in the store's hands to its carrier, on one manifest; None when none is.

    Packages offered, claimed or on the road are left alone. `answered`: what the carrier said it charges, in cents by
    package id, asked before, because that is slow; what is missing costs what the store's table or else the retailer
    said. Raises NoCarrier, HandOffsStopped.
    """
    locked = Package.objects.for_update([package.pk for package in packages])
    ours = [p for p in locked if p.state in MOVES["tender"].sources and p.store_id == store.pk]
    if not ours:
        return None
    if switches.off(switches.What.CARRIER, store.pk):
        raise HandOffsStopped
    carrier = Carrier.objects.filter(store=store, active=True).first()
    if carrier is None:
        raise NoCarrier
    by_file = carrier.kind == Carrier.Kind.FILE
    manifest = Manifest.objects.create(
        store=store, carrier=carrier, made_at=now, evening=store.evening(now), due_at=None if by_file else now
    )
    Tender.objects.bulk_create(
        [
            Tender(manifest=manifest, package=package, cents=cents, reason=reason)
            for package, cents in zip(ours, _costs(ours, answered or {}, now), strict=True)
        ]
    )
    move(ours, "tender", by=by, now=now, reason=reason)
    if not by_file:
        transaction.on_commit(lambda: waking.wake("deliveries.announce_manifest", manifest.pk), robust=True)
    return manifest


def _costs(packages: Sequence[Package], answered: Mapping[int, int], now: datetime) -> list[int]:
    """What each costs: the carrier's own word before the store's table before the retailer's (`carriers/rates.py`)."""
    return [
        answered.get(package.pk, package.retailers_carrier_cents if cents is None else cents)
        for package, cents in zip(packages, rates.listed(packages, now=now), strict=True)
    ]


# --- A carrier with an API is told ------------------------------------------------------------------------------------------
def unannounced(now: datetime) -> QuerySet[Manifest]:
    """Manifests whose carrier is still to be told, or to be asked again."""
    return Manifest.objects.filter(~switches.standing(switches.What.CARRIER), announced_at=None, due_at__lte=now)


@transaction.atomic
def claim_announcement(*, manifest_id: int, now: datetime) -> Manifest | None:
    """Ours to tell the carrier, or None when somebody else is at it. Committed before the call."""
    found = unannounced(now).select_for_update(skip_locked=True).filter(pk=manifest_id).first()
    if found is None:
        return None
    Manifest.objects.filter(pk=found.pk).update(attempts=F("attempts") + 1, due_at=now + LEASE)
    return Manifest.objects.select_related("carrier", "store").get(pk=found.pk)


@transaction.atomic
def announced(*, manifest: Manifest, labels: Mapping[int, Label], now: datetime) -> None:
    """The carrier has it: its numbers and labels are kept. Twice is once."""
    locked = Manifest.objects.select_for_update().get(pk=manifest.pk)
    if locked.announced_at is not None:
        return
    tenders = list(locked.tenders.filter(package__in=labels))
    for each in tenders:
        label = labels[each.package_id]
        each.tracking, each.label, each.label_media = label.tracking, label.data or None, label.media
    Tender.objects.bulk_update(tenders, ["tracking", "label", "label_media"])
    locked.announced_at, locked.due_at, locked.error = now, None, ""
    locked.save(update_fields=["announced_at", "due_at", "error"])


@transaction.atomic
def not_announced(*, manifest: Manifest, error: str, now: datetime) -> None:
    """It did not work; staff see why on the manifest, whose CSV is there meanwhile. Tried again."""
    wait = min(FIRST_WAIT * 2 ** min(manifest.attempts - 1, 20), LONGEST_WAIT)
    Manifest.objects.filter(pk=manifest.pk, announced_at=None).update(error=error[:200], due_at=now + wait)


def seal_token(token: str) -> bytes:
    """A carrier's token as it is stored."""
    return webhooks.seal(token)
