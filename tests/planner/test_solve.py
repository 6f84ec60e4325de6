"""Edges of solve(): empty and odd evenings, the time limit, reasons, and life without numba."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deliveries.planner import (
    Associate,
    AssociateReason,
    Package,
    PackageReason,
    Params,
    Plan,
    Problem,
    Stop,
    assign,
    compiled,
    evaluate,
    sample,
    solve,
)
from deliveries.planner.bundles import Pricer, Prices
from deliveries.planner.compiled import Kernels
from deliveries.planner.model import Model
from deliveries.planner.plan import Stopped

PARAMS = Params(150, 300, 200, 30)
WHO = Associate("A1", 61_000, 3, 10_000, 20_000, 100_000, 3, 3000)
WHAT = Package("P1", weight_g=2000, volume_ml=5000, size_class=1, due_s=75_000, saved_cents=900)


def one_on_one(times: list[list[int]] | None = None, *, package: dict[str, Any] | None = None, **who: Any) -> Plan:
    matrix = np.array(times if times is not None else [[0, 300, 500], [300, 0, 250]])
    problem = Problem(PARAMS, (replace(WHAT, **(package or {})),), (replace(WHO, **who),), matrix)
    plan = solve(problem, stop=Stop.never())
    assert plan.status == "optimal"
    assert evaluate(problem, plan.routes).feasible
    return plan


def test_nothing_to_do() -> None:
    nobody = Problem(PARAMS, (WHAT,), (), np.array([[0, 300], [300, 0]]))
    nothing = Problem(PARAMS, (), (WHO,), np.array([[0, 500]]))
    neither = Problem(PARAMS, (), (), np.array([[0]]))
    for problem in (nobody, nothing, neither):
        plan = solve(problem, stop=Stop.never())
        assert (plan.routes, plan.objective_ticks, plan.bound_ticks, plan.status) == ({}, 0, 0, "optimal")
    assert solve(nobody, stop=Stop.never()).reasons.packages == {"P1": PackageReason.NO_ASSOCIATES}
    assert solve(nothing, stop=Stop.never()).reasons.associates == {"A1": AssociateReason.NO_PACKAGES}


@pytest.mark.parametrize(
    ("who", "package", "associate_reason", "package_reason"),
    [
        ({"max_packages": 0}, {}, "limit_is_zero", "too_large"),
        ({"max_detour_s": 100}, {}, "none_within_detour", "outside_every_detour"),
        ({"home_by_s": 61_900}, {}, "home_too_late", "outside_every_detour"),
        ({"max_package_weight_g": 1999}, {}, "all_too_heavy", "too_heavy"),
        ({"max_total_weight_g": 1999}, {}, "all_too_heavy", "too_heavy"),
        ({"max_size_class": 0}, {}, "all_too_large", "too_large"),
        ({"max_volume_ml": 4999}, {}, "all_too_large", "too_large"),
        ({}, {"due_s": 61_500}, "all_past_due", "past_due"),
        ({"floor_cents_per_hour": 9000}, {}, "below_floor", "below_floor"),
        ({"blocked": frozenset({"P1"})}, {}, "blocked", "blocked"),
        ({}, {"saved_cents": 250}, "none_worth_it", "not_worth_it"),
        ({}, {"associate_ok": False}, "no_packages", "not_for_associates"),
    ],
)
def test_why_not(who: dict[str, Any], package: dict[str, Any], associate_reason: str, package_reason: str) -> None:
    plan = one_on_one(package=package, **who)
    assert plan.routes == {}
    assert plan.reasons.associates == {"A1": AssociateReason(associate_reason)}
    assert plan.reasons.packages == {"P1": PackageReason(package_reason)}


def test_a_package_for_two_goes_to_one() -> None:
    packages, people = (WHAT,), (WHO, replace(WHO, id="A2"))
    plan = solve(
        Problem(PARAMS, packages, people, np.array([[0, 300, 500, 500], [300, 0, 250, 260]])), stop=Stop.never()
    )
    assert plan.routes == {"A1": ["P1"]}
    assert plan.reasons.associates == {"A2": AssociateReason.WENT_TO_OTHERS}


def test_no_room_left() -> None:
    packages = (WHAT, replace(WHAT, id="P2", saved_cents=901))
    times = np.array([[0, 300, 300, 500], [300, 0, 0, 250], [300, 0, 0, 250]])
    plan = solve(Problem(PARAMS, packages, (replace(WHO, max_packages=1),), times), stop=Stop.never())
    assert plan.routes == {"A1": ["P2"]}
    assert plan.reasons.packages == {"P1": PackageReason.TRIPS_FULL}


def test_home_at_the_store_and_equal_points() -> None:
    assert one_on_one([[0, 300, 0], [300, 0, 300]]).routes == {"A1": ["P1"]}
    assert one_on_one([[0, 0, 0], [0, 0, 0]]).routes == {"A1": ["P1"]}


@pytest.mark.parametrize("hole", [(0, 1), (1, 2), (0, 2)])
def test_no_path(hole: tuple[int, int]) -> None:
    times = [[0, 300, 500], [300, 0, 250]]
    times[hole[0]][hole[1]] = -1
    plan = one_on_one(times)
    assert plan.routes == {}
    assert plan.reasons.associates == {"A1": AssociateReason.NO_PATH}
    assert plan.reasons.packages == {"P1": PackageReason.NO_PATH}


@pytest.mark.parametrize("limit", [0.0, 0.05, 0.3, 1.0])
def test_the_time_limit_is_kept(kernels: Kernels, limit: float) -> None:
    problem = sample.evening(4, packages=150, associates=80, style="gen")
    started = time.perf_counter()
    plan = solve(problem, stop=Stop.after(limit))
    took = time.perf_counter() - started
    assert evaluate(problem, plan.routes).objective_ticks == plan.objective_ticks
    assert took < limit + 2.0, "far beyond what a busy machine explains"


def test_nobody_waits_for_a_solver_that_does_not_look_at_the_clock(
    kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, go_on, made = sample.evening(4, packages=60, associates=40, style="gen"), threading.Event(), assign._solver

    def deaf() -> Any:
        solver = made()
        solver.run = lambda: go_on.wait(60)
        return solver

    monkeypatch.setattr(assign, "_solver", deaf)
    try:
        plan = solve(problem, stop=Stop.after(0.5))
        assert not go_on.is_set()
        waiting = [thread for thread in threading.enumerate() if thread.name == assign.THREAD + "_0"]
        assert waiting, "it was asked, and is at it still"
    finally:
        go_on.set()
    assert evaluate(problem, plan.routes).objective_ticks == plan.objective_ticks > 0


def test_a_search_for_bundles_stops_when_it_is_time(kernels: Kernels) -> None:
    model = Model(sample.evening(4, packages=60, associates=12, style="gen"))
    floor = np.empty(model.size + 1, dtype=np.int64)
    kernels.insertion_floor(model.drive, model.service, floor)
    pricer = Pricer(model, kernels, 0, floor, Stop(deadline=0.0))
    nothing = np.zeros(model.size + 1, dtype=np.int64)
    for search in (
        lambda prices: pricer.price(prices, 0, limit=10**6),
        lambda prices: pricer.fix(prices, 0),
        lambda prices: pricer.bound(prices),
    ):
        with pytest.raises(Stopped):
            search(Prices(nothing, np.zeros((0, 3), dtype=np.int64), nothing[:0]))


def test_it_plans_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load", lambda *_: None)
    problem = sample.evening(4, packages=60, associates=40, style="gen")
    plan = solve(problem, stop=Stop.after(0.5))
    assert evaluate(problem, plan.routes).feasible
    assert plan.objective_ticks > 0
    assert plan.bound_ticks is None
    assert plan.status == "feasible"
