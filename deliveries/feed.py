"""The store's events in an order that readers can follow: who has read up to a position has missed nothing before it.

Numbers that the database gives while a transaction is open do not say when others see its rows: a reader who asks for
"everything after 17" would miss a 16 that is committed later. So a place in the feed is given after the commit, by one
process a store at a time.

What the retailer reads of them leaves out offers: they come and go by what associates want, and that is counted nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from deliveries.models import Event
from deliveries.states import PackageState

NUMBERING = 3  # the kind of lock, beside those of `stores.feeds.rows.Kind`
MOST_AT_ONCE = 5_000
_NUMBER = """
WITH fresh AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
        SELECT id FROM deliveries_event WHERE store_id = %(store)s AND position IS NULL ORDER BY id LIMIT %(most)s) AS oldest)
UPDATE deliveries_event AS e
SET position = fresh.n + coalesce((SELECT max(position) FROM deliveries_event WHERE store_id = %(store)s), 0)
FROM fresh WHERE e.id = fresh.id
"""


def number(store_id: int) -> int:
    """Give the store's committed events their places; returns how many got one now.

    Waits for whoever does the same. An event that is still in somebody's open transaction gets a later place.
    """
    given = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [NUMBERING, store_id])
            cursor.execute(_NUMBER, {"store": store_id, "most": MOST_AT_ONCE})
            given += cursor.rowcount
            if cursor.rowcount < MOST_AT_ONCE:
                return given


def public_state(state: str) -> str:
    """A package's state as the retailer sees it: whether it was offered to somebody shows nowhere."""
    return PackageState.STAGED.value if state == PackageState.OFFERED else state


def events(store_id: int, after: int) -> QuerySet[Event]:
    """What the retailer may read of a store's feed after a position, in its order."""
    rows = Event.objects.filter(store=store_id, position__gt=after).exclude(verb="offer")
    rows = rows.exclude(verb="release", from_state=PackageState.OFFERED)
    return rows.select_related("package", "store").order_by("position")


def shown(event: Event) -> dict[str, Any]:
    """An event as the API and webhooks tell it. Who did it is a kind, never a person; a reason is a code or nothing."""
    return {
        "id": f"evt_{event.pk}",
        "position": event.position,
        "type": f"package.{event.verb}",
        "store": event.store.number,
        "package": event.package.reference,
        "label": event.package.label,
        "version": event.version,
        "from": public_state(event.from_state) or None,
        "to": public_state(event.to_state),
        "at": event.at,
        "happened_at": event.happened_at,
        "by": event.by_kind,
        "trip": event.trip_id,
        "reason": event.reason if event.verb == "attempt" else None,
    }


def all_shown(rows: Iterable[Event]) -> list[dict[str, Any]]:
    return [shown(event) for event in rows]
