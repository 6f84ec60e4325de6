"""Publishes stamped updates at a steady rate, channel after channel: `publisher RATE SECONDS` with channels on stdin."""

from __future__ import annotations

import json
import os
import sys
import time

import redis


def main() -> None:
    rate, seconds = int(sys.argv[1]), int(sys.argv[2])
    work = json.load(sys.stdin)
    channels, text = work["channels"], work["text"].rstrip("}")
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    began = time.perf_counter()
    for number in range(rate * seconds):
        ahead = began + number / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        client.publish(channels[number % len(channels)], f'{text},"sent":{time.monotonic_ns()}}}')


if __name__ == "__main__":
    main()
