"""Roster and shifts from the retailer, with what a moved or cancelled shift means for offers and trips.

`associates/roster.py` reads and writes the rows and knows nothing of deliveries; what follows from them is handed to it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from django.db.models import QuerySet

from associates import roster
from deliveries.actions import rescheduling
from deliveries.actors import Actor
from stores.feeds.report import Report
from stores.feeds.rows import How
from stores.feeds.sheets import Sheet, Table
from stores.models import Store


def take_in(
    table: Table,
    *,
    stores: QuerySet[Store],
    by: Actor,
    now: datetime,
    sheet: Sheet = roster.SHIFTS,
    **how: Unpack[How],
) -> Report:
    """`roster.take_in`, with the verbs that look after offers and trips of changed shifts."""
    return roster.take_in(
        table, stores=stores, by=by.name, now=now, sheet=sheet, after=rescheduling.After(by=by, now=now), **how
    )
