"""The one function through which a package changes state: table, version, custody, Event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import live, notices
from deliveries.actors import Actor
from deliveries.models import Event, Package, Trip
from deliveries.states import IN_CUSTODY, MOVES, PackageState

from . import Refused

# Entering these, a package is the store's again (or the carrier's) and belongs to no trip.
OFF_EVERY_TRIP = frozenset(
    {
        PackageState.RECEIVED,
        PackageState.STAGED,
        PackageState.OFFERED,
        PackageState.WITH_CARRIER,
        PackageState.CANCELLED,
    }
)


class WrongState(Refused):
    code = "wrong_state"
    sentence = _("That is no longer possible: somebody was faster, or it is already done. Look again.")


def move(
    packages: Sequence[Package],
    verb: str,
    *,
    by: Actor,
    now: datetime,
    holder: Associate | None = None,
    trip: Trip | None = None,
    happened_at: datetime | None = None,
    reason: str = "",
) -> list[Event]:
    """Move locked `packages` by `verb` of the MOVES table, in two statements however many there are.

    Args:
        packages: rows locked in this transaction (`Package.objects.for_update`).
        holder: who has them in hand afterwards; needed on entering custody, kept while in it, dropped on leaving.
        trip: the trip they join; kept otherwise, dropped when they are the store's again.
        happened_at: the phone's time where it reports late; `now` otherwise.

    Raises WrongState when one package is not in a source state of the verb; then none has moved.
    """
    if not packages:
        return []
    allowed = MOVES[verb]
    if any(package.state not in allowed.sources for package in packages):
        raise WrongState
    changes: dict[str, object] = {"state": allowed.target, "state_since": now, "version": F("version") + 1}
    if allowed.target not in IN_CUSTODY:
        changes["holder"] = None
    elif holder is not None:
        changes["holder"] = holder
    if allowed.target in OFF_EVERY_TRIP:
        changes["trip"] = None
    elif trip is not None:
        changes["trip"] = trip

    events = [
        _event(package, verb, allowed.target, by=by, now=now, happened_at=happened_at, trip=trip, reason=reason)
        for package in packages
    ]
    Package.objects.filter(pk__in=[package.pk for package in packages]).update(**changes)
    Event.objects.bulk_create(events)
    for package in packages:
        package.state, package.state_since, package.version = allowed.target, now, package.version + 1
        if "holder" in changes:
            package.holder = changes["holder"]  # type: ignore[assignment]
        if "trip" in changes:
            package.trip = changes["trip"]  # type: ignore[assignment]
    speak_after_commit([event.pk for event in events])
    return events


def note(
    packages: Sequence[Package], verb: str, *, by: Actor, now: datetime, happened_at: datetime | None = None,
    reason: str = "", trip: Trip | None = None,
) -> list[Event]:  # fmt: skip
    """Write down that something changed for locked `packages` that is no move: their turn on the trip, a customer's wish.

    One Event each, from the state they are in to the same, and a version more, so that open pages take the news. `trip` is
    another one that they are on from now on.
    """
    events = [
        _event(package, verb, package.state, by=by, now=now, happened_at=happened_at, reason=reason, trip=trip)
        for package in packages
    ]
    changes: dict[str, object] = {"version": F("version") + 1} | ({"trip": trip} if trip else {})
    Package.objects.filter(pk__in=[package.pk for package in packages]).update(**changes)
    Event.objects.bulk_create(events)
    for package in packages:
        package.version += 1
        package.trip = trip or package.trip
    speak_after_commit([event.pk for event in events])
    return events


def _event(
    package: Package, verb: str, to_state: str, *, by: Actor, now: datetime, happened_at: datetime | None = None,
    trip: Trip | None = None, reason: str = "",
) -> Event:  # fmt: skip
    return Event(
        package=package,
        store_id=package.store_id,
        trip_id=trip.pk if trip else package.trip_id,
        version=package.version + 1,
        verb=verb,
        from_state=package.state,
        to_state=to_state,
        at=now,
        happened_at=happened_at or now,
        by_kind=by.kind,
        by_user_id=by.user_id,
        by_name=by.name,
        reason=reason,
    )


def speak_after_commit(event_ids: list[int]) -> None:
    """Once the transaction is safe: tell live pages, wake the messengers. A failure is logged and left to the sweep."""
    transaction.on_commit(lambda: live.speak(event_ids), robust=True)
    transaction.on_commit(lambda: notices.wake(), robust=True)
