"""Check a plan against every rule and work out its figures, from the problem itself and sharing nothing with the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliveries.planner.problem import TICKS_PER_CENT, Associate, Package, Problem


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule. ``code``: which one; ``associate``, ``package``: where; ``detail``: for people."""

    code: str
    associate: str
    package: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Trip:
    """One associate's trip. All times are seconds of the store's day.

    ``arrivals_s``: one per package in the order of the route (packages of one stop share it). ``detour_s``: against driving
    straight home, service included. ``drive_s``: all legs. ``ticks``: its share of the objective, 1/60 cents.
    """

    depart_s: int
    arrivals_s: tuple[int, ...]
    home_s: int
    drive_s: int
    detour_s: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a plan is worth. ``objective_ticks`` and ``detour_s`` mean something only without ``violations``."""

    objective_ticks: int
    detour_s: int
    trips: dict[str, Trip]
    violations: tuple[Violation, ...]

    @property
    def feasible(self) -> bool:
        """Whether no rule is broken."""
        return not self.violations


def evaluate(problem: Problem, routes: Mapping[str, Sequence[str]]) -> Evaluation:
    """Check ``routes`` (associate id to package ids in the order of the visits) and recompute objective, detours and arrivals."""
    packages = {p.id: (k, p) for k, p in enumerate(problem.packages)}
    associates = {a.id: (k, a) for k, a in enumerate(problem.associates)}
    violations: list[Violation] = []
    trips: dict[str, Trip] = {}
    taken: set[str] = set()
    for name, route in routes.items():
        if name not in associates:
            violations.append(Violation("unknown_associate", name, None, f"no associate {name!r} in the problem"))
            continue
        if not route:
            violations.append(Violation("empty_route", name, None, "a trip without packages"))
            continue
        known = [packages[p] for p in route if p in packages]
        violations += [Violation("unknown_package", name, p, f"no package {p!r}") for p in route if p not in packages]
        for _, package in known:
            if package.id in taken:
                violations.append(Violation("package_twice", name, package.id, "in the plan already"))
            taken.add(package.id)
        index, associate = associates[name]
        violations += _limits(associate, [package for _, package in known])
        trips[name] = _drive(problem, index, associate, known, violations)
    violations += _apart(problem, routes)
    return Evaluation(
        objective_ticks=sum(trip.ticks for trip in trips.values()),
        detour_s=sum(trip.detour_s for trip in trips.values()),
        trips=trips,
        violations=tuple(violations),
    )


def _limits(associate: Associate, carried: list[Package]) -> list[Violation]:
    found = []
    for p in carried:
        if not p.associate_ok:
            found.append(Violation("not_for_associates", associate.id, p.id, "only a carrier may take it"))
        if p.id in associate.blocked:
            found.append(Violation("blocked", associate.id, p.id, "blocked pair"))
        if p.weight_g > associate.max_package_weight_g:
            found.append(
                Violation("too_heavy", associate.id, p.id, f"{p.weight_g} g > {associate.max_package_weight_g} g")
            )
        if p.size_class > associate.max_size_class:
            found.append(
                Violation("too_large", associate.id, p.id, f"size {p.size_class} > {associate.max_size_class}")
            )
    for code, total, most in (
        ("too_many", len(carried), associate.max_packages),
        ("total_weight", sum(p.weight_g for p in carried), associate.max_total_weight_g),
        ("volume", sum(p.volume_ml for p in carried), associate.max_volume_ml),
    ):
        if total > most:
            found.append(Violation(code, associate.id, None, f"{total} > {most}"))
    return found


def _drive(
    problem: Problem, index: int, associate: Associate, carried: list[tuple[int, Package]], violations: list[Violation]
) -> Trip:
    """Follow the trip leg by leg; appends what it breaks to ``violations``."""
    params, time = problem.params, problem.time_s
    home = 1 + len(problem.packages) + index
    first_of: dict[str, int] = {}
    for k, p in enumerate(problem.packages):
        if p.together is not None:
            first_of.setdefault(p.together, k)

    def leg(start: int, end: int, package: Package | None) -> int:
        seconds = int(time[start, end])
        if seconds < 0:
            violations.append(
                Violation("no_path", associate.id, package.id if package else None, f"no way {start} to {end}")
            )
        return max(seconds, 0)

    depart = associate.shift_end_s + params.load_s
    at, clock, drive, stops, arrivals = 0, depart, 0, 0, []
    last: Package | None = None
    for k, package in carried:
        if not (last is not None and last.together is not None and package.together == last.together):
            place = 1 + (k if package.together is None else first_of[package.together])
            if time[place, home] < 0:
                violations.append(Violation("no_path", associate.id, package.id, "no way home from there"))
            clock += params.service_s if stops else 0
            seconds = leg(at, place, package)
            drive, clock, stops, at = drive + seconds, clock + seconds, stops + 1, place
        if clock > package.due_s:
            violations.append(Violation("past_due", associate.id, package.id, f"arrives {clock} > due {package.due_s}"))
        arrivals.append(clock)
        last = package
    drive += leg(at, home, None)
    detour = drive - leg(0, home, None) + params.service_s * stops
    arrives_home = depart + drive + params.service_s * stops
    if detour > associate.max_detour_s:
        violations.append(Violation("detour", associate.id, None, f"{detour} s > {associate.max_detour_s} s"))
    if associate.home_by_s is not None and arrives_home > associate.home_by_s:
        violations.append(
            Violation("home_too_late", associate.id, None, f"home {arrives_home} > {associate.home_by_s}")
        )
    extra = max(0, params.load_s + detour)
    pay = TICKS_PER_CENT * params.base_pay_cents * len(carried) + params.pay_cents_per_detour_minute * extra
    if associate.floor_cents_per_hour is not None and TICKS_PER_CENT * pay < associate.floor_cents_per_hour * extra:
        violations.append(
            Violation("below_floor", associate.id, None, f"{pay / TICKS_PER_CENT:.0f} cents for {extra} s extra")
        )
    saved = sum(p.saved_cents - params.base_pay_cents for _, p in carried) + (associate.bonus_cents if carried else 0)
    ticks = TICKS_PER_CENT * saved - params.pay_cents_per_detour_minute * detour
    return Trip(depart, tuple(arrivals), arrives_home, drive, detour, ticks)


def _apart(problem: Problem, routes: Mapping[str, Sequence[str]]) -> list[Violation]:
    """Packages that must go together but do not, or not in one stop."""
    groups: dict[str, list[str]] = {}
    for p in problem.packages:
        if p.together is not None:
            groups.setdefault(p.together, []).append(p.id)
    where = {p: (name, k) for name, route in routes.items() for k, p in enumerate(route)}
    found = []
    for key, members in groups.items():
        if len(members) > 1 and any(p in where for p in members):
            places = [where.get(p) for p in members]
            names = {place[0] if place else None for place in places}
            steps = sorted(place[1] for place in places if place)
            if len(names) > 1 or steps[-1] - steps[0] != len(members) - 1:
                name = next(place[0] for place in places if place)
                found.append(Violation("apart", name, members[0], f"{', '.join(members)} must be one stop ({key})"))
    return found
