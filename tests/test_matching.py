"""Rounds: who is asked, when, for how long; what returns; what the board shows; what goes to the carrier."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from deliveries import matching, quoting
from deliveries.actions import cancelling, claims, offers
from deliveries.models import Event, Offer, Package, Round
from deliveries.states import OfferState, PackageState
from stores.models import Holiday, Store
from stores.places import Point, Precision

from . import make

pytestmark = pytest.mark.django_db
NOW = make.EVENING


def test_the_wave_is_asked_and_the_rest_of_the_evening_is_only_planned() -> None:
    store = make.store(round_lead_minutes=60)
    soon, late = make.associate(store), make.associate(store, lives=Point(40.64, -74.10))
    make.shift(soon, ends_at=NOW + timedelta(minutes=50))
    make.shift(late, ends_at=NOW + timedelta(minutes=100))
    for north in (True, False):
        for step in range(2):
            lat = store.lat + (0.015 + 0.002 * step) * (1 if north else -0.6)
            make.package(store, at=Point(lat, store.lon + (0.0 if north else 0.012)))
    round_ = matching.run_round(store=store, now=NOW)
    assert round_ is not None
    assert round_.associates == 2
    assert set(Offer.objects.values_list("associate_id", flat=True)) <= {soon.pk}


def test_a_round_happens_once_a_slot_and_again_in_the_next() -> None:
    store = make.store()
    person = make.associate(store)
    make.shift(person, ends_at=NOW + timedelta(minutes=80))
    make.package(store)
    assert matching.run_round(store=store, now=NOW) is not None
    assert matching.run_round(store=store, now=NOW + timedelta(minutes=1)) is None
    offer = Offer.objects.get()
    later = offer.expires_at
    assert offers.lapse(offer=offer, now=later - timedelta(seconds=1)) is False
    assert offers.lapse(offer=offer, now=later) is True
    assert offers.lapse(offer=offer, now=later) is False
    assert Package.objects.get().state == PackageState.STAGED
    assert matching.run_round(store=store, now=later + timedelta(minutes=1)) is not None, "it is offered again"
    assert Round.objects.count() == 2


def test_two_workers_plan_the_same_slot_and_one_round_is_written() -> None:
    """The task came twice: both planned, one wrote."""
    store = make.store()
    make.shift(make.associate(store))
    make.package(store)
    planned = offers.Planned(0, 0, "empty", 0, None, 0.0, [])
    slot = matching.slot_of(store, NOW)
    by = make.actors.system("test")
    assert offers.send_round(store=store, slot_at=slot, planned=planned, by=by, now=NOW) is not None
    assert offers.send_round(store=store, slot_at=slot, planned=planned, by=by, now=NOW) is None


@pytest.mark.parametrize(
    "why",
    ["paused store", "holiday", "resting", "paused person", "wrong day", "consent withdrawn", "off the roster",
     "no home area", "insurance over", "weak pin", "not for associates", "not on the bay", "after the cut-off"],
)  # fmt: skip
def test_who_and_what_is_left_alone(why: str) -> None:
    store = make.store()
    person = make.associate(store)
    make.shift(person)
    package = make.package(
        store,
        staged=why != "not on the bay",
        precision=Precision.ZIP if why == "weak pin" else Precision.ROOFTOP,
        associate_ok=why != "not for associates",
    )
    now = NOW
    evening = store.evening(NOW)
    if why == "paused store":
        Store.objects.filter(pk=store.pk).update(stage=Store.Stage.PAUSED)
        store.refresh_from_db()
    elif why == "holiday":
        Holiday.objects.create(store=store, day=evening, name="Thanksgiving")
    elif why == "resting":
        person.resting_on = evening
    elif why == "paused person":
        person.state = person.State.PAUSED
    elif why == "wrong day":
        person.days.filter(weekday=evening.weekday()).delete()
    elif why == "consent withdrawn":
        person.consents.filter(kind="location").update(withdrawn_at=NOW)
    elif why == "off the roster":
        person.employee.active = False
        person.employee.save()
    elif why == "no home area":
        make.home.forget(person)
    elif why == "insurance over":
        person.insured_until = evening - timedelta(days=1)
    elif why == "after the cut-off":
        now = store.cutoff(evening)
    person.save()
    assert matching.run_round(store=store, now=now) is None
    package.refresh_from_db()
    assert package.state in (PackageState.STAGED, PackageState.RECEIVED)
    assert not Offer.objects.exists()


def test_between_planning_and_writing_the_world_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package goes to the carrier while the planner thinks: its offer is left out, the round still stands."""
    store = make.store()
    make.shift(make.associate(store))
    package = make.package(store)
    solve = matching.planner.solve

    def slow(*args: object, **kwargs: object) -> object:
        plan = solve(*args, **kwargs)  # type: ignore[arg-type]
        cancelling.cancel(package=package, by=make.actors.system("test"), now=NOW, reason="order off")
        return plan

    monkeypatch.setattr(matching.planner, "solve", slow)
    round_ = matching.run_round(store=store, now=NOW)
    assert round_ is not None
    assert round_.offers_sent == 0
    package.refresh_from_db()
    assert package.state == PackageState.CANCELLED


