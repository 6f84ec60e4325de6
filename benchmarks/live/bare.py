"""The least that does the job: uvicorn, one Redis subscription, a loop over sockets. What Homeward's hub is held against.

No tokens, no database, no snapshot, no care for slow sockets or a lost Redis.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from typing import Any

import redis.asyncio

rooms: dict[bytes, set[Any]] = defaultdict(set)
client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
pubsub = client.pubsub()
reader: asyncio.Task[None] | None = None
one_at_a_time = asyncio.Lock()


async def read() -> None:
    while True:
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=None)
        if message is not None:
            text = message["data"].decode()
            for send in list(rooms[message["channel"]]):
                await send({"type": "websocket.send", "text": text})


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    global reader
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    channel = scope["path"].strip("/").encode()
    await receive()
    async with one_at_a_time:  # redis-py connects once for each of those who come before it is connected
        if not rooms[channel]:
            await pubsub.subscribe(channel)
    rooms[channel].add(send)
    if reader is None:
        reader = asyncio.create_task(read())
    await send({"type": "websocket.accept"})
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        rooms[channel].discard(send)
