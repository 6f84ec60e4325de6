"""In which order the suite runs."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)  # after pytest-django, which puts tests without a database last
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes a minute starts first: started last, one core would wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
