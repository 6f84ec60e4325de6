"""One of the retailer's systems, as the API sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from deliveries.api import keys
from stores.models import ApiScope, Store
from tests import make


class System(Client):
    """A client with a key; `system.record` is the key, `system.secret` what it shows."""

    def __init__(self, *stores: Store, scopes: list[str] | None = None, per_minute: int = 10_000) -> None:
        self.record, self.secret = keys.issue(
            name="Order system",
            stores=stores,
            now=make.EVENING,
            scopes=scopes or ApiScope.values,
            per_minute=per_minute,
        )
        super().__init__(headers={"Authorization": f"Bearer {self.secret}"})

    def send(self, url: str, body: Any = None, **headers: str) -> Any:
        """POST JSON; `headers` with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(url, body, content_type="application/json", headers=named)


@pytest.fixture(autouse=True)
def _at_six(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    settings.CACHES = {"default": settings.CACHES["default"] | {"KEY_PREFIX": uuid4().hex}}
    if "real_time" in request.keywords:
        yield
        return
    with time_machine.travel(make.EVENING, tick=True):
        yield


@pytest.fixture
def store(db: None) -> Store:
    return make.store()


@pytest.fixture
def system(store: Store) -> System:
    return System(store)


@pytest.fixture
def is_problem() -> Callable[..., dict[str, Any]]:
    def check(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
        assert response.status_code == status, response.content
        assert response["Content-Type"] == "application/problem+json"
        body: dict[str, Any] = response.json()
        assert body["status"] == status
        assert isinstance(body["detail"], str)
        assert body["detail"]
        assert code is None or body["code"] == code, body
        return body

    return check
