"""Seconds and metres into cents. Everything is rounded up to the next cent, in the associate's favour."""

from __future__ import annotations

from fractions import Fraction

METRES_PER_MILE_THOUSANDTHS = 1_609_344  # one international mile is 1609.344 m, exactly


def up(numerator: int, denominator: int) -> int:
    """`numerator / denominator`, rounded up."""
    return -(-numerator // denominator)


def up_cents(amount: Fraction) -> int:
    """An exact amount in cents, rounded up."""
    return up(amount.numerator, amount.denominator)


def time_cents(seconds: int, hourly_cents: int) -> int:
    """Pay for `seconds`, in cents, rounded up."""
    return up(seconds * hourly_cents, 3600)


def mileage_cents(metres: int, tenth_cents_a_mile: int) -> int:
    """Mileage for `metres`, in cents, rounded up. 72.5 ¢ a mile (725) is the IRS business rate for 2026."""
    return up(metres * tenth_cents_a_mile * 1000, METRES_PER_MILE_THOUSANDTHS * 10)
