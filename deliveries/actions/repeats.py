"""What a phone tells more than once is done once, also where the verb leaves no row that would know its key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from associates.models import Associate
from deliveries.models import RoadAct


def first_time(
    key: UUID | None, verb: str, *, by: Associate, now: datetime, happened_at: datetime | None = None
) -> bool:
    """Whether this key was never told before; from now on it was. Without a key always.

    Locks the associate first, so that two of the same wait for each other. Call it in the verb's own transaction: what
    the verb refuses was not done, and may be told again.
    """
    if key is None:
        return True
    Associate.objects.select_for_update().get(pk=by.pk)
    _row, fresh = RoadAct.objects.get_or_create(
        key=key, defaults={"associate": by, "verb": verb, "at": now, "happened_at": min(happened_at or now, now)}
    )
    return fresh


def told_a_newer(verb: str, *, by: Associate, happened_at: datetime) -> bool:
    """Whether the phone has told of such an act that happened later: then this one has been overtaken."""
    return RoadAct.objects.filter(associate=by, verb=verb, happened_at__gt=happened_at).exists()
