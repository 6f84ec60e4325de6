"""Drive times from an OSRM server: its /table and /route services over HTTP.

Format: project-osrm.org, "OSRM HTTP API", v1. Whatever is wrong with the server or its answer is a RoutingFault, in
bounded time; nothing it says is believed unchecked.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import urllib3

from .times import NO_PATH, Drives, IntMatrix, LatLon, RoutingFault, TravelTimes, Way

SIDE = 100  # points a side of one request: OSRM's --max-table-size allows 100 × 100 unless it is told otherwise
ATTEMPTS = 2
CONNECT_S = 1.0
REST_S = 30.0  # after a fault it is left alone this long, so that not every caller waits for the same thing
MOST_BYTES = 32 * 1024 * 1024
LONGEST_S, LONGEST_M = 24 * 3600, 2_000_000  # beyond these an answer is nonsense
# A point is put on the nearest road, however far. Beyond this no road leads there; and where that is true of most points,
# the server has the map of another place.
FARTHEST_FROM_ROAD_M = 2_000
# The server would answer the same again.
FINAL = frozenset({"answer", "off_map"})


class Osrm(TravelTimes):
    """An OSRM server.

    url:       where it answers, without a path: http://osrm.internal:5000
    seconds:   how long one call of ours may take, all its requests and attempts together.
    clock:     monotonic seconds.

    Both methods raise RoutingFault.
    """

    def __init__(
        self, url: str, *, seconds: float = 4.0, profile: str = "driving", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url, self.seconds, self.profile = url.rstrip("/"), seconds, profile
        self._clock = clock
        self._pool = urllib3.PoolManager(maxsize=8, retries=False)
        self._rest_until = -math.inf

    def drives(self, points: Sequence[LatLon]) -> Drives:
        """See TravelTimes."""
        everybody = range(len(points))
        return self.block(points, everybody, everybody)

    def block(self, points: Sequence[LatLon], sources: Sequence[int], targets: Sequence[int]) -> Drives:
        """From the points of some indices to those of others: arrays of shape (len(sources), len(targets))."""
        seconds = np.zeros((len(sources), len(targets)), dtype=np.int32)
        metres = np.zeros_like(seconds)
        deadline = self._clock() + self.seconds
        for top in range(0, len(sources), SIDE):
            for left in range(0, len(targets), SIDE):
                rows, columns = sources[top : top + SIDE], targets[left : left + SIDE]
                block = np.s_[top : top + len(rows), left : left + len(columns)]
                seconds[block], metres[block] = self._table(
                    [points[row] for row in rows], [points[column] for column in columns], deadline
                )
        return Drives(seconds, metres, estimated=False)

    def way(self, points: Sequence[LatLon]) -> Way:
        """See TravelTimes. Where OSRM finds no way at all, every leg is NO_PATH."""
        if len(points) < 2:
            return Way((), (), tuple(points), estimated=False)
        answer = self._ask(
            f"/route/v1/{self.profile}/{_path(points)}?overview=simplified&geometries=geojson&steps=false",
            self._clock() + self.seconds,
        )
        if answer.get("code") == "NoRoute":
            nothing = (NO_PATH,) * (len(points) - 1)
            return Way(nothing, nothing, tuple(points), estimated=False)
        try:
            if any(_off_road(answer["waypoints"], len(points))):
                raise RoutingFault("off_map", "a point far from every road it knows")
            route = answer["routes"][0]
            if len(route["legs"]) != len(points) - 1:
                raise RoutingFault("answer", "a number of legs that was not asked for")
            seconds = tuple(_whole(leg["duration"], LONGEST_S) for leg in route["legs"])
            metres = tuple(_whole(leg["distance"], LONGEST_M) for leg in route["legs"])
            line = tuple((float(lat), float(lon)) for lon, lat in route["geometry"]["coordinates"])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RoutingFault("answer", f"not a route: {type(error).__name__}") from error
        return Way(seconds, metres, line, estimated=False)

    def _table(
        self, sources: Sequence[LatLon], targets: Sequence[LatLon], deadline: float
    ) -> tuple[IntMatrix, IntMatrix]:
        same = list(sources) == list(targets)
        points = list(sources) if same else [*sources, *targets]
        which = ""
        if not same:
            count = len(sources)
            first, second = range(count), range(count, count + len(targets))
            which = f"&sources={';'.join(map(str, first))}&destinations={';'.join(map(str, second))}"
        answer = self._ask(f"/table/v1/{self.profile}/{_path(points)}?annotations=duration,distance{which}", deadline)
        try:
            far_sources = _off_road(answer["sources"], len(sources))
            far_targets = _off_road(answer["destinations"], len(targets))
            if 2 * (sum(far_sources) + sum(far_targets)) > len(sources) + len(targets):
                raise RoutingFault("off_map", "most points are far from every road it knows")
            seconds = _matrix(answer["durations"], len(sources), len(targets), LONGEST_S)
            metres = _matrix(answer["distances"], len(sources), len(targets), LONGEST_M)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RoutingFault("answer", f"not a table: {type(error).__name__}") from error
        no_path = np.array(far_sources)[:, None] | np.array(far_targets)[None, :] | (seconds < 0) | (metres < 0)
        seconds[no_path] = metres[no_path] = NO_PATH
        return seconds, metres

    # --- The wire -------------------------------------------------------------------------------------------------------
    def _ask(self, path: str, deadline: float) -> dict[str, Any]:
        """The JSON of one answer, with few attempts, all before `deadline`. An answer of code NoRoute is returned, too."""
        if self._clock() < self._rest_until:
            raise RoutingFault("resting")
        fault = RoutingFault("timeout")
        for _attempt in range(ATTEMPTS):
            if self._clock() >= deadline:
                break
            try:
                return self._once(path, deadline)
            except RoutingFault as error:
                fault = error
                if fault.kind in FINAL:
                    break
        if fault.kind not in FINAL:
            self._rest_until = self._clock() + REST_S
        raise fault

    def _once(self, path: str, deadline: float) -> dict[str, Any]:
        left = max(0.05, deadline - self._clock())
        try:
            response = self._pool.request(
                "GET", self.url + path, redirect=False, preload_content=False, decode_content=True,
                headers={"Accept": "application/json"},
                timeout=urllib3.Timeout(connect=min(CONNECT_S, left), read=left),
            )  # fmt: skip
            try:
                body = self._read(response, deadline)
            finally:
                response.close()
        except urllib3.exceptions.NewConnectionError as error:
            raise RoutingFault("unreachable", "no connection") from error
        except urllib3.exceptions.TimeoutError as error:
            raise RoutingFault("timeout") from error
        except urllib3.exceptions.HTTPError as error:
            raise RoutingFault("unreachable", type(error).__name__) from error
        if response.status >= 500 or response.status == 429:
            raise RoutingFault("server", f"status {response.status}")
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise RoutingFault("answer", f"status {response.status}, not JSON") from error
        code = answer.get("code") if isinstance(answer, dict) else None
        if code == "NoSegment":
            raise RoutingFault("off_map", "a point far from every road it knows")
        if response.status != 200 and code != "NoRoute":
            raise RoutingFault("answer", f"status {response.status}, code {str(code)[:40]!r}")
        if code not in ("Ok", "NoRoute"):
            raise RoutingFault("answer", f"code {str(code)[:40]!r}")
        assert isinstance(answer, dict)
        return answer

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """The body, piece by piece: a server that sends a byte a second keeps nobody beyond the deadline."""
        parts, size = [], 0
        while part := response.read1(1 << 16):
            size += len(part)
            if size > MOST_BYTES:
                raise RoutingFault("answer", "too large")
            if self._clock() > deadline:
                raise RoutingFault("timeout")
            parts.append(part)
        return b"".join(parts)


def _path(points: Sequence[LatLon]) -> str:
    return ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in points)


def _off_road(waypoints: Any, count: int) -> list[bool]:
    """Which of the points as OSRM put them on roads are too far from theirs. Raises RoutingFault, KeyError, TypeError."""
    if len(waypoints) != count:
        raise RoutingFault("answer", "a number of points that was not asked for")
    return [float(point["distance"]) > FARTHEST_FROM_ROAD_M for point in waypoints]


def _matrix(rows: Any, height: int, width: int, most: int) -> IntMatrix:
    """Rows of numbers or null. Raises RoutingFault, TypeError, ValueError."""
    if len(rows) != height or any(len(row) != width for row in rows):
        raise RoutingFault("answer", "a table of another shape")
    flat = np.array([math.nan if cell is None else cell for row in rows for cell in row], dtype=np.float64)
    known = ~np.isnan(flat)
    if not ((flat[known] >= 0) & (flat[known] <= most)).all():
        raise RoutingFault("answer", "a number out of all bounds")
    return np.where(known, np.ceil(flat), NO_PATH).astype(np.int32).reshape(height, width)


def _whole(number: Any, most: int) -> int:
    value = float(number)
    if not 0 <= value <= most:  # NaN is never within
        raise RoutingFault("answer", "a number out of all bounds")
    return math.ceil(value)
