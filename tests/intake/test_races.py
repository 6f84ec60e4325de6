"""The same file twice at the same moment, on two connections to a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from associates.models import Employee, Shift
from deliveries import actors
from deliveries.actions import receiving
from deliveries.models import Event, Package
from stores.feeds.report import Report

from .. import make
from .rows import faults, package, shift, take_packages, take_shifts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def at_once(*calls: Callable[[], Report]) -> list[Report]:
    """The reports of all `calls`, started together; an exception in one is raised here."""
    start = threading.Barrier(len(calls))
    reports: list[Report] = []
    errors: list[BaseException] = []

    def run(call: Callable[[], Report]) -> None:
        try:
            start.wait(timeout=10)
            reports.append(call())
        except BaseException as error:  # handed to the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if errors:
        raise errors[0]
    assert len(reports) == len(calls)
    return reports


def test_the_same_packages_twice() -> None:
    stores = [make.store(), make.store()]
    data = [package(stores[number % 2], number) for number in range(1, 1501)]
    one, other = at_once(lambda: take_packages(data), lambda: take_packages(list(reversed(data))))
    assert faults(one) == faults(other) == []
    assert one.accepted + other.accepted == 1500
    assert one.unchanged + other.unchanged == 1500
    assert Package.objects.count() == Event.objects.count() == 1500


def test_the_same_shifts_twice() -> None:
    store = make.store()
    data = [shift(store, number) for number in range(1, 1201)]
    one, other = at_once(lambda: take_shifts(data), lambda: take_shifts(list(reversed(data))))
    assert faults(one) == faults(other) == []
    assert one.accepted + other.accepted == 1200
    assert (Employee.objects.count(), Shift.objects.count()) == (1200, 1200)


def test_overlapping_shifts_at_once_are_one_shift_and_one_error() -> None:
    store = make.store()
    one, other = at_once(
        lambda: take_shifts([shift(store, 1, shift="S-1")]), lambda: take_shifts([shift(store, 1, shift="S-2")])
    )
    assert sorted([one.accepted, other.accepted]) == [0, 1]
    assert [fault[2] for fault in faults(one) + faults(other)] == ["overlap"]
    assert Shift.objects.count() == 1


def test_dry_runs_beside_imports_of_the_same_stores_do_not_deadlock() -> None:
    stores = [make.store(), make.store()]
    data = [package(stores[number > 1100], number) for number in range(1, 2201)]
    turned = list(reversed(data))
    reports = at_once(
        lambda: take_packages(data, dry_run=True), lambda: take_packages(turned, dry_run=True),
        lambda: take_packages(turned),
    )  # fmt: skip
    assert [faults(report) for report in reports] == [[], [], []]
    assert Package.objects.count() == 2200


def test_somebody_who_writes_past_the_lock_makes_no_row_lost() -> None:
    """Not through intake at all, and not yet committed when our batch looks: the database stops us, we look again."""
    store = make.store()
    data = [package(store, number) for number in range(1, 21)]
    take_packages(data[:1])
    copied = Package.objects.get()
    written, go_on = threading.Event(), threading.Event()

    def past_the_lock() -> Report:
        from django.db import transaction

        with transaction.atomic():
            copied.pk, copied.reference, copied.label = None, "W-7", "ZZZZZZ"
            receiving.receive(packages=[copied], by=actors.system("test"), now=make.EVENING + timedelta(minutes=1))
            written.set()
            go_on.wait(timeout=2)  # long enough for the other to be waiting in its INSERT
        return Report()

    def ours() -> Report:
        written.wait(timeout=10)
        return take_packages(data)

    report = max(at_once(past_the_lock, ours), key=lambda report: report.read)
    assert (report.read, report.accepted, report.unchanged) == (20, 18, 1)
    assert [fault[2] for fault in faults(report)] == ["conflict"], "W-7 is there with W-1's content"
    assert Package.objects.count() == 20
