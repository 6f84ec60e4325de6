"""Webhooks against a real server: signed, in turn, again until they arrive, and never to where they must not go."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from deliveries import actors, feed, outbound, tasks, webhooks
from deliveries.actions import receiving
from deliveries.actions import webhooks as verbs
from deliveries.models import Event, Webhook, WebhookDelivery
from deliveries.webhooks import sending
from stores.models import ApiKey, Store
from tests import make
from tests.staff.world import offer_to

from .conftest import System
from .receiver import listening

NOW = make.EVENING
URL = "/api/v1/webhooks"


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.OUTBOUND_LOCAL = True


def expected(secret: str, headers: dict[str, str], body: bytes) -> str:
    """A receiver's own check, written from the specification and not from our code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def set_up(system: System, url: str) -> dict[str, Any]:
    answer = system.send(URL, {"url": url})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_every_event_is_told_signed_and_once(system: System, store: Store) -> None:
    make.package(store)  # before: not told
    with listening() as receiver:
        made = set_up(system, receiver.url)
        package = make.package(store)
        tasks.send_store_webhooks(store.pk)
        tasks.send_store_webhooks(store.pk)
    assert [(e["package"], e["type"], e["version"]) for e in receiver.events] == [
        (package.reference, "package.receive", 1), (package.reference, "package.stage", 2),
    ]  # fmt: skip
    for headers, body in receiver.got:
        assert headers["webhook-signature"] == expected(made["secret"], headers, body)
        assert abs(int(headers["webhook-timestamp"]) - NOW.timestamp()) < 60
        assert headers["content-type"] == "application/json"
    assert [headers["webhook-id"] for headers, _body in receiver.got] == [e["id"] for e in receiver.events]
    assert WebhookDelivery.objects.filter(delivered_at=None).count() == 0
    assert "secret" not in system.get(f"{URL}/{made['id']}").json()
    assert made["secret"].encode() not in bytes(Webhook.objects.get().secret)


def test_offers_and_people_are_in_no_event(system: System, store: Store) -> None:
    person = make.associate(store)
    package = make.package(store)
    with listening() as receiver:
        set_up(system, receiver.url)
        offer = offer_to(person, make.shift(person), [package], now=NOW, until=NOW + timedelta(minutes=30))
        from deliveries.actions import offers

        offers.not_tonight(by=person, now=NOW, offer=offer)
        receiving.hold(package=package, by=actors.staff(make.user().pk), now=NOW, reason="Sam asked for Ana")
        tasks.send_store_webhooks(store.pk)
    [event] = receiver.events
    assert (event["type"], event["from"], event["by"], event["reason"]) == ("package.hold", "staged", "staff", None)
    assert set(event) == {
        "id", "position", "type", "store", "package", "label", "version", "from", "to", "at", "happened_at", "by", "trip",
        "reason",
    }  # fmt: skip


def test_a_package_is_told_in_the_order_of_its_versions_and_waits_for_none_but_itself(
    system: System, store: Store
) -> None:
    with listening() as receiver:
        set_up(system, receiver.url)
        stuck, other = make.package(store), make.package(store)
        receiver.respond = lambda event, count: 500 if event["package"] == stuck.reference else 200
        now = NOW
        for _turn in range(4):
            webhooks.owe(store.pk, now=now)
            webhooks.send_due(store.pk, now=now)
            now += timedelta(minutes=2)
        assert [e["version"] for e in receiver.events if e["package"] == other.reference] == [1, 2]
        assert {e["version"] for e in receiver.events if e["package"] == stuck.reference} == {1}
        receiver.respond = lambda event, count: 200
        before = len(receiver.got)
        for _turn in range(2):
            now += timedelta(hours=5)
            webhooks.send_due(store.pk, now=now)
        assert [e["version"] for e in receiver.events[before:]] == [1, 2]


