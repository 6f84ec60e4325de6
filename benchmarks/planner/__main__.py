"""`python -m benchmarks.planner`: measure what is missing, then print the table and draw the picture (README.md)."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from . import generate
from .chart import draw
from .measure import REPO, Instance, Job, Measurement, Solver, append, find_solvers, missing, read, run
from .peers import OURS
from .report import SIZES, TICKS_PER_DOLLAR, Report

HERE = Path(__file__).resolve().parent
GIVEN = REPO.parent / "shared" / "planner" / "instances"
PICTURE = REPO / "docs" / "images" / "planner-gap.svg"
LIMITS_S = {"S": (1.0,), "M": (1.0, 3.0), "L": (1.0, 3.0, 10.0, 30.0), "XL": (1.0, 3.0, 10.0, 30.0)}
OURS_FIRST_S = 0.1
OURS_LAST_S = 60.0  # on L and XL, for the bound and the promise about generous limits
HELD_OUT_SEED = 1
START_S = 1.0  # what a process needs besides its limit, for the estimate


def main(arguments: list[str] | None = None) -> int:
    """Measure and report; 1 if a plan broke a rule or passed a proven bound, 130 if interrupted."""
    options = _options(arguments)
    name = options.name or ("quick" if options.quick else "full")
    results = HERE / "results" / f"{name}.jsonl"
    solvers = find_solvers(options.ours_python, options.peers_python)
    if options.only:
        solvers = [solver for solver in solvers if solver.name in options.only]
    interrupted = False
    if not options.report:
        try:
            _measure(options, solvers, results)
        except KeyboardInterrupt:
            interrupted = True
            _say("interrupted; the same command goes on from here")
    report = Report(read(results), solvers)
    table = report.markdown()
    sys.stdout.write("\n" + table)
    (results.parent).mkdir(exist_ok=True)
    results.with_suffix(".md").write_text(table, encoding="utf-8")
    picture = options.picture or (results.with_suffix(".svg") if options.quick else PICTURE)
    if draw(report, picture):
        _say(f"picture: {picture}")
    wrong = [one for one in report.current if one.status == "invalid"]
    if interrupted:
        return 130
    return 1 if wrong or report.broken_bounds() else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="S and M at 1 s (ours at 0.1 s too), one seed each")
    parser.add_argument("--report", action="store_true", help="measure nothing; table and picture of what is there")
    parser.add_argument(
        "--set",
        choices=("each", "given", "heldout", "all"),
        default="each",
        help="given instances; heldout: generated ones; each (default): given ones, generated for the kinds they lack",
    )
    parser.add_argument("--instances", type=Path, metavar="DIR", help="every *.json of this folder instead")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, help="only these sizes")
    parser.add_argument("--times", nargs="+", type=float, metavar="S", help="time limits for every size and solver")
    parser.add_argument("--seeds", nargs="+", type=int, default=None, metavar="N", help="default 1 2 3")
    parser.add_argument("--only", nargs="+", metavar="SOLVER", help="only these solvers, such as Homeward PyVRP")
    parser.add_argument("--name", help="name of the results file, default full or quick")
    parser.add_argument(
        "--picture", type=Path, help=f"default {PICTURE.relative_to(REPO)}; beside the results if quick"
    )
    ours = REPO / ".venv" / "bin" / "python"
    parser.add_argument(
        "--ours-python",
        default=str(ours) if ours.exists() else sys.executable,
        metavar="PATH",
        help="the Python ours runs in (default: the project's .venv if there)",
    )
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH", help="the Python the peers run in")
    return parser.parse_args(arguments)


def _instances(options: argparse.Namespace) -> list[Instance]:
    if options.instances:
        paths = sorted(options.instances.glob("*.json"))
        if not paths:
            sys.exit(f"{options.instances}: no *.json there")
    else:
        paths = _chosen(options.set)
    sizes = options.sizes or (("S", "M") if options.quick else SIZES)
    instances = [instance for instance in map(Instance.read, paths) if instance.size in sizes]
    return sorted(instances, key=lambda one: (SIZES.index(one.size), one.style != "std", one.name))


def _chosen(which: str) -> list[Path]:
    """The files of one `--set`; without the given instances "each" is the generated ones."""
    given = sorted(GIVEN.glob("*.json")) if which != "heldout" else []
    if which == "given":
        return given or sys.exit(f"{GIVEN}: no *.json there; use --set heldout for generated instances")
    generated = generate.write(HERE / "results" / f"heldout-{HELD_OUT_SEED}", HELD_OUT_SEED)
    if which == "each":
        kinds = {(one.size, one.style) for one in map(Instance.read, given)}
        found = [Instance.read(path) for path in generated]
        generated = [one.path for one in found if (one.size, one.style) not in kinds]
    return given + generated


def _limits_s(options: argparse.Namespace, instance: Instance, solver: Solver) -> list[float]:
    if options.times:
        return sorted(options.times)
    limits = [1.0] if options.quick else list(LIMITS_S[instance.size])
    if solver.name == OURS:
        limits = [OURS_FIRST_S, *limits]
        if instance.size in ("L", "XL") and not options.quick:
            limits.append(OURS_LAST_S)
    return limits


def _jobs(options: argparse.Namespace, instances: list[Instance], solvers: list[Solver]) -> list[Job]:
    """All jobs; solvers take turns, so that a slow hour of the machine hits all of them alike."""
    seeds = options.seeds or ([1] if options.quick else [1, 2, 3])
    here = [solver for solver in solvers if solver.version is not None]
    jobs = []
    for instance in instances:
        limits = {solver.name: _limits_s(options, instance, solver) for solver in here}
        for limit in sorted({limit for some in limits.values() for limit in some}):
            jobs += [
                Job(instance, solver, limit, seed) for seed in seeds for solver in here if limit in limits[solver.name]
            ]
    return jobs


def _measure(options: argparse.Namespace, solvers: list[Solver], results: Path) -> None:
    for solver in solvers:
        _say(f"{solver.name}: {solver.version or 'not installed: ' + solver.missing}")
    instances = _instances(options)
    jobs = _jobs(options, instances, solvers)
    done = read(results)
    left = list(missing(jobs, done))
    _say(f"{len(jobs)} measurements, {len(jobs) - len(left)} are there, at most {_time(left)} to go")
    if not left:
        return
    for solver in {job.solver for job in left}:  # the first start compiles and fills caches; nobody's time is that
        run(Job(instances[0], solver, 1.0, 1))
    for number, job in enumerate(jobs, start=1):
        if not any(missing([job], done)):
            continue
        measurement = run(job)
        append(results, measurement)
        done.append(measurement)
        _say(f"[{number}/{len(jobs)}] {_line(measurement)}; at most {_time(jobs[number:])} to go")


def _time(jobs: list[Job]) -> str:
    seconds = sum(job.limit_s + START_S for job in jobs)
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _line(one: Measurement) -> str:
    result = f"${(one.objective_ticks or 0) / TICKS_PER_DOLLAR:,.2f}" if one.status == "ok" else one.status
    proof = ", proved" if one.proved else ""
    return f"{one.instance} {one.solver} {one.limit_s:g} s seed {one.seed}: {result}{proof} in {one.wall_s:.1f} s"


def _say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


if __name__ == "__main__":
    sys.exit(main())
