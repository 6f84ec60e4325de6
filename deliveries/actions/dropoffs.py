"""Drop-off with proof, and its undo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from associates.models import Associate
from deliveries import actors, pins
from deliveries.models import Package, Proof, Trip
from deliveries.states import PackageState
from stores.places import Point, distance_m

from . import Refused
from .moves import WrongState, move
from .trips import UNDO, clamp, end_if_done, hide, reopen


class ProofNeeded(Refused):
    code = "proof_needed"
    sentence = _("Take a photo or allow your position, so that you can show later that you were here.")


class FarFromThePin(Refused):
    code = "far_from_the_pin"
    sentence = _("You seem to be away from the address. If this is right, say why and confirm again.")


class PinNeeded(Refused):
    code = "pin_needed"
    sentence = _("Ask for the PIN: the customer has it on the page that we sent them.")


class WrongPin(Refused):
    code = "wrong_pin"

    def __init__(self, left: int) -> None:
        said = ngettext(
            "That is not the PIN. %(left)d try is left; look at the customer’s page together.",
            "That is not the PIN. %(left)d tries are left; look at the customer’s page together.",
            left,
        )
        super().__init__(said % {"left": left})


class NoMoreTries(Refused):
    code = "no_more_tries"
    sentence = _(
        "The PIN was wrong too often. Take a photo and say why you leave it, or bring it back; the store looks at it."
    )


class UndoTooLate(Refused):
    code = "undo_too_late"
    sentence = _("A drop-off can be undone for 60 seconds. Call the store to put it right.")


@dataclass(frozen=True, slots=True)
class Position:
    """Where the phone says it is, and how well it knows, in metres."""

    point: Point
    accuracy_m: int


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """What was said about the PIN, where the package asks for one.

    `typed`: what the customer told. `later`: typed where there was no signal, so that nobody could say whether it is
    right. `reason`: why it is left without one, possible once the tries are used up.
    """

    typed: str = ""
    later: bool = False
    reason: str = ""


NOTHING_SAID = AtTheDoor()


def deliver(
    *,
    package: Package,
    by: Associate,
    now: datetime,
    key: UUID,
    photo: ContentFile[bytes] | None = None,
    position: Position | None = None,
    far_reason: str = "",
    happened_at: datetime | None = None,
    pin: AtTheDoor = NOTHING_SAID,
) -> Proof:
    """One package is at its door. The same `key` again returns the same proof.

    `photo` is already clean (`photos.clean`). Farther from the pin than the store allows, the phone's own uncertainty
    taken off, it needs `far_reason` and is marked. A wrong PIN counts as a try though nothing else comes of it.
    Raises ProofNeeded, FarFromThePin, PinNeeded, WrongPin, NoMoreTries, WrongState.
    """
    worth = _try_pin(package, pin, by, key)
    if isinstance(worth, Refused):
        raise worth
    return _deliver(
        package=package, by=by, now=now, key=key, photo=photo, position=position, far_reason=far_reason,
        happened_at=happened_at, pin=worth, pin_reason=pin.reason,
    )  # fmt: skip


@transaction.atomic
def _try_pin(package: Package, said: AtTheDoor, by: Associate, key: UUID) -> Proof.Pin | Refused:
    """What the PIN is worth. In a transaction of its own, and counted before anybody hears whether it was right: a
    refusal takes nothing back, and many at once are not more tries."""
    if not package.pin_required or Proof.objects.filter(key=key).exists():
        return Proof.Pin.NOT_ASKED  # or a repeat, and the proof there says what it was worth
    [locked] = Package.objects.for_update([package.pk])
    if locked.holder_id != by.pk:
        return WrongState()
    if not pins.tries_left(locked):
        return Proof.Pin.WITHOUT if said.reason.strip() else NoMoreTries()
    if not said.typed.strip():
        return PinNeeded()
    if pins.is_right(locked, said.typed):
        return Proof.Pin.RIGHT
    locked.pin_tries += 1
    locked.save(update_fields=["pin_tries"])
    if said.later:
        return Proof.Pin.WRONG
    left = pins.tries_left(locked)
    return WrongPin(left) if left else NoMoreTries()


@transaction.atomic
def _deliver(
    *,
    package: Package,
    by: Associate,
    now: datetime,
    key: UUID,
    photo: ContentFile[bytes] | None,
    position: Position | None,
    far_reason: str,
    happened_at: datetime | None,
    pin: Proof.Pin,
    pin_reason: str,
) -> Proof:
    person = Associate.objects.select_for_update().get(pk=by.pk)
    earlier = Proof.objects.filter(key=key, trip__associate=person).first()
    if earlier:
        return earlier
    [locked] = Package.objects.for_update([package.pk])
    if locked.holder_id != person.pk or locked.state != PackageState.OUT or locked.trip_id is None:
        raise WrongState
    trip = Trip.objects.select_for_update().select_related("store").get(pk=locked.trip_id)
    if photo is None and position is None and pin != Proof.Pin.RIGHT:
        raise ProofNeeded
    if photo is None and pin == Proof.Pin.WITHOUT:
        raise NoMoreTries
    away = max(0, round(distance_m(position.point, locked.point)) - position.accuracy_m) if position else None
    far = away is not None and away > trip.store.far_m
    if far and not far_reason.strip():
        raise FarFromThePin
    at = clamp(happened_at, trip.started_at, now)
    proof = Proof(
        package=locked, trip=trip, key=key, at=now, happened_at=at, far=far, far_reason=far_reason.strip()[:200],
        lat=position.point.lat if position else None, lon=position.point.lon if position else None,
        accuracy_m=position.accuracy_m if position else None, distance_m=away, pin=pin,
        pin_reason=pin_reason.strip()[:200] if pin == Proof.Pin.WITHOUT else "",
    )  # fmt: skip
    if photo is not None:
        proof.photo.name = default_storage.save(f"proofs/{trip.pk}/{key}.jpg", photo)
    proof.save()
    move([locked], "deliver", by=actors.associate(person.user_id), now=now, happened_at=at)
    end_if_done(trip, now=now, happened_at=at)
    return proof


@transaction.atomic
def undo(*, proof: Proof, by: Associate, now: datetime, happened_at: datetime | None = None) -> Package:
    """Take a drop-off back within a minute: the package is in the associate's hands again. Twice is once.

    `happened_at`: of a phone that tells it late; what counts is that it was done in time. Raises UndoTooLate, WrongState
    once the trip is settled.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    [locked] = Package.objects.for_update([proof.package_id])
    trip = Trip.objects.select_for_update().get(pk=proof.trip_id, associate=person)
    mine = Proof.objects.select_for_update().get(pk=proof.pk)
    if mine.undone_at is not None:
        return locked
    at = clamp(happened_at, mine.at, now)
    if at - mine.at > UNDO:
        raise UndoTooLate
    reopen(trip)
    mine.undone_at = now
    mine.save(update_fields=["undone_at"])
    hide(trip)
    move([locked], "undo_delivery", by=actors.associate(person.user_id), now=now, happened_at=at, holder=person)
    return locked