def test_it_is_tried_for_three_days_and_then_given_up_and_can_be_sent_again(system: System, store: Store) -> None:
    with listening(lambda event, count: 503) as receiver:
        made = set_up(system, receiver.url)
        make.package(store, staged=False)
        webhooks.owe(store.pk, now=NOW)
        now, tries = NOW, []
        while WebhookDelivery.objects.filter(given_up_at=None).exists():
            if webhooks.send_due(store.pk, now=now) == 0 and len(receiver.got) > len(tries):
                tries.append(now)
            now += timedelta(minutes=15)
            assert now < NOW + timedelta(days=5)
        assert tries[-1] - NOW >= webhooks.GIVE_UP_AFTER
        assert len(tries) < 40, "it backs off"
        row = WebhookDelivery.objects.get()
        assert (row.status, row.error) == (503, "answered 503")
        log = system.get(f"{URL}/{made['id']}/deliveries?outcome=given_up").json()["items"]
        assert [(each["status"], each["package"]) for each in log] == [(503, row.package.reference)]
        receiver.respond = lambda event, count: 200
        answer = system.send(f"{URL}/{made['id']}/replay", {"outcome": "given_up"})
        assert answer.json() == {"again": 1}
        tasks.send_store_webhooks(store.pk)
        row.refresh_from_db()
        assert row.delivered_at is not None


