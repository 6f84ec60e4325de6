"""The labels of one search for bundles: room for them that grows with the search, and the bundles at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deliveries.planner import kernels as k
from deliveries.planner.compiled import Kernels
from deliveries.planner.model import Ints
from deliveries.planner.plan import Stop

LABELS, SLOTS = 1024, 4096
"""Room to begin with."""
AT_ONCE = 16_384
"""Labels between two looks at the clock."""


class Tree:
    """Labels (set, last stop), each with its parent. ``total``: how many; ``exact``: none was left out."""

    def __init__(
        self, kernels: Kernels, arguments: Sequence[Any], nodes: int, depth: int, beam: int, stop: Stop
    ) -> None:
        """Search with these ``arguments`` of :func:`.kernels.bundles`; no trip has more than ``depth`` stops.

        Raises:
            Stopped: it is time.
        """
        self.depth = depth
        self.labels = np.empty((LABELS, k.FIELDS), dtype=np.int64)
        self.key = np.empty(LABELS, dtype=np.uint64)
        self.members = np.empty((LABELS, depth + 1), dtype=np.int16)
        table = np.empty(SLOTS, dtype=np.int32)
        inside, code = np.empty(nodes, dtype=np.int8), np.empty(nodes, dtype=np.uint64)
        top, state = np.empty(max(1, beam), dtype=np.int64), np.zeros(k.STATES, dtype=np.int64)
        while True:
            room = max(int(state[k.TOTAL]) + nodes, LABELS) + AT_ONCE  # the kernel comes back when it is used up
            labels, key, members = self.labels[:room], self.key[:room], self.members[:room]
            missing = kernels.bundles(*arguments, labels, key, members, table, inside, code, top, state)
            if missing == k.DONE:
                break
            stop.check()
            if missing == k.MORE_LABELS:
                least = int(state[k.TOTAL]) + nodes
                if least > len(self.labels):
                    self._grow(int(state[k.TOTAL]), least)
            else:
                slots = 4 * len(table)
                while slots < 4 * nodes:
                    slots *= 4
                table = np.empty(slots, dtype=np.int32)
                table[0] = k.EMPTY
        self.total, self.exact = int(state[k.TOTAL]), not state[k.INEXACT]

    def _grow(self, filled: int, least: int) -> None:
        size = 2 * len(self.labels)
        while size < least:
            size *= 2
        for name in ("labels", "key", "members"):
            old: np.ndarray = getattr(self, name)
            new = np.empty((size, *old.shape[1:]), dtype=old.dtype)
            new[:filled] = old[:filled]
            setattr(self, name, new)

    def bundles(
        self, threshold: int, by_count: Ints
    ) -> tuple[npt.NDArray[np.int64], Ints, Ints, npt.NDArray[np.uint64]]:
        """Routes (-1 padded), detours, profits and set keys of the labels that may end a trip with more than ``threshold``.

        ``by_count``: the largest detour by number of packages.
        """
        labels = self.labels[: self.total]
        ends = (labels[:, k.PROFIT] > threshold) & (labels[:, k.DETOUR] <= by_count[labels[:, k.CARRIED]])
        ends[0] = False
        at = np.flatnonzero(ends)
        found = labels[at]
        if not len(at):
            return np.zeros((0, self.depth), dtype=np.int64), found[:, 0], found[:, 0], self.key[:0]
        back = np.full((len(at), self.depth), -1, dtype=np.int64)
        for step in range(self.depth):
            back[:, step] = np.where(at > 0, labels[at, k.LAST], -1)
            at = np.maximum(labels[at, k.PARENT], 0)
        stops = (back >= 0).sum(axis=1)
        place = stops[:, None] - 1 - np.arange(self.depth)
        routes = np.where(place >= 0, np.take_along_axis(back, np.maximum(place, 0), axis=1), -1)
        return routes, found[:, k.DETOUR], found[:, k.PROFIT], self.key[: self.total][ends]
