"""One made-up store evening, planned: what a worker process does. No database."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from deliveries import pay, planner
from deliveries.planner import sample
from deliveries.quoting import PlannedStop

FEWEST_PACKAGES, MOST_PACKAGES = 17, 60
FEWEST_ASSOCIATES, MOST_ASSOCIATES = 20, 60
RATES = pay.Rates("nation", hourly_cents=1800, per_package_cents=200, mileage_tenth_cents=725)
# The made-up evenings have drive times only; the estimator's two curves give the road back from the time.
SECONDS_FACTOR, SECONDS_POWER, ROAD_FACTOR = 2.31, 0.669, 1.42


# More than the packages or the people of one evening: row k of a store has the id `row_id(store, k)` in the whole country.
ROOM = 100


def row_id(store: int, k: int) -> int:
    """The id of person, shift or package number `k` of made-up store number `store`, both from 0."""
    return store * ROOM + k + 1


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer to write, its promise frozen. `package_ids` in visit order.

    quote:       the quote's canonical JSON, `digest` of that text; `cents`, `extra_s` and `extra_m` are its figures.
    stops:       JSON of its `PlannedStop`s.
    saved_cents: what the carrier would have cost.
    """

    associate_id: int
    package_ids: tuple[int, ...]
    quote: str
    digest: str
    stops: str
    cents: int
    extra_s: int
    extra_m: int
    saved_cents: int


@dataclass(frozen=True, slots=True)
class PlannedEvening:
    """What comes back from a worker. `shift_ends_s`, `weights_g`, `saved_cents` are one per associate or package."""

    store: int
    shift_ends_s: tuple[int, ...]
    weights_g: tuple[int, ...]
    saved_cents: tuple[int, ...]
    due_s: tuple[int, ...]
    offers: tuple[OfferRow, ...]
    status: str
    objective_ticks: int
    bound_ticks: int | None
    seconds: float


def evening(store: int, seed: int) -> planner.Problem:
    """The evening of made-up store number `store` (from 0): the same for the same seed, 17-60 packages, 20-60 people."""
    random = np.random.default_rng([seed, store])
    return sample.evening(
        int(random.integers(0, 2**31)),
        packages=int(random.integers(FEWEST_PACKAGES, MOST_PACKAGES + 1)),
        associates=int(random.integers(FEWEST_ASSOCIATES, MOST_ASSOCIATES + 1)),
    )


def plan(store: int, seed: int, seconds: float) -> PlannedEvening:
    """Make and plan one store's evening in at most `seconds`, and quote every trip of it."""
    problem = evening(store, seed)
    found = planner.solve(problem, stop=planner.Stop.after(seconds), seed=seed, threads=1)
    checked = planner.evaluate(problem, found.routes)
    if not checked.feasible:
        raise ValueError(f"Store {store}: the plan breaks {checked.violations[0]}")
    package_at = {package.id: k for k, package in enumerate(problem.packages)}
    associate_at = {person.id: k for k, person in enumerate(problem.associates)}
    offers = tuple(
        _offer(problem, store, associate_at[key], [package_at[name] for name in route], checked.trips[key])
        for key, route in found.routes.items()
    )
    return PlannedEvening(
        store=store,
        shift_ends_s=tuple(person.shift_end_s for person in problem.associates),
        weights_g=tuple(package.weight_g for package in problem.packages),
        saved_cents=tuple(package.saved_cents for package in problem.packages),
        due_s=tuple(package.due_s for package in problem.packages),
        offers=offers,
        status=found.status,
        objective_ticks=found.objective_ticks,
        bound_ticks=found.bound_ticks,
        seconds=found.seconds,
    )


def road_m(seconds: int) -> int:
    """Metres of road for a drive of so many seconds: the inverse of the estimator's curves."""
    return round(ROAD_FACTOR * (seconds / SECONDS_FACTOR) ** (1 / SECONDS_POWER))


def _offer(problem: planner.Problem, store: int, associate: int, packages: list[int], trip: planner.Trip) -> OfferRow:
    times, home = problem.time_s, 1 + len(problem.packages) + associate
    legs_s = [
        int(times[a, b]) for a, b in zip([0, *(k + 1 for k in packages)], [k + 1 for k in packages], strict=False)
    ]
    last_leg_s, solo_s = int(times[packages[-1] + 1, home]), int(times[0, home])
    legs_m = [road_m(leg) for leg in legs_s]
    package_ids = tuple(row_id(store, k) for k in packages)
    quote = pay.quote(
        RATES,
        package_ids,
        paid_s=trip.home_s - last_leg_s - problem.associates[associate].shift_end_s,
        paid_m=sum(legs_m),
        extra_s=trip.detour_s + problem.params.load_s,
        extra_m=sum(legs_m) + road_m(last_leg_s) - road_m(solo_s),
    )
    stops = [
        PlannedStop((package_id,), 0.0, 0.0, leg_s, leg_m)
        for package_id, leg_s, leg_m in zip(package_ids, legs_s, legs_m, strict=True)
    ]
    saved_cents = sum(problem.packages[k].saved_cents for k in packages)
    return freeze(row_id(store, associate), quote, stops, saved_cents)


def freeze(associate_id: int, quote: pay.Quote, stops: list[PlannedStop], saved_cents: int) -> OfferRow:
    """The offer as it is written: the promise as text with its digest, so that nothing is left to make from it."""
    canonical = quote.canonical
    return OfferRow(
        associate_id=associate_id,
        package_ids=quote.packages,
        quote=canonical,
        digest=pay.digest_of(canonical),
        stops=json.dumps([asdict(stop) for stop in stops], separators=(",", ":")),
        cents=quote.cents,
        extra_s=quote.extra_s,
        extra_m=quote.extra_m,
        saved_cents=saved_cents,
    )
