"""The processes of a run: web servers, crowds of pages, and a Redis that goes and comes back."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from config.servers import Valkey, free_port

ROOT = Path(__file__).resolve().parents[2]


def raise_the_limit(sockets: int) -> None:
    """Let this process and its children hold a file a socket. Raises SystemExit where the system does not."""
    wanted, (_soft, hard) = sockets + 1000, resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(
            f"{sockets} sockets need {wanted} open files, and {hard} is the most here: ulimit -Hn {wanted}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else hard, hard))


class Server:
    """One web process, started as `make run` does but without compression, and its cost."""

    def __init__(self, application: str, port: int | None = None) -> None:
        self.application, self.port = application, port or free_port()

    def __enter__(self) -> Server:
        self.start()
        return self

    def start(self) -> float:
        """Start it; returns the monotonic second at which it answered."""
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "uvicorn", self.application, "--port", str(self.port), "--lifespan", "off",
                "--no-access-log", "--log-level", "error", "--ws-per-message-deflate", "false", "--backlog", "4096",
            ],
            cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"LOG_LEVEL": "ERROR"},
        )  # fmt: skip
        self.usage = psutil.Process(self.process.pid)
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=2).close()
                return time.monotonic()
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"{self.application} did not start")

    def kill(self) -> None:
        """As a machine that dies."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *error: object) -> None:
        self.kill()

    def cpu_s(self) -> float:
        times = self.usage.cpu_times()
        return float(times.user + times.system)

    def rss(self) -> int:
        return int(self.usage.memory_info().rss)


class Crowds:
    """Pages in several processes, ordered about as one."""

    def __init__(self, port: int, processes: int) -> None:
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.live.viewers", str(port)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(processes)
        ]  # fmt: skip
        self._threads = ThreadPoolExecutor(processes)

    def __enter__(self) -> Crowds:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def open(self, paths: list[str]) -> list[dict[str, Any]]:
        """Share `paths` out among the processes, and open them all."""
        count = len(self.processes)
        return self._each([{"do": "open", "paths": paths[start::count]} for start in range(count)])

    def order(self, do: str, **more: Any) -> list[dict[str, Any]]:
        """The same order to all; their answers."""
        return self._each([{"do": do, **more}] * len(self.processes))

    def _each(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return list(self._threads.map(self._ask, self.processes, orders))

    @staticmethod
    def _ask(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise SystemExit("A crowd of pages died.")
        found: dict[str, Any] = json.loads(answer)
        return found


class OwnValkey(Valkey):
    """A Valkey that goes and comes back at the same port."""

    def come_back(self) -> float:
        """Start it again; returns the monotonic second at which it answered."""
        self.process = self.launch()
        while not self.answers():
            time.sleep(0.002)
        return time.monotonic()
