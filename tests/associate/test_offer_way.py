"""The way home on an offer: two bars, areas instead of doors, and never a home."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from associates import home
from config import map_tiles
from deliveries import quoting
from deliveries.actions import offers
from deliveries.actors import staff
from deliveries.models import Package
from deliveries.views import maps
from stores.places import Point, distance_m
from tests import make

from .conftest import Evening
from .test_evening_pages import hidden, text

LIVES = Point(40.69, -74.12)


def drawing(answer: Any) -> dict[str, Any]:
    found = re.search(r'<script id="drawing" type="application/json">(.*?)</script>', answer.content.decode(), re.S)
    assert found
    return json.loads(found[1])


def test_the_drive_home_comes_in_steps_and_only_to_its_owner(evening: Evening) -> None:
    exact_s = int(
        quoting.travel_times(evening.store).matrix([(evening.store.lat, evening.store.lon), tuple(_cell())])[0][0, 1]
    )  # fmt: skip
    shown_s = quoting.drive_home_s(evening.ana, evening.store)
    assert shown_s is not None
    assert shown_s % 300 == 0
    assert 0 <= shown_s - exact_s < 300
    home.forget(evening.ana)
    assert quoting.drive_home_s(evening.ana, evening.store) is None


def _cell() -> tuple[float, float]:
    cell = home.coarse(LIVES)
    return cell.lat, cell.lon


def test_the_page_shows_both_drives_the_stops_and_when_one_is_home(evening: Evening) -> None:
    offer = evening.offer()
    page = evening.client.get(f"/offers/{offer.pk}/")
    solo = quoting.drive_home_s(evening.ana, evening.store)
    assert solo is not None
    extra = -(-offer.extra_s // 60)
    assert f"about {solo // 60} min" in text(page)
    assert f"{extra} min more" in text(page)
    stops = re.findall(r"<li>Bayonne 07002: 1 package, \d+ min from the (store|stop before)</li>", text(page))
    assert stops == ["store", "stop before", "stop before"]
    assert "Home by about" in text(page)
    by = re.search(r"Home by about</dt><dd>(\d+):(\d\d) pm", text(page))
    assert by
    assert int(by[2]) % 5 == 0
    home_by = evening.store.local(evening.shift.ends_at + timedelta(seconds=solo + offer.extra_s))
    assert 0 <= (int(by[1]) + 12) * 60 + int(by[2]) - (home_by.hour * 60 + home_by.minute) <= 5


def test_ticks_change_the_way_with_the_quote(evening: Evening) -> None:
    offer = evening.offer()
    page = evening.client.get(f"/offers/{offer.pk}/")
    part = evening.client.post(
        f"/offers/{offer.pk}/", {"package": [evening.packages[0].pk], "key": hidden(page, "key")}
    )  # fmt: skip
    assert len(drawing(page)["areas"]) == 3
    assert len(drawing(part)["areas"]) == 1
    assert text(part).count("<li>Bayonne 07002") == 1
    none = evening.client.post(f"/offers/{offer.pk}/", {"key": hidden(page, "key")})
    assert drawing(none)["areas"] == []
    assert 'id="way-map"' in text(none), "the map stays in the page, whatever is ticked"


def test_two_packages_for_one_door_are_one_tick(evening: Evening) -> None:
    first, second, third = evening.packages
    Package.objects.filter(pk=second.pk).update(address1=first.address1, lat=first.lat, lon=first.lon)
    offer = evening.offer()
    page = evening.client.get(f"/offers/{offer.pk}/")
    boxes = re.findall(r'name="package" value="([\d ]+)"[^>]* checked', page.content.decode())
    assert sorted(map(len, map(str.split, boxes))) == [1, 2]
    both = next(box for box in boxes if " " in box)
    part = evening.client.post(f"/offers/{offer.pk}/", {"package": [both], "key": hidden(page, "key")})
    assert "Claim 2 packages" in text(part)
    data = {"package": [both], "key": hidden(part, "key"), "shown": hidden(part, "shown")}
    assert evening.client.post(f"/offers/{offer.pk}/claim/", data).headers["Location"] == "/trip/"
    third.refresh_from_db()
    assert third.state == "staged"


def test_the_map_has_areas_no_doors_and_ends_at_the_last_stop(evening: Evening) -> None:
    offer = evening.offer()
    page = evening.client.get(f"/offers/{offer.pk}/")
    drawn = drawing(page)
    assert drawn["store"] == [evening.store.lat, evening.store.lon]
    assert len(drawn["areas"]) == len(offer.stops)
    for (lat, lon), stop in zip(drawn["areas"], offer.stops, strict=True):
        assert (lat, lon) != (stop["lat"], stop["lon"])
        assert distance_m(Point(lat, lon), Point(stop["lat"], stop["lon"])) <= maps.AREA_RADIUS_M
    said = page.content.decode()
    for package in evening.packages:
        assert str(package.lat)[:7] not in said
    cell = home.coarse(LIVES)
    assert f"{cell.lat:.3f}" not in said
    assert f"{cell.lon:.3f}" not in said


@given(st.floats(24, 49), st.floats(-125, -67))
def test_an_area_holds_its_door_and_is_its_own_area(lat: float, lon: float) -> None:
    middle = maps.area(Point(lat, lon))
    assert distance_m(middle, Point(lat, lon)) <= maps.AREA_RADIUS_M
    assert maps.area(middle) == middle


def test_an_offer_that_was_taken_back_says_so(evening: Evening) -> None:
    offer = evening.offer()
    offers.withdraw(offer=offer, by=staff(make.staff(evening.store).pk), now=make.EVENING, reason="no car")
    answer = evening.client.get(f"/offers/{offer.pk}/")
    assert answer.status_code == 410
    assert "was taken back" in text(answer)
    assert "no car" not in text(answer)


def test_the_phone_may_keep_an_offer_to_read(evening: Evening) -> None:
    offer = evening.offer()
    address = f"/offers/{offer.pk}/"
    assert evening.client.get(address).headers["Homeward-Keep"]
    assert "Homeward-Keep" not in evening.client.post(address, {"key": "x"}).headers


def test_overtime_is_named_where_there_is_some(evening: Evening) -> None:
    evening.ana.employee.wage_cents = 2000
    evening.ana.employee.save()
    evening.store.workweek_starts_on = 5
    evening.store.save()
    for day in range(1, 4):
        ends_at = evening.shift.ends_at - timedelta(days=day)
        make.shift(evening.ana, ends_at=ends_at, starts_at=ends_at - timedelta(hours=12))
    offer = evening.offer()
    overtime = sum(line.quantity for line in offer.promise.lines if line.kind == "overtime")
    page = text(evening.client.get(f"/offers/{offer.pk}/"))
    assert overtime > 0, "the week is long enough"
    assert f"{-(-overtime // 60)} min of it overtime, paid as such" in page


# --- Tiles ---------------------------------------------------------------------------------------------------------------


def test_no_tiles_no_source() -> None:
    assert map_tiles.source_of("", "") == []


def test_the_policy_allows_the_host_of_the_tiles_and_no_more() -> None:
    assert map_tiles.source_of("https://tiles.example.com/a/{z}/{x}/{y}.png", "us") == ["https://tiles.example.com"]
    assert map_tiles.source_of("https://{s}.t.example.com/{z}/{x}/{y}.png", "us") == ["https://*.t.example.com"]


@pytest.mark.parametrize(
    ("url", "attribution", "says"),
    [
        ("http://tiles.example.com/{z}/{x}/{y}.png", "us", "must be https"),
        ("https://tiles.example.com/{z}/{x}.png", "us", "name {z}, {x} and {y}"),
        ("https://{x}.example.com/{z}/{x}/{y}.png", "us", "only a leading {s}."),
        ("https://tiles.example.com/{z}/{x}/{y}.png", "", "MAP_TILES_ATTRIBUTION"),
    ],
)
def test_a_template_that_cannot_work_stops_the_start(url: str, attribution: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        map_tiles.source_of(url, attribution)
    assert says in str(raised.value)
