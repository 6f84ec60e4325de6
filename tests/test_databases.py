"""The suite's own databases: copied from a migrated one that is made anew when it must be, and left empty by each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from deliveries.models import Event
from stores.models import Store
from tests import make, migrated
from tests.conftest import empty

NAMED = "deliveries/states.py"


@pytest.mark.parametrize("changed", ["deliveries/migrations/0003_triggers.py", NAMED, "requirements.txt"])
def test_what_the_migrations_are_is_what_they_say_and_what_they_name(tmp_path: Path, changed: str) -> None:
    for app in ("stores", "associates", "deliveries", "config"):
        shutil.copytree(migrated.ROOT / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(migrated.ROOT / "requirements.txt", tmp_path)
    assert migrated.digest_of(tmp_path) == migrated.digest_of(migrated.ROOT)
    with (tmp_path / changed).open("a") as file:
        file.write("\n")
    assert migrated.digest_of(tmp_path) != migrated.digest_of(migrated.ROOT)


@pytest.mark.django_db(transaction=True)
def test_what_a_test_has_written_is_gone_and_what_comes_with_the_tables_stays() -> None:
    permissions = set(Permission.objects.values_list("id", "content_type_id", "codename"))
    make.package(make.store())
    assert Event.objects.exists()
    empty()
    assert not Store.objects.exists()
    assert not Event.objects.exists()
    assert set(Permission.objects.values_list("id", "content_type_id", "codename")) == permissions
    assert permissions
    with connection.cursor() as cursor:
        cursor.execute("SHOW session_replication_role")
        assert cursor.fetchone() == ("origin",)
