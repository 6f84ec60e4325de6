"""`python -m benchmarks.intake [--rows 100000]`: writes benchmarks/intake/results.md.

A database of its own is made and dropped. First claims alone, then the same claims while a file of `--rows` packages is
taken in by a process of its own, as a worker would. Claims are offers of one package each, in the stores that the file
writes to, tapped by one person after another.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

HERE = Path(__file__).resolve().parent
STORES = 20


def _rows(count: int, numbers: list[int], deliver_by: str) -> bytes:
    head = (
        "store,reference,recipient,address1,city,state,zip,lat,lon,weight_lb,length_in,width_in,height_in,carrier_usd,"
        "deliver_by\n"
    )
    lines = [
        f"{numbers[n % len(numbers)]},B-{n},Sam Carter {n},{n} W 53rd St,Bayonne,NJ,07002,"
        f"{40.66 + n % 97 / 9000:.5f},{-74.11 - n % 89 / 9000:.5f},2.5,12,9,4,8.75,{deliver_by}\n"
        for n in range(count)
    ]
    return (head + "".join(lines)).encode()


def _child(import_id: str) -> None:
    """Takes the import in, turn by turn; prints seconds and the peak of its memory."""
    from django.utils import timezone

    from deliveries.intake import imports

    started = time.monotonic()
    while not imports.run(import_id, now=timezone.now):
        pass
    print(time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _claims(wanted: int, stores: list[Any], until: subprocess.Popen[str] | None) -> list[float]:
    """Milliseconds of each claim: `wanted` of them, or as many as fit until the process ends."""
    from django.db import close_old_connections

    from deliveries.actions import claims
    from tests.staff.world import offer_to

    made, taken = [], []
    now = datetime.now(UTC)
    for n in range(wanted):
        store = stores[n % len(stores)]
        made.append((store, n))
    for store, _n in made:
        if until is not None and until.poll() is not None:
            break
        person, when, package = store.ready.pop()
        offer = offer_to(person, when, [package], now=now, until=now + timedelta(minutes=30))
        planned, key = claims.planned_from(offer), uuid4()
        began = time.perf_counter()
        claims.claim(planned=planned, shown=offer.quote_digest, by=person, now=now, key=key, offer=offer)
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(0.05)
    close_old_connections()
    return taken


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--claims", type=int, default=200)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    import django

    if options.child:
        django.setup()
        _child(options.child)
        return
    from tests import services  # starts PostgreSQL and Valkey in a folder of their own

    assert services
    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import get_runner

    runner = get_runner(settings)(verbosity=0, interactive=False)
    old = runner.setup_databases()
    try:
        _measure(options.rows, options.claims, connection)
    finally:
        runner.teardown_databases(old)


def _measure(rows: int, wanted: int, connection: Any) -> None:
    import io

    from django.utils import timezone

    from deliveries.intake import imports
    from deliveries.models import Import, Package
    from tests import make
    from tests.live.server import environment

    now = timezone.now()
    stores = [make.store() for _ in range(STORES)]
    for store in stores:
        store.ready = []
        for _ in range(-(-wanted * 4 // STORES)):
            person = make.associate(store)
            when = make.shift(person, ends_at=now + timedelta(hours=1))
            store.ready.append((person, when, make.package(store, now=now)))
    alone = _claims(wanted, stores, None)
    deliver_by = (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%MZ")
    body = _rows(rows, [store.number for store in stores], deliver_by)
    job = imports.begin(kind="packages", media="csv", file=io.BytesIO(body), stores=stores, now=now, by=make.user())
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.intake", "--child", str(job.pk)], stdout=subprocess.PIPE, text=True,
        env={**environment(), "HOMEWARD_ENV": "test", "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    beside = _claims(wanted * 3, stores, child)
    out, _err = child.communicate()
    seconds, memory = map(float, out.split()[-2:])
    job.refresh_from_db()
    assert job.status == Import.Status.DONE
    assert job.taken == job.accepted == rows == Package.objects.filter(reference__startswith="B-").count()
    before, meanwhile = (
        f"p50 {_quantile(some, 0.5):.1f} ms, p95 {_quantile(some, 0.95):.1f} ms, longest {max(some):.0f} ms"
        f" ({len(some)} claims)"
        for some in (alone, beside)
    )
    text = f"""# {rows:,} rows taken in while people claim

`python -m benchmarks.intake`, {platform.python_version()}, {os.cpu_count()} cores, PostgreSQL and Valkey on the same machine.
One file of {len(body) / 1e6:.1f} MB for {STORES} stores, by one worker; claims of one package, one after another, 20 a second
at most, in the same stores.

| | |
| --- | --- |
| the whole file | {seconds:.1f} s, {rows / seconds:,.0f} rows a second |
| peak memory of the worker | {memory:.0f} MB |
| a claim, nothing beside it | {before} |
| a claim, while the file comes in | {meanwhile} |
"""
    print(text)
    (HERE / "results.md").write_text(text)


if __name__ == "__main__":
    main()
