"""From rows to the planner's problem, and from a planned route to a quote.

With `matching.py` the only place that opens home cells. What leaves here names packages, stops, minutes and money; never
a home, nor the last leg.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from associates import home
from associates.models import Associate, Limits, Shift
from deliveries import drives, fatigue, hours, pay, planner
from deliveries.conflicts import blocked
from deliveries.hours import Hours
from deliveries.models import Package, Trip
from deliveries.planner.problem import IntMatrix
from deliveries.travel import PowerLaw, TravelTimes
from stores import wages
from stores.models import PayPlan, Store
from stores.places import Point, distance_m

# For a re-quote every wished package must be in the plan, so leaving one out is made to look very expensive.
MUST_GO_CENTS = 1_000_000
REQUOTE_SECONDS = 0.5
# Fair rotation: what an associate's first trips in two weeks are worth more to the plan, in cents, by trips so far.
# Counts trips that were made, never offers that were not taken; it is part of the objective and is paid to nobody.
ROTATION_CENTS = (100, 60, 30)
ROTATION_OVER = timedelta(days=14)
QUOTE_STEP = timedelta(minutes=5)
# A way home that is paid or shown comes in steps, rounded up: exact seconds and metres from a known door would tell the
# home.
LAST_LEG_S, LAST_LEG_M = 300, 1610


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """One door on the way. `leg_s`, `leg_m`: from the stop before, or the store; `estimated` when no road map was asked.
    `package_ids` in no special order."""

    package_ids: tuple[int, ...]
    lat: float
    lon: float
    leg_s: int
    leg_m: int
    estimated: bool = True

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PlannedStop:
        estimated = data.get("estimated", True)
        return cls(tuple(data["package_ids"]), data["lat"], data["lon"], data["leg_s"], data["leg_m"], estimated)


@dataclass(frozen=True, slots=True)
class PlannedTrip:
    """What can be shown to the associate and frozen: stops in order and the quote. `day` is what it was planned from: where
    the retailer's shifts are no longer so, it holds no more (`Span.allows`)."""

    associate_id: int
    shift_id: int
    day: fatigue.Span
    stops: tuple[PlannedStop, ...]
    quote: pay.Quote


class DoesNotFit(Exception):
    """These packages do not fit this associate tonight. `reason` is the planner's code for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def travel_times(store: Store) -> TravelTimes:
    """Where this store's drive times come from. May ask a server: never inside a transaction."""
    return drives.between(store)


def rates(plan: PayPlan, day: date) -> pay.Rates:
    """The rule for the evening of `day`: the plan, the minimum wage, and what a mile costs.

    An evening may run past midnight, so the minimum is tomorrow's, should it rise. Where the law has overtaken an old
    plan the law's rate is paid, and the version says so.
    """
    minimum = wages.minimum_cents(plan.store.state, day + timedelta(days=1))
    below = plan.hourly_cents < minimum
    return pay.Rates(
        version=f"{plan.version}+min{minimum}" if below else plan.version,
        hourly_cents=max(plan.hourly_cents, minimum),
        per_package_cents=plan.per_package_cents,
        mileage_tenth_cents=plan.mileage_tenth_cents,
        last_leg_paid=plan.last_leg_paid,
        minimum_cents=minimum,
        car_tenth_cents=wages.car_tenth_cents(day),
    )


@dataclass(frozen=True, slots=True)
class Evening:
    """One store's planning problem and what its ids stand for."""

    store: Store
    day: date
    midnight: datetime
    rates: pay.Rates
    problem: planner.Problem
    shifts: dict[str, Shift]
    people: dict[str, Associate]
    packages: dict[str, Package]
    hours: Mapping[int, Hours]
    metres: IntMatrix
    estimated: bool  # the drives

    def second(self, moment: datetime) -> int:
        return int((moment - self.midnight).total_seconds())


