"""Draws the error of planned drives and the width of windows, for docs/travel.md: the colours stand on light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INK = "#77818c"  # about 4:1 on white and on GitHub's dark grey alike
OSRM, VALHALLA, BEFORE = "#e0563f", "#3f8fd0", "#a67fd6"
ALL = [0, 90]


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the picture."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none", "svg.hashsalt": "travel-error", "font.family": "sans-serif",
            "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "font.size": 11, "axes.edgecolor": INK,
            "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
        }
    )  # fmt: skip
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.6, 3.9), layout="constrained")
    _errors(left, report)
    _coverage(right, report)
    for axis in (left, right):
        axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.patch.set_alpha(0)
        axis.legend(frameon=False, fontsize=9)
    figure.patch.set_alpha(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, transparent=True, metadata={"Date": None, "Title": "Drive times: how far they are off"})
    pyplot.close(figure)


def _errors(axis: Any, report: dict[str, Any]) -> None:
    """Estimated against two routers: bands from the 5th to the 95th and 25th to the 75th per cent, the median a line."""
    from matplotlib.ticker import NullLocator

    for key, colour, name in (("time_to_osrm", OSRM, "OSRM"), ("time_to_valhalla", VALHALLA, "Valhalla")):
        rows = report[key]
        middles = [(row["from_km"] + row["to_km"]) / 2 for row in rows]
        five, quarter, half, three, ninety_five = zip(*(row["quantiles"] for row in rows), strict=True)
        axis.fill_between(middles, _percent(five), _percent(ninety_five), color=colour, alpha=0.12, linewidth=0)
        axis.fill_between(middles, _percent(quarter), _percent(three), color=colour, alpha=0.22, linewidth=0)
        axis.plot(middles, _percent(half), color=colour, linewidth=2, marker="o", markersize=4, label=f"against {name}")
    axis.axhline(0, color=INK, linewidth=1)
    axis.set_xscale("log")
    axis.set_ylim(-80, 160)
    axis.set_xticks([0.25, 0.75, 1.5, 3, 6, 12], ["0.25", "0.75", "1.5", "3", "6", "12"])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("great-circle distance, km")
    axis.set_ylabel("estimated time too long by, %")
    axis.set_title("The estimate: median, half and nine tenths of drives", fontsize=11)


def _coverage(axis: Any, report: dict[str, Any]) -> None:
    """How many arrivals are outside the window, by minutes ahead, now and with the rule before."""
    lines = (
        ("estimated, driven as OSRM says", OSRM, "-", "driven as OSRM says"),
        ("estimated, driven as Valhalla says", VALHALLA, "-", "driven as Valhalla says"),
        ("the rule before, estimated, driven as Valhalla says", BEFORE, "--", "the rule before, Valhalla"),
    )
    for key, colour, style, name in lines:
        rows = [row for row in report["coverage"][key] if row["minutes"] != ALL]
        at = range(len(rows))
        outside = [100 * (row["early"] + row["late"]) for row in rows]
        axis.plot(at, outside, style, color=colour, linewidth=2, marker="o", markersize=4, label=name)
    axis.axhline(5, color=INK, linewidth=1, linestyle=":")
    axis.set_xticks(list(at), [f"{low}–{high}" for low, high in (row["minutes"] for row in rows)])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("minutes ahead, as planned")
    axis.set_ylabel("arrivals outside the window, %")
    axis.set_title("The window a customer is told", fontsize=11)


def _percent(shares: Any) -> list[float]:
    return [100 * share for share in shares]
