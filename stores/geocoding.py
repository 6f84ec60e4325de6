"""From an address to a point by a service over HTTP: Nominatim or Photon, by URL, through geopy.

It is asked for the street line, the town, the state and the ZIP code; never for a name, a phone number or an apartment.
Only a task asks (`deliveries/locating.py`): a service that is slow keeps no request waiting.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from geopy.adapters import RequestsAdapter
from geopy.exc import GeocoderRateLimited, GeocoderTimedOut, GeopyError
from geopy.geocoders import Nominatim as GeopyNominatim
from geopy.geocoders import Photon as GeopyPhoton

from .places import Located, Point, Precision, distance_m, in_united_states, normal_street

SHORT_STREET_M = 400  # from one end to the other: whoever knows the street knows the door well enough to drive there
MOST_ANSWERS = 5


@dataclass(frozen=True, slots=True)
class Address:
    """What may be asked about. `state`: two letters; `zip`: five digits."""

    street: str
    city: str
    state: str
    zip: str


class Unavailable(Exception):
    """The service could not be asked or made no sense. `kind` is one word for logs; `wait_s` is what it asked for."""

    def __init__(self, kind: str, wait_s: float = 0.0) -> None:
        super().__init__(kind)
        self.kind, self.wait_s = kind, wait_s


class Geocoder(Protocol):
    """Anything that finds addresses. `name` is kept with what it found."""

    name: str

    def find(self, address: Address) -> Located | None:
        """Where the address is, with the precision it is known to; None when the service does not know it.

        ZIP stands for any point that is better than nothing and not good enough to drive to. Raises Unavailable.
        """
        ...


class Nominatim:
    """Nominatim's structured search (nominatim.org, "Search queries")."""

    name = "nominatim"

    def __init__(self, url: str, *, user_agent: str, timeout_s: float) -> None:
        scheme, domain = _split(url)
        self._geopy = GeopyNominatim(
            domain=domain, scheme=scheme, user_agent=user_agent, timeout=timeout_s, adapter_factory=_once
        )

    def find(self, address: Address) -> Located | None:
        """See Geocoder."""
        query = {
            "street": address.street, "city": address.city, "state": address.state, "postalcode": address.zip,
            "country": "US",
        }  # fmt: skip

        def ask() -> Any:
            return self._geopy.geocode(
                query, exactly_one=False, limit=MOST_ANSWERS, addressdetails=True, country_codes=["us"], language="en"
            )

        return _best(address, _answers(ask), self._read)

    @staticmethod
    def _read(raw: Mapping[str, Any]) -> Answer:
        parts = raw.get("address", {})
        south, north, west, east = map(float, raw.get("boundingbox", [raw["lat"], raw["lat"], raw["lon"], raw["lon"]]))
        # Between two known numbers of a street (TIGER) Nominatim puts a house on the line: right street, about there.
        between = raw.get("class") == "place" and raw.get("type") == "house" and raw.get("osm_type") == "way"
        return Answer(
            point=Point(float(raw["lat"]), float(raw["lon"])), number=str(parts.get("house_number", "")),
            street=str(parts.get("road", "")), zip=str(parts.get("postcode", "")), exact=not between,
            extent_m=distance_m(Point(south, west), Point(north, east)),
        )  # fmt: skip


class Photon:
    """Photon's search (github.com/komoot/photon); GeoJSON."""

    name = "photon"

    def __init__(self, url: str, *, user_agent: str, timeout_s: float) -> None:
        scheme, domain = _split(url)
        self._geopy = GeopyPhoton(
            domain=domain, scheme=scheme, user_agent=user_agent, timeout=timeout_s, adapter_factory=_once
        )

    def find(self, address: Address) -> Located | None:
        """See Geocoder."""
        line = f"{address.street}, {address.city}, {address.state} {address.zip}"

        def ask() -> Any:
            return self._geopy.geocode(line, exactly_one=False, limit=MOST_ANSWERS, language="en")

        return _best(address, _answers(ask), self._read)

    @staticmethod
    def _read(raw: Mapping[str, Any]) -> Answer:
        parts = raw["properties"]
        lon, lat = map(float, raw["geometry"]["coordinates"])
        west, north, east, south = map(float, parts.get("extent", [lon, lat, lon, lat]))
        number = str(parts.get("housenumber", ""))
        street = str(parts.get("street", "") or (parts.get("name", "") if parts.get("type") == "street" else ""))
        return Answer(
            point=Point(lat, lon), number=number, street=street, zip=str(parts.get("postcode", "")), exact=True,
            extent_m=distance_m(Point(south, west), Point(north, east)),
        )  # fmt: skip


