"""What a customer does from the page behind their link. When each is possible is said in `deliveries/controls.py`.

Every verb locks the package, asks the rule on the locked row, and writes an Event by the customer. None has pay or a plan
change: what is planned already is only ever moved a step to the side.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from associates.models import Associate
from deliveries import carrier_only, controls, gate_codes, live
from deliveries.actors import CUSTOMER, Actor
from deliveries.controls import Control
from deliveries.models import (
    Claim,
    DeliveryException,
    FirstPin,
    OfferPackage,
    Package,
    RatingTally,
    SafePlace,
    Thanks,
)
from deliveries.models.customer import LONGEST_WORDS
from deliveries.states import PackageState
from stores.models import Language
from stores.places import Point, Precision, distance_m

from . import Refused
from .moves import move, note


class NotNow(Refused):
    """The sentence is the rule's own (`controls.why_not`)."""

    code = "not_now"


class PinTooFar(Refused):
    code = "pin_too_far"

    def __init__(self, limit_m: int) -> None:
        super().__init__(
            _(
                "That is more than %(feet)d feet from where we know your address. If the address itself is wrong, "
                "call the store."
            )
            % {"feet": feet(limit_m)}
        )


class NotThatDay(Refused):
    code = "not_that_day"
    sentence = gettext_lazy("That day cannot be had any more. Choose one of those below.")


class NoContacts(Refused):
    code = "no_contacts"
    sentence = gettext_lazy("Please leave out phone numbers, addresses and links: neither of you needs the other’s.")


class SayHow(Refused):
    code = "say_how"
    sentence = gettext_lazy("Choose between one and five stars, or write your thanks.")


# --- Before it comes ------------------------------------------------------------------------------------------------
@transaction.atomic
def instruct(
    *, package: Package, instructions: str, safe_place: str, gate_code: str | None, by: Actor = CUSTOMER, now: datetime
) -> Package:
    """Where to leave it and how to get in. `gate_code` None keeps the one there is, "" forgets it. Raises NotNow."""
    locked, _verbs = _locked(package, Control.INSTRUCTIONS, now)
    locked.instructions = instructions.strip()[:280]
    locked.safe_place = safe_place if safe_place in SafePlace.values else ""
    locked.save(update_fields=["instructions", "safe_place"])
    if gate_code is not None:
        gate_codes.keep(locked, gate_code.strip(), now)
    note([locked], "instruct", by=by, now=now)
    _tell_holder(locked)
    return locked


@transaction.atomic
def move_pin(*, package: Package, point: Point, by: Actor = CUSTOMER, now: datetime) -> Package:
    """The door is there. Near the address while nothing is planned; a few steps from the plan's point afterwards, which
    the plan itself ignores: no time, no pay and no stop of a trip changes. Raises NotNow, PinTooFar."""
    locked, _verbs = _locked(package, Control.PIN, now)
    first = FirstPin.objects.filter(package=locked).first()
    if first is None:
        first = FirstPin(package=locked, lat=locked.lat, lon=locked.lon, precision=locked.precision, at=now)
    limit_m = controls.PIN_LIMIT_M[Precision(first.precision)]
    if distance_m(point, first.point) > limit_m:
        raise PinTooFar(limit_m)
    planned = _planned_point(locked)
    if planned is not None and distance_m(point, planned) > controls.PLANNED_PIN_LIMIT_M:
        raise PinTooFar(controls.PLANNED_PIN_LIMIT_M)
    first.save()
    locked.lat, locked.lon, locked.precision = point.lat, point.lon, Precision.MANUAL
    locked.locate_after = None
    locked.save(update_fields=["lat", "lon", "precision", "locate_after"])
    note([locked], "move_pin", by=by, now=now)
    _tell_holder(locked)
    return locked


