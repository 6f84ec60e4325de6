"""How fast news reaches open pages, and what it costs, beside a bare server in the same run.

    python -m benchmarks.live                                     1,000 sockets, 200 updates a second, 15 s each
    python -m benchmarks.live --sockets 10000 --rate 1000 --json out.json

Starts an own PostgreSQL and Valkey, the real web process and the bare one (`bare.py`), opens four viewers a package and
publishes updates of a real page's size. Beats and first snapshots are counted apart. CPU is the server process's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from config import embedded
from config.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
VIEWERS_A_PACKAGE = 4


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="updates a second; each reaches four sockets")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("HOMEWARD_ENV", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
    with tempfile.TemporaryDirectory(prefix="homeward-live-") as folder, embedded.services(Path(folder), durable=False):
        Path(folder).chmod(0o755)
        report = measure(options.sockets, options.rate, options.seconds)
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(sockets: int, rate: int, seconds: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    tokens, channels, text = prepare(sockets // VIEWERS_A_PACKAGE)
    report: dict[str, Any] = {"sockets": sockets, "updates_per_s": rate, "seconds": seconds, "bytes": len(text)}
    report["tap_to_page_ms"] = taps()
    for name, application, paths in (
        ("homeward", "config.asgi:application", [f"/ws/t/{token}/" for token in tokens]),
        ("bare", "benchmarks.live.bare:application", [f"/{channel}" for channel in channels]),
    ):
        with Server(application) as server:
            everybody = [path for path in paths for _ in range(VIEWERS_A_PACKAGE)]
            report[name] = asyncio.run(watch(server, everybody, channels, text, rate, seconds))
    ours, bare = report["homeward"], report["bare"]
    report["ratio"] = {
        "p95": round(ours["p95_ms"] / bare["p95_ms"], 2),
        "cpu": round(ours["cpu_us_per_message"] / bare["cpu_us_per_message"], 2),
    }
    return report


def prepare(packages: int) -> tuple[list[str], list[str], str]:
    """Packages on the bay with a link each; returns tokens, channels and a real message."""
    from django.utils import timezone

    from deliveries import links
    from deliveries.live import groups, snapshots
    from tests import make

    now, store = timezone.now(), make.store()
    made = [make.package(store, now=now) for _ in range(packages)]
    tokens = [links.issue(package=package, now=now) for package in made]
    facts = snapshots.load([made[0].pk], now=now)[made[0].pk]
    return tokens, [groups.package(p.pk, "en") for p in made], snapshots.message(facts, "en", now=now)


def taps(turns: int = 50) -> dict[str, float]:
    """From calling a verb to the text on an open page: commit, rendering, Redis, hub, socket."""
    from django.utils import timezone
    from websockets.sync.client import connect

    from deliveries import actors, links
    from deliveries.actions import receiving
    from tests import make

    took = []
    with Server("config.asgi:application") as server:
        for _ in range(turns):
            package = make.package(make.store(), now=timezone.now())
            mine = links.issue(package=package, now=timezone.now())
            where = f"ws://127.0.0.1:{server.port}/ws/t/{mine}/"
            with connect(where, origin="http://127.0.0.1", proxy=None) as page:  # type: ignore[arg-type]
                page.recv(timeout=10)
                began = time.perf_counter()
                receiving.hold(package=package, by=actors.system("benchmark"), now=timezone.now(), reason="benchmark")
                while b"pick_up" not in page.recv(timeout=10, decode=False):
                    pass
                took.append(1000 * (time.perf_counter() - began))
    return {"p50": round(statistics.median(took), 1), "p95": round(statistics.quantiles(took, n=20)[-1], 1)}


class Server:
    """One web process, started as `make run` does but without compression, and its cost."""

    def __init__(self, application: str) -> None:
        self.application, self.port = application, free_port()

    def __enter__(self) -> Server:
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "uvicorn", self.application, "--port", str(self.port), "--lifespan", "off",
                "--no-access-log", "--log-level", "error", "--ws-per-message-deflate", "false", "--backlog", "4096",
            ],
            cwd=ROOT,
        )  # fmt: skip
        self.usage = psutil.Process(self.process.pid)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=2).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{self.application} did not start")

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def cpu_s(self) -> float:
        times = self.usage.cpu_times()
        return float(times.user + times.system)

    def rss(self) -> int:
        return int(self.usage.memory_info().rss)


async def watch(
    server: Server, paths: list[str], channels: list[str], text: str, rate: int, seconds: int
) -> dict[str, Any]:
    """Open everybody, publish at `rate` from a process of its own, and see what comes."""
    from .viewers import Crowd

    crowd, rss = Crowd(), server.rss()
    took = await crowd.open(server.port, paths)
    await asyncio.sleep(2)
    opened, per_socket = crowd.opened, (server.rss() - rss) / max(1, crowd.opened)
    cpu = server.cpu_s()
    publisher = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.live.publisher",
        str(rate),
        str(seconds),
        stdin=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    await publisher.communicate(json.dumps({"channels": channels, "text": text}).encode())
    await asyncio.sleep(1.5)
    cpu = server.cpu_s() - cpu
    delays = sorted(crowd.delays_us)
    sent = rate * seconds * VIEWERS_A_PACKAGE
    return {
        "opened": opened, "refused": crowd.refused, "closed": crowd.lost, "connects_per_s": round(opened / took),
        "kb_per_socket": round(per_socket / 1024, 1), "lost": sent - len(delays),
        "p50_ms": at(delays, 0.50), "p95_ms": at(delays, 0.95), "p99_ms": at(delays, 0.99), "max_ms": at(delays, 1),
        "cpu_us_per_message": round(1e6 * cpu / max(1, len(delays)), 1), "cpu_share": round(cpu / (seconds + 1.5), 2),
    }  # fmt: skip


def at(delays_us: list[int], share: float) -> float:
    if not delays_us:
        return float("nan")
    return round(delays_us[min(len(delays_us) - 1, int(share * len(delays_us)))] / 1000, 2)


if __name__ == "__main__":
    main()
