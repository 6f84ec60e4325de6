"""Every evening of a scene through the planner and the pay rules, several times with other people saying yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from random import Random
from statistics import median, quantiles
from typing import Any

from deliveries import pay, planner, quoting
from deliveries.hours import Hours
from deliveries.models import Package
from stores.models import PayPlan

from . import dedicated
from .scene import Evening, Home, Scene, people

# EPA, "Greenhouse Gas Emissions from a Typical Passenger Vehicle" (EPA-420-F-23-014): about 400 g of CO2 a mile. The same for
# both ways; a delivery van emits more, which is not counted in our favour.
CO2_G_PER_MILE = 400
METRES_PER_MILE = 1609.344
PLAN_SECONDS = 2.0


@dataclass(slots=True)
class Figures:
    """What one draw came to, over all evenings. Money in cents, time in seconds, way in metres.

    `could` are packages an associate may bring on an evening somebody works; `carrier_matched` is what the carrier would
    cost for the matched ones, `carrier_all` for all. `extra_*` are against the solo drives home, `rounds_*` the dedicated
    round trips with the same matched packages.
    """

    packages: int = 0
    could: int = 0
    matched: int = 0
    people: int = 0
    trips: int = 0
    pay: int = 0
    paid_s: int = 0
    carrier_matched: int = 0
    carrier_all: int = 0
    extra_s: int = 0
    extra_m: int = 0
    rounds: int = 0
    rounds_s: int = 0
    rounds_m: int = 0
    detours_s: list[int] = field(default_factory=list)
    why_not: Counter[str] = field(default_factory=Counter)

    @property
    def match_rate(self) -> float:
        return self.matched / self.packages if self.packages else 0.0

    def to_json(self) -> dict[str, Any]:
        """With the detours as median and 90th percentile instead of one by one: a detour measures somebody's way home."""
        figures = {name: value for name, value in asdict(self).items() if name not in ("detours_s", "why_not")}
        detours = self.detours_s
        figures["detour_median_s"] = round(median(detours)) if detours else 0
        figures["detour_p90_s"] = round(quantiles(detours, n=10)[-1]) if len(detours) > 1 else sum(detours)
        figures["why_not"] = dict(self.why_not.most_common())
        figures["co2_g"] = round(self.extra_m / METRES_PER_MILE * CO2_G_PER_MILE)
        figures["rounds_co2_g"] = round(self.rounds_m / METRES_PER_MILE * CO2_G_PER_MILE)
        return figures


def simulate(
    scene: Scene,
    *,
    share: int,
    draws: int,
    seed: int = 1,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> list[Figures]:
    """The figures of `draws` runs, the middle one by match rate first.

    Args:
        share: percent of the people in the scene who deliver on an evening: enrolled, willing that day, saying yes.
        progress: told (evenings planned, evenings in all).

    Raises PayPlan.DoesNotExist where the store has no plan for one of the evenings.
    """
    for day in scene.evenings:
        PayPlan.on(scene.store, day)
    found, whole = [], draws * len(scene.evenings)
    for draw in range(draws):
        rng, figures = Random(f"{seed}/{draw}"), Figures()  # noqa: S311  # a draw, not a secret
        for number, (day, evening) in enumerate(scene.evenings.items(), 1):
            count = round(len(evening.homes) * share / 100)
            _evening(figures, scene, day, evening, rng.sample(evening.homes, count), seed)
            progress(draw * len(scene.evenings) + number, whole)
        found.append(figures)
    found.sort(key=lambda each: each.match_rate)
    middle = found.pop(len(found) // 2)
    return [middle, *found]


def _evening(figures: Figures, scene: Scene, day: date, evening: Evening, homes: list[Home], seed: int) -> None:
    store, packages = scene.store, evening.packages
    figures.packages += len(packages)
    figures.people += len(homes)
    figures.carrier_all += sum(package.carrier_cents for package in packages)
    able = [package for package in packages if package.associate_ok]
    figures.why_not["not_for_associates"] += len(packages) - len(able)
    if not homes:
        figures.why_not["no_associates"] += len(able)
        return
    figures.could += len(able)
    if not able:
        return
    everybody = people(store, homes)
    posed = quoting.evening_of(
        store, day, [(person, shift) for person, shift, _cell in everybody], able,
        worked={person.pk: Hours(pay.Week(0), None) for person, _shift, _cell in everybody},
        imagined={person.pk: cell for person, _shift, cell in everybody},
    )  # fmt: skip
    plan = planner.solve(posed.problem, stop=planner.Stop.after(PLAN_SECONDS), seed=seed)
    figures.why_not.update(str(code) for code in plan.reasons.packages.values())
    for trip in quoting.trips_of(posed, plan.routes):
        quote = trip.quote
        figures.trips += 1
        figures.matched += len(quote.packages)
        figures.pay += quote.cents
        figures.paid_s += quote.paid_s
        figures.extra_s += quote.extra_s
        figures.extra_m += quote.extra_m
        figures.detours_s.append(quote.extra_s)
    carried = [package for package in able if any(str(package.pk) in route for route in plan.routes.values())]
    figures.carrier_matched += sum(package.carrier_cents for package in carried)
    _rounds(figures, posed, carried)


def _rounds(figures: Figures, posed: quoting.Evening, carried: list[Package]) -> None:
    """The same packages on dedicated round trips from the same store, by the same drive times."""
    doors: dict[tuple[str, str, str], Package] = {}
    for package in carried:
        doors.setdefault(package.door, package)
    if not doors:
        return
    points = [(posed.store.lat, posed.store.lon), *((each.lat, each.lon) for each in doors.values())]
    seconds, metres = quoting.travel_times(posed.store).matrix(points)
    rounds = dedicated.round_trips(
        seconds, metres, list(range(1, len(points))), service_s=posed.store.service_seconds,
        load_s=posed.store.load_minutes * 60,
    )  # fmt: skip
    figures.rounds += rounds.routes
    figures.rounds_m += rounds.metres
    figures.rounds_s += rounds.seconds
