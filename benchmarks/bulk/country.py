"""A planned country without planning it: as many offers and packages as the real rehearsal finds, made up."""

from __future__ import annotations

import random

from deliveries import pay
from deliveries.nation import evenings
from deliveries.quoting import PlannedStop

# Of the rehearsal with 4,700 stores: the share of packages that got into an offer, and how many are in one.
OFFERED = 0.757
IN_ONE_OFFER = (1, 2, 3, 4), (70, 21, 7, 2)


def made_up(stores: int, seed: int) -> list[evenings.PlannedEvening]:
    """Evenings of `stores` stores, 17-60 packages and 20-60 people each: the same for the same seed."""
    return [_evening(store, random.Random(seed * 100_003 + store)) for store in range(stores)]  # made up


def _evening(store: int, rng: random.Random) -> evenings.PlannedEvening:
    packages = rng.randint(evenings.FEWEST_PACKAGES, evenings.MOST_PACKAGES)
    people = rng.randint(evenings.FEWEST_ASSOCIATES, evenings.MOST_ASSOCIATES)
    left, free = rng.sample(range(packages), round(packages * OFFERED)), rng.sample(range(people), people)
    offers = []
    while left and free:
        count = rng.choices(*IN_ONE_OFFER)[0]
        mine, left = [evenings.row_id(store, k) for k in left[:count]], left[count:]
        legs = [(leg_s, evenings.road_m(leg_s)) for leg_s in (rng.randint(60, 900) for _ in mine)]
        quote = pay.quote(
            evenings.RATES, mine, paid_s=300 + sum(150 + leg_s for leg_s, _m in legs), paid_m=sum(m for _s, m in legs),
            extra_s=rng.randint(0, 1200), extra_m=rng.randint(0, 9000),
        )  # fmt: skip
        stops = [PlannedStop((pk,), 0.0, 0.0, leg_s, leg_m) for pk, (leg_s, leg_m) in zip(mine, legs, strict=True)]
        offers.append(evenings.freeze(evenings.row_id(store, free.pop()), quote, stops, saved_cents=900 * len(mine)))
    return evenings.PlannedEvening(
        store=store,
        shift_ends_s=tuple(rng.randint(15, 22) * 3600 for _ in range(people)),
        weights_g=tuple(rng.randint(100, 9000) for _ in range(packages)),
        saved_cents=(900,) * packages,
        due_s=tuple(rng.randint(20, 23) * 3600 for _ in range(packages)),
        offers=tuple(offers),
        status="optimal",
        objective_ticks=1000,
        bound_ticks=1000,
        seconds=0.03,
    )
