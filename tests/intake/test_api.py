"""The API as a retailer's system sees it: keys, bodies, reports and problems."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from associates.models import Shift
from deliveries.api import keys
from deliveries.models import Event, Package
from stores.models import ApiKey, ApiScope, ApiSecret, Store

from .. import make
from .rows import as_csv, as_json, package, shift

pytestmark = pytest.mark.django_db
URL = "/api/v1/packages"


class System(Client):
    """One of the retailer's systems, with its key."""

    def __init__(self, *stores: Store) -> None:
        self.record, self.secret = keys.issue(
            name="Order system", stores=stores, now=timezone.now(), scopes=ApiScope.values
        )
        super().__init__(headers={"Authorization": f"Bearer {self.secret}"}, raise_request_exception=True)

    def send(self, body: bytes, media: str = "application/json", url: str = URL, **headers: str) -> Any:
        # CONTENT_TYPE once more: the test client leaves it out where the body is empty.
        return self.post(url, body, content_type=media, headers=headers, CONTENT_TYPE=media)


@pytest.fixture
def store() -> Store:
    return make.store()


@pytest.fixture
def system(store: Store) -> System:
    return System(store)


def is_problem(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert code is None or body["code"] == code
    return body


def test_good_rows_are_in(store: Store, system: System) -> None:
    response = system.send(as_json("packages", [package(store, 1), package(store, 2)]))
    assert response.status_code == 200
    assert response.json() == {
        "read": 2, "accepted": 2, "unchanged": 0, "rejected": 0, "skipped": 0, "dry_run": False, "atomic": False,
        "errors": [], "warnings": [],
    }  # fmt: skip
    assert set(Event.objects.values_list("by_kind", "by_name")) == {("retailer", "Order system")}
    again = system.send(as_csv([package(store, 1), package(store, 2)]), "text/csv; charset=UTF-8")
    assert (again.status_code, again.json()["unchanged"]) == (200, 2)


def test_good_rows_are_kept_and_bad_ones_told(store: Store, system: System) -> None:
    rows = [package(store, 1), package(store, 2, recipient="x\ud800y"), package(store, 3, zip=7002), 5, {}]
    response = system.send(as_json("packages", rows))
    assert response.status_code == 207
    body = response.json()
    assert (body["read"], body["accepted"], body["rejected"]) == (5, 1, 4)
    assert body["errors"][0] == {
        "row": 2, "column": "recipient", "value": "x\\ud800y", "code": "bad_character",
        "message": "U+D800 is not a character of text. Remove it.",
    }  # fmt: skip
    assert {error["row"] for error in body["errors"]} == {2, 3, 4, 5}
    assert Package.objects.get().reference == "W-1"


def test_a_dry_run_by_the_address(store: Store, system: System) -> None:
    response = system.send(as_json("packages", [package(store)]), url=f"{URL}?dry_run=true")
    assert (response.json()["accepted"], response.json()["dry_run"]) == (1, True)
    assert not Package.objects.exists()
    is_problem(system.send(b"{}", url=f"{URL}?dry_run=perhaps"), 400, "true_or_false")
    is_problem(system.send(as_json("packages", [package(store)]), url=f"{URL}?dry_run=perhaps"), 400, "true_or_false")


def test_shifts_come_in_the_same_way(store: Store, system: System) -> None:
    response = system.send(as_json("shifts", [shift(store, 1), shift(store, 1, shift="S-2")]), url="/api/v1/shifts")
    assert response.status_code == 207
    assert [error["code"] for error in response.json()["errors"]] == ["overlap"]
    assert Shift.objects.count() == 1
    assert system.send(as_csv([shift(store)]), "text/csv", "/api/v1/shifts").json()["unchanged"] == 1


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"", "application/json", 400, "empty"), (b"", "text/csv", 400, "empty"),
        (b"{", "application/json", 400, "json"), (b'"\xff"', "application/json", 400, "encoding"),
        (b'{"packages": [{"lat": NaN}]}', "application/json", 400, "json"),
        (b"[" * 200_000, "application/json", 400, "json"), (b"null", "application/json", 400, "json_shape"),
        (b"1" * 10_000, "application/json", 400, "json_shape"), (b"\x00", "application/json", 400, "nul_byte"),
        (b"a,b\n1,2", "text/csv", 400, "unknown_column"), (b'"', "text/csv", 400, "quotes"),
        (b"PK\x03\x04", "text/csv", 400, "compressed"), (b"\x1f\x8b", "application/json", 400, "compressed"),
        (b'{"packages": [' + b"0," * 1000 + b"0]}", "application/json", 413, "too_many_rows"),
        (b" " * (4 * 1024 * 1024 + 1), "application/json", 413, "too_large"),
        (b"{}", "application/xml", 415, "unsupported_media_type"), (b"{}", "", 415, "unsupported_media_type"),
        (b"{}", "application/json; charset=utf-16", 415, "unsupported_media_type"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_read(system: System, body: bytes, media: str, status: int, code: str) -> None:
    is_problem(system.send(body, media), status, code)


def test_a_problem_says_where(store: Store, system: System) -> None:
    data = as_csv([package(store, recipient="José")]).decode().encode("cp1252")
    problem = is_problem(system.send(data, "text/csv"), 400, "encoding")
    assert (problem["row"], problem["byte"]) == (2, data.index(b"\xe9"))


def test_compressed_bodies_are_refused_politely(system: System) -> None:
    is_problem(system.send(b"x", "text/csv", **{"Content-Encoding": "br"}), 415)


def test_who_may_write(store: Store, system: System) -> None:
    body = as_json("packages", [package(store)])
    for headers in (
        {}, {"Authorization": "Bearer"}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"},
        {"Authorization": "Bearer \xff\xfe"},
    ):  # fmt: skip
        response = Client().post(URL, body, content_type="application/json", headers=headers)
        is_problem(response, 401)
        assert response["WWW-Authenticate"].startswith("Bearer")
    ApiKey.objects.update(revoked_at=timezone.now())
    is_problem(system.send(body), 401, "bad_key")
    ApiKey.objects.update(revoked_at=None)
    ApiSecret.objects.update(expires_at=timezone.now(), made_at=timezone.now() - timedelta(days=1))
    is_problem(system.send(body), 401, "bad_key")
    assert not Package.objects.exists()


def test_another_stores_number_reads_like_none_at_all(store: Store, system: System) -> None:
    theirs = make.store()
    response = system.send(as_json("packages", [package(theirs), package(1), package(store)]))
    one, other = response.json()["errors"]
    assert (one["code"], one["message"]) == (other["code"], other["message"])
    assert (one["code"], response.json()["accepted"]) == ("unknown_store", 1)


def test_how_a_package_stands(store: Store, system: System) -> None:
    system.send(as_json("packages", [package(store, reference="A/1?b", phone="201-555-0123")]))
    url = f"{URL}/A/1%3Fb"
    body = system.get(url, {"store": store.number}).json()
    assert body.keys() == {
        "store", "reference", "label", "state", "version", "state_since", "deliver_by", "associate_ok",
    }  # fmt: skip
    assert (body["store"], body["reference"], body["state"], body["version"]) == (store.number, "A/1?b", "received", 1)
    is_problem(System(make.store()).get(url, {"store": store.number}), 404)
    is_problem(system.get(f"{URL}/nothing", {"store": store.number}), 404)
    is_problem(system.get(f"{URL}/a%00b", {"store": store.number}), 404)
    is_problem(system.get(url), 400, "store_missing")
    is_problem(system.get(url, {"store": "٣"}), 400, "store_missing")
    is_problem(Client().get(url, {"store": store.number}), 401)


def test_wrong_addresses_and_methods_are_problems_too(system: System) -> None:
    is_problem(system.put(URL), 405)
    is_problem(system.get("/api/v1/parcels"), 404)
    is_problem(system.delete(f"{URL}/x"), 405)
    assert system.send(b"{", Accept="text/html").status_code == 400, "what Accept says is no reason to say nothing"


@pytest.mark.usefixtures("throttled")
def test_a_key_that_asks_too_often_is_told_when_to_go_on(system: System) -> None:
    cache.delete(f"throttle/key:{system.record.pk}")
    ApiKey.objects.update(per_minute=2)
    assert [system.send(b"{").status_code for _ in range(2)] == [400, 400]
    response = system.send(b"{")
    is_problem(response, 429, "throttled")
    assert 0 < int(response["Retry-After"]) <= 60


@pytest.mark.usefixtures("throttled")
def test_without_a_cache_packages_still_come_in(store: Store, system: System, settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    assert system.send(as_json("packages", [package(store)])).status_code == 200


def test_the_schema_is_valid_and_describes_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    text = capsys.readouterr().out
    for path in ("/api/v1/packages:", "/api/v1/packages/{reference}:", "/api/v1/shifts:", "application/problem+json"):
        assert path in text
    assert Client().get("/api/v1/schema/").status_code == 200


def test_the_documentation_page_keeps_scripts_strict() -> None:
    page = Client().get("/api/v1/docs/")
    assert page.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert "'unsafe-inline'" in policy["style-src"]
    html = page.content.decode()
    assert "https://" not in html, "nothing from elsewhere"
    assert "<script>" not in html
    script = Client().get("/api/v1/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")


def test_a_key_is_printed_once_and_kept_as_a_hash(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_api_key", "--store", str(store.number), "--name", "Order system")
    printed = capsys.readouterr()
    key = printed.out.strip()
    assert key.startswith(keys.PREFIX)
    assert key not in printed.err
    record = ApiKey.objects.get()
    assert bytes(record.secrets.get().secret_hash) == keys.key_hash(key)
    assert list(record.stores.all()) == [store]
    response = Client().post(
        URL, as_json("packages", [package(store)]), content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )  # fmt: skip
    assert response.status_code == 200


@pytest.mark.parametrize("arguments", [["--store", "1"], ["--name", ""], ["--days", "0"], ["--name", "x" * 61]])
def test_a_key_for_nothing_is_refused(store: Store, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("make_api_key", "--store", str(store.number), "--name", "Order system", *arguments)
    assert not ApiKey.objects.exists()
