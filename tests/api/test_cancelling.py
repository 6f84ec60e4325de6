"""The retailer cancels packages and moves shifts: nobody is left with a promise that does not hold."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from associates.models import Associate, Shift
from deliveries import actors, quoting
from deliveries.actions import Refused, cancelling, claims, handover, offers, swaps, trips
from deliveries.models import Event, LedgerEntry, Notice, Offer, Package, Swap, Trip
from deliveries.notices import owed, sending
from deliveries.states import OfferState, PackageState, TripState
from stores.models import Store
from stores.places import Point
from tests import make
from tests.intake.rows import faults, shift, take_shifts
from tests.staff.world import claimed, offer_to

from .conftest import System

NOW = make.EVENING
FEED = actors.retailer("Order system")


@pytest.fixture
def ana(store: Store) -> tuple[Associate, Shift]:
    person = make.associate(store)
    return person, make.shift(person, ends_at=NOW + timedelta(hours=1), reference="S-1")


def cancel(system: System, package: Package, **headers: str) -> Any:
    return system.send(f"/api/v1/packages/{package.reference}/cancel?store={package.store.number}", {}, **headers)


def moved(ana: tuple[Associate, Shift], **cells: Any) -> dict[str, Any]:
    """Ana's shift as the feed sends it; its times are the store's."""
    person, when = ana
    store, worker = person.store, person.employee
    row = shift(
        store, 1, employee=worker.reference, first_name=worker.first_name, last_name=worker.last_name,
        birth_date=str(worker.birth_date), starts_at=when.starts_at.isoformat(), ends_at=when.ends_at.isoformat(),
    )  # fmt: skip
    return {**row, **cells}


# --- Packages -----------------------------------------------------------------------------------------------------------
def test_a_package_on_the_bay_is_cancelled_once(system: System, store: Store) -> None:
    package = make.package(store)
    for _time in range(2):
        answer = cancel(system, package)
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    event = package.events.get(verb="cancel")
    assert (event.by_kind, event.by_name) == ("retailer", "Order system")


def test_an_open_offer_goes_back_whole_and_is_planned_anew(system: System, store: Store, ana: Any) -> None:
    package, other = make.package(store), make.package(store)
    offer = offer_to(*ana, [package, other], now=NOW, until=NOW + timedelta(minutes=30))
    assert cancel(system, package).status_code == 200
    offer.refresh_from_db()
    assert offer.state == OfferState.WITHDRAWN
    assert set(Package.objects.values_list("pk", "state")) == {
        (package.pk, PackageState.CANCELLED), (other.pk, PackageState.STAGED),
    }  # fmt: skip


def test_what_was_claimed_keeps_the_pay_that_was_promised(
    system: System, store: Store, ana: Any, django_capture_on_commit_callbacks: Any
) -> None:
    package, other = make.package(store), make.package(store)
    trip = claimed(*ana, [package, other], now=NOW)
    promised = trip.pay_cents
    with django_capture_on_commit_callbacks(execute=True):
        assert cancel(system, package).status_code == 200
    trip.refresh_from_db()
    assert (trip.state, trip.pay_cents, trip.called_off) == (TripState.PLANNED, promised, False)
    assert [p.pk for p in trip.packages.all()] == [other.pk]
    assert trip.stops.count() == 1
    assert Notice.objects.filter(associate=ana[0], kind="trip_changed", trip=trip).exists()
    later = NOW + timedelta(hours=1)
    handover.load(trip=trip, label=other.label, by=actors.associate(ana[0].user_id), now=later)
    trips.depart(trip=trip, by=ana[0], now=later)


def test_a_trip_of_which_nothing_is_left_pays_all_the_same(system: System, store: Store, ana: Any) -> None:
    package = make.package(store)
    trip = claimed(*ana, [package], now=NOW)
    assert cancel(system, package).status_code == 200
    trip.refresh_from_db()
    assert (trip.state, trip.called_off) == (TripState.ABANDONED, True)
    trips.settle(trip=trip, now=NOW + timedelta(hours=2))
    trip.refresh_from_db()
    assert trip.paid_cents is not None
    assert trip.paid_cents >= trip.pay_cents > 0
    assert sum(LedgerEntry.objects.filter(trip=trip).values_list("cents", flat=True)) == trip.paid_cents


def test_what_is_in_somebodys_hands_is_not_cancelled(system: System, store: Store, ana: Any, is_problem: Any) -> None:
    package = make.package(store)
    trip = claimed(*ana, [package], now=NOW)
    handover.load(trip=trip, label=package.label, by=actors.associate(ana[0].user_id), now=NOW)
    is_problem(cancel(system, package), 409, "in_hand")


def test_what_is_over_is_not_cancelled(system: System, store: Store, is_problem: Any) -> None:
    from deliveries.actions import carriers

    package = make.package(store)
    carriers.tender(store=store, packages=[package], by=actors.system("test"), now=NOW, reason="late")
    is_problem(cancel(system, package), 409, "already_over")


def test_another_stores_package_is_not_there(store: Store, is_problem: Any) -> None:
    package = make.package(store)
    elsewhere = System(make.store())
    is_problem(cancel(elsewhere, package), 404, "not_found")
    is_problem(elsewhere.send(f"/api/v1/packages/{package.reference}/tracking-link?store={store.number}"), 404)


def test_the_database_lets_only_a_trip_that_never_left_be_called_off(store: Store, ana: Any) -> None:
    trip = claimed(*ana, [make.package(store)], now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Trip.objects.filter(pk=trip.pk).update(called_off=True)


# --- Shifts -------------------------------------------------------------------------------------------------------------
def test_a_shift_moves_by_a_higher_version_and_not_by_a_lower_one(store: Store) -> None:
    take_shifts([shift(store, version="2")])
    made = Shift.objects.get()
    late = take_shifts([shift(store, version="1", ends_at="2026-11-24T20:00")])
    assert (late.skipped, late.read, late.rejected) == (1, 1, 0)
    assert [fault.code for fault in late.warnings] == ["older_version"]
    assert faults(take_shifts([shift(store, version="2", ends_at="2026-11-24T20:00")])) == [(2, "shift", "conflict")]
    assert faults(take_shifts([shift(store, ends_at="2026-11-24T20:00")])) == [(2, "shift", "conflict")]
    newer = take_shifts([shift(store, version="3", ends_at="2026-11-24T22:00")])
    assert (newer.accepted, faults(newer)) == (1, [])
    assert Shift.objects.get().ends_at == made.ends_at + timedelta(hours=1)
    assert take_shifts([shift(store, version="3", ends_at="2026-11-24T22:00")]).unchanged == 1


def test_a_cancelled_shift_is_gone_and_a_late_message_does_not_bring_it_back(store: Store) -> None:
    take_shifts([shift(store, version="1")])
    assert take_shifts([shift(store, version="2", cancelled="true")]).accepted == 1
    assert not Shift.objects.exists()
    assert Shift.everything.get().cancelled_at is not None
    assert take_shifts([shift(store, version="1")]).skipped == 1
    assert faults(take_shifts([shift(store, cancelled="true")])) == [(2, "version", "missing")]
    # Its hours are free for another, and it comes back by a higher version.
    assert take_shifts([shift(store, shift="S-2", starts_at="2026-11-24T14:00")]).accepted == 1
    assert faults(take_shifts([shift(store, version="3")])) == [(2, "starts_at", "overlap")]


def test_cancelled_before_it_was_ever_known(store: Store) -> None:
    assert take_shifts([shift(store, version="2", cancelled="true")]).accepted == 1
    assert take_shifts([shift(store, version="1")]).skipped == 1
    assert not Shift.objects.exists()


def test_a_file_that_moves_a_shift_twice_ends_with_the_last(store: Store) -> None:
    take_shifts([shift(store, version="1")])
    report = take_shifts(
        [shift(store, version="2", ends_at="2026-11-24T22:00"), shift(store, version="3", ends_at="2026-11-24T20:30")]
    )
    assert (report.accepted, faults(report)) == (2, [])
    assert f"{Shift.objects.get().ends_at:%H:%M}" == "01:30"


def test_an_open_offer_of_a_moved_shift_goes_back(store: Store, ana: Any) -> None:
    package = make.package(store)
    offer = offer_to(*ana, [package], now=NOW, until=NOW + timedelta(minutes=30))
    ends = (ana[1].ends_at + timedelta(minutes=30)).isoformat()
    assert faults(take_shifts([moved(ana, version="1", ends_at=ends)])) == []
    offer.refresh_from_db()
    package.refresh_from_db()
    assert (offer.state, package.state) == (OfferState.WITHDRAWN, PackageState.STAGED)


def test_a_claimed_trip_stands_when_its_shift_moves_and_its_person_is_told(store: Store, ana: Any) -> None:
    trip = claimed(*ana, [make.package(store)], now=NOW)
    promised = trip.pay_cents
    ends = (ana[1].ends_at + timedelta(minutes=30)).isoformat()
    assert faults(take_shifts([moved(ana, version="1", ends_at=ends)])) == []
    trip.refresh_from_db()
    assert (trip.state, trip.pay_cents, trip.packages.count()) == (TripState.PLANNED, promised, 1)
    assert Notice.objects.get(associate=ana[0], trip=trip).kind == "shift_moved"


def test_what_would_miss_its_promise_leaves_the_trip_and_not_the_pay(store: Store, ana: Any) -> None:
    soon = make.package(store, deliver_by=NOW + timedelta(hours=2))
    later = make.package(store, deliver_by=NOW + timedelta(hours=6))
    trip = claimed(*ana, [soon, later], now=NOW)
    promised = trip.pay_cents
    ends = (ana[1].ends_at + timedelta(hours=1, minutes=30)).isoformat()
    assert faults(take_shifts([moved(ana, version="1", ends_at=ends)])) == []
    trip.refresh_from_db()
    soon.refresh_from_db()
    assert soon.state == PackageState.STAGED
    assert [p.pk for p in trip.packages.all()] == [later.pk]
    assert (trip.state, trip.pay_cents) == (TripState.PLANNED, promised)


def test_a_cancelled_shift_ends_its_trip(store: Store, ana: Any) -> None:
    package = make.package(store)
    trip = claimed(*ana, [package], now=NOW)
    assert faults(take_shifts([moved(ana, version="1", cancelled="true")])) == []
    trip.refresh_from_db()
    package.refresh_from_db()
    assert (trip.state, trip.called_off, package.state) == (TripState.ABANDONED, True, PackageState.STAGED)
    assert trip.settled_at is None
    settled = trips.settle(trip=trip, now=NOW + timedelta(hours=2))
    assert settled.paid_cents is not None
    assert settled.paid_cents >= trip.pay_cents > 0, "what was promised for an evening kept free is paid"


def test_a_trip_that_a_moved_shift_leaves_empty_is_over_and_pays(store: Store, ana: Any) -> None:
    package = make.package(store, deliver_by=NOW + timedelta(hours=2))
    trip = claimed(*ana, [package], now=NOW)
    ends = (ana[1].ends_at + timedelta(hours=1, minutes=30)).isoformat()
    assert faults(take_shifts([moved(ana, version="1", ends_at=ends)])) == []
    trip.refresh_from_db()
    package.refresh_from_db()
    assert package.state == PackageState.STAGED
    assert (trip.state, trip.called_off, trip.stops.count()) == (TripState.ABANDONED, True, 0)


def test_once_the_trip_has_begun_the_shift_stands(store: Store, ana: Any) -> None:
    package = make.package(store)
    trip = claimed(*ana, [package], now=NOW)
    handover.load(trip=trip, label=package.label, by=actors.associate(ana[0].user_id), now=NOW)
    ends = (ana[1].ends_at + timedelta(minutes=30)).isoformat()
    before = Shift.objects.values().get(pk=ana[1].pk)
    for cells in ({"ends_at": ends}, {"cancelled": "true"}):
        report = take_shifts([moved(ana, version="1", **cells), shift(store, 7)])
        assert faults(report) == [(2, "ends_at", "trip_begun")]
        assert report.accepted + report.unchanged == 1, "the good row is kept"
        assert Shift.objects.filter(pk=ana[1].pk).values().get() == before


def test_a_cancelled_package_is_on_no_trip_and_a_stale_quote_claims_nothing(store: Store, ana: Any) -> None:
    """The quote was made, then the retailer cancelled: the tap is refused, nothing half claimed."""
    person, when = ana
    package = make.package(store)
    Shift.objects.update(ends_at=NOW - timedelta(minutes=5))
    when.refresh_from_db()
    planned = quoting.plan_trip(person, when, [package], now=NOW)
    cancelling.cancel(package=package, by=FEED, now=NOW, reason="off")
    with pytest.raises(Refused):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())
    assert not Trip.objects.exists()
    assert not Offer.objects.exists()


# --- What was planned from the shift as it was --------------------------------------------------------------------------
@pytest.mark.parametrize("cells", [{"ends_at": "2026-11-24T19:40"}, {"cancelled": "true"}], ids=["moved", "cancelled"])
def test_a_quote_from_before_the_shift_changed_claims_nothing(store: Store, ana: Any, cells: dict[str, str]) -> None:
    person, when = ana
    Shift.objects.update(ends_at=NOW - timedelta(minutes=5))
    when.refresh_from_db()
    planned = quoting.plan_trip(person, when, [make.package(store)], now=NOW)
    assert faults(take_shifts([moved(ana, version="1", **cells)])) == []
    with pytest.raises(claims.ShiftChanged):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())
    assert not Trip.objects.exists()


@pytest.mark.parametrize("cells", [{"ends_at": "2026-11-24T19:40"}, {"cancelled": "true"}], ids=["moved", "cancelled"])
def test_an_offer_from_before_the_shift_changed_is_not_sent(store: Store, ana: Any, cells: dict[str, str]) -> None:
    planned = quoting.plan_trip(*ana, [make.package(store)], now=NOW)
    assert faults(take_shifts([moved(ana, version="1", **cells)])) == []
    found = offers.Planned(1, 1, "optimal", 0, 0, 0.1, [(planned, NOW + timedelta(minutes=30))])
    round_ = offers.send_round(store=store, slot_at=NOW, planned=found, by=actors.system("rounds"), now=NOW)
    assert round_ is not None
    assert round_.offers_sent == Offer.objects.count() == 0


def test_what_would_bring_somebody_home_too_late_leaves_the_trip_and_not_the_pay(store: Store) -> None:
    """Home by eight is theirs to wish; the far door, last of the two, no longer goes with it, the near one does."""
    person = make.associate(store, limits={"home_by": time(20)})
    when = make.shift(person, ends_at=NOW + timedelta(hours=1), reference="S-1")
    near = make.package(store, deliver_by=NOW + timedelta(hours=6))
    far = make.package(store, deliver_by=NOW + timedelta(hours=6), at=Point(store.lat - 0.3, store.lon))
    trip = claimed(person, when, [near, far], now=NOW)
    promised = trip.pay_cents
    ends = (when.ends_at + timedelta(minutes=20)).isoformat()
    assert faults(take_shifts([moved((person, when), version="1", ends_at=ends)])) == []
    trip.refresh_from_db()
    assert [p.pk for p in trip.packages.all()] == [near.pk]
    assert (trip.state, trip.pay_cents) == (TripState.PLANNED, promised)
    assert far.events.latest("pk").reason == "shift moved", "staff read no limit and no way home out of it"


def test_a_shift_that_ends_earlier_takes_nothing_off(store: Store) -> None:
    person = make.associate(store, limits={"home_by": time(18)})  # lowered after the claim
    when = make.shift(person, ends_at=NOW + timedelta(hours=1), reference="S-1")
    trip = claimed(person, when, [make.package(store)], now=NOW)
    ends = (when.ends_at - timedelta(minutes=20)).isoformat()
    assert faults(take_shifts([moved((person, when), version="1", ends_at=ends)])) == []
    assert trip.packages.count() == 1


def test_a_longer_day_is_looked_at_when_only_its_start_moves(store: Store, ana: Any) -> None:
    """Thirteen hours from clocking in to being home, at most; nobody is told of a move that changes nothing for them."""
    trip = claimed(*ana, [make.package(store, deliver_by=NOW + timedelta(hours=6))], now=NOW)
    for hours, kept in ((9, 1), (15, 0)):
        starts = (ana[1].ends_at - timedelta(hours=hours)).isoformat()
        assert faults(take_shifts([moved(ana, version=str(hours), starts_at=starts)])) == []
        trip.refresh_from_db()
        assert trip.packages.count() == kept
        assert not Notice.objects.filter(kind="shift_moved").exists()
    assert trip.called_off


def test_a_question_about_a_swap_ends_with_the_shift_it_was_about(store: Store, ana: Any) -> None:
    person, when = ana
    package = make.package(store)
    trip = claimed(person, when, [package], now=NOW)
    swaps.ask(trip=trip, packages=[package], colleague=make.associate(store), rest=None, shown="", by=person, now=NOW)
    ends = (when.ends_at + timedelta(minutes=20)).isoformat()
    assert faults(take_shifts([moved(ana, version="1", ends_at=ends)])) == []
    assert not Swap.objects.exists()


# --- The rest before a shift of the next day, and the leads --------------------------------------------------------------
def next_day(person: Any, at: str = "2026-11-25T09:00") -> dict[str, str]:
    """The row of their shift of tomorrow morning."""
    worker = person.employee
    return shift(
        person.store, 0, employee=worker.reference, first_name=worker.first_name, last_name=worker.last_name,
        birth_date=str(worker.birth_date), shift="S-TOMORROW", starts_at=at, ends_at="2026-11-25T17:00",
    )  # fmt: skip


def test_a_shift_of_the_next_day_that_begins_earlier_is_looked_at_from_tonights_trip(store: Store, ana: Any) -> None:
    """Rest between coming home and clocking in: what would cut into it leaves the trip, and no cent of the pay."""
    person, when = ana
    take_shifts([next_day(person)])
    near = make.package(store, deliver_by=NOW + timedelta(hours=6))
    far = make.package(store, deliver_by=NOW + timedelta(hours=6), at=Point(store.lat - 0.15, store.lon))
    trip = claimed(person, when, [near, far], now=NOW)
    promised = trip.pay_cents
    assert faults(take_shifts([next_day(person, "2026-11-25T08:45") | {"version": "1"}])) == []
    assert trip.packages.count() == 2, "a quarter of an hour earlier leaves rest enough"
    # As early as leaves time for the near door and not for the far one.
    early = when.ends_at + timedelta(minutes=40 + store.rest_minutes)
    assert faults(take_shifts([next_day(person, early.isoformat()) | {"version": "2"}])) == []
    trip.refresh_from_db()
    assert [p.pk for p in trip.packages.all()] == [near.pk]
    assert (trip.state, trip.pay_cents) == (TripState.PLANNED, promised)
    assert far.events.latest("pk").reason == "shift moved"


def test_a_next_shift_that_begins_later_takes_nothing_off(store: Store, ana: Any) -> None:
    person, when = ana
    early = when.ends_at + timedelta(minutes=5 + store.rest_minutes)
    take_shifts([next_day(person, early.isoformat())])
    trip = claimed(person, when, [make.package(store, deliver_by=NOW + timedelta(hours=6))], now=NOW)
    later = (early + timedelta(minutes=1)).isoformat()
    assert faults(take_shifts([next_day(person, later) | {"version": "1"}])) == []
    assert trip.packages.count() == 1


@pytest.mark.parametrize("known", [False, True], ids=["new", "brought back"])
def test_a_shift_of_the_next_day_that_is_added_is_looked_at_like_a_moved_one(
    store: Store, ana: Any, known: bool
) -> None:
    person, when = ana
    early = (when.ends_at + timedelta(minutes=40 + store.rest_minutes)).isoformat()
    if known:
        take_shifts([next_day(person, early) | {"version": "1", "cancelled": "true"}])
    near = make.package(store, deliver_by=NOW + timedelta(hours=6))
    far = make.package(store, deliver_by=NOW + timedelta(hours=6), at=Point(store.lat - 0.15, store.lon))
    trip = claimed(person, when, [near, far], now=NOW)
    promised = trip.pay_cents
    assert faults(take_shifts([next_day(person, early) | {"version": "2"}])) == []
    trip.refresh_from_db()
    assert [p.pk for p in trip.packages.all()] == [near.pk]
    assert (trip.state, trip.pay_cents) == (TripState.PLANNED, promised)
    assert far.events.latest("pk").reason == "shift moved"


@pytest.mark.parametrize(("rest", "state"), [(5, "staged"), (120, "offered")])
def test_an_open_offer_that_would_cut_into_the_rest_before_a_new_shift_goes_back(
    store: Store, ana: Any, rest: int, state: str
) -> None:
    person, when = ana
    package = make.package(store, deliver_by=NOW + timedelta(hours=6))
    offer_to(person, when, [package], now=NOW, until=NOW + timedelta(minutes=30))
    early = (when.ends_at + timedelta(minutes=rest + store.rest_minutes)).isoformat()
    assert faults(take_shifts([next_day(person, early)])) == []
    package.refresh_from_db()
    assert package.state == state


def test_a_quote_from_before_a_new_early_shift_claims_nothing(store: Store, ana: Any) -> None:
    """Planned, then the file came, then the tap; also where the day got longer and its end stayed. An easier day refuses
    nothing."""
    person, when = ana
    when.ends_at = NOW - timedelta(minutes=1)
    when.save()
    package = make.package(store, deliver_by=NOW + timedelta(hours=6))
    planned = quoting.plan_trip(person, when, [package], now=NOW)
    take_shifts([next_day(person)])
    with pytest.raises(claims.ShiftChanged):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())
    planned = quoting.plan_trip(person, when, [package], now=NOW)
    when.starts_at -= timedelta(minutes=1)
    when.save()
    with pytest.raises(claims.ShiftChanged):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())
    planned = quoting.plan_trip(person, when, [package], now=NOW)
    later = next_day(person, "2026-11-25T10:00") | {"version": "1"}
    assert faults(take_shifts([later])) == []
    assert (
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4()).packages.count() == 1
    )


def test_leads_are_told_once_what_moved_shifts_brought_back(
    store: Store, ana: Any, django_capture_on_commit_callbacks: Any
) -> None:
    lead = make.staff(store)
    make.staff(store, "bay")
    make.staff(make.store())
    ben = make.associate(store)
    both = [ana, (ben, make.shift(ben, ends_at=ana[1].ends_at, reference="S-BEN"))]
    packages = [make.package(store), make.package(store)]
    for each, package in zip(both, packages, strict=True):
        claimed(*each, [package], now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        assert (
            faults(take_shifts([moved(each, shift=each[1].reference, version="1", cancelled="true") for each in both]))
            == []
        )
    owed.write_down(Event.objects.all(), now=NOW)
    [notice] = Notice.objects.filter(kind="shifts_moved")
    assert notice.member is not None
    assert notice.member.user == lead
    write = sending._still_true(notice, NOW)
    assert write is not None
    assert write().subject == "2 claimed packages came back"
    for package in packages:
        package.refresh_from_db()
        cancelling.cancel(package=package, by=FEED, now=NOW, reason="off")
    assert sending._still_true(notice, NOW) is None, "nothing is left to look after"
