"""What customers say, as the associate at the door gets it: on the stop's own pages, also without a signal."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from deliveries.actions import chat, wishes
from deliveries.models import ChatMessage, Package, Thanks
from deliveries.views.phone import key_of_person
from tests.live import road

pytestmark = pytest.mark.django_db


def signed_in(made: road.Road) -> Client:
    client = Client()
    client.force_login(made.ana.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def stop_of(made: road.Road, which: int = 0) -> int:
    stop_id = made.packages[which].claims.get(released_at=None).stop_id
    assert stop_id is not None
    return stop_id


def text(html: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.decode()))


def test_the_gate_code_stands_on_the_page_of_its_stop_and_nowhere_else() -> None:
    made = road.under_way(2)
    now = timezone.now()
    wishes.instruct(
        package=made.packages[0], instructions="Blue door", safe_place="porch", gate_code="GC-7781", now=now
    )
    client = signed_in(made)
    trip = text(client.get("/trip/").content)
    assert "GC-7781" not in trip
    assert "Porch" in trip
    assert "Blue door" in trip
    assert "GC-7781" in text(client.get(f"/trip/stops/{stop_of(made)}/drop-off/").content)
    for url in (
        "/today/",
        "/earnings/",
        f"/trip/stops/{stop_of(made, 1)}/drop-off/",
        f"/trip/stops/{stop_of(made)}/problem/",
    ):
        assert "GC-7781" not in client.get(url).content.decode(), url
    made.deliver(made.packages[0])
    assert "GC-7781" not in client.get(f"/trip/stops/{stop_of(made)}/drop-off/").content.decode(), "over is over"


def test_a_message_is_read_on_the_trip_and_answered_with_one_tap() -> None:
    made = road.under_way(1)
    package = made.packages[0]
    Package.objects.filter(pk=package.pk).update(language="es")
    chat.write(package=package, words="The dog is friendly", key=uuid4(), now=timezone.now())
    client = signed_in(made)
    assert "Sam Carter writes: “The dog is friendly”" in text(client.get("/trip/").content)
    url = f"/trip/stops/{stop_of(made)}/messages/{package.pk}/"
    assert client.get(url).headers["Homeward-Keep"] == key_of_person(made.ana), "the phone may keep it"
    key = str(uuid4())
    for _ in range(2):
        assert client.post(url, {"key": key, "ready": "thanks"}).status_code == 302
    assert ChatMessage.objects.filter(from_customer=False).count() == 1
    answer = client.post(url, {"key": str(uuid4()), "words": "Call 201-555-0100"})
    assert answer.status_code == 409
    assert "leave out phone numbers" in text(answer.content)
    assert client.post(url, {"key": str(uuid4())}).status_code == 409


def test_an_answer_waits_in_the_phones_queue() -> None:
    made = road.under_way(1)
    client = signed_in(made)
    item = {
        "person": key_of_person(made.ana), "key": str(uuid4()), "kind": "answer", "stop": stop_of(made),
        "about": made.packages[0].pk, "words": "At your door", "age_ms": 90_000,
    }  # fmt: skip
    assert client.post("/trip/sync/", item).json()["result"] == "done"
    assert client.post("/trip/sync/", item).json()["result"] == "already"
    made.deliver(made.packages[0])
    late = client.post("/trip/sync/", item | {"key": str(uuid4())})
    assert (late.status_code, late.json()["code"]) == (409, "talk_is_over")
    assert client.post("/trip/sync/", item | {"about": "x"}).status_code == 400
    assert client.post("/trip/sync/", item | {"about": 999_999}).status_code == 404


def test_another_persons_customer_is_not_there() -> None:
    made, other = road.under_way(1), road.under_way(1)
    client = signed_in(other)
    assert client.get(f"/trip/stops/{stop_of(made)}/messages/{made.packages[0].pk}/").status_code == 404
    assert client.get(f"/trip/stops/{stop_of(other)}/messages/{made.packages[0].pk}/").status_code == 404


def test_thanks_are_read_by_who_brought_it_and_can_be_removed() -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0])
    wishes.rate(package=made.packages[0], stars=1, words="So kind of you", now=timezone.now())
    client, stranger = signed_in(made), signed_in(road.claimed(1))
    page = text(client.get("/earnings/").content)
    assert "So kind of you" in page
    assert "Sam Carter" not in page
    assert "So kind of you" not in text(stranger.get("/earnings/").content)
    thanks = Thanks.objects.get()
    stranger.post(f"/earnings/thanks/{thanks.pk}/remove/")
    assert Thanks.objects.exists()
    client.post(f"/earnings/thanks/{thanks.pk}/remove/")
    assert not Thanks.objects.exists()
    assert "So kind of you" not in client.get("/me/data/").content.decode()
