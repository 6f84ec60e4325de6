"""How far planned drives are off, and how often an arrival lies in the window that a customer was told.

    python -m benchmarks.travel            measures, prints, writes results/reisterstown.{json,md}
    python -m benchmarks.travel draw       the picture docs/images/travel-error.svg from the results (needs matplotlib)

Half of the points make the tables of `live/window.py` (printed, to be copied there by hand); windows are tried on trips
between the other half.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .town import HERE, WHOLE, Floats, Town, read

RESULTS = HERE / "results"
BINS_KM = (0, 0.5, 1, 2, 4, 8, 16, 30)
SHARES = (0.05, 0.25, 0.50, 0.75, 0.95)
ROWS_S = (120, 240, 480, 720, 1200, 1800, 2700)
TRIPS = 6000


def by_distance(town: Town, real: Floats, plan: Floats) -> list[dict[str, Any]]:
    """Quantiles of plan / real - 1 by great-circle distance: below zero is planned too short."""
    rows = []
    for near, far in itertools.pairwise(BINS_KM):
        inside = (town.straight_m >= 1000 * near) & (town.straight_m < 1000 * far) & ~np.isnan(real) & (real > 0)
        np.fill_diagonal(inside, False)
        if inside.sum() >= 100:
            ratio = plan[inside] / real[inside] - 1
            rows.append(
                {
                    "from_km": near, "to_km": far, "pairs": int(inside.sum()),
                    "quantiles": [round(float(q), 3) for q in np.quantile(ratio, SHARES)],
                    "median_off": round(float(np.median(np.abs(ratio))), 3),
                }
            )  # fmt: skip
    return rows


def spread(town: Town, plan: Floats, real: Floats) -> list[tuple[int, int, int]]:
    """Rows of (seconds planned, early, late): the first and the last tenth of real minus planned driving."""
    from .arrivals import arrivals

    drives = np.array([(one.planned_s, one.drive_s) for one in arrivals(town, plan, real, trips=TRIPS, seed=1)])
    rows = []
    for row in ROWS_S:
        near = (drives[:, 0] > row * 0.82) & (drives[:, 0] < row * 1.22)
        low, high = np.quantile(drives[near, 1] - drives[near, 0], (0.10, 0.90))
        rows.append((row, round(-low), round(high)))
    return rows


def coverage(town: Town, plan: Floats, real: Floats, window: Callable[..., Any], errors: Any) -> list[dict[str, Any]]:
    """By minutes ahead: how often the arrival is inside, before, after the window; and how wide that is."""
    from .arrivals import START, arrivals

    random, rows = np.random.default_rng(3), []
    for one in arrivals(town, plan, real, trips=TRIPS // 3, seed=2):
        offset = random.uniform(0, 300)
        told = window(one, errors, offset)
        at = offset + one.real_s
        opens, closes = (told.opens - START).total_seconds(), (told.closes - START).total_seconds()
        rows.append((one.planned_s + 150 * one.stops, at < opens, at > closes, closes - max(opens, offset)))
    table = np.array(rows, dtype=float)
    found = []
    for low, high in ((0, 5), (5, 10), (10, 20), (20, 40), (40, 90), (0, 90)):
        inside = table[(table[:, 0] >= 60 * low) & (table[:, 0] < 60 * high)]
        found.append(
            {
                "minutes": [low, high], "arrivals": len(inside), "early": round(float(inside[:, 1].mean()), 3),
                "late": round(float(inside[:, 2].mean()), 3), "width_min": round(float(inside[:, 3].mean()) / 60, 1),
            }
        )  # fmt: skip
    return found


def measure(town: Town) -> dict[str, Any]:
    from deliveries.live.window import ESTIMATED, ROUTED

    from .arrivals import before, told

    order = np.random.default_rng(0).permutation(len(town.osrm_s))
    first, second = town.part(order[: len(order) // 2]), town.part(order[len(order) // 2 :])
    e, o, v = second.estimate_s, second.osrm_s, second.valhalla_s
    return {
        "points": len(town.osrm_s),
        "time_to_osrm": by_distance(town, town.osrm_s, town.estimate_s),
        "time_to_valhalla": by_distance(town, town.valhalla_s, town.estimate_s),
        "metres_to_osrm": by_distance(town, town.osrm_m, town.estimate_m),
        "osrm_to_valhalla": by_distance(town, town.valhalla_s, town.osrm_s),
        "spread": {
            "estimate to osrm": spread(first, first.estimate_s, first.osrm_s),
            "estimate to valhalla": spread(first, first.estimate_s, first.valhalla_s),
            "osrm to valhalla": spread(first, first.osrm_s, first.valhalla_s),
        },
        "coverage": {
            "estimated, driven as OSRM says": coverage(second, e, o, told, ESTIMATED),
            "estimated, driven as Valhalla says": coverage(second, e, v, told, ESTIMATED),
            "planned by OSRM, driven as Valhalla says": coverage(second, o, v, told, ROUTED),
            "the rule before, estimated, driven as OSRM says": coverage(second, e, o, before, ESTIMATED),
            "the rule before, estimated, driven as Valhalla says": coverage(second, e, v, before, ESTIMATED),
        },
    }


def written(report: dict[str, Any]) -> str:
    """The report as Markdown tables."""
    lines = [f"Reisterstown, Maryland, {report['points']} points. © OpenStreetMap contributors, ODbL 1.0.", ""]
    titles = {
        "time_to_osrm": "Estimated time against OSRM's", "time_to_valhalla": "Estimated time against Valhalla's",
        "metres_to_osrm": "Estimated length against OSRM's", "osrm_to_valhalla": "OSRM's time against Valhalla's",
    }  # fmt: skip
    for name, title in titles.items():
        lines += [
            f"{title}, by great-circle distance",
            "",
            "| km | drives | 5% | 25% | half | 75% | 95% | median off |",
        ]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for row in report[name]:
            cells = " | ".join(f"{100 * q:+.0f}%" for q in row["quantiles"])
            lines.append(
                f"| {row['from_km']:g}–{row['to_km']:g} | {row['pairs']:,} | {cells} | {100 * row['median_off']:.0f}% |"
            )
        lines.append("")
    lines += ["Real minus planned driving over a trip's legs, seconds (1 in 10 earlier, 1 in 10 later)", ""]
    lines += ["| planned s |" + "".join(f" {name} |" for name in report["spread"])]
    lines += ["|---|" + "---|" * len(report["spread"])]
    for rows in zip(*report["spread"].values(), strict=True):
        lines.append(f"| {rows[0][0]} |" + "".join(f" −{early} … {late:+} |" for _planned, early, late in rows))
    lines += [
        "",
        "Arrivals outside the window, and how wide it is",
        "",
        "| | minutes ahead | arrivals | before it | after it | width, min |",
    ]
    lines += ["|---|---|---|---|---|---|"]
    for name, rows in report["coverage"].items():
        for row in rows:
            low, high = row["minutes"]
            lines.append(
                f"| {name} | {low}–{high} | {row['arrivals']:,} | {100 * row['early']:.1f}% | {100 * row['late']:.1f}% "
                f"| {row['width_min']:.0f} |"
            )
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    if arguments == ["draw"]:
        from .chart import draw

        draw(json.loads((RESULTS / "reisterstown.json").read_text()), HERE.parents[1] / "docs/images/travel-error.svg")
        return
    if not all(path.exists() for path in WHOLE):
        sys.exit(f"Skipped: {WHOLE[1]} is not here. `tests/travel/test_error.py` measures an excerpt of 60 points.")
    os.environ.setdefault("HOMEWARD_ENV", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    report = measure(read(*WHOLE))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "reisterstown.json").write_text(json.dumps(report, indent=1) + "\n")
    text = written(report)
    (RESULTS / "reisterstown.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
