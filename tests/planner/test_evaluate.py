"""Every limit, broken alone, is caught; what a plan is worth is what the rules say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deliveries.planner import Associate, Package, Params, Problem, Stop, evaluate, solve

PACKAGES = (
    Package("P1", weight_g=2000, volume_ml=5000, size_class=1, due_s=70_000, saved_cents=700),
    Package("P2", weight_g=3000, volume_ml=8000, size_class=0, due_s=70_000, saved_cents=650),
    Package("P3", weight_g=1000, volume_ml=2000, size_class=0, due_s=70_000, saved_cents=600),
)
WHO = Associate("A1", 61_000, 3, 10_000, 20_000, 100_000, 3, 3000)
# From store, P1, P2, P3 to store, P1, P2, P3, home.
TIMES = np.array([[0, 300, 500, 700, 900], [300, 0, 200, 400, 650], [500, 200, 0, 200, 420], [700, 400, 200, 0, 240]])
ROUTE = {"A1": ["P1", "P2", "P3"]}


def problem(*, times: np.ndarray = TIMES, packages: tuple[Package, ...] = PACKAGES, **limits: Any) -> Problem:
    return Problem(Params(150, 300, 200, 30), packages, (replace(WHO, **limits),), times)


def codes(subject: Problem, routes: dict[str, list[str]]) -> set[str]:
    return {v.code for v in evaluate(subject, routes).violations}


def test_figures_of_a_trip() -> None:
    found = evaluate(problem(), ROUTE)
    trip = found.trips["A1"]
    assert found.feasible
    assert trip.arrivals_s == (61_600, 61_950, 62_300)
    assert trip.detour_s == found.detour_s == 300 + 200 + 200 + 240 - 900 + 450
    assert trip.home_s == 62_300 + 150 + 240
    assert found.objective_ticks == 60 * (700 + 650 + 600 - 600) - 30 * trip.detour_s


# The detour of the full route is 490 s, 790 s with loading; its pay 600 + 395 cents, 4534 an hour; home at 62 690.
@pytest.mark.parametrize(
    ("code", "at_the_limit", "beyond"),
    [
        ("too_many", {"max_packages": 3}, {"max_packages": 2}),
        ("too_heavy", {"max_package_weight_g": 3000}, {"max_package_weight_g": 2999}),
        ("total_weight", {"max_total_weight_g": 6000}, {"max_total_weight_g": 5999}),
        ("volume", {"max_volume_ml": 15_000}, {"max_volume_ml": 14_999}),
        ("too_large", {"max_size_class": 1}, {"max_size_class": 0}),
        ("detour", {"max_detour_s": 490}, {"max_detour_s": 489}),
        ("home_too_late", {"home_by_s": 62_690}, {"home_by_s": 62_689}),
        ("below_floor", {"floor_cents_per_hour": 4534}, {"floor_cents_per_hour": 4535}),
        ("blocked", {"blocked": frozenset()}, {"blocked": frozenset({"P2"})}),
    ],
)
def test_each_limit_of_an_associate(code: str, at_the_limit: dict[str, Any], beyond: dict[str, Any]) -> None:
    assert codes(problem(**at_the_limit), ROUTE) == set()
    assert codes(problem(**beyond), ROUTE) == {code}
    for limits in (at_the_limit, beyond):
        plan = solve(problem(**limits), stop=Stop.never())
        assert evaluate(problem(**limits), plan.routes).feasible
        assert (plan.routes == ROUTE) == (limits is at_the_limit)


def changed(index: int, **fields: Any) -> tuple[Package, ...]:
    return tuple(replace(p, **fields) if k == index else p for k, p in enumerate(PACKAGES))


def test_each_rule_of_a_package() -> None:
    assert codes(problem(packages=changed(2, due_s=62_300)), ROUTE) == set()
    assert codes(problem(packages=changed(2, due_s=62_299)), ROUTE) == {"past_due"}
    assert codes(problem(packages=changed(1, associate_ok=False)), ROUTE) == {"not_for_associates"}


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 2), (3, 4), (0, 4)])
def test_a_pair_without_a_path(start: int, end: int) -> None:
    times = TIMES.copy()
    times[start, end] = -1
    assert codes(problem(times=times), ROUTE) == {"no_path"}
    assert evaluate(problem(times=times), solve(problem(times=times), stop=Stop.never()).routes).feasible


@pytest.mark.parametrize(
    ("code", "routes"),
    [
        ("unknown_associate", {"A9": ["P1"]}),
        ("unknown_package", {"A1": ["P9"]}),
        ("package_twice", {"A1": ["P1", "P1"]}),
        ("empty_route", {"A1": []}),
    ],
)
def test_a_plan_that_is_no_plan(code: str, routes: dict[str, list[str]]) -> None:
    assert code in codes(problem(), routes)


def test_packages_that_go_together() -> None:
    packages = tuple(replace(p, together=None if p.id == "P2" else "order 7") for p in PACKAGES)
    subject = problem(packages=packages)
    assert codes(subject, {"A1": ["P1"]}) == {"apart"}
    assert codes(subject, {"A1": ["P1", "P2", "P3"]}) == {"apart"}
    both = evaluate(subject, {"A1": ["P1", "P3", "P2"]})
    assert both.feasible
    assert both.trips["A1"].arrivals_s == (61_600, 61_600, 61_950)
    assert both.trips["A1"].detour_s == 300 + 200 + 420 - 900 + 300
    plan = solve(subject, stop=Stop.never())
    assert plan.objective_ticks == both.objective_ticks


def test_a_bonus_counts_once_and_is_bounded() -> None:
    plain, fair = (evaluate(problem(bonus_cents=bonus), ROUTE).objective_ticks for bonus in (0, 150))
    assert fair - plain == 60 * 150
    with pytest.raises(ValueError, match="bonus_cents"):
        problem(bonus_cents=201)
