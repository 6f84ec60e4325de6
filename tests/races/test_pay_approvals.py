"""Approving pay cannot race: two who approve at once, and a ledger line under way while somebody approves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Sum

from deliveries import actors, payroll
from deliveries.actions import approving, ledger
from deliveries.models import LedgerEntry, PayApproval, Trip
from tests import make
from tests.pay import made

from .test_swaps import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

FIRST, LAST = date(2026, 11, 23), date(2026, 11, 29)
INSIDE = datetime(2026, 11, 30, 8, 59, tzinfo=UTC)  # Monday, a minute before four in New Jersey
LATER = INSIDE + timedelta(days=1)
BY = actors.system("test")


@pytest.fixture
def trip() -> Trip:
    person = make.associate(make.store())
    return made.settled(person, make.shift(person, ends_at=datetime(2026, 11, 24, 23, 0, tzinfo=UTC)))


def approve(trip: Trip) -> PayApproval:
    shown = payroll.make_file(trip.store, FIRST, LAST, now=LATER).digest
    return approving.approve(store=trip.store, first=FIRST, last=LAST, shown=shown, by=BY, now=LATER)


def correct(trip: Trip) -> LedgerEntry:
    return ledger.correct(trip=trip, cents=500, reason="Toll", by=BY, now=INSIDE, key="toll")


def in_its_own_thread(work: Callable[[], Any], found: Counter[str], name: str) -> threading.Thread:
    def run() -> None:
        try:
            work()
            found[name] += 1
        except (IntegrityError, approving.Changed) as no:
            found[f"{name}: {type(no).__name__}"] += 1
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def let_it_wait() -> None:
    """Until another connection waits for a lock. What a transaction has read of that is old, so it is read anew."""
    for _look in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits for a lock")


@contextmanager
def without_the_lines_trigger() -> Iterator[None]:
    """The control: the ledger as it was before lines and approvals waited for each other."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deliveries_ledgerentry DISABLE TRIGGER ledger_line_not_in_approved_pay")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE deliveries_ledgerentry ENABLE TRIGGER ledger_line_not_in_approved_pay")


def lost_cents(trip: Trip) -> int:
    """What the ledger owes for the approved days and their approval does not have."""
    approval = PayApproval.objects.get(store=trip.store)
    inside = LedgerEntry.objects.filter(store=trip.store, at__gte=approval.start_at, at__lt=approval.end_at)
    return int(inside.aggregate(all=Sum("cents"))["all"]) - approval.cents


def test_eight_who_approve_at_once_are_one_approval(trip: Trip) -> None:
    assert at_once(*[lambda: approve(trip)] * 8) == Counter(done=8)
    assert PayApproval.objects.count() == 1


def test_an_approval_waits_for_a_line_under_way_and_sees_it(trip: Trip) -> None:
    found: Counter[str] = Counter()
    with transaction.atomic():
        correct(trip)
        thread = in_its_own_thread(lambda: approve(trip), found, "approved")
        let_it_wait()
    thread.join(timeout=30)
    # What was shown had no such line: nobody approves a sum they have not seen.
    assert found == Counter({"approved: Changed": 1})
    approve(trip)
    assert lost_cents(trip) == 0


def test_a_line_that_comes_while_somebody_approves_is_not_in_that_period(trip: Trip) -> None:
    found: Counter[str] = Counter()
    with transaction.atomic():
        approve(trip)
        thread = in_its_own_thread(lambda: correct(trip), found, "written")
        let_it_wait()
    thread.join(timeout=30)
    assert found == Counter({"written: IntegrityError": 1})
    assert lost_cents(trip) == 0
    ledger.correct(trip=trip, cents=500, reason="Toll", by=BY, now=LATER, key="toll")  # as its task does next time
    assert lost_cents(trip) == 0


def test_the_control_without_the_lock_a_line_is_in_no_file(trip: Trip) -> None:
    found: Counter[str] = Counter()
    with without_the_lines_trigger():
        with transaction.atomic():
            correct(trip)
            thread = in_its_own_thread(lambda: approve(trip), found, "approved")
            thread.join(timeout=30)
        assert found == Counter({"approved": 1}), "it did not wait"
    assert lost_cents(trip) == 500