def evening_of(
    store: Store,
    day: date,
    shifts: Sequence[tuple[Associate, Shift]],
    packages: Sequence[Package],
    *,
    must_go: bool = False,
    relaxed: bool = False,
    worked: Mapping[int, Hours] | None = None,
    now: datetime | None = None,
    imagined: Mapping[int, Point] | None = None,
) -> Evening:
    """The planner's problem for `packages` and these associates on `day`.

    Associates without a home cell are left out. Seconds count from the day's local midnight in elapsed time, so a
    clock change in between moves nothing. `must_go` prices every package so that leaving it out never pays;
    `relaxed` keeps what somebody may carry but lifts how long they want to be (for showing what a trip would cost).
    `worked` is `hours.before_trips` of these associates where the caller has read it already. Nobody leaves before
    `now`: after the end of a shift arrivals count from there, and the time since is in the quote like all waiting.
    `imagined`: coarse cells of people who have not signed up (the simulator); then nothing is read about them.
    Raises PayPlan.DoesNotExist.
    """
    plan = PayPlan.on(store, day)
    rule = rates(plan, day)
    worked = hours.before_trips(store, shifts) if worked is None else worked
    midnight = datetime.combine(day, time(0), store.zone).astimezone(UTC)
    cells = home.reveal([associate for associate, _ in shifts]) if imagined is None else imagined
    shifts = [(associate, shift) for associate, shift in shifts if associate.pk in cells]
    points = [(store.lat, store.lon)]
    points += [(package.lat, package.lon) for package in packages]
    points += [(cells[associate.pk].lat, cells[associate.pk].lon) for associate, _ in shifts]
    people = [associate for associate, _ in shifts]
    never = blocked(people, cells, packages) if imagined is None else {person.pk: frozenset() for person in people}
    turns = _turns(people, midnight) if imagined is None else Counter()
    found = travel_times(store).drives(points)
    rows = 1 + len(packages)

    def second(moment: datetime) -> int:
        return int((moment - midnight).total_seconds())

    problem = planner.Problem(
        params=planner.Params(
            service_s=store.service_seconds,
            load_s=store.load_minutes * 60,
            base_pay_cents=plan.per_package_cents,
            pay_cents_per_detour_minute=-(-rule.hourly_cents // 60),
        ),
        packages=tuple(
            planner.Package(
                id=str(package.pk),
                weight_g=package.weight_g,
                volume_ml=package.volume_ml,
                size_class=package.size_class,
                due_s=max(0, second(package.deliver_by)),
                saved_cents=MUST_GO_CENTS if must_go else package.carrier_cents,
                associate_ok=package.associate_ok,
                together="|".join(package.door),
            )
            for package in packages
        ),
        associates=tuple(
            _person(
                associate.limits,
                str(associate.pk),
                second(max(shift.ends_at, floor(now)) if now else shift.ends_at),
                store,
                relaxed,
                None if relaxed else max(0, second(_home_by(store, day, associate, shift, worked[associate.pk]))),
                never[associate.pk],
                ROTATION_CENTS[turns[associate.pk]] if turns[associate.pk] < 3 else 0,
            )
            for associate, shift in shifts
        ),
        time_s=found.seconds[:rows, :],
        name=f"{store.number} {day}",
    )
    return Evening(
        store=store,
        day=day,
        midnight=midnight,
        rates=rule,
        problem=problem,
        shifts={str(associate.pk): shift for associate, shift in shifts},
        people={str(associate.pk): associate for associate, _ in shifts},
        packages={str(package.pk): package for package in packages},
        hours=worked,
        metres=found.metres,
        estimated=found.estimated,
    )


def floor(moment: datetime) -> datetime:
    """`moment` on the last step of QUOTE_STEP, so that a quote stands still while it is read."""
    return datetime.fromtimestamp(moment.timestamp() // QUOTE_STEP.total_seconds() * QUOTE_STEP.total_seconds(), UTC)


def keeps_floor(limits: Limits, quote: pay.Quote) -> bool:
    """Whether `quote` pays at least what this associate asks for an extra hour. The planner's own check knows less."""
    hourly = quote.cents_per_extra_hour
    return not limits.floor_cents_per_hour or hourly is None or hourly >= limits.floor_cents_per_hour


def _turns(people: Sequence[Associate], midnight: datetime) -> Counter[int]:
    """How many trips each of them made in the two weeks before `midnight`."""
    made = Trip.objects.filter(associate__in=people, started_at__gte=midnight - ROTATION_OVER, started_at__lt=midnight)
    return Counter(made.values_list("associate_id", flat=True))


def _home_by(store: Store, day: date, associate: Associate, shift: Shift, worked: Hours) -> datetime:
    """The latest this associate may or wants to be home tonight."""
    at = associate.limits.home_by
    return fatigue.home_by(
        shift_start=shift.starts_at,
        next_start=worked.next_start,
        longest_day=timedelta(hours=store.longest_day_hours),
        rest=timedelta(minutes=store.rest_minutes),
        wish=None if at is None else fatigue.wished(day, at, store.zone),
    )


def _person(
    limits: Limits,
    key: str,
    shift_end_s: int,
    store: Store,
    relaxed: bool,
    home_by_s: int | None,
    never: frozenset[int],
    bonus_cents: int,
) -> planner.Associate:
    # "At most 15 minutes longer" is what the associate feels, so loading is in it; the planner's detour is driving.
    extra_s = limits.max_extra_minutes * 60 * (10 if relaxed else 1) - store.load_minutes * 60
    return planner.Associate(
        id=key,
        shift_end_s=shift_end_s,
        max_packages=limits.max_packages,
        max_package_weight_g=limits.max_package_weight_g,
        max_total_weight_g=limits.max_total_weight_g,
        max_volume_ml=limits.trunk_ml,
        max_size_class=limits.max_size_class,
        max_detour_s=max(0, extra_s),
        home_by_s=home_by_s,
        floor_cents_per_hour=None if relaxed else limits.floor_cents_per_hour or None,
        bonus_cents=bonus_cents,
        blocked=frozenset(map(str, never)),
    )


def trips_of(evening: Evening, routes: dict[str, list[str]]) -> list[PlannedTrip]:
    """Every route of a valid plan as stops and a quote. Raises ValueError when `routes` break a rule."""
    checked = planner.evaluate(evening.problem, routes)
    if not checked.feasible:
        raise ValueError(f"The plan breaks {checked.violations[0].code}: {checked.violations[0].detail}")
    return [_trip(evening, key, route, checked.trips[key]) for key, route in routes.items()]


def _trip(evening: Evening, key: str, route: list[str], trip: planner.Trip) -> PlannedTrip:
    order = list(evening.packages)
    people = list(evening.people)
    index = {package_id: row for row, package_id in enumerate(order, 1)}
    home_column = 1 + len(order) + people.index(key)
    store, shift = evening.store, evening.shifts[key]
    at, stops, seen = 0, list[PlannedStop](), dict[tuple[str, str, str], int]()
    for package_id in route:
        package = evening.packages[package_id]
        if package.door in seen:  # same door: same stop, no second leg
            where = seen[package.door]
            stop = stops[where]
            stops[where] = replace(stop, package_ids=(*stop.package_ids, package.pk))
            continue
        row = index[package_id]
        seen[package.door] = len(stops)
        stops.append(
            PlannedStop(
                (package.pk,),
                package.lat,
                package.lon,
                int(evening.problem.time_s[at, row]),
                int(evening.metres[at, row]),
                evening.estimated,
            )
        )
        at = row
    to_last_s = trip.home_s - int(evening.problem.time_s[at, home_column]) - evening.second(shift.ends_at)
    driven_m = sum(stop.leg_m for stop in stops)
    last_leg_m = int(evening.metres[at, home_column])
    solo_m = int(evening.metres[0, home_column])
    paid_leg_s = paid_leg_m = 0
    if evening.rates.last_leg_paid:
        paid_leg_s = _in_steps(int(evening.problem.time_s[at, home_column]), LAST_LEG_S)
        paid_leg_m = _in_steps(last_leg_m, LAST_LEG_M)
    quote = pay.quote(
        evening.rates,
        [package_id for stop in stops for package_id in stop.package_ids],
        paid_s=to_last_s + paid_leg_s,
        paid_m=driven_m + paid_leg_m,
        extra_s=trip.detour_s + store.load_minutes * 60,
        extra_m=max(0, driven_m + last_leg_m - solo_m),
        last_leg_s=paid_leg_s,
        last_leg_m=paid_leg_m,
        week=evening.hours[evening.people[key].pk].week,
    )
    person = evening.people[key].pk
    day = fatigue.Span(shift.starts_at, shift.ends_at, evening.hours[person].next_start)
    return PlannedTrip(person, shift.pk, day, tuple(stops), quote)


def _in_steps(amount: int, step: int) -> int:
    """`amount` rounded up to a whole number of steps."""
    return -(-amount // step) * step


def extended(trip: Trip, packages: Sequence[Package]) -> PlannedTrip:
    """What a trip under way pays with these packages on top, and the stops that they add behind its own.

    Nearest door next, from the trip's last stop. Their legs and the service at each door are paid in full, though some
    of the way may lie on the way home: whoever helps a colleague is not to be short. No line falls below the old quote.
    Raises DoesNotFit("no_path").
    """
    store, old = trip.store, trip.promise
    doors: dict[tuple[str, str, str], list[Package]] = {}
    for package in packages:
        doors.setdefault(package.door, []).append(package)
    last = trip.stops.last()
    at = last.point if last else Point(store.lat, store.lon)
    left, rows, points = list(doors.values()), [], [at]
    while left:
        nearest = min(left, key=lambda row: distance_m(points[-1], row[0].point))
        left.remove(nearest)
        rows.append(nearest)
        points.append(nearest[0].point)
    way = travel_times(store).way([(point.lat, point.lon) for point in points])
    stops = tuple(
        PlannedStop(
            tuple(package.pk for package in row), row[0].lat, row[0].lon, leg_s=seconds, leg_m=metres,
            estimated=way.estimated,
        )
        for row, seconds, metres in zip(rows, way.seconds, way.metres, strict=True)
    )  # fmt: skip
    if any(stop.leg_s < 0 for stop in stops):
        raise DoesNotFit("no_path")
    more_s = sum(stop.leg_s for stop in stops) + store.service_seconds * len(stops)
    more_m = sum(stop.leg_m for stop in stops)
    quantity = {line.kind: line.quantity for line in old.lines}
    day = store.evening(trip.shift.ends_at)
    quote = pay.quote(
        rates(PayPlan.on(store, day), day),
        packages=tuple(dict.fromkeys((*old.packages, *(package.pk for package in packages)))),
        paid_s=quantity.get("time", 0) + more_s, paid_m=quantity.get("mileage", 0) + more_m,
        extra_s=old.extra_s + more_s, extra_m=old.extra_m + more_m, last_leg_s=old.last_leg_s,
        last_leg_m=old.last_leg_m, week=old.week,
    )  # fmt: skip
    return PlannedTrip(trip.associate_id, trip.shift_id, hours.span_of(trip.shift), stops, pay.raised(quote, old))


def near_home(associate: Associate, point: Point, metres: float) -> bool:
    """Whether `point` is within `metres` of the associate's home cell: nothing of theirs is told of from there."""
    cells = home.reveal([associate])
    return associate.pk in cells and distance_m(cells[associate.pk], point) < metres


def least_out_of_the_way(associate: Associate, packages: Sequence[Package]) -> list[Package]:
    """`packages` by how far their straight line store, door, home is; as they came where no home area is known. An order in
    which to try them, never shown: it would tell where somebody lives."""
    cell = home.reveal([associate]).get(associate.pk)
    if cell is None:
        return list(packages)
    store, there = Point(associate.store.lat, associate.store.lon), Point(cell.lat, cell.lon)
    return sorted(packages, key=lambda each: distance_m(store, each.point) + distance_m(each.point, there))


def home_by(associate: Associate, shift: Shift) -> datetime:
    """The latest this associate may or wants to be home after `shift`."""
    store = shift.store
    worked = hours.before_trips(store, [(associate, shift)])[associate.pk]
    return _home_by(store, store.evening(shift.ends_at), associate, shift, worked)


def way_home_s(associate: Associate, points: Sequence[Point]) -> list[int] | None:
    """Estimated seconds from each of `points` home; None where no home area is known. Asks no server, so it may be
    called inside a transaction; for a decision, never shown or kept."""
    cell = home.reveal([associate]).get(associate.pk)
    if cell is None:
        return None
    ends = [*points, Point(cell.lat, cell.lon)]
    return [int(row[-1]) for row in PowerLaw().drives([(end.lat, end.lon) for end in ends]).seconds[:-1]]


def drive_home_s(associate: Associate, store: Store) -> int | None:
    """Seconds of the drive straight home, for the associate alone, rounded up to whole steps of five minutes.

    None where no home area or no road is known. The step is the one in which a way home is paid, so that one's own page
    says no more than one's pay does.
    """
    cell = home.reveal([associate]).get(associate.pk)
    if cell is None:
        return None
    seconds, _metres = travel_times(store).matrix([(store.lat, store.lon), (cell.lat, cell.lon)])
    return _in_steps(int(seconds[0, 1]), LAST_LEG_S) if seconds[0, 1] >= 0 else None


def plan_trip(
    associate: Associate,
    shift: Shift,
    packages: Sequence[Package],
    *,
    at_least: pay.Quote | None = None,
    relaxed: bool = False,
    worked: Mapping[int, Hours] | None = None,
    now: datetime | None = None,
) -> PlannedTrip:
    """The best trip for just these packages: what a part of an offer, or a choice from the board, would pay.

    `at_least` is the promise of a trip that these packages extend; no line of the new quote falls below it. `worked`
    is `hours.before_trips` of this associate, where the caller asks for many trips and reads it once. `now` matters
    after the shift: the trip leaves then, not at its end.
    Raises DoesNotFit when they do not all fit the associate's limits or the promises.
    """
    store = shift.store
    evening = evening_of(
        store,
        store.evening(shift.ends_at),
        [(associate, shift)],
        packages,
        must_go=True,
        relaxed=relaxed,
        worked=worked,
        now=now,
    )
    if not evening.people:
        raise DoesNotFit("no_home_area")
    plan = planner.solve(evening.problem, stop=planner.Stop.after(REQUOTE_SECONDS), seed=0)
    if sum(map(len, plan.routes.values())) < len(packages):
        reasons = list(plan.reasons.packages.values())
        raise DoesNotFit(str(reasons[0]) if reasons else "trips_full")
    [trip] = trips_of(evening, plan.routes)
    if not relaxed and not keeps_floor(associate.limits, trip.quote):
        raise DoesNotFit("below_floor")
    return replace(trip, quote=pay.raised(trip.quote, at_least)) if at_least else trip
