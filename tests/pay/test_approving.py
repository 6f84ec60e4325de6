"""Approving a pay period: what it freezes, when it says no, what comes later, and what the database refuses."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from deliveries import actors, hours, payroll
from deliveries.actions import Refused, approving, ledger
from deliveries.models import LedgerEntry, PayApproval, PayDownload, Trip
from stores.models import Store
from tests import make

from . import made

MONDAY = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)  # 18:00 in New Jersey
FIRST, LAST = date(2026, 11, 23), date(2026, 11, 29)
NEXT = date(2026, 11, 30)
ENDS = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)  # Monday, four in the morning there
LATER = ENDS + timedelta(days=1)
BY = actors.system("test")
db = pytest.mark.django_db


@pytest.fixture
def trip(db: None) -> Trip:
    """Settled on Monday evening, in a store of its own."""
    person = make.associate(make.store())
    return made.settled(person, make.shift(person, ends_at=MONDAY))


def approve(store: Store, first: date = FIRST, last: date = LAST, *, now: datetime = LATER, **more: Any) -> PayApproval:
    shown = more.pop("shown", None) or payroll.make_file(store, first, last, now=max(now, LATER)).digest
    return approving.approve(store=store, first=first, last=last, shown=shown, by=BY, now=now, **more)


def correct(trip: Trip, now: datetime, cents: int = 500) -> LedgerEntry:
    return ledger.correct(trip=trip, cents=cents, reason="Toll", by=BY, now=now, key=f"{now}")


# --- The verb -----------------------------------------------------------------------------------------------------------
def test_an_approval_freezes_the_file_its_sum_and_who(trip: Trip) -> None:
    approval = approve(trip.store, reason=" all  well ")
    data = payroll.export(trip.store, FIRST, LAST, now=LATER)
    owed = LedgerEntry.objects.filter(store=trip.store).aggregate(all=Sum("cents"))["all"]
    assert (approval.cents, approval.lines) == (owed, 3)
    assert approval.digest == hashlib.sha256(data).hexdigest()
    assert (approval.at, approval.by_name, approval.who, approval.reason) == (LATER, "test", "test", "all well")
    assert (approval.start_at, approval.end_at) == (datetime(2026, 11, 23, 9, tzinfo=UTC), ENDS)
    file = payroll.make_file(trip.store, FIRST, LAST, now=LATER, only_approved=True)
    assert (file.data, file.approved) == (data, True)


def test_approving_again_changes_nothing_whoever_does_it(trip: Trip) -> None:
    first = approve(trip.store)
    again = approving.approve(
        store=trip.store, first=FIRST, last=LAST, shown="another", by=actors.staff(None), now=LATER + timedelta(days=3)
    )
    assert again == first
    assert PayApproval.objects.get().at == LATER


@pytest.mark.parametrize(
    ("asked", "no"),
    [
        ({"now": ENDS + timedelta(minutes=59)}, approving.NotOver),
        ({"first": FIRST - timedelta(days=1)}, approving.NotAPeriod),
        ({"last": LAST + timedelta(days=7)}, approving.NotAPeriod),
        ({"last": LAST - timedelta(days=1)}, approving.NotAPeriod),
        ({"shown": "0" * 64}, approving.Changed),
    ],
)
def test_what_is_no_period_not_over_or_not_what_was_shown_is_refused(
    trip: Trip, asked: dict[str, Any], no: type[Refused]
) -> None:
    with pytest.raises(no):
        approve(trip.store, **{"shown": "f" * 64, **asked})
    assert not PayApproval.objects.exists()


def test_open_questions_ask_for_a_reason_and_hold_nobody_elses_pay_back(trip: Trip) -> None:
    said = ledger.dispute(trip=trip, words="Ten minutes more", by=trip.associate, now=MONDAY + timedelta(days=1))
    with pytest.raises(approving.StillOpen):
        approve(trip.store, reason="  ")
    assert approve(trip.store, reason="The other pay is right").reason == "The other pay is right"
    # The answer comes after the approval, so what it adds is in the next file.
    ledger.accept_dispute(dispute=said, cents=250, answer="Yes", by=BY, now=LATER)
    period = payroll.calendar(trip.store).around(NEXT)
    assert payroll.about_earlier(period) == (250, 1)


def test_a_trip_that_is_not_settled_is_a_question_and_one_given_back_is_not(db: None) -> None:
    store = make.store()
    person, other = make.associate(store), make.associate(store)
    [monday, tuesday] = made.shifts(person, MONDAY, 2)
    trip = made.over(person, monday, made.quote_for(person, monday))
    back = made.over(person, tuesday, made.quote_for(person, tuesday), left=False)
    sunday = make.shift(other, ends_at=MONDAY + timedelta(days=7))
    made.over(other, sunday, made.quote_for(other, sunday))  # of the next period
    period = payroll.calendar(store).around(FIRST)
    assert list(payroll.open_trips(period)) == [trip]
    with pytest.raises(approving.StillOpen):
        approve(store)
    approval = approve(store, reason="It is one trip")
    assert (approval.cents, approval.lines) == (0, 0)
    assert back.settled_at is None


def test_what_the_whole_week_owes_is_nobodys_reason_to_wait(trip: Trip) -> None:
    period = payroll.calendar(trip.store).around(FIRST)
    week = hours.week_of(trip.store, MONDAY)
    due = payroll.premium_due(period, ENDS)
    assert due == week.end + timedelta(days=1)
    assert due is not None
    assert hours.weeks_over(trip.store, due)[0] == week, "from then on the task works it out"
    assert hours.weeks_over(trip.store, due - timedelta(minutes=1))[0] != week
    assert payroll.premium_due(period, due) is None
    assert not payroll.has_questions(period)


def test_an_empty_week_is_approved_as_such(db: None) -> None:
    assert (approve(make.store()).cents, PayApproval.objects.get().lines) == (0, 0)


def test_the_file_and_its_signature_are_taken_along_and_that_is_kept(trip: Trip) -> None:
    approval, person = approve(trip.store), make.user()
    data = approving.take_file(approval=approval, by=actors.staff(person.pk), now=LATER)
    signature = approving.take_file(approval=approval, by=actors.staff(person.pk), now=LATER, signature=True)
    assert data == payroll.export(trip.store, FIRST, LAST, now=LATER)
    assert payroll.verify(data, signature.decode())
    kept = PayDownload.objects.order_by("pk").values_list("approval", "part", "at", "by_user")
    assert list(kept) == [(approval.pk, "csv", LATER, person.pk), (approval.pk, "sig", LATER, person.pk)]


# --- What comes later ---------------------------------------------------------------------------------------------------
def test_lines_after_the_approval_are_in_the_next_file_and_in_no_other(trip: Trip) -> None:
    store, approval = trip.store, approve(trip.store)
    before = payroll.export(store, FIRST, LAST, now=LATER)
    late = correct(trip, LATER + timedelta(hours=1))
    week = payroll.calendar(store).around(FIRST)
    assert payroll.export(store, FIRST, LAST, now=LATER + timedelta(days=99)) == before
    assert list(payroll.written_later(week)) == [late]
    then = LATER + timedelta(days=8)
    following = approve(store, NEXT, NEXT + timedelta(days=6), now=then)
    assert (following.cents, following.lines) == (500, 1)
    assert payroll.about_earlier(payroll.calendar(store).around(NEXT)) == (500, 1)
    lines = LedgerEntry.objects.filter(store=store)
    assert approval.lines + following.lines == lines.count()
    assert approval.cents + following.cents == lines.aggregate(all=Sum("cents"))["all"]
    both = payroll.make_file(store, FIRST, NEXT + timedelta(days=6), now=then, only_approved=True)
    assert both.sums.lines == lines.count(), "two approved weeks in one file"


def test_a_week_that_nobody_approved_is_named(trip: Trip) -> None:
    store = trip.store
    correct(trip, LATER)  # in the week after
    third = NEXT + timedelta(days=7)
    assert payroll.calendar(store).left_behind(payroll.calendar(store).around(third).start) == FIRST
    approve(store)
    calendar = payroll.calendar(store)
    assert calendar.left_behind(calendar.around(third).start) == store.evening(LATER)
    assert calendar.left_behind(calendar.around(NEXT).start) is None
    with pytest.raises(payroll.NotApproved):
        payroll.make_file(store, FIRST, third - timedelta(days=1), now=LATER + timedelta(days=20), only_approved=True)


def test_a_workweek_or_a_clock_set_anew_leaves_nothing_out_and_nothing_twice(trip: Trip) -> None:
    store = trip.store
    approve(store)
    before = payroll.export(store, FIRST, LAST, now=LATER)
    store.workweek_starts_on, store.time_zone = 6, "America/Chicago"
    store.save()
    calendar = payroll.calendar(store)
    following = calendar.around(NEXT)
    assert (following.first, following.last) == (NEXT, date(2026, 12, 5)), "shorter once, then Sunday to Saturday"
    assert following.start == ENDS, "an hour before four on the new clock"
    assert calendar.around(FIRST).first == FIRST
    assert payroll.export(store, FIRST, LAST, now=LATER).splitlines()[1:] == before.splitlines()[1:]
    correct(trip, ENDS + timedelta(minutes=1))
    assert approve(store, NEXT, following.last, now=LATER + timedelta(days=7)).lines == 1


@given(
    starts=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    picks=st.lists(st.integers(0, 60), max_size=5),
    zone=st.sampled_from(["America/New_York", "America/Chicago", "America/Phoenix"]),
)
def test_periods_lie_side_by_side_whatever_was_approved_before(starts: list[int], picks: list[int], zone: str) -> None:
    """Approve any week, set the workweek anew, approve another: every evening stays in exactly one period."""
    store = Store(number=1, time_zone=zone)
    approved: list[PayApproval] = []
    for number, pick in enumerate([*picks, 0]):
        store.workweek_starts_on = starts[number % len(starts)]
        calendar = payroll.Calendar(store, sorted(approved, key=lambda each: each.first_day))
        day = date(2026, 10, 12)
        while day < date(2026, 12, 20):
            period = calendar.around(day)
            assert period.first == day or day == date(2026, 10, 12)
            assert period.first <= day <= period.last < day + timedelta(days=7)
            assert all(calendar.around(period.first + timedelta(days=n)) == period for n in range(period_days(period)))
            assert period.start == calendar.around(period.first - timedelta(days=1)).end
            day = period.last + timedelta(days=1)
        period = calendar.around(date(2026, 10, 14) + timedelta(days=pick))
        if period.approval is None:
            approved.append(
                PayApproval(
                    first_day=period.first, last_day=period.last, start_at=period.start, end_at=period.end, store=store
                )
            )
    assert all(each.start_at.astimezone(ZoneInfo(zone)).hour == 4 for each in approved)


def period_days(period: payroll.PayPeriod) -> int:
    return (period.last - period.first).days + 1


# --- What the database refuses ------------------------------------------------------------------------------------------
def refused(name: str) -> Any:
    return pytest.raises(IntegrityError, match=name)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("pay_approval_once_a_period", {}),
        ("pay_approval_periods_never_meet", {"first_day": FIRST - timedelta(days=1)}),
        ("pay_approval_days_in_order", {"last_day": FIRST - timedelta(days=1)}),
        ("pay_approval_of_what_is_over", {"at": ENDS - timedelta(seconds=1)}),
        ("pay_approval_has_a_digest", {"digest": "abc"}),
        ("pay_approval_says_who", {"by_name": ""}),
        ("pay_approval_is_the_ledgers", {"cents": 1}),
        ("pay_approval_is_the_ledgers", {"lines": 4}),
    ],
)
def test_an_approval_that_cannot_be(trip: Trip, name: str, wrong: dict[str, Any]) -> None:
    approval = approve(trip.store)
    fields = {field.attname: getattr(approval, field.attname) for field in PayApproval._meta.concrete_fields}
    with refused(name), transaction.atomic():
        PayApproval.objects.create(**{**fields, "id": None, **wrong})


def test_approvals_and_downloads_only_grow(trip: Trip) -> None:
    approval = approve(trip.store)
    approving.take_file(approval=approval, by=actors.staff(make.user().pk), now=LATER)
    for rows in (PayApproval.objects.all(), PayDownload.objects.all()):
        with refused("stays as it is"), transaction.atomic():
            rows.update(at=LATER)
        with refused("stays as it is"), transaction.atomic():
            rows._raw_delete(rows.db)
    with refused("pay_download_part_known"), transaction.atomic():
        PayDownload.objects.create(approval=approval, part="pdf", at=LATER, by_user=make.user())
    with refused("pay_download_says_who"), transaction.atomic():
        PayDownload.objects.create(approval=approval, part="csv", at=LATER)


def test_no_line_is_written_into_what_is_approved(trip: Trip) -> None:
    approve(trip.store)
    with refused("is approved: write the line now"), transaction.atomic():
        correct(trip, ENDS - timedelta(seconds=1))
    correct(trip, ENDS)
    other = make.associate(make.store())
    made.settled(other, make.shift(other, ends_at=MONDAY))  # another store's period is its own
