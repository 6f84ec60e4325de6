"""Addresses to points: Nominatim and Photon as real HTTP, what is believed of their answers, and the sweep that asks them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from config.servers import free_port
from deliveries import locating, tasks
from deliveries.actions import receiving
from deliveries.actors import system
from deliveries.models import Event, Package
from stores import geocoding, places
from stores.geocoding import Address, Nominatim, Photon, Unavailable
from stores.models import AddressPoint, Store, ZipCentroid
from stores.places import Point, Precision
from tests import make
from tests.live.server import OwnValkey
from tests.make import EVENING

DOOR = Address("41 W 22nd St", "Bayonne", "NJ", "07002")
MIDDLE = Point(40.6663, -74.1195)


class Service(ThreadingHTTPServer):
    """A geocoding service that answers every question with `says`, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.says: Any = []
        self.status, self.headers = 200, dict[str, str]()
        self.asked: list[tuple[str, dict[str, str], str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                service.asked.append((parts.path, query, self.headers["User-Agent"]))
                body = service.says if isinstance(service.says, bytes) else json.dumps(service.says).encode()
                self.send_response(service.status)
                for name, value in service.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/search-here"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def nominatim(service: Service) -> Nominatim:
    return Nominatim(service.url, user_agent="Homeward (test)", timeout_s=1)


def photon(service: Service) -> Photon:
    return Photon(service.url, user_agent="Homeward (test)", timeout_s=1)


def house(**changes: Any) -> dict[str, Any]:
    """One answer of Nominatim, as `format=json&addressdetails=1` gives it."""
    address = {"house_number": "41", "road": "West 22nd Street", "city": "Bayonne", "postcode": "07002"}
    address |= changes.pop("address", {})
    return {
        "lat": "40.6651", "lon": "-74.1188", "class": "building", "type": "yes", "osm_type": "way",
        "boundingbox": ["40.6650", "40.6652", "-74.1189", "-74.1187"], "address": address, "display_name": "41 ...",
        **changes,
    }  # fmt: skip


def feature(**changes: Any) -> dict[str, Any]:
    """One answer of Photon."""
    properties = {
        "type": "house", "housenumber": "41", "street": "West 22nd Street", "postcode": "07002", "countrycode": "US",
        **changes,
    }  # fmt: skip
    coordinates = [-74.1188, 40.6651]
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": coordinates}, "properties": properties}


def test_nominatim_is_asked_for_the_address_and_no_more(service: Service) -> None:
    service.says = [house()]
    found = nominatim(service).find(DOOR)
    assert found is not None
    assert (found.point, found.precision) == (Point(40.6651, -74.1188), Precision.ROOFTOP)
    [(path, query, agent)] = service.asked
    assert path == "/search-here/search"
    assert query.pop("countrycodes") == "us"
    assert {query[name] for name in ("street", "city", "state", "postalcode", "country")} == {
        "41 W 22nd St", "Bayonne", "NJ", "07002", "US",
    }  # fmt: skip
    assert agent == "Homeward (test)"


LONG_ROAD = {"class": "highway", "boundingbox": ["40.66", "40.68", "-74.13", "-74.11"]}
SHORT_ROAD = {"class": "highway", "boundingbox": ["40.6650", "40.6660", "-74.1190", "-74.1180"]}
JUDGED: dict[str, tuple[list[dict[str, Any]], Precision | None]] = {
    "the house": ([house()], Precision.ROOFTOP),
    "between two numbers": ([house(**{"class": "place", "type": "house"})], Precision.STREET),
    "a short street": ([house(**SHORT_ROAD, address={"house_number": ""})], Precision.STREET),
    "a long road": ([house(**LONG_ROAD, address={"house_number": ""})], Precision.ZIP),
    "a neighbour": ([house(address={"house_number": "141"})], Precision.ZIP),
    "the town": ([house(address={"house_number": "", "road": ""})], None),
    "another ZIP": ([house(address={"postcode": "07030"})], None),
    "another street": ([house(address={"road": "West 23rd Street"})], None),
    "another country": ([house(lat="51.5", lon="-0.12")], None),
    "the best of several": (
        [house(address={"house_number": "43"}), house(**LONG_ROAD, address={"house_number": ""}), house()],
        Precision.ROOFTOP,
    ),
    "nothing": ([], None),
}


@pytest.mark.parametrize("what", JUDGED)
def test_how_far_an_answer_is_believed(service: Service, what: str) -> None:
    service.says, precision = JUDGED[what]
    if what == "the town":
        service.says[0]["boundingbox"] = LONG_ROAD["boundingbox"]
        precision = Precision.ZIP
    found = nominatim(service).find(DOOR)
    assert (found.precision if found else None) == precision


@pytest.mark.parametrize(
    ("changes", "precision"),
    [
        ({}, Precision.ROOFTOP),
        ({"housenumber": "43"}, Precision.ZIP),
        ({"postcode": "07030"}, None),
        ({"street": "Broadway"}, None),
        ({"type": "street", "name": "West 22nd Street", "street": "", "housenumber": "",
          "extent": [-74.1190, 40.6660, -74.1180, 40.6650]}, Precision.STREET),
    ],
)  # fmt: skip
def test_photon(service: Service, changes: dict[str, Any], precision: Precision | None) -> None:
    service.says = {"type": "FeatureCollection", "features": [feature(**changes)]}
    found = photon(service).find(DOOR)
    assert (found.precision if found else None) == precision
    assert service.asked[0][1]["q"] == "41 W 22nd St, Bayonne, NJ 07002"


@pytest.mark.parametrize("make_one", [nominatim, photon])
@pytest.mark.parametrize(
    "says",
    [b"<html>", {"error": "Bad request"}, {"surprise": 1}, [{"lat": "here"}], 7, {"features": [{"a": 1}]}],
    ids=str,
)
def test_nonsense_is_a_fault_of_the_service(
    service: Service, make_one: Callable[[Service], geocoding.Geocoder], says: Any
) -> None:
    service.says = says
    with pytest.raises(Unavailable):
        make_one(service).find(DOOR)


def test_busy_broken_and_gone(service: Service) -> None:
    service.status, service.headers = 429, {"Retry-After": "120"}
    with pytest.raises(Unavailable) as busy:
        nominatim(service).find(DOOR)
    assert (busy.value.kind, busy.value.wait_s) == ("rate_limited", 120)
    service.status = 503
    with pytest.raises(Unavailable):
        photon(service).find(DOOR)
    with pytest.raises(Unavailable):
        Nominatim(f"http://127.0.0.1:{free_port()}", user_agent="x", timeout_s=1).find(DOOR)


# --- The sweep ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def store(db: None, settings: Any) -> Store:
    settings.GEOCODER_PER_SECOND = 1000
    ZipCentroid.objects.create(zip="07002", lat=MIDDLE.lat, lon=MIDDLE.lon)
    return make.store()


def weak(store: Store, **fields: Any) -> Package:
    return make.package(
        store, precision=Precision.ZIP, at=MIDDLE, address1="41 W 22nd St", locate_after=EVENING, **fields
    )


def look(store: Store, service: Service | None, minutes: int = 0) -> int:
    now = EVENING + timedelta(minutes=minutes)
    return locating.locate_store(store=store, now=now, geocoder=nominatim(service) if service else None)


def test_one_question_finds_a_door_for_all_its_packages_and_the_next(store: Store, service: Service) -> None:
    service.says = [house()]
    one, two = weak(store), weak(store, address2="Apt 3")
    assert not Package.objects.offerable(store, EVENING).exists()
    assert look(store, service) == 2
    assert len(service.asked) == 1
    for package in (one, two):
        package.refresh_from_db()
        assert (package.point, package.precision) == (Point(40.6651, -74.1188), Precision.ROOFTOP)
        assert package.locate_after is None
        assert Event.objects.get(package=package, version=package.version).verb == "locate", "open pages are told"
    assert Package.objects.offerable(store, EVENING).count() == 2
    known = places.locate("41 West 22nd Street", "07002")
    assert known is not None
    assert known.precision == Precision.ROOFTOP, "the next import asks nobody"
    assert AddressPoint.objects.get().source == "nominatim"


def test_a_service_that_fails_is_left_alone_for_longer_each_time_and_then_for_good(
    store: Store, service: Service
) -> None:
    service.status = 500
    one, other = weak(store), make.package(
        store, precision=Precision.ZIP, at=MIDDLE, address1="9 Avenue C", locate_after=EVENING,
        deliver_by=EVENING + timedelta(hours=9),
    )  # fmt: skip
    assert look(store, service) == 0
    assert len(service.asked) == 1, "the second address waits with the first"
    assert look(store, service) == 0
    assert len(service.asked) == 1
    other.refresh_from_db()
    assert other.locate_after == EVENING + timedelta(minutes=1)
    assert other.locate_tries == 0
    Package.objects.filter(pk=other.pk).update(locate_after=None)
    for minutes in (1, 6, 26, 86, 230):
        Package.objects.filter(pk=one.pk).update(deliver_by=EVENING + timedelta(days=1))
        look(store, service, minutes)
    Package.objects.filter(pk=one.pk).update(locate_after=EVENING)
    look(store, service, 400)
    one.refresh_from_db()
    assert one.locate_after is None
    assert one.asks_for_pin, "staff and the customer are asked instead"


def test_it_waits_as_long_as_it_is_told(store: Store, service: Service) -> None:
    service.status, service.headers = 429, {"Retry-After": "1800"}
    one = weak(store)
    look(store, service)
    one.refresh_from_db()
    assert one.locate_after == EVENING + timedelta(minutes=30)


def test_an_address_nobody_knows_is_asked_once(store: Store, service: Service) -> None:
    one = weak(store)
    look(store, service)
    look(store, service, 10)
    one.refresh_from_db()
    assert len(service.asked) == 1
    assert (one.precision, one.locate_after, one.asks_for_pin) == (Precision.ZIP, None, True)


def test_a_point_in_another_part_of_the_country_is_not_believed(store: Store, service: Service) -> None:
    service.says = [house(lat="36.37", lon="-94.21", address={"postcode": ""})]
    one = weak(store)
    look(store, service)
    one.refresh_from_db()
    assert one.point == MIDDLE


def test_a_door_beyond_the_radius_is_the_carriers(store: Store, service: Service) -> None:
    Store.objects.filter(pk=store.pk).update(radius_m=500)
    service.says = [house()]
    one = weak(store)
    look(store, service)
    one.refresh_from_db()
    assert (one.precision, one.associate_ok) == (Precision.ROOFTOP, False)


def test_without_a_service_the_table_is_looked_up_again_when_somebody_filled_it(store: Store) -> None:
    one = weak(store)
    assert look(store, None) == 0
    AddressPoint.objects.create(zip="07002", street="41 WEST 22ND STREET", lat=40.6651, lon=-74.1188)
    assert look(store, None, 30) == 0
    assert look(store, None, 61) == 1
    one.refresh_from_db()
    assert one.precision == Precision.ROOFTOP


def test_a_pin_that_somebody_set_meanwhile_stays(store: Store, service: Service) -> None:
    one = weak(store)
    [taken] = receiving.take_to_look_up(store=store, most=10, now=EVENING, until=EVENING + timedelta(minutes=5))
    receiving.confirm_pin(package=one, point=Point(40.66, -74.11), by=system("test"), now=EVENING)
    place = places.Located(MIDDLE, Precision.ROOFTOP)
    assert receiving.locate(packages=[taken], place=place, by=system("test"), now=EVENING) == []
    one.refresh_from_db()
    assert (one.precision, one.lat) == (Precision.MANUAL, 40.66)


def test_what_a_dead_task_had_taken_is_taken_again(store: Store, service: Service) -> None:
    weak(store)
    until = EVENING + timedelta(minutes=5)
    assert receiving.take_to_look_up(store=store, most=10, now=EVENING, until=until)
    assert not receiving.take_to_look_up(store=store, most=10, now=EVENING, until=until)
    assert receiving.take_to_look_up(store=store, most=10, now=until, until=until + timedelta(minutes=5))


def test_nobody_is_asked_without_a_turn(store: Store, service: Service, own_valkey: OwnValkey) -> None:
    own_valkey.stop()
    one = weak(store)
    assert look(store, service) == 0
    assert not service.asked
    one.refresh_from_db()
    assert one.locate_after == EVENING, "the next sweep"


def test_turns_are_apart(settings: Any, db: None) -> None:
    import time

    settings.GEOCODER_PER_SECOND = 20
    began = time.monotonic()
    assert all(locating._turn(began + 10) for _ in range(4))
    assert time.monotonic() - began >= 3 * 0.05 * 0.9
    settings.GEOCODER_PER_SECOND = 0.1
    assert not locating._turn(time.monotonic() + 0.02) or not locating._turn(time.monotonic() + 0.02)


def test_the_timetable_hands_out_stores_and_the_setting_names_the_service(
    store: Store, service: Service, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.says = [house()]
    settings.GEOCODER_URL = f"nominatim+{service.url}"
    one = weak(store, now=EVENING)
    Package.objects.filter(pk=one.pk).update(deliver_by="2100-01-01T00:00Z", locate_after="2020-01-01T00:00Z")
    other = make.store()
    make.package(other)
    handed: list[int] = []
    monkeypatch.setattr(tasks.locate_store, "delay", handed.append)
    tasks.find_places()
    assert handed == [store.pk]
    tasks.locate_store(store.pk)
    one.refresh_from_db()
    assert one.precision == Precision.ROOFTOP
    settings.GEOCODER_URL = f"photon+{service.url}"
    assert isinstance(geocoding.from_settings(), Photon)
    settings.GEOCODER_URL = ""
    assert geocoding.from_settings() is None
