"""A home is planted, and then looked for everywhere: pages, admin, API, photos, CSVs, sockets, mails, logs, database, Redis.

The addresses come from the URL conf; a new page is looked at without anybody thinking of it, and a new kind of parameter
fails here until `visits.py` knows what to put in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
import time_machine
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from associates import actions, home
from associates.models import Associate, HomeCell
from deliveries import actors, links, matching, notices, payroll, quoting
from deliveries.actions import handover, swaps, trips
from deliveries.api import keys
from deliveries.models import Offer, Package, Stop, Trip
from stores.models import AddressPoint, ApiKey, ApiScope, PayPlan, StaffMember, User
from stores.places import Point
from tests import make
from tests.live import road
from tests.live.conftest import _web, web
from tests.live.server import Web
from tests.live.test_sockets import news, open_at, open_page
from tests.staff import world
from tests.staff.world import World

from . import visits

__all__ = ["_web", "web"]

# Some five hundred pages; on a busy machine that takes longer than the suite's usual limit.
pytestmark = pytest.mark.timeout(600)
STREET, ZIP = "987 Canary Crescent", "07983"  # a code that no example on any page has
DOOR = Point(40.73512, -74.17224)
# Addresses that end what the walk needs, and are no page: they answer POST only, or are the walker's own sign-out.
NO_PAGE = ("/i18n/setlang/", "/admin/logout/", "/accounts/logout/")


@dataclass
class Planted:
    """What must be nowhere: words as any page would have to print them, and numbers of the drive home."""

    words: dict[str, str]
    numbers: dict[str, int]

    def found(self, text: str) -> list[str]:
        """What of it is in `text`. Digits are only found where a number begins, not inside a clock time or a fraction; and
        whole numbers only by themselves, with or without a unit, not inside the random letters of a token."""
        begins = r"(?<![\d.])(?<!\d:)"
        whole = r"(?<![\w.-])(?<!\d:){}(?=(?:m|s)?\b)(?!-)"
        patterns = {
            what: whole.format(word) if word.isdigit() else begins + re.escape(word.casefold())
            for what, word in self.words.items()
        }
        patterns |= {what: whole.format(number) for what, number in self.numbers.items()}
        return [what for what, pattern in patterns.items() if re.search(pattern, text.casefold())]


def of(point: Point, name: str) -> dict[str, str]:
    """A place and the middle of its cell, to 111 metres and finer."""
    cell = home.coarse(point)
    return {
        f"{name}: latitude": f"{point.lat:.3f}"[:6], f"{name}: longitude": f"{point.lon:.3f}"[1:7],
        f"{name}: the cell's latitude": f"{cell.lat:.6f}"[:6], f"{name}: the cell's longitude": f"{cell.lon:.6f}"[1:7],
    }  # fmt: skip


def drive_home(trip: Trip, lives: Point) -> dict[str, int]:
    """Seconds and metres straight home, and of the last leg, as the planner knows them."""
    store, stops = trip.store, list(Stop.objects.filter(trip=trip))
    cell = home.coarse(lives)
    points = [(store.lat, store.lon), (stops[-1].lat, stops[-1].lon), (cell.lat, cell.lon)]
    seconds, metres = quoting.travel_times(store).matrix(points)
    legs = {"straight home": 0, "last leg": 1}
    numbers = {f"{what}, metres": int(metres[row, 2]) for what, row in legs.items()}
    numbers |= {f"{what}, seconds": int(seconds[row, 2]) for what, row in legs.items()}
    return {what: number for what, number in numbers.items() if number >= 1000}  # smaller ones are also other things


def text_of(response: HttpResponse) -> str:
    parts = response.streaming_content if getattr(response, "streaming", False) else [response.content]
    said = b"".join(parts).decode(errors="replace")
    return said + "".join(f"{name}: {value}\n" for name, value in response.headers.items())


@pytest.fixture(autouse=True)
def _at_six(request: pytest.FixtureRequest) -> Iterator[None]:
    if "web" in request.fixturenames:  # another process, on the real clock
        yield
        return
    with time_machine.travel(world.NOW, tick=True):
        yield
    cache.clear()


@pytest.fixture
def evening(db: None, settings: Any) -> World:
    """A store with everything in it; whose associates live at `world.HOME`, and are paid for the last leg, too."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"KEY_PREFIX": uuid4().hex}}
    number_from(10_000_000)
    made = world.build("Zanzibar")
    PayPlan.objects.update(last_leg_paid=True)
    ask_for_a_swap(made)
    return made


