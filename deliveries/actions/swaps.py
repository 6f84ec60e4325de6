"""Two colleagues change packages between their trips before anything is loaded: one asks, both say yes, each to a quote of
their own.

Every verb locks whom it is told by, then the question; the verb that carries the swap out locks both associates, by id, then
the question, packages by id, and trips by id. Quotes are made before, because asking for drive times
is slow. Neither is told anything of the other but a first name: no figure of theirs, and not whether they may deliver tonight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Shift, willing
from deliveries import actors, hours, live, notices
from deliveries.models import Claim, Package, Swap, SwapPackage, Trip
from deliveries.quoting import PlannedStop, PlannedTrip
from deliveries.states import TRIP_OPEN, PackageState, TripState

from . import Refused
from .claims import NotEligible, QuoteChanged, check_limits, lay_stops, shift_of, take_quote
from .moves import note

OPEN_FOR = timedelta(minutes=20)


class SwapGone(Refused):
    code = "swap_gone"
    sentence = _("This question is no longer open. Everything stays as it was.")


class LoadingBegan(Refused):
    code = "loading_began"
    sentence = _("Loading has begun, so nothing changes hands any more. What you cannot take goes back to the bay.")


class AlreadyAsked(Refused):
    code = "already_asked"
    sentence = _("You have a question open already. Take it back first, or wait for the answer.")


@dataclass(slots=True)
class _Side:
    """One of the two: their locked trip (None: they have none yet), what changes hands, and their whole trip afterwards
    (None: nothing is left on it)."""

    person: Associate
    trip: Trip | None
    planned: PlannedTrip | None
    gives: Sequence[Package]
    takes: Sequence[Package] = ()

    def check(self, locked: Sequence[Package]) -> None:
        """Whether this side may swap; `locked` has all packages of the trip. Raises what the verbs raise."""
        if self.trip is not None and self.trip.state != TripState.PLANNED:
            raise LoadingBegan
        if any(package.state != PackageState.CLAIMED for package in [*self.gives, *self.takes]):
            raise SwapGone
        trip_id = self.trip.pk if self.trip else None
        if any(package.trip_id != trip_id for package in self.gives):
            raise SwapGone
        if self.planned is not None:
            shift_of(self.planned, self.person)
        going = {package.pk for package in self.gives}
        stays = [package for package in locked if trip_id and package.trip_id == trip_id and package.pk not in going]
        after = [*stays, *self.takes]
        if {package.pk for package in after} != set(self.planned.quote.packages if self.planned else ()):
            raise QuoteChanged
        if self.takes:
            if self.person.state != Associate.State.ACTIVE or not self.person.has_consented():
                raise NotEligible
            check_limits(self.person.limits, after)
            # Who only takes is never paid less than before; the quote was made to hold it, the trip may have changed since.
            if not self.gives and self.trip and self.planned and self.planned.quote.cents < self.trip.pay_cents:
                raise QuoteChanged

    def said_yes(self) -> dict[str, Any]:
        """What a question keeps of the side that has said yes."""
        return {
            "quote": self.planned.quote.to_json() if self.planned else None,
            "stops": [asdict(stop) for stop in self.planned.stops] if self.planned else [],
            "basis": self.trip.quote_digest if self.trip else "",
        }

    def write(self, now: datetime) -> Trip:
        """Write the trip's new promise, or its end where nothing is left on it."""
        if self.trip is None:
            assert self.planned is not None
            shift = Shift.objects.filter(pk=self.planned.shift_id, employee=self.person.employee_id)
            free = shift.exclude(
                trips__state__in=[state for state in TripState if state != TripState.ABANDONED]
            ).first()
            if free is None:
                raise NotEligible
            self.trip = Trip(store_id=self.person.store_id, associate=self.person, shift=free, claimed_at=now)
        if self.planned is None:
            self.trip.state, self.trip.ended_at = TripState.ABANDONED, now
        else:
            take_quote(self.trip, self.planned.quote)
        self.trip.save()
        return self.trip

    @property
    def digest(self) -> str:
        """Of the quote that this side is to have seen."""
        return self.planned.quote.digest if self.planned else ""


