"""What an associate's maps are drawn from: the store, the stops in their order, and nothing beyond the last of them.

Before the claim an associate sees areas, no doors; so a stop is the middle of the square of a kilometre that it lies in. The
same door has the same square every time: looking often makes nothing sharper. The way home is a figure beside the map, never
a line in it (docs/decisions/0130).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from deliveries import quoting
from stores.models import Store
from stores.places import Point

from .mine import Door

AREA_DEGREES = 0.009  # 1,001 m of latitude: 111.2 km a degree
AREA_RADIUS_M = 710  # half the diagonal of the square: the circle holds all of it


def area(point: Point) -> Point:
    """The middle of the square that `point` lies in, degrees. Columns are cut by the row's own latitude."""
    lat = (math.floor(point.lat / AREA_DEGREES) + 0.5) * AREA_DEGREES
    width = AREA_DEGREES / max(0.1, math.cos(math.radians(lat)))
    return Point(round(lat, 4), round((math.floor(point.lon / width) + 0.5) * width, 4))


def drawing(store: Store, planned: quoting.PlannedTrip | None) -> dict[str, Any]:
    """For `static/js/offer.js`: points as [lat, lon] in degrees, words in the reader's language."""
    stops: Sequence[quoting.PlannedStop] = planned.stops if planned else ()
    middles = [area(Point(stop.lat, stop.lon)) for stop in stops]
    return {
        "store": [store.lat, store.lon],
        "areas": [[middle.lat, middle.lon] for middle in middles],
        "radius": AREA_RADIUS_M,
        **_every_map(),
    }


def doors_of(store: Store, doors: Sequence[Door]) -> dict[str, Any]:
    """For `static/js/trip-map.js`: after the claim the stops are where "Navigate" leads, in their order. A door from which
    everything has gone to a colleague is none."""
    every = _every_map()
    every["words"]["next"] = _("next")
    found = [
        {"id": door.stop.pk, "at": [door.packages[0].lat, door.packages[0].lon]} for door in doors if door.packages
    ]
    return {"store": [store.lat, store.lon], "stops": found, **every}


def _every_map() -> dict[str, Any]:
    return {
        "tiles": {"url": settings.MAP_TILES_URL, "attribution": settings.MAP_TILES_ATTRIBUTION},
        "words": {"store": _("Store"), "closer": _("Zoom in"), "wider": _("Zoom out")},
    }
