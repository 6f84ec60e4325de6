"""What has happened already when a newcomer looks: two trips on the road, one at the bay, and customers who chose.

All at the first pilot store and through the verbs, at moments of the last hours. `visitors.sights` says where each is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

from django.core.files.base import ContentFile

from associates.models import Associate, Employee, Shift, willing
from deliveries import actors, controls, pins, quoting
from deliveries.actions import Refused, chat, claims, dropoffs, handover, receiving, swaps, transfers, trips, wishes
from deliveries.actors import Actor
from deliveries.models import Package, SafePlace, Swap, Transfer, Trip
from deliveries.states import TRIP_OPEN, PackageState, TripState
from stores.models import StaffMember, Store
from stores.places import Point, distance_m

from . import camera, crew, feed, names, pilot

PLACE = pilot.PILOT[0]
# How the references of the packages end: a line a trip, then what is still in the store.
ON_THE_ROAD = ("PIN", "MEDICINE", "RATED", "MISSING")
GIVING = ("GIVEN", "STAYS")
AT_THE_BAY = ("SWAP", "OTHER")
IN_THE_STORE = ("DAY", "PICKUP", "DOOR")
NAMES = (*ON_THE_ROAD, *GIVING, *AT_THE_BAY, *IN_THE_STORE)
CONTENTS = {
    "PIN": {"item_class": "valuables", "value_usd": "649.00"},
    "MEDICINE": {"item_class": "medicine", "value_usd": "18.40"},
    "STAYS": {"item_class": "food", "value_usd": "42.10"},
}
EARLY, CARRY = 3, 4  # associates with a trip each, their shifts over; packages that one of them carries at least
ENDED_AGO, QUARTER = timedelta(minutes=25), timedelta(minutes=15)


def ended_at(now: datetime) -> datetime:
    """When the early shifts were over: on a quarter of an hour, 25 to 40 minutes ago."""
    latest = now.astimezone(UTC) - ENDED_AGO
    return latest - (latest - datetime.fromtimestamp(0, UTC)) % QUARTER


def early(workers: Sequence[Employee], free_from: Mapping[int, datetime | None], now: datetime) -> list[Employee]:
    """Who of these works early: carries enough, is on no trip, and had no shift since. From the end of the list; nobody where
    there are too few for all the scenes."""
    fit = Employee.objects.filter(
        pk__in=[worker.pk for worker in workers], associate__limits__max_packages__gte=CARRY
    ).exclude(associate__trips__state__in=TRIP_OPEN)
    ids = {worker.pk for worker in fit}
    ended = ended_at(now)
    free = [w for w in reversed(workers) if w.pk in ids and (free_from.get(w.pk) or ended) <= ended]
    return free[:EARLY] if len(free) >= EARLY else []


def package(name: str) -> Package | None:
    """The latest package of this name."""
    found = Package.objects.filter(
        store__number=PLACE.number, reference__startswith="D", reference__endswith=f"-{name}"
    )
    return found.select_related("store").order_by("-pk").first()


def set_up(store: Store, key: str, workers: Sequence[Employee], deliver_by: datetime, now: datetime) -> None:
    """Everything but the question to swap, by those whom `early` named, for the evening of `key`; in the transaction that
    makes the evening."""
    shifts = Shift.objects.filter(store=store, reference__startswith=f"demo-{key}-", employee__in=workers)
    crew_ = [_Early.of(shift, store, now) for shift in shifts.order_by("-employee__reference")]
    if len(crew_) < EARLY:
        return  # they are on a trip still, or worked a moment ago
    driver, giver, loader = crew_
    rng = Random(f"scenes {key}")
    there = _take_in(store, key, deliver_by, rng, now)
    _choose(there, now)
    driver.leave([there[name] for name in ON_THE_ROAD], now)
    giver.leave([there[name] for name in GIVING], now)
    loader.claim([there[name] for name in AT_THE_BAY], now - timedelta(minutes=5))
    _delivered(driver, there, rng, now)
    _given(giver, driver, there["GIVEN"], now)


def ask_to_swap(store: Store, now: datetime) -> Swap | None:
    """The associate at the bay asks a colleague to take a package. A question lasts some minutes; the next call asks again."""
    asked = package("SWAP")
    trip = asked.trip if asked else None
    if asked is None or trip is None or trip.state != TripState.PLANNED:
        return None
    if Swap.objects.filter(trip=trip, expires_at__gt=now).exists():
        return None
    person, stays = trip.associate, list(trip.packages.exclude(pk=asked.pk))
    try:
        rest = quoting.plan_trip(person, trip.shift, stays, relaxed=True, now=now) if stays else None
    except quoting.DoesNotFit:
        return None  # too late in the evening for what they would keep
    shifts = Shift.objects.filter(store=store, ends_at__gt=now, ends_at__lt=now + timedelta(hours=12))
    candidates = willing(store, store.evening(now)).filter(employee__shifts__in=shifts, trips=None)
    for colleague in candidates.distinct().order_by("employee__reference"):
        try:
            quoting.plan_trip(colleague, shifts.filter(employee=colleague.employee_id)[0], [asked], now=now)
        except quoting.DoesNotFit:
            continue
        shown = rest.quote.digest if rest else ""
        return swaps.ask(trip=trip, packages=[asked], colleague=colleague, rest=rest, shown=shown, by=person, now=now)
    return None


def bring_to_an_end(store: Store, now: datetime) -> None:
    """What earlier scenes left in somebody's hands is delivered, before a new evening begins."""
    left = Package.objects.not_ended().filter(store=store, reference__regex=rf"^D[-0-9]+-({'|'.join(NAMES)})$")
    for trip in Trip.objects.filter(state__in=TRIP_OPEN, packages__in=left).distinct().order_by("pk"):
        for open_ in Transfer.objects.filter(trip=trip, done_at=None, withdrawn_at=None):
            transfers.withdraw(transfer=open_, by=trip.associate, now=now)
        try:
            _load_and_leave(trip, now)
            for each in trip.packages.filter(state=PackageState.OUT):
                _deliver(each, trip.associate, Random(each.pk), now)
        except Refused:
            continue  # a visitor has these in hand and went another way with them


