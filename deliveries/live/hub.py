"""The hub: one Redis subscription for a whole process, fanned out to its sockets as the same text. No models here.

Measured before it was built (10,000 sockets, 1,000 updates a second): a channel layer with a group a socket lost 47%
of the messages at a p95 of 4.5 s; one subscription with fan-out in the process lost none at 1.2 ms.

What it promises:

- `join` returns when Redis has confirmed the subscription, so whoever reads the truth after it misses nothing.
- A broken or silent connection to Redis is made again with a growing, random pause; all groups are subscribed again,
  and then the viewers of whatever changed meanwhile are sent what is true now (`fresh`), because what was said in
  between is lost.
- A viewer that is slow gets the newest message only. One that takes none for `STUCK_S` is dropped. Neither holds up
  the others for longer than `HELD_UP_S`, once.
- A viewer that hears nothing for a while hears a beat, but only while Redis is heard: silence means "not live", and
  the page may say so.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

STUCK_S = 2.0  # a socket that takes no message for this long is closed
HELD_UP_S = 0.1  # a full socket is left to itself after this long, and the others go on
LINGER_S = 5.0  # a group nobody watches stays subscribed this long: pages are reloaded
PING_S, SILENT_S = 1.0, 4.0  # how often Redis is asked whether it is there, and when it counts as gone
JOIN_S = 3.0  # how long a viewer waits for its subscription
BEAT_S = 30  # a viewer's turn to hear a beat comes this often
JUST_HEARD_S = 15  # and is passed when it has just heard something: nobody hears nothing for longer than both, 45 s
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0  # between attempts to reach Redis
TURNS = round(BEAT_S / HELD_UP_S)  # a few beats at every tick rather than many at once, which would hold up news
CHANNELS_A_COMMAND = 500
SENDS_A_TURN = 200  # before the loop may look at something else
BEAT = '{"type":"beat"}'

Fresh = Callable[[Sequence[str], float], AsyncIterator[tuple[str, str]]]


class NotListening(Exception):
    """Redis cannot be heard just now; a page is better off asking for itself."""


class Viewer:
    """One open socket, as the hub sees it.

    send:  takes one text; may wait while the socket's buffer is full.
    drop:  ends the socket without waiting for it.
    until: loop time at which it has to come back and be admitted anew.
    """

    __slots__ = ("drop", "group", "heard", "pending", "send", "since", "turn", "until")

    def __init__(self, send: Callable[[str], Awaitable[None]], drop: Callable[[], None], until: float) -> None:
        self.send, self.drop, self.until = send, drop, until
        self.group = ""
        self.pending: str | None = None  # the newest text it has not been given
        self.since = 0.0  # loop time since which a text is on its way to it; 0 when none is
        self.heard = -math.inf  # loop time of the last text
        self.turn = random.randrange(TURNS)  # noqa: S311 - spreads beats over time, nothing secret


class Room:
    """The viewers of one group in this process."""

    __slots__ = ("empty_since", "ready", "viewers")

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.ready = asyncio.Event()
        self.empty_since = 0.0


class Hub:
    """See above. Make it inside a running event loop; it starts with its first viewer.

    fresh: for the given groups, of which nothing was heard for so many seconds, yields (group, text) with what is true
           now where something may have changed; used after a break.
    """

    def __init__(self, url: str, fresh: Fresh) -> None:
        # Retries are ours, so that a break is never healed behind our back; RESP2, because its replies come in order.
        self._pool = ConnectionPool.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2, socket_timeout=2
        )
        self._fresh = fresh
        self._rooms: dict[str, Room] = {}
        self._turns: list[set[Viewer]] = [set() for _ in range(TURNS)]
        self._connection: AbstractConnection | None = None
        self._heard = self._pinged = 0.0
        self._missing_since = math.inf  # loop time since which something may have been said that we did not hear
        self._new: set[str] = set()  # groups to subscribe to in the next command
        self._outbox: deque[Viewer] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._pumping: Viewer | None = None
        self._held: dict[Viewer, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False

    # --- For sockets --------------------------------------------------------------------------------------------------

    async def join(self, group: str, viewer: Viewer) -> None:
        """Add a viewer. On return everything said to the group reaches it. Raises NotListening."""
        if not self._started:
            self._started = True
            self._spawn(self._listen())
            self._spawn(self._tick())
        room = self._rooms.get(group)
        if room is None:
            room = self._rooms[group] = Room()
            if self._connection is not None:
                self._subscribe_soon(group)
        viewer.group = group
        room.viewers.add(viewer)
        self._turns[viewer.turn].add(viewer)
        if not room.ready.is_set():
            try:
                async with asyncio.timeout(JOIN_S):
                    await room.ready.wait()
            except TimeoutError:
                self.leave(viewer)
                raise NotListening from None

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer; twice is once."""
        room = self._rooms.get(viewer.group)
        if room is not None:
            room.viewers.discard(viewer)
            if not room.viewers:
                room.empty_since = self._now()
        self._turns[viewer.turn].discard(viewer)
        viewer.pending = None
        if held := self._held.pop(viewer, None):
            held.cancel()

    def count(self, group: str) -> int:
        """How many watch this group in this process."""
        room = self._rooms.get(group)
        return len(room.viewers) if room else 0

    def push(self, viewer: Viewer, text: str) -> None:
        """Put a text in front of a viewer. An older one that it has not taken yet is replaced: pages want the newest."""
        if viewer.pending is None and not viewer.since:
            self._outbox.append(viewer)
        viewer.pending = text
        self._wake_the_pump()

    # --- Sending ------------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Give each viewer in the outbox its text. `send` returns at once unless that socket's buffer is full.

        One task for all: a task a message costs half as much again as the sending. When a socket holds it up, `_tick`
        leaves this task to that socket and the outbox goes to a new one.
        """
        me, sent = asyncio.current_task(), 0
        while self._outbox:
            viewer = self._outbox.popleft()
            text, viewer.pending = viewer.pending, None
            if text is None:
                continue
            viewer.since, self._pumping = self._now(), viewer
            try:
                await viewer.send(text)
                viewer.heard = viewer.since
            except Exception:  # it is gone, in one of the many ways that servers have of saying so
                self.leave(viewer)
                viewer.drop()  # and if it is not, it must not stay open and deaf
            finally:
                viewer.since = 0.0
            if self._is_waiting(viewer):  # something was said while it was busy
                self._outbox.append(viewer)
            if self._pump is not me:  # it took long, and somebody else has the outbox now
                self._held.pop(viewer, None)
                self._wake_the_pump()
                return
            sent += 1
            if sent % SENDS_A_TURN == 0:
                await asyncio.sleep(0)
        self._pump = self._pumping = None

    @staticmethod
    def _is_waiting(viewer: Viewer) -> bool:
        return viewer.pending is not None

    def _wake_the_pump(self) -> None:
        if self._pump is None and self._outbox:
            self._pump = self._spawn(self._drain())

    def _free_the_pump(self, now: float) -> None:
        viewer = self._pumping
        if self._pump is None or viewer is None or not viewer.since or now - viewer.since < HELD_UP_S:
            return
        self._held[viewer] = self._pump
        self._pumping = None
        self._pump = self._spawn(self._drain())

    def _drop_the_stuck(self, now: float) -> None:
        for viewer in [viewer for viewer in self._held if now - viewer.since >= STUCK_S]:
            log.info("live.viewer_stuck")
            self.leave(viewer)
            viewer.drop()

    def _beat(self, turn: int, now: float) -> None:
        for viewer in list(self._turns[turn]):
            if viewer.until <= now:
                self.leave(viewer)
                viewer.drop()
            elif (
                viewer.pending is None
                and not viewer.since
                and now - viewer.heard > JUST_HEARD_S
                and self._connection is not None
            ):
                self.push(viewer, BEAT)

    async def _tick(self) -> None:
        """The hub's clock: stuck sockets, beats, empty rooms, a silent Redis."""
        turn = int(self._now() / HELD_UP_S)
        while True:
            await asyncio.sleep(HELD_UP_S)
            now = self._now()
            self._free_the_pump(now)
            self._drop_the_stuck(now)
            while turn < int(now / HELD_UP_S):
                turn += 1
                self._beat(turn % TURNS, now)
            await self._look_after(now)

    async def _look_after(self, now: float) -> None:
        connection = self._connection
        if connection is None:
            return
        if now - self._heard > SILENT_S:
            log.warning("live.redis_silent")
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)  # the reader sees the end and starts again
            return
        if now - self._pinged <= PING_S:
            return
        self._pinged = now
        await self._command("PING")
        # Only confirmed ones: a confirmation still under way must not be taken for the next subscription's.
        idle = [
            name
            for name, room in self._rooms.items()
            if not room.viewers and room.ready.is_set() and now - room.empty_since > LINGER_S
        ]
        for name in idle:
            del self._rooms[name]
        for names in _chunks(idle):
            await self._command("UNSUBSCRIBE", *names)

    # --- Listening ----------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Connect, subscribe, read; on a break pause and begin again."""
        pause, broken, self._missing_since = FIRST_PAUSE_S, False, self._now()
        while True:
            connection = self._pool.make_connection()
            try:
                await connection.connect()
                self._heard = self._pinged = self._now()
                self._connection = connection
                log.info("live.listening", again=broken, groups=len(self._rooms))
                groups = list(self._rooms)
                for names in _chunks(groups):
                    await self._command("SUBSCRIBE", *names)
                if broken:
                    self._spawn(self._catch_up(groups, connection))
                else:
                    self._missing_since = math.inf  # whoever is here already looks after this
                pause = FIRST_PAUSE_S
                await self._read(connection)
            except (RedisError, OSError) as error:
                log.warning("live.redis_lost", error=type(error).__name__)
            except Exception:
                log.exception("live.listening_failed")  # and begin again: a deaf process is worse than a noisy log
            finally:
                if self._connection is connection:
                    self._missing_since = min(self._missing_since, self._heard)
                self._connection = None
                for room in self._rooms.values():
                    room.ready.clear()
                with contextlib.suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)
            broken = True
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - so that processes do not come at once
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _read(self, connection: AbstractConnection) -> None:
        rooms = self._rooms
        while True:
            kind, *rest = await connection.read_response(timeout=math.inf)  # a plain PONG is four numbers: no matter
            self._heard = self._now()
            if kind == b"message":
                room = rooms.get(rest[0].decode())
                if room is not None and room.viewers:
                    text = rest[1].decode()
                    for viewer in room.viewers:
                        self.push(viewer, text)
            elif kind == b"subscribe":
                room = rooms.get(rest[0].decode())
                if room is not None:
                    room.ready.set()

    async def _catch_up(self, groups: list[str], connection: AbstractConnection) -> None:
        """After a break: once the groups are subscribed again, viewers are sent what changed since we last heard."""
        waiting = [group for group in groups if self.count(group)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(JOIN_S):
                for group in waiting:
                    if group in self._rooms:
                        await self._rooms[group].ready.wait()
        try:
            async for group, text in self._fresh(waiting, self._now() - self._missing_since):
                room = self._rooms.get(group)
                for viewer in room.viewers if room else ():
                    self.push(viewer, text)
            if self._connection is connection:  # else it broke again, and the next one catches up on both
                self._missing_since = math.inf
        except Exception:
            # The database is away, too. Closing is honest: each page comes back, and asks for itself until it can.
            log.exception("live.catch_up_failed")
            for group in waiting:
                for viewer in list(self._rooms[group].viewers) if group in self._rooms else ():
                    self.leave(viewer)
                    viewer.drop()

    def _subscribe_soon(self, group: str) -> None:
        """Everybody who comes within one turn of the loop shares one command."""
        if not self._new:
            asyncio.get_running_loop().call_soon(lambda: self._spawn(self._subscribe_new()))
        self._new.add(group)

    async def _subscribe_new(self) -> None:
        groups, self._new = self._new & self._rooms.keys(), set()
        for names in _chunks(groups):
            await self._command("SUBSCRIBE", *names)

    async def _command(self, *words: str) -> None:
        """Send a command; the answer comes through `_read`. A failure breaks the connection, and `_listen` sees that."""
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.send_packed_command(connection.pack_command(*words), check_health=False)
        except (RedisError, OSError):
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _chunks(names: Iterable[str]) -> list[list[str]]:
    all_names = list(names)
    return [all_names[start : start + CHANNELS_A_COMMAND] for start in range(0, len(all_names), CHANNELS_A_COMMAND)]