@transaction.atomic
def ask(
    *, trip: Trip, packages: Sequence[Package], colleague: Associate, rest: PlannedTrip | None, shown: str, by: Associate,
    now: datetime,
) -> Swap:  # fmt: skip
    """Ask `colleague` to take `packages` off the asker's trip. The same question twice is one.

    Args:
        rest: the asker's trip without them, None when nothing is left on it; what they say yes to.
        shown: digest of the quote of `rest` that was on the screen, "" for none.

    Raises SwapGone (they are not on the trip any more), LoadingBegan, AlreadyAsked, QuoteChanged, NotEligible (no such
    colleague).
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    asked = sorted(package.pk for package in packages)
    over = Q(asker=person) | Q(lines__package__in=asked)
    Swap.objects.filter(over, expires_at__lte=now).delete()
    earlier = Swap.objects.filter(asker=person).first()
    if earlier:
        same = earlier.colleague_id == colleague.pk and [line.package_id for line in earlier.lines.all()] == asked
        if same and earlier.turn == Swap.Turn.COLLEAGUE:
            return earlier
        raise AlreadyAsked
    other = Associate.objects.filter(pk=colleague.pk, store=person.store_id, state=Associate.State.ACTIVE).first()
    if other is None or other.pk == person.pk:
        raise NotEligible
    locked = _packages([trip], asked)
    mine = Trip.objects.select_for_update().get(pk=trip.pk, associate=person)
    side = _Side(person, mine, rest, [package for package in locked if package.pk in asked])
    if not asked or SwapPackage.objects.filter(package__in=asked).exists():
        raise SwapGone
    side.check(locked)
    if side.digest != shown:
        raise QuoteChanged
    swap = Swap.objects.create(
        store_id=person.store_id, asker=person, colleague=other, trip=mine, asked_at=now, expires_at=now + OPEN_FOR,
        **side.said_yes(),
    )  # fmt: skip
    SwapPackage.objects.bulk_create([SwapPackage(swap=swap, package_id=pk, to_colleague=True) for pk in asked])
    # Somebody who rests tonight is not disturbed, and the asker sees no difference.
    if willing(person.store, person.store.evening(now)).filter(pk=other.pk).exists():
        notices.owe_swap(swap, other, now=now)
    _tell(swap)
    return swap


@transaction.atomic
def only_for(
    *, swap: Swap, packages: Sequence[Package], planned: PlannedTrip, shown: str, by: Associate, now: datetime
) -> Swap:
    """The colleague would, if the asker takes `packages` in exchange: then it is the asker's turn to say yes or no.

    `planned` is the colleague's trip with what comes and without what goes. Raises SwapGone, LoadingBegan, QuoteChanged,
    OverLimits, NotEligible.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    current = _awaiting(swap, person, now)
    trip = _open_trip(person)
    back = sorted(package.pk for package in packages)
    if trip is None or not back or current.turn != Swap.Turn.COLLEAGUE:
        raise SwapGone
    coming = [line.package_id for line in current.lines.all()]
    locked = _packages([trip], [*back, *coming])
    mine = Trip.objects.select_for_update().get(pk=trip.pk)
    gives, takes = ([package for package in locked if package.pk in ids] for ids in (back, coming))
    side = _Side(person, mine, planned, gives, takes)
    if len(gives) < len(back) or SwapPackage.objects.filter(package__in=back).exists():
        raise SwapGone
    side.check(locked)
    if side.digest != shown:
        raise QuoteChanged
    current.turn, current.expires_at = Swap.Turn.ASKER, now + OPEN_FOR
    for name, value in side.said_yes().items():
        setattr(current, name, value)
    current.save()
    SwapPackage.objects.bulk_create([SwapPackage(swap=current, package_id=pk, to_colleague=False) for pk in back])
    notices.owe_swap(current, current.asker, now=now)
    _tell(current)
    return current


@transaction.atomic
def accept(*, swap: Swap, planned: PlannedTrip | None, shown: str, by: Associate, now: datetime, key: UUID) -> Trip:
    """Whose turn it is says yes: the packages change trips, and each trip stands at the quote that its owner said yes to.

    `planned` is the trip of whoever says yes now, after the swap. A repeated `key` returns the same trip and changes
    nothing. Raises SwapGone (also where the other's trip is not the one they said yes for any more), LoadingBegan,
    QuoteChanged, OverLimits, NotEligible.
    """
    pair = {swap.asker_id, swap.colleague_id}
    people = {each.pk: each for each in Associate.objects.filter(pk__in=pair).order_by("pk").select_for_update()}
    person = people[by.pk]
    earlier = Claim.objects.filter(key=key, trip__associate=person).select_related("trip").first()
    if earlier:
        return earlier.trip
    current = _awaiting(swap, person, now)
    other = people[next(pk for pk in pair if pk != person.pk)]
    theirs, mine, locked = _sides(current, person, planned, other)
    if (theirs.trip.quote_digest if theirs.trip else "") != current.basis:
        raise SwapGone
    try:
        theirs.check(locked)
    except LoadingBegan:
        raise
    except Refused as no:  # why is not for this one's eyes
        raise SwapGone from no
    mine.check(locked)
    if mine.digest != shown:
        raise QuoteChanged

    current.delete()
    both = (theirs, mine)
    trips = [side.write(now) for side in both]
    for side, trip, came_from in ((theirs, trips[0], trips[1]), (mine, trips[1], trips[0])):
        if side.takes:
            came_from.claims.filter(package__in=side.takes, released_at=None).update(released_at=now)
            Claim.objects.bulk_create([Claim(trip=trip, package=p, key=key, claimed_at=now) for p in side.takes])
            note(side.takes, "swap", by=actors.associate(person.user_id), now=now, trip=trip)
    for side, trip in zip(both, trips, strict=True):
        lay_stops(trip, side.planned.stops if side.planned else ())
    notices.owe_swap_done(trips[0], person, now=now)
    _tell(current)
    return trips[1]


