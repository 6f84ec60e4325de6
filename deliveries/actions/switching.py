"""Switching a kind of work off and on: in one store, or everywhere. Each turn says who, when and why; see `switches.py`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from deliveries import live
from deliveries.actors import Actor
from deliveries.models import Halt
from stores.models import Store

from .running import WhyMissing


@transaction.atomic
def switch_off(*, what: str, store: Store | None, by: Actor, now: datetime, reason: str) -> Halt:
    """Let `what` stand still in `store`, everywhere for None. Off already, it stays as it is. Raises WhyMissing."""
    # The open row is unique: who comes at the same time finds the first one's.
    row = Halt(
        what=Halt.What(what), store=store, off_at=now, off_kind=by.kind, off_user_id=by.user_id, off_name=by.name,
        off_reason=_why(reason),
    )  # fmt: skip
    Halt.objects.bulk_create([row], ignore_conflicts=True)
    _look_again(store)
    return Halt.objects.get(what=what, store=store, on_at=None)


@transaction.atomic
def switch_on(*, what: str, store: Store | None, by: Actor, now: datetime, reason: str) -> None:
    """Let it go on. On already, nothing changes; what is off everywhere stays off in a store. Raises WhyMissing.

    Packages wait in their states and are found by the next round or cut-off. Messages: `notices.sending` says which of
    those that waited still go out.
    """
    Halt.objects.filter(what=Halt.What(what), store=store, on_at=None).update(
        on_at=now, on_kind=by.kind, on_user_id=by.user_id, on_name=by.name, on_reason=_why(reason)
    )
    _look_again(store)


def _why(reason: str) -> str:
    why = " ".join(reason.split())[:280]
    if not why:
        raise WhyMissing
    return why


def _look_again(store: Store | None) -> None:
    """The store's boards show it at once. For all stores they find out within a minute, by themselves."""
    if store is not None:
        store_id = store.pk
        transaction.on_commit(lambda: live.nudge_store(store_id), robust=True)
