"""Where drive times come from, by the settings: the estimate, or OSRM with a memory and the estimate in reserve.

Without OSRM_URL all is estimated. With it a store's drives of today are kept in Redis, sealed with the key of home cells:
among the points are those cells, and a matrix tells where its points lie. A Redis that is away, or that is restarted,
costs asking again; an OSRM that is away costs the road, never an answer.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Sequence
from datetime import timedelta

import redis
import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils import timezone

from deliveries.live.publishing import client
from deliveries.travel import Careful, Drives, Osrm, PowerLaw, Remembered, RoutingFault, TravelTimes
from deliveries.travel.times import LatLon
from stores.models import Store

log = structlog.get_logger(__name__)

KEPT = timedelta(hours=20)
REST_S = 5.0  # after a Redis that did not answer


def between(store: Store) -> TravelTimes:
    """The drive times of one store. May ask a server, so never inside a transaction; never raises."""
    if not settings.OSRM_URL:
        return PowerLaw()
    remembered = Counted(_server(settings.OSRM_URL, settings.OSRM_SECONDS), SealedShelf(store.pk), store.number)

    def note(fault: RoutingFault) -> None:
        log.warning("travel.estimated", store=store.number, kind=fault.kind, detail=str(fault))

    return Careful(remembered, PowerLaw(), note)


@functools.lru_cache(maxsize=4)
def _server(url: str, seconds: float) -> Osrm:
    """One a process, so that connections are kept, and a server that fails is left alone by everybody in it."""
    return Osrm(url, seconds=seconds)


class Counted(Remembered):
    """Remembered, with a line in the log for every matrix: how much was known."""

    def __init__(self, provider: Osrm, shelf: SealedShelf, number: int) -> None:
        super().__init__(provider, shelf)
        self._number = number

    def drives(self, points: Sequence[LatLon]) -> Drives:
        """See TravelTimes."""
        began, hits, misses = time.perf_counter(), self.hits, self.misses
        found = super().drives(points)
        log.info(
            "travel.drives", store=self._number, points=len(points), hits=self.hits - hits, misses=self.misses - misses,
            seconds=round(time.perf_counter() - began, 3),
        )  # fmt: skip
        return found


class SealedShelf:
    """One store's block for one day, in Redis."""

    _rest_until = 0.0

    def __init__(self, store_id: int) -> None:
        source = f"{settings.DATABASES['default']['NAME']}:{settings.OSRM_URL}"
        self._name = f"hw:drives:{source}:{store_id}:{timezone.now():%Y%m%d}"

    def read(self) -> bytes | None:
        """See Shelf."""
        if time.monotonic() < SealedShelf._rest_until:
            return None
        try:
            kept = client(os.getpid()).get(self._name)
        except redis.RedisError as error:
            self._gone(error)
            return None
        if not isinstance(kept, bytes):
            return None
        try:
            return _box().decrypt(kept)
        except InvalidToken:  # sealed with a key that has been retired
            return None

    def write(self, block: bytes) -> None:
        """See Shelf."""
        if time.monotonic() < SealedShelf._rest_until:
            return
        try:
            client(os.getpid()).set(self._name, _box().encrypt(block), ex=KEPT)
        except redis.RedisError as error:
            self._gone(error)

    def _gone(self, error: redis.RedisError) -> None:
        SealedShelf._rest_until = time.monotonic() + REST_S
        log.warning("travel.nothing_kept", error=type(error).__name__)


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.HOME_KEYS])
