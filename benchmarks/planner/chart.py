"""Draws gap over time, one panel per instance, for the README: light or dark, the colours stand on both."""

from __future__ import annotations

from pathlib import Path

from .peers import OURS
from .report import Report

PANELS = 4
INK = "#77818c"  # about 4:1 on white and on GitHub's dark grey alike
LOOKS = {  # colour, marker: told apart without colour as well
    OURS: ("#e0563f", "o"),
    "PyVRP": ("#3f8fd0", "s"),
    "VROOM": ("#2f9e77", "^"),
    "OR-Tools": ("#a67fd6", "D"),
}
FLOOR_PERCENT = 0.01  # everything below is drawn here, proved optima among it


def draw(report: Report, path: Path) -> bool:
    """Write the picture; False, and no file, if there is nothing to draw yet."""
    panels = _panels(report)
    if not panels:
        return False
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none",  # text stays text: small, sharp, and a reader can search it
            "svg.hashsalt": "planner-gap",
            "font.family": "sans-serif",
            "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
            "font.size": 11,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    from matplotlib import pyplot
    from matplotlib.ticker import FixedLocator, NullLocator

    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(4.8 * columns, 3.0 * rows + 0.6),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for spare in axes.flat[len(panels) :]:
        spare.set_visible(False)
    worst = [
        report.cell(panel, solver, limit) for panel in panels for solver in report.solvers for limit in report.limits
    ]
    ceiling = 1.5 * max([1.0, *(100 * cell.gap_worst for cell in worst if cell and cell.gap_worst is not None)])
    drawn: dict[str, object] = {}
    limits = sorted({limit for panel in panels for limit in report.limits if _measured(report, panel, limit)})
    for axis, instance in zip(axes.flat, panels, strict=False):
        for solver, handle in _curves(axis, report, instance).items():
            drawn.setdefault(solver, handle)
        first = report.of(instance)[0]
        limit_kind = "generous" if first.style == "gen" else "ordinary"
        unproved = "" if report.bound_ticks(instance)[1] else ", to the best plan known"
        axis.set_title(
            f"{first.packages} packages, {first.associates} associates, {limit_kind} limits{unproved}",
            fontsize=11,
            pad=10,
        )
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_ylim(FLOOR_PERCENT * 0.8, ceiling)
        axis.xaxis.set_major_locator(FixedLocator(limits))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticklabels([f"{limit:g}" for limit in limits])
        marks = [mark for mark in (FLOOR_PERCENT, 0.1, 1, 10, 100) if mark <= ceiling]
        axis.yaxis.set_major_locator(FixedLocator(marks))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.set_yticklabels([f"≤ {FLOOR_PERCENT:g} %", *(f"{mark:g} %" for mark in marks[1:])])
        axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.patch.set_alpha(0)
    for axis in axes[-1]:
        axis.set_xlabel("time limit in seconds")
    for axis in axes[:, 0]:
        axis.set_ylabel("gap to the proven bound")
    figure.patch.set_alpha(0)
    order = [solver for solver in report.solvers if solver in drawn]
    figure.legend(
        [drawn[solver] for solver in order], order, loc="outside upper center", ncols=len(order), frameon=False
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, transparent=True, metadata={"Date": None, "Title": "Planner: gap over time"})
    pyplot.close(figure)
    return True


def _measured(report: Report, instance: tuple[str, str], limit: float) -> bool:
    return any(report.cell(instance, solver, limit) for solver in report.solvers)


def _panels(report: Report) -> list[tuple[str, str]]:
    """The largest instances, one of each size and style, the smaller of them first."""
    kinds = {}
    for instance in report.instances:
        first = report.of(instance)[0]
        kinds.setdefault((first.size, first.style), instance)
    return list(kinds.values())[-PANELS:]


def _curves(axis, report: Report, instance: tuple[str, str]) -> dict[str, object]:
    handles = {}
    for solver in report.solvers:
        found = [(limit, report.cell(instance, solver, limit)) for limit in report.limits]
        cells = [(limit, cell) for limit, cell in found if cell is not None and cell.gap is not None]
        if not cells:
            continue
        colour, marker = LOOKS[solver]
        limits = [limit for limit, _ in cells]
        gap, best, worst = (
            [max(FLOOR_PERCENT, 100 * getattr(cell, name)) for _, cell in cells]
            for name in ("gap", "gap_best", "gap_worst")
        )
        axis.fill_between(limits, best, worst, color=colour, alpha=0.18, linewidth=0)
        ours = solver == OURS
        (handles[solver],) = axis.plot(
            limits, gap, color=colour, marker=marker, markersize=6 if ours else 5, linewidth=2.6 if ours else 1.6,
            zorder=3 if ours else 2, clip_on=False,
        )  # fmt: skip
    return handles
