"""The compiled kernels, loaded when needed: their start-up must never delay a first plan."""

from __future__ import annotations

from types import ModuleType


def load() -> ModuleType | None:
    """The kernels, or None where numba is missing."""
    try:
        from deliveries.planner import kernels
    except ImportError:
        return None
    return kernels
