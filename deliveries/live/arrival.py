"""From a trip's rows to when it will be at a door: what is known for sure, and what is planned after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deliveries.models import Claim, Package, Stop, Trip
from deliveries.states import PackageState
from deliveries.travel import PowerLaw

from .window import ESTIMATED, ROUTED, Ahead, Window, expect

BEFORE_LEAVING = (PackageState.CLAIMED, PackageState.LOADED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How many stops come first, None before the store is left, and the window."""

    stops_away: int | None
    window: Window


def arrival(package: Package, road: Sequence[Claim], now: datetime) -> Arrival | None:
    """When `package` will be at its door; None when it is on its way nowhere.

    `road`: the live claims of its trip with stop, package and trip (its store and shift), in the order of the stops.
    """
    mine = next((claim.stop for claim in road if claim.package_id == package.pk), None)
    if mine is None:
        return None
    trip = road[0].trip
    if package.state == PackageState.OUT:
        return _on_the_road(package, mine, trip, road, now)
    if package.state in BEFORE_LEAVING:
        return _from_the_store(package, mine, trip, road, now)
    return None


def last_chance(package: Package) -> datetime:
    """Until when `package`, still in the store, can be at its door by the promise: whoever takes it loads, then drives
    straight there at the fastest that the estimate allows for. Later than this it is late, whoever brings it."""
    store = package.store
    drive_s = PowerLaw().way([(store.lat, store.lon), (package.lat, package.lon)]).seconds[0]
    straight = Ahead(drive_s=drive_s, stops=0, service_s=0)
    fastest = timedelta(minutes=store.load_minutes, seconds=straight.seconds - straight.early_s)
    return package.deliver_by - fastest


def _on_the_road(package: Package, mine: Stop, trip: Trip, road: Sequence[Claim], now: datetime) -> Arrival:
    since = trip.started_at or package.state_since
    for claim in road:
        if claim.package.state != PackageState.OUT:
            since = max(since, claim.package.state_since)
    ahead = _stops(road, mine, (PackageState.OUT,))
    driving = ahead
    if ahead[0].arrived_at is not None:  # at its door now: that drive is done
        since, driving = max(since, ahead[0].arrived_at), ahead[1:]
    plan = _plan(driving, len(ahead) - 1, trip, leaving=False)
    return Arrival(len(ahead) - 1, expect(since=since, ahead=plan, now=now, promise=package.deliver_by))


def _from_the_store(package: Package, mine: Stop, trip: Trip, road: Sequence[Claim], now: datetime) -> Arrival:
    """Counted from the end of the shift and the loading, or from now where that is past."""
    leaves = max(now, trip.shift.ends_at + timedelta(minutes=trip.store.load_minutes))
    ahead = _stops(road, mine, BEFORE_LEAVING)
    plan = _plan(ahead, len(ahead) - 1, trip, leaving=True)
    return Arrival(None, expect(since=leaves, ahead=plan, now=now, promise=package.deliver_by))


def _stops(road: Sequence[Claim], mine: Stop, states: Sequence[PackageState]) -> list[Stop]:
    """The stops up to `mine` that still have something in one of these states, in order."""
    stops = {
        claim.stop.position: claim.stop
        for claim in road
        if claim.stop is not None and claim.stop.position <= mine.position and claim.package.state in states
    }
    return list(stops.values())


def _plan(driving: Sequence[Stop], stops: int, trip: Trip, *, leaving: bool) -> Ahead:
    return Ahead(
        drive_s=sum(stop.leg_s for stop in driving),
        stops=stops,
        service_s=trip.store.service_seconds,
        leaving=leaving,
        errors=ESTIMATED if any(stop.leg_estimated for stop in driving) else ROUTED,
    )
