"""Tiny random evenings of every kind: sane maps and senseless ones, all the optional rules, gaps in the matrix."""

from __future__ import annotations

from random import Random

import numpy as np

from deliveries.planner import Associate, Package, Params, Problem


def evening(seed: int) -> Problem:
    """The tiny evening of that number: at most 5 packages and 3 associates."""
    r = Random(seed)
    m, n = r.randint(0, 5), r.randint(0, 3)
    packages = tuple(
        Package(
            id=f"P{k}",
            weight_g=r.choice([100, 3000, 9000]),
            volume_ml=r.choice([100, 50_000]),
            size_class=r.randint(0, 3),
            due_s=r.choice([3000, 5000, 9000, 90_000]),
            saved_cents=r.choice([100, 300, 500, 900]),
            associate_ok=r.random() > 0.1,
            together=r.choice(["x", "y"]) if r.random() < 0.15 else None,
        )
        for k in range(m)
    )
    return Problem(
        params=Params(
            r.choice([0, 60, 150]), r.choice([0, 300]), r.choice([0, 100, 200]), r.choice([0, 1, 17, 30, 60])
        ),
        packages=packages,
        associates=tuple(_associate(r, k, packages) for k in range(n)),
        time_s=np.array(_matrix(r, m, n), dtype=np.int32).reshape(1 + m, 1 + m + n),
    )


def _associate(r: Random, k: int, packages: tuple[Package, ...]) -> Associate:
    return Associate(
        id=f"A{k}",
        shift_end_s=r.choice([0, 1000, 2000]),
        max_packages=r.choice([0, 1, 2, 3, 5, 8]),
        max_package_weight_g=r.choice([100, 5000, 20_000]),
        max_total_weight_g=r.choice([5000, 12_000, 50_000]),
        max_volume_ml=r.choice([100, 60_000, 10**6]),
        max_size_class=r.randint(0, 3),
        max_detour_s=r.choice([0, 300, 1000, 3000, 10_000]),
        floor_cents_per_hour=r.choice([None, None, 1000, 2500, 6000]),
        home_by_s=r.choice([None, None, 4000, 8000]),
        bonus_cents=r.choice([0, 0, 100]),
        blocked=frozenset(p.id for p in packages if r.random() < 0.1),
    )


def _matrix(r: Random, m: int, n: int) -> list[list[int]]:
    width = 1 + m + n
    if r.random() < 0.6:
        points = [(r.uniform(-1500, 1500), r.uniform(-1500, 1500)) for _ in range(width)]
        rows = [
            [int(((x - u) ** 2 + (y - v) ** 2) ** 0.5 * r.uniform(0.95, 1.05)) for u, v in points]
            for x, y in points[: 1 + m]
        ]
    else:
        rows = [[r.choice([0, r.randint(0, 300), r.randint(0, 2000)]) for _ in range(width)] for _ in range(1 + m)]
    if r.random() < 0.3:
        for _ in range(r.randint(1, 6)):
            rows[r.randrange(1 + m)][r.randrange(width)] = -1
    return rows
