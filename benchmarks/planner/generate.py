"""Makes `store-evening/1` instances in other towns, distributed like the six given ones.

`python -m benchmarks.planner.generate --out DIR [--seed N]` writes S, M, L and XL, each with ordinary ("std") and
generous ("gen") limits.  The same seed writes the same files.  README.md here says what was matched and how well.
"""

from __future__ import annotations

import argparse
import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KM_PER_DEGREE = 111.2
REACH_S = 1800  # nobody orders from, or works at, a store more than half an hour away
SIZES = {"S": (20, 20), "M": (60, 40), "L": (150, 80), "XL": (300, 150)}
PARAMS = {"service_s": 150, "load_s": 300, "base_pay_cents": 200, "pay_cents_per_detour_minute": 30}
# (values, their shares) as counted over the given instances
DUE_S = ((68400, 72000, 75600), (0.20, 0.28, 0.52))
SHIFT_END_S = tuple(range(57600, 68401, 1800))
ONE_PACKAGE_G = ((7000, 11000, 16000, 22700), (0.15, 0.30, 0.29, 0.26))
VOLUME_ML = ((60000, 120000, 250000, 400000), (0.10, 0.36, 0.35, 0.19))
SIZE_CLASS = ((1, 2, 3), (0.36, 0.50, 0.14))
LIMITS = {
    "std": {
        "max_packages": ((1, 2, 3, 4, 5), (0.10, 0.17, 0.33, 0.17, 0.23)),
        "max_detour_s": ((600, 900, 1200, 1800), (0.18, 0.33, 0.29, 0.20)),
    },
    "gen": {
        "max_packages": ((5, 6, 8, 10), (0.28, 0.08, 0.23, 0.41)),
        "max_detour_s": ((1800, 2700, 3600), (0.36, 0.34, 0.30)),
    },
}
LARGEST_SIDE_CM = (40, 75, 120)  # of size classes 0, 1, 2
FREIGHT_SHARE = 0.05
ASSOCIATES_LIFT_G = 22700  # 50 lb; heavier packages and size class 3 go to a carrier


@dataclass(frozen=True)
class Town:
    """Where the store stands, and whether people live around it ("compact") or in a belt of towns ("spread")."""

    city: str
    state: str
    lat: float
    lon: float
    compact: bool


TOWNS = {
    ("S", "std"): Town("Siloam Springs", "AR", 36.1850, -94.5250, True),
    ("S", "gen"): Town("Kearny", "NJ", 40.7560, -74.1240, False),
    ("M", "std"): Town("Teterboro", "NJ", 40.8570, -74.0610, False),
    ("M", "gen"): Town("Bella Vista", "AR", 36.4600, -94.2430, True),
    ("L", "std"): Town("Union", "NJ", 40.6930, -74.2690, False),
    ("L", "gen"): Town("Fayetteville", "AR", 36.0810, -94.2010, True),
    ("XL", "std"): Town("Piscataway", "NJ", 40.5480, -74.4610, False),
    ("XL", "gen"): Town("Saddle Brook", "NJ", 40.9010, -74.0950, False),
}


def make(size: str, style: str, seed: int) -> dict:
    """One instance; every (size, style) has its own town and its own stream of random numbers."""
    town = TOWNS[size, style]
    rng = np.random.default_rng([seed, zlib.crc32(f"{size}-{style}".encode())])
    packages, associates = SIZES[size]
    places_km = _places(rng, town, packages + associates)
    drive_s = _drive_times(rng, np.vstack([[0.0, 0.0], places_km]), packages)
    return {
        "format": "store-evening/1",
        "name": f"{size}-{style}-{town.city.lower().replace(' ', '')}",
        "seed": seed,
        "style": style,
        "store": {"city": town.city, "state": town.state, "lat": town.lat, "lon": town.lon},
        "params": dict(PARAMS),
        "packages": _packages(rng, town, places_km[:packages]),
        "associates": _associates(rng, town, places_km[packages:], LIMITS[style]),
        "time_s": drive_s.tolist(),
    }


def _places(rng: np.random.Generator, town: Town, count: int) -> np.ndarray:
    """(count, 2) km east and north of the store: clusters of homes, none farther than `REACH_S`."""
    if town.compact:  # one town around the store, a few villages
        far = int(rng.integers(3, 6))
        angle, distance = rng.uniform(0, 2 * math.pi, far), rng.uniform(6, 13, far)
        centres = np.vstack([rng.normal(0, 1, (1, 2)), np.c_[distance * np.cos(angle), distance * np.sin(angle)]])
        spread = np.r_[2.6, rng.uniform(1.5, 3.0, far)]
        share = np.r_[0.6, np.full(far, 0.4 / far)]
    else:
        near = int(rng.integers(8, 13))
        angle, distance = rng.uniform(0, 2 * math.pi, near), 11.5 * np.sqrt(rng.uniform(0.02, 1, near))
        centres = np.c_[distance * np.cos(angle), distance * np.sin(angle)]
        spread = rng.uniform(1.0, 4.0, near)
        share = rng.dirichlet(np.full(near, 3.0))
    places: list[np.ndarray] = []
    while len(places) < count:
        cluster = rng.choice(len(share), p=share)
        place = centres[cluster] + rng.normal(0, spread[cluster], 2)
        if _seconds(float(np.hypot(*place))) <= REACH_S:
            places.append(place)
    return np.array(places)


