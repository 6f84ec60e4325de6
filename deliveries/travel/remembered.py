"""Drive times that are known already are not asked for again.

What is kept is one block of bytes a shelf (one store): the points, rounded, and the matrix between them. An evening's
rounds, re-quotes and board ask for nearly the same points again and again; the new ones cost two strips of a table.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .osrm import Osrm
from .times import NO_PATH, Drives, IntMatrix, LatLon, TravelTimes, Way

PLACES = 4  # decimals of a degree: 11 metres
SCALE = 10**PLACES
MOST_POINTS = 500  # kept; the ones asked for last stay
HEADER = struct.Struct("<4sI")
MAGIC = b"hwd1"

Key = tuple[int, int]


class Shelf(Protocol):
    """Where one block of bytes lies. Never raises: what cannot be read is not there, what cannot be kept is gone."""

    def read(self) -> bytes | None: ...

    def write(self, block: bytes) -> None: ...


@dataclass(slots=True)
class Known:
    """Points in ten-thousandths of a degree, and the drives between them, each of shape (n, n)."""

    points: list[Key]
    seconds: IntMatrix
    metres: IntMatrix

    def to_bytes(self) -> bytes:
        parts = (np.array(self.points, dtype="<i4").reshape(-1, 2), self.seconds, self.metres)
        raw = b"".join(part.astype("<i4").tobytes() for part in parts)
        return HEADER.pack(MAGIC, len(self.points)) + zlib.compress(raw, 1)

    @classmethod
    def from_bytes(cls, block: bytes) -> Known:
        """Raises ValueError when these bytes are none of ours."""
        try:
            magic, n = HEADER.unpack_from(block)
            numbers = np.frombuffer(zlib.decompress(block[HEADER.size :]), dtype="<i4")
        except (struct.error, zlib.error, ValueError) as error:
            raise ValueError("not a block of drive times") from error
        if magic != MAGIC or len(numbers) != 2 * n + 2 * n * n:
            raise ValueError("not a block of drive times")
        points, seconds, metres = np.split(numbers, [2 * n, 2 * n + n * n])
        return cls(
            [(int(lat), int(lon)) for lat, lon in points.reshape(n, 2)],
            seconds.reshape(n, n).astype(np.int32),
            metres.reshape(n, n).astype(np.int32),
        )


NOTHING = Known([], np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int32))


class Remembered(TravelTimes):
    """An OSRM server with a memory. `hits` and `misses` count drives, diagonals too.

    Points are rounded to 11 metres before they are looked up or asked for, so one door is one point.
    """

    def __init__(self, provider: Osrm, shelf: Shelf) -> None:
        self._provider, self._shelf = provider, shelf
        self.hits = self.misses = 0

    def drives(self, points: Sequence[LatLon]) -> Drives:
        """See TravelTimes. Raises RoutingFault only where something new has to be asked for."""
        keys = [_key(point) for point in points]
        known = self._read()
        where = {key: index for index, key in enumerate(known.points)}
        distinct = list(dict.fromkeys(keys))
        fresh = [key for key in distinct if key not in where]
        before, after = len(distinct) - len(fresh), len(distinct)
        self.hits += before * before
        self.misses += after * after - before * before
        # What was asked for last stands first, so that the rest is what falls off the end.
        order = [key for key in distinct if key in where]
        asked = set(distinct)
        order += [key for key in known.points if key not in asked][: max(0, MOST_POINTS - after)]
        if fresh:
            known = self._grow(known, [where[key] for key in order], order, fresh)
            if after <= MOST_POINTS:
                self._shelf.write(known.to_bytes())
            where = {key: index for index, key in enumerate(known.points)}
        pick = np.array([where[key] for key in keys], dtype=np.intp)
        grid = np.ix_(pick, pick)
        return Drives(known.seconds[grid], known.metres[grid], estimated=False)

    def way(self, points: Sequence[LatLon]) -> Way:
        """See TravelTimes. Asked for each time: it is about one trip, and carries a line."""
        return self._provider.way([_point(_key(point)) for point in points])

    def _read(self) -> Known:
        block = self._shelf.read()
        if block is None:
            return NOTHING
        try:
            return Known.from_bytes(block)
        except ValueError:  # of an older release, or cut short
            return NOTHING

    def _grow(self, known: Known, kept: list[int], order: list[Key], fresh: list[Key]) -> Known:
        """`known`, brought into `order`, and the fresh points with all drives from and to them, in two strips."""
        points = [*fresh, *order]
        new, n = len(fresh), len(points)
        seconds = np.full((n, n), NO_PATH, dtype=np.int32)
        metres = np.full_like(seconds, NO_PATH)
        grid = np.ix_(kept, kept)
        seconds[new:, new:], metres[new:, new:] = known.seconds[grid], known.metres[grid]
        places = [_point(key) for key in points]
        top = self._provider.block(places, range(new), range(n))
        seconds[:new], metres[:new] = top.seconds, top.metres
        if new < n:
            left = self._provider.block(places, range(new, n), range(new))
            seconds[new:, :new], metres[new:, :new] = left.seconds, left.metres
        return Known(points, seconds, metres)


def _key(point: LatLon) -> Key:
    return round(point[0] * SCALE), round(point[1] * SCALE)


def _point(key: Key) -> LatLon:
    return key[0] / SCALE, key[1] / SCALE
