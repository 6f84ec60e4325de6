"""Handing packages over to a colleague on the road: a code, a quote for who takes them, a confirmation by who gives - by
their phone, or where that has no signal by a second code that they show when the packages change hands.

The giver's trip keeps the promise it has; the taker's grows by what the packages add, or begins. Nobody is paid less
than what they were told.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Shift
from deliveries import actors, labels, live, pay
from deliveries.models import Claim, DeliveryException, Package, Transfer, Trip
from deliveries.quoting import PlannedStop, PlannedTrip
from deliveries.states import MOVES, TripState

from . import Refused
from .claims import add_stops, take_quote
from .handover import normal_label
from .moves import WrongState, move
from .trips import end_if_done, hide

LASTS = timedelta(minutes=15)


class NoTransfer(Refused):
    code = "no_transfer"
    sentence = _("No colleague of your store hands packages over with this code now. Ask for a new one.")


class TransferChanged(Refused):
    code = "transfer_changed"
    sentence = _("Something changed meanwhile. Start again with a new code; nothing has been handed over.")


class WrongSecondCode(Refused):
    code = "wrong_second_code"
    sentence = _(
        "That is not the second code. Your colleague finds it under the first, on the page that they show you."
    )


class CannotTake(Refused):
    code = "cannot_take"
    sentence = _(
        "You can take packages over on your own trip, or within two hours after your shift. Otherwise they go back to "
        "the store."
    )


@transaction.atomic
def begin(*, trip: Trip, packages: Sequence[Package], by: Associate, now: datetime) -> tuple[Transfer, str]:
    """Offer packages in hand to whoever types the code, which is returned and kept nowhere. One at a time: an older one ends.

    Raises WrongState.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    locked = Package.objects.for_update([package.pk for package in packages])
    mine = Trip.objects.select_for_update().get(pk=trip.pk, associate=person)
    may = MOVES["transfer"].sources
    if not locked or any(p.holder_id != person.pk or p.trip_id != mine.pk or p.state not in may for p in locked):
        raise WrongState
    Transfer.objects.filter(trip=mine, done_at=None, withdrawn_at=None).update(withdrawn_at=now)
    code = "".join(secrets.choice(labels.ALPHABET) for _turn in range(labels.LENGTH))
    made = Transfer.objects.create(
        trip=mine, giver=person, code_hash=_hash(code), made_at=now, expires_at=now + LASTS
    )  # fmt: skip
    made.packages.set(locked)
    return made, code


def open_one(trip: Trip, now: datetime) -> Transfer | None:
    """The transfer of this trip that is neither over nor too old. Once somebody has taken it, it waits as long as it takes."""
    waiting = Transfer.objects.filter(trip=trip, done_at=None, withdrawn_at=None).select_related("taker").first()
    return waiting if waiting and (waiting.taker_id or waiting.expires_at > now) else None


def find(*, code: str, by: Associate, now: datetime) -> Transfer:
    """The open transfer of a colleague in the same store with this code. Raises NoTransfer."""
    found = Transfer.objects.filter(
        code_hash=_hash(normal_label(code)), giver__store=by.store_id, done_at=None, withdrawn_at=None, expires_at__gt=now
    ).exclude(giver=by).exclude(taker__isnull=False)  # fmt: skip
    first = found.select_related("giver", "trip__store").first()
    if first is None:
        raise NoTransfer
    return first


@transaction.atomic
def take(
    *, transfer: Transfer, planned: PlannedTrip, base: Trip | None, shown: str, by: Associate, now: datetime
) -> Transfer:
    """The colleague agrees, at the quote they saw (`shown` is its digest). Custody stays where it is until the giver confirms.

    `base`: their trip under way that grows; None for a trip of its own. Raises NoTransfer, TransferChanged.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    mine = Transfer.objects.select_for_update().get(pk=transfer.pk)
    if mine.taker_id == person.pk:
        return mine
    if mine.taker_id or mine.done_at or mine.withdrawn_at or mine.expires_at <= now or mine.giver_id == person.pk:
        raise NoTransfer
    if planned.quote.digest != shown or planned.associate_id != person.pk:
        raise TransferChanged
    mine.taker, mine.taken_at, mine.shift_id = person, now, planned.shift_id
    mine.quote, mine.stops = planned.quote.to_json(), [asdict(stop) for stop in planned.stops]
    mine.base_digest = base.quote_digest if base else ""
    mine.save()
    _nudge(mine.giver_id)
    return mine


def confirm(*, transfer: Transfer, by: Associate, now: datetime) -> Transfer:
    """The giver says that the colleague has them: custody, claims and stops move. Twice is once.

    Raises TransferChanged when a package, or the trip that grows, is not what the taker agreed to.
    """
    return _pass_on(transfer, giver=by, by=by, now=now, reason="to a colleague")


def confirm_with_code(*, transfer: Transfer, code: str, by: Associate, now: datetime) -> Transfer:
    """The taker shows that the giver, whose phone has no signal, has let them go: with the second code, which only the
    giver's page has. Twice is once.

    Raises NoTransfer, WrongSecondCode, TransferChanged.
    """
    if transfer.taker_id != by.pk:
        raise NoTransfer
    if not constant_time_compare(normal_label(code), second_code(transfer)):
        raise WrongSecondCode
    return _pass_on(transfer, giver=transfer.giver, by=by, now=now, reason="to a colleague, with the giver's code")


def second_code(transfer: Transfer) -> str:
    """For the giver's eyes, until the packages are in the other's hands. Made from the server's key and stored nowhere."""
    digest = salted_hmac(
        "homeward.transfer.second", f"{transfer.pk}:{bytes(transfer.code_hash).hex()}", algorithm="sha256"
    )
    return "".join(labels.ALPHABET[byte % len(labels.ALPHABET)] for byte in digest.digest()[: labels.LENGTH])


