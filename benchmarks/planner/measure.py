"""Runs one solver on one instance in its own process on two cores, checks the plan, and keeps it as one JSON line.

A file of such lines is all the report needs; running again skips what is in it already, so an interrupted run goes
on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .checker import check
from .peers import OURS, PEERS

REPO = Path(__file__).resolve().parents[2]
CORES = 2
GRACE_S = 60.0  # start-up, model building and a late last step; then the process is ended
LARGEST_PACKAGE_COUNT = {"S": 30, "M": 90, "L": 220}


@dataclass(frozen=True)
class Instance:
    """An instance file, with what the report groups by."""

    path: Path
    name: str
    size: str
    style: str
    packages: int
    associates: int
    digest: str

    @classmethod
    def read(cls, path: Path) -> Instance:
        """Read and name the file; a file of another format is refused."""
        raw = path.read_bytes()
        content = json.loads(raw)
        if content.get("format") != "store-evening/1":
            raise ValueError(f"{path}: 'format' is {content.get('format')!r}, expected 'store-evening/1'")
        packages = len(content["packages"])
        size = next((name for name, largest in LARGEST_PACKAGE_COUNT.items() if packages <= largest), "XL")
        return cls(
            path=path.resolve(),
            name=content.get("name", path.stem),
            size=size,
            style=content.get("style", "std"),
            packages=packages,
            associates=len(content["associates"]),
            digest=hashlib.sha256(raw).hexdigest()[:12],
        )


@dataclass(frozen=True)
class Solver:
    """A solver and the Python it runs in; `version` is None when it is not there, and `missing` says why."""

    name: str
    python: str
    version: str | None
    missing: str = ""

    def command(self, instance: Instance, seconds: float, seed: int) -> list[str]:
        """The command that prints a plan for one instance."""
        module = ["deliveries.planner"] if self.name == OURS else ["benchmarks.planner.peers", self.name]
        limits = ["--time", f"{seconds:g}", "--seed", str(seed)]
        return [self.python, "-m", *module, str(instance.path), *limits]


@dataclass(frozen=True)
class Job:
    """One measurement to take."""

    instance: Instance
    solver: Solver
    limit_s: float
    seed: int

    @property
    def key(self) -> tuple:
        """What makes two measurements the same."""
        return (self.instance.digest, self.solver.name, self.solver.version, float(self.limit_s), self.seed)


@dataclass
class Measurement:
    """One finished run.

    `status`: "ok", "invalid" (a rule is broken), "crashed" or "late" (ended after the limit and `GRACE_S`).
    `finished` means the solver stopped by itself: with more time it would have returned the same.  `solver_s` is its
    own clock around the search, `wall_s` the whole process.  `objective_ticks` comes from the checker.
    """

    instance: str
    digest: str
    size: str
    style: str
    packages: int
    associates: int
    solver: str
    version: str
    limit_s: float
    seed: int
    status: str
    objective_ticks: int | None = None
    bound_ticks: int | None = None
    proved: bool = False
    finished: bool = False
    delivered: int = 0
    solver_s: float | None = None
    wall_s: float = 0.0
    peak_mb: int = 0
    load_before: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple:
        """The same as its job's."""
        return (self.digest, self.solver, self.version, float(self.limit_s), self.seed)


