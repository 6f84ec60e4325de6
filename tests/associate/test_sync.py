"""A phone's queue arrives: once however often, in any order, after a new sign-in, and never for somebody else."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.staticfiles import finders
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from associates.models import Associate
from config.celery import app
from deliveries import tasks
from deliveries.actions import exceptions
from deliveries.models import DeliveryException, Event, Package, Proof, Stop, Trip
from deliveries.states import PackageState, TripState
from deliveries.views.phone import KEEP, key_of_person
from tests import make

from .conftest import Evening
from .test_trip_pages import first_stop, picture

SignIn = Callable[[Associate], Client]
SYNC = "/trip/sync/"


def item(person: Associate, stop: Stop, kind: str, *packages: Package, **fields: Any) -> dict[str, Any]:
    """What static/js/outbox.js sends."""
    return {
        "person": key_of_person(person), "stop": stop.pk, "kind": kind, "key": str(uuid4()), "age_ms": "0",
        "package": [package.pk for package in packages], **fields,
    }  # fmt: skip


def dropped(person: Associate, stop: Stop, **fields: Any) -> dict[str, Any]:
    here = [claim.package for claim in stop.claims.select_related("package")]
    return item(
        person, stop, "drop_off", *here, **{"lat": str(stop.lat), "lon": str(stop.lon), "accuracy": "7", **fields}
    )  # fmt: skip


def photos_of(trip: Trip) -> set[str]:
    """Names of the files in the trip's folder, which tests before may have used under the same number."""
    folder = f"proofs/{trip.pk}"
    return set(default_storage.listdir(folder)[1]) if default_storage.exists(folder) else set()


def test_who_is_signed_in(evening: Evening, client: Client) -> None:
    said = evening.client.get(SYNC)
    assert said.json()["person"] == key_of_person(evening.ana)
    assert said.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert Client().get(SYNC).status_code == 401
    assert Client().post(SYNC, {}).json() == {"result": "sign_in"}
    assert evening.client.put(SYNC).status_code == 405


