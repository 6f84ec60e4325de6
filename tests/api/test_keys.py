"""Keys: what they may do, how often, and how their secrets change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from deliveries.api import keys, urls
from deliveries.api.reading import NotHere
from stores.models import ApiKey, ApiScope, ApiSecret, Store
from tests import make

from .conftest import System

URL = "/api/v1/packages/x?store=1"


def asks(secret: str) -> int:
    return Client(headers={"Authorization": f"Bearer {secret}"}).get(URL).status_code


def test_a_key_does_only_what_it_may(store: Store, is_problem: Any) -> None:
    reader = System(store, scopes=["packages:read"])
    body = is_problem(reader.send("/api/v1/packages", {"packages": []}), 403, "scope")
    assert "packages:write" in body["detail"]
    assert "packages:read" in body["detail"]
    is_problem(reader.get(f"/api/v1/packages/x?store={store.number}"), 404)


def test_every_method_of_every_view_names_its_scope() -> None:
    """A view that names none answers nobody; one that forgets a method would be found by its users."""
    seen = 0
    for pattern in urls.urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if view is None or view is NotHere or not hasattr(view, "key_of"):
            continue
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert set(view.scopes) == methods, view
        assert set(view.scopes.values()) <= {*ApiScope.values, keys.ANY}, view
        seen += 1
    assert seen >= 3


def test_two_secrets_work_while_systems_change_over(store: Store) -> None:
    now = timezone.now()
    key, old = keys.issue(name="Orders", stores=[store], now=now)
    new = keys.rotate(key=key, now=now, overlap=timedelta(days=7))
    assert [asks(old), asks(new)] == [404, 404]
    with pytest.raises(keys.TwoSecrets):
        keys.rotate(key=key, now=now)
    assert key.secrets.get(secret_hash=keys.key_hash(old)).expires_at == now + timedelta(days=7)
    assert keys.end_older(key=key, now=now)
    assert [asks(old), asks(new)] == [401, 404]
    assert not keys.end_older(key=key, now=now), "the last one is revoked, not ended"
    third = keys.rotate(key=key, now=now)
    assert [asks(new), asks(third)] == [404, 404]


def test_an_old_secret_never_lives_longer_by_a_rotation(store: Store) -> None:
    now = timezone.now()
    key, old = keys.issue(name="Orders", stores=[store], now=now, life=timedelta(days=1))
    keys.rotate(key=key, now=now, overlap=timedelta(days=7))
    assert key.secrets.get(secret_hash=keys.key_hash(old)).expires_at == now + timedelta(days=1)


def test_the_database_holds_two_slots_and_known_scopes(store: Store) -> None:
    key, _secret = keys.issue(name="Orders", stores=[store], now=make.EVENING)
    keys.rotate(key=key, now=make.EVENING)
    for slot in (1, 3):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiSecret.objects.create(
                key=key, slot=slot, secret_hash=b"x", made_at=make.EVENING, expires_at=make.EVENING + timedelta(1)
            )
    for scopes in ([], ["everything"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.create(name="Odd", scopes=scopes)


def test_the_last_day_of_use_is_known(system: System) -> None:
    assert system.record.secrets.get().last_used_on is None
    system.get(URL)
    assert system.record.secrets.get().last_used_on == timezone.now().date()


def test_a_revoked_or_expired_key_is_refused(system: System, is_problem: Any) -> None:
    ApiSecret.objects.update(made_at=make.EVENING - timedelta(days=9), expires_at=make.EVENING - timedelta(days=1))
    is_problem(system.get(URL), 401, "bad_key")
    ApiSecret.objects.update(expires_at=make.EVENING + timedelta(days=1))
    ApiKey.objects.update(revoked_at=make.EVENING)
    is_problem(system.get(URL), 401, "bad_key")
    with pytest.raises(keys.Revoked):
        keys.rotate(key=system.record, now=make.EVENING)


def test_each_key_has_a_rate_of_its_own(store: Store, is_problem: Any) -> None:
    slow, other = System(store, per_minute=2), System(store)
    assert [slow.get(URL).status_code for _ in range(2)] == [404, 404]
    answer = slow.get(URL)
    is_problem(answer, 429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert other.get(URL).status_code == 404


def test_a_key_says_what_it_is(system: System, store: Store) -> None:
    body = system.get("/api/v1/key").json()
    assert body["name"] == "Order system"
    assert body["stores"] == [store.number]
    assert set(body["scopes"]) == set(ApiScope.values)
    assert [secret.keys() for secret in body["secrets"]] == [{"made_at", "expires_at", "last_used_on"}]


def test_rotation_by_command(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_api_key", "--store", str(store.number), "--name", "Orders", "--scope", "payroll:read")
    old = capsys.readouterr().out.strip()
    key = ApiKey.objects.get()
    assert key.scopes == ["payroll:read"]
    call_command("rotate_api_key", str(key.pk))
    new = capsys.readouterr().out.strip()
    assert {asks(old), asks(new)} == {403}, "both are known, and may not read packages"
    with pytest.raises(CommandError):
        call_command("rotate_api_key", str(key.pk))
    call_command("rotate_api_key", str(key.pk), "--end-older")
    assert [asks(old), asks(new)] == [401, 403]
    with pytest.raises(CommandError):
        call_command("rotate_api_key", "999999")
