"""What is forgotten of a customer, and when: looked for in every table, not only where we think it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone

from deliveries import gate_codes, tasks
from deliveries.actions import chat, retention, wishes
from deliveries.models import ChatMessage, Event, GateCode, LedgerEntry, Package, Proof, Stop, TrackingLink, Transfer
from stores.places import Point

from .live import road

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def delivered() -> road.Road:
    """Two doors on one trip; the first is done, with everything a customer can leave behind."""
    made = road.under_way(2, recipient="Quentin Zephyr", phone="+1 201 555 0143", email="quentin@example.net")
    package, now = made.packages[0], timezone.now()
    wishes.instruct(package=package, instructions="Zephyr bell", safe_place="porch", gate_code="GC-99417", now=now)
    wishes.move_pin(package=package, point=Point(package.lat + 0.0001, package.lon), now=now)
    chat.write(package=package, words="Zephyr dog", key=uuid4(), now=now)
    made.deliver(package, photo=b"\xff\xd8 a photo")
    return made


def test_codes_and_chats_go_when_it_is_over(now: datetime) -> None:
    made = delivered()
    gate_codes.keep(made.packages[1], "1234", now)
    for later, left in ((timedelta(minutes=1), 2), (timedelta(minutes=6), 1)):
        retention.forget_what_is_done(store=made.store, now=now + later)
        assert GateCode.objects.count() == left, "not before a drop-off can no longer be taken back"
    assert not ChatMessage.objects.exists()
    assert GateCode.objects.get().package_id == made.packages[1].pk, "who still waits keeps theirs"


def test_after_thirty_days_nothing_leads_to_a_customer(now: datetime, client: Client) -> None:
    made = delivered()
    package, token = made.packages[0], made.tokens[0]
    street, photo = package.address1, Proof.objects.get(package=package).photo.name
    assert default_storage.exists(photo)
    stop = Stop.objects.get(claims__package=package)
    # Offered to a colleague before it was brought: that row keeps the stops that the colleague was shown.
    shown = Transfer.objects.create(
        trip=made.trip, giver=made.ana, code_hash=b"x", made_at=now, expires_at=now + DAY, withdrawn_at=now,
        stops=[{"lat": package.lat, "lon": package.lon, "package_ids": [package.pk]}],
    )  # fmt: skip
    shown.packages.add(package)
    assert retention.forget_customers(store=made.store, now=now + 29 * DAY) == 0
    Package.objects.filter(pk=package.pk).update(state_since=now - 31 * DAY)
    assert retention.forget_customers(store=made.store, now=now) == 1
    assert retention.forget_customers(store=made.store, now=now) == 0, "twice is once"
    assert not default_storage.exists(photo)
    assert not TrackingLink.objects.filter(package=package).exists()
    stop.refresh_from_db()
    assert (stop.lat, stop.lon) == (made.store.lat, made.store.lon)

    # Its neighbour on the same trip is still to be brought, and has the same name; look for what is the first one's alone.
    gone = (street, f"{package.lat:.5f}", "Zephyr bell", "Zephyr dog", "GC-99417")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            for (row,) in cursor.fetchall():
                assert not [word for word in gone if word in row], table
    forgotten = Package.objects.get(pk=package.pk)
    assert (forgotten.recipient, forgotten.phone, forgotten.email, forgotten.zip) == ("", "", "", "")
    assert forgotten.trip_id == made.trip.pk, "pay and custody still name the trip"
    assert Event.objects.filter(package=package, verb="deliver").exists()
    assert Package.objects.get(pk=made.packages[1].pk).recipient == "Quentin Zephyr"
    unknown = client.get(f"/t/{'A' * 32}/")
    answer = client.get(f"/t/{token}/")
    assert (answer.status_code, answer.content) == (404, unknown.content)
    assert LedgerEntry.objects.count() == 0


def test_links_end_on_time_whether_the_sweep_came_or_not(now: datetime, client: Client) -> None:
    made = delivered()
    Package.objects.filter(pk=made.packages[0].pk).update(state_since=now - 30 * DAY - timedelta(minutes=1))
    TrackingLink.objects.update(expires_at=now + 9 * DAY)
    assert client.get(f"/t/{made.tokens[0]}/").status_code == 404
    assert client.get(f"/t/{made.tokens[1]}/").status_code == 200


def test_who_is_still_looked_for_is_kept(now: datetime) -> None:
    made = delivered()
    wishes.not_received(package=made.packages[0], words="", key=uuid4(), now=now)
    Package.objects.filter(pk=made.packages[0].pk).update(state_since=now - 40 * DAY)
    assert retention.forget_customers(store=made.store, now=now) == 0
    wishes.found(package=made.packages[0], now=now)
    assert retention.forget_customers(store=made.store, now=now) == 1


def test_the_sweep_finds_the_stores(now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    assert Path(settings.MEDIA_ROOT)
    made, other = delivered(), road.under_way(1)
    asked: list[int] = []
    monkeypatch.setattr(tasks.forget_store, "delay", asked.append)
    tasks.find_forgettable()
    assert asked == [], "nothing is over for long enough"
    Package.objects.filter(pk=made.packages[0].pk).update(state_since=now - 31 * DAY)
    tasks.find_forgettable()
    assert asked == [made.store.pk]
    tasks.forget_store(made.store.pk)
    asked.clear()
    tasks.find_forgettable()
    assert asked == []
    assert other.store.pk
