"""A planned trip as it is shown before the claim: money, minutes, weight and areas. Never a door, never a home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from associates.models import Associate, Shift
from deliveries import pay, quoting
from deliveries.models import Package, Trip
from stores.models import Store


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows of one planned trip."""

    quote: pay.Quote
    packages: Sequence[Package]
    last_drop_off_at: datetime

    @property
    def weight_g(self) -> int:
        return sum(package.weight_g for package in self.packages)

    @property
    def areas(self) -> list[tuple[str, int]]:
        """City and ZIP of the stops, each with how many packages go there."""
        return list(Counter(f"{package.city} {package.zip}" for package in self.packages).items())


def show(planned: quoting.PlannedTrip, packages: Sequence[Package], shift: Shift, store: Store) -> Shown:
    """`packages` are all of the trip's. The last drop-off is worked out from the stops alone, home is not in it."""
    on_the_way_s = sum(stop.leg_s for stop in planned.stops) + store.service_seconds * len(planned.stops)
    until = max(shift.ends_at, timezone.now()) + timedelta(seconds=store.load_minutes * 60 + on_the_way_s)
    return Shown(planned.quote, packages, until)


def with_mine(
    person: Associate, shift: Shift, trip: Trip | None, packages: Sequence[Package]
) -> tuple[quoting.PlannedTrip, list[Package]]:
    """The trip that claiming `packages` would make, with those already on `trip`. Raises quoting.DoesNotFit."""
    mine = list(trip.packages.all()) if trip else []
    has = {package.pk for package in mine}
    together = [*mine, *(package for package in packages if package.pk not in has)]
    promise = trip.promise if trip else None
    return quoting.plan_trip(person, shift, together, at_least=promise, now=timezone.now()), together
