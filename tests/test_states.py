"""The table of moves, and that the database holds the same one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from deliveries import states
from deliveries.models import LedgerEntry, Package
from deliveries.states import MOVES, PackageState

from . import make


def test_every_state_but_the_first_is_reached_and_every_end_is_known() -> None:
    reached = {move.target for move in MOVES.values()}
    assert reached | {PackageState.RECEIVED} == set(PackageState)
    leaves = {source for move in MOVES.values() for source in move.sources}
    # A delivery can be undone for a minute and a pick-up shelf emptied; the carrier and a cancellation are final.
    assert set(PackageState) - leaves == {PackageState.WITH_CARRIER, PackageState.CANCELLED}


def test_custody_is_entered_by_the_scan_alone() -> None:
    """From the store's hands into a person's there is one way, `load`; back there are two, `unload`, `receive_return`."""
    into = {v for v, m in MOVES.items() if m.target in states.IN_CUSTODY and not m.sources <= states.IN_CUSTODY}
    assert into == {"load", "undo_delivery"}
    out = {v for v, m in MOVES.items() if m.target not in states.IN_CUSTODY and m.sources & states.IN_CUSTODY}
    assert out == {"unload", "deliver", "receive_return"}


def test_the_carrier_never_gets_what_an_associate_has() -> None:
    assert not MOVES["tender"].sources & (states.ON_A_TRIP | {PackageState.OFFERED})


def test_the_diagram_draws_every_arrow() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+): (\w+)$", states.mermaid(), re.M)
    assert {(a, b) for a, b, _verb in arrows} == {(str(a), str(b)) for a, b in states.legal_pairs()}


@pytest.mark.django_db
def test_the_database_knows_the_same_moves() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'deliveries_package_moves'")
        source = cursor.fetchone()[0]
    assert set(re.findall(r"'(\w+>\w+)'", source)) == {f"{a}>{b}" for a, b in states.legal_pairs()}


@pytest.mark.django_db
def test_an_update_that_walks_round_the_verbs_is_refused() -> None:
    package = make.package(make.store(), staged=False)
    rows = Package.objects.filter(pk=package.pk)
    with pytest.raises(IntegrityError, match="no verb moves it"), transaction.atomic():
        rows.update(state=PackageState.DELIVERED, version=F("version") + 1)
    with pytest.raises(IntegrityError, match="counts its version up"), transaction.atomic():
        rows.update(state=PackageState.STAGED)
    assert rows.get().state == PackageState.RECEIVED


@pytest.mark.django_db
def test_the_ledger_only_grows() -> None:
    store = make.store()
    ana = make.associate(store)
    trip = make.trip(ana)
    entry = LedgerEntry.objects.create(
        store=store, associate=ana, trip=trip, key="k", kind="time", quantity=60, rate=1800, cents=30,
        rule_version="r", at=make.EVENING,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LedgerEntry.objects.filter(pk=entry.pk).update(cents=1)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.delete()
    assert LedgerEntry.objects.get().cents == 30


@pytest.mark.django_db
def test_each_promise_has_a_name_and_holds() -> None:
    """Break one promise at a time, past every verb: the database names the constraint that refuses."""
    store = make.store()
    ana = make.associate(store)
    package = make.package(store)
    trip = make.trip(ana)
    tries = [
        ("package_weight_sane", lambda: Package.objects.filter(pk=package.pk).update(weight_g=0)),
        ("package_held_exactly_in_custody", lambda: Package.objects.filter(pk=package.pk).update(holder=ana)),
        ("package_in_store_or_with_carrier_is_on_no_trip", lambda: Package.objects.filter(pk=package.pk).update(trip=trip)),
        ("trip_paid_at_least_the_quote", lambda: _pay(trip, trip.pay_cents - 1)),
        ("trip_one_a_shift", lambda: make.trip(ana, shift=trip.shift)),
        ("associate_is_eighteen", lambda: _enrol_early(ana)),
        ("shift_one_at_a_time", lambda: make.shift(ana, ends_at=trip.shift.ends_at - timedelta(hours=1))),
        ("shift_at_most_sixteen_hours", lambda: make.shift(ana, starts_at=make.EVENING - timedelta(days=9))),
        ("pay_plan_above_federal_minimum", lambda: store.pay_plans.update(hourly_cents=700)),
        ("store_on_earth", lambda: type(store).objects.filter(pk=store.pk).update(lat=91)),
        ("limits_load_carries_one_package", lambda: type(ana.limits).objects.update(max_total_weight_g=1)),
    ]  # fmt: skip
    for name, attempt in tries:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            attempt()


def _pay(trip: object, cents: int) -> None:
    type(trip).objects.filter(pk=trip.pk).update(paid_cents=cents, settled_at=make.EVENING)  # type: ignore[attr-defined]


def _enrol_early(ana: object) -> None:
    type(ana).objects.filter(pk=ana.pk).update(enrolled_on="2007-01-01")  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_moves_of_a_whole_store_touch_no_index() -> None:
    """HOT: the new version lies in the page of the old one. From the receipt to the claim no index learns of a move."""
    store = make.store()
    packages = [make.package(store, staged=False) for _ in range(40)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('deliveries_package'::regclass)")
        before = cursor.fetchone()[0]
        for state in (PackageState.STAGED, PackageState.OFFERED):
            Package.objects.filter(store=store).update(state=state, version=F("version") + 1)
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('deliveries_package'::regclass)")
        assert cursor.fetchone()[0] - before >= len(packages), "at least the first round finds room on its own pages"


@pytest.mark.django_db
def test_no_index_names_what_every_move_changes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'deliveries_package'")
        found = [definition for (definition,) in cursor.fetchall()]
    assert len(found) > 4
    for definition in found:
        assert not re.search(r"\b(state|version|state_since)\b", definition), (
            f"{definition}: with it every move rewrites all indexes of the table; use `ended` (decision 0105)"
        )


@pytest.mark.django_db
def test_the_database_keeps_ended_true_to_the_state() -> None:
    for state in PackageState:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid"
                " AND attnum = adnum WHERE adrelid = 'deliveries_package'::regclass AND attname = 'ended'"
            )
            expression = cursor.fetchone()[0]
            cursor.execute(f"SELECT {expression} FROM (SELECT %s::varchar(16) AS state) s", [state.value])  # noqa: S608  # the database's own words
            assert cursor.fetchone()[0] is (state in states.ENDED)