def test_an_offer_closes_before_the_shift_ends_and_before_the_cut_off() -> None:
    store = make.store(answer_lead_minutes=15)
    person = make.associate(store)
    cutoff = store.cutoff(store.evening(NOW))
    shift = make.shift(person, ends_at=NOW + timedelta(minutes=60))
    assert matching.closes_at(store, shift, NOW) == shift.ends_at - timedelta(minutes=15)
    assert matching.closes_at(store, shift, shift.ends_at - timedelta(minutes=20)) == shift.ends_at
    late = make.shift(make.associate(store), ends_at=cutoff + timedelta(hours=1))
    assert matching.closes_at(store, late, NOW) == cutoff


def test_the_board_opens_with_the_shifts_end_and_shows_what_fits() -> None:
    store = make.store()
    person = make.associate(store, limits={"max_package_weight_g": 5_000})
    shift = make.shift(person, ends_at=NOW)
    light, heavy = make.package(store), make.package(store, weight_g=9_000)
    assert matching.board(person, NOW - timedelta(minutes=1)) == []
    shown = [package for package, _planned in matching.board(person, NOW + timedelta(minutes=1))]
    assert shown == [light]
    assert heavy not in shown
    [(_, planned)] = matching.board(person, NOW + timedelta(minutes=1))
    now = NOW + timedelta(minutes=2)
    trip = claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=now, key=uuid4())
    assert trip.shift == shift
    assert matching.board(person, now) == []
    with pytest.raises(claims.AlreadyTaken):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=now, key=uuid4())


def test_after_the_shift_a_trip_leaves_now_and_the_wait_is_in_the_quote() -> None:
    store = make.store()
    person = make.associate(store)
    shift = make.shift(person, ends_at=NOW - timedelta(minutes=45))
    package = make.package(store, deliver_by=NOW + timedelta(minutes=5))
    [(_, early)] = matching.board(person, NOW - timedelta(minutes=44))
    assert early.quote.paid_s < 40 * 60
    assert matching.board(person, NOW) == [], "leaving now it would come after its promise"
    package = make.package(store)
    late = dict(matching.board(person, NOW))[package]
    assert late.quote.paid_s >= 45 * 60
    assert late.quote.extra_s < 40 * 60
    for later in (1, 4):
        again = matching.quoting.plan_trip(person, shift, [package], now=NOW + timedelta(minutes=later))
        assert again.quote.digest == late.quote.digest, "it stands still while it is read"


def test_nobody_is_offered_less_for_an_extra_hour_than_they_ask() -> None:
    store = make.store()
    person = make.associate(store, limits={"floor_cents_per_hour": 9_999_900})
    shift = make.shift(person)
    package = make.package(store)
    round_ = matching.run_round(store=store, now=NOW)
    assert round_ is not None
    assert round_.offers_sent == 0
    with pytest.raises(matching.quoting.DoesNotFit) as no:
        matching.quoting.plan_trip(person, shift, [package])
    assert no.value.reason == "below_floor"


