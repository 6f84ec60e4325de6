"""Tolls in the completion bounds: whatever they are, no bundle is lost and no bound falls below a profit."""

from __future__ import annotations

import numpy as np
import pytest

from deliveries.planner import sample
from deliveries.planner.bundles import Pricer, Prices
from deliveries.planner.compiled import Kernels
from deliveries.planner.model import Model
from deliveries.planner.plan import Stop

NO_CUTS = np.zeros((0, 3), dtype=np.int64), np.zeros(0, dtype=np.int64)


def pricers(kernels: Kernels, seed: int, style: sample.Style) -> tuple[Model, list[Pricer], Prices]:
    """The pricers of a made-up evening, and prices somewhere below what stops bring."""
    model = Model(sample.evening(seed, packages=60, associates=12, style=style, radius_m=9000))
    floor = np.empty(model.size + 1, dtype=np.int64)
    kernels.insertion_floor(model.drive, model.service, floor)
    random = np.random.default_rng(seed)
    prices = (model.value * random.uniform(0.0, 0.5, model.size + 1)).astype(np.int64)
    prices[0] = 0
    people = [Pricer(model, kernels, a, floor, Stop.never()) for a in range(len(model.packages))]
    return model, people, Prices(prices, *NO_CUTS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_tolls_list_the_same_bundles(kernels: Kernels, seed: int) -> None:
    _, people, prices = pricers(kernels, seed, "std")
    random = np.random.default_rng(seed)
    seen = 0
    for pricer in people:
        plain = pricer.price(prices, 1500, limit=1 << 40, listing=True)
        pricer._tax(random.integers(0, 2000, 3))
        assert pricer.bound(prices) >= plain.profits.max(initial=0)
        tolled = pricer.price(prices, 1500, limit=1 << 40, listing=True)
        assert plain.exact
        assert tolled.exact
        as_sets = [
            {(frozenset(r), p) for r, p in zip(f.routes.tolist(), f.profits.tolist(), strict=True)}
            for f in (plain, tolled)
        ]
        assert as_sets[0] == as_sets[1]
        seen += len(plain.profits)
    assert seen > 50


def test_tuned_tolls_lower_the_bound_where_weight_binds(kernels: Kernels) -> None:
    model, people, prices = pricers(kernels, 5, "std")
    lower = 0
    for pricer in people:
        model.weight_cap[pricer.associate] = 2 * int(model.weight.max())
        plain = pricer.bound(prices)
        best = int(pricer.price(prices, 0, limit=1 << 40).profits.max(initial=0))
        pricer._tune(prices)
        tuned = pricer.bound(prices)
        assert best <= tuned <= plain
        lower += tuned < plain
    assert lower > 0
