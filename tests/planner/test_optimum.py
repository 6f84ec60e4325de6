"""The planner against brute force: the optimum is found and proved, whichever way, and no bound is ever below it."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deliveries.planner import Plan, Problem, Stop, evaluate, exact, sample, small, solve
from deliveries.planner.assign import Relaxation
from deliveries.planner.bundles import Prices
from deliveries.planner.compiled import Kernels

from .brute import optimum
from .tiny import evening

MANY = settings(max_examples=1000, deadline=None)
SEEDS = st.integers(0, 10**9)


def assert_optimal(problem: Problem, plan: Plan) -> None:
    checked = evaluate(problem, plan.routes)
    assert checked.violations == ()
    assert checked.objective_ticks == plan.objective_ticks == plan.bound_ticks == optimum(problem)
    assert plan.status == "optimal"
    assert plan.gap == 0.0


@MANY
@given(SEEDS)
def test_optimum_of_tiny_evenings(seed: int) -> None:
    problem = evening(seed)
    assert_optimal(problem, solve(problem, stop=Stop.never(), threads=1))


def test_optimum_by_column_generation(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "settle", lambda *_, **_k: None)

    @MANY
    @example(9321)  # a stop that is reached in time only by way of another
    @given(SEEDS)
    def check(seed: int) -> None:
        problem = evening(seed)
        assert_optimal(problem, solve(problem, stop=Stop.never(), threads=1))

    check()


def test_optimum_where_no_label_may_be_wasted(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few labels, few bundles: pricing is raised and repeated, listing given up, and the choice made of parts of the list."""
    monkeypatch.setattr(small, "settle", lambda *_, **_k: None)
    for name, few in (("FEW", 3), ("MANY", 8), ("EASY_CHOICE", 2), ("WIDEST_CHOICE", 4), ("LARGE", 0)):
        monkeypatch.setattr(exact, name, few)

    @settings(max_examples=300, deadline=None)
    @given(SEEDS)
    def check(seed: int) -> None:
        problem = evening(seed)
        assert_optimal(problem, solve(problem, stop=Stop.never(), threads=1))

    check()


@pytest.mark.parametrize(
    ("shares", "chosen"),
    [([0.0, 1.0, 0.0, 1.0], [1, 3]), ([1e-9, 1.0 - 1e-9], [1]), ([0.5, 0.5], None), ([0.0, 1e-3], None), ([], [])],
)
def test_a_relaxation_with_nothing_chosen_in_part_is_a_plan(shares: list[float], chosen: list[int] | None) -> None:
    none = np.zeros(0, dtype=np.int64)
    relaxation = Relaxation(0.0, np.array(shares), Prices(none, none.reshape(0, 3), none), none)
    assert relaxation.whole() == chosen


def test_stopped_at_any_moment_the_plan_is_valid_and_the_bound_holds(
    kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "settle", lambda *_, **_k: None)

    @settings(max_examples=300, deadline=None)
    @given(SEEDS, st.integers(0, 80))
    def check(seed: int, looks: int) -> None:
        problem, asked = evening(seed), count()
        plan = solve(problem, stop=Stop(asked=lambda: next(asked) >= looks), threads=1)
        checked = evaluate(problem, plan.routes)
        best = optimum(problem)
        assert checked.violations == ()
        assert checked.objective_ticks == plan.objective_ticks <= best
        assert plan.bound_ticks is None or plan.bound_ticks >= best
        assert plan.status == ("optimal" if plan.bound_ticks == plan.objective_ticks else "feasible")

    check()


@pytest.mark.parametrize("style", ["std", "gen"])
def test_both_ways_agree_on_an_evening_of_usual_size(
    kernels: Kernels, monkeypatch: pytest.MonkeyPatch, style: sample.Style
) -> None:
    monkeypatch.setattr(small, "FEW_PAIRS", 10**6)
    monkeypatch.setattr(small, "FEW_LABELS", 10**6)
    problem = sample.evening(5, packages=14, associates=10, style=style)
    listed = solve(problem, stop=Stop.never())
    monkeypatch.setattr(small, "settle", lambda *_, **_k: None)
    generated = solve(problem, stop=Stop.never())
    assert listed.status == generated.status == "optimal"
    assert listed.objective_ticks == generated.objective_ticks > 0


@pytest.mark.parametrize("style", ["std", "gen"])
def test_the_same_input_and_seed_give_the_same_plan(kernels: Kernels, style: sample.Style) -> None:
    problem = sample.evening(3, packages=45, associates=30, style=style)
    first, second = (solve(problem, stop=Stop.never(), seed=7, threads=threads) for threads in (1, 2))
    assert first.status == second.status == "optimal"
    assert first.routes == second.routes
