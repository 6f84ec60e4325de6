"""What is known is not asked for again; and the shelf: sealed, a store's own, gone without harm."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries import drives, quoting
from deliveries.live.publishing import client
from deliveries.travel import Osrm, Remembered, RoutingFault
from deliveries.travel.remembered import MOST_POINTS, Known
from stores.models import Store
from tests import make
from tests.live.server import OwnValkey

from . import stand_in
from .stand_in import StandIn
from .test_osrm import TOWN


class Drawer:
    """A shelf in memory."""

    block: bytes | None = None

    def read(self) -> bytes | None:
        return self.block

    def write(self, block: bytes) -> None:
        self.block = block


def test_the_second_time_nothing_is_asked_and_the_answer_is_the_same(osrm: StandIn) -> None:
    shelf, server = Drawer(), Osrm(osrm.url)
    first = Remembered(server, shelf).drives(TOWN[:40])
    asked = len(osrm.asked)
    again = Remembered(server, shelf)
    shuffled = random.Random(1).sample(range(40), 25)
    part = again.drives([TOWN[k] for k in shuffled])
    assert (part.seconds == first.seconds[np.ix_(shuffled, shuffled)]).all()
    assert (part.metres == first.metres[np.ix_(shuffled, shuffled)]).all()
    assert len(osrm.asked) == asked
    assert (again.hits, again.misses) == (625, 0)


def test_a_new_point_costs_two_strips(osrm: StandIn) -> None:
    shelf, server = Drawer(), Osrm(osrm.url)
    Remembered(server, shelf).drives(TOWN[:30])
    osrm.asked.clear()
    more = Remembered(server, shelf)
    found = more.drives(TOWN[:31])
    assert (found.seconds == server.drives(TOWN[:31]).seconds).all()
    assert [points for _service, points, _asked in osrm.asked[:2]] == [32, 31]
    assert (more.hits, more.misses) == (900, 61)


def test_one_door_twice_is_one_point(osrm: StandIn) -> None:
    found = Remembered(Osrm(osrm.url), Drawer()).drives([TOWN[0], TOWN[1], (TOWN[0][0] + 1e-6, TOWN[0][1])])
    assert found.seconds[0, 2] == found.seconds[2, 0] == 0
    assert osrm.asked[0][1] == 2


def test_what_is_known_is_told_while_the_server_is_away(osrm: StandIn) -> None:
    shelf = Drawer()
    known = Remembered(Osrm(osrm.url), shelf).drives(TOWN[:10])
    osrm.behave = stand_in.status(500)
    server = Osrm(osrm.url)
    assert (Remembered(server, shelf).drives(TOWN[2:6]).seconds == known.seconds[2:6, 2:6]).all()
    with pytest.raises(RoutingFault):
        Remembered(server, shelf).drives(TOWN[:11])
    assert Known.from_bytes(shelf.block or b"").points, "a fault loses nothing"


def test_it_stays_small_and_keeps_what_was_asked_for_last(osrm: StandIn) -> None:
    shelf, server = Drawer(), Osrm(osrm.url)
    everywhere = [(39.0 + k / 5000, -76.0) for k in range(MOST_POINTS + 60)]
    for start in range(0, len(everywhere), 80):
        Remembered(server, shelf).drives(everywhere[start : start + 80])
    assert len(Known.from_bytes(shelf.block or b"").points) == MOST_POINTS
    osrm.asked.clear()
    Remembered(server, shelf).drives(everywhere[-80:])
    assert not osrm.asked


@pytest.mark.parametrize("block", [b"", b"hwd1", b"hwd1\x02\0\0\0x", b"other bytes entirely"])
def test_a_block_that_is_none_is_asked_for_anew(osrm: StandIn, block: bytes) -> None:
    shelf = Drawer()
    shelf.block = block
    assert Remembered(Osrm(osrm.url), shelf).drives(TOWN[:3]).seconds.shape == (3, 3)


@given(st.lists(st.tuples(st.integers(-900_000, 900_000), st.integers(-1_800_000, 1_800_000)), max_size=6, unique=True))
def test_bytes_and_back(points: list[tuple[int, int]]) -> None:
    n = len(points)
    numbers = np.arange(n * n, dtype=np.int32).reshape(n, n) - 1
    back = Known.from_bytes(Known(points, numbers, numbers + 5).to_bytes())
    assert back.points == points
    assert (back.seconds == numbers).all()
    assert (back.metres == numbers + 5).all()


# --- In Redis -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def store(db: None, osrm: StandIn, settings: Any) -> Iterator[Store]:
    settings.OSRM_URL = osrm.url
    drives.SealedShelf._rest_until = 0.0
    yield make.store()
    drives.SealedShelf._rest_until = 0.0


def test_an_evening_is_planned_on_roads_and_the_second_time_from_memory(store: Store, osrm: StandIn) -> None:
    person = make.associate(store)
    shift = make.shift(person)
    packages = [make.package(store) for _ in range(3)]
    planned = quoting.plan_trip(person, shift, packages)
    assert not any(stop.estimated for stop in planned.stops)
    assert quoting.PlannedStop.from_json(
        {"package_ids": [1], "lat": 1.0, "lon": 2.0, "leg_s": 3, "leg_m": 4}
    ).estimated, "an offer from before the roads"
    asked = len(osrm.asked)
    assert quoting.plan_trip(person, shift, packages).stops == planned.stops
    assert len(osrm.asked) == asked


def test_what_lies_in_redis_tells_no_place_and_is_one_stores(store: Store) -> None:
    points = [(store.lat, store.lon), *TOWN[:3]]
    quoting.travel_times(store).drives(points)
    [name] = client(os.getpid()).keys(f"hw:drives:*:{store.pk}:*")
    block = client(os.getpid()).get(name)
    assert isinstance(block, bytes)
    assert b"hwd1" not in block
    assert client(os.getpid()).ttl(name) > 3600
    other = make.store()
    assert drives.SealedShelf(other.pk).read() is None
    assert Known.from_bytes(drives.SealedShelf(store.pk).read() or b"").points


def test_another_key_finds_nothing_and_asks_again(store: Store, osrm: StandIn, settings: Any) -> None:
    quoting.travel_times(store).drives(TOWN[:3])
    settings.HOME_KEYS = ["QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="]
    assert not quoting.travel_times(store).drives(TOWN[:3]).estimated
    assert len(osrm.asked) == 2


def test_without_redis_it_asks_and_answers(store: Store, osrm: StandIn, own_valkey: OwnValkey) -> None:
    quoting.travel_times(store).drives(TOWN[:3])
    own_valkey.stop()
    assert not quoting.travel_times(store).drives(TOWN[:3]).estimated
    assert not quoting.travel_times(store).drives(TOWN[:3]).estimated
    assert len(osrm.asked) == 3


def test_without_osrm_every_stop_says_that_it_is_an_estimate(store: Store, osrm: StandIn) -> None:
    osrm.behave = stand_in.status(500)
    person = make.associate(store)
    planned = quoting.plan_trip(person, make.shift(person), [make.package(store)])
    assert all(stop.estimated for stop in planned.stops)
