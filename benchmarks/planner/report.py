"""Turns measurements into a Markdown table: medians over the seeds, gap to the best proven bound."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from .measure import Measurement, Solver
from .peers import OURS, PEERS

SIZES = ("S", "M", "L", "XL")
TICKS_PER_DOLLAR = 6000


@dataclass(frozen=True)
class Cell:
    """One solver on one instance within one limit: medians over `runs` seeds, of which `bad` gave no valid plan.

    `gap`, `gap_best` and `gap_worst` are shares of the bound, None without a bound or a valid plan.
    """

    runs: int
    bad: int
    proved: int
    objective_ticks: float | None
    gap: float | None
    gap_best: float | None
    gap_worst: float | None
    solver_s: float | None
    wall_s: float


class Report:
    """The measurements of one comparison.

    Of each solver only the version measured last counts.  The bound of an instance is the lowest one ours proved; where
    it proved none, the gap is to the best plan known and `bound_is_proved` says so.
    """

    def __init__(self, measurements: list[Measurement], solvers: list[Solver]) -> None:
        self.version = {one.solver: one.version for one in measurements}  # the last line wins
        self.outdated = sum(one.version != self.version[one.solver] for one in measurements)
        current = [one for one in measurements if one.version == self.version[one.solver]]
        self.current = list({one.key: one for one in current}.values())  # a second try replaces a crash
        self.absent = {solver.name: solver.missing for solver in solvers if solver.version is None}
        self.solvers = [name for name in (OURS, *PEERS) if name in self.version or name in self.absent]
        self.instances = list(dict.fromkeys((one.instance, one.digest) for one in sorted(self.current, key=_by_size)))
        self.limits = sorted({one.limit_s for one in self.current})

    def of(self, instance: tuple[str, str], solver: str | None = None) -> list[Measurement]:
        """The measurements of one instance, of one solver if named."""
        return [one for one in self.current if one.digest == instance[1] and solver in (None, one.solver)]

    def bound_ticks(self, instance: tuple[str, str]) -> tuple[int, bool]:
        """The lowest bound ours proved and True; the best valid plan and False where nothing is proved."""
        bounds = [
            one.bound_ticks for one in self.of(instance, OURS) if one.bound_ticks is not None and one.status == "ok"
        ]
        if bounds:
            return min(bounds), True
        return max((one.objective_ticks or 0 for one in self.of(instance) if one.status == "ok"), default=0), False

    def broken_bounds(self) -> list[str]:
        """Valid plans worth more than a bound somebody proved: if there is one, the proof is wrong."""
        found = []
        for instance in self.instances:
            bound, proved = self.bound_ticks(instance)
            found += [
                f"{one.instance}: {one.solver} found {one.objective_ticks} ticks, over the proven bound {bound}"
                for one in self.of(instance)
                if proved and one.status == "ok" and (one.objective_ticks or 0) > bound
            ]
        return found

    def cell(self, instance: tuple[str, str], solver: str, limit_s: float) -> Cell | None:
        """The medians, or None if nothing was measured.

        A run that ended by itself within a shorter limit stands for this limit too.
        """
        runs: dict[int, Measurement] = {}
        for one in sorted(self.of(instance, solver), key=lambda one: one.limit_s):
            if one.limit_s == limit_s or (one.finished and one.limit_s < limit_s):
                runs[one.seed] = one
        if not runs:
            return None
        good = [one for one in runs.values() if one.status == "ok" and one.objective_ticks is not None]
        bound, _ = self.bound_ticks(instance)
        gaps = [(bound - one.objective_ticks) / bound for one in good] if bound > 0 else [0.0 for _ in good]
        seconds = [one.solver_s for one in good if one.solver_s is not None]
        return Cell(
            runs=len(runs),
            bad=len(runs) - len(good),
            proved=sum(one.proved for one in good),
            objective_ticks=median(one.objective_ticks for one in good) if good else None,
            gap=median(gaps) if good else None,
            gap_best=min(gaps, default=None),
            gap_worst=max(gaps, default=None),
            solver_s=median(seconds) if seconds else None,
            wall_s=median(one.wall_s for one in runs.values()),
        )

    def markdown(self) -> str:
        """The whole report."""
        if not self.current:
            return "Nothing measured yet.\n"
        lines = [*self._head(), ""]
        for instance in self.instances:
            lines += [*self._instance(instance), ""]
        trouble = [
            f"- {one.instance}, {one.solver}, {one.limit_s:g} s, seed {one.seed}: {one.status}: {'; '.join(one.errors)}"
            for one in self.current
            if one.status != "ok"
        ]
        trouble += [f"- WRONG BOUND: {line}" for line in self.broken_bounds()]
        return "\n".join([*lines, *(["### Trouble", "", *trouble, ""] if trouble else [])])

    def _head(self) -> list[str]:
        versions = ", ".join(f"{name} {self.version[name]}" for name in self.solvers if name in self.version)
        lines = [
            "Each cell: gap to the bound · objective · the solver's own seconds (seconds of the whole process), medians",
            f"over the seeds. {versions}.",
        ]
        for name, reason in self.absent.items():
            lines.append(f"**{name} is not installed here** ({reason}).")
        if self.outdated:
            lines.append(f"{self.outdated} measurements of earlier versions are left out.")
        busy = sum(one.load_before > 3 for one in self.current)
        if busy:
            lines.append(f"{busy} of {len(self.current)} measurements started on a machine busy with other work.")
        return lines

    def _instance(self, instance: tuple[str, str]) -> list[str]:
        first = self.of(instance)[0]
        bound, proved = self.bound_ticks(instance)
        limits = [limit for limit in self.limits if any(self.cell(instance, name, limit) for name in self.solvers)]
        kind = "proven bound" if proved else "best plan known, no bound proved: gaps are at least"
        lines = [
            f"### {first.instance}: {first.packages} packages, {first.associates} associates, "
            f"{kind} ${bound / TICKS_PER_DOLLAR:,.2f}",
            "",
            "| solver |" + "".join(f" {limit:g} s |" for limit in limits),
            "|---|" + "---|" * len(limits),
        ]
        for name in self.solvers:
            if name in self.absent and not self.of(instance, name):
                cells = ["not installed"] * len(limits)
            else:
                cells = [_cell_text(self.cell(instance, name, limit)) for limit in limits]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        return lines


def _cell_text(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    if cell.gap is None or cell.objective_ticks is None:
        return f"no valid plan ({cell.bad} of {cell.runs})"
    text = f"{100 * cell.gap:.2f} % · ${cell.objective_ticks / TICKS_PER_DOLLAR:,.2f}"
    if cell.solver_s is not None:
        text += f" · {cell.solver_s:.2f} s ({cell.wall_s:.2f} s)"
    if cell.proved:
        text += f" · proved {cell.proved}/{cell.runs}"
    if cell.bad:
        text += f" · {cell.bad} of {cell.runs} without a valid plan"
    if cell.runs < 3:
        text += f" · {cell.runs} run{'s' if cell.runs > 1 else ''}"
    return text


def _by_size(one: Measurement) -> tuple:
    return (SIZES.index(one.size), one.style != "std", one.instance)
