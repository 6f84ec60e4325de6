"""For the whole suite: its order, its memory, what its databases are copied from, and how a test leaves them empty."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from django.db import connection, connections, transaction
from django.test import TransactionTestCase

from tests import migrated, services


@pytest.hookimpl(trylast=True)  # after pytest-django, which puts tests without a database last
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes a minute starts first: started last, one core would wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays, and looking through all of it for garbage again and again was a sixth of a page's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_use_migrations: bool
) -> None:
    """Test databases are copies of a migrated one: on the servers that the suite starts itself, not on somebody's own."""
    url = os.environ["DATABASE_URL"]
    if django_db_use_migrations and services.started(url):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = migrated.database(services.VAR, url)


# Rows that come with the tables: whoever has read their numbers, another process too, may go on using them.
KEPT = {"django_content_type", "auth_permission"}


def empty(case: TransactionTestCase | None = None) -> None:
    """Deletes what a test without a transaction of its own has written, in the few tables where it has.

    Django truncates them all and makes the permissions anew: a quarter of a second, and locks that a question which the
    web process is still answering may hold against. As a replica, because the trail of events lets nobody delete.
    """
    names = [
        connection.ops.quote_name(name) for name in connection.introspection.django_table_names(only_existing=True)
    ]
    tables = [name for name in names if name.strip('"') not in KEPT]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT FROM {name})" for name in tables))  # noqa: S608
        written = [name for name, there in zip(tables, cursor.fetchone(), strict=True) if there]
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in written:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608


@pytest.fixture(scope="session", autouse=True)
def _emptied_by_deleting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if services.started(os.environ["DATABASE_URL"]):  # elsewhere we may not be allowed to
            patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield
