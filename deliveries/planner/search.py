"""Good plans early: best insertion, then taking trips apart and putting them together again."""

from __future__ import annotations

import random

import numpy as np

from deliveries.planner.model import FAR, Carrier, Model
from deliveries.planner.plan import Stop

Trips = dict[int, list[int]]
NEVER = -(10**12)


class Insertion:
    """For one associate's current trip, the best gain and place of every further stop, all stops at once."""

    def __init__(self, model: Model, carrier: Carrier) -> None:
        """Keep the arrays that do not change with the trip."""
        self.model, self.carrier = model, carrier
        self.nodes = np.flatnonzero(carrier.possible)
        self.out = model.drive[:, self.nodes]
        self.back = model.drive[self.nodes, :]
        self.ends = carrier.home[self.nodes]
        self.caps = carrier.cap[self.nodes]
        self.plain = model.value[self.nodes]

    def gains(self, route: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Gain in ticks (NEVER where impossible) and place for each of ``nodes``, given ``route``."""
        model, carrier, nodes = self.model, self.carrier, self.nodes
        home, service = carrier.home, model.service
        before = np.array([0, *route])
        legs = model.drive[before[:-1], before[1:]] + home[before[1:]] - home[before[:-1]] + service
        d = np.concatenate(([0], np.cumsum(legs)))
        count = int(model.count[route].sum()) + model.count[nodes]
        room = carrier.by_count[np.minimum(count, carrier.packages)] - d[-1]
        later = np.concatenate((carrier.cap[before] - d, [FAR]))[1:]
        slack = np.minimum(np.minimum.accumulate(later[::-1])[::-1][:, None], room[None, :])
        reach = self.out[before] - home[before][:, None] + self.ends[None, :] + service
        delta = reach.copy()
        if route:
            following = before[1:]
            delta[:-1] += (
                self.back[:, following].T - self.ends[None, :] + home[following][:, None] - legs[:, None] + service
            )
        fine = (reach + d[:, None] <= self.caps[None, :]) & (delta <= slack)
        fine &= (
            (count <= carrier.packages)
            & (int(model.weight[route].sum()) + model.weight[nodes] <= carrier.weight)
            & (int(model.volume[route].sum()) + model.volume[nodes] <= carrier.volume)
        )[None, :]
        if route:
            fine[:, np.isin(nodes, before)] = False
        delta = np.where(fine, delta, FAR)
        place = delta.argmin(axis=0)
        best = delta[place, np.arange(len(nodes))]
        gain = self.plain - model.rate * best + (0 if route else carrier.bonus)
        return np.where(best < FAR, gain, NEVER), place


class Search:
    """Ruin and recreate over the trips of one problem."""

    def __init__(self, model: Model, seed: int) -> None:
        """Prepare one :class:`Insertion` per associate and the gains of empty trips."""
        self.model, self.random = model, random.Random(seed)
        self.insertions = [Insertion(model, carrier) for carrier in model.carriers]
        self.empty = [self._row(k, []) for k in range(len(self.insertions))]

    def _row(self, k: int, route: list[int]) -> tuple[np.ndarray, np.ndarray]:
        gain, place = self.insertions[k].gains(route)
        full_gain = np.full(self.model.size + 1, NEVER, dtype=np.int64)
        full_place = np.zeros(self.model.size + 1, dtype=np.int64)
        full_gain[self.insertions[k].nodes], full_place[self.insertions[k].nodes] = gain, place
        return full_gain, full_place

    def complete(self, trips: Trips, stop: Stop, noise: float = 0.0) -> Trips:
        """Insert free stops, best gain first, while any insertion gains."""
        trips = {k: list(route) for k, route in trips.items() if route}
        if not self.insertions:
            return trips
        rows = [self._row(k, trips[k]) if k in trips else self.empty[k] for k in range(len(self.insertions))]
        gains, places = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        for route in trips.values():
            gains[:, route] = NEVER
        if noise:
            shake = np.exp(noise * np.random.default_rng(self.random.getrandbits(32)).standard_normal(gains.shape[1]))
        while not stop():
            k, u = divmod(int((gains * shake if noise else gains).argmax()), gains.shape[1])
            if gains[k, u] <= 0:
                break
            trips.setdefault(k, []).insert(int(places[k, u]), u)
            taken = [j for route in trips.values() for j in route]
            gains[k], places[k] = self._row(k, trips[k])
            gains[:, taken] = NEVER
        return trips

    def worth(self, trips: Trips) -> int:
        """Objective in ticks of feasible trips."""
        return sum(self.model.worth(self.model.carriers[k], route) or 0 for k, route in trips.items())

    def improve(self, trips: Trips, stop: Stop, rounds: int) -> Trips:
        """Take a few trips apart at random and complete again, keeping what is better; ends after ``rounds`` without one."""
        best, value, idle = trips, self.worth(trips), 0
        while idle < rounds and best and not stop():
            used = sorted(best)
            gone = self.random.sample(used, min(len(used), self.random.randint(1, 4)))
            trial = self.complete({k: route for k, route in best.items() if k not in gone}, stop, noise=0.15)
            worth = self.worth(trial)
            idle += 1
            if worth > value:
                best, value, idle = trial, worth, 0
        return best
