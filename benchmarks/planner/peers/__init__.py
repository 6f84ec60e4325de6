"""The solvers of the comparison: each a module with `solve(Evening, seconds, seed) -> Answer`.

`python -m benchmarks.planner.peers NAME INSTANCE.json --time SECONDS` solves one instance in this process and
prints the plan.  A peer's module is imported only there, so that one that is not installed breaks nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One solver.

    `module` holds its adapter, `distribution` names the package whose version the table shows, and `imports` is the
    module whose presence means "installed".
    """

    name: str
    module: str
    distribution: str
    imports: str


OURS = "Homeward"
PEERS = {
    peer.name: peer
    for peer in (
        Peer("PyVRP", "with_pyvrp", "pyvrp", "pyvrp"),
        Peer("VROOM", "with_vroom", "pyvroom", "vroom"),
        Peer("OR-Tools", "with_ortools", "ortools", "ortools"),
    )
}
