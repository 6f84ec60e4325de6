"""What a customer does from their page: each verb, when it is possible, and what it leaves alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from deliveries import actors, carrier_only, controls, gate_codes, links, matching
from deliveries.actions import cancelling, carriers, chat, exceptions, receiving, wishes
from deliveries.controls import Control
from deliveries.models import (
    CarrierOnly,
    ChatMessage,
    DeliveryException,
    Event,
    FirstPin,
    GateCode,
    Offer,
    Package,
    RatingTally,
    Thanks,
)
from deliveries.states import PackageState
from stores.models import Holiday
from stores.places import Point, Precision, distance_m

from . import make
from .live import road
from .staff.world import offer_to

pytestmark = pytest.mark.django_db
BY = actors.system("test")


@pytest.fixture(autouse=True)
def _at_six() -> Iterator[None]:
    """At night the store is past its cut-off, and nobody is just after their shift."""
    with time_machine.travel(make.EVENING, tick=True):
        yield


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def verbs(package: Package) -> list[str]:
    return list(Event.objects.filter(package=package).order_by("version").values_list("verb", flat=True))


def by_whom(package: Package) -> str:
    return Event.objects.filter(package=package).latest("version").by_kind


def north(package: Package, metres: float) -> Point:
    return Point(package.lat + metres / 111_195, package.lon)


def fresh(package: Package) -> Package:
    return Package.objects.select_related("store").get(pk=package.pk)


# --- Instructions ---------------------------------------------------------------------------------------------------
def test_instructions_and_a_safe_place(now: datetime) -> None:
    package = make.package(make.store(), now=now)
    wishes.instruct(package=package, instructions=" Side door ", safe_place="porch", gate_code="4711#", now=now)
    package = fresh(package)
    assert (package.instructions, package.safe_place) == ("Side door", "porch")
    assert verbs(package)[-1] == "instruct"
    assert by_whom(package) == "customer"
    wishes.instruct(package=package, instructions="", safe_place="the roof", gate_code=None, now=now)
    assert fresh(package).safe_place == "", "what we do not know is not kept"
    assert gate_codes.read([package]) == {package.pk: "4711#"}, "None keeps it"
    wishes.instruct(package=package, instructions="", safe_place="", gate_code="", now=now)
    assert not GateCode.objects.exists()


def test_a_gate_code_is_sealed_and_its_length_too(now: datetime, settings: Any) -> None:
    store = make.store()
    short, long = make.package(store, now=now), make.package(store, now=now)
    gate_codes.keep(short, "1", now)
    gate_codes.keep(long, "12345678901234567890", now)
    ciphers = [bytes(code.cipher) for code in GateCode.objects.all()]
    assert len({len(cipher) for cipher in ciphers}) == 1
    assert not any(b"1234" in cipher for cipher in ciphers)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one" * 9, [settings.SECRET_KEY]
    assert gate_codes.read([short, long]) == {short.pk: "1", long.pk: "12345678901234567890"}
    settings.SECRET_KEY_FALLBACKS = []
    assert gate_codes.read([short]) == {}, "no key, no code, no crash"


# --- The pin --------------------------------------------------------------------------------------------------------
def test_the_pin_moves_near_its_address_and_never_walks_away(now: datetime) -> None:
    package = make.package(make.store(), now=now)
    wishes.move_pin(package=package, point=north(package, 250), now=now)
    moved = fresh(package)
    assert distance_m(moved.point, package.point) == pytest.approx(250, abs=1)
    assert FirstPin.objects.get().point == package.point
    with pytest.raises(wishes.PinTooFar, match="980 feet"):
        wishes.move_pin(package=moved, point=north(moved, 250), now=now)
    assert fresh(package).point == moved.point
    assert verbs(package).count("move_pin") == 1


def test_a_weak_pin_may_go_far_once_and_can_then_be_offered(now: datetime) -> None:
    package = make.package(make.store(), now=now, precision=Precision.ZIP)
    assert not Package.objects.offerable(package.store, now).exists()
    wishes.move_pin(package=package, point=north(package, 6_000), now=now)
    assert fresh(package).precision == Precision.MANUAL
    assert Package.objects.offerable(package.store, now).exists()
    with pytest.raises(wishes.PinTooFar):
        wishes.move_pin(package=package, point=north(package, 11_000), now=now)


def test_after_the_claim_a_step_to_the_side_and_the_plan_stays(now: datetime) -> None:
    made = road.under_way(2)
    package = made.packages[0]
    before = (made.trip.pay_cents, list(made.trip.stops.values()))
    wishes.move_pin(package=package, point=north(package, 60), now=now)
    wishes.move_pin(package=package, point=north(package, -60), now=now)
    with pytest.raises(wishes.PinTooFar, match="240 feet"):
        wishes.move_pin(package=package, point=north(package, 90), now=now)
    made.trip.refresh_from_db()
    assert before == (made.trip.pay_cents, list(made.trip.stops.values()))
    made.deliver(package)
    with pytest.raises(wishes.NotNow, match="delivered already"):
        wishes.move_pin(package=package, point=package.point, now=now)


# --- Another day ----------------------------------------------------------------------------------------------------
def test_another_day_is_by_the_same_time_and_leaves_tonight_alone(now: datetime) -> None:
    package = make.package(make.store(), now=now)
    store = package.store
    tonight = store.evening(now)
    Holiday.objects.create(store=store, day=tonight + timedelta(days=2), name="Inventory")
    days = controls.days(store, package, now)
    assert [(day - tonight).days for day in days] == [1, 3, 4, 5, 6]
    wishes.another_day(package=package, day=days[0], now=now)
    moved = fresh(package)
    assert store.local(moved.deliver_by).time() == store.local(package.deliver_by).time()
    assert store.evening(moved.deliver_by) == days[0]
    assert moved.state == PackageState.STAGED
    assert not Package.objects.offerable(store, now).exists()
    after_cutoff = store.cutoff(tonight) + timedelta(minutes=1)
    assert matching.leftovers(store, after_cutoff) == []
    assert moved.not_before is not None
    assert Package.objects.offerable(store, moved.not_before).exists()
    assert matching.leftovers(store, store.cutoff(days[0]) + timedelta(minutes=1)) == [moved]


def test_the_same_day_again_is_one_change_and_twice_is_enough(now: datetime) -> None:
    package = make.package(make.store(), now=now)
    first, second, third, *_rest = controls.days(package.store, package, now)
    for _ in range(2):
        wishes.another_day(package=package, day=first, now=now)
    assert verbs(package).count("reschedule") == 1
    with pytest.raises(wishes.NotThatDay):
        wishes.another_day(package=package, day=first - timedelta(days=1), now=now)
    wishes.another_day(package=package, day=second, now=now)
    with pytest.raises(wishes.NotNow, match="twice"):
        wishes.another_day(package=package, day=third, now=now)


def test_a_round_that_was_planned_before_leaves_it_out(now: datetime) -> None:
    """Between planning and sending, its customer chose another day, or the carrier."""
    store = make.store()
    ana = make.associate(store)
    shift = make.shift(ana, ends_at=now + timedelta(minutes=60))
    package, other = make.package(store, now=now), make.package(store, now=now, email="other@example.net")
    wishes.another_day(package=package, day=controls.days(store, package, now)[0], now=now)
    wishes.no_associate(package=other, now=now)
    for each in (package, other):
        with pytest.raises(Offer.DoesNotExist):
            offer_to(ana, shift, [each], now=now, until=now + timedelta(minutes=30))
        assert fresh(each).state == PackageState.STAGED


# --- Pick-up and carrier --------------------------------------------------------------------------------------------
def test_held_for_its_customer_with_the_credit_of_that_day(now: datetime) -> None:
    package = make.package(make.store(pickup_credit_cents=300), now=now)
    for _ in range(2):
        wishes.pick_up(package=package, now=now)
    type(package.store).objects.update(pickup_credit_cents=0)
    held = fresh(package)
    assert (held.state, held.pickup_credit_cents) == (PackageState.HELD_FOR_PICKUP, 300)
    assert verbs(package).count("hold") == 1
    assert by_whom(package) == "customer"


def test_no_associate_goes_to_the_carrier_and_is_remembered_by_hash(now: datetime) -> None:
    store = make.store()
    package = make.package(store, now=now, phone="+1 201 555 0143")
    assert wishes.no_associate(package=package, now=now)
    assert wishes.no_associate(package=package, now=now), "twice is once"
    assert verbs(package).count("ask_carrier") == 1
    assert not Package.objects.offerable(store, now).exists()
    assert matching.leftovers(store, store.cutoff(store.evening(now)) + timedelta(minutes=1)) == [package]
    rows = [bytes(row.key_hash) for row in CarrierOnly.objects.all()]
    assert len(rows) == 3, "door, mail, phone"
    assert not any(b"sam" in row or b"201" in row for row in rows)

    same_door = make.package(store, address1=f"{package.address1.upper()} ", email="")
    same_phone = make.package(store, phone="(201) 555-0143", email="other@example.net")
    stranger = make.package(store, email="other@example.net", phone="")
    assert [fresh(p).carrier_asked for p in (same_door, same_phone, stranger)] == [True, True, False]

    assert wishes.associate_after_all(package=package, now=now)
    assert not fresh(package).carrier_asked
    assert not fresh(make.package(store, phone="2015550143")).carrier_asked


def test_no_associate_while_somebody_has_it_holds_for_the_next(now: datetime) -> None:
    made = road.under_way(1)
    assert not wishes.no_associate(package=made.packages[0], now=now)
    assert CarrierOnly.objects.exists()
    assert fresh(made.packages[0]).state == PackageState.OUT
    assert carrier_only.asked([made.packages[0]]) == [True]


# --- Words ----------------------------------------------------------------------------------------------------------
def test_short_texts_both_ways_while_it_is_in_hand(now: datetime) -> None:
    made = road.loaded(1)
    package, key = made.packages[0], uuid4()
    for _ in range(2):
        chat.write(package=package, words=" The dog is  friendly ", key=key, now=now)
    assert [line.words for line in ChatMessage.objects.all()] == ["The dog is friendly"]
    for _ in range(2):
        chat.answer(package=package, words="Thanks!", by=made.ana, key=key.__class__(int=7), now=now)
    assert [(line.from_customer, line.words) for line in ChatMessage.objects.all()][-1] == (False, "Thanks!")
    assert [verb for verb in verbs(package) if verb in ("write", "answer")] == ["write", "answer"]
    with pytest.raises(chat.NothingSaid):
        chat.write(package=package, words="  ", key=uuid4(), now=now)
    for _ in range(controls.MOST_MESSAGES - 1):
        chat.write(package=package, words="Hello", key=uuid4(), now=now)
        chat.answer(package=package, words="Hello", by=made.ana, key=uuid4(), now=now)
    with pytest.raises(wishes.NotNow, match="last of 5"):
        chat.write(package=package, words="One more", key=uuid4(), now=now)
    with pytest.raises(chat.EnoughAnswered):
        chat.answer(package=package, words="One more", by=made.ana, key=uuid4(), now=now)


@pytest.mark.parametrize("words", ["call 201-555-0100", "201 555 0100", "(201)5550100", "me@example.net", "www.x.org"])
def test_nobody_gives_or_gets_a_number(words: str, now: datetime) -> None:
    made = road.loaded(1)
    with pytest.raises(wishes.NoContacts):
        chat.write(package=made.packages[0], words=words, key=uuid4(), now=now)
    with pytest.raises(wishes.NoContacts):
        chat.answer(package=made.packages[0], words=words, by=made.ana, key=uuid4(), now=now)


def test_door_numbers_and_codes_are_no_contacts() -> None:
    assert not controls.gives_contact("Apartment 1204, code 4711, ring 2 times at 7:30")


def test_only_who_has_it_answers(now: datetime) -> None:
    made = road.claimed(1)
    with pytest.raises(wishes.NotNow, match="in hand"):
        chat.write(package=made.packages[0], words="Hi", key=uuid4(), now=now)
    with pytest.raises(chat.TalkIsOver):
        chat.answer(package=made.packages[0], words="Hi", by=made.ana, key=uuid4(), now=now)
    on_the_road = road.under_way(1)
    with pytest.raises(chat.TalkIsOver):
        chat.answer(package=on_the_road.packages[0], words="Hi", by=made.ana, key=uuid4(), now=now)


# --- Afterwards -----------------------------------------------------------------------------------------------------
def test_not_received_opens_a_problem_for_staff_once(now: datetime) -> None:
    made = road.under_way(1)
    package, key = made.packages[0], uuid4()
    with pytest.raises(wishes.NotNow, match="delivered"):
        wishes.not_received(package=package, words="", key=key, now=now)
    made.deliver(package)
    for _ in range(2):
        wishes.not_received(package=package, words="Nothing on the porch", key=key, now=now)
    problem = DeliveryException.objects.get()
    assert (problem.reason, problem.note, problem.resolved_at) == ("not_received", "Nothing on the porch", None)
    with pytest.raises(wishes.NotNow, match="looks into it"):
        wishes.not_received(package=package, words="", key=uuid4(), now=now)
    wishes.found(package=package, now=now)
    wishes.found(package=package, now=now)
    assert verbs(package).count("found") == 1
    again = wishes.not_received(package=package, words="", key=uuid4(), now=now)
    staff = make.staff(made.store)
    wishes.settle_report(problem=again, by=actors.staff(staff.pk), now=now, reason="the neighbor had it")
    again.refresh_from_db()
    assert again.resolved_at == now
    assert by_whom(package) == "staff"
    assert fresh(package).state == PackageState.DELIVERED


def test_not_received_can_be_said_for_a_week(now: datetime) -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0])
    later = now + timedelta(days=6)
    wishes.not_received(package=made.packages[0], words="", key=uuid4(), now=later)
    wishes.found(package=made.packages[0], now=later)
    with pytest.raises(wishes.NotNow, match="seven days"):
        wishes.not_received(package=made.packages[0], words="", key=uuid4(), now=now + timedelta(days=8))


def test_stars_are_a_sum_and_thanks_are_the_associates(now: datetime) -> None:
    made = road.under_way(2)
    for package in made.packages:
        made.deliver(package)
    first, second = made.packages
    for _ in range(2):
        wishes.rate(package=first, stars=5, words="", now=now)
    wishes.rate(package=first, stars=1, words="Thank you, Ana", now=now)
    wishes.rate(package=second, stars=5, words="", now=now)
    assert Counter(dict(RatingTally.objects.values_list("stars", "count"))) == {5: 2}
    assert [(t.associate, t.words) for t in Thanks.objects.all()] == [(made.ana, "Thank you, Ana")]
    assert {field.name for field in RatingTally._meta.get_fields()} == {"id", "store", "day", "stars", "count"}, (
        "nothing leads from stars to a person"
    )
    with pytest.raises(wishes.SayHow):
        wishes.rate(package=second, stars=None, words=" ", now=now)
    with pytest.raises(wishes.SayHow):
        wishes.rate(package=second, stars=6, words="", now=now)
    with pytest.raises(wishes.NoContacts):
        wishes.rate(package=second, stars=None, words="mail me@example.net", now=now)


# --- When not -------------------------------------------------------------------------------------------------------
def in_state(state: str) -> Package:
    """A package in `state`, by the verbs."""
    now = timezone.now()
    if state == "received":
        return make.package(make.store(), staged=False, now=now)
    if state in ("claimed", "loaded", "out"):
        return {"claimed": road.claimed, "loaded": road.loaded, "out": road.under_way}[state](1).packages[0]
    if state in ("attempted", "kept", "returning", "returned", "delivered"):
        made = road.under_way(1)
        package = made.packages[0]
        if state == "delivered":
            made.deliver(package)
            return package
        exceptions.attempt(package=package, reason="nobody_home", by=made.ana, now=now, key=uuid4())
        if state == "kept":
            exceptions.keep(package=package, by=made.ana, now=now)
        elif state != "attempted":
            exceptions.bring_back(package=package, by=made.ana, now=now)
        if state == "returned":
            exceptions.receive_return(package=package, by=BY, now=now)
        return package
    package = make.package(make.store(), now=now)
    if state == "with_carrier":
        carriers.tender(store=package.store, packages=[package], by=BY, now=now, reason="x")
    elif state == "held_for_pickup":
        receiving.hold(package=package, by=BY, now=now, reason="x")
    elif state == "cancelled":
        cancelling.cancel(package=package, by=BY, now=now, reason="x")
    elif state == "offered":
        ana = make.associate(package.store)
        make.shift(ana, ends_at=now + timedelta(minutes=60))
        Package.objects.filter(pk=package.pk).update(deliver_by=now + timedelta(hours=5))
        type(package.store).objects.update(carrier_cutoff=(package.store.local(now) + timedelta(hours=3)).time())
        matching.run_round(store=fresh(package).store, now=now, seconds=1)
    return package


CAN = {
    "received": "instructions pin another-day pick-up carrier",
    "staged": "instructions pin another-day pick-up carrier",
    "offered": "instructions pin carrier",
    "claimed": "instructions pin carrier",
    "loaded": "instructions pin carrier write",
    "out": "instructions pin carrier write",
    "attempted": "instructions carrier write",
    "kept": "instructions carrier",
    "returning": "instructions carrier",
    "returned": "instructions pin another-day pick-up carrier",
    "delivered": "carrier not-received rating",
    "with_carrier": "carrier",
    "held_for_pickup": "carrier",
    "cancelled": "carrier",
}


@pytest.mark.parametrize("state", [state.value for state in PackageState])
def test_every_state_says_what_can_be_done_and_why_not(state: str, now: datetime) -> None:
    package = fresh(in_state(state))
    if state == "offered" and package.state != "offered":
        pytest.skip("near midnight no shift of this evening is left to offer it to")
    assert package.state == state
    able = controls.possible(package, verbs=verbs(package), written=0, now=now)
    assert list(able) == CAN[state].split()
    tries: dict[Control, Any] = {
        Control.INSTRUCTIONS: lambda: wishes.instruct(
            package=package, instructions="x", safe_place="", gate_code=None, now=now
        ),
        Control.PIN: lambda: wishes.move_pin(package=package, point=package.point, now=now),
        Control.ANOTHER_DAY: lambda: wishes.another_day(
            package=package, day=package.store.evening(now) + timedelta(days=2), now=now
        ),
        Control.WRITE: lambda: chat.write(package=package, words="x", key=uuid4(), now=now),
        Control.NOT_RECEIVED: lambda: wishes.not_received(package=package, words="", key=uuid4(), now=now),
        Control.RATING: lambda: wishes.rate(package=package, stars=4, words="", now=now),
    }
    for control, attempt in tries.items():
        if control in able:
            attempt()
        else:
            with pytest.raises(wishes.NotNow) as no:
                attempt()
            assert len(str(no.value)) > 20, "a sentence"
    if Control.PICK_UP in able:
        wishes.pick_up(package=package, now=now)
    elif state != "held_for_pickup":
        with pytest.raises(wishes.NotNow):
            wishes.pick_up(package=package, now=now)


def test_a_day_after_the_end_nothing_but_the_missing_package_is_open(now: datetime) -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0])
    late = fresh(made.packages[0])
    can = controls.possible(late, verbs=verbs(late), written=0, now=now + timedelta(hours=25))
    assert can == (Control.NOT_RECEIVED,)


def test_a_language_for_page_and_messages(now: datetime) -> None:
    package = make.package(make.store(), now=now)
    for language in ("es", "es", "xx"):
        wishes.choose_language(package=package, language=language, now=now)
    assert fresh(package).language == "es"
    assert verbs(package).count("language") == 1
    assert links.issue(package=package, now=now)
