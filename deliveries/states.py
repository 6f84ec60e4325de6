"""Every state of a package, an offer, a trip and a dispute, and every legal move. One table; nothing else knows the moves.

The README's diagram is drawn from MOVES by `manage.py draw_states`, and the database's trigger on
`deliveries_package` is made from the same table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class PackageState(StrEnum):
    RECEIVED = "received"
    STAGED = "staged"
    OFFERED = "offered"
    CLAIMED = "claimed"
    LOADED = "loaded"
    OUT = "out"
    DELIVERED = "delivered"
    ATTEMPTED = "attempted"
    KEPT = "kept"
    RETURNING = "returning"
    RETURNED = "returned"
    WITH_CARRIER = "with_carrier"
    HELD_FOR_PICKUP = "held_for_pickup"
    CANCELLED = "cancelled"


class OfferState(StrEnum):
    """`lapsed` is both "not tonight" and "time passed", on purpose: nothing here can count refusals."""

    SENT = "sent"
    CLAIMED = "claimed"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class TripState(StrEnum):
    PLANNED = "planned"
    LOADING = "loading"
    UNDER_WAY = "under_way"
    FINISHED = "finished"
    ABANDONED = "abandoned"


TRIP_NOT_LEFT = (TripState.PLANNED, TripState.LOADING)
"""In the store still, so its packages may change."""
TRIP_OPEN = (*TRIP_NOT_LEFT, TripState.UNDER_WAY)
TRIP_OVER = (TripState.FINISHED, TripState.ABANDONED)


class DisputeState(StrEnum):
    """Of a word about pay. Accepted comes with a correction, explained with reasons."""

    OPEN = "open"
    ACCEPTED = "accepted"
    EXPLAINED = "explained"
    WITHDRAWN = "withdrawn"


# verb: (from, to). Closed is closed; somebody not content opens another.
DISPUTE_MOVES: dict[str, tuple[DisputeState, DisputeState]] = {
    "accept_dispute": (DisputeState.OPEN, DisputeState.ACCEPTED),
    "explain_dispute": (DisputeState.OPEN, DisputeState.EXPLAINED),
    "withdraw_dispute": (DisputeState.OPEN, DisputeState.WITHDRAWN),
}


class Move(NamedTuple):
    sources: frozenset[PackageState]
    target: PackageState


P = PackageState
MOVES: dict[str, Move] = {
    "stage": Move(frozenset({P.RECEIVED, P.RETURNED}), P.STAGED),
    "offer": Move(frozenset({P.STAGED}), P.OFFERED),
    "release": Move(frozenset({P.OFFERED, P.CLAIMED}), P.STAGED),
    "unstage": Move(frozenset({P.STAGED, P.CLAIMED}), P.RECEIVED),
    "claim": Move(frozenset({P.OFFERED, P.STAGED}), P.CLAIMED),
    "load": Move(frozenset({P.CLAIMED}), P.LOADED),
    "unload": Move(frozenset({P.LOADED}), P.STAGED),
    "depart": Move(frozenset({P.LOADED}), P.OUT),
    "deliver": Move(frozenset({P.OUT}), P.DELIVERED),
    "undo_delivery": Move(frozenset({P.DELIVERED}), P.OUT),
    "attempt": Move(frozenset({P.OUT}), P.ATTEMPTED),
    "retry": Move(frozenset({P.ATTEMPTED, P.KEPT}), P.OUT),
    "keep": Move(frozenset({P.ATTEMPTED}), P.KEPT),
    "return": Move(frozenset({P.LOADED, P.OUT, P.ATTEMPTED, P.KEPT}), P.RETURNING),
    "transfer": Move(frozenset({P.OUT, P.ATTEMPTED, P.RETURNING}), P.OUT),
    "receive_return": Move(frozenset({P.RETURNING, P.KEPT, P.ATTEMPTED}), P.RETURNED),
    "tender": Move(frozenset({P.RECEIVED, P.STAGED, P.RETURNED}), P.WITH_CARRIER),
    "hold": Move(frozenset({P.RECEIVED, P.STAGED, P.RETURNED}), P.HELD_FOR_PICKUP),
    "collect": Move(frozenset({P.HELD_FOR_PICKUP}), P.DELIVERED),
    "cancel": Move(frozenset({P.RECEIVED, P.STAGED, P.CLAIMED, P.RETURNED, P.HELD_FOR_PICKUP}), P.CANCELLED),
}
del P

# In these an associate has the package in hand; `Package.holder` says who. The store answers for all others it has.
IN_CUSTODY = frozenset(
    {PackageState.LOADED, PackageState.OUT, PackageState.ATTEMPTED, PackageState.KEPT, PackageState.RETURNING}
)
# On somebody's trip, from the claim until it is delivered, back in the store, or given back.
ON_A_TRIP = IN_CUSTODY | {PackageState.CLAIMED}
ENDED = frozenset({PackageState.DELIVERED, PackageState.WITH_CARRIER, PackageState.CANCELLED})


def legal_pairs() -> list[tuple[PackageState, PackageState]]:
    """Every (from, to) that some verb allows, sorted: what the database's trigger lets through."""
    return sorted({(source, move.target) for move in MOVES.values() for source in move.sources})


def mermaid() -> str:
    """The package's states as a Mermaid diagram, one arrow a (source, verb, target), in the table's order."""
    lines = ["stateDiagram-v2", "    [*] --> received"]
    for verb, move in MOVES.items():
        lines += [f"    {source} --> {move.target}: {verb}" for source in PackageState if source in move.sources]
    return "\n".join(lines)
