"""The sockets of live pages. Each is admitted, joins its group, is sent what is true now, and then only listens.

Channels routes them, checks where they come from and who is signed in. The rest is plain ASGI, because a channel layer
has no part in it (`channel_layer_alias` would be None) and 10,000 sockets should not pay for one. A socket joins first
and looks second, so whatever is committed in between arrives twice rather than never.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

import structlog
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from associates.models import Associate
from deliveries import links
from deliveries.live import groups, publishing, snapshots
from deliveries.live.hub import Hub, NotListening, Viewer
from deliveries.live.places import Places
from deliveries.views.link_limits import count_bad, sockets_wait, waits
from stores.scope import stores_of

log = structlog.get_logger(__name__)

MOST_VIEWERS = 20  # of one link: a family and its tablets, not a newspaper
COMES_BACK_S = 3600.0  # a socket is admitted anew at least this often: links end, people sign out
TRY_LATER, NOT_HERE = 1013, 1008

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Seat:
    """What an admitted socket listens to. `link` counts against MOST_VIEWERS."""

    group: str
    link: int | None = None


class Socket:
    """One open page. Subclasses say who may come in and what is true at first."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def admit(self) -> Seat | None:
        """Where this socket sits, or None when it has no business here."""
        raise NotImplementedError

    async def first(self, seat: Seat) -> str | None:
        """What it is told first. None when there is nothing to tell any more."""
        raise NotImplementedError

    @classmethod
    def as_asgi(cls) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await cls(scope).run(receive, send)

        return application

    async def run(self, receive: Receive, send: Send) -> None:
        """The whole life of the socket."""
        await receive()  # websocket.connect
        try:
            seat = await self.admit()
        except DatabaseError:
            log.exception("live.admission_failed")
            seat = None
        if seat is None or (seat.link is not None and not await places().take(seat.link)):
            await send({"type": "websocket.close", "code": NOT_HERE})
            return
        task, dropped = asyncio.current_task(), False

        def drop() -> None:
            nonlocal dropped
            dropped = True
            assert task is not None
            task.cancel()  # the socket may be full, so nothing may wait for it, not even to say good-bye

        async def send_text(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        viewer = Viewer(send_text, drop, until=asyncio.get_running_loop().time() + COMES_BACK_S)
        try:
            await send({"type": "websocket.accept"})  # first of all: from the join on, the hub may send
            await hub().join(seat.group, viewer)
            text = await self.first(seat)
            if text is None:
                await send({"type": "websocket.close", "code": NOT_HERE})
                return
            await send_text(text)
            viewer.heard = asyncio.get_running_loop().time()
            if (await receive())["type"] != "websocket.disconnect":  # nothing is read from a page
                await send({"type": "websocket.close", "code": NOT_HERE})
        except (NotListening, DatabaseError) as error:
            log.warning("live.try_later", error=type(error).__name__)
            await send({"type": "websocket.close", "code": TRY_LATER})
        except asyncio.CancelledError:
            if not dropped:
                raise
        finally:
            hub().leave(viewer)
            if seat.link is not None:
                places().give_back(seat.link)


class TrackPackage(Socket):
    """A customer's page, admitted by the token in its address."""

    async def admit(self) -> Seat | None:
        self.asked = parse_qs(self.scope["query_string"].decode("latin-1")).get("lang", [None])[0]
        host, _port = self.scope.get("client") or ("", 0)
        if await _gatherers().waits.get(host):
            return None  # before the look-up, or guessing would go on here
        found = await _gatherers().links.get(self.scope["url_route"]["kwargs"]["token"])
        if found is None:
            await sync_to_async(count_bad)(host)
            return None
        self.package_id, language, link_id = found
        if await _gatherers().sockets_wait.get(link_id):
            return None
        self.language = snapshots.language_or(self.asked, language)
        return Seat(groups.package(self.package_id, self.language), link_id)

    async def first(self, seat: Seat) -> str | None:
        return await _gatherers().snapshots.get((self.package_id, self.language))


class AssociateFeed(Socket):
    """An associate's own pages: only ever "look again"."""

    async def admit(self) -> Seat | None:
        user = self.scope["user"]
        if not user.is_authenticated:
            return None
        associate_id = await database_sync_to_async(_associate_of)(user.pk)
        return Seat(groups.associate(associate_id)) if associate_id is not None else None

    async def first(self, seat: Seat) -> str | None:
        return snapshots.look()


class StoreBoard(Socket):
    """The board of a store, for its staff: only ever "look again", with the number of the newest event."""

    async def admit(self) -> Seat | None:
        number = self.scope["url_route"]["kwargs"]["number"]
        store_id = await database_sync_to_async(_store_for)(self.scope["user"], number)
        return Seat(groups.store(store_id)) if store_id is not None else None

    async def first(self, seat: Seat) -> str | None:
        return snapshots.look()


class Nowhere(Socket):
    """Any other address: closed without a stack trace."""

    async def admit(self) -> Seat | None:
        return None


def _associate_of(user_id: int) -> int | None:
    return Associate.objects.filter(user=user_id).values_list("pk", flat=True).first()


def _store_for(user: Any, number: int) -> int | None:
    return stores_of(user).filter(number=number).values_list("pk", flat=True).first()


def for_anybody(socket: type[Socket]) -> Any:
    """A socket for pages of this site, signed in or not."""
    return AllowedHostsOriginValidator(socket.as_asgi())


def for_people(socket: type[Socket]) -> Any:
    """A socket for pages of this site, with `scope["user"]`."""
    return AllowedHostsOriginValidator(AuthMiddlewareStack(socket.as_asgi()))


# --- Many sockets, few queries ----------------------------------------------------------------------------------------


class Gatherer(Generic[Key, Value]):
    """Answers many askers with one call: after a restart thousands of pages come back within a second.

    While one call is under way the next askers gather, so there is one call, one thread and one database connection at
    a time, and the more they are the cheaper each is.
    """

    def __init__(self, load: Callable[[set[Key]], dict[Key, Value]], most: int = 500) -> None:
        self._load = database_sync_to_async(load)
        self._most = most
        self._asked: dict[Key, asyncio.Future[Value | None]] = {}
        self._busy: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """The value of this key, None where there is none. Raises what the call raised."""
        future = self._asked.get(key)
        if future is None:
            future = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._busy is None:
            self._busy = asyncio.create_task(self._answer())
        return await asyncio.shield(future)

    async def _answer(self) -> None:
        try:
            while self._asked:
                keys = list(self._asked)[: self._most]
                asked = {key: self._asked.pop(key) for key in keys}
                try:
                    values = await self._load(set(keys))
                except Exception as error:
                    for future in asked.values():
                        future.set_exception(error)
                        future.exception()  # looked at, even when the asker is gone by now
                else:
                    for key, future in asked.items():
                        future.set_result(values.get(key))
        finally:
            self._busy = None


def _load_links(tokens: set[str]) -> dict[str, tuple[int, str, int]]:
    """Token -> (package, its language, link)."""
    found = links.find_many(tokens, timezone.now())
    return {token: (link.package_id, link.package.language, link.pk) for token, link in found.items()}


def _load_snapshots(asked: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    now = timezone.now()
    facts = snapshots.load({package_id for package_id, _language in asked}, now=now)
    return {
        (package_id, language): snapshots.message(facts[package_id], language, now=now)
        for package_id, language in asked
        if package_id in facts
    }


# --- One hub, one count of places and four gatherers a process and event loop -------------------------------------


@dataclass
class _Gatherers:
    waits: Gatherer[str, bool]
    links: Gatherer[str, tuple[int, str, int]]
    sockets_wait: Gatherer[int, bool]
    snapshots: Gatherer[tuple[int, str], str]


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()
_all_places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Places] = weakref.WeakKeyDictionary()
_all_gatherers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Gatherers] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The hub of this process and event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(settings.REDIS_URL, snapshots.fresh)
    return _hubs[loop]


def places() -> Places:
    """The places of this process and event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _all_places:
        _all_places[loop] = Places(
            MOST_VIEWERS, COMES_BACK_S + 60, groups.places(), lambda: publishing.client(os.getpid())
        )
    return _all_places[loop]


def _gatherers() -> _Gatherers:
    loop = asyncio.get_running_loop()
    if loop not in _all_gatherers:
        _all_gatherers[loop] = _Gatherers(
            Gatherer(waits), Gatherer(_load_links), Gatherer(sockets_wait), Gatherer(_load_snapshots)
        )
    return _all_gatherers[loop]
