"""A planned trip as it is shown before the claim: money, minutes, weight and areas. Never a door, never a home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from associates.models import Associate, Shift
from deliveries import pay, quoting
from deliveries.models import Package, Trip
from stores.models import Store

HOME_BY_STEP = timedelta(seconds=quoting.LAST_LEG_S)


@dataclass(frozen=True, slots=True)
class ShownStop:
    """One stop before the claim: an area, what goes there, and the drive from the stop before, or the store."""

    number: int
    packages: Sequence[Package]
    leg_s: int

    @property
    def area(self) -> str:
        return f"{self.packages[0].city} {self.packages[0].zip}"

    @property
    def ids(self) -> str:
        """The packages as one box of a form sends them."""
        return " ".join(str(package.pk) for package in self.packages)

    @property
    def weight_g(self) -> int:
        return sum(package.weight_g for package in self.packages)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows of one planned trip. `drive_home_s` is in steps of five minutes (`quoting.drive_home_s`)."""

    quote: pay.Quote
    packages: Sequence[Package]
    stops: Sequence[ShownStop]
    starts_at: datetime
    last_drop_off_at: datetime
    drive_home_s: int | None

    @property
    def weight_g(self) -> int:
        return sum(package.weight_g for package in self.packages)

    @property
    def areas(self) -> list[tuple[str, int]]:
        """City and ZIP of the stops, each with how many packages go there."""
        return list(Counter(f"{package.city} {package.zip}" for package in self.packages).items())

    @property
    def overtime_s(self) -> int:
        """How much of the trip is above forty hours this week."""
        return sum(line.quantity for line in self.quote.lines if line.kind == "overtime")

    @property
    def with_stops_s(self) -> int | None:
        """From the end of the shift to home with these stops, as coarse as `drive_home_s`."""
        return None if self.drive_home_s is None else self.drive_home_s + self.quote.extra_s

    @property
    def home_by_at(self) -> datetime | None:
        """The latest they will be home by plan, on a step of five minutes."""
        if self.with_stops_s is None:
            return None
        at, step = (self.starts_at + timedelta(seconds=self.with_stops_s)).timestamp(), HOME_BY_STEP.total_seconds()
        return datetime.fromtimestamp(-(-at // step) * step, UTC)


def show(
    planned: quoting.PlannedTrip, packages: Sequence[Package], shift: Shift, store: Store, person: Associate
) -> Shown:
    """`packages` are all of the trip's. The last drop-off is worked out from the stops alone, home is not in it."""
    on_the_way_s = sum(stop.leg_s for stop in planned.stops) + store.service_seconds * len(planned.stops)
    starts_at = max(shift.ends_at, timezone.now())
    until = starts_at + timedelta(seconds=store.load_minutes * 60 + on_the_way_s)
    return Shown(
        planned.quote, packages, stops_of(planned, packages), starts_at, until, quoting.drive_home_s(person, store)
    )


def stops_of(planned: quoting.PlannedTrip, packages: Sequence[Package]) -> list[ShownStop]:
    """The stops of a plan with those of `packages` that go there; a stop that none of them goes to is left out."""
    by_id = {package.pk: package for package in packages}
    kept = [
        (stop, [by_id[package_id] for package_id in stop.package_ids if package_id in by_id]) for stop in planned.stops
    ]
    return [ShownStop(number, here, stop.leg_s) for number, (stop, here) in enumerate(kept, 1) if here]


def with_mine(
    person: Associate, shift: Shift, trip: Trip | None, packages: Sequence[Package]
) -> tuple[quoting.PlannedTrip, list[Package]]:
    """The trip that claiming `packages` would make, with those already on `trip`. Raises quoting.DoesNotFit."""
    mine = list(trip.packages.all()) if trip else []
    has = {package.pk for package in mine}
    together = [*mine, *(package for package in packages if package.pk not in has)]
    promise = trip.promise if trip else None
    return quoting.plan_trip(person, shift, together, at_least=promise, now=timezone.now()), together
