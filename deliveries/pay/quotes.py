"""The promise before the trip and the pay after it, line by line.

Paid time runs from the end of the shift to the last drop-off: loading, waiting, driving and service are all in it
(design, section 10), and the way home where the store pays it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from .money import mileage_cents, time_cents, up
from .week import Week, minimum_top_up, overtime_due, overtime_s

LineKind = Literal["packages", "time", "mileage", "minimum", "overtime"]


@dataclass(frozen=True, slots=True)
class Rates:
    """The rule a quote is made by. `version` names it for good: a store's number and the date it took effect.

    `minimum_cents` is the minimum wage an hour that must stay free and clear, `car_tenth_cents` what a mile costs the
    driver, in tenths of a cent; 0 where a caller has no such rule.
    """

    version: str
    hourly_cents: int
    per_package_cents: int
    mileage_tenth_cents: int
    last_leg_paid: bool = False
    minimum_cents: int = 0
    car_tenth_cents: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote.

    `quantity` counts packages, seconds or metres; `rate` is cents, cents an hour, or tenths of a cent a mile. "minimum"
    tops up to the minimum wage (seconds, the minimum an hour). "overtime" is the premium alone (seconds above forty
    hours, premium an hour): its straight time is in "time".
    """

    kind: LineKind
    quantity: int
    rate: int
    cents: int


# Not part of the promise before they were introduced: left out of the JSON while unset, so that old digests still hold.
_ONLY_WHERE_SET = ("minimum_cents", "car_tenth_cents", "last_leg_s", "last_leg_m", "week")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Quote:
    """A promise in figures. Frozen when it is sent; `digest` tells whether a later copy is the same promise.

    `packages` are ids in visit order. `extra_s` and `extra_m` are against the solo drive home. What settlement needs
    besides the lines is frozen too: the minimum wage, the car's cost a mile, the part of time and distance that is the
    paid way home, and the week before the trip (None: not looked at).
    """

    version: str
    packages: tuple[int, ...]
    extra_s: int
    extra_m: int
    lines: tuple[Line, ...]
    minimum_cents: int = 0
    car_tenth_cents: int = 0
    last_leg_s: int = 0
    last_leg_m: int = 0
    week: Week | None = None

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
    def week_s(self) -> int | None:
        """Hours of the workweek with this trip, in seconds; None where the week was not looked at."""
        return None if self.week is None else self.week.worked_s + self.paid_s

    @property
    def canonical(self) -> str:
        """The promise as one text: JSON in ASCII, keys sorted, no spaces."""
        return _CANONICAL.encode(self.to_json())

    @property
    def digest(self) -> str:
        """SHA-256 of `canonical`, in hex."""
        return digest_of(self.canonical)

    def to_json(self) -> dict[str, Any]:
        # By name, not by dataclasses.asdict: that copies deeply, and a country's quotes took it eight seconds.
        data: dict[str, Any] = {
            "version": self.version,
            "packages": list(self.packages),
            "extra_s": self.extra_s,
            "extra_m": self.extra_m,
            "lines": [
                {"kind": line.kind, "quantity": line.quantity, "rate": line.rate, "cents": line.cents}
                for line in self.lines
            ],
        }
        for name in _ONLY_WHERE_SET:
            if value := getattr(self, name):
                data[name] = asdict(value) if isinstance(value, Week) else value
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quote:
        """The quote that `to_json` made. Raises KeyError or TypeError on anything else."""
        return cls(
            version=data["version"],
            packages=tuple(data["packages"]),
            extra_s=data["extra_s"],
            extra_m=data["extra_m"],
            lines=tuple(Line(**line) for line in data["lines"]),
            week=Week(**data["week"]) if "week" in data else None,
            **{name: data[name] for name in _ONLY_WHERE_SET if name in data and name != "week"},
        )