def number_from(first: int) -> None:
    """Rows get numbers that no drive home has in metres or seconds: after thousands of tests one would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename), %s) FROM pg_sequences"
            " WHERE schemaname = 'public' AND coalesce(last_value, 0) < %s",
            [first, first],
        )


def ask_for_a_swap(evening: World) -> None:
    """Dee asks Ben to take one of the packages on her trip."""
    dee, gives = evening.people["Dee"], evening.packages["claimed"]
    trip = dee.trips.get()
    rest = quoting.plan_trip(dee, trip.shift, list(trip.packages.exclude(pk=gives.pk)), relaxed=True)
    swaps.ask(
        trip=trip, packages=[gives], colleague=evening.people["Ben"], rest=rest, shown=rest.quote.digest, by=dee,
        now=world.NOW,
    )  # fmt: skip


@pytest.fixture
def planted(evening: World) -> Planted:
    sealed = bytes(HomeCell.objects.earliest("pk").sealed).decode()
    words = {
        "the street": "Canary Crescent", "the ZIP": ZIP, "the area": world.HOME_AREA, "the sealed cell": sealed[10:40],
        **of(world.HOME, "home"), **of(DOOR, "the newcomer's door"),
    }  # fmt: skip
    return Planted(words, drive_home(evening.one(Trip), world.HOME))


def newcomer(evening: World) -> User:
    """Somebody who types their address into set-up, through the page."""
    AddressPoint.objects.create(street=STREET.upper(), zip=ZIP, lat=DOOR.lat, lon=DOOR.lon)
    user = make.user(first_name="Fay")
    worker = make.employee(evening.store, first_name="Fay")
    actions.enrol(
        user=user, store_number=evening.store.number, employee_reference=worker.reference,
        birth_date=worker.birth_date, by=user, now=world.NOW,
    )  # fmt: skip
    client = signed_in(user)
    client.post("/setup/consents/", {"work": "on", "location": "on", "home": "on"})
    answer = client.post("/setup/home/", {"street": STREET, "zip": ZIP}, follow=True)
    assert Associate.objects.get(user=user).area == ZIP, text_of(answer)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def visitors(evening: World) -> dict[str, tuple[Client, Callable[[str], bool]]]:
    """Who looks, and at what: everybody at the site, staff at the admin, the retailer's systems at the API."""
    _row, key = keys.issue(name="feed", stores=[evening.store], now=world.NOW, scopes=ApiScope.values)

    def site(url: str) -> bool:
        return not url.startswith(("/admin/", "/api/"))

    def own(url: str) -> bool:  # one's own download names one's own ZIP; tests/associate/test_own_terms.py reads it
        return site(url) and url != "/me/data/"

    def staff(url: str) -> bool:
        return url.startswith("/admin/")

    def evenings(url: str) -> bool:
        return url.startswith(("/swaps/", "/today/", "/offers/", "/trip/"))

    return {
        "nobody": (Client(), site),
        "a colleague": (signed_in(evening.people["Dee"].user), own),
        "a colleague who is asked for a swap": (signed_in(evening.people["Ben"].user), evenings),
        "the associate": (signed_in(evening.people["Ana"].user), own),
        "the district": (signed_in(make.staff(evening.store, StaffMember.Role.DISTRICT)), staff),
        "a superuser": (signed_in(make.user(is_staff=True, is_superuser=True)), staff),
        "the retailer": (Client(headers={"Authorization": f"Bearer {key}"}), lambda url: url.startswith("/api/")),
    }