def test_a_drop_off_keeps_when_it_happened_beside_when_it_was_told(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    started = trip.started_at
    assert started is not None
    evening.at(started + timedelta(minutes=40))
    sent = dropped(evening.ana, stop, photo=picture(exif=b"Exif\0\0"), age_ms=str(25 * 60 * 1000))
    answer = evening.client.post(SYNC, sent)
    assert answer.json()["result"] == "done", answer.content
    proof = Proof.objects.get()
    assert proof.at == started + timedelta(minutes=40)
    assert proof.happened_at == started + timedelta(minutes=15)
    event = Event.objects.get(verb="deliver")
    assert (event.at, event.happened_at) == (proof.at, proof.happened_at)
    with proof.photo.open("rb") as file:
        assert Image.open(io.BytesIO(file.read())).format == "JPEG"
    package.refresh_from_db()
    assert package.state == PackageState.DELIVERED


@pytest.mark.parametrize("age", ["-60000", "nonsense", "", "99999999999", str(3 * 24 * 3600 * 1000)])
def test_a_phone_that_talks_nonsense_about_time_is_not_believed(evening: Evening, age: str) -> None:
    trip = evening.under_way()
    stop, _package = first_stop(trip)
    now = trip.started_at + timedelta(minutes=10)  # type: ignore[operator]
    evening.at(now)
    assert evening.client.post(SYNC, dropped(evening.ana, stop, age_ms=age)).json()["result"] == "done"
    assert trip.started_at <= Proof.objects.get().happened_at <= now


def test_the_same_item_twice_is_one_drop_off(evening: Evening) -> None:
    trip = evening.under_way()
    stop, _package = first_stop(trip)
    sent = dropped(evening.ana, stop)
    before = photos_of(trip)
    results = [evening.client.post(SYNC, {**sent, "photo": picture()}).json()["result"] for _ in range(3)]
    assert results == ["done", "already", "already"]
    proof = Proof.objects.get()
    assert Event.objects.filter(verb="deliver").count() == 1
    assert len(photos_of(trip) - before) == 1, "the photo of a repeat is not stored"
    # Undone meanwhile, a late repeat does not deliver it again: a new tap has a new key.
    evening.client.post(f"/trip/proofs/{proof.pk}/undo/")
    assert evening.client.post(SYNC, sent).json()["result"] == "already"
    assert Package.objects.get(pk=proof.package_id).state == PackageState.OUT
    assert evening.client.post(SYNC, dropped(evening.ana, stop)).json()["result"] == "done"


def test_in_any_order_the_trip_ends_when_the_last_thing_happened(evening: Evening) -> None:
    trip = evening.under_way()
    stops = list(trip.stops.all())
    started = trip.started_at
    assert started is not None
    evening.at(started + timedelta(minutes=60))
    ages = [timedelta(minutes=60 - 10 * number) for number in range(1, len(stops) + 1)]
    for stop, age in reversed(list(zip(stops, ages, strict=True))):
        for kind in ("drop_off", "arrived"):
            build = dropped if kind == "drop_off" else lambda person, stop, **f: item(person, stop, "arrived", **f)
            answer = evening.client.post(SYNC, build(evening.ana, stop, age_ms=str(age // timedelta(milliseconds=1))))
            assert answer.json()["result"] == "done", answer.content
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED
    assert trip.ended_at == started + timedelta(minutes=30), "pay runs to the last drop-off, not to the last one told"
    assert [stop.arrived_at for stop in trip.stops.all()] == [started + timedelta(minutes=m) for m in (10, 20, 30)]


@pytest.mark.parametrize(
    ("asked", "happened"),
    [(60, 59.5), (61, 60.5), (0, 60.5), (62, 60.5), ("nonsense", 60.5), ("9" * 15, 60.5)],
    ids=["counted from when it was asked", "now", "too long ago", "not yet", "no number", "beyond all calendars"],
)
def test_how_long_it_was_on_its_way_is_no_matter(evening: Evening, asked: float | str, happened: float) -> None:
    trip = evening.under_way()
    stop, _package = first_stop(trip)
    started = trip.started_at
    assert started is not None
    evening.at(started + timedelta(minutes=61, seconds=1))
    said = asked if isinstance(asked, str) else str(int((started + timedelta(minutes=asked)).timestamp() * 1000))
    sent = item(evening.ana, stop, "arrived", age_ms=str(30_000), asked_ms=said)
    assert evening.client.post(SYNC, sent).json()["result"] == "done"
    stop.refresh_from_db()
    assert stop.arrived_at is not None
    assert abs(stop.arrived_at - started - timedelta(minutes=happened)) <= timedelta(seconds=1)


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    """Tasks run where they are called."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.mark.usefixtures("tasks_at_once")
def test_a_trip_told_late_is_settled_when_it_can_no_longer_be_undone(evening: Evening) -> None:
    trip = evening.under_way()
    started = trip.started_at
    assert started is not None
    evening.at(started + timedelta(minutes=40))
    for stop in trip.stops.all():
        evening.client.post(SYNC, dropped(evening.ana, stop, age_ms=str(20 * 60 * 1000)))
    tasks.sweep_trips()
    trip.refresh_from_db()
    assert trip.ended_at == started + timedelta(minutes=20)
    assert trip.settled_at is None, "the minute to undo begins when the server hears of it"
    evening.at(started + timedelta(minutes=42))
    tasks.sweep_trips()
    trip.refresh_from_db()
    assert trip.settled_at == started + timedelta(minutes=42)


def test_a_problem_is_noted_once(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    sent = item(evening.ana, stop, "problem", package, reason="nobody_home", note="Dog barks", age_ms="60000")
    evening.at(trip.started_at + timedelta(minutes=9))  # type: ignore[operator]
    assert evening.client.post(SYNC, sent).json()["result"] == "done"
    exceptions.bring_back(package=package, by=evening.ana, now=trip.started_at + timedelta(minutes=9))  # type: ignore[operator]
    assert evening.client.post(SYNC, sent).json()["result"] == "already"
    noted = DeliveryException.objects.get()
    assert (noted.reason, noted.note, noted.at - noted.happened_at) == (
        "nobody_home",
        "Dog barks",
        timedelta(minutes=1),
    )


def test_what_is_refused_says_why(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    other = list(trip.stops.all())[1]
    far = dropped(evening.ana, stop, lat=str(stop.lat + 0.1))
    nothing = dropped(evening.ana, stop, lat="", lon="")
    broken = dropped(evening.ana, stop, photo=io.BytesIO(b"not a picture"))
    for sent, status, code in (
        (far, 409, "far_from_the_pin"),
        (nothing, 409, "proof_needed"),
        (broken, 422, "unreadable"),
        ({**nothing, "stop": "x"}, 400, "bad"),
        ({**nothing, "stop": "9" * 18}, 404, "not_here"),
        ({**nothing, "key": "x"}, 400, "bad"),
        ({**nothing, "kind": "fly"}, 400, "bad"),
        ({**nothing, "package": []}, 400, "bad"),
        ({**nothing, "package": [other.claims.get().package_id]}, 400, "bad"),
        (item(evening.ana, stop, "problem", package, reason="car"), 400, "bad"),
        (item(evening.ana, stop, "problem", package, reason="\x00"), 400, "bad"),
    ):
        answer = evening.client.post(SYNC, sent)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
        assert answer.json()["result"] == "refused"
        assert answer.json()["sentence"].endswith((".", "!"))
    assert not Proof.objects.exists()
    # With the reason it goes through, and is marked.
    assert evening.client.post(SYNC, {**far, "far_reason": "Met at the gate"}).json()["result"] == "done"
    assert Proof.objects.get().far


def test_nobody_sends_what_is_somebody_elses(evening: Evening, sign_in: SignIn) -> None:
    trip = evening.under_way()
    stop, _package = first_stop(trip)
    ben = make.associate(evening.store)
    bens = sign_in(ben)
    assert bens.post(SYNC, dropped(evening.ana, stop)).status_code == 401, "Ana's item on a phone that Ben has now"
    assert bens.post(SYNC, dropped(ben, stop)).status_code == 404, "Ana's stop under Ben's name"
    assert not Proof.objects.exists()


def test_a_new_sign_in_needs_a_new_token_and_gets_it(evening: Evening) -> None:
    trip = evening.under_way()
    stop, _package = first_stop(trip)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(evening.ana.user)
    old = strict.get(SYNC).json()["csrf"]
    sent = dropped(evening.ana, stop)
    assert strict.post(SYNC, sent).status_code == 403
    strict.cookies.clear()
    strict.force_login(evening.ana.user)
    assert strict.post(SYNC, sent, headers={"X-CSRFToken": old}).status_code == 403
    new = strict.get(SYNC).json()["csrf"]
    assert strict.post(SYNC, sent, headers={"X-CSRFToken": new}).json()["result"] == "done"


# --- What the phone may keep ------------------------------------------------------------------------------------------


def test_only_pages_of_the_road_may_be_kept(evening: Evening) -> None:
    trip = evening.under_way()
    stop, _package = first_stop(trip)
    mine = key_of_person(evening.ana)
    for path in (
        "/trip/", "/today/", "/offers/", "/trip/cannot-go-on/", f"/trip/stops/{stop.pk}/drop-off/",
        f"/trip/stops/{stop.pk}/problem/",
    ):  # fmt: skip
        answer = evening.client.get(path)
        assert answer.headers[KEEP] == mine, path
        assert "no-store" in answer.headers["Cache-Control"], "every other cache is told to keep nothing"
    for path in ("/me/", "/earnings/", "/accounts/email/", "/offline/", "/"):
        assert KEEP not in evening.client.get(path).headers, path
    assert KEEP not in evening.client.post(f"/trip/stops/{stop.pk}/problem/", {"key": str(uuid4())}).headers
    assert KEEP not in Client().get("/trip/").headers


def test_the_trips_page_carries_every_stop_ahead(evening: Evening) -> None:
    trip = evening.under_way()
    page = evening.client.get("/trip/").content.decode()
    for stop in trip.stops.all():
        assert f'data-stop="{stop.pk}"' in page
        assert f"/trip/stops/{stop.pk}/drop-off/ /trip/stops/{stop.pk}/problem/" in page
    assert len(re.findall(r"<section[^>]* data-stop=[^>]* hidden>", page)) == 2, "one is shown without script"


# --- The app ----------------------------------------------------------------------------------------------------------


def test_the_worker_is_served_from_the_root_and_changes_with_what_it_keeps(client: Client, db: None) -> None:
    answer = client.get("/sw.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    first, rest = answer.content.decode().split("\n", 1)
    assert rest.startswith("// The service worker.")
    knows = json.loads(first.removeprefix("const KNOWS = ").removesuffix(";"))
    assert re.fullmatch("[0-9a-f]{12}", knows["version"])
    assert knows["shell"]
    for url in knows["shell"] + knows["parts"]:
        assert finders.find(url.removeprefix("/static/")), url
    spanish = client.get("/sw.js", headers={"Accept-Language": "es"}).content.decode()
    assert knows["version"] not in spanish, "the offline page it keeps is in another language"


def test_the_app_can_be_installed(client: Client, db: None) -> None:
    manifest = client.get("/manifest.webmanifest")
    assert manifest.headers["Content-Type"] == "application/manifest+json"
    said = manifest.json()
    assert said["display"] == "standalone"
    assert said["start_url"].startswith(said["scope"])
    for icon in said["icons"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        assert isinstance(path, str), icon
        if icon["type"] == "image/png":
            with Image.open(path) as image:
                assert "x".join(map(str, image.size)) == icon["sizes"]
    assert {"any", "maskable"} == {icon.get("purpose", "any") for icon in said["icons"]}


def test_the_offline_page_is_nobodys(evening: Evening) -> None:
    signed_in = evening.client.get("/offline/").content
    assert signed_in == Client().get("/offline/").content


def test_keys_are_told_apart(evening: Evening) -> None:
    """One key of a tap makes one key a package: two packages at one door are two proofs, and repeat as two."""
    trip = evening.under_way()
    stop = trip.stops.first()
    assert stop is not None
    key = UUID(int=7)
    first = dropped(evening.ana, stop, key=str(key))
    second = dropped(evening.ana, list(trip.stops.all())[1], key=str(key))
    assert [evening.client.post(SYNC, sent).json()["result"] for sent in (first, second)] == ["done", "done"]
    assert Trip.objects.get().packages.filter(state=PackageState.DELIVERED).count() == 2
