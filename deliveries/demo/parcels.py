"""Weights and sizes of demo packages: drawn from a formula, because the real table behind it may not be shipped. Pure.

The formula meets the published summary of 32,945 e-commerce items (Olist, Brazil, 2016-2018): weight median 0.70 kg,
90th percentile 6.3 kg, 99th 22.5 kg; volume median 6.8 l, 90th 41 l, 99th 136 l; heavy things are large. Not one row
of that table is here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

Z90, Z99 = NormalDist().inv_cdf(0.90), NormalDist().inv_cdf(0.99)
WEIGHT_G = (700.0, 6_300.0, 22_500.0)
VOLUME_ML = (6_800.0, 41_000.0, 136_000.0)
# The summary says neither how heavy goes with large nor what is below the median; these two are our own guess.
WEIGHT_WITH_VOLUME = 0.8
BELOW_MEDIAN = 1.0
# What a store hands out at its bay: heavier or larger comes on a pallet.
MOST_G, MOST_ML = 40_000, 300_000
DENSEST_G_PER_ML = 2.5  # a box of floor tiles


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box: grams, millimetres, the longest side first."""

    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


def quantile(z: float, summary: tuple[float, float, float]) -> float:
    """The value at `z` standard deviations: log-linear through the median, the 90th and the 99th percentile.

    ln q(z) = ln q50 + s·z with one slope s a piece: below the median, up to the 90th, beyond it.
    """
    q50, q90, q99 = summary
    if z <= 0:
        return q50 * math.exp(BELOW_MEDIAN * z)
    if z <= Z90:
        return q50 * math.exp(math.log(q90 / q50) / Z90 * z)
    return q90 * math.exp(math.log(q99 / q90) / (Z99 - Z90) * (z - Z90))


def draw(rng: Random) -> Parcel:
    """One parcel at random: weight and volume by a Gaussian copula, sides by a random shape of that volume."""
    heavy = rng.gauss(0, 1)
    large = WEIGHT_WITH_VOLUME * heavy + math.sqrt(1 - WEIGHT_WITH_VOLUME**2) * rng.gauss(0, 1)
    weight_g = min(quantile(heavy, WEIGHT_G), MOST_G)
    volume_ml = min(max(quantile(large, VOLUME_ML), weight_g / DENSEST_G_PER_ML), MOST_ML)
    return boxed(rng, weight_g, volume_ml)


def too_big(rng: Random) -> Parcel:
    """A television or a shelf: longer than any trunk in the demo, so it is for the carrier."""
    return Parcel(
        rng.randrange(18_000, 32_000, 100), rng.randrange(1_500, 1_800, 10), rng.randrange(850, 1_000, 10), 220
    )


def boxed(rng: Random, weight_g: float, volume_ml: float) -> Parcel:
    """A box of `volume_ml`, its sides in a random proportion, to the half centimetre."""
    wide, high = rng.uniform(0.55, 0.95), rng.uniform(0.25, 0.70)
    length = (volume_ml * 1000 / (wide * high)) ** (1 / 3)
    sides = sorted((max(20, round(side / 5) * 5) for side in (length, length * wide, length * high)), reverse=True)
    return Parcel(max(50, round(weight_g, -1)), *sides)  # type: ignore[arg-type]