def _seconds(km: float) -> float:
    """Drive time over a crow's distance, fitted to the given instances: 28 km/h over 0.6 km, 36 km/h over 20 km."""
    return float(_fitted_seconds(np.array(km)))


def _fitted_seconds(km: np.ndarray) -> np.ndarray:
    return 97.5 * km + 23.0 * np.sqrt(km)


def _drive_times(rng: np.random.Generator, places_km: np.ndarray, packages: int) -> np.ndarray:
    """(1+M, 1+M+N) integer seconds, mildly asymmetric, obeying the triangle inequality as real roads do."""
    km = np.hypot(*(places_km[: packages + 1, None, :] - places_km[None, :, :]).transpose(2, 0, 1))
    count = len(places_km)
    both_ways = rng.normal(0, 0.025, (count, count))
    both_ways = np.triu(both_ways) + np.triu(both_ways, 1).T
    noise = both_ways[: packages + 1] + rng.normal(0, 0.020, km.shape)
    drive_s = np.rint(_fitted_seconds(km) * np.exp(noise)).astype(np.int64)
    drive_s[np.arange(packages + 1), np.arange(packages + 1)] = 0
    for via in range(packages + 1):
        drive_s = np.minimum(drive_s, drive_s[:, via, None] + drive_s[None, via, :])
    return drive_s


def _degrees(town: Town, place_km: np.ndarray) -> dict[str, float]:
    east, north = place_km
    return {
        "lat": round(town.lat + north / KM_PER_DEGREE, 5),
        "lon": round(town.lon + east / (KM_PER_DEGREE * math.cos(math.radians(town.lat))), 5),
    }


def _packages(rng: np.random.Generator, town: Town, places_km: np.ndarray) -> list[dict]:
    packages = []
    for number, place in enumerate(places_km, start=1):
        weight_g, volume_ml, side_cm = _freight(rng) if rng.random() < FREIGHT_SHARE else _parcel(rng)
        size_class = sum(side_cm > largest for largest in LARGEST_SIDE_CM)
        saved = 525 + 14 * np.hypot(*place) + 0.019 * weight_g + 0.00045 * volume_ml + rng.normal(0, 55)
        packages.append(
            {
                "id": f"P{number:03d}",
                **_degrees(town, place),
                "weight_g": weight_g,
                "volume_ml": volume_ml,
                "longest_side_cm": side_cm,
                "size_class": size_class,
                "due_s": _draw(rng, DUE_S),
                "saved_cents": max(445, round(float(saved))),
                "associate_ok": weight_g <= ASSOCIATES_LIFT_G and size_class <= 2,
            }
        )
    return packages


def _parcel(rng: np.random.Generator) -> tuple[int, int, int]:
    """Weight in g, volume in ml, longest side in cm of what fits a car boot; weight and volume go together a little."""
    heavy = rng.normal()
    bulky = 0.3 * heavy + math.sqrt(1 - 0.3**2) * rng.normal()
    weight_g = int(np.clip(10 * round(195 * math.exp(1.05 * heavy)), 80, 45000))
    volume_ml = int(np.clip(100 * round(115 * math.exp(1.45 * bulky)), 500, 600000))
    # the longest side of a box, over the side of the cube of that volume: 1.26 at least, a long tail
    side_cm = round((1.26 + rng.exponential(0.33)) * volume_ml ** (1 / 3))
    return weight_g, volume_ml, int(np.clip(side_cm, 10, LARGEST_SIDE_CM[-1]))


def _freight(rng: np.random.Generator) -> tuple[int, int, int]:
    """The same for a chest of drawers or a bicycle."""
    weight_g = int(np.clip(10 * round(rng.normal(2900, 800)), 1200, 45000))
    volume_ml = int(np.clip(100 * round(3200 * math.exp(0.5 * rng.normal())), 120000, 600000))
    return weight_g, volume_ml, int(rng.integers(LARGEST_SIDE_CM[-1] + 4, 219))


def _associates(rng: np.random.Generator, town: Town, places_km: np.ndarray, limits: dict) -> list[dict]:
    associates = []
    for number, place in enumerate(places_km, start=1):
        one_g = _draw(rng, ONE_PACKAGE_G)
        associates.append(
            {
                "id": f"A{number:03d}",
                **_degrees(town, place),
                "shift_end_s": int(rng.choice(SHIFT_END_S)),
                "max_packages": _draw(rng, limits["max_packages"]),
                "max_package_weight_g": one_g,
                "max_total_weight_g": 1000 * round(one_g * rng.uniform(1.5, 3.0) / 1000),
                "max_volume_ml": _draw(rng, VOLUME_ML),
                "max_size_class": _draw(rng, SIZE_CLASS),
                "max_detour_s": _draw(rng, limits["max_detour_s"]),
            }
        )
    return associates


def _draw(rng: np.random.Generator, table: tuple[tuple[int, ...], tuple[float, ...]]) -> int:
    values, shares = table
    return int(rng.choice(values, p=shares))


def write(folder: Path, seed: int) -> list[Path]:
    """Write all eight instances into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for size, style in TOWNS:
        instance = make(size, style, seed)
        path = folder / f"{instance['name']}.json"
        path.write_text(json.dumps(instance, separators=(",", ":")) + "\n", encoding="utf-8")
        written.append(path)
    return written


def main() -> None:
    """Write the instances the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner.generate", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for path in write(options.out, options.seed):
        print(path)


if __name__ == "__main__":
    main()
