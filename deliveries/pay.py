"""What a trip pays: the quote before, the settlement after. Integer cents, no Django, no clock.

Paid time runs from the end of the shift to the last drop-off: loading, waiting, driving and service are all in it
(design, section 10). Everything is rounded up to the next cent, in the associate's favour. Not legal advice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

METRES_PER_MILE_THOUSANDTHS = 1_609_344  # one international mile is 1609.344 m, exactly

LineKind = Literal["packages", "time", "mileage"]


@dataclass(frozen=True, slots=True)
class Rates:
    """The rule a quote is made by. `version` names it for good: a store's number and the date it took effect."""

    version: str
    hourly_cents: int
    per_package_cents: int
    mileage_tenth_cents: int
    last_leg_paid: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote. `quantity` counts packages, seconds or metres; `rate` is cents, cents an hour, or tenths
    of a cent a mile."""

    kind: LineKind
    quantity: int
    rate: int
    cents: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A promise in figures. Frozen when it is sent; `digest` tells whether a later copy is the same promise.

    `packages` are ids in visit order. `extra_s` and `extra_m` are against the solo drive home.
    """

    version: str
    packages: tuple[int, ...]
    extra_s: int
    extra_m: int
    lines: tuple[Line, ...]

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)

    @property
    def paid_s(self) -> int:
        return sum(line.quantity for line in self.lines if line.kind == "time")

    @property
    def cents_per_extra_hour(self) -> int | None:
        """What one hour more than the drive home brings, in cents; None when the detour takes no time."""
        return self.cents * 3600 // self.extra_s if self.extra_s > 0 else None

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "packages": list(self.packages),
            "extra_s": self.extra_s,
            "extra_m": self.extra_m,
            "lines": [asdict(line) for line in self.lines],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quote:
        """The quote that `to_json` made. Raises KeyError or TypeError on anything else."""
        return cls(
            version=data["version"],
            packages=tuple(data["packages"]),
            extra_s=data["extra_s"],
            extra_m=data["extra_m"],
            lines=tuple(Line(**line) for line in data["lines"]),
        )


def _up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def time_cents(seconds: int, hourly_cents: int) -> int:
    """Pay for `seconds`, in cents, rounded up."""
    return _up(seconds * hourly_cents, 3600)


def mileage_cents(metres: int, tenth_cents_a_mile: int) -> int:
    """Mileage for `metres`, in cents, rounded up. 72.5 ¢ a mile (725) is the IRS business rate for 2026."""
    return _up(metres * tenth_cents_a_mile * 1000, METRES_PER_MILE_THOUSANDTHS * 10)


def _lines(rates: Rates, count: int, paid_s: int, paid_m: int) -> tuple[Line, ...]:
    return (
        Line("packages", count, rates.per_package_cents, count * rates.per_package_cents),
        Line("time", paid_s, rates.hourly_cents, time_cents(paid_s, rates.hourly_cents)),
        Line("mileage", paid_m, rates.mileage_tenth_cents, mileage_cents(paid_m, rates.mileage_tenth_cents)),
    )


def quote(rates: Rates, packages: Sequence[int], *, paid_s: int, paid_m: int, extra_s: int, extra_m: int) -> Quote:
    """The quote for one trip.

    Args:
        packages: package ids in visit order, at least one.
        paid_s: seconds from the end of the shift to the last drop-off, loading and service in it (to home where
            `rates.last_leg_paid`).
        paid_m: metres of the same legs.
        extra_s, extra_m: seconds and metres more than driving home at once; may be 0, never below.

    Raises ValueError for no packages, or a negative time or distance.
    """
    if not packages or len(set(packages)) != len(packages):
        raise ValueError("A quote needs at least one package, each once.")
    if min(paid_s, paid_m) < 0:
        raise ValueError(f"Paid time and distance cannot be negative: {paid_s} s, {paid_m} m.")
    return Quote(
        rates.version, tuple(packages), max(0, extra_s), max(0, extra_m), _lines(rates, len(packages), paid_s, paid_m)
    )


def raised(new: Quote, old: Quote) -> Quote:
    """`new`, with no line below `old`'s: a trip that grows never pays less for anything than was promised before."""
    before = {line.kind: line for line in old.lines}
    lines = tuple(
        replace(line, quantity=max(line.quantity, prior.quantity), cents=max(line.cents, prior.cents))
        if (prior := before.get(line.kind))
        else line
        for line in new.lines
    )
    return replace(new, lines=lines)


def waiting(promised: Quote, *, worked_s: int) -> tuple[Line, ...]:
    """Pay for a trip that ended before it left the store: every second after the shift, at the promised hourly rate."""
    return tuple(
        replace(line, quantity=worked_s, cents=time_cents(worked_s, line.rate))
        for line in promised.lines
        if line.kind == "time" and worked_s > 0
    )


def settle(promised: Quote, *, worked_s: int, driven_m: int) -> tuple[Line, ...]:
    """What the trip pays in the end: every line as promised, or more where the work was really more.

    Args:
        promised: the frozen quote.
        worked_s: seconds from the end of the shift to the last drop-off or return, as they were.
        driven_m: metres of the legs really driven for the store, returns in them.

    Line by line the greater of promise and fact, at the promised rates, so the sum is never below the quote.
    """
    facts: dict[LineKind, int] = {"time": worked_s, "mileage": driven_m}
    settled = []
    for line in promised.lines:
        quantity = max(line.quantity, facts.get(line.kind, line.quantity))
        if line.kind == "time":
            cents = time_cents(quantity, line.rate)
        elif line.kind == "mileage":
            cents = mileage_cents(quantity, line.rate)
        else:
            cents = quantity * line.rate
        settled.append(replace(line, quantity=quantity, cents=max(line.cents, cents)))
    return tuple(settled)