def test_the_board_is_closed_before_the_shift_ends() -> None:
    store = make.store()
    person = make.associate(store)
    shift = make.shift(person, ends_at=NOW + timedelta(minutes=30))
    planned = matching.quoting.plan_trip(person, shift, [make.package(store)])
    with pytest.raises(claims.BoardClosed):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())


def test_a_part_claim_leaves_no_trace_of_what_was_left_out() -> None:
    store = make.store()
    person = make.associate(store)
    shift = make.shift(person)
    packages = [make.package(store) for _ in range(3)]
    matching.run_round(store=store, now=NOW)
    offer = Offer.objects.get()
    part = matching.quoting.plan_trip(person, shift, packages[:2])
    trip = claims.claim(planned=part, shown=part.quote.digest, by=person, now=NOW, key=uuid4(), offer=offer)
    assert trip.pay_cents == part.quote.cents
    assert offer.lines.count() == 2
    left = Package.objects.get(pk=packages[2].pk)
    assert left.state == PackageState.STAGED
    release = Event.objects.get(package=left, verb="release")
    assert (release.by_kind, release.by_user, release.trip, release.reason) == ("system", None, None, "")


def test_a_lapsed_offer_and_one_said_no_to_look_the_same() -> None:
    """What remains in the database after "not tonight" and after silence differs in nothing but ids and times."""
    traces = []
    for say_no in (True, False):
        store = make.store()
        person = make.associate(store)
        make.shift(person)
        package = make.package(store)
        matching.run_round(store=store, now=NOW)
        offer = Offer.objects.get(associate=person)
        if say_no:
            offers.not_tonight(offer=offer, by=person, now=NOW)
        else:
            offers.lapse(offer=offer, now=offer.expires_at)
        offer.refresh_from_db()
        event = Event.objects.filter(package=package).latest("version")
        traces.append(
            (offer.state, event.verb, event.by_kind, event.by_user_id, event.by_name, event.reason, event.trip_id)
        )
    assert traces[0] == traces[1]
    assert traces[0][0] == OfferState.LAPSED


def test_what_would_miss_its_promise_goes_to_the_carrier_early() -> None:
    store = make.store(carrier_lead_minutes=45)
    urgent = make.package(store, deliver_by=NOW + timedelta(minutes=40))
    make.package(store, deliver_by=NOW + timedelta(minutes=60))
    assert matching.leftovers(store, NOW) == [urgent]


def test_seconds_of_the_evening_survive_the_end_of_daylight_saving_time() -> None:
    """On 1 November 2026 New Jersey lives 1:30 twice. Elapsed time counts, not the clock on the wall."""
    store = make.store()
    person = make.associate(store)
    shift = make.shift(person, ends_at=datetime(2026, 11, 1, 23, 0, tzinfo=UTC))  # 18:00 EST
    evening = matching.quoting.evening_of(store, date(2026, 11, 1), [(person, shift)], [])
    assert evening.problem.associates[0].shift_end_s == 19 * 3600


def test_the_board_plans_the_most_promising_first_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred packages wait and somebody opens the page: it plans as many as it needs, or until its time is over."""
    store = make.store()
    person = make.associate(store, limits={"max_extra_minutes": 60})
    make.shift(person, ends_at=make.EVENING - timedelta(minutes=5))
    for number in range(30):
        make.package(store, at=Point(store.lat + (number % 15) * 0.002, store.lon + number * 0.0003))
    tried = []
    plan = quoting.plan_trip

    def counted(*args: Any, **options: Any) -> Any:
        tried.append(args)
        return plan(*args, **options)

    monkeypatch.setattr(quoting, "plan_trip", counted)
    found = matching.board(person, make.EVENING, most=3)
    assert len(found) == 3
    assert 3 <= len(tried) < 30
    monkeypatch.setattr(matching, "BOARD_SECONDS", -1)
    assert matching.board(person, make.EVENING) == []