KINDS: dict[str, type[Nominatim] | type[Photon]] = {"nominatim": Nominatim, "photon": Photon}


def from_settings() -> Geocoder | None:
    """The service that GEOCODER_URL names, `nominatim+https://...` or `photon+https://...`; None without one."""
    if not settings.GEOCODER_URL:
        return None
    kind, _, url = settings.GEOCODER_URL.partition("+")
    agent = f"Homeward ({settings.SITE_URL})"  # their usage policy asks who calls
    return KINDS[kind](url, user_agent=agent, timeout_s=settings.GEOCODER_SECONDS)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a service. `exact`: the house itself, where `number` is given. `extent_m`: how long the thing is."""

    point: Point
    number: str
    street: str
    zip: str
    exact: bool
    extent_m: float


def _answers(ask: Callable[[], Any]) -> list[Mapping[str, Any]]:
    """What geopy makes of the service's answer, raw. Raises Unavailable for whatever goes wrong."""
    try:
        found = ask()
        return [place.raw for place in found or ()]
    except GeocoderRateLimited as error:
        raise Unavailable("rate_limited", float(error.retry_after or 0)) from error
    except GeocoderTimedOut as error:
        raise Unavailable("timeout") from error
    except GeopyError as error:
        raise Unavailable(type(error).__name__) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("answer") from error  # JSON, but not of the service we know


def _best(
    address: Address, answers: list[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Answer]
) -> Located | None:
    """The answer we believe most; None when none is about this address."""
    order = [Precision.ROOFTOP, Precision.STREET, Precision.ZIP]
    try:
        found = [located for answer in map(read, answers) if (located := _judge(address, answer))]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("answer") from error
    return min(found, key=lambda located: order.index(located.precision), default=None)


def _judge(address: Address, answer: Answer) -> Located | None:
    """How far one answer is to be believed. Another ZIP code, another street or another country is another address."""
    if not (math.isfinite(answer.point.lat) and math.isfinite(answer.point.lon)) or not in_united_states(answer.point):
        return None
    if answer.zip and answer.zip[:5] != address.zip:
        return None
    if answer.street and not _same_street(address.street, answer.street):
        return None
    number = _number(address.street)
    if number and answer.number and answer.street:
        if answer.number.upper() == number:
            return Located(answer.point, Precision.ROOFTOP if answer.exact else Precision.STREET)
        return Located(answer.point, Precision.ZIP)  # a neighbour, who may be a mile off
    if answer.street and answer.extent_m <= SHORT_STREET_M:
        return Located(answer.point, Precision.STREET)
    return Located(answer.point, Precision.ZIP) if answer.zip else None


def _number(street: str) -> str:
    """ "12B" of "12B Main St"; empty where the line begins with none."""
    found = re.match(r"\s*(\d+(?:-\d+)?[A-Za-z]?)\b", street)
    return found.group(1).upper() if found else ""


def _same_street(asked: str, found: str) -> bool:
    """Whether the street that was found is the one of the line asked for: its words are there, in their order."""
    return f" {normal_street(found)} " in f" {normal_street(asked)} "


# Left to itself the adapter tries again, and first sleeps as long as the service asks for: half an hour, say.
_once = functools.partial(RequestsAdapter, max_retries=0)


def _split(url: str) -> tuple[str, str]:
    """Scheme, and what geopy calls the domain: host, port and path."""
    parts = urlsplit(url)
    return parts.scheme, (parts.netloc + parts.path).rstrip("/")
