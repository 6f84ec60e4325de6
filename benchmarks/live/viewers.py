"""Thousands of open pages in one process: the smallest WebSocket client that can tell when a message came, and which.

    python -m benchmarks.live.viewers PORT

Takes one JSON object a line on standard input and answers each with one (`Crowd.obey`). The parent starts several of
these, so that what is measured is the server and not the client.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import time
from array import array
from typing import Any, cast

STAMP, VERSION = b'"sent":', b'"version":['  # nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share
AT_ONCE = 100
# As the page does it (static/js/tracking.js): a random part of a pause that doubles.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


class Viewer(asyncio.Protocol):
    """One page. Opens its socket, counts what comes and how late, and comes back when it is cut off."""

    def __init__(self, crowd: Crowd, path: str) -> None:
        self.crowd, self.path = crowd, path
        self.version = -1  # the package's, of the newest state it has seen
        self.told_ns = 0  # when it was told a state first, since it was opened or cut off
        self.failures = 0
        self._begin()

    def _begin(self) -> None:
        self.buffer, self.is_open = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self.transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .encode()
        )  # fmt: skip

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.is_open:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.crowd.refused += 1
                self.transport.close()
                return
            self.is_open, self.buffer, self.failures = True, rest, 0
            self.crowd.opened += 1
        while (taken := self._frame()) is not None:
            opcode, payload = taken
            if opcode == 9:  # ping
                self.transport.write(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
            elif opcode == 8:
                self.transport.close()
            elif opcode == 1:
                self.crowd.heard(self, payload)

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + length:
            return None
        self.buffer = buffer[start + length :]
        return buffer[0] & 0x0F, buffer[start : start + length]

    def connection_lost(self, error: Exception | None) -> None:
        if self.is_open:
            self.crowd.lost += 1
            self.crowd.opened -= 1
        self._begin()
        if self.crowd.comes_back:
            self.crowd.later(self)


class Crowd:
    """Everybody who watches from this process, and what they have heard."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.viewers: list[Viewer] = []
        self.opened = self.refused = self.lost = self.states = self.beats = self.attempts = 0
        self.comes_back = False
        self.delays_us = array("l")
        self._tasks: set[asyncio.Task[None]] = set()

    def heard(self, viewer: Viewer, payload: bytes) -> None:
        at = payload.rfind(STAMP)
        if at >= 0:
            sent = int(payload[at + len(STAMP) : payload.index(b"}", at)])
            self.delays_us.append((time.monotonic_ns() - sent) // 1000)
            return
        at = payload.find(VERSION)
        if at < 0:
            self.beats += 1
            return
        if viewer.version < 0:
            viewer.told_ns = time.monotonic_ns()
        start = at + len(VERSION)
        viewer.version = max(viewer.version, int(payload[start : payload.index(b",", start)]))
        self.states += 1

    async def open(self, paths: list[str]) -> dict[str, Any]:
        """Open a socket a path, AT_ONCE side by side."""
        began = time.monotonic()
        self.viewers = [Viewer(self, path) for path in paths]
        for start in range(0, len(paths), AT_ONCE):
            part = self.viewers[start : start + AT_ONCE]
            await asyncio.gather(*(self._connect(viewer) for viewer in part))
            while self.opened + self.refused < start + len(part):
                await asyncio.sleep(0.002)
        return {"took_s": time.monotonic() - began, **self.counts()}

    async def _connect(self, viewer: Viewer) -> None:
        self.attempts += 1
        await asyncio.get_running_loop().create_connection(lambda: viewer, "127.0.0.1", self.port)

    def later(self, viewer: Viewer) -> None:
        """Come back after a random part of a growing pause."""
        task = asyncio.get_running_loop().create_task(self._again(viewer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self, viewer: Viewer) -> None:
        while True:
            longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**viewer.failures)
            viewer.failures += 1
            await asyncio.sleep(random.random() * longest)
            try:
                await self._connect(viewer)
            except OSError:
                continue
            return

    async def until(self, targets: dict[str, int], seconds: float) -> dict[str, Any]:
        """Wait until every viewer of these paths has seen at least that version; `at_ns` is when the last one had."""
        deadline = time.monotonic() + seconds
        waiting = [viewer for viewer in self.viewers if viewer.version < targets.get(viewer.path, -1)]
        at_ns = time.monotonic_ns()
        while waiting and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
            at_ns = time.monotonic_ns()
            waiting = [viewer for viewer in waiting if viewer.version < targets[viewer.path]]
        return {"missing": len(waiting), "at_ns": at_ns, **self.counts()}

    async def everybody_back(self, seconds: float) -> dict[str, Any]:
        """Wait until every viewer is open and has been told what is true."""
        deadline = time.monotonic() + seconds
        while (
            self.opened < len(self.viewers) or any(viewer.version < 0 for viewer in self.viewers)
        ) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        missing = sum(not viewer.is_open or viewer.version < 0 for viewer in self.viewers)
        told_ns = [viewer.told_ns for viewer in self.viewers if viewer.version >= 0]
        return {"missing": missing, "told_ns": told_ns, **self.counts()}

    def counts(self) -> dict[str, int]:
        return {
            "opened": self.opened, "refused": self.refused, "lost": self.lost, "states": self.states,
            "beats": self.beats, "attempts": self.attempts,
        }  # fmt: skip

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """One order of the parent's."""
        match order["do"]:
            case "open":
                return await self.open(order["paths"])
            case "delays":
                delays, self.delays_us = self.delays_us, array("l")
                return {"us": delays.tolist(), **self.counts()}
            case "until":
                return await self.until(order["targets"], order["seconds"])
            case "come back":
                self.comes_back = True
                for viewer in self.viewers:
                    viewer.version = -1
                return self.counts()
            case "everybody back":
                return await self.everybody_back(order["seconds"])
        raise ValueError(order["do"])


async def serve(port: int) -> None:
    """Orders in, answers out, until standard input ends."""
    crowd, loop = Crowd(port), asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await crowd.obey(json.loads(line))), flush=True)


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    import uvloop

    uvloop.install()
    asyncio.run(serve(int(sys.argv[1])))
    os._exit(0)  # ten thousand polite good-byes help nobody


if __name__ == "__main__":
    main()
