"""Where a trip is: told by the phone, blurred, for the customer whose stop is next, and gone with the last stop."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from associates import home
from deliveries import nearby
from deliveries.actions import dropoffs, exceptions, standing
from deliveries.live import snapshots
from deliveries.models import Package, Trip
from stores.places import Point, distance_m
from tests.live import road

pytestmark = pytest.mark.django_db


def on_the_road(client: Client, n: int = 2) -> road.Road:
    made = road.under_way(n)
    client.force_login(made.ana.user)
    home.remember(made.ana, Point(40.9, -74.3))
    return made


def tell(client: Client, point: Point, **fields: Any) -> dict[str, Any]:
    answer = client.post("/trip/position/", {"lat": point.lat, "lon": point.lon, "accuracy": 12, "age_ms": 0, **fields})
    assert answer.status_code == 200
    return json.loads(answer.content)  # type: ignore[no-any-return]


def shown(package: Package) -> Any:
    now = timezone.now()
    facts = snapshots.load([package.pk], now=now)[package.pk]
    return json.loads(snapshots.message(facts, "en", now=now))["position"]


AWAY = Point(40.64, -74.15)


def test_the_next_customer_sees_roughly_where(client: Client) -> None:
    made = on_the_road(client)
    assert tell(client, AWAY) == {"share": True, "again_s": 15}
    seen = shown(made.packages[0])
    assert 0 < distance_m(AWAY, Point(seen["lat"], seen["lon"])) <= 107
    assert shown(made.packages[1]) is None, "theirs is not the next stop"
    made.trip.refresh_from_db()
    assert (made.trip.seen_lat, made.trip.seen_lon) == (seen["lat"], seen["lon"]), "the exact place is nowhere"


def test_gone_when_the_stop_is_done_and_with_the_last(client: Client) -> None:
    made = on_the_road(client)
    tell(client, AWAY)
    made.deliver(made.packages[0])
    assert shown(made.packages[0]) is None
    assert shown(made.packages[1]) is None, "where the first customer lives is not told to the second"
    tell(client, made.packages[0].point)
    assert shown(made.packages[1]) is None
    tell(client, AWAY)
    assert shown(made.packages[1]) is not None
    made.deliver(made.packages[1])
    made.trip.refresh_from_db()
    assert (made.trip.state, made.trip.seen_at, made.trip.seen_lat) == ("finished", None, None)
    assert tell(client, AWAY) == {"share": False, "again_s": 15}, "and the phone is told to stop"
    made.trip.refresh_from_db()
    assert made.trip.seen_at is None


def test_nothing_near_home(client: Client) -> None:
    made = on_the_road(client)
    home.remember(made.ana, AWAY)
    assert tell(client, Point(AWAY.lat + 0.004, AWAY.lon))["share"] is True
    assert shown(made.packages[0]) is None
    tell(client, Point(AWAY.lat + 0.012, AWAY.lon))
    assert shown(made.packages[0]) is not None
    later = timezone.now() + timedelta(seconds=20)
    from deliveries.actions import positions

    positions.report(position=dropoffs.Position(AWAY, 5), by=made.ana, now=later, happened_at=later)
    assert shown(made.packages[0]) is None, "what was seen before goes, too"


def test_only_with_consent_and_not_after_it(client: Client) -> None:
    made = on_the_road(client)
    tell(client, AWAY)
    standing.withdraw_consent(associate=made.ana, kind="location", by=made.ana.user, now=timezone.now())
    assert shown(made.packages[0]) is None
    assert tell(client, AWAY)["share"] is False
    assert shown(made.packages[0]) is None


def test_switched_off(client: Client) -> None:
    made = on_the_road(client)
    tell(client, AWAY)
    assert tell(client, AWAY, stop="1") == {"share": False}
    assert shown(made.packages[0]) is None


def test_throttled_and_only_what_is_worth_it(client: Client) -> None:
    made = on_the_road(client)
    tell(client, AWAY, accuracy=5000)
    assert shown(made.packages[0]) is None
    tell(client, AWAY, age_ms=120_000)
    assert shown(made.packages[0]) is None
    tell(client, AWAY)
    first = shown(made.packages[0])
    tell(client, Point(AWAY.lat + 0.02, AWAY.lon))
    second = shown(made.packages[0])
    assert second == first or second["at"] > first["at"], "one a quarter of a minute"
    for nonsense in ("nan", "x", "1e9"):
        tell(client, AWAY, lat=nonsense)


def test_not_before_leaving_nor_after_stopping(client: Client) -> None:
    made = road.loaded(2)
    client.force_login(made.ana.user)
    assert tell(client, AWAY)["share"] is False
    made = on_the_road(client)
    tell(client, AWAY)
    exceptions.cannot_go_on(trip=made.trip, by=made.ana, now=timezone.now(), key=uuid4())
    made.trip.refresh_from_db()
    assert made.trip.seen_at is None


def test_on_the_way_back_to_the_store_nobody_is_told(client: Client) -> None:
    made = on_the_road(client, 1)
    tell(client, AWAY)
    now = timezone.now()
    exceptions.attempt(package=made.packages[0], reason="refused", by=made.ana, now=now, key=uuid4())
    exceptions.bring_back(package=made.packages[0], by=made.ana, now=now)
    made.trip.refresh_from_db()
    assert (made.trip.state, made.trip.seen_at) == ("under_way", None)
    assert tell(client, AWAY)["share"] is False


def test_another_persons_phone_changes_nothing(client: Client, django_user_model: Any) -> None:
    made = on_the_road(client)
    ben = road.under_way(1)
    tell(client, AWAY)
    ben.trip.refresh_from_db()
    assert ben.trip.seen_at is None
    assert Client().post("/trip/position/", {"lat": 1, "lon": 1, "accuracy": 1}).status_code == 302
    assert shown(made.packages[0]) is not None


def test_old_ones_are_not_shown(client: Client) -> None:
    made = on_the_road(client)
    tell(client, AWAY)
    Trip.objects.filter(pk=made.trip.pk).update(seen_at=timezone.now() - nearby.SHOWN_FOR - timedelta(seconds=1))
    assert shown(made.packages[0]) is None


def test_the_database_keeps_no_place_of_a_trip_that_is_over() -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0])
    with pytest.raises(IntegrityError, match="trip_is_seen_only_under_way"), transaction.atomic():
        Trip.objects.filter(pk=made.trip.pk).update(seen_lat=40.0, seen_lon=-74.0, seen_at=timezone.now())
    with pytest.raises(ValidationError):
        Trip(seen_lat=1.0).full_clean()