@transaction.atomic
def drop(*, swap: Swap, by: Associate, now: datetime) -> None:
    """Either of the two ends the question: "no", or "never mind". Twice is once, and no row says that it was asked."""
    person = Associate.objects.select_for_update().get(pk=by.pk)
    found = Swap.objects.select_for_update().filter(Q(asker=person) | Q(colleague=person), pk=swap.pk).first()
    if found is not None:
        found.delete()
        _tell(found)


@transaction.atomic
def lapse(*, swap: Swap, now: datetime) -> bool:
    """Nobody answered in time. False when it was no longer open, or has time left."""
    Associate.objects.select_for_update().get(pk=swap.asker_id)
    found = Swap.objects.select_for_update().filter(pk=swap.pk, expires_at__lte=now).first()
    if found is None:
        return False
    found.delete()
    _tell(found)
    return True


def end_questions(*, of: Associate) -> None:
    """The shift of a locked associate has moved: what they asked or were asked was about another evening. Nobody's answer,
    so nobody is told of one; both pages look again."""
    for found in Swap.objects.select_for_update().filter(Q(asker=of) | Q(colleague=of)):
        found.delete()
        _tell(found)


def _awaiting(swap: Swap, person: Associate, now: datetime) -> Swap:
    """The question as it stands, if this locked person's answer is awaited. Raises SwapGone."""
    rows = Swap.objects.select_for_update(of=("self",)).select_related("trip", "asker", "colleague")
    found = rows.filter(pk=swap.pk, expires_at__gt=now).first()
    if found is None or found.awaited_id != person.pk:
        raise SwapGone
    return found


def _sides(
    swap: Swap, person: Associate, planned: PlannedTrip | None, other: Associate
) -> tuple[_Side, _Side, list[Package]]:
    """The side that said yes before, the one that says it now, and all packages of both: everything locked."""
    lines = list(swap.lines.all())
    trips = {swap.asker_id: swap.trip, swap.colleague_id: _open_trip(swap.colleague)}
    locked = _packages([trip for trip in trips.values() if trip], [line.package_id for line in lines])
    rows = {
        row.associate_id: row
        for row in Trip.objects.filter(pk__in=[trip.pk for trip in trips.values() if trip])
        .order_by("pk")
        .select_for_update()
    }
    to_colleague = {line.package_id for line in lines if line.to_colleague}
    to_asker = {line.package_id for line in lines if not line.to_colleague}

    def side(who: Associate, plan: PlannedTrip | None) -> _Side:
        gives, takes = (to_colleague, to_asker) if who.pk == swap.asker_id else (to_asker, to_colleague)
        return _Side(
            who, rows.get(who.pk), plan, [p for p in locked if p.pk in gives], [p for p in locked if p.pk in takes]
        )  # fmt: skip

    promise, trip = swap.promise, rows.get(other.pk)
    stops = tuple(PlannedStop.from_json(stop) for stop in swap.stops)
    frozen = None
    if promise and trip:
        frozen = PlannedTrip(other.pk, trip.shift_id, hours.span_of(trip.shift), stops, promise)
    return side(other, frozen), side(person, planned), locked


def _packages(trips: Sequence[Trip], more: Sequence[int]) -> list[Package]:
    """The packages of these trips and `more` by id, locked."""
    on_them = Package.objects.filter(trip__in=trips).values_list("pk", flat=True)
    return Package.objects.for_update([*on_them, *more])


def _open_trip(person: Associate) -> Trip | None:
    return Trip.objects.filter(associate=person, state__in=TRIP_OPEN).first()


def _tell(swap: Swap) -> None:
    """Both look again once this is committed."""
    for associate_id in (swap.asker_id, swap.colleague_id):
        transaction.on_commit(lambda pk=associate_id: live.nudge_associate(pk), robust=True)  # type: ignore[misc]
