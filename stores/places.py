"""Points on the earth: distance, and from an address to a point with the precision it is known to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .models import AddressPoint, ZipCentroid

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius


class Precision(StrEnum):
    """How well a point is known. A ZIP-precise one is never offered to an associate until somebody confirms the pin."""

    ROOFTOP = "rooftop"
    STREET = "street"
    ZIP = "zip"
    MANUAL = "manual"  # somebody looked at a map and put it there: staff, or the customer


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Located:
    point: Point
    precision: Precision


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine formula, Sinnott 1984)."""
    lat1, lat2 = math.radians(a.lat), math.radians(b.lat)
    half_lat, half_lon = (lat2 - lat1) / 2, math.radians(b.lon - a.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


# USPS Publication 28, appendix C1: the suffixes people spell in more than one way.
_SUFFIXES = {
    "ST": "STREET", "AVE": "AVENUE", "AV": "AVENUE", "RD": "ROAD", "DR": "DRIVE", "LN": "LANE", "CT": "COURT",
    "PL": "PLACE", "BLVD": "BOULEVARD", "TER": "TERRACE", "TERR": "TERRACE", "CIR": "CIRCLE", "HWY": "HIGHWAY",
    "PKWY": "PARKWAY", "SQ": "SQUARE", "N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST",
}  # fmt: skip


def normal_street(street: str) -> str:
    """One spelling for a street line: upper case, no punctuation, suffixes and directions written out."""
    words = re.sub(r"[^\w\s#/-]", " ", street.upper()).split()
    return " ".join(_SUFFIXES.get(word, word) for word in words)


def locate(street: str, zip_code: str) -> Located | None:
    """Where an address stands: the address table first, then the middle of its ZIP code, then None."""
    zip5 = zip_code.strip()[:5]
    known = AddressPoint.objects.filter(zip=zip5, street=normal_street(street)).first()
    if known:
        return Located(Point(known.lat, known.lon), Precision(known.precision))
    middle = ZipCentroid.objects.filter(zip=zip5).first()
    return Located(Point(middle.lat, middle.lon), Precision.ZIP) if middle else None


def locate_many(addresses: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Located]:
    """As `locate` for many (street, ZIP) at once, in two queries; addresses nobody knows are left out."""
    wanted = {(street, zip_code): (zip_code.strip()[:5], normal_street(street)) for street, zip_code in addresses}
    zips = {zip5 for zip5, _street in wanted.values()}
    points = AddressPoint.objects.filter(zip__in=zips, street__in={street for _zip5, street in wanted.values()})
    doors = {(p.zip, p.street): Located(Point(p.lat, p.lon), Precision(p.precision)) for p in points}
    middles = {z.zip: Located(Point(z.lat, z.lon), Precision.ZIP) for z in ZipCentroid.objects.filter(zip__in=zips)}
    found = {address: doors.get(key) or middles.get(key[0]) for address, key in wanted.items()}
    return {address: located for address, located in found.items() if located}


# South, north, west, east of the contiguous states, Alaska, Hawaii, Puerto Rico; rough on purpose.
_UNITED_STATES = (
    (24.3, 49.4, -125.0, -66.8), (51.0, 71.5, -180.0, -129.9), (18.8, 22.4, -160.4, -154.7), (17.8, 18.6, -67.4, -65.1),
)  # fmt: skip


def in_united_states(point: Point) -> bool:
    """Whether a point can be in the United States at all: a check against swapped or unsigned coordinates."""
    return any(s <= point.lat <= n and w <= point.lon <= e for s, n, w, e in _UNITED_STATES)
