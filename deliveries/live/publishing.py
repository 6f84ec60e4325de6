"""A committed Event becomes news: to the package's pages, to the store's boards, to people who are owed a message.

Order of things, each harmless when repeated: tell the pages, write the notices down, mark the events. A process that
dies in between, or a Redis that is away, leaves `published_at` empty, and the sweep comes back for it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterable, Iterator, Sequence

import redis
import structlog
from django.conf import settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from deliveries import notices
from deliveries.models import Event, Package
from deliveries.states import PackageState

from . import groups, snapshots

log = structlog.get_logger(__name__)

EVENTS_A_TURN = 500
# A Redis that hangs is nobody's fault, and nobody's tap should wait for it: one short wait, then none for a while.
ANSWER_S, REST_S = 0.5, 1.0
_rest_until = 0.0


def speak(event_ids: Sequence[int]) -> None:
    """Tell live pages of these committed events, write down who is owed a message, and mark them published.

    Called after every commit, and by the sweep for what was missed. An event that is marked already is left alone; one
    that is told twice does no harm, because pages drop what is not newer. A Redis that fails is logged, not raised.
    """
    for start in range(0, len(event_ids), EVENTS_A_TURN):
        _speak(event_ids[start : start + EVENTS_A_TURN])


def nudge_associate(associate_id: int) -> None:
    """Tell the associate's own open pages to look again. Lost when Redis is away: they also look by themselves."""
    try:
        with line() as client:
            client.publish(groups.associate(associate_id), snapshots.look())
    except redis.RedisError as error:
        log.warning("live.nudge_lost", error=type(error).__name__)


def nudge_store(store_id: int) -> None:
    """Tell the store's open boards to look again. Lost when Redis is away: they also look by themselves."""
    try:
        with line() as client:
            client.publish(groups.store(store_id), snapshots.look())
    except redis.RedisError as error:
        log.warning("live.nudge_lost", error=type(error).__name__)


def show(package_ids: Sequence[int]) -> None:
    """Send these packages' pages what is true now, though no event says so: a position. Lost when Redis is away."""
    languages = [code for code, _name in settings.LANGUAGES]
    names = [groups.package(package_id, language) for package_id in package_ids for language in languages]
    try:
        with line() as client:
            pipe = client.pipeline(transaction=False)
            _put(pipe, _watched(client, names))
            pipe.execute()
    except redis.RedisError as error:
        log.warning("live.not_shown", error=type(error).__name__)


def _put(pipe: redis.client.Pipeline, watched: Sequence[str]) -> None:
    """Put the message of each watched package group into `pipe`."""
    now = timezone.now()
    facts = snapshots.load({groups.parse(name).id for name in watched}, now=now)
    for name in watched:
        group = groups.parse(name)
        if group.id in facts:
            pipe.publish(name, snapshots.message(facts[group.id], group.language, now=now))


def _speak(event_ids: Sequence[int]) -> None:
    events = list(Event.objects.filter(pk__in=event_ids, published_at=None).order_by("pk"))
    if not events:
        return
    told = _tell(events)
    notices.write_down(events, now=timezone.now())
    if told:
        Event.objects.filter(pk__in=[event.pk for event in events], published_at=None).update(
            published_at=timezone.now()
        )


def _tell(events: Sequence[Event]) -> bool:
    """Publish. Renders only what somebody watches: whoever comes after our question reads what is committed by then."""
    names = _package_groups(events)
    newest: dict[int, int] = {}
    for event in events:
        newest[event.store_id] = max(event.pk, newest.get(event.store_id, 0))
    try:
        with line() as client:
            watched = _watched(client, names)
            pipe = client.pipeline(transaction=False)
            _put(pipe, watched)
            for store_id, event_id in newest.items():
                pipe.publish(groups.store(store_id), snapshots.look(event_id))
            pipe.execute()
    except redis.RedisError as error:
        log.warning("live.not_published", events=len(events), error=type(error).__name__)
        return False
    return True


def _package_groups(events: Iterable[Event]) -> list[str]:
    """The groups to whom these events may matter: their packages, and the others on the road on the same trips.

    An offer and its lapse change nothing that a customer reads, so they are not told.
    """
    events = list(events)
    ids = {
        event.package_id
        for event in events
        if snapshots.public_status(event.from_state) != snapshots.public_status(event.to_state)
        or event.verb not in ("offer", "release")
    }
    trips = {
        event.trip_id for event in events if PackageState.OUT in (event.from_state, event.to_state) and event.trip_id
    }
    if trips:
        ids |= set(Package.objects.filter(trip__in=trips, state=PackageState.OUT).values_list("pk", flat=True))
    languages = [code for code, _name in settings.LANGUAGES]
    return [groups.package(package_id, language) for package_id in sorted(ids) for language in languages]


def _watched(client: redis.Redis, names: list[str]) -> list[str]:
    """Those of these groups that some process of ours is subscribed to."""
    if not names:
        return []
    counts = client.pubsub_numsub(*names)
    return [name.decode() if isinstance(name, bytes) else name for name, count in counts if count]


@contextlib.contextmanager
def line() -> Iterator[redis.Redis]:
    """The line to Redis. After one that did not answer it rests for REST_S, so that a tap does not wait three times."""
    global _rest_until
    if time.monotonic() < _rest_until:
        raise redis.TimeoutError("resting")
    try:
        yield client(os.getpid())
    except redis.TimeoutError:
        _rest_until = time.monotonic() + REST_S
        raise


@functools.cache
def client(process_id: int) -> redis.Redis:
    """The one client of this process; a forked worker makes its own. One retry mends a connection gone stale."""
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWER_S, socket_timeout=ANSWER_S, retry=retry
    )