def find_solvers(ours_python: str, peers_python: str) -> list[Solver]:
    """All solvers, ours first, each with its version or with the reason why it cannot run."""
    planner = REPO / "deliveries" / "planner"
    if (planner / "__main__.py").exists():
        source = hashlib.sha256()
        for path in sorted(planner.rglob("*.py")):
            source.update(path.read_bytes())
        solvers = [Solver(OURS, ours_python, source.hexdigest()[:8])]
    else:
        solvers = [Solver(OURS, ours_python, None, "deliveries/planner has no command yet")]
    for peer in PEERS.values():
        probe = f"import {peer.imports}, importlib.metadata as m; print(m.version({peer.distribution!r}))"
        answer = subprocess.run([peers_python, "-c", probe], capture_output=True, text=True)
        version = answer.stdout.strip() if answer.returncode == 0 else None
        reason = "" if version else (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        solvers.append(Solver(peer.name, peers_python, version, reason))
    return solvers


def read(results: Path) -> list[Measurement]:
    """The measurements so far; a line cut off when the machine went down is skipped, and said."""
    if not results.exists():
        return []
    measurements = []
    for number, line in enumerate(results.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            measurements.append(Measurement(**json.loads(line)))
        except (ValueError, TypeError) as error:
            sys.stderr.write(f"{results}:{number}: not a measurement, skipped ({error})\n")
    return measurements


def append(results: Path, measurement: Measurement) -> None:
    """Add one line, complete on disk before the next measurement starts."""
    results.parent.mkdir(parents=True, exist_ok=True)
    cut_off = results.exists() and not results.read_bytes().endswith(b"\n")
    with results.open("a", encoding="utf-8") as out:
        out.write("\n" * cut_off + json.dumps(asdict(measurement)) + "\n")
        out.flush()
        os.fsync(out.fileno())


def missing(jobs: list[Job], done: list[Measurement]) -> Iterator[Job]:
    """The jobs nobody has measured yet, looking at `done` anew before each, so that it may grow meanwhile.

    A run that finished by itself at a shorter limit answers the longer ones too (see `Measurement.finished`); one that
    crashed is tried again.
    """
    for job in jobs:
        answered = any(
            (one.key == job.key and one.status != "crashed")
            or (one.finished and one.limit_s < job.limit_s and one.key[:3] == job.key[:3] and one.seed == job.seed)
            for one in done
        )
        if not answered:
            yield job


def run(job: Job) -> Measurement:
    """Run one solver once and check its plan against the rules."""
    load = os.getloadavg()[0]
    started = time.perf_counter()
    code, out, complaint, peak_mb = _process(job.solver.command(job.instance, job.limit_s, job.seed), job.limit_s)
    measurement = Measurement(
        instance=job.instance.name,
        digest=job.instance.digest,
        size=job.instance.size,
        style=job.instance.style,
        packages=job.instance.packages,
        associates=job.instance.associates,
        solver=job.solver.name,
        version=job.solver.version or "",
        limit_s=float(job.limit_s),
        seed=job.seed,
        status="ok",
        wall_s=round(time.perf_counter() - started, 3),
        peak_mb=peak_mb,
        load_before=round(load, 2),
    )
    if code is None:
        measurement.status, measurement.errors = "late", [f"ended {GRACE_S:g} s after its limit"]
        return measurement
    try:
        if code != 0:
            raise ValueError(f"exit code {code}")
        if not out.lstrip().startswith("{"):
            raise ValueError(f"printed no plan but {out[:80]!r}")
        plan = json.loads(out)
    except ValueError as error:
        measurement.status = "crashed"
        measurement.errors = [str(error), *complaint.strip().splitlines()[-3:]]
        return measurement
    _judge(job, plan, measurement)
    return measurement


def _judge(job: Job, plan: dict, measurement: Measurement) -> None:
    verdict = check(json.loads(job.instance.path.read_text(encoding="utf-8")), plan)
    model_ticks = plan.get("model_ticks", plan.get("objective_ticks"))
    if model_ticks is not None and model_ticks != verdict.objective_ticks:
        verdict.errors.append(f"the solver counts {model_ticks} ticks, the checker {verdict.objective_ticks}")
    measurement.objective_ticks = verdict.objective_ticks
    measurement.delivered = verdict.delivered
    measurement.bound_ticks = None if plan.get("bound_ticks") is None else math.floor(plan["bound_ticks"])
    measurement.proved = measurement.bound_ticks == verdict.objective_ticks
    measurement.finished = bool(plan.get("finished")) or (plan.get("status") == "optimal" and measurement.proved)
    measurement.solver_s = plan.get("seconds")
    if not verdict.valid:
        measurement.status, measurement.errors = "invalid", verdict.errors[:5]


def _process(command: list[str], limit_s: float) -> tuple[int | None, str, str, int]:
    """Exit code (None: ended as late), output, complaints, peak memory in MB of a command held to `CORES` cores."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    environment = os.environ | {name: str(CORES) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            command,
            cwd=REPO,
            stdout=out,
            stderr=complaints,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            code, peak_mb = _wait(process, limit_s + GRACE_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if code is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        complaints.seek(0)
        return code, out.read(), complaints.read(), peak_mb


def _wait(process: subprocess.Popen, patience_s: float) -> tuple[int | None, int]:
    """Like `Popen.wait`, but `wait4` also tells the peak memory of this very process."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_maxrss // 1024
        time.sleep(0.005)
    return None, 0
