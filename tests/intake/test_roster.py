"""Roster and shifts from a file into the books."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from associates import roster
from associates.models import Employee, Shift
from stores.models import Store

from .. import make
from .rows import as_csv, as_json, faults, shift, take_shifts

pytestmark = pytest.mark.django_db
ROSTER_ONLY = {"shift": "", "starts_at": "", "ends_at": ""}


@pytest.fixture
def store() -> Store:
    return make.store()


def test_a_row_is_an_employee_and_a_shift(store: Store) -> None:
    report = take_shifts([shift(store)])
    assert (report.accepted, faults(report)) == (1, [])
    made = Shift.objects.get()
    assert (made.employee.reference, made.employee.birth_date.year, made.employee.active) == ("E-1", 1990, True)
    assert (made.starts_at, made.ends_at) == (
        datetime(2026, 11, 24, 18, 0, tzinfo=UTC), datetime(2026, 11, 25, 2, 0, tzinfo=UTC),
    )  # fmt: skip


def test_the_same_file_again_changes_nothing(store: Store) -> None:
    data = [shift(store, 1), shift(store, 2), shift(store, 3, **ROSTER_ONLY)]
    assert take_shifts(data).accepted == 3
    before = list(Shift.objects.order_by("pk").values()), list(Employee.objects.order_by("pk").values())
    report = take_shifts(data)
    assert (report.accepted, report.unchanged, faults(report)) == (0, 3, [])
    assert (list(Shift.objects.order_by("pk").values()), list(Employee.objects.order_by("pk").values())) == before


def test_several_shifts_of_one_person_are_one_employee(store: Store) -> None:
    data = [
        shift(store, 1, shift=f"S-{day}", starts_at=f"2026-11-{day}T13:00", ends_at=f"2026-11-{day}T21:00")
        for day in (24, 25, 26)
    ]
    assert take_shifts([*data, data[0]]).unchanged == 1
    assert (Employee.objects.count(), Shift.objects.count()) == (1, 3)


def test_only_active_changes_by_a_later_row(store: Store) -> None:
    take_shifts([shift(store, 1, **ROSTER_ONLY), shift(store, 2, **ROSTER_ONLY)])
    report = take_shifts([shift(store, 1, active="false", **ROSTER_ONLY)])
    assert (report.accepted, faults(report)) == (1, [])
    assert dict(Employee.objects.values_list("reference", "active")) == {"E-1": False, "E-2": True}, "E-2 stays"
    assert take_shifts([shift(store, 1, **ROSTER_ONLY)]).unchanged == 1, "an empty cell changes nothing"
    assert take_shifts([shift(store, 1, active="true", **ROSTER_ONLY)]).accepted == 1
    assert Employee.objects.get(reference="E-1").active


def test_a_file_that_contradicts_itself_about_active(store: Store) -> None:
    report = take_shifts(
        [shift(store, 1, active="true", **ROSTER_ONLY), shift(store, 1, active="false", **ROSTER_ONLY)]
    )
    assert faults(report) == [(3, "active", "conflict")]
    assert "Row 2" in report.errors[0].message


def test_other_content_is_a_conflict_and_overwrites_nothing(store: Store) -> None:
    take_shifts([shift(store)])
    before = Shift.objects.values().get(), Employee.objects.values().get()
    report = take_shifts(
        [shift(store, last_name="Baker", birth_date="1991-01-01"), shift(store, ends_at="2026-11-24T22:00")]
    )
    assert faults(report) == [(2, "employee", "conflict"), (3, "shift", "conflict")]
    assert "last_name, birth_date" in report.errors[0].message
    assert "ends_at (2026-11-24 13:00 – 2026-11-24 21:00)" in report.errors[1].message
    assert (Shift.objects.values().get(), Employee.objects.values().get()) == before


def test_somebody_elses_shift_number_is_a_conflict(store: Store) -> None:
    report = take_shifts([shift(store, 1), shift(store, 2, shift="S-1")])
    assert faults(report) == [(3, "shift", "conflict")]
    assert not Employee.objects.filter(reference="E-2").exists(), "a row is taken as a whole or not at all"


def test_an_overlap_names_the_other_shift(store: Store) -> None:
    take_shifts([shift(store)])
    second = {"shift": "S-9", "starts_at": "2026-11-24T20:00", "ends_at": "2026-11-24T23:00"}
    in_file = {"shift": "S-8", "starts_at": "2026-11-25T13:00", "ends_at": "2026-11-25T20:00"}
    report = take_shifts(
        [
            shift(store, 1, **second), shift(store, 1, **in_file),
            shift(store, 1, **{**in_file, "shift": "S-7", "starts_at": "2026-11-25T19:00"}),
            shift(store, 1, shift="S-6", starts_at="2026-11-24T21:00", ends_at="2026-11-25T01:00"),
            shift(store, 2, **second),
        ]
    )  # fmt: skip
    assert faults(report) == [(2, "starts_at", "overlap"), (4, "starts_at", "overlap")]
    assert "S-1" in report.errors[0].message
    assert "S-8" in report.errors[1].message
    assert report.accepted == 3, "shifts that touch do not overlap, and two people may work at once"


def test_past_midnight_and_through_a_change_of_clocks(store: Store) -> None:
    report = take_shifts(
        [
            shift(store, 1, starts_at="2026-11-24T22:00", ends_at="2026-11-25T06:00"),
            shift(store, 2, starts_at="2026-10-31T22:00", ends_at="2026-11-01T06:00"),
            shift(store, 3, starts_at="2026-10-31T17:00", ends_at="2026-11-01T01:30"),
            shift(store, 4, starts_at="2026-10-31T17:00", ends_at="2026-11-01T01:30-05:00"),
            shift(store, 5, starts_at="2027-03-14T02:30", ends_at="2027-03-14T08:00"),
        ]
    )
    assert faults(report) == [(4, "ends_at", "ambiguous_time"), (6, "starts_at", "no_such_local_time")]
    hours = {made.reference: (made.ends_at - made.starts_at).total_seconds() / 3600 for made in Shift.objects.all()}
    assert hours == {"S-1": 8, "S-2": 9, "S-4": 9.5}, "the night the clocks go back is an hour longer"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"ends_at": "2026-11-24T12:00"}, ("ends_at", "ends_before_start")),
        ({"ends_at": "2026-11-25T06:00"}, ("ends_at", "too_long_shift")),
        ({"shift": ""}, ("shift", "missing")),
        ({"starts_at": ""}, ("starts_at", "missing")),
        ({"birth_date": "17/05/1990"}, ("birth_date", "date_format")),
        ({"birth_date": "1990-02-30"}, ("birth_date", "no_such_date")),
        ({"birth_date": "2026-05-17"}, ("birth_date", "birth_date")),
        ({"birth_date": ""}, ("birth_date", "missing")),
        ({"first_name": "A\u202ena"}, ("first_name", "bidi_control")),
        ({"employee": "1.2E+10"}, ("employee", "spreadsheet_number")),
        ({"store": "1"}, ("store", "unknown_store")),
        ({"active": "x"}, ("active", "true_or_false")),
    ],
)
def test_a_bad_cell_rejects_its_row_and_no_other(
    store: Store, cells: dict[str, str], expected: tuple[str, str]
) -> None:
    for send in (as_csv, lambda rows: as_json("shifts", rows)):
        report = take_shifts(send([shift(store, 1, **cells), shift(store, 2)]))
        assert [fault[1:] for fault in faults(report)] == [expected]
        assert report.rejected == 1
    assert Employee.objects.get().reference == "E-2"


def test_somebody_under_eighteen_is_kept_on_the_roster(store: Store) -> None:
    assert take_shifts([shift(store, birth_date="2010-01-01")]).accepted == 1
    assert Employee.objects.get().birth_date.year == 2010


def test_a_dry_run_says_the_same_and_writes_nothing(store: Store) -> None:
    data = [shift(store, 1), shift(store, 1, shift="S-2"), shift(store, 1), shift(store, 2, active="no")]
    dry = take_shifts(data, dry_run=True)
    assert Employee.objects.count() == Shift.objects.count() == 0
    real = take_shifts(data)
    assert (dry.accepted, dry.unchanged, faults(dry)) == (real.accepted, real.unchanged, faults(real))
    assert (real.accepted, real.unchanged, faults(real)) == (2, 1, [(3, "starts_at", "overlap")])


def test_queries_do_not_grow_with_the_rows(store: Store) -> None:
    def queries(first: int, count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert take_shifts([shift(store, number) for number in range(first, first + count)]).accepted == count
        return len(captured)

    assert queries(1, 2) == queries(1000, 900) <= 20


def test_an_overlap_that_only_the_database_sees_is_a_row_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had written the other shift between our look and our write."""
    person = make.employee(store, reference="E-1", first_name="Ana", last_name="Alvarez")
    Shift.objects.create(
        store=store, employee=person, reference="other",
        starts_at=datetime(2026, 11, 24, 20, 0, tzinfo=UTC), ends_at=datetime(2026, 11, 24, 23, 0, tzinfo=UTC),
    )  # fmt: skip
    looked_up = roster._Batch.look_up

    def blind(batch: roster._Batch, after: roster.After) -> None:
        looked_up(batch, after)
        batch._spans.clear()

    monkeypatch.setattr(roster._Batch, "look_up", blind)
    report = take_shifts([shift(store, number) for number in (1, 2, 3)])
    assert faults(report) == [(2, "", "refused")]
    assert report.accepted == 2
