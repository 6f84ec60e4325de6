"""The hub alone, against a real Redis: who is slow, stuck, gone or early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from deliveries import consumers
from deliveries.live import hub as hub_module
from deliveries.live.hub import BEAT, Hub, NotListening, Viewer

from .server import OwnValkey


async def nothing_new(groups: Sequence[str], quiet_s: float) -> AsyncIterator[tuple[str, str]]:
    assert 0 <= quiet_s < 120
    for group in groups:
        yield group, "fresh"


class Page:
    """A socket for tests: what it was given, and a valve that can be shut."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.beats: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.dropped = False
        self.fails = False
        self.viewer = Viewer(self.send, self.drop, until=float("inf"))

    async def send(self, text: str) -> None:
        await self.open.wait()
        if self.fails:
            raise RuntimeError("it is not accepted yet")
        (self.beats if text == BEAT else self.got).append(text)

    def drop(self) -> None:
        self.dropped = True


async def until(what: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.01)


def run(test: Callable[[Hub, redis.asyncio.Redis], Coroutine[Any, Any, None]], url: str | None = None) -> None:
    async def main() -> None:
        hub = Hub(url or settings.REDIS_URL, nothing_new)
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        try:
            await test(hub, client)
        finally:
            for task in list(hub._tasks):
                task.cancel()
            await client.aclose()

    asyncio.run(main())


def test_everybody_in_a_group_hears_the_same_and_nobody_else_does() -> None:
    async def test(hub: Hub, client: redis.asyncio.Redis) -> None:
        pages = [Page() for _ in range(5)]
        other = Page()
        await asyncio.gather(*(hub.join("hub-test:a.1.", page.viewer) for page in pages))
        await hub.join("hub-test:a.2.", other.viewer)
        assert (await client.pubsub_numsub("hub-test:a.1."))[0][1] == 1, "one subscription for all"
        await client.publish("hub-test:a.1.", "news")
        await until(lambda: all(page.got == ["news"] for page in pages))
        assert other.got == []

    run(test)


def test_who_is_slow_gets_the_newest_only() -> None:
    async def test(hub: Hub, client: redis.asyncio.Redis) -> None:
        slow, quick = Page(), Page()
        for page in (slow, quick):
            await hub.join("hub-test:a.3.", page.viewer)
        slow.open.clear()
        for number in range(10):
            await client.publish("hub-test:a.3.", str(number))
            await until(lambda number=number: str(number) in quick.got)  # type: ignore[misc]
        slow.open.set()
        await until(lambda: slow.got[-1:] == ["9"])
        assert slow.got == ["0", "9"]
        assert quick.got == [str(number) for number in range(10)]
        assert not slow.dropped

    run(test)


def test_who_takes_nothing_is_dropped_and_who_fails_is_not_left_deaf() -> None:
    async def test(hub: Hub, client: redis.asyncio.Redis) -> None:
        stuck, failing, fine = Page(), Page(), Page()
        for page in (stuck, failing, fine):
            await hub.join("hub-test:a.4.", page.viewer)
        stuck.open.clear()
        failing.fails = True
        await client.publish("hub-test:a.4.", "news")
        await until(lambda: fine.got == ["news"] and failing.dropped and stuck.dropped)
        assert hub.count("hub-test:a.4.") == 1
        await client.publish("hub-test:a.4.", "more")
        await until(lambda: fine.got == ["news", "more"])

    run(test)


def test_who_has_left_is_forgotten_and_the_group_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LINGER_S", 0.3)

    async def test(hub: Hub, client: redis.asyncio.Redis) -> None:
        page, again = Page(), Page()
        await hub.join("hub-test:a.5.", page.viewer)
        hub.leave(page.viewer)
        hub.leave(page.viewer)
        async with asyncio.timeout(10):
            while (await client.pubsub_numsub("hub-test:a.5."))[0][1]:
                await asyncio.sleep(0.02)
        await hub.join("hub-test:a.5.", again.viewer)
        await client.publish("hub-test:a.5.", "news")
        await until(lambda: again.got == ["news"])
        assert page.got == []

    run(test)


def test_beats_are_heard_only_while_redis_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(hub: Hub, client: redis.asyncio.Redis) -> None:
        page = Page()
        await hub.join("hub-test:a.6.", page.viewer)
        now = asyncio.get_running_loop().time()
        hub._beat(page.viewer.turn, now)
        await until(lambda: len(page.beats) >= 1)
        before = len(page.beats)
        hub._beat(page.viewer.turn, now + hub_module.JUST_HEARD_S - 1)
        await asyncio.sleep(0.05)
        assert len(page.beats) == before, "it has just heard something"
        hub._connection = None
        hub._beat(page.viewer.turn, now + 60)
        await asyncio.sleep(0.05)
        assert len(page.beats) == before

    run(test)


def test_without_redis_nobody_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "JOIN_S", 0.3)

    async def test(hub: Hub, client: redis.asyncio.Redis) -> None:
        page = Page()
        with pytest.raises(NotListening):
            await hub.join("hub-test:a.7.", page.viewer)
        assert hub.count("hub-test:a.7.") == 0

    run(test, url="redis://127.0.0.1:1/0")


def test_a_socket_is_accepted_before_the_hub_may_send_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server refuses texts for a socket that is not accepted yet, and the page would stay open and deaf."""
    sent: list[str] = []

    class Early:
        async def join(self, group: str, viewer: Viewer) -> None:
            await viewer.send("news, at once")

        def leave(self, viewer: Viewer) -> None:
            sent.append("left")

    class Anybody(consumers.Socket):
        async def admit(self) -> consumers.Seat:
            return consumers.Seat("group")

        async def first(self, seat: consumers.Seat) -> str:
            return "what is true"

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect" if sent else "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("text") or message["type"])

    monkeypatch.setattr(consumers, "hub", Early)
    asyncio.run(Anybody({}).run(receive, send))
    assert sent == ["websocket.accept", "news, at once", "what is true", "left"]


def test_a_second_break_before_all_was_said_anew_catches_up_on_both(own_valkey: OwnValkey) -> None:
    """What was missed counts from the last word before the first break, until all of it has been told."""
    asked: list[float] = []
    hub: Hub

    async def slowly(groups: Sequence[str], quiet_s: float) -> AsyncIterator[tuple[str, str]]:
        asked.append(quiet_s)
        if len(asked) == 1:
            own_valkey.stop()  # again, while we look, and the hub sees it before we have said anything
            await until(lambda: hub._connection is None)
        for group in groups:
            yield group, f"truth {len(asked)}"

    async def until(what: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not what():
                await asyncio.sleep(0.02)

    async def test() -> None:
        nonlocal hub
        hub, page = Hub(own_valkey.url(), slowly), Page()
        await hub.join("one", page.viewer)
        own_valkey.stop()
        await asyncio.sleep(0.5)
        own_valkey.come_back()
        await until(lambda: len(asked) == 1)
        await asyncio.sleep(0.5)
        own_valkey.come_back()
        await until(lambda: "truth 2" in page.got)

    asyncio.run(test())
    assert asked[0] >= 0.5
    assert asked[1] >= asked[0] + 0.4, "both breaks"
