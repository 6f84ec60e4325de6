"""Staff pages are looked at while the evening of `world` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from stores.models import StaffMember, Store, User
from tests import make

from . import world


@pytest.fixture(autouse=True)
def _at_six(db: None) -> Iterator[None]:
    with time_machine.travel(world.NOW, tick=True):
        yield
    cache.clear()


@pytest.fixture
def zanzibar() -> world.World:
    """The store whose words must not reach anybody else."""
    return world.build("Zanzibar")


@pytest.fixture
def elsewhere() -> Store:
    """Another store, whose staff look."""
    return make.store(name="Elsewhere")


@pytest.fixture
def enter() -> Callable[..., Client]:
    """Sign somebody in: `enter(store, role)`, or `enter(user=user)`."""

    def sign_in(store: Store | None = None, role: str = StaffMember.Role.LEAD, user: User | None = None) -> Client:
        client = Client()
        assert store is not None or user is not None
        client.force_login(user or make.staff(store, role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
