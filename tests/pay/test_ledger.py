"""The ledger in a real database: settlement with the week in it, corrections, disputes, the week's end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from associates.models import Associate
from deliveries import actors, hours, matching, pay, quoting, tasks
from deliveries.actions import ledger, trips
from deliveries.models import Dispute, LedgerEntry, Trip
from deliveries.states import DisputeState
from stores.models import PayPlan
from stores.places import Point
from tests import make

from . import made

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)  # 18:00 in New Jersey
LATER = MONDAY + timedelta(days=40)
STAFF = actors.system("test")


def worker(*, wage: int | None = 2000, **store: object) -> Associate:
    person = make.associate(make.store(**store))
    person.employee.wage_cents = wage
    person.employee.save()
    return person


def cents(trip: Trip, *kinds: str) -> int:
    rows = LedgerEntry.objects.filter(trip=trip)
    return sum((rows.filter(kind__in=kinds) if kinds else rows).values_list("cents", flat=True))


def reread(trip: Trip) -> Trip:
    return Trip.objects.get(pk=trip.pk)


# --- The workweek --------------------------------------------------------------------------------------------------------
def test_the_fifth_evening_of_a_full_week_pays_a_premium_and_the_first_does_not() -> None:
    person = worker()
    days = made.shifts(person, MONDAY, 5)
    first, last = made.settled(person, days[0]), made.settled(person, days[4])
    assert cents(first, "overtime") == 0
    # 40 h at $20.00 and $11.00 for Monday's half hour; this trip's half hour and $11.00 more.
    week = pay.Week(40 * 3600 + 1800, 80_000 + cents(first, "time", "packages"))
    assert cents(last, "overtime") == pay.overtime_due(week, 1800, cents(last, "time", "packages")) > 0
    assert last.paid_cents == cents(last) == last.pay_cents


def test_each_workweek_stands_alone_and_begins_on_the_stores_day() -> None:
    """29 CFR 778.104: six shifts in a row are one week or two, by the store's setting."""
    saturday = MONDAY + timedelta(days=5)
    for starts_on, premium in ((0, True), (5, False)):
        person = worker(workweek_starts_on=starts_on)
        days = made.shifts(person, MONDAY, 6)
        assert days[5].ends_at == saturday
        assert (cents(made.settled(person, days[5]), "overtime") > 0) == premium


def test_a_week_whose_clock_changes_counts_elapsed_hours() -> None:
    """Saturday night to Sunday, 1 November 2026: eight hours on the wall are nine worked, so this trip is beyond 40."""
    person = worker()
    made.shifts(person, datetime(2026, 10, 26, 22, 0, tzinfo=UTC), 4, long=timedelta(hours=7, minutes=45))
    night = make.shift(
        person,
        starts_at=datetime(2026, 11, 1, 2, 0, tzinfo=UTC),  # 22:00 EDT
        ends_at=datetime(2026, 11, 1, 11, 0, tzinfo=UTC),  # 6:00 EST
    )
    assert hours.before_trips(person.store, [(person, night)])[person.pk].week.worked_s == 40 * 3600
    assert cents(made.settled(person, night), "overtime") > 0


