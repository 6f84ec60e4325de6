"""What the planner answers: a plan with its proof, reasons for what was left out, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class AssociateReason(StrEnum):
    """Why an associate has no trip in the plan."""

    NO_PACKAGES = "no_packages"
    LIMIT_IS_ZERO = "limit_is_zero"
    NO_PATH = "no_path"
    BLOCKED = "blocked"
    NONE_WITHIN_DETOUR = "none_within_detour"
    HOME_TOO_LATE = "home_too_late"
    ALL_TOO_HEAVY = "all_too_heavy"
    ALL_TOO_LARGE = "all_too_large"
    ALL_PAST_DUE = "all_past_due"
    BELOW_FLOOR = "below_floor"
    NONE_WORTH_IT = "none_worth_it"
    WENT_TO_OTHERS = "went_to_others"


class PackageReason(StrEnum):
    """Why a package is in no trip of the plan."""

    NOT_FOR_ASSOCIATES = "not_for_associates"
    NO_ASSOCIATES = "no_associates"
    NO_PATH = "no_path"
    BLOCKED = "blocked"
    OUTSIDE_EVERY_DETOUR = "outside_every_detour"
    TOO_HEAVY = "too_heavy"
    TOO_LARGE = "too_large"
    PAST_DUE = "past_due"
    BELOW_FLOOR = "below_floor"
    NOT_WORTH_IT = "not_worth_it"
    TRIPS_FULL = "trips_full"


@dataclass(frozen=True, slots=True)
class Reasons:
    """A code for every associate and every package that the plan leaves out, by id."""

    associates: dict[str, AssociateReason] = field(default_factory=dict)
    packages: dict[str, PackageReason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Trips of one evening. ``routes``: associate id to package ids in the order of the visits; nobody has an empty route.

    ``objective_ticks``: value in 1/60 cents. ``bound_ticks``: proven: no plan is worth more; None if nothing was proven yet.
    ``status``: 'optimal' when both are equal. ``seconds``: wall time used.
    """

    routes: dict[str, list[str]]
    objective_ticks: int
    bound_ticks: int | None
    status: Literal["optimal", "feasible"]
    seconds: float
    reasons: Reasons = field(default_factory=Reasons)

    @property
    def gap(self) -> float | None:
        """How far the plan can be from the best at most, as a share of the bound (0.0 if optimal); None without a bound."""
        if self.bound_ticks is None:
            return None
        return (self.bound_ticks - self.objective_ticks) / self.bound_ticks if self.bound_ticks > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The plan in the plan format of ``store-evening/1``, with the objective and the reasons beside it."""
        return {
            "routes": self.routes,
            "objective_ticks": self.objective_ticks,
            "bound_ticks": self.bound_ticks,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            "reasons": {
                "associates": {name: str(code) for name, code in self.reasons.associates.items()},
                "packages": {name: str(code) for name, code in self.reasons.packages.items()},
            },
        }


class Stopped(Exception):
    """Raised inside the planner when it is time; the best plan and bound so far stand."""


@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop: at ``deadline`` (``time.perf_counter()`` seconds) or as soon as ``asked`` returns true."""

    deadline: float = float("inf")
    asked: Callable[[], bool] | None = None

    @classmethod
    def after(cls, seconds: float, *, asked: Callable[[], bool] | None = None) -> Stop:
        """Stop in so many seconds from now."""
        return cls(time.perf_counter() + seconds, asked)

    @classmethod
    def never(cls) -> Stop:
        """Go on until the plan is proved optimal."""
        return cls()

    def left(self) -> float:
        """Seconds left, 0.0 when it is time."""
        return 0.0 if self.asked is not None and self.asked() else max(0.0, self.deadline - time.perf_counter())

    def __call__(self) -> bool:
        """Whether it is time to stop."""
        return self.left() <= 0.0

    def check(self) -> None:
        """Raise Stopped if it is time to stop."""
        if self():
            raise Stopped
