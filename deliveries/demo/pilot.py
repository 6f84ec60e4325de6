"""The three pilot stores of the demo and the real addresses around them. Facts only; what they become is elsewhere."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stores.places import Point, distance_m

DATA = Path(__file__).parent / "data"
ZIP_CENTROIDS = DATA / "zip_centroids.csv"
REACH_M = 12_900  # 8 miles


@dataclass(frozen=True, slots=True)
class PilotStore:
    """A store's facts: public address and coordinates, and the demo's settings for it.

    `hourly_cents` is above the state's minimum wage of 2026: New Jersey $15.92 (NJ Department of Labor, notice of
    1 October 2025), Arkansas $11.00 (Arkansas Code 11-4-210). Each demo trip is paid at least that for every minute.
    """

    number: int
    city: str
    address1: str
    state: str
    zip: str
    point: Point
    time_zone: str
    phone: str
    hourly_cents: int
    carrier: str
    addresses: Path
    bay_place: str

    @property
    def name(self) -> str:
        return f"{self.city} store"


@dataclass(frozen=True, slots=True)
class Address:
    """A real street address; nobody is attached to it."""

    address1: str
    address2: str
    city: str
    state: str
    zip: str
    point: Point


NORTH_NJ, NW_ARKANSAS = DATA / "addresses_north_nj.csv", DATA / "addresses_nw_arkansas.csv"
PILOT = (
    PilotStore(
        3520, "Secaucus", "400 Park Pl", "NJ", "07094", Point(40.793, -74.042466), "America/New_York",
        "+12015550120", 1800, "Meadowlands Parcel", NORTH_NJ,
        "Door 4, behind the pharmacy",
    ),
    PilotStore(
        5867, "Bayonne", "500 Bayonne Crossing Way", "NJ", "07002", Point(40.659918, -74.106726), "America/New_York",
        "+12015550167", 1800, "Kill Van Kull Courier", NORTH_NJ,
        "The gate of the garden center",
    ),
    PilotStore(
        5260, "Rogers", "4208 Pleasant Crossing Blvd", "AR", "72758", Point(36.278895, -94.151209), "America/Chicago",
        "+14795550160", 1500, "Ozark Parcel", NW_ARKANSAS,
        "Door 2, by the tire service",
    ),
)  # fmt: skip


@cache
def addresses(path: Path) -> tuple[Address, ...]:
    """Every address of an excerpt, in its order."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Address(
                row["address1"], row["address2"], row["city"], row["state"], row["zip"],
                Point(float(row["lat"]), float(row["lon"])),
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


def around(pilot: PilotStore) -> tuple[list[Address], list[Address]]:
    """Addresses within eight miles of a store, in two lists: where associates live, and where packages go.

    Which of the two an address is in depends on its street line alone, so it is the same for every store, and no page of
    a package can show an associate's home by accident.
    """
    homes, doors = list[Address](), list[Address]()
    for address in addresses(pilot.addresses):
        if distance_m(address.point, pilot.point) <= REACH_M:
            is_home = zlib.crc32(address.address1.encode()) % 5 == 0
            (homes if is_home else doors).append(address)
    return homes, doors
