"""Which packages will come later than promised, in the sense of the customer's page: its window ends after the promise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from deliveries.live import snapshots
from deliveries.live.window import Window, expect
from deliveries.models import Claim, Trip
from deliveries.states import PackageState, TripState


def windows(package_ids: Collection[int], *, now: datetime) -> dict[int, Window]:
    """When those of these packages that are on somebody's trip will come. On the road as the page says; before that,
    counted from the end of the shift and the loading, or from now where that is past."""
    found = {pk: facts.window for pk, facts in snapshots.load(package_ids, now=now).items() if facts.window}
    waiting = Trip.objects.filter(packages__in=package_ids, state__in=[TripState.PLANNED, TripState.LOADING])
    for trip in waiting.select_related("store", "shift").distinct():
        found |= _before_departure(trip, now)
    return {pk: window for pk, window in found.items() if pk in package_ids}


def _before_departure(trip: Trip, now: datetime) -> dict[int, Window]:
    doors: dict[int, list[Claim]] = defaultdict(list)
    claims = Claim.objects.filter(trip=trip, released_at=None, stop__isnull=False).select_related("stop", "package")
    for claim in claims.order_by("stop__position"):
        assert claim.stop is not None
        doors[claim.stop.position].append(claim)
    leaves = max(now, trip.shift.ends_at + timedelta(minutes=trip.store.load_minutes))
    left_s, found = 0, {}
    for door in doors.values():
        assert door[0].stop is not None
        left_s += door[0].stop.leg_s
        for claim in door:
            if claim.package.state in (PackageState.CLAIMED, PackageState.LOADED):
                promise = claim.package.deliver_by
                found[claim.package_id] = expect(since=leaves, left_s=left_s, now=now, promise=promise)
        left_s += trip.store.service_seconds
    return found
