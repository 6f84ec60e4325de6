"""A whole evening through the real verbs, faster than the clock: `manage.py demo --evening`.

Time is the walk's own and is passed to every verb as `now`. It begins now and runs ahead (docs/decisions/0061): the
sweeps of a running Homeward, on the real clock, then see an evening that is still to come and leave it alone. Every
process of the evening - a store's timetable, a person's shift - is a generator that yields the moment it goes on.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db.models import Max

from associates.models import Associate, Shift, willing
from deliveries import actors, matching, pins, quoting
from deliveries.actions import (
    Refused,
    carriers,
    claims,
    dropoffs,
    exceptions,
    handover,
    offers,
    receiving,
    transfers,
    trips,
)
from deliveries.models import Event, Offer, Package, Stop, Transfer, Trip
from deliveries.states import TRIP_OPEN, TRIP_OVER, OfferState, PackageState
from deliveries.views.reasons import why_not
from stores.models import StaffMember, Store
from stores.places import Point, Precision

from . import camera, crew

Process = Iterator[datetime]
Say = Callable[[str], None]

ROUND_SECONDS = 0.5
LASTS_SECONDS = 90  # of wall time, when no speed is given
TICK = timedelta(minutes=5)
LONGEST_AFTER_CUTOFF = timedelta(hours=6)  # whatever is open then is said to be, rather than walked round for ever
# Of a hundred offers: claimed whole, in part, "not tonight"; the rest lapses. Invented, like the chances below, so that
# an evening shows every path; not a forecast.
WHOLE, PART, NOT_TONIGHT = 62, 16, 10
LOOKS_AT_THE_BOARD = 0.7
WAITS_AT_THE_BAY = 0.2
NOBODY_HOME = 0.02  # besides one on the second trip of each store, so that there is one to see
METRES_A_DEGREE = 111_195


class Clock:
    """The walk's time. `speed` is walk seconds a wall second; math.inf never waits."""

    def __init__(self, start: datetime, speed: float) -> None:
        self.now, self.start, self.speed, self._began = start, start, speed, time.monotonic()

    def wait_until(self, moment: datetime) -> None:
        """Time never goes back: a moment that has passed is now."""
        self.now = max(self.now, moment)
        if self.speed != math.inf:
            due = self._began + (self.now - self.start).total_seconds() / self.speed
            time.sleep(max(0.0, due - time.monotonic()))


def minutes(value: float) -> timedelta:
    return timedelta(minutes=value)


def dollars(cents: int) -> str:
    return f"${cents // 100}.{cents % 100:02d}"


class Walk:
    """One evening of some stores, walked to its end."""

    def __init__(self, stores: list[Store], *, now: datetime, speed: float | None, say: Say) -> None:
        self.stores, self.say = stores, say
        last_event = Event.objects.filter(store__in=stores).aggregate(last=Max("at"))["last"]
        # Walked before and stopped: go on where that left off, never behind it.
        start = max(now, last_event) if last_event else now
        end = max((Shift.objects.filter(store__in=stores).aggregate(last=Max("ends_at"))["last"] or start), start)
        if speed is None:
            speed = max(1.0, (end + minutes(60) - start).total_seconds() / LASTS_SECONDS)
        self.clock = Clock(start, speed)
        self._queue: list[tuple[datetime, int, Process]] = []
        self._number = itertools.count()

    def start(self, process: Process) -> None:
        """Begin a process; it runs up to its first yield at once."""
        self._go_on(process)

    def _go_on(self, process: Process) -> None:
        moment = next(process, None)
        if moment is not None:
            heapq.heappush(self._queue, (moment, next(self._number), process))

    def run(self) -> None:
        """Until nothing is left to happen."""
        for store in self.stores:
            StoreEvening(self, store).begin()
        while self._queue:
            moment, _number, process = heapq.heappop(self._queue)
            self.clock.wait_until(moment)
            self._go_on(process)


