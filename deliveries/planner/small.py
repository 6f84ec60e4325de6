"""A small evening needs no compiled code: list every feasible bundle in plain Python and choose among them."""

from __future__ import annotations

import numpy as np

from deliveries.planner.assign import Choice, Pool, choose
from deliveries.planner.model import FAR, Model, Trips
from deliveries.planner.plan import Stop

FEW_PAIRS, FEW_LABELS = 1500, 2000
FEWEST_PAIRS = 400
"""Up to so many this is quicker than compiled code; up to FEW_PAIRS it is what there is without."""


def settle(model: Model, trips: Trips, stop: Stop, *, most_pairs: int = FEW_PAIRS) -> tuple[Pool, Choice] | None:
    """The best choice among all feasible bundles, or None if there are too many to list or no time to.

    ``most_pairs``: of an associate and two stops one after the other that fit its detour.
    """
    pairs, graphs = 0, []
    for a in range(len(model.packages)):
        nodes = np.concatenate(([0], np.flatnonzero(model.possible[a])))
        cost = model.edges(a, nodes)
        np.fill_diagonal(cost, FAR)
        cost[:, 0] = FAR
        if len(nodes) > 1 and int(cost.min()) < 0:
            return None
        limit = np.minimum(model.cap[a, nodes], int(model.by_count[a].max()))
        alone = cost[0] <= limit
        pairs += int((cost[0][:, None] + cost <= limit[None, :])[alone].sum())
        if pairs > most_pairs:
            return None
        graphs.append((nodes, cost, limit))
    pool, labels = Pool(model), 0
    for a, (nodes, cost, limit) in enumerate(graphs):
        found = _bundles(model, a, nodes, cost.tolist(), limit.tolist(), FEW_LABELS - labels, stop)
        if found is None:
            return None
        labels += found[0]
        for route, detour in found[1]:
            pool.add(a, route, model.worth(a, route, detour))
    numbers = [k for k in range(len(pool)) if pool.worths[k] > 0]
    start = []
    for a, route in trips.items():
        driven = model.detour(a, route)
        if driven is not None:
            start.append(pool.add(a, route, model.worth(a, route, driven))[0])
    return pool, choose(model, pool, sorted(set(numbers) | set(start)), stop, start=start)


def _bundles(
    model: Model,
    a: int,
    nodes: np.ndarray,
    cost: list[list[int]],
    limit: list[int],
    most: int,
    stop: Stop,
) -> tuple[int, list[tuple[list[int], int]]] | None:
    """Labels used and every feasible set of stops of associate ``a`` in its shortest order; None past ``most`` labels."""
    count, weight, volume = (x[nodes].tolist() for x in (model.count, model.weight, model.volume))
    packages, kilos, litres = int(model.packages[a]), int(model.weight_cap[a]), int(model.volume_cap[a])
    level: dict[tuple[frozenset[int], int], tuple[int, tuple[int, ...]]] = {(frozenset(), 0): (0, ())}
    shortest: dict[frozenset[int], tuple[int, tuple[int, ...]]] = {}
    labels = 0
    while level:
        following: dict[tuple[frozenset[int], int], tuple[int, tuple[int, ...]]] = {}
        for (inside, last), (at, order) in level.items():
            if stop():
                return None
            legs = cost[last]
            for j in range(1, len(nodes)):
                d = at + legs[j]
                if d > limit[j] or j in inside:
                    continue
                grown = inside | {j}
                known = following.get((grown, j))
                if known is not None and known[0] <= d:
                    continue
                if (
                    sum(count[i] for i in grown) <= packages
                    and sum(weight[i] for i in grown) <= kilos
                    and sum(volume[i] for i in grown) <= litres
                ):
                    following[grown, j] = (d, (*order, j))
        labels += len(following)
        if labels > most:
            return None
        for (inside, _), (d, order) in following.items():
            if inside not in shortest or d < shortest[inside][0]:
                shortest[inside] = (d, order)
        level = following
    return labels, [
        (nodes[list(order)].tolist(), d)
        for inside, (d, order) in shortest.items()
        if d <= model.by_count[a, sum(count[i] for i in inside)]
    ]
