"""Drive times without a road map: fitted curves over the great-circle distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .times import Drives, LatLon, TravelTimes, Way

EARTH_RADIUS_M = 6_371_008.8


class PowerLaw(TravelTimes):
    """t[s] = 2.31 · d[m]^0.669 and road[m] = 1.42 · d[m], d being the great-circle distance.

    Both fitted on the 300 × 300 OSRM matrix of Reisterstown, Maryland (free flow, OpenStreetMap data). There the median
    error of a time is 15 %, of a road length 11 %; of a detour's time 3 minutes, 10.9 at p95. `docs/travel.md` has the
    error by distance.
    """

    SECONDS_FACTOR, SECONDS_POWER, ROAD_FACTOR = 2.31, 0.669, 1.42

    def drives(self, points: Sequence[LatLon]) -> Drives:
        """See TravelTimes. Symmetric, zero on the diagonal, rounded up to whole seconds and metres."""
        degrees = np.radians(np.array(points, dtype=np.float64).reshape(-1, 2))
        lat, lon = degrees[:, 0], degrees[:, 1]
        half_lat = (lat[:, None] - lat[None, :]) / 2
        half_lon = (lon[:, None] - lon[None, :]) / 2
        chord = np.sin(half_lat) ** 2 + np.cos(lat)[:, None] * np.cos(lat)[None, :] * np.sin(half_lon) ** 2
        metres = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
        seconds = np.ceil(self.SECONDS_FACTOR * metres**self.SECONDS_POWER)
        return Drives(seconds.astype(np.int32), np.ceil(self.ROAD_FACTOR * metres).astype(np.int32), estimated=True)

    def way(self, points: Sequence[LatLon]) -> Way:
        """See TravelTimes."""
        found = self.drives(points)
        legs = range(len(points) - 1)
        return Way(
            tuple(int(found.seconds[leg, leg + 1]) for leg in legs),
            tuple(int(found.metres[leg, leg + 1]) for leg in legs),
            tuple(points),
            estimated=True,
        )