class StoreEvening:
    """Everything that happens at one store: its timetable, its people, its trips."""

    def __init__(self, walk: Walk, store: Store) -> None:
        self.walk, self.store, self.clock = walk, store, walk.clock
        self.rng = Random(f"walk {store.number} {walk.clock.now:%Y%m%d%H%M}")
        self.evening = store.evening(
            Shift.objects.filter(store=store).aggregate(last=Max("ends_at"))["last"] or walk.clock.now
        )
        self.cutoff = store.cutoff(self.evening)
        staff = dict(StaffMember.objects.filter(store=store).values_list("role", "user_id"))
        self.bay, self.lead = actors.staff(staff[StaffMember.Role.BAY]), actors.staff(staff[StaffMember.Role.LEAD])
        self.answered: set[int] = set()
        self.departed = 0
        self.on_trips: set[int] = set()
        self.not_home = 0

    def say(self, text: str) -> None:
        self.walk.say(f"{self.store.local(self.clock.now):%H:%M}  {self.store.city:<9} {text}")

    # --- The store ----------------------------------------------------------------------------------------------
    def begin(self) -> None:
        agreed = Transfer.objects.filter(giver__store=self.store, taker__isnull=False, done_at=None, withdrawn_at=None)
        for transfer in agreed.select_related("giver", "taker"):
            transfers.confirm(transfer=transfer, by=transfer.giver, now=self.clock.now)
            self.say(f"{transfer.giver.first_name} hands over to a colleague on the road")
        self.walk.start(self._bay_work())
        self.walk.start(self._timetable())
        shifts = Shift.objects.filter(store=self.store, ends_at__gt=self.clock.now - matching.BOARD_STAYS_OPEN)
        people = Associate.objects.filter(store=self.store, user__email__endswith=f"@{crew.DOMAIN}")
        by_employee = {person.employee_id: person for person in people}
        for shift in shifts:
            if shift.employee_id in by_employee:
                self.walk.start(self._after_shift(by_employee[shift.employee_id], shift))

    def _bay_work(self) -> Process:
        """What is not on the bay yet is scanned; the lead looks at one weak pin on the map and confirms it."""
        yield self.clock.now + minutes(6)
        late = list(Package.objects.filter(store=self.store, state=PackageState.RECEIVED))
        if late:
            receiving.stage(packages=late, by=self.bay, now=self.clock.now)
            self.say(f"bay: {_count(len(late), 'package')} scanned onto the bay")
        weak = Package.objects.filter(store=self.store, state=PackageState.STAGED, precision=Precision.ZIP).first()
        if weak:
            door = Point(weak.lat + 0.002, weak.lon + 0.001)
            receiving.confirm_pin(package=weak, point=door, by=self.lead, now=self.clock.now)
            self.say(f"lead: pin of {weak.label} looked at and confirmed")

    def _timetable(self) -> Process:
        """Rounds, lapsed offers, cut-off, settlement: what the sweeps do, on the walk's clock."""
        while True:
            now = self.clock.now
            for offer in matching.expired_offers(self.store, now):
                if offers.lapse(offer=offer, now=now):
                    self.say(
                        f"an offer's time passed: {_count(offer.lines.count(), 'package')} back for the next round"
                    )
            round_ = matching.run_round(store=self.store, now=now, seconds=ROUND_SECONDS)
            if round_ and round_.offers_sent:
                self.say(f"round: {round_.packages} packages, {_count(round_.offers_sent, 'offer')} sent")
            for offer in Offer.objects.filter(store=self.store, state=OfferState.SENT).select_related(
                "associate__user"
            ):
                if offer.pk not in self.answered and offer.associate.user.email.endswith(f"@{crew.DOMAIN}"):
                    self.answered.add(offer.pk)
                    self.walk.start(self._answer(offer))
            left = matching.leftovers(self.store, now)
            if left:
                reason = "not claimed in time" if now >= self.cutoff else "would miss its promise"
                if carriers.tender(
                    store=self.store, packages=left, by=actors.system("cut-off"), now=now, reason=reason
                ):
                    self.say(f"carrier: {_count(len(left), 'package')}, {reason}")
            over = Trip.objects.filter(store=self.store, settled_at=None, ended_at__lte=now - trips.UNDO - minutes(0.1))
            for trip in over.filter(state__in=TRIP_OVER):
                trip = trips.settle(trip=trip, now=now)
                if trip.paid_cents is not None:
                    more = trip.paid_cents - trip.pay_cents
                    self.say(f"settled: {dollars(trip.paid_cents)}, {dollars(more)} above the quote")
            if (now > self.cutoff and not self._unfinished()) or now > self.cutoff + LONGEST_AFTER_CUTOFF:
                return
            yield now + TICK

    def _unfinished(self) -> bool:
        unsettled = Trip.objects.filter(settled_at=None, pk__in=self.on_trips).exists()
        return self.not_home > 0 or unsettled or bool(matching.leftovers(self.store, self.clock.now))

    # --- A person -----------------------------------------------------------------------------------------------
    def _answer(self, offer: Offer) -> Process:
        """Somebody looks at their offer after a while, and decides."""
        person, choice = offer.associate, self.rng.randrange(100)
        open_for = (offer.expires_at - self.clock.now).total_seconds() / 60
        yield self.clock.now + minutes(min(self.rng.uniform(2, 25), max(0.5, open_for - 1)))
        now = self.clock.now
        try:
            if choice < WHOLE:
                self._claim(person, claims.planned_from(offer), offer)
            elif choice < WHOLE + PART:
                packages = [line.package for line in offer.lines.select_related("package")]
                some = packages[: max(1, len(packages) // 2)]
                shift = Shift.objects.select_related("store").get(pk=offer.shift_id)
                self._claim(person, quoting.plan_trip(person, shift, some), offer)
            elif choice < WHOLE + PART + NOT_TONIGHT:
                offers.not_tonight(offer=offer, by=person, now=now)
                self.say(f"somebody rests tonight: {_count(offer.lines.count(), 'package')} back for the next round")
        except Refused as no:
            self.say(f"{person.first_name}: {no}")
        except quoting.DoesNotFit as no:
            self.say(f"{person.first_name} wants a part of the offer and is told: {why_not(no.reason)}")

    def _claim(self, person: Associate, planned: quoting.PlannedTrip, offer: Offer | None) -> None:
        trip = claims.claim(
            planned=planned, shown=planned.quote.digest, by=person, now=self.clock.now, key=uuid4(), offer=offer
        )
        where = "" if offer else " from the open board"
        self.say(
            f"{person.first_name} claims {_count(len(planned.quote.packages), 'package')}{where}: {dollars(trip.pay_cents)}"
        )

    def _after_shift(self, person: Associate, shift: Shift) -> Process:
        """Shift over: with a trip, to the bay; without one, perhaps a look at the open board first. Then home."""
        self.not_home += 1
        if shift.ends_at > self.clock.now:
            yield shift.ends_at
        if self._trip(shift) is None and self.rng.random() < LOOKS_AT_THE_BOARD:
            yield self.clock.now + minutes(self.rng.uniform(1, 6))
            if willing(self.store, self.evening).filter(pk=person.pk).exists():
                self._look_at_the_board(person)
        trip = self._trip(shift)
        if trip is not None:
            self.on_trips.add(trip.pk)
            yield from self._load(person, trip)
            yield from self._drive(person, trip)
        self.not_home -= 1

    def _trip(self, shift: Shift) -> Trip | None:
        return Trip.objects.filter(shift=shift, state__in=TRIP_OPEN).first()

    def _look_at_the_board(self, person: Associate) -> None:
        """Takes the nearest to their way, and adds what still fits, three at most."""
        try:
            for _turn in range(3):
                left = matching.board(person, self.clock.now, most=1)
                if not left or (_turn and self.rng.random() < 0.4):
                    return
                self._claim(person, left[0][1], None)
        except Refused as no:
            self.say(f"{person.first_name}: {no}")

    # --- A trip -------------------------------------------------------------------------------------------------
    def _load(self, person: Associate, trip: Trip) -> Process:
        waits = self.rng.uniform(8, 20) if self.rng.random() < WAITS_AT_THE_BAY else 0
        yield self.clock.now + minutes(self.rng.uniform(0.5, 2) + waits)
        for package in trip.packages.filter(state=PackageState.CLAIMED):
            handover.load(trip=trip, label=package.label, by=self.bay, now=self.clock.now)
            yield self.clock.now + minutes(self.rng.uniform(0.3, 0.9))
        if trip.packages.filter(state=PackageState.LOADED).exists():
            trips.depart(trip=trip, by=person, now=self.clock.now)
            self.departed += 1
            waited = f" after {waits:.0f} minutes' wait, paid" if waits else ""
            self.say(f"{person.first_name} leaves with {_count(trip.packages.count(), 'package')}{waited}")

    def _drive(self, person: Associate, trip: Trip) -> Process:
        traffic = self.rng.uniform(0.85, 1.25)
        one_fails = self.departed == 2
        for package in trip.packages.filter(state=PackageState.ATTEMPTED):  # where an earlier walk was stopped
            exceptions.bring_back(package=package, by=person, now=self.clock.now)
        to_do = trip.claims.filter(released_at=None, package__state=PackageState.OUT)
        stops = list(trip.stops.filter(claims__in=to_do).distinct())
        here = self.store.lat, self.store.lon
        for stop in stops:
            if stop.arrived_at is None:
                yield self.clock.now + timedelta(seconds=stop.leg_s * traffic)
                trips.arrive(stop=stop, by=person, now=self.clock.now)
            here = stop.lat, stop.lon
            fails = (one_fails and stop == stops[-1]) or self.rng.random() < NOBODY_HOME
            yield from self._at_the_door(person, stop, fails)
        if trip.packages.filter(state=PackageState.RETURNING).exists():
            back = quoting.travel_times(self.store).way([here, (self.store.lat, self.store.lon)])
            yield self.clock.now + timedelta(seconds=back.seconds[0] * traffic)
            for package in trip.packages.filter(state=PackageState.RETURNING):
                exceptions.receive_return(package=package, by=self.bay, now=self.clock.now)
                self.say(f"bay: {package.label} is back in the store")

    def _at_the_door(self, person: Associate, stop: Stop, fails: bool) -> Process:
        for claim in stop.claims.filter(released_at=None).select_related("package"):
            package = claim.package
            package.refresh_from_db()
            if package.state != PackageState.OUT:
                continue
            yield self.clock.now + minutes(self.rng.uniform(0.6, 2))
            if fails:
                exceptions.attempt(package=package, reason="nobody_home", by=person, now=self.clock.now, key=uuid4())
                self.say(f"{person.first_name}: nobody home for {package.label}")
                yield self.clock.now + minutes(1)
                exceptions.bring_back(package=package, by=person, now=self.clock.now)
            else:
                dropoffs.deliver(
                    package=package, by=person, now=self.clock.now, key=uuid4(), photo=ContentFile(camera.photo(self.rng)),
                    position=dropoffs.Position(self._near(package.point), self.rng.randint(4, 18)),
                    pin=dropoffs.AtTheDoor(typed=pins.pin_of(package)),
                )  # fmt: skip
                self.say(f"{person.first_name} delivers {package.label}")

    def _near(self, pin: Point) -> Point:
        """Where a phone says it is when it stands at the door: within some metres."""
        north, east = self.rng.gauss(0, 8), self.rng.gauss(0, 8)
        return Point(
            pin.lat + north / METRES_A_DEGREE,
            pin.lon + east / (METRES_A_DEGREE * math.cos(math.radians(pin.lat))),
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
