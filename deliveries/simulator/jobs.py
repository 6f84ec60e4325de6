"""A simulation asked for on a page and run by a worker. The row is the truth; a run that died is taken up again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from deliveries.intake.columns import PACKAGES
from deliveries.models import Simulation
from stores.feeds.report import FileFault, Report
from stores.feeds.sheets import CsvTable
from stores.models import PayPlan, Store, User

from .run import simulate
from .scene import HOMES, MOST_HOMES, read

MOST_BYTES = 8 * 1024 * 1024
MOST_ORDERS = 20_000
MOST_FAULTS = 100
LOST_AFTER = timedelta(minutes=15)


def ask(
    *, store: Store, orders: bytes, homes: bytes, share: int, draws: int, by: User | None, now: datetime
) -> Simulation:
    """Write the run down. Raises FileFault, `where` naming the file, when one of them cannot be read as a whole."""
    for name, data, sheet, most in (("orders", orders, PACKAGES, MOST_ORDERS), ("homes", homes, HOMES, MOST_HOMES)):
        try:
            CsvTable(data, sheet, most_rows=most, most_bytes=MOST_BYTES)
        except FileFault as fault:
            raise FileFault(fault.code, fault.message, **{**fault.where, "file": name}) from None
    return Simulation.objects.create(
        store=store, asked_by=by, made_at=now, share=share, draws=draws, orders=orders, homes=homes
    )


def waiting(now: datetime) -> list[int]:
    """Ids of runs nobody works on: new ones, and those whose worker has been silent for too long."""
    silent = Q(started_at=None) | Q(started_at__lt=now - LOST_AFTER)
    return list(Simulation.objects.filter(silent, finished_at=None).values_list("pk", flat=True)[:20])


def run(*, simulation_id: int, now: datetime) -> Simulation | None:
    """Do one run to its end; None when somebody else has it. Progress is on the row while it runs."""
    mine = Simulation.objects.filter(pk=simulation_id, finished_at=None).filter(
        Q(started_at=None) | Q(started_at__lt=now - LOST_AFTER)
    )
    if not mine.update(started_at=now):
        return None
    job = Simulation.objects.select_related("store").get(pk=simulation_id)

    def tell(done: int, whole: int) -> None:
        Simulation.objects.filter(pk=job.pk).update(done=done, whole=whole)

    try:
        scene = read(job.store, orders=bytes(job.orders), homes=bytes(job.homes), now=now)
        draws = simulate(scene, share=job.share, draws=job.draws, seed=job.store.number, progress=tell)
    except FileFault as fault:
        job.fault = fault.message[:400]
    except PayPlan.DoesNotExist as missing:
        job.fault = str(missing)[:400]
    else:
        job.result = {
            "draws": [figures.to_json() for figures in draws],
            "evenings": len(scene.evenings),
            "orders": _short(scene.orders),
            "homes": _short(scene.homes, values=False),
        }
    job.finished_at, job.orders, job.homes = now, b"", b""
    job.save(update_fields=["finished_at", "orders", "homes", "fault", "result"])
    return job


def _short(report: Report, *, values: bool = True) -> dict[str, Any]:
    """A report with its first faults. Without their values where these are places people live."""
    told: dict[str, Any] = report.as_json()
    for name in ("errors", "warnings"):
        told[name] = told[name][:MOST_FAULTS]
        if not values:
            for fault in told[name]:
                fault["value"] = ""
    return told