@transaction.atomic
def another_day(*, package: Package, day: date, by: Actor = CUSTOMER, now: datetime) -> Package:
    """Bring it on the evening of `day`, by the same time of the clock. The same day again changes nothing.

    Raises NotNow, NotThatDay.
    """
    [locked] = Package.objects.for_update([package.pk])
    store = package.store
    if locked.not_before is not None and store.evening(locked.not_before) == day:
        return locked
    _check(locked, Control.ANOTHER_DAY, now)
    if day not in controls.days(store, locked, now):
        raise NotThatDay
    locked.not_before, locked.deliver_by = controls.moved_to(store, locked, day)
    locked.save(update_fields=["not_before", "deliver_by"])
    note([locked], "reschedule", by=by, now=now)
    return locked


@transaction.atomic
def pick_up(*, package: Package, by: Actor = CUSTOMER, now: datetime) -> Package:
    """Keep it at the store; the customer comes for it, for the store's credit of today. Twice is once. Raises NotNow."""
    [locked] = Package.objects.for_update([package.pk])
    if locked.state == PackageState.HELD_FOR_PICKUP:
        return locked
    _check(locked, Control.PICK_UP, now)
    locked.pickup_credit_cents, locked.not_before = package.store.pickup_credit_cents, None
    locked.save(update_fields=["pickup_credit_cents", "not_before"])
    move([locked], "hold", by=by, now=now, reason="asked for by the customer")
    return locked


@transaction.atomic
def no_associate(*, package: Package, by: Actor = CUSTOMER, now: datetime) -> bool:
    """The carrier is to bring it, and every later package for this door or these contacts. Twice is once.

    Returns whether it holds for this package, too; where somebody has it planned, it does not. Raises NotNow.
    """
    locked, _verbs = _locked(package, Control.CARRIER, now)
    carrier_only.remember(locked, now)
    return _set_carrier(locked, True, by=by, now=now)


@transaction.atomic
def associate_after_all(*, package: Package, by: Actor = CUSTOMER, now: datetime) -> bool:
    """Takes `no_associate` back, for this package while it is in the store and for later ones. Raises NotNow."""
    locked, _verbs = _locked(package, Control.CARRIER, now)
    carrier_only.forget(locked)
    return _set_carrier(locked, False, by=by, now=now)


def _set_carrier(locked: Package, wanted: bool, *, by: Actor, now: datetime) -> bool:
    if locked.state not in controls.IN_STORE:
        return False
    if locked.carrier_asked != wanted:
        locked.carrier_asked = wanted
        locked.save(update_fields=["carrier_asked"])
        note([locked], "ask_carrier" if wanted else "ask_associate", by=by, now=now)
    return True


@transaction.atomic
def choose_language(*, package: Package, language: str, by: Actor = CUSTOMER, now: datetime) -> Package:
    """In which language this package's page and messages are. Unknown ones, and the same again, change nothing."""
    [locked] = Package.objects.for_update([package.pk])
    if language in Language.values and language != locked.language:
        locked.language = language
        locked.save(update_fields=["language"])
        note([locked], "language", by=by, now=now)
    return locked


# --- After it came --------------------------------------------------------------------------------------------------
@transaction.atomic
def not_received(*, package: Package, words: str, key: UUID, by: Actor = CUSTOMER, now: datetime) -> DeliveryException:
    """ "I did not get it": opens a problem for the store's staff, who see it beside the proof. The same `key` again returns
    the same row. The package stays delivered until somebody knows better. Raises NotNow."""
    [locked] = Package.objects.for_update([package.pk])
    earlier = DeliveryException.objects.filter(package=locked, key=key).first()
    if earlier:
        return earlier
    _check(locked, Control.NOT_RECEIVED, now)
    assert locked.trip_id is not None, "what an associate delivered names its trip"
    problem = DeliveryException.objects.create(
        package=locked, trip_id=locked.trip_id, key=key, reason=DeliveryException.Reason.NOT_RECEIVED,
        note=words.strip()[:280], at=now, happened_at=now,
    )  # fmt: skip
    note([locked], "not_received", by=by, now=now)
    return problem


