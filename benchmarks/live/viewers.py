"""Thousands of open pages in one process: the smallest WebSocket client that can tell when a message came."""

from __future__ import annotations

import asyncio
import time
from array import array

STAMP = b'"sent":'  # then nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share


class Viewer(asyncio.Protocol):
    """Opens one socket, counts what comes and how late."""

    def __init__(self, crowd: Crowd, path: str) -> None:
        self.crowd, self.path, self.buffer, self.is_open = crowd, path, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(
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
            self.is_open, self.buffer = True, rest
            self.crowd.opened += 1
        while (taken := self._frame()) is not None:
            opcode, payload = taken
            if opcode == 9:  # ping
                self.transport.write(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
            elif opcode == 1:
                self.crowd.heard(payload)

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
        self.crowd.lost += self.is_open


class Crowd:
    """Everybody who watches, and what they have heard."""

    def __init__(self) -> None:
        self.opened = self.refused = self.lost = self.others = 0
        self.delays_us = array("l")

    def heard(self, payload: bytes) -> None:
        at = payload.find(STAMP)
        if at < 0:
            self.others += 1  # a first snapshot, a beat
            return
        sent = int(payload[at + len(STAMP) : payload.index(b"}", at)])
        self.delays_us.append((time.monotonic_ns() - sent) // 1000)

    async def open(self, port: int, paths: list[str], at_once: int = 100) -> float:
        """Open a socket a path, `at_once` side by side; returns how many seconds it took."""
        loop, began = asyncio.get_running_loop(), time.perf_counter()
        for start in range(0, len(paths), at_once):
            part = paths[start : start + at_once]
            await asyncio.gather(
                *(loop.create_connection(lambda path=path: Viewer(self, path), "127.0.0.1", port) for path in part)  # type: ignore[misc]
            )
            while self.opened + self.refused < start + len(part):
                await asyncio.sleep(0.002)
        return time.perf_counter() - began
