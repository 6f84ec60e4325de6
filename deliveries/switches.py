"""Whether a kind of work is switched off, here or everywhere: the one place that is asked before work begins.

Messages  asked by `notices.due`: what customers and associates are owed waits. Codes, and what the store's own staff must
          hear, go out.
Offers    asked by rounds, the open board, and claims: no new promise is made. What is claimed goes on and is paid.
Carrier   asked by `carriers.tender`, and before a carrier's API is told.

They are turned by `actions/switching.py`.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from deliveries.models import Halt
from stores.models import Store

What = Halt.What


def open_in(store_id: int) -> QuerySet[Halt]:
    """What stands still in this store now, by its own switch or by the one for all."""
    return Halt.objects.filter(Q(store=None) | Q(store=store_id), on_at=None)


def off(what: str, store_id: int) -> bool:
    """Whether `what` stands still in this store now."""
    return open_in(store_id).filter(what=what).exists()


def offers_go_out(store: Store) -> bool:
    """Whether new offers are made in this store: by its stage, and by the switches."""
    return store.offers_work and not off(What.OFFERS, store.pk)


def standing(what: str) -> Exists:
    """The same as a condition on rows with a `store`."""
    return Exists(Halt.objects.filter(Q(store=None) | Q(store=OuterRef("store")), what=what, on_at=None))


def stood(what: str, store_id: int, since: datetime, until: datetime) -> bool:
    """Whether `what` stood still in this store at any moment between the two."""
    here = Halt.objects.filter(Q(store=None) | Q(store=store_id), what=what, off_at__lt=until)
    return here.filter(Q(on_at=None) | Q(on_at__gt=since)).exists()
