"""Validates a plan against a `store-evening/1` instance and recomputes its objective.

Written from the format's description alone, with the standard library alone: it shares no code with any solver,
so a mistake in one of them cannot hide here.  `python -m benchmarks.planner.checker INSTANCE.json PLAN.json`
prints the verdict as JSON and exits 1 when a rule is broken.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

TICKS_PER_CENT = 60


@dataclass
class Verdict:
    """What the checker found: `objective_ticks` (1/60 cent) counts the routes as given, valid or not."""

    objective_ticks: int = 0
    delivered: int = 0
    associates_used: int = 0
    detour_s: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether no rule is broken."""
        return not self.errors


def check(instance: dict, plan: dict) -> Verdict:
    """Replay every route of `plan` second by second.

    Seconds and ticks are integers throughout.  A stop the checker cannot place (an unknown package) is reported and
    skipped; an empty route is reported too, because the format leaves out associates who carry nothing.
    """
    verdict = Verdict()
    routes = plan.get("routes")
    if not isinstance(routes, dict):
        verdict.errors.append("plan: 'routes' is missing or not a mapping of associate to packages")
        return verdict
    package_row = {package["id"]: row for row, package in enumerate(instance["packages"], start=1)}
    associate_at = {associate["id"]: place for place, associate in enumerate(instance["associates"])}
    carried_by: dict[str, str] = {}
    for associate_id, stops in routes.items():
        if associate_id not in associate_at:
            verdict.errors.append(f"{associate_id}: unknown associate")
            continue
        if not isinstance(stops, list):
            verdict.errors.append(f"{associate_id}: the route is not a list of packages")
            continue
        known = []
        for package_id in stops:
            if package_id not in package_row:
                verdict.errors.append(f"{associate_id}: unknown package {package_id}")
            elif package_id in carried_by:
                verdict.errors.append(f"{package_id}: carried twice, by {carried_by[package_id]} and {associate_id}")
            else:
                carried_by[package_id] = associate_id
                known.append(package_row[package_id])
        if not stops:
            verdict.errors.append(f"{associate_id}: the route is empty")
        elif known:
            _replay(instance, associate_at[associate_id], known, verdict)
    if plan.get("bound_ticks") is not None and verdict.valid and plan["bound_ticks"] < verdict.objective_ticks:
        verdict.errors.append(f"bound {plan['bound_ticks']} is below the plan's own {verdict.objective_ticks} ticks")
    return verdict


def _replay(instance: dict, place: int, rows: list[int], verdict: Verdict) -> None:
    """Drive one route (`rows` are rows of `time_s`; 0 is the store) and add what it earns and breaks to `verdict`."""
    associate, params, time_s = instance["associates"][place], instance["params"], instance["time_s"]
    who, home = associate["id"], 1 + len(instance["packages"]) + place
    here, clock, driven, weight_g, volume_ml, saved_cents = 0, associate["shift_end_s"] + params["load_s"], 0, 0, 0, 0
    for row in rows:
        package = instance["packages"][row - 1]
        clock += time_s[here][row]
        driven += time_s[here][row]
        if clock > package["due_s"]:
            verdict.errors.append(f"{who}: reaches {package['id']} at {clock}, due {package['due_s']}")
        clock += params["service_s"]
        here = row
        if not package["associate_ok"]:
            verdict.errors.append(f"{who}: {package['id']} is not for associates")
        if package["weight_g"] > associate["max_package_weight_g"]:
            verdict.errors.append(f"{who}: {package['id']} weighs {package['weight_g']} g, over the limit for one")
        if package["size_class"] > associate["max_size_class"]:
            verdict.errors.append(f"{who}: {package['id']} is size {package['size_class']}, over the largest allowed")
        weight_g += package["weight_g"]
        volume_ml += package["volume_ml"]
        saved_cents += package["saved_cents"]
    detour_s = driven + time_s[here][home] - time_s[0][home] + params["service_s"] * len(rows)
    for name, value, limit in (
        ("packages", len(rows), associate["max_packages"]),
        ("weight in g", weight_g, associate["max_total_weight_g"]),
        ("volume in ml", volume_ml, associate["max_volume_ml"]),
        ("detour in s", detour_s, associate["max_detour_s"]),
    ):
        if value > limit:
            verdict.errors.append(f"{who}: {name} {value} over the limit {limit}")
    earned_cents = saved_cents - params["base_pay_cents"] * len(rows)
    # pay is cents per minute of detour; a tick is 1/60 cent, so one second costs exactly that many ticks
    verdict.objective_ticks += TICKS_PER_CENT * earned_cents - params["pay_cents_per_detour_minute"] * detour_s
    verdict.delivered += len(rows)
    verdict.associates_used += 1
    verdict.detour_s += detour_s


def main() -> int:
    """Check the two files named on the command line."""
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.planner.checker INSTANCE.json PLAN.json")
    instance, plan = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:])
    verdict = check(instance, plan)
    sys.stdout.write(json.dumps(asdict(verdict) | {"valid": verdict.valid}, indent=1) + "\n")
    return 0 if verdict.valid else 1


if __name__ == "__main__":
    sys.exit(main())
