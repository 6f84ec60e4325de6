from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import conftest as live

from .stand_in import StandIn


@pytest.fixture
def osrm() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


own_valkey = live.own_valkey
