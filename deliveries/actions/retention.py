"""What is forgotten of a customer, and when. Each call does one store's share; a repeat finds what is left.

When a delivery is over: the gate code and the chat. A day later: the browsers that wanted news. Thirty days later: name,
addresses, place, instructions, proofs with their photos, links and messages. What stays says that a package was brought,
when and by whom, because pay and custody hang on it; it leads to no door.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from deliveries import controls
from deliveries.models import (
    ChatMessage,
    DeliveryException,
    FirstPin,
    GateCode,
    Notice,
    Offer,
    Package,
    Proof,
    PushSubscription,
    Stop,
    TrackingLink,
    Transfer,
)
from deliveries.states import ENDED
from stores.models import Store

CAN_BE_UNDONE = timedelta(minutes=5)  # longer than a drop-off can be taken back
MOST_A_TURN = 500
GONE = "(deleted)"


def due(now: datetime) -> Q:
    """Packages whose customer is to be forgotten at `now`: over for long, and nobody is looking for them."""
    looked_for = DeliveryException.objects.filter(
        package=OuterRef("pk"), reason=DeliveryException.Reason.NOT_RECEIVED, resolved_at=None
    )
    over = Q(state__in=sorted(ENDED), state_since__lte=now - controls.GONE_AFTER, forgotten_at=None)
    return over & Q(~Exists(looked_for))


def _done(now: datetime) -> Q:
    """Of a row that hangs on a package: nobody will bring that one any more."""
    return ~Q(package__state__in=controls.MAY_STILL_COME) & Q(package__state_since__lte=now - CAN_BE_UNDONE)


def codes_and_chats(now: datetime) -> tuple[QuerySet[GateCode], QuerySet[ChatMessage]]:
    """Those that are of no use any more. A chat is over with the drive, though the package may come another day."""
    talked = ~Q(package__state__in=controls.TALKING) & Q(package__state_since__lte=now - CAN_BE_UNDONE)
    return GateCode.objects.filter(_done(now)), ChatMessage.objects.filter(talked)


@transaction.atomic
def forget_what_is_done(*, store: Store, now: datetime) -> int:
    """Delete the codes, chats and browsers of this store's finished deliveries; returns how many rows went."""
    browsers = PushSubscription.objects.filter(
        package__state__in=sorted(ENDED), package__state_since__lte=now - controls.BRIEF_AFTER
    )
    rows: tuple[QuerySet[GateCode] | QuerySet[ChatMessage] | QuerySet[PushSubscription], ...]
    rows = (*codes_and_chats(now), browsers)
    return sum(each.filter(package__store=store).delete()[0] for each in rows)


def forget_customers(*, store: Store, now: datetime) -> int:
    """Forget who got the packages of this store that are due, some hundreds a call; returns how many packages."""
    mine = Package.objects.filter(due(now), store=store).order_by("pk")
    ids = list(mine.values_list("pk", flat=True)[:MOST_A_TURN])
    # Pictures first: if we die here the rows still name them, and deleting one that is gone is no error.
    for name in Proof.objects.filter(package__in=ids).exclude(photo="").values_list("photo", flat=True):
        default_storage.delete(name)
    return _forget(store, ids, now) if ids else 0


@transaction.atomic
def _forget(store: Store, ids: list[int], now: datetime) -> int:
    Package.objects.for_update(ids)
    still = Package.objects.filter(due(now), pk__in=ids)
    ids = list(still.values_list("pk", flat=True))
    for model in (Proof, FirstPin, GateCode, ChatMessage, PushSubscription, Notice, TrackingLink):
        model._default_manager.filter(package__in=ids).delete()
    DeliveryException.objects.filter(package__in=ids).update(note="")
    Offer.objects.filter(claims__package__in=ids).update(stops=[])
    Transfer.objects.filter(packages__in=ids).update(stops=[])
    still.update(
        recipient="", phone="", email="", address1=GONE, address2="", city="", zip="", instructions="", safe_place="",
        lat=store.lat, lon=store.lon, fingerprint="", forgotten_at=now,
    )  # fmt: skip
    # A door that some other package of the trip still names is kept until that one is forgotten, too.
    named = Package.objects.filter(claims__stop=OuterRef("pk"), forgotten_at=None)
    Stop.objects.filter(~Exists(named), claims__package__in=ids).update(lat=store.lat, lon=store.lon)
    return len(ids)