def test_an_unknown_wage_is_said_and_the_trips_own_rate_is_used() -> None:
    person = worker(wage=None)
    days = made.shifts(person, MONDAY, 5)
    trip = made.settled(person, days[4])
    assert trip.promise.week == pay.Week(40 * 3600, None)
    assert cents(trip, "overtime") == -(-cents(trip, "time", "packages") // 2)


def test_overtime_that_turns_out_lower_is_not_taken_back() -> None:
    person = worker()
    days = made.shifts(person, MONDAY, 5)
    quote = made.quote_for(person, days[4])
    promised = sum(line.cents for line in quote.lines if line.kind == "overtime")
    days[0].delete()  # the roster takes Monday back after the quote
    trip = trips.settle(trip=made.over(person, days[4], quote), now=days[4].ends_at + timedelta(hours=1))
    assert cents(trip, "overtime") == promised > 0


def test_overtime_that_turns_out_higher_is_added_at_settlement() -> None:
    person = worker()
    friday = made.shifts(person, MONDAY, 5)[4]
    quote = made.quote_for(person, friday)
    # A shift that the roster had not named when the quote was made.
    make.shift(person, ends_at=MONDAY - timedelta(hours=9), starts_at=MONDAY - timedelta(hours=12))
    trip = trips.settle(trip=made.over(person, friday, quote), now=friday.ends_at + timedelta(hours=1))
    assert trip.paid_cents is not None
    assert trip.paid_cents > trip.pay_cents
    assert cents(trip, "overtime") > sum(line.cents for line in quote.lines if line.kind == "overtime")


def test_a_week_that_grew_after_its_trips_is_made_good_once() -> None:
    person = worker()
    days = made.shifts(person, MONDAY, 5)
    early = [made.settled(person, day, minutes=30) for day in days[:2]]
    assert all(cents(trip, "overtime") == 0 for trip in early)
    week = hours.week_of(person.store, MONDAY)
    with pytest.raises(ValueError, match="The workweek ends at"):
        ledger.close_week(associate=person, week=week, now=MONDAY)
    [line] = ledger.close_week(associate=person, week=week, now=LATER)
    straight = sum(cents(trip, "time", "packages") for trip in early)
    assert line.cents == pay.overtime_due(pay.Week(40 * 3600, 80_000), 3600, straight) > 0
    assert (line.trip_id, line.kind, line.reason) == (early[1].pk, "overtime", "2026-11-23")
    assert ledger.close_week(associate=person, week=week, now=LATER) == [], "once is enough"
    assert reread(early[1]).paid_cents == cents(early[1])


def test_the_weekly_look_adds_nothing_where_trips_knew_their_week() -> None:
    person = worker()
    trips_ = [made.settled(person, day) for day in made.shifts(person, MONDAY, 6)]
    assert cents(trips_[5], "overtime") > 0
    # Six trips, the first four without a premium: what they brought beyond forty hours is what is still missing.
    week = hours.week_of(person.store, MONDAY)
    worked = hours.of_weeks(person, [week])[week]
    ledger.close_week(associate=person, week=week, now=LATER)
    due = pay.overtime_due(worked.store, worked.trip_s, int(worked.trip_cents))
    assert due <= sum(cents(trip, "overtime") for trip in trips_) <= due + 6


def test_the_sweep_closes_weeks_that_are_over_for_every_store(monkeypatch: pytest.MonkeyPatch) -> None:
    person = worker()
    made.settled(person, made.shifts(person, MONDAY, 5)[0])
    sent: list[int] = []
    monkeypatch.setattr(tasks.close_weeks, "delay", sent.append)
    for now, premium in (
        (MONDAY + timedelta(days=4), 0),
        (MONDAY + timedelta(days=9), 1),
        (MONDAY + timedelta(days=9), 1),
    ):
        with time_machine.travel(now, tick=False):
            tasks.find_weeks()
            tasks.close_weeks(sent[-1])
        assert LedgerEntry.objects.filter(kind="overtime").count() == premium
    assert sent == [person.store_id] * 3


# --- Rates by date -------------------------------------------------------------------------------------------------------
def test_a_new_plan_changes_no_earlier_quote() -> None:
    person = worker()
    monday, tuesday = made.shifts(person, MONDAY, 2)
    before = made.quote_for(person, monday)
    PayPlan.objects.create(
        store=person.store, effective_from=date(2026, 11, 24), hourly_cents=2000, per_package_cents=100,
        mileage_tenth_cents=760,
    )  # fmt: skip
    assert made.quote_for(person, monday) == before
    trip = trips.settle(trip=made.over(person, monday, before), now=LATER)
    assert {line.kind: line.rate for line in LedgerEntry.objects.filter(trip=trip)}["mileage"] == 725
    assert {line.kind: line.rate for line in made.quote_for(person, tuesday).lines}["mileage"] == 760
    # Past midnight it is still the evening before.
    night = make.shift(person, ends_at=MONDAY + timedelta(hours=7), starts_at=MONDAY + timedelta(hours=3))
    assert made.quote_for(person, night).version.endswith("2026-01-01")


def test_a_plan_below_the_states_minimum_is_refused_and_one_the_law_overtook_pays_the_law() -> None:
    nj, ar = make.store(), make.store(state="AR")
    low = {"effective_from": date(2026, 6, 1), "hourly_cents": 1200, "per_package_cents": 100}
    PayPlan.objects.create(store=ar, **low)
    with pytest.raises(ValidationError, match=r"\$15\.92 an hour"):
        PayPlan(store=nj, **low).full_clean()
    with pytest.raises(IntegrityError, match="pay_plan_above_state_minimum"), transaction.atomic():
        PayPlan.objects.create(store=nj, **low)
    old = PayPlan.objects.create(
        store=nj, effective_from=date(2025, 1, 1), hourly_cents=1549, per_package_cents=100, mileage_tenth_cents=700
    )
    rule = quoting.rates(old, date(2026, 1, 5))
    assert (rule.hourly_cents, rule.minimum_cents) == (1592, 1592)
    assert rule.version == f"{nj.number}/2025-01-01+min1592"
    # An evening that runs into the year in which the minimum rises.
    assert quoting.rates(old, date(2025, 12, 31)).hourly_cents == 1592
    assert quoting.rates(old, date(2025, 12, 30)).hourly_cents == 1549


def test_mileage_below_what_the_car_costs_is_topped_up() -> None:
    person = worker()
    PayPlan.objects.create(
        store=person.store, effective_from=date(2026, 11, 1), hourly_cents=1592, per_package_cents=0,
        mileage_tenth_cents=100,
    )  # fmt: skip
    trip = made.settled(person, make.shift(person, ends_at=MONDAY), minutes=30, metres=16_093)
    assert cents(trip, "minimum") == 625, "10 miles at 62.5 ¢ that mileage does not pay"
    week = hours.week_of(person.store, MONDAY)
    assert ledger.close_week(associate=person, week=week, now=LATER) == []


# --- Corrections ---------------------------------------------------------------------------------------------------------
def test_a_correction_is_a_new_line_with_reason_and_author_and_never_below_the_quote() -> None:
    person = worker()
    trip = made.settled(person, make.shift(person, ends_at=MONDAY), took=timedelta(hours=1))
    lead = actors.staff(make.staff(person.store).pk)
    above = (trip.paid_cents or 0) - trip.pay_cents
    assert above > 0

    for _ in range(2):
        line = ledger.correct(trip=trip, cents=250, reason=" Bridge  toll ", by=lead, now=LATER, key="a")
    assert (line.cents, line.reason, line.by_user_id) == (250, "Bridge toll", lead.user_id)
    assert reread(trip).paid_cents == cents(trip) == (trip.paid_cents or 0) + 250
    ledger.correct(trip=trip, cents=-(above + 250), reason="Counted twice", by=lead, now=LATER, key="b")
    assert reread(trip).paid_cents == trip.pay_cents
    with pytest.raises(ledger.BelowQuote):
        ledger.correct(trip=trip, cents=-1, reason="One cent more", by=lead, now=LATER, key="c")
    for amount, reason, no in (
        (0, "why", ledger.NoAmount),
        (100_001, "why", ledger.NoAmount),
        (5, " ", ledger.NothingSaid),
    ):
        with pytest.raises(no):
            ledger.correct(trip=trip, cents=amount, reason=reason, by=lead, now=LATER, key="d")
    with pytest.raises(ledger.NotSettled):
        ledger.correct(trip=make.trip(person), cents=5, reason="early", by=lead, now=LATER, key="e")


def test_a_trip_that_never_left_keeps_its_waiting() -> None:
    person = worker()
    trip = made.settled(person, make.shift(person, ends_at=MONDAY), took=timedelta(minutes=20), left=False)
    assert (trip.paid_cents, cents(trip)) == (None, 600)
    ledger.correct(trip=trip, cents=100, reason="More waiting", by=STAFF, now=LATER, key="a")
    ledger.correct(trip=trip, cents=-100, reason="It was not", by=STAFF, now=LATER, key="b")
    with pytest.raises(ledger.BelowQuote):
        ledger.correct(trip=trip, cents=-1, reason="Less", by=STAFF, now=LATER, key="c")
    assert cents(trip) == 600


def past_the_verb(line: dict[str, object]) -> None:
    """A line that the trip's sum does not know, and the look that a commit takes."""
    LedgerEntry.objects.create(key="past the verb", **line)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_holds_the_ledgers_promises() -> None:
    person = worker()
    trip = made.settled(person, make.shift(person, ends_at=MONDAY))
    line = {
        "store": person.store, "associate": person, "trip": trip, "kind": "correction", "quantity": 0, "rate": 0,
        "cents": 5, "rule_version": "v", "at": LATER, "reason": "because", "by_name": "test",
    }  # fmt: skip
    for name, change in (
        ("ledger_correction_says_why", {"reason": ""}),
        ("ledger_correction_says_who", {"by_name": ""}),
        ("ledger_correction_corrects", {"cents": 0}),
        ("ledger_kind_known", {"kind": "gift"}),
        ("ledger_pays_never_takes", {"kind": "time", "cents": -1}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            LedgerEntry.objects.create(key=name, **{**line, **change})
    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        past_the_verb(line)
    for change in ({"cents": 1}, {"reason": "nicer"}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            LedgerEntry.objects.filter(trip=trip).update(**change)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LedgerEntry.objects.filter(trip=trip)._raw_delete("default")  # type: ignore[attr-defined]


# --- Disputes ------------------------------------------------------------------------------------------------------------
def test_a_dispute_is_accepted_with_a_correction_or_explained() -> None:
    person = worker()
    trip = made.settled(person, make.shift(person, ends_at=MONDAY))
    lead = actors.staff(make.staff(person.store).pk)
    first = ledger.dispute(trip=trip, words="I waited ten minutes more", by=person, now=LATER)
    assert ledger.dispute(trip=trip, words="I waited ten  minutes more", by=person, now=LATER) == first
    with pytest.raises(ledger.AlreadyOpen):
        ledger.dispute(trip=trip, words="And the toll", by=person, now=LATER)
    with pytest.raises(ledger.NoAmount):
        ledger.accept_dispute(dispute=first, cents=-5, answer="no", by=lead, now=LATER)
    with pytest.raises(ledger.NothingSaid):
        ledger.accept_dispute(dispute=first, cents=300, answer="", by=lead, now=LATER)
    closed = ledger.accept_dispute(dispute=first, cents=300, answer="You are right", by=lead, now=LATER)
    assert closed.correction is not None
    assert (closed.state, closed.correction.cents, closed.correction.reason) == ("accepted", 300, "You are right")
    assert reread(trip).paid_cents == cents(trip) == (trip.paid_cents or 0) + 300
    for again in (
        lambda: ledger.accept_dispute(dispute=first, cents=300, answer="Twice", by=lead, now=LATER),
        lambda: ledger.explain_dispute(dispute=first, answer="Or not", by=lead, now=LATER),
        lambda: ledger.withdraw_dispute(dispute=first, by=person, now=LATER),
    ):
        with pytest.raises(ledger.AlreadyAnswered):
            again()

    second = ledger.dispute(trip=trip, words="And the toll", by=person, now=LATER)
    second = ledger.explain_dispute(dispute=second, answer="There is no toll on that road", by=lead, now=LATER)
    assert (second.state, second.correction) == (DisputeState.EXPLAINED, None)
    third = ledger.dispute(trip=trip, words="There is", by=person, now=LATER)
    assert ledger.withdraw_dispute(dispute=third, by=person, now=LATER).state == DisputeState.WITHDRAWN
    assert ledger.withdraw_dispute(dispute=third, by=person, now=LATER).state == DisputeState.WITHDRAWN


def test_nobody_disputes_what_is_not_theirs_or_not_settled() -> None:
    person, other = worker(), worker()
    trip = made.settled(person, make.shift(person, ends_at=MONDAY))
    with pytest.raises(Trip.DoesNotExist):
        ledger.dispute(trip=trip, words="Mine?", by=other, now=LATER)
    said = ledger.dispute(trip=trip, words="Mine", by=person, now=LATER)
    with pytest.raises(Dispute.DoesNotExist):
        ledger.withdraw_dispute(dispute=said, by=other, now=LATER)
    with pytest.raises(ledger.NotSettled):
        ledger.dispute(trip=make.trip(other), words="Too early", by=other, now=LATER)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_who_answer_at_once_correct_once_and_corrections_at_once_all_count() -> None:
    person = worker()
    trip = made.settled(person, make.shift(person, ends_at=MONDAY))
    said = ledger.dispute(trip=trip, words="Ten minutes", by=person, now=LATER)

    def work(number: int) -> str:
        try:
            if number % 2:
                ledger.correct(trip=trip, cents=10, reason="r", by=STAFF, now=LATER, key=str(number))
            else:
                ledger.accept_dispute(dispute=said, cents=300, answer="Yes", by=STAFF, now=LATER)
        except ledger.AlreadyAnswered:
            return "no"
        finally:
            connection.close()
        return "yes"

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(16)))
    assert done.count("no") == 7
    assert reread(trip).paid_cents == cents(trip) == (trip.paid_cents or 0) + 300 + 8 * 10


# --- Not too tired, and quickly ------------------------------------------------------------------------------------------
def test_too_long_a_day_too_little_rest_and_a_wish_keep_an_offer_away_with_the_reason() -> None:
    def reasons(person: Associate) -> list[str]:
        package = make.package(person.store, at=Point(person.store.lat + 0.01, person.store.lon))
        round_ = matching.run_round(store=person.store, now=MONDAY - timedelta(minutes=60))
        assert round_ is not None
        package.refresh_from_db()
        assert (package.state == "offered") == (round_.offers_sent == 1)
        return list(round_.associate_reasons.values())

    long, short, early, fine = worker(), worker(), worker(), worker()
    make.shift(long, ends_at=MONDAY, starts_at=MONDAY - timedelta(hours=11, minutes=50))
    make.shift(short, ends_at=MONDAY)
    make.shift(short, ends_at=MONDAY + timedelta(hours=14), starts_at=MONDAY + timedelta(hours=8, minutes=10))
    make.shift(early, ends_at=MONDAY)
    early.limits.home_by = (MONDAY + timedelta(minutes=5)).astimezone(early.store.zone).time()
    early.limits.save()
    make.shift(fine, ends_at=MONDAY)
    fine.limits.home_by = (MONDAY + timedelta(hours=2)).astimezone(fine.store.zone).time()
    fine.limits.save()
    assert [reasons(person) for person in (long, short, early)] == [["home_too_late"]] * 3
    assert reasons(fine) == []


def test_the_hours_of_a_board_are_read_once() -> None:
    person = worker()
    shift = make.shift(person, ends_at=MONDAY)
    found = hours.before_trips(person.store, [(person, shift)])
    packages = [make.package(person.store, now=MONDAY) for _ in range(3)]
    with CaptureQueriesContext(connection) as with_hours:
        quoting.plan_trip(person, shift, packages, worked=found)
    with CaptureQueriesContext(connection) as without:
        quoting.plan_trip(person, shift, packages)
    assert len(without) - len(with_hours) == 2
    people = [(other, make.shift(other, ends_at=MONDAY)) for other in (make.associate(person.store) for _ in range(5))]
    with CaptureQueriesContext(connection) as many:
        hours.before_trips(person.store, people)
    assert len(many) == 2
