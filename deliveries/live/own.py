"""What a customer's page shows besides where the package is: what they told us, what they may do, the PIN, the chat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deliveries import controls, pins
from deliveries.controls import Control
from deliveries.models import ChatMessage, Event, GateCode, Package
from deliveries.states import PackageState

# The PIN is of use once somebody is to come; before that it would only lie about.
SHOWS_PIN = (PackageState.CLAIMED, PackageState.LOADED, PackageState.OUT, PackageState.ATTEMPTED)


@dataclass(frozen=True, slots=True)
class Line:
    """One text of the chat."""

    from_customer: bool
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Own:
    """Of one package. `not_before` only while it is still ahead; `safe_place` is a SafePlace's value."""

    can: tuple[Control, ...] = ()
    pin: str = ""
    weak_pin: bool = False
    instructions: str = ""
    safe_place: str = ""
    gate_code: bool = False
    carrier_asked: bool = False
    not_before: datetime | None = None
    credit_cents: int = 0
    missing: bool = False
    chat: tuple[Line, ...] = ()


def load(packages: Sequence[Package], events: Mapping[int, Sequence[Event]], *, now: datetime) -> dict[int, Own]:
    """By package id, in two queries however many there are."""
    talking = [package.pk for package in packages if package.state in controls.TALKING]
    chats: dict[int, list[ChatMessage]] = defaultdict(list)
    for message in ChatMessage.objects.filter(package__in=talking):
        chats[message.package_id].append(message)
    coming = [package.pk for package in packages if package.state in controls.MAY_STILL_COME]
    coded = set(GateCode.objects.filter(package__in=coming).values_list("package", flat=True))
    return {
        package.pk: _own(package, [event.verb for event in events[package.pk]], chats[package.pk], coded, now)
        for package in packages
    }


def _own(package: Package, verbs: Sequence[str], chat: Sequence[ChatMessage], coded: set[int], now: datetime) -> Own:
    mine = [message for message in chat if message.trip_id == package.trip_id]
    written = sum(message.from_customer for message in mine)
    coming = package.state in controls.MAY_STILL_COME
    later = package.not_before is not None and package.not_before > now and package.state in controls.IN_STORE
    return Own(
        can=controls.possible(package, verbs=verbs, written=written, now=now),
        pin=pins.pin_of(package) if package.state in SHOWS_PIN else "",
        weak_pin=package.asks_for_pin and package.associate_ok and not package.carrier_asked,
        instructions=package.instructions if coming else "",
        safe_place=package.safe_place if coming else "",
        gate_code=package.pk in coded,
        carrier_asked=package.carrier_asked,
        not_before=package.not_before if later else None,
        credit_cents=package.pickup_credit_cents if package.state == PackageState.HELD_FOR_PICKUP else 0,
        missing=package.state == PackageState.DELIVERED and controls.is_missing(verbs),
        chat=tuple(Line(message.from_customer, message.words, message.at) for message in mine),
    )
