from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deliveries.live import publishing

from .server import OwnValkey, Web


@pytest.fixture(scope="session")
def _web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Web(tmp_path_factory.mktemp("web") / "web.log") as server:
        yield server


@pytest.fixture
def web(transactional_db: None, _web: Web) -> Web:
    """The web process, one for all tests that do not stop it."""
    return _web


@pytest.fixture
def own_valkey(tmp_path: Path, settings: object) -> Iterator[OwnValkey]:
    """A Redis that the test may stop, and that everything in this process talks to meanwhile."""
    server = OwnValkey(tmp_path, durable=False)
    server.start()
    settings.REDIS_URL = server.url()  # type: ignore[attr-defined]
    _forget_client()
    yield server
    _forget_client()
    server.stop()


def _forget_client() -> None:
    publishing.client.cache_clear()
    publishing._rest_until = 0.0


@pytest.fixture
def soon() -> Callable[[Callable[[], bool], float], None]:
    """Waits until something is so; generous, because a suite may share its processors."""

    def wait(what: Callable[[], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)

    return wait
