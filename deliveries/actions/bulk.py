"""`send_round` for many stores at once: the same move, the same rows, by COPY and a handful of set-based statements.

Used by the national rehearsal, one call for a range of stores; calls for different stores may run side by side. The rules
are `offers.send_round`'s, and so is the order of locks: the slots of the stores, the associates by id, the packages by
id. An offer is written only when its associate is free and all its packages may still go; every move has its Event.
Nothing is spoken here: the events are unpublished, so the sweep would find them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from deliveries.actors import Actor
from deliveries.states import OfferState, PackageState, TripState


@dataclass(frozen=True, slots=True)
class BulkOffer:
    """One offer by ids, its promise frozen: `quote` is `Quote.canonical`, `stops` the JSON of `PlannedStop`s."""

    store_id: int
    associate_id: int
    shift_id: int
    package_ids: tuple[int, ...]  # in visit order
    quote: str
    quote_digest: str
    stops: str
    pay_cents: int
    extra_s: int
    extra_m: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BulkRound:
    """The figures of one store's round. `evening` is the store's service date, for who rests on it."""

    store_id: int
    slot_at: datetime
    evening: date
    packages: int
    associates: int
    status: str
    objective_ticks: int
    bound_ticks: int | None
    seconds: float


# The slots that were free, in the one order, so that two calls for the same stores wait and do not deadlock.
_ROUNDS = """
INSERT INTO deliveries_round (store_id, slot_at, made_at, packages, associates, offers_sent, status, objective_ticks,
    bound_ticks, seconds, package_reasons, associate_reasons)
SELECT store_id, slot_at, %s, packages, associates, 0, status, objective_ticks, bound_ticks, seconds, '{}', '{}'
FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::float8[])
    AS r(store_id, slot_at, packages, associates, status, objective_ticks, bound_ticks, seconds)
ORDER BY store_id
ON CONFLICT (store_id, slot_at) DO NOTHING
RETURNING store_id, id
"""

# Who is gone, not active, or rests tonight.
_NOT_WILLING = """
WITH locked AS MATERIALIZED (
    SELECT id, store_id, state, resting_on FROM associates_associate WHERE id = ANY(%(people)s::bigint[]) ORDER BY id FOR UPDATE)
SELECT person FROM unnest(%(people)s::bigint[]) AS person LEFT JOIN locked ON locked.id = person
    LEFT JOIN unnest(%(stores)s::bigint[], %(evenings)s::date[]) AS tonight(store_id, evening) USING (store_id)
WHERE locked.id IS NULL OR locked.state <> 'active' OR locked.resting_on = tonight.evening
"""

# Who has an open offer or a trip that is not over. A statement of its own, so that it sees what the locks waited for.
_BUSY = """
SELECT associate_id FROM deliveries_offer WHERE state = %(sent)s AND associate_id = ANY(%(people)s::bigint[])
UNION SELECT associate_id FROM deliveries_trip WHERE state <> ALL(%(over)s) AND associate_id = ANY(%(people)s::bigint[])
"""

# What may still be offered, with its version. Beside the state this is `Package.may_go`.
_THERE = """
SELECT id, version FROM (
    SELECT id, version, state, associate_ok, carrier_asked, not_before FROM deliveries_package
    WHERE id = ANY(%(packages)s::bigint[]) ORDER BY id FOR UPDATE) AS locked
WHERE state = %(staged)s AND associate_ok AND NOT carrier_asked AND coalesce(not_before <= %(now)s, true)
"""

_OFFER = (
    "id", "store_id", "round_id", "associate_id", "shift_id", "state", "sent_at", "expires_at", "quote", "quote_digest",
    "stops", "pay_cents", "extra_s", "extra_m",
)  # fmt: skip

_NUMBERS = """
SELECT nextval(name) FROM (SELECT pg_get_serial_sequence('deliveries_offer', 'id')::regclass AS name OFFSET 0) AS sequence,
    generate_series(1, %s)