@dataclass(frozen=True, slots=True)
class _Early:
    """One whose shift is over, and when they do what, between its end and `now`."""

    person: Associate
    shift: Shift
    ended: datetime
    since: timedelta

    @classmethod
    def of(cls, shift: Shift, store: Store, now: datetime) -> _Early:
        person = Associate.objects.select_related("user", "employee", "limits", "store").get(employee=shift.employee_id)
        return cls(person, shift, shift.ends_at, now - shift.ends_at)

    def at(self, part: float) -> datetime:
        """This part of the way from the end of the shift to now."""
        return self.ended + self.since * part

    def claim(self, packages: Sequence[Package], at: datetime) -> Trip:
        """From the open board, as it is after a shift."""
        planned = quoting.plan_trip(self.person, self.shift, packages, relaxed=True, now=at)
        return claims.claim(planned=planned, shown=planned.quote.digest, by=self.person, now=at, key=uuid4())

    def leave(self, packages: Sequence[Package], now: datetime) -> None:
        _load_and_leave(self.claim(packages, self.at(0.05)), self.at(0.2))


def _bay(store: Store) -> Actor:
    member = StaffMember.objects.get(store=store, role=StaffMember.Role.BAY, user__email=crew.bay_of(store.number))
    return actors.staff(member.user_id)