@transaction.atomic
def _pass_on(transfer: Transfer, *, giver: Associate, by: Associate, now: datetime, reason: str) -> Transfer:
    for person_id in sorted({giver.pk, transfer.taker_id or giver.pk}):
        Associate.objects.select_for_update().get(pk=person_id)
    ids = list(transfer.packages.values_list("pk", flat=True))
    packages = Package.objects.for_update(ids)
    mine = (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("taker", "shift")
        .get(pk=transfer.pk, giver=giver)
    )
    if mine.done_at is not None:
        return mine
    if mine.withdrawn_at is not None or mine.taker is None or mine.shift is None:
        raise TransferChanged
    trips = {trip.pk: trip for trip in _trips(mine, mine.taker, mine.shift)}
    given = trips[mine.trip_id]
    if any(
        p.holder_id != giver.pk or p.trip_id != given.pk or p.state not in MOVES["transfer"].sources for p in packages
    ):
        raise TransferChanged
    grown = next((trip for trip in trips.values() if trip.pk != given.pk), None)
    if (grown.quote_digest if grown else "") != mine.base_digest:
        raise TransferChanged
    taken = _grow(grown, mine, now)
    Claim.objects.filter(package__in=ids, released_at=None).update(released_at=now, stop=None)
    given.stops.filter(claims=None).delete()
    hide(given)
    stop_of = add_stops(taken, [PlannedStop.from_json(stop) for stop in mine.stops or []])
    actor = actors.associate(by.user_id)
    move(packages, "transfer", by=actor, now=now, holder=mine.taker, trip=taken, reason=reason)
    key = uuid4()
    Claim.objects.bulk_create(
        Claim(trip=taken, package=p, stop=stop_of[p.pk], key=key, claimed_at=now) for p in packages
    )
    DeliveryException.objects.filter(package__in=packages, resolved_at=None).update(resolved_at=now)
    mine.done_at = now
    mine.save(update_fields=["done_at"])
    end_if_done(given, now=now, happened_at=now)
    _nudge(mine.taker.pk)
    _nudge(giver.pk)
    return mine


@transaction.atomic
def withdraw(*, transfer: Transfer, by: Associate, now: datetime) -> Transfer:
    """Not after all; by either side, as long as it is not confirmed. Twice is once. Raises TransferChanged."""
    mine = Transfer.objects.select_for_update().get(pk=transfer.pk)
    if by.pk not in (mine.giver_id, mine.taker_id) or mine.done_at is not None:
        raise TransferChanged
    if mine.withdrawn_at is None:
        mine.withdrawn_at = now
        mine.save(update_fields=["withdrawn_at"])
        _nudge(mine.giver_id)
        if mine.taker_id is not None:
            _nudge(mine.taker_id)
    return mine


# --- Parts ----------------------------------------------------------------------------------------------------------
def _trips(transfer: Transfer, taker: Associate, shift: Shift) -> list[Trip]:
    """The giver's trip and the taker's of that shift, where there is one, locked in one order."""
    theirs = Trip.objects.filter(associate=taker, shift=shift).exclude(state=TripState.ABANDONED)
    ids = [transfer.trip_id, *theirs.values_list("pk", flat=True)]
    return list(Trip.objects.select_for_update().filter(pk__in=ids).order_by("pk"))


def _grow(trip: Trip | None, transfer: Transfer, now: datetime) -> Trip:
    """The taker's trip at the quote they agreed to; one that begins here and now where they had none."""
    assert transfer.taker is not None
    assert transfer.quote is not None
    quote = pay.Quote.from_json(transfer.quote)
    if trip is None:
        trip = Trip(
            store_id=transfer.taker.store_id, associate=transfer.taker, shift=transfer.shift, claimed_at=now,
            started_at=now, state=TripState.UNDER_WAY,
        )  # fmt: skip
    elif trip.state != TripState.UNDER_WAY or quote.cents < trip.pay_cents:
        raise TransferChanged
    hide(trip)
    take_quote(trip, quote)
    trip.save()
    return trip


def _hash(code: str) -> bytes:
    """A keyed hash: six characters alone are found out from a plain one."""
    return salted_hmac("homeward.transfer", code, algorithm="sha256").digest()


def _nudge(associate_id: int) -> None:
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)
