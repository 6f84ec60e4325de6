"""The PIN at the door: made and never stored, few tries, and what happens without it or without a signal."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from deliveries import pins
from deliveries.actions import dropoffs, moves
from deliveries.actions.dropoffs import AtTheDoor
from deliveries.models import Package, Proof
from deliveries.states import PackageState
from tests import make
from tests.live import road

pytestmark = pytest.mark.django_db
PHOTO = b"\xff\xd8 a photo"


def drop(made: road.Road, pin: AtTheDoor, *, photo: bool = False, **fields: Any) -> Proof:
    package = made.packages[0]
    return dropoffs.deliver(
        **{
            "package": package, "by": made.ana, "now": timezone.now(), "key": uuid4(), "pin": pin,
            "photo": ContentFile(PHOTO) if photo else None,
            "position": None if photo else dropoffs.Position(package.point, 5), **fields,
        }
    )  # fmt: skip


def wrong(package: Package) -> str:
    return f"{(int(pins.pin_of(package)) + 1) % 10_000:04d}"


def test_made_from_the_package_alone(settings: Any) -> None:
    made = road.under_way(2, pin_required=True)
    first, second = (pins.pin_of(package) for package in made.packages)
    assert first.isdigit()
    assert len(first) == 4
    assert pins.pin_of(Package.objects.get(pk=made.packages[0].pk)) == first
    assert pins.is_right(made.packages[0], f" {first[:2]} {first[2:]} ")
    assert not pins.is_right(made.packages[0], wrong(made.packages[0]))
    assert not pins.is_right(made.packages[0], "")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, because keys are changed now and then"
    assert pins.is_right(made.packages[0], first), "what the customer read before still counts"
    assert pins.is_right(made.packages[0], pins.pin_of(made.packages[0]))
    plain = road.under_way(1)
    assert pins.pin_of(plain.packages[0]) == ""
    assert second


def test_right() -> None:
    made = road.under_way(1, pin_required=True)
    with pytest.raises(dropoffs.PinNeeded):
        drop(made, AtTheDoor())
    proof = drop(made, AtTheDoor(typed=pins.pin_of(made.packages[0])))
    assert (proof.pin, proof.pin_reason) == (Proof.Pin.RIGHT, "")


@pytest.mark.django_db(transaction=True)
def test_five_tries_then_a_photo_and_a_reason() -> None:
    made = road.under_way(1, pin_required=True)
    package = made.packages[0]
    for left in (4, 3, 2, 1):
        with pytest.raises(dropoffs.WrongPin) as no:
            drop(made, AtTheDoor(typed=wrong(package)))
        assert f"{left} tr" in str(no.value)
    with pytest.raises(dropoffs.NoMoreTries):
        drop(made, AtTheDoor(typed=wrong(package)))
    package.refresh_from_db()
    assert (package.pin_tries, package.state) == (5, PackageState.OUT), "counted, though nothing else happened"
    with pytest.raises(dropoffs.NoMoreTries):
        drop(made, AtTheDoor(typed=pins.pin_of(package)))
    with pytest.raises(dropoffs.NoMoreTries):
        drop(made, AtTheDoor(reason="She showed her licence"))
    proof = drop(made, AtTheDoor(reason="She showed her licence"), photo=True)
    assert (proof.pin, proof.pin_reason) == (Proof.Pin.WITHOUT, "She showed her licence")


def test_without_a_signal_it_is_checked_when_it_arrives() -> None:
    made = road.under_way(1, pin_required=True)
    proof = drop(made, AtTheDoor(typed=pins.pin_of(made.packages[0]), later=True))
    assert proof.pin == Proof.Pin.RIGHT
    made = road.under_way(1, pin_required=True)
    key = uuid4()
    proof = drop(made, AtTheDoor(typed=wrong(made.packages[0]), later=True), key=key)
    assert proof.pin == Proof.Pin.WRONG, "it is at the door, whatever we say now; staff see the mark"
    assert drop(made, AtTheDoor(typed=wrong(made.packages[0]), later=True), key=key) == proof
    made.packages[0].refresh_from_db()
    assert made.packages[0].pin_tries == 1, "a repeat is no second try"


def test_nobody_tries_who_does_not_hold_it() -> None:
    made = road.under_way(1, pin_required=True)
    ben = make.associate(made.store)
    with pytest.raises(moves.WrongState):
        drop(made, AtTheDoor(typed=pins.pin_of(made.packages[0])), by=ben)
    made.packages[0].refresh_from_db()
    assert made.packages[0].pin_tries == 0


def test_the_database_wants_photo_and_reason() -> None:
    made = road.under_way(1, pin_required=True)
    proof = drop(made, AtTheDoor(typed=pins.pin_of(made.packages[0])))
    with pytest.raises(IntegrityError, match="proof_without_pin_shows_and_says"), transaction.atomic():
        Proof.objects.filter(pk=proof.pk).update(pin="without")
    with pytest.raises(IntegrityError, match="proof_pin_known"), transaction.atomic():
        Proof.objects.filter(pk=proof.pk).update(pin="maybe")
