"""Draws a report of `benchmarks.live` for docs/live.md: the colours stand on light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INK, OURS, BARE = "#77818c", "#e0563f", "#3f8fd0"


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the picture: how late a message is, and what it costs, beside the bare server."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none", "svg.hashsalt": "live-load", "font.family": "sans-serif",
            "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "font.size": 11, "axes.edgecolor": INK,
            "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
        }
    )  # fmt: skip
    from matplotlib import pyplot

    rates = sorted(report["ratio"], key=int)
    figure, axes = pyplot.subplots(1, 3, figsize=(9.6, 3.4), width_ratios=[2.2, 1.2, 1], layout="constrained")
    _bars(axes[0], report, [(rate, what) for rate in rates for what in ("p50_ms", "p95_ms", "p99_ms")])
    axes[0].set_title("Publish to page, ms", fontsize=11)
    _bars(axes[1], report, [(rate, "cpu_us_per_message") for rate in rates])
    axes[1].set_title("Processor a message, µs", fontsize=11)
    _bars(axes[2], report, [("", "kb_per_socket")])
    axes[2].set_title("Memory a socket, KB", fontsize=11)
    axes[2].axhline(35, color=INK, linewidth=1, linestyle=":")
    for axis in axes:
        axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.patch.set_alpha(0)
    axes[0].legend(frameon=False, fontsize=9, loc="upper left")
    figure.patch.set_alpha(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, transparent=True, metadata={"Date": None, "Title": "Live pages under load"})
    pyplot.close(figure)


def _bars(axis: Any, report: dict[str, Any], cells: list[tuple[str, str]]) -> None:
    """One pair of bars a (rate, figure)."""
    for shift, (server, colour, name) in enumerate((("homeward", OURS, "Homeward"), ("bare", BARE, "bare server"))):
        found = [(report[server][rate] if rate else report[server])[what] for rate, what in cells]
        at = [place + 0.4 * shift for place in range(len(cells))]
        bars = axis.bar(at, found, width=0.38, color=colour, label=name)
        axis.bar_label(bars, [f"{number:.3g}" for number in found], fontsize=8, color=INK, padding=2)
    labels = [
        f"{what.split('_')[0]}\n{rate}/s" if what.startswith("p") else f"{rate}/s" if rate else ""
        for rate, what in cells
    ]
    axis.set_xticks([place + 0.2 for place in range(len(cells))], labels)
    axis.margins(y=0.15)
