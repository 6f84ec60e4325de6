"""The compiled kernels, once for the session."""

from __future__ import annotations

import pytest

from deliveries.planner import compiled
from deliveries.planner.compiled import Kernels


@pytest.fixture(scope="session")
def kernels() -> Kernels:
    """The kernels, compiled if this machine never did; the exact method is tested with them, so no numba is a failure."""
    loaded = compiled.warm()
    assert loaded is not None, "the planner's kernels do not compile here: is numba installed?"
    return loaded