def test_slow_receivers_use_up_no_claim_but_their_own_and_the_turn_ends(
    system: System, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(system, "http://127.0.0.1:9/in")
    for _ in range(3):
        make.package(store, staged=False)
    webhooks.owe(store.pk, now=NOW)
    clock, leases = [0.0], []

    def slow(url: str, body: bytes, headers: dict[str, str], *, local: bool) -> outbound.Answer:
        clock[0] += 50
        leases.append(max(WebhookDelivery.objects.values_list("due_at", flat=True)) - NOW)
        return outbound.Answer(200, b"")

    monkeypatch.setattr(outbound, "post", slow)
    monkeypatch.setattr(sending, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert webhooks.send_due(store.pk, now=NOW) == 2, "100 seconds are more than a turn"
    assert leases == [sending.LEASE, sending.LEASE + timedelta(seconds=50)]
    assert webhooks.send_due(store.pk, now=NOW) == 1


def test_a_secret_changes_while_both_sign(system: System, store: Store) -> None:
    with listening() as receiver:
        made = set_up(system, receiver.url)
        new = system.send(f"{URL}/{made['id']}/rotate").json()["secret"]
        assert new != made["secret"]
        make.package(store, staged=False)
        tasks.send_store_webhooks(store.pk)
        [(headers, body)] = receiver.got
        assert headers["webhook-signature"].split(" ") == [
            expected(secret, headers, body) for secret in (new, made["secret"])
        ]
        Webhook.objects.update(old_secret_until=NOW - timedelta(seconds=1))
        make.package(store, staged=False)
        tasks.send_store_webhooks(store.pk)
        headers, body = receiver.got[-1]
        assert headers["webhook-signature"] == expected(new, headers, body)


def test_a_redirect_is_an_answer_and_not_followed(system: System, store: Store) -> None:
    with listening() as elsewhere, listening(lambda event, count: 307) as receiver:
        receiver.headers = {"Location": elsewhere.url}
        set_up(system, receiver.url)
        make.package(store, staged=False)
        tasks.send_store_webhooks(store.pk)
        assert not elsewhere.got
        row = WebhookDelivery.objects.get()
        assert (row.status, row.error, row.delivered_at) == (307, "redirect", None)


def test_nobody_there_is_a_failure_like_another(system: System, store: Store) -> None:
    with listening() as receiver:
        url = receiver.url
    set_up(system, url)
    make.package(store, staged=False)
    tasks.send_store_webhooks(store.pk)
    row = WebhookDelivery.objects.get()
    assert row.error == "NewConnectionError"
    assert row.due_at > NOW


def test_a_webhook_of_a_revoked_key_or_switched_off_is_told_nothing(system: System, store: Store) -> None:
    with listening() as receiver:
        set_up(system, receiver.url)
        make.package(store, staged=False)
        webhooks.owe(store.pk, now=NOW)
        Webhook.objects.update(active=False)
        assert webhooks.send_due(store.pk, now=NOW) == 0
        Webhook.objects.update(active=True)
        ApiKey.objects.update(revoked_at=NOW)
        assert webhooks.send_due(store.pk, now=NOW) == 0
        assert not receiver.got
        assert webhooks.due_stores(NOW) == []


def test_another_keys_webhook_is_not_there(system: System, store: Store, is_problem: Any) -> None:
    made = set_up(system, "http://127.0.0.1:9/in")
    other = System(store)
    for url in (f"{URL}/{made['id']}", f"{URL}/{made['id']}/deliveries"):
        is_problem(other.get(url), 404)
    for url in (f"{URL}/{made['id']}/rotate", f"{URL}/{made['id']}/replay"):
        is_problem(other.send(url), 404)
    is_problem(other.delete(f"{URL}/{made['id']}"), 404)
    assert system.delete(f"{URL}/{made['id']}").status_code == 204
    assert not Webhook.objects.exists()


def test_set_up_twice_is_told(system: System, is_problem: Any) -> None:
    set_up(system, "http://127.0.0.1:9/in")
    is_problem(system.send(URL, {"url": "http://127.0.0.1:9/in"}), 409, "webhook_known")
    is_problem(system.send(URL, {}), 400, "missing")


def test_the_database_owes_an_event_once(system: System, store: Store) -> None:
    made = set_up(system, "http://127.0.0.1:9/in")
    package = make.package(store, staged=False)
    webhooks.owe(store.pk, now=NOW)
    webhooks.owe(store.pk, now=NOW)
    row = WebhookDelivery.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.create(
            webhook_id=made["id"], event=row.event, store=store, package=package, version=1, made_at=NOW, due_at=NOW
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.update(delivered_at=NOW, given_up_at=NOW)


# --- Where nothing is sent --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/in", "ftp://example.com", "https://", "https://u:p@example.com/", "https://example.com/#x",
        "https://127.0.0.1/", "https://10.1.2.3/", "https://169.254.169.254/latest", "https://[::1]/", "https://0.0.0.0/",
        "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://192.168.1.1:8443/", "https://exa mple.com/",
        "https://example.com\\@10.0.0.1/", "https://exämple.com/", "https://100.64.0.1/", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_taken(system: System, settings: Any, url: str, is_problem: Any) -> None:
    settings.OUTBOUND_LOCAL = False
    is_problem(system.send(URL, {"url": url}), 400, "webhook_address")


def test_a_name_that_leads_inside_is_not_called() -> None:
    with listening() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        for addresses in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], []):
            with pytest.raises(outbound.Refused):
                outbound.post(f"https://hook.example.com:{port}/in", b"{}", {}, resolver=lambda h, p, a=addresses: a)
        assert not receiver.got


def test_a_name_is_looked_up_once_and_that_address_is_called() -> None:
    """A resolver that changes its mind (DNS rebinding) is not asked again."""
    asked: list[str] = []

    def fickle(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with listening() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        answer = outbound.post(f"http://nowhere.invalid:{port}/in?x=1", b"{}", {"X": "1"}, local=True, resolver=fickle)
        assert answer.status == 204
        assert asked == ["nowhere.invalid"]
        assert receiver.got[0][0]["host"] == f"nowhere.invalid:{port}"


def test_an_answer_without_end_is_read_to_a_limit() -> None:
    with listening() as receiver:
        receiver.respond, receiver.body = (lambda event, count: 200), b"x" * (outbound.MOST_ANSWER * 2)
        assert len(outbound.post(receiver.url, b"{}", {}, local=True).body) == outbound.MOST_ANSWER


# --- The feed ---------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_committed_late_is_not_missed() -> None:
    """A reader is between two writers, of which the first commits last."""
    import threading

    from django.db import connections

    store = make.store()
    system = System(store)
    wrote, go = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            make.package(store, staged=False, reference="slow")
            wrote.set()
            go.wait(20)
        connections.close_all()

    writer = threading.Thread(target=slow)
    writer.start()
    assert wrote.wait(20)
    make.package(store, staged=False, reference="fast")
    first = system.get(f"/api/v1/events?store={store.number}").json()
    assert [e["package"] for e in first["items"]] == ["fast"]
    go.set()
    writer.join(20)
    assert Event.objects.get(package__reference="slow").pk < Event.objects.get(package__reference="fast").pk
    second = system.get(f"/api/v1/events?store={store.number}&cursor={first['cursor']}").json()
    assert [e["package"] for e in second["items"]] == ["slow"]


def test_the_feed_is_read_page_by_page(system: System, store: Store, is_problem: Any) -> None:
    for _ in range(3):
        make.package(store)
    url, seen = f"/api/v1/events?store={store.number}&limit=4", []
    while url:
        page = system.get(url).json()
        seen += [event["position"] for event in page["items"]]
        url = page["next"]
    assert seen == list(range(1, 7))
    assert feed.number(store.pk) == 0
    is_problem(System(make.store()).get(f"/api/v1/events?store={store.number}"), 404)


def test_verbs_are_where_they_belong(system: System, store: Store) -> None:
    webhook, secret = verbs.set_up(key=system.record, url="http://127.0.0.1:9/x", stores=[store], now=NOW)
    assert webhooks.open_secret(webhook.secret) == secret
