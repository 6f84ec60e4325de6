"""How far planned drives are off, on the excerpt of the real matrix; the whole is `benchmarks/travel`."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.travel import town
from benchmarks.travel.__main__ import by_distance, coverage, measure, written
from benchmarks.travel.arrivals import told
from deliveries.live.window import ESTIMATED, ROUTED


@pytest.fixture(scope="module")
def excerpt() -> town.Town:
    return town.read(*town.EXCERPT)


def test_the_estimate_is_as_good_as_its_docstring_says(excerpt: town.Town) -> None:
    off = excerpt.osrm_s > 0  # two points on one street may be one to a router
    error = np.abs(excerpt.estimate_s[off] / excerpt.osrm_s[off] - 1)
    assert len(excerpt.osrm_s) == 60
    assert 0.10 < np.median(error) < 0.20
    far = by_distance(excerpt, excerpt.osrm_s, excerpt.estimate_s)
    assert far[-1]["median_off"] < far[0]["median_off"], "longer drives are estimated better"
    assert abs(far[-1]["quantiles"][2]) < 0.10


@pytest.mark.parametrize("drives", ["osrm", "valhalla", "planned by osrm"])
def test_nineteen_of_twenty_come_within_their_window(excerpt: town.Town, drives: str) -> None:
    plan = excerpt.osrm_s if drives == "planned by osrm" else excerpt.estimate_s
    real = excerpt.osrm_s if drives == "osrm" else excerpt.valhalla_s
    *_parts, whole = coverage(excerpt, plan, real, told, ROUTED if drives == "planned by osrm" else ESTIMATED)
    assert whole["arrivals"] > 5000
    assert whole["early"] + whole["late"] < 0.05
    assert whole["late"] < 0.04


@pytest.mark.skipif(not town.WHOLE[1].exists(), reason="needs ../shared/data")
def test_the_whole_matrix_is_what_the_results_say() -> None:
    report = measure(town.read(*town.WHOLE))
    assert written(report) == (town.HERE / "results" / "reisterstown.md").read_text()