def test_no_page_of_anybody_shows_a_home(
    evening: World, planted: Planted, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level("INFO")
    newcomer(evening)
    looked_for = ("out", "delivered", "attempted")
    tokens = [links.issue(package=evening.packages[name], now=world.NOW) for name in looked_for]
    routes = visits.addresses(tokens)
    assert len(routes) > 200
    looked, answered = 0, 0
    for who, (client, looks_at) in visitors(evening).items():
        for route, urls in routes.items():
            for url in urls:
                if url in NO_PAGE or not looks_at(url):
                    continue
                response = client.get(url)
                assert response.status_code < 500, f"{who} at {url}"
                assert not planted.found(text_of(response)), (
                    f"{who} sees {planted.found(text_of(response))} at {url} ({route})"
                )
                looked, answered = looked + 1, answered + (response.status_code == 200)
    assert looked > 450
    assert answered > 200, f"only {answered} of {looked} pages were there to look at"
    said = caplog.text + "".join(capsys.readouterr())
    assert not planted.found(said), f"the log has {planted.found(said)}"


def test_the_eye_is_not_blind(evening: World, planted: Planted) -> None:
    """What the walk looks for is found where it is: in one's own download, and in text with a place or a leg in it."""
    assert planted.found(text_of(signed_in(evening.people["Ana"].user).get("/me/data/"))) == ["the area"]
    cell = home.coarse(world.HOME)
    assert len(planted.found(f'{{"lat": {cell.lat}, "lon": {cell.lon}}}')) >= 2
    assert "straight home, metres" in planted.numbers
    metres = planted.numbers["straight home, metres"]
    for said in (
        f"straight home: {metres} m",
        f"{metres}m",
        f'"metres":{metres}}}',
        f"({metres})",
        f"<td>{metres}</td>",
    ):
        assert planted.found(said), said
    for said in (f"/package/1{metres}/", f"x{metres}z", f"{metres}-00", f"12:{metres}"):
        assert not planted.found(said), said
    zip_code = planted.words["the ZIP"]
    assert planted.found(f'{{"zip":"{zip_code}","lat":{cell.lat}}}')[0] == "the ZIP"
    assert len(planted.found(f'{{"lat":{cell.lat},"lon":{cell.lon}}}')) >= 2, "as the API writes it"
    assert not planted.found(f"a{zip_code}b 1{zip_code}"), "part of a token, or of a row's number"


def test_no_message_says_where_somebody_lives(evening: World, planted: Planted) -> None:
    for _ in range(3):
        notices.send_due(now=world.NOW + timedelta(hours=1))
    assert mail.outbox
    for letter in mail.outbox:
        text = str(letter.message())
        assert not planted.found(text), f"“{letter.subject}” has {planted.found(text)}"


def test_payroll_is_not_told_either(evening: World, planted: Planted) -> None:
    csv = payroll.export(
        evening.store, date(2026, 11, 20), date(2026, 11, 25), now=world.NOW + timedelta(days=7)
    ).decode()
    assert "mileage" in csv
    assert not planted.found(csv)


def test_the_database_and_redis_hold_it_sealed_and_nowhere_else(evening: World, planted: Planted) -> None:
    """Every column of every table, as text; the area its owner may read back in their own data is the one exception."""
    newcomer(evening)
    matching.run_round(store=evening.store, now=world.NOW)
    may = {
        "associates_associate": {"the ZIP", "the area"},  # a column that no page of anybody else loads
        "associates_homecell": {"the sealed cell"},
        "stores_addresspoint": {"the street", "the ZIP", *(what for what in planted.words if "newcomer" in what)},
    }
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            for (row,) in cursor.fetchall():
                if table == "associates_homecell":  # bytea is printed as hex
                    row = bytes.fromhex(row.partition("\\\\x")[2].strip('")')).decode() if "\\\\x" in row else row
                found = {what for what in planted.found(row) if what in planted.words}
                assert found <= may.get(table, set()), f"{table} has {found}"
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(count=500):
        kind = client.type(key).decode()
        read = {"string": client.get, "hash": client.hgetall, "set": client.smembers}.get(kind)
        value = read(key) if read else client.lrange(key, 0, -1) if kind == "list" else b""
        assert not planted.found(f"{key!r} {value!r}"), f"Redis has it under {key!r}"


def test_offers_and_trips_say_nothing_of_the_way_home(evening: World) -> None:
    """What is stored of a real plan names stops, and ends at the last one."""
    gus = make.associate(evening.store, lives=Point(40.7211, -74.1555), limits={"max_extra_minutes": 60})
    make.shift(gus, ends_at=world.NOW + timedelta(minutes=50))
    for _ in range(2):
        make.package(evening.store, now=world.NOW - timedelta(hours=1), deliver_by=world.NOW + timedelta(hours=4))
    matching.run_round(store=evening.store, now=world.NOW)
    offer = Offer.objects.get(associate=gus)
    cell = home.coarse(Point(40.7211, -74.1555))
    assert {name for stop in offer.stops for name in stop} == {
        "package_ids", "lat", "lon", "leg_s", "leg_m", "estimated",
    }  # fmt: skip
    stored = f"{offer.stops} {offer.quote}"
    assert f"{cell.lat:.3f}" not in stored
    assert f"{cell.lon:.3f}" not in stored
    assert len(offer.stops) <= offer.lines.count()
    packages = Package.objects.filter(offer_lines__offer=offer)
    assert {(stop["lat"], stop["lon"]) for stop in offer.stops} == {(p.lat, p.lon) for p in packages}


@pytest.mark.django_db(transaction=True)
def test_no_socket_tells_it(web: Web, client: Client) -> None:
    """A customer, the store's board and a colleague listen while Ana loads, leaves and delivers."""
    made = road.claimed(2)
    lives = Point(40.69, -74.12)
    planted = Planted(of(lives, "home"), drive_home(made.trip, lives))
    ben = make.associate(made.store)

    def cookie(user: User) -> dict[str, str]:
        client.force_login(user)
        return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}

    board_of, feed_of = f"/ws/store/{made.store.number}/", "/ws/associate/"
    lead = make.staff(made.store)
    with (
        open_page(web, made.tokens[0]) as customer,
        open_at(web, board_of, additional_headers=cookie(lead)) as board,
        open_at(web, feed_of, additional_headers=cookie(ben.user)) as colleague,
    ):
        pages = {"customer": customer, "board": board, "colleague": colleague}
        heard = {who: str(news(page)) for who, page in pages.items()}
        by = actors.associate(made.ana.user_id)
        for package in made.packages:
            handover.load(trip=made.trip, label=package.label, by=by, now=timezone.now())
        trips.depart(trip=made.trip, by=made.ana, now=timezone.now())
        made.packages[0].refresh_from_db()
        made.deliver(made.packages[0])
        while "delivered" not in heard["customer"]:
            heard["customer"] += str(news(customer))
        while heard["board"].count("look") < 3:
            heard["board"] += str(news(board))
    for who, said in heard.items():
        assert not planted.found(said), f"{who} hears {planted.found(said)}"
    assert not planted.found(Path(web.log).read_text())


def test_api_keys_are_not_the_way_either(evening: World) -> None:
    """The API takes in; it has no address that gives out associates."""
    assert ApiKey.objects.exists()
    assert not [route for route in visits.patterns() if route.startswith("api/") and "associate" in route]
