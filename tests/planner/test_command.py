"""``python -m deliveries.planner`` as a shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deliveries.planner import Problem, evaluate, sample

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "planner"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deliveries.planner", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_plan_on_standard_output_and_nothing_else(tmp_path: Path) -> None:
    problem = sample.evening(1, packages=12, associates=8)
    (tmp_path / "evening.json").write_text(json.dumps(problem.to_json()))
    done = run(str(tmp_path / "evening.json"), "--time", "20", "--seed", "3")
    assert (done.returncode, done.stderr) == (0, "")
    plan = json.loads(done.stdout)
    assert plan["status"] == "optimal"
    assert plan["bound_ticks"] == plan["objective_ticks"] == evaluate(problem, plan["routes"]).objective_ticks
    assert 0 < plan["seconds"] < 20


def test_input_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "evening.json").write_text('{"format": "store-evening/1", "packages": 3}')
    for name, says in (("evening.json", "packages: missing or not a list"), ("nowhere.json", "No such file")):
        done = run(str(tmp_path / name))
        assert done.returncode == 2
        assert done.stdout == ""
        assert says in done.stderr
        assert "Traceback" not in done.stderr


def test_it_starts_light() -> None:
    script = "import sys, deliveries.planner.__main__, deliveries.planner; print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "numpy" in modules
    assert not {"django", "numba", "highspy", "llvmlite", "deliveries.models"} & set(modules)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/planner")
def test_the_shared_checker_agrees(tmp_path: Path) -> None:
    for instance in sorted((SHARED / "instances").glob("[SM]-*.json")):
        done = run(str(instance), "--time", "2")
        (tmp_path / "plan.json").write_text(done.stdout)
        checked = subprocess.run(
            [sys.executable, str(SHARED / "check.py"), str(instance), str(tmp_path / "plan.json")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout
        assert json.loads(checked.stdout)["profit_ticks"] == json.loads(done.stdout)["objective_ticks"]
        assert Problem.from_json(json.loads(instance.read_text())).to_json()["time_s"]
