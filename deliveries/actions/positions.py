"""Where a trip under way is: the newest blurred place, for the customer whose stop is next, and nothing else of it.

No position is kept before the store is left, after the last stop, near a door where something was just left, near the
associate's own home, or without their consent; and never more than the newest one.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from associates import actions as terms
from associates.models import Associate, Consent
from deliveries import live, nearby, quoting
from deliveries.models import Claim, Package, Trip
from deliveries.states import PackageState, TripState

from .dropoffs import Position
from .trips import AT_A_DOOR, hide


@transaction.atomic
def report(*, position: Position, by: Associate, now: datetime, happened_at: datetime) -> bool:
    """The phone of somebody on a trip says where it is. Returns whether it should go on saying so.

    What is not worth keeping, or too near to what is nobody's business, is dropped; the customer then sees none.
    """
    if not terms.consents_standing(by)[Consent.Kind.LOCATION]:
        return False
    trip = Trip.objects.select_for_update().filter(associate=by, state=TripState.UNDER_WAY).first()
    if trip is None:
        return False
    road = list(
        Claim.objects.filter(trip=trip, stop__isnull=False).select_related("package", "stop").order_by("stop__position")
    )
    ahead = [claim for claim in road if claim.released_at is None and claim.package.state in AT_A_DOOR]
    if not ahead:
        return False  # on the way back to the store, or done: nobody waits for them
    if not nearby.worth_keeping(accuracy_m=position.accuracy_m, at=happened_at, now=now, last=trip.seen_at):
        return True
    place, was_seen = position.point, trip.seen_at is not None
    clear = nearby.clear_of(place.lat, place.lon, _doors(road) - _doors(ahead), nearby.OTHER_DOOR_M)
    if clear and not quoting.near_home(by, place, nearby.HOME_M):
        seen = nearby.blurred(place.lat, place.lon, happened_at)
        trip.seen_lat, trip.seen_lon, trip.seen_at = seen.lat, seen.lon, seen.at
        trip.save(update_fields=["seen_lat", "seen_lon", "seen_at"])
    else:
        hide(trip)
    if clear or was_seen:
        waiting = [claim.package_id for claim in ahead if claim.stop_id == ahead[0].stop_id]
        transaction.on_commit(lambda: live.show(waiting), robust=True)
    return True


@transaction.atomic
def stop_sharing(*, by: Associate, now: datetime) -> None:
    """They do not want to be seen any more: what was kept goes. Twice is once."""
    trip = Trip.objects.select_for_update().filter(associate=by, state=TripState.UNDER_WAY).first()
    if trip is None or trip.seen_at is None:
        return
    hide(trip)
    out = list(Package.objects.filter(trip=trip, state=PackageState.OUT).values_list("pk", flat=True))
    transaction.on_commit(lambda: live.show(out), robust=True)


def _doors(claims: list[Claim]) -> set[tuple[float, float]]:
    return {(claim.stop.lat, claim.stop.lon) for claim in claims if claim.stop is not None}
