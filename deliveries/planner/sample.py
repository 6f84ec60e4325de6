"""Made-up store evenings for tests, benchmarks and the national rehearsal: no real person, address or order.

A store with towns around it; packages and homes cluster in the towns. Drive times follow the power law of
``deliveries.travel`` (t = 2.31 d^0.669, metres to seconds) times a factor of each pair and direction, so the matrix is
mildly asymmetric like a real one.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from deliveries.planner.problem import Associate, Package, Params, Problem

Style = Literal["std", "gen"]


def evening(seed: int, *, packages: int, associates: int, style: Style = "std", radius_m: float = 22_000) -> Problem:
    """A synthetic evening. ``style``: 'std' for usual limits (1-5 packages, 10-30 min), 'gen' for generous ones."""
    random = np.random.default_rng([seed, packages, associates])
    towns = random.uniform(3, 9)
    centres = random.normal(0, radius_m / 2.2, (int(towns), 2))
    spread = random.uniform(0.08, 0.25, int(towns)) * radius_m

    def places(n: int) -> np.ndarray:
        town = random.integers(0, len(centres), n)
        near = centres[town] + random.normal(0, 1, (n, 2)) * spread[town][:, None]
        anywhere = random.normal(0, radius_m / 2, (n, 2))
        return np.where(random.random(n)[:, None] < 0.75, near, anywhere)

    points = np.concatenate((np.zeros((1, 2)), places(packages), places(associates)))
    metres = np.linalg.norm(points[: 1 + packages, None, :] - points[None, :, :], axis=2)
    seconds = 2.31 * metres**0.669 * random.normal(1, 0.04, metres.shape).clip(0.85, 1.15)
    generous = style == "gen"

    def pick(values: list[int]) -> int:
        return int(random.choice(values))

    return Problem(
        params=Params(service_s=150, load_s=300, base_pay_cents=200, pay_cents_per_detour_minute=30),
        packages=tuple(_package(random, k) for k in range(packages)),
        associates=tuple(
            Associate(
                id=f"A{k + 1:03d}",
                shift_end_s=3600 * 16 + 1800 * pick(list(range(7))),
                max_packages=pick([5, 6, 8, 8, 10] if generous else [1, 2, 3, 3, 4, 5]),
                max_package_weight_g=pick([7000, 11000, 16000, 22700]),
                max_total_weight_g=1000 * int(random.integers(11, 68)),
                max_volume_ml=1000 * pick([60, 120, 250, 400]),
                max_size_class=pick([1, 2, 3]),
                max_detour_s=pick([1800, 2700, 3600] if generous else [600, 900, 1200, 1800]),
            )
            for k in range(associates)
        ),
        time_s=np.rint(seconds).astype(np.int32),
        name=f"{style}-{packages}x{associates}-{seed}",
    )


def _package(random: np.random.Generator, index: int) -> Package:
    size = int(random.choice([0, 1, 2, 3], p=[0.62, 0.25, 0.09, 0.04]))
    return Package(
        id=f"P{index + 1:03d}",
        weight_g=int(np.clip(random.lognormal(7.6, 1.0), 80, 45_000)),
        volume_ml=int(np.clip(random.lognormal(9.4 + 0.6 * size, 0.9), 500, 600_000)),
        size_class=size,
        due_s=int(random.choice([68_400, 72_000, 75_600])),
        saved_cents=int(np.clip(random.normal(560, 60) + 40 * random.lognormal(1.2, 0.7), 400, 1800)),
        associate_ok=bool(random.random() > 0.03),
    )
