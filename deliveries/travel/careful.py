"""A provider that may fail, and the estimate in its stead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .times import Drives, LatLon, RoutingFault, TravelTimes, Way


class Careful(TravelTimes):
    """Asks `first`; where that raises RoutingFault, answers with `instead`, whose answers say that they are estimates.

    All of one answer comes from one of the two: a plan compares drives with each other, and the two differ by more than
    the detours it is about. `note` is told of every fault, once a call.
    """

    def __init__(self, first: TravelTimes, instead: TravelTimes, note: Callable[[RoutingFault], None]) -> None:
        self._first, self._instead, self._note = first, instead, note

    def drives(self, points: Sequence[LatLon]) -> Drives:
        """See TravelTimes. Never raises."""
        try:
            return self._first.drives(points)
        except RoutingFault as fault:
            self._note(fault)
            return self._instead.drives(points)

    def way(self, points: Sequence[LatLon]) -> Way:
        """See TravelTimes. Never raises."""
        try:
            return self._first.way(points)
        except RoutingFault as fault:
            self._note(fault)
            return self._instead.way(points)
