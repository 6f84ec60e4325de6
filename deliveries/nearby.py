"""Where somebody is, told so roughly that it helps to wait at the door and no more. Pure.

What leaves the phone is blurred before it is written down anywhere: the middle of a square of about 150 m, and the last
full quarter of a minute. All points of a square have one answer, so watching it for long makes nothing sharper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius, as in stores/places.py
BLUR_M = 150
STEP_S = 15
WORST_ACCURACY_M = 300  # a phone that knows less well says nothing that helps
OLDEST = timedelta(seconds=60)  # on arrival; older is where they were, not where they are
SHOWN_FOR = timedelta(minutes=3)
OTHER_DOOR_M = 250  # this near to a door where something was left, the point would show where that was
HOME_M = 800  # this near to the associate's own home cell nothing is told, whatever lies ahead

_ROW_DEGREES = math.degrees(BLUR_M / EARTH_RADIUS_M)


@dataclass(frozen=True, slots=True)
class Seen:
    """A blurred place, degrees of WGS 84, and a blurred moment, UTC."""

    lat: float
    lon: float
    at: datetime


def blurred(lat: float, lon: float, at: datetime) -> Seen:
    """The middle of the square that the point lies in, and `at` without what is beyond a quarter of a minute.

    Columns are cut by the row's own latitude, so that a square is as wide as it is high and the middle of one is its own.
    """
    row = (math.floor(lat / _ROW_DEGREES) + 0.5) * _ROW_DEGREES
    column_degrees = _ROW_DEGREES / max(0.01, math.cos(math.radians(row)))
    column = (math.floor(lon / column_degrees) + 0.5) * column_degrees
    second = int(at.timestamp()) // STEP_S * STEP_S
    return Seen(_on_earth(row, 90), _on_earth(column, 180), datetime.fromtimestamp(second, UTC))


def worth_keeping(*, accuracy_m: float, at: datetime, now: datetime, last: datetime | None) -> bool:
    """Whether a position of the phone says something: sharp enough, new enough, and of another quarter of a minute than
    the one kept before (`last`, blurred)."""
    fresh = now - OLDEST <= at <= now
    return fresh and accuracy_m <= WORST_ACCURACY_M and (last is None or blurred(0, 0, at).at > last)


def may_be_shown(at: datetime, now: datetime) -> bool:
    """Whether a blurred moment is new enough for its place to be on a map."""
    return now - at <= SHOWN_FOR


def clear_of(lat: float, lon: float, places: Iterable[tuple[float, float]], metres: float) -> bool:
    """Whether the point is at least `metres` from every one of these (lat, lon)."""
    return all(_apart_m(lat, lon, *place) >= metres for place in places)


def _apart_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance (haversine formula, Sinnott 1984)."""
    half_lat, half_lon = math.radians(lat2 - lat1) / 2, math.radians(lon2 - lon1) / 2
    cosines = math.cos(math.radians(lat1)) * math.cos(math.radians(lat2))
    chord = math.sin(half_lat) ** 2 + cosines * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def _on_earth(degrees: float, most: float) -> float:
    return round(min(most, max(-most, degrees)), 6)
