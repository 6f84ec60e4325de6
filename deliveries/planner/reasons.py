"""Why an associate or a package is not in the plan, as codes: the sentence for people is made where it is shown."""

from __future__ import annotations

import numpy as np

from deliveries.planner.model import FAR, Model
from deliveries.planner.plan import AssociateReason, PackageReason, Reasons

_ASSOCIATE = {
    "blocked": AssociateReason.BLOCKED,
    "path": AssociateReason.NO_PATH,
    "detour": AssociateReason.NONE_WITHIN_DETOUR,
    "home": AssociateReason.HOME_TOO_LATE,
    "heavy": AssociateReason.ALL_TOO_HEAVY,
    "large": AssociateReason.ALL_TOO_LARGE,
    "due": AssociateReason.ALL_PAST_DUE,
    "floor": AssociateReason.BELOW_FLOOR,
    "worth": AssociateReason.NONE_WORTH_IT,
    "fine": AssociateReason.WENT_TO_OTHERS,
}
_PACKAGE = {
    "blocked": PackageReason.BLOCKED,
    "path": PackageReason.NO_PATH,
    "detour": PackageReason.OUTSIDE_EVERY_DETOUR,
    "home": PackageReason.OUTSIDE_EVERY_DETOUR,
    "heavy": PackageReason.TOO_HEAVY,
    "large": PackageReason.TOO_LARGE,
    "due": PackageReason.PAST_DUE,
    "floor": PackageReason.BELOW_FLOOR,
    "worth": PackageReason.NOT_WORTH_IT,
    "fine": PackageReason.TRIPS_FULL,
}
_HARDNESS = ("forbidden", "blocked", "path", "detour", "home", "heavy", "large", "due", "floor", "worth", "fine")
"""From what no associate could mend to what stood closest to a match; the closest miss names the reason."""


def explain(model: Model, trips: dict[int, list[int]]) -> Reasons:
    """A reason code for every associate without a trip and every package without an associate.

    Each pair is judged by the trip with this stop alone; an associate's (a package's) reason is that of the pair that came
    closest to a match.
    """
    problem = model.problem
    levels = np.array([_levels(model, a) for a in range(len(model.packages))]).reshape(
        len(model.packages), model.size + 1
    )
    associates, packages = {}, {}
    for k, associate in enumerate(problem.associates):
        if trips.get(k):
            continue
        closest = levels[k, 1:][model.allowed[1:]].max(initial=0)
        if closest == 0:
            associates[associate.id] = AssociateReason.NO_PACKAGES
        elif 0 in (associate.max_packages, associate.max_total_weight_g, associate.max_volume_ml):
            associates[associate.id] = AssociateReason.LIMIT_IS_ZERO
        else:
            associates[associate.id] = _ASSOCIATE[_HARDNESS[closest]]
    carried = {u for trip in trips.values() for u in trip}
    for u, stop in enumerate(model.stops, 1):
        if u in carried:
            continue
        if not model.allowed[u]:
            code = PackageReason.NOT_FOR_ASSOCIATES
        elif not problem.associates:
            code = PackageReason.NO_ASSOCIATES
        else:
            code = _PACKAGE[_HARDNESS[levels[:, u].max()]]
        for j in stop:
            packages[problem.packages[j].id] = code
    return Reasons(associates, packages)


def _levels(model: Model, a: int) -> np.ndarray:
    """By node, the index in ``_HARDNESS`` of what keeps this associate from carrying that stop alone."""
    associate, home, d = model.problem.associates[a], model.home[a], model.alone[a]
    count = np.minimum(model.count, model.by_count.shape[1] - 1)
    blocked = np.zeros(model.size + 1, dtype=bool)
    blocked[[model.stop_of[p] for p in associate.blocked if p in model.stop_of]] = True
    heavy = (model.heaviest > associate.max_package_weight_g) | (model.weight > associate.max_total_weight_g)
    large = (model.largest > associate.max_size_class) | (model.volume > associate.max_volume_ml)
    failing = {
        "blocked": blocked,
        "path": (home >= FAR) | (home[0] >= FAR) | (model.drive[0] >= FAR),
        "detour": d > associate.max_detour_s,
        "home": d > model.detour_limit[a],
        "heavy": heavy,
        "large": large | (model.count > associate.max_packages),
        "due": d > model.cap[a],
        "floor": d > model.by_count[a, count],
        "worth": model.value + model.bonus[a] - model.rate * d <= 0,
    }
    level = np.full(model.size + 1, _HARDNESS.index("fine"))
    for name in reversed(_HARDNESS[1:-1]):
        level[failing[name]] = _HARDNESS.index(name)
    level[~model.allowed] = 0
    return level
