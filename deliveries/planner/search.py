"""Good plans early: best insertion in numpy, then ruin and recreate in the compiled kernel (or, without it, in numpy)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from deliveries.planner.compiled import Kernels
from deliveries.planner.model import FAR, Ints, Model, Trips
from deliveries.planner.plan import Stop

NEVER = -(10**15)


def insert_all(model: Model, trips: Trips, stop: Callable[[], bool], shake: np.ndarray | None = None) -> Trips:
    """Add stops to ``trips``, best gain first, while any insertion gains. ``shake``: factors on the gains by node."""
    trips = {a: list(route) for a, route in trips.items() if route}
    if not len(model.packages) or not model.size:
        return trips
    fits = (
        model.possible
        & (model.alone <= model.cap)
        & (model.alone <= np.take_along_axis(model.by_count, _clipped(model), axis=1))
    )
    gains = np.where(fits, model.value[None, :] + model.bonus[:, None] - model.rate * model.alone, NEVER)
    gains[:, 0] = NEVER
    places = np.zeros_like(gains)
    for a, route in trips.items():
        gains[a], places[a] = insertions(model, a, route)
    gains[:, [u for route in trips.values() for u in route]] = NEVER
    while not stop():
        a, u = divmod(int((gains if shake is None else gains * shake).argmax()), gains.shape[1])
        if gains[a, u] <= 0:
            break
        trips.setdefault(a, []).insert(int(places[a, u]), u)
        gains[a], places[a] = insertions(model, a, trips[a])
        gains[:, [j for route in trips.values() for j in route]] = NEVER
    return trips


def _clipped(model: Model) -> Ints:
    return np.minimum(model.count[None, :], model.by_count.shape[1] - 1).repeat(len(model.packages), axis=0)


def insertions(model: Model, a: int, route: list[int]) -> tuple[Ints, Ints]:
    """Gain in ticks (NEVER where impossible) and place of inserting each node into the non-empty ``route`` of ``a``."""
    home, service, nodes = model.home[a], model.service, np.arange(model.size + 1)
    before, following = np.array([0, *route]), np.array(route)
    legs = model.drive[before[:-1], following] + home[following] - home[before[:-1]] + service
    at = np.concatenate(([0], np.cumsum(legs)))
    count = int(model.count[route].sum()) + model.count
    room = model.by_count[a, np.minimum(count, model.by_count.shape[1] - 1)] - at[-1]
    slack = np.minimum.accumulate(np.concatenate((model.cap[a, route] - at[1:], [FAR]))[::-1])[::-1]
    reach = model.drive[before] + home[None, :] - home[before][:, None] + service
    delta = reach.copy()
    delta[:-1] = (
        model.drive[before[:-1]]
        + model.drive[:, following].T
        + (service - model.drive[before[:-1], following])[:, None]
    )
    fine = (reach + at[:, None] <= model.cap[a][None, :]) & (delta <= np.minimum(slack[:, None], room[None, :]))
    fine &= (
        (count <= model.packages[a])
        & (int(model.weight[route].sum()) + model.weight <= model.weight_cap[a])
        & (int(model.volume[route].sum()) + model.volume <= model.volume_cap[a])
    )[None, :]
    fine[:, before] = False
    delta = np.where(fine, delta, FAR)
    place = delta.argmin(axis=0)
    best = delta[place, nodes]
    return np.where(best < FAR, model.value - model.rate * best, NEVER), place


def shake_up(model: Model, trips: Trips, stop: Callable[[], bool], seed: int, *, idle: int | None = None) -> Trips:
    """Without the kernel: take a few trips apart, insert again with noise, keep what is better, until ``stop``.

    ``idle``: end as well after so many rounds without a better plan.
    """
    random = np.random.default_rng(seed)
    best, value, since = trips, model.total(trips), 0
    while best and not stop() and (idle is None or since < idle):
        gone = set(random.choice(sorted(best), min(len(best), int(random.integers(1, 5))), replace=False).tolist())
        noise = np.exp(0.15 * random.standard_normal(model.size + 1))
        trial = insert_all(model, {a: r for a, r in best.items() if a not in gone}, stop, noise)
        worth, since = model.total(trial), since + 1
        if worth > value:
            best, value, since = trial, worth, 0
    return best


class Annealer:
    """Ruin and recreate in the kernel: ``trips`` and ``value`` are the best so far."""

    COLD = 50.0

    def __init__(self, model: Model, kernels: Kernels, trips: Trips, seed: int) -> None:
        """Pack the model into the kernel's arrays and start from ``trips``."""
        self.model, self.kernels = model, kernels
        fits = model.possible & (model.alone <= model.cap) & (model.alone <= model.by_count.max(axis=1)[:, None])
        fits[:, 0] = False
        node, able = np.nonzero(fits.T)
        apart = model.drive + model.drive.T
        np.fill_diagonal(apart, -1)
        near = np.argsort(apart[:, 1:], axis=1, kind="stable")[:, :60] + 1
        self._arrays = (
            model.drive.astype(np.int32),
            model.home.astype(np.int32),
            model.cap.astype(np.int32),
            model.by_count,
            model.count,
            model.weight,
            model.volume,
            model.value,
            model.bonus,
            model.packages,
            model.weight_cap,
            model.volume_cap,
            model.rate,
            model.service,
            np.searchsorted(node, np.arange(model.size + 2)).astype(np.int64),
            able.astype(np.int64),
            near.astype(np.int16),
        )
        self._state = np.array([(seed * 2654435761 + 88172645463325252) % 2**63 + 1], dtype=np.uint64)
        self.trips, self.value = trips, model.total(trips)

    def run(self, rounds: int, stop: Stop, *, hot: float, chunks: int) -> Iterator[Trips]:
        """Anneal from the best trips for ``rounds`` rounds, yielding the trips at hand after each chunk."""
        routes, length = self._pack(self.trips)
        moved, spare = np.empty((2, *routes.shape), dtype=np.int64), np.empty((2, *routes.shape), dtype=np.int16)
        lengths = np.empty((2, len(length)), dtype=np.int64)
        by_trip, by_stop = (
            np.empty((5, len(length)), dtype=np.int64),
            np.empty((3, self.model.size + 1), dtype=np.int64),
        )
        heat = hot * (self.COLD / hot) ** (np.arange(chunks + 1) / chunks)
        for k in range(chunks):
            if stop():
                return
            value = self.kernels.anneal(
                *self._arrays, routes, length, self._state, rounds // chunks, heat[k], heat[k + 1],
                moved, spare, lengths, by_trip, by_stop,
            )  # fmt: skip
            if value > self.value:
                self.trips, self.value = self._unpack(routes, length), value
            routes[:], length[:] = spare[0], lengths[0]
            yield self._unpack(routes, length)

    def _pack(self, trips: Trips) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.model.packages)
        routes = np.zeros((n, int(self.model.packages.max(initial=0)) + 1), dtype=np.int16)
        length = np.zeros(n, dtype=np.int64)
        for a, route in trips.items():
            length[a] = len(route)
            routes[a, : len(route)] = route
        return routes, length

    @staticmethod
    def _unpack(routes: np.ndarray, length: np.ndarray) -> Trips:
        return {int(a): routes[a, : length[a]].tolist() for a in np.flatnonzero(length)}
