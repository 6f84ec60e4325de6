"""The kernels as machine code: the same answers as in Python, room that grows, wrong types refused, made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deliveries.planner import Plan, Stop, compiled, sample, small, solve, tree
from deliveries.planner import kernels as in_python
from deliveries.planner.compiled import Kernels

from .test_tolls import pricers


def planned(kernels: Any, seed: int, style: sample.Style, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(small, "settle", lambda *_, **_k: None)
    monkeypatch.setattr(compiled, "_loaded", kernels)
    monkeypatch.setattr("deliveries.planner.stages.ROUNDS_PER_STOP", 4)
    problem = sample.evening(seed, packages=7, associates=4, style=style, radius_m=9000)
    return solve(problem, stop=Stop.never(), seed=seed, threads=1)


@pytest.mark.parametrize(("seed", "style"), [(1, "std"), (2, "gen"), (3, "gen")])
def test_machine_code_and_python_plan_the_same(
    kernels: Kernels, seed: int, style: sample.Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    with np.errstate(over="ignore"):  # the hashes and the generator wrap around, as they do in machine code
        slow = planned(in_python, seed, style, monkeypatch)
    fast = planned(kernels, seed, style, monkeypatch)
    assert slow.status == fast.status == "optimal"
    assert slow.routes
    assert (slow.routes, slow.objective_ticks, slow.bound_ticks) == (
        fast.routes,
        fast.objective_ticks,
        fast.bound_ticks,
    )


@pytest.mark.parametrize("beam", [0, 5])
def test_room_that_grows_changes_nothing(kernels: Kernels, beam: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, people, prices = pricers(kernels, 1, "std")

    def found() -> list[Any]:
        search = [
            pricer.beam(prices, 1500, width=beam, most=0)
            if beam
            else pricer.price(prices, 1500, limit=1 << 40, listing=True)
            for pricer in people
        ]
        return [(f.best, f.exact, f.labels, f.routes.tolist(), f.detours.tolist(), f.profits.tolist()) for f in search]

    at_once = found()
    monkeypatch.setattr(tree, "LABELS", 2)
    monkeypatch.setattr(tree, "SLOTS", 2)
    assert found() == at_once
    assert max(labels for _, _, labels, *_ in at_once) > 100, "the room grew several times"


def test_arrays_of_another_type_are_refused(kernels: Kernels) -> None:
    drive, least = np.zeros((3, 3), dtype=np.int64), np.empty(3, dtype=np.int64)
    assert kernels.insertion_floor(drive, 150, least) == 0
    for wrong in (drive.astype(np.int32), drive[0], np.zeros((3, 6), dtype=np.int64)[:, ::2]):
        with pytest.raises(TypeError, match="insertion_floor: int"):
            kernels.insertion_floor(wrong, 150, least)
    with pytest.raises(ValueError, match="longer"):
        kernels.insertion_floor(drive, 150)


def test_two_that_start_at_once_compile_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    builders = [compiled._start() for _ in range(2)]
    assert sorted(each.wait() for each in builders) in ([0, 0], [0, compiled.BUSY])
    made = compiled._folder()
    assert made.parent == tmp_path
    assert {path.name for path in tmp_path.iterdir()} == {"kernels.lock", made.name}, "nothing half made is left"
    assert Kernels(made).insertion_floor(np.zeros((2, 2), dtype=np.int64), 150, np.empty(2, dtype=np.int64)) == 0


def test_to_run_them_numba_is_not_imported(kernels: Kernels) -> None:
    code = (
        "import sys; from deliveries.planner import Stop, compiled, sample, small, solve; small.settle = lambda *_, **_k: None\n"
        "plan = solve(sample.evening(2, packages=30, associates=16, style='gen'), stop=Stop.after(20))\n"
        "assert compiled._loaded is not None; print('numba' in sys.modules)"
    )
    root = Path(compiled.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