"""

_EVENT = (
    "package_id", "store_id", "version", "verb", "from_state", "to_state", "at", "happened_at", "by_kind", "by_user_id",
    "by_name", "reason",
)  # fmt: skip

_MOVE = """
UPDATE deliveries_package SET state = %(offered)s, version = version + 1, state_since = %(now)s
WHERE id = ANY(%(packages)s::bigint[])
"""

_COUNT = """
UPDATE deliveries_round SET offers_sent = sent FROM unnest(%s::bigint[], %s::int[]) AS c(round_id, sent)
WHERE id = round_id
"""


@transaction.atomic(durable=True)
def send_rounds(*, rounds: Iterable[BulkRound], offers: Iterable[BulkOffer], by: Actor, now: datetime) -> int:
    """Write the rounds and offers of some stores in one transaction, all or nothing; returns how many offers were sent.

    A store whose slot already has a round is left out whole, so a repeat sends nothing.
    """
    rounds = list(rounds)
    if not rounds:
        return 0
    with connection.cursor() as cursor:
        # The keys are looked at with each statement, while their rows are at hand, and not all of them at the commit.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        fresh = _take_slots(cursor, rounds, now)
        sent = [offer for offer in offers if offer.store_id in fresh and offer.expires_at > now]
        not_free = _lock_people(cursor, rounds, [offer.associate_id for offer in sent])
        sent = [offer for offer in sent if offer.associate_id not in not_free]
        versions = _lock_packages(cursor, [pk for offer in sent for pk in offer.package_ids], now)
        sent = [offer for offer in sent if all(pk in versions for pk in offer.package_ids)]
        _copy_offers(cursor, sent, fresh, now)
        # The events before the move: their keys find the packages as they were locked, and need no lock of their own.
        _copy_events(cursor, sent, versions, by, now)
        moved = _array(pk for offer in sent for pk in offer.package_ids)
        cursor.execute(_MOVE, {"packages": moved, "offered": PackageState.OFFERED.value, "now": now})
        counts = dict.fromkeys(fresh.values(), 0)
        for offer in sent:
            counts[fresh[offer.store_id]] += 1
        cursor.execute(_COUNT, [list(counts), list(counts.values())])
        return len(sent)


def _take_slots(cursor: Any, rounds: Sequence[BulkRound], now: datetime) -> dict[int, int]:
    """Write the rounds; the id of each that was not there before, by store."""
    columns = zip(
        *(
            (r.store_id, r.slot_at, r.packages, r.associates, r.status, r.objective_ticks, r.bound_ticks, r.seconds)
            for r in rounds
        ),
        strict=True,
    )
    cursor.execute(_ROUNDS, [now, *map(list, columns)])
    return dict(cursor.fetchall())


def _lock_people(cursor: Any, rounds: Sequence[BulkRound], people: Sequence[int]) -> set[int]:
    """Lock the associates; returns those who cannot be sent an offer now."""
    values: dict[str, Any] = {
        "people": _array(people), "stores": [r.store_id for r in rounds], "evenings": [r.evening for r in rounds],
        "sent": OfferState.SENT.value, "over": [TripState.FINISHED.value, TripState.ABANDONED.value],
    }  # fmt: skip
    cursor.execute(_NOT_WILLING, values)
    found = cursor.fetchall()
    cursor.execute(_BUSY, values)
    return {pk for (pk,) in [*found, *cursor.fetchall()]}


def _lock_packages(cursor: Any, wanted: Sequence[int], now: datetime) -> dict[int, int]:
    """Lock the packages; the version of each that may be offered."""
    values = {"packages": _array(wanted), "now": now, "staged": PackageState.STAGED.value}
    cursor.execute(_THERE, values)
    return dict(cursor.fetchall())


def _copy_offers(cursor: Any, sent: Sequence[BulkOffer], fresh: dict[int, int], now: datetime) -> None:
    """The offers and their packages, straight into their tables."""
    cursor.execute(_NUMBERS, [len(sent)])
    numbers = [number for (number,) in cursor.fetchall()]
    at, state = now.isoformat(), OfferState.SENT.value
    with cursor.copy(f"COPY deliveries_offer ({', '.join(_OFFER)}) FROM STDIN") as stream:
        for number, o in zip(numbers, sent, strict=True):
            stream.write_row(
                (number, o.store_id, fresh[o.store_id], o.associate_id, o.shift_id, state, at, o.expires_at.isoformat(),
                 o.quote, o.quote_digest, o.stops, o.pay_cents, o.extra_s, o.extra_m)
            )  # fmt: skip
    with cursor.copy("COPY deliveries_offerpackage (offer_id, package_id, position, open) FROM STDIN") as stream:
        for number, offer in zip(numbers, sent, strict=True):
            for position, package_id in enumerate(offer.package_ids):
                stream.write_row((number, package_id, position, True))


def _copy_events(cursor: Any, sent: Sequence[BulkOffer], versions: dict[int, int], by: Actor, now: datetime) -> None:
    at = now.isoformat()
    same = (
        "offer",
        PackageState.STAGED.value,
        PackageState.OFFERED.value,
        at,
        at,
        by.kind.value,
        by.user_id,
        by.name,
        "",
    )
    with cursor.copy(f"COPY deliveries_event ({', '.join(_EVENT)}) FROM STDIN") as stream:
        for offer in sent:
            for package_id in offer.package_ids:
                stream.write_row((package_id, offer.store_id, versions[package_id] + 1, *same))


def _array(ids: Iterable[int]) -> str:
    """`ids` in order as PostgreSQL writes an array: far quicker than one parameter each."""
    return "{" + ",".join(map(str, sorted(ids))) + "}"
