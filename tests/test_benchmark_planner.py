"""The planner's benchmark: its checker catches every broken rule, the peers' models count what the checker counts."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.planner import generate
from benchmarks.planner.checker import check
from benchmarks.planner.measure import REPO, Instance, Job, Measurement, Solver, append, missing, read
from benchmarks.planner.peers import OURS, PEERS
from benchmarks.planner.report import Report


def package(number: int, **changes: object) -> dict:
    return {
        "id": f"P{number}", "lat": 0.0, "lon": 0.0, "weight_g": 1000, "volume_ml": 5000, "longest_side_cm": 20,
        "size_class": 1, "due_s": 70000, "saved_cents": 700, "associate_ok": True,
    } | changes  # fmt: skip


def associate(number: int, **changes: object) -> dict:
    return {
        "id": f"A{number}", "lat": 0.0, "lon": 0.0, "shift_end_s": 60000, "max_packages": 2,
        "max_package_weight_g": 1500, "max_total_weight_g": 2500, "max_volume_ml": 12000, "max_size_class": 1,
        "max_detour_s": 900,
    } | changes  # fmt: skip


def evening() -> dict:
    """Two associates, three packages on a line: store at 0 s, packages at 100, 200, 300 s, homes at 400 and 150 s."""
    where = [0, 100, 200, 300, 400, 150]
    return {
        "format": "store-evening/1",
        "params": {"service_s": 150, "load_s": 300, "base_pay_cents": 200, "pay_cents_per_detour_minute": 30},
        "packages": [package(number) for number in (1, 2, 3)],
        "associates": [associate(number) for number in (1, 2)],
        "time_s": [[abs(a - b) for b in where] for a in where[:4]],
    }


def test_a_valid_plan_is_valued_by_hand() -> None:
    verdict = check(evening(), {"routes": {"A1": ["P1", "P2"], "A2": ["P3"]}})
    # A1 passes both on the way: 2 stops x 150 s.  A2 drives 300 + 150 instead of 150: 300 s and 150 s at the door.
    assert verdict.errors == []
    assert verdict.detour_s == 300 + 450
    assert verdict.objective_ticks == 60 * 3 * (700 - 200) - 30 * 750
    assert (verdict.delivered, verdict.associates_used) == (3, 2)


VIOLATIONS = {
    "too many packages": ("associates", {"max_packages": 1}, "packages 2 over"),
    "one package too heavy": ("associates", {"max_package_weight_g": 999}, "over the limit for one"),
    "too heavy together": ("associates", {"max_total_weight_g": 1999}, "weight in g 2000 over"),
    "too bulky together": ("associates", {"max_volume_ml": 9999}, "volume in ml 10000 over"),
    "too large": ("associates", {"max_size_class": 0}, "over the largest allowed"),
    "detour a second too long": ("associates", {"max_detour_s": 299}, "detour in s 300 over"),
    "a second late": ("packages", {"due_s": 60000 + 300 + 99}, "reaches P1 at 60400, due 60399"),
    "not for associates": ("packages", {"associate_ok": False}, "is not for associates"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_every_limit_broken_alone_is_caught(name: str) -> None:
    part, changes, complaint = VIOLATIONS[name]
    instance = evening()
    plan = {"routes": {"A1": ["P1", "P2"]}}
    assert check(instance, plan).valid
    instance[part][0] |= changes
    errors = check(instance, plan).errors
    assert len(errors) >= 1
    assert all(complaint in error for error in errors), errors


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"routes": {"A1": ["P1"], "A2": ["P1"]}}, "P1: carried twice, by A1 and A2"),
        ({"routes": {"A1": ["P1", "P1"]}}, "P1: carried twice"),
        ({"routes": {"A9": ["P1"]}}, "A9: unknown associate"),
        ({"routes": {"A1": ["P9"]}}, "A1: unknown package P9"),
        ({"routes": {"A1": []}}, "A1: the route is empty"),
        ({"routes": {"A1": "P1"}}, "A1: the route is not a list"),
        ({"status": "optimal"}, "'routes' is missing"),
        ({"routes": {"A1": ["P1"]}, "bound_ticks": 25499}, "bound 25499 is below"),
    ],
)
def test_a_plan_that_is_no_plan_is_caught(plan: dict, complaint: str) -> None:
    errors = check(evening(), plan).errors
    assert len(errors) == 1
    assert complaint in errors[0]


def test_limits_are_met_exactly() -> None:
    instance = evening()
    instance["associates"][0] |= {"max_detour_s": 300, "max_total_weight_g": 2000, "max_volume_ml": 10000}
    instance["packages"][1]["due_s"] = 60000 + 300 + 100 + 150 + 100
    assert check(instance, {"routes": {"A1": ["P1", "P2"]}}).errors == []


@pytest.mark.parametrize("peer", PEERS.values(), ids=lambda peer: peer.name)
@pytest.mark.parametrize("style", ["std", "gen"])
def test_a_peers_model_counts_what_the_checker_counts(peer, style: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(peer.imports) is None:
        pytest.skip(f"{peer.name} is not installed (benchmarks/planner/requirements.txt)")
    instance = generate.make("S", style, seed=5)
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(instance))
    command = [sys.executable, "-m", "benchmarks.planner.peers", peer.name, str(path), "--time", "0.5"]
    run = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    plan = json.loads(run.stdout)
    verdict = check(instance, plan)
    assert verdict.errors == []
    assert verdict.delivered > 0
    assert plan["model_ticks"] == verdict.objective_ticks


def test_generated_instances_repeat_and_obey_the_triangle_inequality() -> None:
    instance = generate.make("S", "std", seed=3)
    assert instance == generate.make("S", "std", seed=3)
    assert instance["time_s"] != generate.make("S", "std", seed=4)["time_s"]
    drive, stops = instance["time_s"], range(len(instance["packages"]) + 1)
    assert all(drive[i][i] == 0 for i in stops)
    assert all(drive[i][k] <= drive[i][j] + drive[j][k] for i in stops for j in stops for k in range(len(drive[0])))


def measurement(**changes: object) -> Measurement:
    values = {
        "instance": "S-std-x", "digest": "d", "size": "S", "style": "std", "packages": 20, "associates": 20,
        "solver": OURS, "version": "1", "limit_s": 1.0, "seed": 1, "status": "ok", "objective_ticks": 900,
        "wall_s": 1.2, "solver_s": 1.0,
    } | changes  # fmt: skip
    return Measurement(**values)


def test_the_report_takes_medians_against_the_lowest_bound_and_names_who_is_absent() -> None:
    found = [measurement(seed=seed, objective_ticks=value) for seed, value in ((1, 900), (2, 950), (3, 990))]
    found[0].bound_ticks, found[2].bound_ticks = 1200, 1000
    report = Report(found, [Solver("PyVRP", "python", None, "No module named 'pyvrp'")])
    cell = report.cell(("S-std-x", "d"), OURS, 1.0)
    assert cell is not None
    assert (cell.gap, cell.gap_best, cell.gap_worst) == (0.05, 0.01, 0.1)
    assert "PyVRP is not installed here" in report.markdown()
    assert "| PyVRP | not installed |" in report.markdown()


def test_the_report_says_when_a_plan_is_worth_more_than_the_proven_bound() -> None:
    good = [measurement(bound_ticks=900, proved=True), measurement(solver="PyVRP", objective_ticks=901)]
    assert "WRONG BOUND" in Report(good, []).markdown()
    invalid = [good[0], measurement(solver="PyVRP", objective_ticks=901, status="invalid", errors=["late"])]
    assert "WRONG BOUND" not in Report(invalid, []).markdown()
    assert "no valid plan (1 of 1)" in Report(invalid, []).markdown()


def test_a_partial_run_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs benchmarks/planner/requirements.txt")
    from benchmarks.planner.chart import draw

    picture = tmp_path / "gap.svg"
    assert not draw(Report([], []), picture)
    assert not picture.exists()
    found = [measurement(bound_ticks=1000), measurement(solver="PyVRP", objective_ticks=None, status="late")]
    assert draw(Report(found, []), picture)
    assert "gap to the proven bound" in picture.read_text()
    assert "PyVRP" not in picture.read_text()


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "S.json"
    path.write_text(json.dumps(generate.make("S", "std", seed=1)))
    instance = Instance.read(path)
    jobs = [Job(instance, Solver(OURS, "python", "1"), limit, seed) for limit in (1.0, 3.0) for seed in (1, 2)]
    done = [measurement(digest=instance.digest, seed=1, finished=True), measurement(digest=instance.digest, seed=2)]
    # seed 1 ended by itself within 1 s, so 3 s would bring nothing new; seed 2 did not; another version is not ours
    assert [(job.limit_s, job.seed) for job in missing(jobs, done)] == [(3.0, 2)]
    other = [dataclasses.replace(one, version="0") for one in done]
    assert len(list(missing(jobs, other))) == 4


def test_a_line_cut_off_by_a_crash_costs_only_that_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results" / "x.jsonl"
    append(results, measurement())
    with results.open("a") as out:
        out.write('{"instance": "S-st')
    append(results, measurement(seed=2))
    assert read(results) == [measurement(), measurement(seed=2)]
    assert "x.jsonl:2: not a measurement" in capsys.readouterr().err
