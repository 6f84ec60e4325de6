"""One store evening in the terms every vehicle-routing solver understands, so that all peers start from the same.

The detour can be charged arc by arc, exactly.  With p_v(i) = drive(i, home of v), let vehicle v pay for going from i to j

    c_v(i, j) = drive(i, j) + p_v(j) - p_v(i) + service        (j a package)
    c_v(i, end) = 0

Along a route the potentials cancel and the sum is the detour: drive - solo drive + service.  So an unused vehicle
costs nothing, the detour limit is a limit on "distance", and all vehicles may share one end.  Where drive times obey
the triangle inequality every c_v is >= 0, which VROOM and OR-Tools need; `detour_s` refuses an instance where they do
not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TICKS_PER_CENT = 60


@dataclass(frozen=True)
class Answer:
    """What a peer returns: per vehicle index the stops (1-based packages in visit order), and its own objective.

    `model_ticks` is the objective as the peer's model counts it (None when it cannot say); the benchmark compares it
    with the checker's, because a model that counts differently would make the comparison unfair.  `finished` says that
    the peer stopped by itself and would return the same with more time.
    """

    routes: dict[int, list[int]]
    model_ticks: int | None
    search_seconds: float
    finished: bool = False


class Evening:
    """An instance with only the packages an associate may ever carry at a profit.

    `rows` maps stop k = 1..K to its row in the instance's `time_s`.  Arrays: `drive_s` (K+1, K+1), `to_home_s`
    (K+1, V), `prize_ticks`, `weight_g`, `volume_ml`, `due_s` (K), `allowed` (K, V) bool, `start_s` (V).
    """

    def __init__(self, instance: dict) -> None:
        params, packages, associates = instance["params"], instance["packages"], instance["associates"]
        time_s = np.asarray(instance["time_s"], dtype=np.int64)
        # a package that earns nothing can only lengthen a route (triangle inequality), so no optimal plan has it
        self.rows = [
            row
            for row, package in enumerate(packages, start=1)
            if package["associate_ok"] and package["saved_cents"] > params["base_pay_cents"]
        ]
        places = [0, *self.rows]
        kept = [packages[row - 1] for row in self.rows]
        self.instance = instance
        self.vehicles = associates
        self.service_s: int = params["service_s"]
        self.ticks_per_s: int = params["pay_cents_per_detour_minute"]
        self.drive_s = time_s[np.ix_(places, places)]
        self.to_home_s = time_s[places, 1 + len(packages) :]
        self.prize_ticks = [TICKS_PER_CENT * (package["saved_cents"] - params["base_pay_cents"]) for package in kept]
        self.weight_g = [package["weight_g"] for package in kept]
        self.volume_ml = [package["volume_ml"] for package in kept]
        self.due_s = [package["due_s"] for package in kept]
        self.start_s = [associate["shift_end_s"] + params["load_s"] for associate in associates]
        self.allowed = np.array(
            [
                [
                    package["weight_g"] <= associate["max_package_weight_g"]
                    and package["size_class"] <= associate["max_size_class"]
                    for associate in associates
                ]
                for package in kept
            ],
            dtype=bool,
        ).reshape(len(kept), len(associates))

    def detour_s(self, vehicle: int) -> np.ndarray:
        """(K+1, K+1) seconds of detour per arc for one vehicle; row 0 leaves the store, column 0 ends the route."""
        potential = self.to_home_s[:, vehicle]
        arc = self.drive_s + potential[None, :] - potential[:, None] + self.service_s
        arc[:, 0] = 0
        np.fill_diagonal(arc, 0)
        if arc.min() < 0:
            raise ValueError("drive times break the triangle inequality: the peers' models would not be exact")
        return arc

    def plan(self, answer: Answer) -> dict:
        """The answer as a plan of the format, in the instance's own ids; peers prove no bound."""
        packages = self.instance["packages"]
        return {
            "routes": {
                self.vehicles[vehicle]["id"]: [packages[self.rows[stop - 1] - 1]["id"] for stop in stops]
                for vehicle, stops in sorted(answer.routes.items())
                if stops
            },
            "bound_ticks": None,
            "status": "feasible",
            "seconds": round(answer.search_seconds, 3),
            "model_ticks": answer.model_ticks,
            "finished": answer.finished,
        }
