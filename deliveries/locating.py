"""Packages whose pin is the middle of a ZIP code get a better one: from the address table, or from a geocoding service.

Nothing here runs in an import's request. A package says itself when it is looked up again (`locate_after`), a sweep hands
out stores that have such packages, and what a task does not get to, the next one does.

Their limits are kept by turns: a service is asked at most GEOCODER_PER_SECOND times a second by all our processes
together. A turn is a key in Redis; without Redis nobody has one, and all of this waits.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import redis
import structlog
from django.conf import settings

from deliveries.actions import receiving
from deliveries.actors import system
from deliveries.live.publishing import client
from deliveries.models import Package
from stores.geocoding import Address, Geocoder, Unavailable
from stores.models import AddressPoint, Store
from stores.places import Located, Precision, distance_m, locate_many, normal_street

log = structlog.get_logger(__name__)

MOST, LONGEST_S = 500, 60.0  # packages and seconds a task; the sweep gives out the rest
TAKEN = timedelta(minutes=5)  # what a task has taken and not finished by then is taken by another
PAUSES = [timedelta(minutes=m) for m in (1, 5, 20, 60, 240)]  # after a fault of the service; then nobody is asked
LOOK_AGAIN = timedelta(hours=1)  # in the table alone, where there is no service to ask: somebody may have filled it
# No address is farther from the middle of its ZIP code, but for a few in deserts: the answer is about another place.
FARTHEST_FROM_ZIP_M = 50_000


def locate_store(*, store: Store, now: datetime, geocoder: Geocoder | None) -> int:
    """Look up what is due in `store`; returns how many packages have a pin that can be driven to now."""
    packages = receiving.take_to_look_up(store=store, most=MOST, now=now, until=now + TAKEN)
    doors: dict[tuple[str, str], list[Package]] = defaultdict(list)
    for package in packages:
        doors[package.address1, package.zip].append(package)
    table = locate_many(doors)
    until, asked, found = time.monotonic() + LONGEST_S, 0, 0
    waiting = dict(doors)
    for address, there in doors.items():
        place: Located | None = table.get(address)
        if place is None or place.precision == Precision.ZIP:
            if geocoder is None:
                receiving.look_again(packages=waiting.pop(address), after=now + LOOK_AGAIN, tried=False)
                continue
            if time.monotonic() > until or not _turn(until):
                receiving.look_again(packages=[p for left in waiting.values() for p in left], after=now, tried=False)
                break
            asked += 1
            try:
                place = _ask(geocoder, there[0], place)
            except Unavailable as fault:
                del waiting[address]
                _postpone(there, [p for left in waiting.values() for p in left], fault, now)
                break
        receiving.locate(packages=waiting.pop(address), place=place, by=system("places"), now=now)
        found += len(there) if place and place.precision != Precision.ZIP else 0
    log.info("places.looked_up", store=store.number, packages=len(packages), asked=asked, found=found)
    return found


def _ask(geocoder: Geocoder, package: Package, middle: Located | None) -> Located | None:
    """One question. A good answer goes into the address table, so that the next package for that door needs none."""
    place = geocoder.find(Address(package.address1, package.city, package.region, package.zip))
    if place and middle and distance_m(place.point, middle.point) > FARTHEST_FROM_ZIP_M:
        log.warning("places.implausible", store=package.store_id, geocoder=geocoder.name)
        return None
    if place and place.precision != Precision.ZIP:
        AddressPoint.objects.update_or_create(
            zip=package.zip, street=normal_street(package.address1),
            defaults={
                "lat": place.point.lat, "lon": place.point.lon, "precision": place.precision, "source": geocoder.name,
            },
        )  # fmt: skip
    return place


def _postpone(asked: Sequence[Package], others: Sequence[Package], fault: Unavailable, now: datetime) -> None:
    """The service is not well: it is left alone by this store for a while, and what was asked in vain has one try less."""
    tries = asked[0].locate_tries
    pause = max(PAUSES[min(tries, len(PAUSES) - 1)], timedelta(seconds=min(fault.wait_s, 86_400)))
    last = tries >= len(PAUSES)
    log.warning("places.geocoder_failed", store=asked[0].store_id, kind=fault.kind, tries=tries + 1, gave_up=last)
    receiving.look_again(packages=asked, after=None if last else now + pause, tried=True)
    receiving.look_again(packages=others, after=now + pause, tried=False)


def _turn(until: float) -> bool:
    """Wait for a turn to ask the service, until monotonic `until` at most. False when there is none to be had."""
    apart_ms = max(1, round(1000 / settings.GEOCODER_PER_SECOND))
    try:
        while not client(os.getpid()).set("hw:geocoder:turn", 1, nx=True, px=apart_ms):
            if time.monotonic() > until:
                return False
            time.sleep(apart_ms / 4000)
    except redis.RedisError as error:
        log.warning("places.no_turn", error=type(error).__name__)
        return False
    return True
