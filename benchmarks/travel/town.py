"""The real matrix: drives between points of Reisterstown, Maryland, by two routers on OpenStreetMap data.

The whole of it (300 points) lies beside the project in `shared/data`; 60 of its points are in `data/` here, for the tests.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deliveries.travel import PowerLaw

HERE = Path(__file__).resolve().parent
EXCERPT = HERE / "data" / "points.csv.gz", HERE / "data" / "matrix.csv.gz"
WHOLE = tuple(HERE.parents[2] / "shared" / "data" / f"reisterstown_md_{what}.csv.gz" for what in ("points", "matrix"))

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Town:
    """n points and the drives between them, each of shape (n, n); seconds, metres; NaN where a router found no way.

    straight_m: great-circle distance, from the estimate's own road factor.
    """

    osrm_s: Floats
    osrm_m: Floats
    valhalla_s: Floats
    estimate_s: Floats
    estimate_m: Floats
    straight_m: Floats

    def part(self, which: npt.NDArray[np.intp]) -> Town:
        """The town of some of its points."""
        grid = np.ix_(which, which)
        return Town(*(getattr(self, name)[grid] for name in self.__slots__))


def read(points: Path, matrix: Path) -> Town:
    """The town in these two files. Raises OSError when one is not there."""
    with gzip.open(points, "rt") as file:
        places = [(float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file)]
    found = {name: np.full((len(places), len(places)), np.nan) for name in ("osrm_s", "osrm_m", "valhalla_s")}
    with gzip.open(matrix, "rt") as file:
        for row in csv.DictReader(file):
            for name, numbers in found.items():
                if row[name]:
                    numbers[int(row["i"]), int(row["j"])] = float(row[name])
    law = PowerLaw().drives(places)
    metres = law.metres.astype(float)
    return Town(
        **found, estimate_s=law.seconds.astype(float), estimate_m=metres, straight_m=metres / PowerLaw.ROAD_FACTOR
    )
