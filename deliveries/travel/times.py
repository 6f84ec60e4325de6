"""The interface of drive times, and what it answers with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntMatrix = npt.NDArray[np.int32]
LatLon = tuple[float, float]
NO_PATH = -1


@dataclass(frozen=True, slots=True)
class Drives:
    """Every drive between some points.

    seconds, metres: int32, shape (n, n), row = from, column = to; negative where no path is known.
    estimated:       True when no road map was asked, so that whoever shows a time can say how far it may be off.
    """

    seconds: IntMatrix
    metres: IntMatrix
    estimated: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One drive through some points in their order.

    seconds, metres: a number a leg, one less than points; negative where no path is known.
    line:            (lat, lon) along the road, to be drawn; straight from point to point where it is `estimated`.
    """

    seconds: tuple[int, ...]
    metres: tuple[int, ...]
    line: tuple[LatLon, ...]
    estimated: bool


class RoutingFault(Exception):
    """A routing server did not give an answer that can be used. `kind` is one word for logs; no places in the text."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


class TravelTimes(ABC):
    """Anything that knows how long it takes to drive between points, given as (lat, lon) in degrees."""

    @abstractmethod
    def drives(self, points: Sequence[LatLon]) -> Drives:
        """From every point to every other."""

    @abstractmethod
    def way(self, points: Sequence[LatLon]) -> Way:
        """Through the points in their order; at least one."""

    def matrix(self, points: Sequence[LatLon]) -> tuple[IntMatrix, IntMatrix]:
        """Seconds and metres of `drives` alone, for whoever does not show them."""
        found = self.drives(points)
        return found.seconds, found.metres
