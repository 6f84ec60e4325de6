"""The simulator: the real planner and pay rules over files, checked as the feeds are, and nothing left behind."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random

import numpy as np
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from associates.models import Associate, HomeCell, Shift
from deliveries import quoting
from deliveries.models import Package, Simulation
from deliveries.planner.problem import IntMatrix
from deliveries.simulator import dedicated, jobs, read, results, simulate
from stores.feeds.report import FileFault
from stores.models import StaffMember, Store
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_six() -> object:
    with time_machine.travel(make.EVENING, tick=True):
        yield


@pytest.fixture
def store() -> Store:
    return make.store()


def orders_of(store: Store, number: int = 30, *, carrier: str = "8.75", bad: bool = False) -> bytes:
    rng = Random(7)
    rows = ["store,reference,recipient,address1,city,state,zip,lat,lon,weight_lb,length_in,width_in,height_in,"
            "carrier_usd,deliver_by"]  # fmt: skip
    for n in range(number):
        lat, lon = store.lat + rng.uniform(-0.03, 0.03), store.lon + rng.uniform(-0.03, 0.03)
        weight = "heavy" if bad and n == 0 else "2"
        rows.append(
            f"{store.number},R{n},Sam Carter,{n + 1} Main St,Bayonne,NJ,07002,{lat:.5f},{lon:.5f},{weight},8,6,4,"
            f"{carrier},2026-11-24T21:30"
        )
    return "\n".join(rows).encode()


def homes_of(store: Store, number: int = 20) -> bytes:
    rng = Random(8)
    rows = ["lat,lon,shift_ends"]
    for _n in range(number):
        lat, lon = store.lat + rng.uniform(-0.05, 0.05), store.lon + rng.uniform(-0.05, 0.05)
        rows.append(f"{lat:.4f},{lon:.4f},2026-11-24T{rng.choice(['18', '19', '20'])}:00")
    return "\n".join(rows).encode()


def test_figures_are_the_planners_and_the_pay_rules(store: Store) -> None:
    scene = read(store, orders=orders_of(store), homes=homes_of(store), now=make.EVENING)
    [middle, *others] = simulate(scene, share=50, draws=3)
    assert len(others) == 2
    assert middle.packages == 30
    assert 0 < middle.matched <= 30
    assert middle.people == 10
    assert middle.trips == len(middle.detours_s)
    assert middle.pay >= middle.matched * 100, "a dollar a package at least, and the time besides"
    assert middle.paid_s > 0
    assert sum(middle.why_not.values()) == middle.packages - middle.matched, "every other package has its reason"
    assert middle.carrier_matched == middle.matched * 875
    assert middle.rounds_m > 0
    assert [each.match_rate for each in (others[0], middle, others[1])] == sorted(
        each.match_rate for each in (middle, *others)
    )
    again = simulate(scene, share=50, draws=3)
    assert again[0].matched == middle.matched, "the same files and seed draw the same people"


def test_pay_is_exactly_what_would_be_quoted(store: Store) -> None:
    """One person, one package: the figure is the quote of a real associate in the same place."""
    orders = orders_of(store, 1)
    homes = b"lat,lon,shift_ends,max_extra_minutes\n%.4f,%.4f,2026-11-24T19:00,60" % (
        store.lat + 0.03,
        store.lon + 0.01,
    )
    [figures] = simulate(read(store, orders=orders, homes=homes, now=make.EVENING), share=100, draws=1)
    assert figures.matched == 1
    person = make.associate(store, lives=make.Point(store.lat + 0.03, store.lon + 0.01))
    shift = make.shift(person, ends_at=make.EVENING + timedelta(hours=1))
    [order] = read(store, orders=orders, homes=homes, now=make.EVENING).evenings.values()
    package = make.package(store, at=order.packages[0].point)
    assert figures.pay == quoting.plan_trip(person, shift, [package]).quote.cents


def test_nothing_is_written_and_no_home_is_kept(store: Store) -> None:
    job = jobs.ask(
        store=store, orders=orders_of(store), homes=homes_of(store), share=40, draws=1, by=None, now=make.EVENING
    )
    assert jobs.waiting(make.EVENING) == [job.pk]
    done = jobs.run(simulation_id=job.pk, now=make.EVENING)
    assert done is not None
    done.refresh_from_db()
    assert (bytes(done.orders), bytes(done.homes), done.fault) == (b"", b"", "")
    assert (done.done, done.whole) == (1, 1)
    assert "lat" not in json.dumps(done.result)
    assert not Package.objects.exists()
    assert not Associate.objects.exists()
    assert not Shift.objects.exists()
    assert not HomeCell.objects.exists()
    assert jobs.run(simulation_id=job.pk, now=make.EVENING) is None, "a repeat does no harm"
    assert jobs.waiting(make.EVENING) == []


def test_a_run_whose_worker_died_is_taken_up_again(store: Store) -> None:
    job = jobs.ask(
        store=store, orders=orders_of(store, 3), homes=homes_of(store, 3), share=100, draws=1, by=None, now=make.EVENING
    )
    Simulation.objects.update(started_at=make.EVENING)
    assert jobs.run(simulation_id=job.pk, now=make.EVENING + timedelta(minutes=5)) is None
    later = make.EVENING + jobs.LOST_AFTER + timedelta(seconds=1)
    assert jobs.waiting(later) == [job.pk]
    assert jobs.run(simulation_id=job.pk, now=later) is not None


def test_bad_rows_are_named_and_left_out(store: Store) -> None:
    homes = homes_of(store, 5) + b"\n51.5,-0.12,2026-11-24T19:00\n40.67,-74.1,soon\n40.67,-74.1,2026-11-24T19:00,\n"
    scene = read(store, orders=orders_of(store, 5, bad=True), homes=homes.replace(b",\n", b"\n"), now=make.EVENING)
    assert scene.packages == 4
    assert [(fault.row, fault.column) for fault in scene.orders.errors] == [(2, "weight_lb")]
    assert [(fault.row, fault.column) for fault in scene.homes.errors] == [(7, "lat"), (8, "shift_ends")]


@pytest.mark.parametrize(
    ("orders", "homes", "file", "says"),
    [
        (b"nonsense", None, "orders", "is not a column"),
        (None, b"", "homes", ""),
        (None, b"lat,lon\n1,2", "homes", "The header lacks: shift_ends"),
    ],
)
def test_a_file_that_is_none_is_refused_at_once(
    store: Store, orders: bytes | None, homes: bytes | None, file: str, says: str
) -> None:
    with pytest.raises(FileFault) as fault:
        jobs.ask(
            store=store, orders=orders_of(store) if orders is None else orders,
            homes=homes_of(store) if homes is None else homes, share=25, draws=1, by=None, now=make.EVENING,
        )  # fmt: skip
    assert fault.value.where["file"] == file
    assert says in fault.value.message
    assert not Simulation.objects.exists()


def test_the_page_from_files_to_figures(store: Store) -> None:
    client = Client()
    client.force_login(make.staff(store), backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("staff:simulator")

    def send(**files: bytes) -> object:
        return client.post(
            url,
            {
                "share": 50,
                "draws": 2,
                **{name: SimpleUploadedFile(f"{name}.csv", data) for name, data in files.items()},
            },
        )

    refused = send(orders=b"x,y\n1,2", homes=homes_of(store))
    assert refused.status_code == 422  # type: ignore[attr-defined]
    assert "is not a column" in refused.content.decode()  # type: ignore[attr-defined]
    answer = send(orders=orders_of(store, carrier="2.00"), homes=homes_of(store))
    page = client.get(answer["Location"]).content.decode()  # type: ignore[index]
    assert "Waiting for a worker." in page
    jobs.run(simulation_id=Simulation.objects.get().pk, now=make.EVENING)
    page = client.get(answer["Location"] + "&part=1").content.decode()  # type: ignore[index]
    assert "Match rate" in page
    assert "<html" not in page
    csv = client.get(reverse("staff:simulation_csv", args=[Simulation.objects.get().pk]))
    assert csv.content.decode().startswith("Figure,Middle draw,Range,Note")
    for other in (make.staff(make.store()), make.staff(store, StaffMember.Role.BAY)):
        stranger = Client()
        stranger.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
        assert stranger.get(reverse("staff:simulation", args=[Simulation.objects.get().pk])).status_code == 404


def test_it_tells_the_truth_when_pay_is_above_the_carrier(store: Store) -> None:
    """0008: the plan weighs the detour, the pay covers the whole way. Whoever reads the page learns it."""
    scene = read(store, orders=orders_of(store, carrier="6.00"), homes=homes_of(store), now=make.EVENING)
    figures = simulate(scene, share=100, draws=1)[0]
    assert figures.matched
    saved = next(line for line in results.lines([figures.to_json()]) if line.name == "Saved against the carrier")
    assert saved.value == results._dollars(figures.carrier_matched - figures.pay)
    assert saved.value.startswith("-") == (figures.pay > figures.carrier_matched)


def test_the_command(store: Store, tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    from pathlib import Path

    orders, homes = Path(str(tmp_path)) / "orders.csv", Path(str(tmp_path)) / "homes.csv"
    orders.write_bytes(orders_of(store))
    homes.write_bytes(homes_of(store))
    call_command("simulate", store=store.number, orders=str(orders), homes=str(homes), share=50, draws=1)
    said = capsys.readouterr().out
    assert "Match rate" in said
    assert "Miles of dedicated round trips" in said
    with pytest.raises(CommandError, match="There is no store"):
        call_command("simulate", store=1, orders=str(orders), homes=str(homes))
    with pytest.raises(CommandError, match="No such file"):
        call_command("simulate", store=store.number, orders="nowhere.csv", homes=str(homes))


def metric(points: list[tuple[int, int]]) -> IntMatrix:
    return np.array([[abs(a - c) + abs(b - d) for c, d in points] for a, b in points], dtype=np.int32)


@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=1, max_size=14))
def test_round_trips_visit_every_door_within_their_limits(doors: list[tuple[int, int]]) -> None:
    """Joined rounds are never longer than a round trip a door, and a round never has more stops than allowed."""
    matrix = metric([(0, 0), *doors])
    numbers = list(range(1, len(doors) + 1))
    alone = sum(int(matrix[0, n]) * 2 for n in numbers)
    found = dedicated.round_trips(matrix, matrix, numbers, service_s=60, load_s=300, most_stops=4, longest_s=100_000)
    assert found.metres <= alone
    assert -(-len(doors) // 4) <= found.routes <= len(doors)
    assert found.seconds == found.metres + 60 * len(doors) + 300 * found.routes


def test_one_street_is_one_round() -> None:
    matrix = metric([(0, 0), (1000, 0), (1100, 0), (1200, 0)])
    found = dedicated.round_trips(matrix, matrix, [1, 2, 3], service_s=60, load_s=300)
    assert (found.routes, found.metres) == (1, 2400)