@transaction.atomic
def found(*, package: Package, by: Actor = CUSTOMER, now: datetime) -> None:
    """The customer has it after all. Twice is once."""
    [locked] = Package.objects.for_update([package.pk])
    if _open_reports(locked).update(resolved_at=now):
        note([locked], "found", by=by, now=now)


@transaction.atomic
def settle_report(*, problem: DeliveryException, by: Actor, now: datetime, reason: str) -> None:
    """Staff have looked into "I did not get it" and say what came of it. Twice is once."""
    [locked] = Package.objects.for_update([problem.package_id])
    if _open_reports(locked).filter(pk=problem.pk).update(resolved_at=now):
        note([locked], "settle_report", by=by, now=now, reason=reason)


@transaction.atomic
def rate(*, package: Package, stars: int | None, words: str, by: Actor = CUSTOMER, now: datetime) -> None:
    """How the delivery was: stars into the store's tally of the day, words to the associate as thanks; each once.

    What is said twice counts once. Nothing keeps stars and a person together. Raises NotNow, SayHow, NoContacts.
    """
    [locked] = Package.objects.for_update([package.pk])
    verbs = _verbs(locked)
    words = words.strip()[:LONGEST_WORDS]
    if (stars is not None and not 1 <= stars <= 5) or (stars is None and not words):
        raise SayHow
    if ("rate" in verbs or stars is None) and ("thank" in verbs or not words):
        return
    _check(locked, Control.RATING, now)
    if controls.gives_contact(words):
        raise NoContacts
    day = package.store.evening(locked.state_since)
    if stars is not None and "rate" not in verbs:
        tally, _fresh = RatingTally.objects.get_or_create(store_id=locked.store_id, day=day, stars=stars)
        RatingTally.objects.filter(pk=tally.pk).update(count=F("count") + 1)
        note([locked], "rate", by=by, now=now)
    if words and "thank" not in verbs and locked.trip is not None:
        Thanks.objects.create(associate_id=locked.trip.associate_id, day=day, words=words)
        note([locked], "thank", by=by, now=now)


@transaction.atomic
def remove_thanks(*, thanks_id: int, by: Associate, now: datetime) -> None:
    """The associate removes what a customer wrote to them. Another's is left alone; twice is once."""
    Thanks.objects.filter(pk=thanks_id, associate=by).delete()


# --- What they share ------------------------------------------------------------------------------------------------
def _locked(package: Package, control: Control, now: datetime) -> tuple[Package, Sequence[str]]:
    """The locked row and its verbs, where the control is possible. Raises NotNow."""
    [locked] = Package.objects.for_update([package.pk])
    return locked, _check(locked, control, now)


def _check(locked: Package, control: Control, now: datetime) -> Sequence[str]:
    verbs = _verbs(locked)
    why = controls.why_not(control, locked, verbs=verbs, now=now)
    if why is not None:
        raise NotNow(why)
    return verbs


def _verbs(package: Package) -> list[str]:
    return list(package.events.order_by("version").values_list("verb", flat=True))


def _open_reports(package: Package) -> Any:
    return package.exceptions.filter(reason=DeliveryException.Reason.NOT_RECEIVED, resolved_at=None)


def _planned_point(package: Package) -> Point | None:
    """The point by which somebody's offer or trip was planned; None where it is in no plan."""
    claim = Claim.objects.filter(package=package, released_at=None).select_related("stop").first()
    if claim is not None and claim.stop is not None:
        return claim.stop.point
    line = OfferPackage.objects.filter(package=package, open=True).select_related("offer").first()
    stops = line.offer.stops if line else []
    return next((Point(s["lat"], s["lon"]) for s in stops if package.pk in s["package_ids"]), None)


def _tell_holder(package: Package) -> None:
    """Whoever has it in hand looks at their trip again."""
    holder_id = package.holder_id
    if holder_id is not None:
        transaction.on_commit(lambda: live.nudge_associate(holder_id), robust=True)


def feet(metres: float) -> int:
    """Whole feet, rounded down to ten where there are many: limits are kept in metres."""
    whole = int(metres / 0.3048)
    return whole - whole % 10 if whole >= 100 else whole