def _take_in(store: Store, key: str, deliver_by: datetime, rng: Random, now: datetime) -> dict[str, Package]:
    """Small packages for doors near the store, sent and scanned onto the bay two hours ago; by name."""
    came = now - timedelta(hours=2)
    _homes, doors = pilot.around(PLACE)
    near = sorted(doors, key=lambda door: distance_m(door.point, PLACE.point))
    called = names.people(rng, len(NAMES))
    rows = [
        {
            **feed.customer(store, 40 + number, called[number], near[number * 3]), "reference": f"D{key}-{name}",
            "weight_g": 600, "length_mm": 240, "width_mm": 160, "height_mm": 90, "value_usd": "25.00", "carrier_usd": "7.50",
            "item_class": "", "deliver_by": deliver_by.isoformat(), **CONTENTS.get(name, {}),
        }
        for number, name in enumerate(NAMES)
    ]  # fmt: skip
    feed.send_packages(store, rows, now=came)
    sent = Package.objects.filter(store=store, reference__in=[row["reference"] for row in rows])
    receiving.stage(packages=list(sent), by=_bay(store), now=came + timedelta(minutes=10))
    return {each.reference.rsplit("-", 1)[1]: each for each in sent.select_related("store")}


def _choose(there: Mapping[str, Package], now: datetime) -> None:
    """What customers have chosen on their pages while all was in the store."""
    at = now - timedelta(minutes=50)
    wishes.instruct(
        package=there["PIN"], instructions="Through the gate, then the blue door on the right.",
        safe_place=SafePlace.IN_PERSON, gate_code="4711#", now=at,
    )  # fmt: skip
    door = there["DOOR"]
    wishes.instruct(package=door, instructions="", safe_place=SafePlace.SIDE_DOOR, gate_code=None, now=at)
    wishes.move_pin(package=door, point=Point(door.lat + 0.0004, door.lon + 0.0003), now=at)
    day = there["DAY"]
    wishes.another_day(package=day, day=controls.days(day.store, day, at)[0], now=at)
    wishes.pick_up(package=there["PICKUP"], now=at)


def _delivered(driver: _Early, there: Mapping[str, Package], rng: Random, now: datetime) -> None:
    """Two of four are at their doors: one customer is glad, one has not found it. A third writes from behind the gate."""
    _deliver(there["RATED"], driver.person, rng, driver.at(0.5))
    _deliver(there["MISSING"], driver.person, rng, driver.at(0.65))
    wishes.rate(
        package=there["RATED"], stars=5, words="Thank you, right at the door before dinner!", now=driver.at(0.7)
    )
    wishes.not_received(
        package=there["MISSING"], words="There is nothing at the front door.", key=uuid4(), now=driver.at(0.8)
    )
    chat.write(
        package=there["PIN"], words="The gate sticks a little, please push hard.", key=uuid4(), now=driver.at(0.85)
    )


def _given(giver: _Early, taker: _Early, package: Package, now: datetime) -> None:
    """A colleague on the road has agreed to take one over; the giver has still to say that they have it."""
    trip = Trip.objects.get(shift=giver.shift)
    made, _code = transfers.begin(trip=trip, packages=[package], by=giver.person, now=giver.at(0.85))
    base = Trip.objects.select_related("store", "shift").get(shift=taker.shift)
    planned = quoting.extended(base, [package])
    transfers.take(
        transfer=made, planned=planned, base=base, shown=planned.quote.digest, by=taker.person, now=giver.at(0.9)
    )


def _load_and_leave(trip: Trip, now: datetime) -> None:
    bay = _bay(trip.store)
    for each in trip.packages.filter(state=PackageState.CLAIMED):
        handover.load(trip=trip, label=each.label, by=bay, now=now)
    if trip.packages.filter(state=PackageState.LOADED).exists():
        trips.depart(trip=trip, by=trip.associate, now=now + timedelta(seconds=30))


def _deliver(package: Package, by: Associate, rng: Random, now: datetime) -> None:
    dropoffs.deliver(
        package=package, by=by, now=now, key=uuid4(), photo=ContentFile(camera.photo(rng)),
        position=dropoffs.Position(package.point, 9), pin=dropoffs.AtTheDoor(typed=pins.pin_of(package)),
    )  # fmt: skip