def digest_of(canonical: str) -> str:
    """SHA-256 in hex of the text that `Quote.canonical` gives."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def quote(
    rates: Rates,
    packages: Sequence[int],
    *,
    paid_s: int,
    paid_m: int,
    extra_s: int,
    extra_m: int,
    last_leg_s: int = 0,
    last_leg_m: int = 0,
    week: Week | None = None,
) -> Quote:
    """The quote for one trip.

    Args:
        packages: package ids in visit order, at least one.
        paid_s: seconds from the end of the shift to the last drop-off, loading and service in it (to home where
            `rates.last_leg_paid`).
        paid_m: metres of the same legs.
        extra_s, extra_m: seconds and metres more than driving home at once; may be 0, never below.
        last_leg_s, last_leg_m: the part of `paid_s` and `paid_m` that is the paid way home.
        week: what was worked in the workweek before; None promises no overtime premium (settlement adds it).

    Raises ValueError for no packages, or a negative time or distance.
    """
    if not packages or len(set(packages)) != len(packages):
        raise ValueError("A quote needs at least one package, each once.")
    if min(paid_s, paid_m) < 0:
        raise ValueError(f"Paid time and distance cannot be negative: {paid_s} s, {paid_m} m.")
    if not (0 <= last_leg_s <= paid_s and 0 <= last_leg_m <= paid_m):
        raise ValueError(f"The paid way home is part of the paid trip: {last_leg_s} of {paid_s} s.")
    terms = Quote(
        version=rates.version,
        packages=tuple(packages),
        extra_s=max(0, extra_s),
        extra_m=max(0, extra_m),
        lines=(),
        minimum_cents=rates.minimum_cents,
        car_tenth_cents=rates.car_tenth_cents,
        last_leg_s=last_leg_s,
        last_leg_m=last_leg_m,
        week=week,
    )
    work = (
        Line("packages", len(packages), rates.per_package_cents, len(packages) * rates.per_package_cents),
        Line("time", paid_s, rates.hourly_cents, time_cents(paid_s, rates.hourly_cents)),
        Line("mileage", paid_m, rates.mileage_tenth_cents, mileage_cents(paid_m, rates.mileage_tenth_cents)),
    )
    return replace(terms, lines=_with_law(terms, work, week))


def _with_law(terms: Quote, work: Sequence[Line], week: Week | None) -> tuple[Line, ...]:
    """The lines of the work, and what the law adds to them: the top-up to the minimum wage, the overtime premium."""
    by_kind = {line.kind: line for line in work}
    time, mileage = by_kind.get("time"), by_kind.get("mileage")
    paid_s = time.quantity if time else 0
    wages = sum(line.cents for line in work if line.kind in ("packages", "time"))
    top_up = minimum_top_up(
        paid_s=paid_s,
        wages_cents=wages,
        paid_m=mileage.quantity if mileage else 0,
        mileage_paid_cents=mileage.cents if mileage else 0,
        minimum_cents=terms.minimum_cents,
        car_tenth_cents=terms.car_tenth_cents,
    )
    lines = list(work)
    if top_up:
        lines.append(Line("minimum", paid_s, terms.minimum_cents, top_up))
    if week is not None:
        # The top-up makes good what the car cost; it is no pay for work, yet counted, in the associate's favour.
        premium = overtime_due(week, paid_s, wages + top_up)
        beyond_s = overtime_s(week.worked_s, paid_s)
        if premium:
            lines.append(Line("overtime", beyond_s, up(premium * 3600, beyond_s), premium))
    return tuple(lines)


def _at_least(lines: Sequence[Line], floor: Sequence[Line]) -> tuple[Line, ...]:
    """`lines` with none below the line of its kind in `floor`, and with those of `floor` that it lacks."""
    before = {line.kind: line for line in floor}
    kept = [
        replace(line, quantity=max(line.quantity, prior.quantity), cents=max(line.cents, prior.cents))
        if (prior := before.pop(line.kind, None))
        else line
        for line in lines
    ]
    return (*kept, *before.values())


def raised(new: Quote, old: Quote) -> Quote:
    """`new`, with no line below `old`'s: a trip that grows never pays less for anything than was promised before."""
    return replace(new, lines=_at_least(new.lines, old.lines))


def waiting(promised: Quote, *, worked_s: int, week: Week | None = None) -> tuple[Line, ...]:
    """Pay for a trip that ended before it left the store: every second after the shift, at the promised hourly rate.

    `week` as in `settle`: waiting is working time, so it may be overtime too.
    """
    time = tuple(
        replace(line, quantity=worked_s, cents=time_cents(worked_s, line.rate))
        for line in promised.lines
        if line.kind == "time" and worked_s > 0
    )
    return _with_law(promised, time, week or promised.week) if time else ()


def settle(promised: Quote, *, worked_s: int, driven_m: int, week: Week | None = None) -> tuple[Line, ...]:
    """What the trip pays in the end: every line as promised, or more where the work was really more.

    Args:
        promised: the frozen quote.
        worked_s: seconds from the end of the shift to the last drop-off or return, as they were.
        driven_m: metres of the legs really driven for the store, returns in them; without the way home.
        week: what the workweek held before this trip, as it is known now; None takes the week of the quote.

    The paid way home comes on top, as promised: nobody measures it. Line by line the greater of promise and fact, at
    the promised rates, so the sum is never below the quote. A premium or top-up that turns out due is a new line.
    """
    facts = {"time": worked_s + promised.last_leg_s, "mileage": driven_m + promised.last_leg_m}
    work = []
    for line in promised.lines:
        if line.kind in ("minimum", "overtime"):
            continue
        quantity = max(line.quantity, facts.get(line.kind, line.quantity))
        if line.kind == "time":
            cents = time_cents(quantity, line.rate)
        elif line.kind == "mileage":
            cents = mileage_cents(quantity, line.rate)
        else:
            cents = quantity * line.rate
        work.append(replace(line, quantity=quantity, cents=max(line.cents, cents)))
    return _at_least(_with_law(promised, work, week or promised.week), promised.lines)
