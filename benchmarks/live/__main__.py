"""How fast news reaches open pages, and what it costs, beside a bare server in the same run.

    python -m benchmarks.live                                       1,000 sockets
    python -m benchmarks.live --sockets 10000 --json out.json       what docs/live.md shows: three minutes, two cores
    python -m benchmarks.live --draw out.json                       docs/images/live-load.svg from it (needs matplotlib)

Starts an own PostgreSQL and Valkey, the real web process and the bare one (`bare.py`), all on 127.0.0.1. Four viewers a
package, in processes of their own; updates of a real page's size at each of `--rates`; then, with Homeward alone, Redis
is stopped, packages move meanwhile, and it comes back; at last the web process is killed, started again, and everybody
comes back as the page does. Beats and first snapshots are counted apart. CPU is the server process's own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from config import embedded

from .processes import ROOT, Crowds, OwnValkey, Server, raise_the_limit

VIEWERS_A_PACKAGE = 4
AWAY_S = 2.0  # how long Redis is away
SETTLE_S = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument(
        "--rates", type=int, nargs="+", default=[200, 1000], help="updates a second, to four sockets each"
    )
    parser.add_argument("--seconds", type=int, default=15, help="a rate")
    parser.add_argument("--processes", type=int, default=2, help="processes that hold the pages")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--draw", type=Path, help="only draw this report")
    options = parser.parse_args()
    if options.draw:
        from .chart import draw

        draw(json.loads(options.draw.read_text()), ROOT / "docs/images/live-load.svg")
        return
    os.environ.setdefault("HOMEWARD_ENV", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
    raise_the_limit(options.sockets)
    with tempfile.TemporaryDirectory(prefix="homeward-live-") as folder:
        Path(folder).chmod(0o755)
        valkey = OwnValkey(Path(folder) / "own-valkey", durable=False)
        valkey.home.mkdir()
        valkey.start()
        os.environ["REDIS_URL"] = valkey.url()
        try:
            with embedded.services(Path(folder), durable=False):
                report = measure(options, valkey)
        finally:
            valkey.stop()
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def measure(options: argparse.Namespace, valkey: OwnValkey) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from .world import World

    call_command("migrate", verbosity=0)
    world = World(options.sockets // VIEWERS_A_PACKAGE)
    report: dict[str, Any] = {
        "sockets": options.sockets, "seconds": options.seconds, "bytes": len(world.text.encode()),
        "processors": os.cpu_count(), "load_before": [round(load, 2) for load in os.getloadavg()],
    }  # fmt: skip
    report["tap_to_page_ms"] = world.taps()
    say(f"verb to page {report['tap_to_page_ms']}")
    for name, application, paths in (
        ("bare", "benchmarks.live.bare:application", [f"/{channel}" for channel in world.channels]),
        ("homeward", "config.asgi:application", [f"/ws/t/{token}/" for token in world.tokens]),
    ):
        with Server(application) as server, Crowds(server.port, options.processes) as crowds:
            found = report[name] = opening(server, crowds, [path for path in paths for _ in range(VIEWERS_A_PACKAGE)])
            say(f"{name}: {found}")
            for rate in options.rates:
                found[str(rate)] = updates(server, crowds, world, rate, options.seconds)
                say(f"{name} at {rate}/s: {found[str(rate)]}")
            if name == "homeward":
                report["redis_restart"] = redis_restart(valkey, crowds, world)
                say(f"Redis restarted: {report['redis_restart']}")
                report["reconnect"] = reconnect(server, crowds)
                say(f"web process killed: {report['reconnect']}")
    report["ratio"] = {
        str(rate): {
            what: round(report["homeward"][str(rate)][what] / report["bare"][str(rate)][what], 2)
            for what in ("p50_ms", "p95_ms", "p99_ms", "cpu_us_per_message")
        }
        for rate in options.rates
    }
    return report


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def opening(server: Server, crowds: Crowds, paths: list[str]) -> dict[str, Any]:
    """Open everybody."""
    rss = server.rss()
    answers = crowds.open(paths)
    time.sleep(SETTLE_S)
    opened = sum(answer["opened"] for answer in answers)
    return {
        "opened": opened, "refused": sum(answer["refused"] for answer in answers),
        "connects_per_s": round(opened / max(answer["took_s"] for answer in answers)),
        "kb_per_socket": round((server.rss() - rss) / max(1, opened) / 1024, 1),
    }  # fmt: skip


def updates(server: Server, crowds: Crowds, world: Any, rate: int, seconds: int) -> dict[str, Any]:
    """Publish at `rate` from a process of its own, and see what comes."""
    crowds.order("delays")
    cpu, began = server.cpu_s(), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "benchmarks.live.publisher", str(rate), str(seconds)],
        input=json.dumps({"channels": world.channels, "text": world.text}), text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    time.sleep(SETTLE_S)
    cpu, took = server.cpu_s() - cpu, time.monotonic() - began
    answers = crowds.order("delays")
    delays = sorted(delay for answer in answers for delay in answer["us"])
    return {
        "messages": len(delays), "lost": rate * seconds * VIEWERS_A_PACKAGE - len(delays),
        "closed": sum(answer["lost"] for answer in answers),
        "p50_ms": at(delays, 0.50), "p95_ms": at(delays, 0.95), "p99_ms": at(delays, 0.99), "max_ms": at(delays, 1),
        "cpu_us_per_message": round(1e6 * cpu / max(1, len(delays)), 1), "cpu_share": round(cpu / took, 2),
    }  # fmt: skip


def redis_restart(valkey: OwnValkey, crowds: Crowds, world: Any) -> dict[str, Any]:
    """Redis goes, a tenth of the packages move meanwhile (nobody can be told), Redis comes back."""
    valkey.stop()
    gone = time.monotonic()
    targets = world.move_some()
    time.sleep(max(0.0, AWAY_S - (time.monotonic() - gone)))
    back = valkey.come_back()
    answers = crowds.order(
        "until", targets={f"/ws/t/{token}/": version for token, version in targets.items()}, seconds=20
    )
    last = max(answer["at_ns"] for answer in answers) / 1e9
    return {
        "moved": len(targets), "viewers_of_those": len(targets) * VIEWERS_A_PACKAGE,
        "never_right": sum(answer["missing"] for answer in answers), "all_right_after_s": round(last - back, 2),
        "sockets_closed": sum(answer["lost"] for answer in answers),
    }  # fmt: skip


def reconnect(server: Server, crowds: Crowds) -> dict[str, Any]:
    """The web process dies under everybody and is started again; everybody comes back with the page's jitter."""
    crowds.order("come back")
    before = crowds.order("delays")
    server.kill()
    died = time.monotonic()
    answering = server.start()
    answers = crowds.order("everybody back", seconds=60)
    back = sorted(told / 1e9 - answering for answer in answers for told in answer["told_ns"])
    return {
        "away_s": round(answering - died, 2), "half_back_after_s": round(back[len(back) // 2], 2),
        "p95_back_after_s": round(back[int(0.95 * len(back))], 2), "all_back_after_s": round(back[-1], 2),
        "never_back": sum(answer["missing"] for answer in answers),
        "attempts": sum(a["attempts"] - b["attempts"] for a, b in zip(answers, before, strict=True)),
        "refused": sum(a["refused"] - b["refused"] for a, b in zip(answers, before, strict=True)),
    }  # fmt: skip


def at(delays_us: list[int], share: float) -> float:
    """The delay in milliseconds that this share of messages did not exceed."""
    if not delays_us:
        return float("nan")
    return round(delays_us[min(len(delays_us) - 1, int(share * len(delays_us)))] / 1000, 2)


if __name__ == "__main__":
    main()
