"""The blur: how rough it is, that watching makes it no sharper, and what is not worth keeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from deliveries import nearby
from stores.places import Point, distance_m

lats = st.floats(-70, 70, allow_nan=False)
lons = st.floats(-180, 180, allow_nan=False)
moments = st.integers(1_760_000_000, 1_900_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
NOW = datetime(2026, 11, 24, 23, 0, 7, tzinfo=UTC)


@given(lats, lons, moments)
@example(40.6563, -74.1172, NOW)
def test_blurred_is_near_but_not_there(lat: float, lon: float, at: datetime) -> None:
    seen = nearby.blurred(lat, lon, at)
    # Half the diagonal of a square of 150 m, and a little for the middle of the row being rounded.
    assert distance_m(Point(lat, lon), Point(seen.lat, seen.lon)) <= 107
    assert timedelta(0) <= at - seen.at < timedelta(seconds=15)
    assert int(seen.at.timestamp()) % 15 == 0


@given(lats, lons)
def test_blurring_twice_is_once(lat: float, lon: float) -> None:
    once = nearby.blurred(lat, lon, NOW)
    assert nearby.blurred(once.lat, once.lon, once.at) == once


@given(lats, lons, st.floats(-40, 40), st.floats(-40, 40))
def test_a_house_has_one_answer_of_a_few(lat: float, lon: float, north_m: float, east_m: float) -> None:
    """Whatever a phone at one door says, jittering by 40 m, it is one of four squares: there is nothing to average."""
    middle = nearby.blurred(lat, lon, NOW)
    inside = nearby.blurred(middle.lat + north_m / 111_200, middle.lon + east_m / 111_200, NOW)
    assert inside == middle, "a square reaches 75 m from its middle"


def test_the_squares_are_as_wide_as_they_are_high() -> None:
    for lat in (0.0, 36.3, 40.7, 61.2):
        here = nearby.blurred(lat, -74.0, NOW)
        row_m = distance_m(
            Point(here.lat, -74.0), Point(nearby.blurred(here.lat + 150 / 111_195, -74.0, NOW).lat, -74.0)
        )
        assert 149 < row_m < 151


def test_worth_keeping() -> None:
    def worth(accuracy_m: float = 10, ago_s: float = 2, last_ago_s: float | None = None) -> bool:
        last = None if last_ago_s is None else nearby.blurred(0, 0, NOW - timedelta(seconds=last_ago_s)).at
        return nearby.worth_keeping(accuracy_m=accuracy_m, at=NOW - timedelta(seconds=ago_s), now=NOW, last=last)

    assert worth()
    assert not worth(accuracy_m=301)
    assert not worth(ago_s=61), "where they were, not where they are"
    assert not worth(ago_s=-1), "nobody is ahead of the clock"
    assert not worth(ago_s=1, last_ago_s=3), "the same quarter of a minute"
    assert worth(ago_s=1, last_ago_s=16)
    assert not worth(ago_s=30, last_ago_s=16), "told late, after a newer one"


def test_shown_only_while_it_is_news() -> None:
    assert nearby.may_be_shown(NOW - timedelta(minutes=3), NOW)
    assert not nearby.may_be_shown(NOW - timedelta(minutes=3, seconds=1), NOW)


@given(lats, lons)
def test_clear_of(lat: float, lon: float) -> None:
    near = (lat + 0.001, lon)
    assert not nearby.clear_of(lat, lon, [near], 112)
    assert nearby.clear_of(lat, lon, [near], 111)
    assert nearby.clear_of(lat, lon, [], 1_000_000)
