"""How fast a country's offers are written, what each promise of the database costs, and the bare limit in the same run.

    python -m benchmarks.bulk                       4,700 stores, two connections; about three minutes
    python -m benchmarks.bulk --stores 470 --runs 1 --json out.json

Plans nothing: the country is made up (`country.py`), as many offers and packages as the real rehearsal finds. Starts an
own PostgreSQL, durable as that of `make run`. A run fills a fresh schema and sends, as `manage.py plan_nation` does; the
rungs after it send once more each, with one kind of promise taken away from that schema (`ladder.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config import embedded


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--stores", type=int, default=4700)
    parser.add_argument("--connections", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=3, help="of the whole thing; the median is told")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("HOMEWARD_ENV", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="homeward-bulk-") as folder, embedded.services(Path(folder)):
        Path(folder).chmod(0o755)
        report = measure(options.stores, options.connections, options.runs, options.seed)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(stores: int, connections: int, runs: int, seed: int) -> dict[str, Any]:
    import django

    django.setup()
    from benchmarks.bulk import country, ladder

    planned = country.made_up(stores, seed)
    offers = [offer for plan in planned for offer in plan.offers]
    report: dict[str, Any] = {
        "stores": stores, "offers": len(offers), "packages": sum(len(offer.package_ids) for offer in offers),
        "connections": connections, "freezing_cpu_s": freezing(offers),
    }  # fmt: skip
    print(
        f"{len(offers)} offers of {report['packages']} packages in {stores} stores, by {connections} connections."
        f" Their quotes became text in the planning processes: {report['freezing_cpu_s']} s of CPU, not in the figures below."
    )
    times, limits = [], []
    for _run in range(runs):
        sent, limit = send(planned, connections, lambda: None, with_limit=True)
        times.append(sent)
        limits.append(limit)
    report["as_it_is_s"] = tell("every promise kept", times)
    for name, rung in (
        ("no foreign keys", ladder.without_keys),
        ("nor checks and the trigger", ladder.without_checks),
        ("nor indexes where rows are only added", ladder.without_indexes),
    ):
        report[name] = tell(name, [send(planned, connections, rung)[0]])
    report["bare_copy_s"] = tell("bare COPY of the same rows", limits)
    return report


def freezing(offers: list[Any]) -> float:
    """CPU seconds that all quotes together take to become text with a digest."""
    from deliveries import pay

    quotes = [pay.Quote.from_json(json.loads(offer.quote)) for offer in offers]
    started = time.process_time()
    for quote in quotes:
        pay.digest_of(quote.canonical)
    return round(time.process_time() - started, 2)


def send(
    planned: list[Any], connections: int, rung: Callable[[], None], *, with_limit: bool = False
) -> tuple[float, float]:
    """One fresh schema, filled and sent to; seconds of the sending, and of the bare limit afterwards."""
    from benchmarks.bulk import ladder
    from deliveries.management.commands.plan_nation import DAY, NOW
    from deliveries.nation import scratch, writing

    limit = 0.0
    with scratch.scratch_schema():
        with writing.writers(planned, connections) as country:
            country.fill(DAY, NOW)
            rung()
            started = time.perf_counter()
            parts = country.send(NOW)
            seconds = time.perf_counter() - started
        if sum(part.offers for part in parts) != sum(len(plan.offers) for plan in planned):
            raise RuntimeError(f"Not everything was sent: {parts}")
        if with_limit:
            _rows, limit = ladder.bare(len(planned), connections)
    return seconds, limit


def tell(what: str, seconds: list[float]) -> float:
    """Print the median and the spread; returns the median."""
    middle = statistics.median(seconds)
    print(f"{middle:7.2f} s  {what}  ({', '.join(f'{s:.2f}' for s in seconds)})", flush=True)
    return round(middle, 3)


if __name__ == "__main__":
    main()
