from __future__ import annotations

import pytest

from deliveries.api.keys import KeyThrottle


@pytest.fixture
def throttled() -> None:
    """For tests of the throttle itself."""


@pytest.fixture(autouse=True)
def _no_throttle(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test asks more often than a retailer may."""
    if "throttled" not in request.fixturenames:
        monkeypatch.setattr(KeyThrottle, "allow_request", lambda self, http, view: True)
