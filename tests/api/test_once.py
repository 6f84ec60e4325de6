"""`Idempotency-Key`, `If-Match` and what every answer that is no success looks like."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import Client, RequestFactory

from deliveries import tasks
from deliveries.api import problems
from deliveries.models import ApiCall, Event, Package
from stores.alone import alone
from stores.models import Store
from tests import make
from tests.intake.rows import package as row

from .conftest import System

URL = "/api/v1/packages"


def one(store: Store, number: int = 1, **cells: Any) -> dict[str, Any]:
    return {"packages": [row(store, number, **cells)]}


def test_the_same_key_and_body_are_answered_with_the_same_answer(store: Store, system: System) -> None:
    first = system.send(URL, one(store), Idempotency_Key="a-1")
    again = system.send(URL, one(store), Idempotency_Key="a-1")
    assert first.json() == again.json()
    assert again.json()["accepted"] == 1, "not unchanged: the answer itself is repeated"
    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert system.send(URL, one(store), Idempotency_Key="a-2").json()["unchanged"] == 1


def test_another_body_under_the_key_is_refused_and_writes_nothing(
    store: Store, system: System, is_problem: Any
) -> None:
    system.send(URL, one(store), Idempotency_Key="a-1")
    is_problem(system.send(URL, one(store, 2), Idempotency_Key="a-1"), 409, "idempotency_key_reused")
    is_problem(system.send(f"{URL}?dry_run=true", one(store), Idempotency_Key="a-1"), 409, "idempotency_key_reused")
    assert Package.objects.count() == 1


def test_two_systems_do_not_share_their_keys(store: Store, system: System) -> None:
    system.send(URL, one(store), Idempotency_Key="a-1")
    assert System(store).send(URL, one(store, 2), Idempotency_Key="a-1").json()["accepted"] == 1


def test_a_problem_is_repeated_as_a_problem(store: Store, system: System, is_problem: Any) -> None:
    for _time in range(2):
        is_problem(system.send(URL, {"packages": []}, Idempotency_Key="a-1"), 400, "no_rows")
        answer = system.send(f"{URL}/none/cancel?store={store.number}", {}, Idempotency_Key="c-1")
        is_problem(answer, 404, "not_found")


@pytest.mark.parametrize("name", ["", " ", "a b", "é", "x" * 256])
def test_a_key_that_is_none_is_told(system: System, store: Store, name: str, is_problem: Any) -> None:
    is_problem(system.send(URL, one(store), Idempotency_Key=name), 400, "idempotency_key")


@pytest.mark.django_db(transaction=True)
def test_a_twin_of_a_running_call_is_told_to_come_back(is_problem: Any) -> None:
    store = make.store()
    system = System(store)
    held, go = threading.Event(), threading.Event()

    def somebody_at_it() -> None:
        with alone(f"api-call/{system.record.pk}/a-1") as mine:
            assert mine
            held.set()
            go.wait(20)
        connections.close_all()

    other = threading.Thread(target=somebody_at_it)
    other.start()
    assert held.wait(20)
    answer = system.send(URL, one(store), Idempotency_Key="a-1")
    is_problem(answer, 409, "still_running")
    assert int(answer["Retry-After"]) > 0
    assert not Package.objects.exists()
    go.set()
    other.join()
    # The one who held it died without an answer; whoever comes next does the work.
    assert system.send(URL, one(store), Idempotency_Key="a-1").json()["accepted"] == 1


@pytest.mark.django_db(transaction=True)
def test_many_twins_at_once_are_one_write() -> None:
    store = make.store()
    system = System(store)
    statuses: list[int] = []

    def send() -> None:
        client = Client(headers={"Authorization": f"Bearer {system.secret}", "Idempotency-Key": "a-1"})
        statuses.append(client.post(URL, one(store), content_type="application/json").status_code)
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert Event.objects.filter(verb="receive").count() == 1


def test_what_broke_on_our_side_is_done_again(system: System, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from deliveries.intake import packages

    def broken(*args: Any, **options: Any) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(packages, "take_in", broken)
        with pytest.raises(RuntimeError):
            system.send(URL, one(store), Idempotency_Key="a-1")
    assert system.send(URL, one(store), Idempotency_Key="a-1").json()["accepted"] == 1


def test_answers_are_kept_for_two_days(system: System, store: Store) -> None:
    system.send(URL, one(store), Idempotency_Key="a-1")
    ApiCall.objects.update(made_at=make.EVENING - timedelta(hours=25))
    tasks.forget()
    assert ApiCall.objects.exists()
    ApiCall.objects.update(made_at=make.EVENING - timedelta(hours=49))
    tasks.forget()
    assert not ApiCall.objects.exists()


def test_the_database_keeps_no_failure_of_ours(system: System) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiCall.objects.create(key=system.record, name="x", fingerprint=b"x", made_at=make.EVENING, status=500)


def test_a_secret_is_in_no_kept_answer(system: System, store: Store) -> None:
    package = make.package(store)
    answer = system.send(f"{URL}/{package.reference}/tracking-link?store={store.number}", Idempotency_Key="a-1")
    assert answer.status_code == 201
    assert not ApiCall.objects.exists()


# --- If-Match -----------------------------------------------------------------------------------------------------------
def test_a_version_decided_on_must_still_be_the_version(system: System, store: Store, is_problem: Any) -> None:
    package = make.package(store, staged=False)
    url = f"{URL}/{package.reference}"
    tag = system.get(f"{url}?store={store.number}")["ETag"]
    make.receiving.stage(packages=[package], by=make.actors.system("test"), now=make.EVENING)
    cancel = f"{url}/cancel?store={store.number}"
    is_problem(system.send(cancel, {}, If_Match=tag), 412, "version")
    is_problem(system.send(cancel, {}, If_Match="3"), 400, "if_match")
    fresh = system.get(f"{url}?store={store.number}")["ETag"]
    answer = system.send(cancel, {}, If_Match=fresh)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer["ETag"] != fresh


# --- Problems -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        (f"{URL}?stat=staged", 400, "unknown_parameter"),
        (f"{URL}?state=lost", 400, "choice"),
        (f"{URL}?state=offered", 400, "choice"),
        (f"{URL}?changed_since=yesterday", 400, "time_format"),
        (f"{URL}?changed_since=2026-11-24T18:00", 400, "time_format"),
        (f"{URL}?limit=9999", 400, "too_much"),
        (f"{URL}?cursor=x", 400, "not_a_number"),
        (f"{URL}?store=1", 404, "not_found"),
        ("/api/v1/events", 400, "store_missing"),
        ("/api/v1/imports/x", 404, "not_found"),
        ("/api/v1/trips/99999999999999999999", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
    ],
)
def test_every_refusal_is_a_problem(system: System, url: str, status: int, code: str, is_problem: Any) -> None:
    is_problem(system.get(url), status, code)


def test_a_key_that_is_no_text_is_a_problem(system: System, is_problem: Any) -> None:
    is_problem(system.send("/api/v1/eligibility", {"\ud800": 1}), 400, "unknown_key")


def test_what_breaks_on_our_side_is_a_problem_to_the_api_and_a_page_to_people() -> None:
    answer = problems.server_error(RequestFactory().get("/api/v1/packages"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert b"<" in problems.server_error(RequestFactory().get("/today/")).content
