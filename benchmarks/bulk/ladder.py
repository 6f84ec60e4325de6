"""The promises of the database, taken away rung by rung, so that one sees what each costs. In the scratch schema only."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

WRITTEN = ("deliveries_round", "deliveries_offer", "deliveries_offerpackage", "deliveries_event", "deliveries_package")


def _drop(kinds: str, tables: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = ANY(%s)"
            " AND conrelid = ANY(%s::regclass[])",
            [list(kinds), list(tables)],
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')


def without_keys() -> None:
    """Foreign keys away."""
    _drop("f", WRITTEN)


def without_checks() -> None:
    """Foreign keys, CHECKs and the trigger away."""
    without_keys()
    _drop("c", WRITTEN)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deliveries_package DISABLE TRIGGER USER")


def without_indexes() -> None:
    """And all indexes of the tables that are only written to; the slot of a round stays unique."""
    without_checks()
    only_written = WRITTEN[1:4]
    _drop("pu", only_written)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = ANY(%s::regclass[])", [list(only_written)]
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {index}")


# Each table's rows of a range of stores, as they were just sent.
_SENT = {
    "deliveries_round": "SELECT * FROM deliveries_round WHERE store_id BETWEEN %s AND %s",
    "deliveries_offer": "SELECT * FROM deliveries_offer WHERE store_id BETWEEN %s AND %s",
    "deliveries_offerpackage": "SELECT l.* FROM deliveries_offerpackage l JOIN deliveries_offer o ON o.id = offer_id"
    " WHERE store_id BETWEEN %s AND %s",
    "deliveries_event": "SELECT * FROM deliveries_event WHERE store_id BETWEEN %s AND %s",
    "deliveries_package": "SELECT * FROM deliveries_package WHERE state = 'offered' AND store_id BETWEEN %s AND %s",
}


def bare(stores: int, connections: int) -> tuple[int, float]:
    """The limit: what was just sent, by COPY alone into tables that promise nothing; a move is a whole package row.

    Returns the rows and the seconds from text in memory to committed rows.
    """
    texts: list[list[tuple[str, bytes]]] = []
    with connection.cursor() as cursor:
        for table in _SENT:
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table})")
        for part in range(connections):
            span = [stores * part // connections + 1, stores * (part + 1) // connections]
            texts.append([])
            for table, rows in _SENT.items():
                with cursor.copy(f"COPY ({rows}) TO STDOUT", span) as stream:
                    texts[-1].append((table, b"".join(stream)))
    links = [connection.copy() for _part in texts]
    for link in links:
        link.inc_thread_sharing()
        link.ensure_connection()
    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(_copy, links, texts))
    seconds = time.perf_counter() - started
    for link in links:
        link.close()
    return sum(text.count(b"\n") for part in texts for _table, text in part), seconds


def _copy(link: Any, texts: list[tuple[str, bytes]]) -> None:
    with link.cursor() as cursor:
        cursor.execute("BEGIN")
        for table, text in texts:
            with cursor.copy(f"COPY bare_{table} FROM STDIN") as stream:
                stream.write(text)
        cursor.execute("COMMIT")
