"""`send_round` for many stores at once: the same move, the same rows, in a handful of set-based statements.

Used by the national rehearsal. The rules are `offers.send_round`'s: an offer is written only when all its packages are
still staged and its associate has no open offer; packages are locked by id; every move has its Event. Nothing is spoken
here: the events are unpublished, so the sweep would find them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from deliveries.actors import Actor
from deliveries.pay import Quote


@dataclass(frozen=True, slots=True)
class BulkOffer:
    """One offer by ids; `package_ids` in visit order."""

    store_id: int
    associate_id: int
    shift_id: int
    package_ids: tuple[int, ...]
    quote: Quote
    stops: tuple[dict[str, Any], ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BulkRound:
    """The figures of one store's round."""

    store_id: int
    slot_at: datetime
    packages: int
    associates: int
    status: str
    objective_ticks: int
    bound_ticks: int | None
    seconds: float


_ROUNDS = """
CREATE TEMP TABLE sent_round (store_id bigint, slot_at timestamptz, packages int, associates int, status text,
    objective_ticks bigint, bound_ticks bigint, seconds float8) ON COMMIT DROP;
CREATE TEMP TABLE sent_offer (n bigint, store_id bigint, associate_id bigint, shift_id bigint, package_ids bigint[],
    quote jsonb, digest text, stops jsonb, pay_cents int, extra_s int, extra_m int, expires_at timestamptz)
    ON COMMIT DROP;
"""

_WRITE = (
    # Rounds first: a slot that is already there takes its whole store out.
    """
    CREATE TEMP TABLE fresh ON COMMIT DROP AS
    WITH made AS (
        INSERT INTO deliveries_round (store_id, slot_at, made_at, packages, associates, offers_sent, status,
            objective_ticks, bound_ticks, seconds, package_reasons, associate_reasons)
        SELECT store_id, slot_at, %(now)s, packages, associates, 0, status, objective_ticks, bound_ticks, seconds,
            '{}', '{}'
        FROM sent_round ON CONFLICT DO NOTHING RETURNING id, store_id)
    SELECT id AS round_id, store_id FROM made
    """,
    # Packages by id, locked; what is no longer staged takes its offer out.
    """
    CREATE TEMP TABLE wanted ON COMMIT DROP AS
    SELECT o.n, p.package_id, p.position - 1 AS position
    FROM sent_offer o JOIN fresh USING (store_id), unnest(o.package_ids) WITH ORDINALITY AS p(package_id, position)
    """,
    "SELECT count(*) FROM (SELECT id FROM deliveries_package WHERE id IN (SELECT package_id FROM wanted)"
    " ORDER BY id FOR UPDATE) AS locked",
    """
    DELETE FROM wanted WHERE n IN (
        SELECT n FROM wanted LEFT JOIN deliveries_package p ON p.id = package_id AND p.state = 'staged'
            AND NOT p.carrier_asked AND (p.not_before IS NULL OR p.not_before <= %(now)s)
        WHERE p.id IS NULL
        UNION SELECT o.n FROM sent_offer o JOIN deliveries_offer busy USING (associate_id) WHERE busy.state = 'sent')
    """,
    """
    CREATE TEMP TABLE made ON COMMIT DROP AS
    SELECT n, nextval(pg_get_serial_sequence('deliveries_offer', 'id')) AS offer_id FROM (SELECT DISTINCT n FROM wanted) w
    """,
    """
    INSERT INTO deliveries_offer (id, store_id, round_id, associate_id, shift_id, state, sent_at, expires_at, quote,
        quote_digest, stops, pay_cents, extra_s, extra_m)
    SELECT made.offer_id, o.store_id, fresh.round_id, o.associate_id, o.shift_id, 'sent', %(now)s, o.expires_at, o.quote,
        o.digest, o.stops, o.pay_cents, o.extra_s, o.extra_m
    FROM sent_offer o JOIN made USING (n) JOIN fresh USING (store_id)
    """,
    """
    INSERT INTO deliveries_offerpackage (offer_id, package_id, position, open)
    SELECT made.offer_id, w.package_id, w.position, true FROM wanted w JOIN made USING (n)
    """,
    """
    WITH moved AS (
        UPDATE deliveries_package p SET state = 'offered', version = p.version + 1, state_since = %(now)s
        FROM wanted w WHERE p.id = w.package_id RETURNING p.id, p.store_id, p.version)
    INSERT INTO deliveries_event (package_id, store_id, version, verb, from_state, to_state, at, happened_at, by_kind,
        by_name, reason)
    SELECT id, store_id, version, 'offer', 'staged', 'offered', %(now)s, %(now)s, %(kind)s, %(name)s, '' FROM moved
    """,
    """
    UPDATE deliveries_round r SET offers_sent = c.sent
    FROM (SELECT o.store_id, count(*) AS sent FROM sent_offer o JOIN made USING (n) GROUP BY 1) c
    JOIN fresh USING (store_id) WHERE r.id = fresh.round_id
    """,
)


def send_rounds(
    *,
    rounds: Iterable[BulkRound],
    offers: Iterable[BulkOffer],
    by: Actor,
    now: datetime,
) -> int:
    """Write the rounds and offers of many stores in one transaction; returns how many offers were sent.

    Both come in by COPY. A store whose slot already has a round is left out whole, so a repeat sends nothing.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ROUNDS)
        with cursor.copy("COPY sent_round FROM STDIN") as stream:
            for r in rounds:
                stream.write_row(
                    (
                        r.store_id,
                        r.slot_at,
                        r.packages,
                        r.associates,
                        r.status,
                        r.objective_ticks,
                        r.bound_ticks,
                        r.seconds,
                    )
                )
        with cursor.copy("COPY sent_offer FROM STDIN") as stream:
            for n, o in enumerate(offers):
                stream.write_row(
                    (n, o.store_id, o.associate_id, o.shift_id, list(o.package_ids), json.dumps(o.quote.to_json()),
                     o.quote.digest, json.dumps(o.stops), o.quote.cents, o.quote.extra_s, o.quote.extra_m, o.expires_at)
                )  # fmt: skip
        cursor.execute("ANALYZE sent_offer")
        for statement in _WRITE:
            cursor.execute(statement, {"now": now, "kind": by.kind.value, "name": by.name})
        cursor.execute("SELECT count(*) FROM made")
        return int(cursor.fetchone()[0])
