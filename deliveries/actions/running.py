"""How a store runs: its stage, and tonight's carrier cut-off. Each change is a StoreEvent with who, when and why."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from deliveries import live
from deliveries.actors import Actor
from deliveries.models import Offer, StopRule, StoreEvent
from deliveries.models.stop_rule import DEFAULT_RULES
from deliveries.states import OfferState
from stores.models import Store

from . import Refused, offers


class WhyMissing(Refused):
    code = "why_missing"
    sentence = _("Say why. It is kept with the change, for everybody who asks later.")


class CutoffTooLate(Refused):
    code = "cutoff_too_late"
    sentence = _("Choose a time that is still to come, at most three hours after the usual cut-off.")


LATEST_CUTOFF = timedelta(hours=3)


@transaction.atomic
def set_stage(*, store: Store, stage: str, by: Actor, now: datetime, reason: str) -> Store:
    """Move the store to another stage; the same one again changes nothing.

    A pilot begins with the usual stop rules. In a stage without offers, those that are open are withdrawn at once: the
    store's doing, nobody's fault. What is claimed goes on and is paid. Raises WhyMissing.
    """
    why = " ".join(reason.split())[:280]
    if not why:
        raise WhyMissing
    locked = Store.objects.select_for_update().get(pk=store.pk)
    if locked.stage == stage:
        return locked
    before, locked.stage = locked.stage, Store.Stage(stage)
    locked.save(update_fields=["stage"])
    _write(locked, StoreEvent.Verb.SET_STAGE, before, locked.stage, by=by, now=now, reason=why)
    if locked.stage == Store.Stage.PILOT and not StopRule.objects.filter(store=locked).exists():
        StopRule.objects.bulk_create(
            [
                StopRule(store=locked, kind=kind, limit=limit, least=least)
                for kind, (limit, least) in DEFAULT_RULES.items()
            ]
        )
    if not locked.offers_work:
        for offer in Offer.objects.filter(store=locked, state=OfferState.SENT).order_by("associate_id"):
            offers.withdraw(offer=offer, by=by, now=now, reason=why)
    return locked


def pause(*, store: Store, by: Actor, now: datetime, reason: str) -> Store:
    """No more offers from this store. Everything unclaimed goes to the carrier at the cut-off."""
    return set_stage(store=store, stage=Store.Stage.PAUSED, by=by, now=now, reason=reason)


@transaction.atomic
def move_cutoff(*, store: Store, to: time, by: Actor, now: datetime, reason: str) -> Store:
    """The carrier comes at another time this evening. The usual cut-off is back tomorrow.

    Raises WhyMissing, CutoffTooLate.
    """
    why = " ".join(reason.split())[:280]
    if not why:
        raise WhyMissing
    locked = Store.objects.select_for_update().get(pk=store.pk)
    evening = locked.evening(now)
    before = locked.cutoff(evening)
    locked.cutoff_moved_on = None
    usual = locked.cutoff(evening)
    locked.cutoff_moved_on, locked.cutoff_moved_to = evening, to
    if not now < locked.cutoff(evening) <= usual + LATEST_CUTOFF:
        raise CutoffTooLate
    locked.save(update_fields=["cutoff_moved_on", "cutoff_moved_to"])
    clock = f"{evening} {locked.local(before):%H:%M}", f"{evening} {to:%H:%M}"
    _write(locked, StoreEvent.Verb.MOVE_CUTOFF, *clock, by=by, now=now, reason=why)
    return locked


def _write(store: Store, verb: str, before: str, after: str, *, by: Actor, now: datetime, reason: str) -> None:
    StoreEvent.objects.create(
        store=store, verb=verb, before=before, after=after, at=now, by_kind=by.kind, by_user_id=by.user_id,
        by_name=by.name, reason=reason,
    )  # fmt: skip
    store_id = store.pk
    transaction.on_commit(lambda: live.nudge_store(store_id), robust=True)
