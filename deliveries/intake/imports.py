"""A file in the background: kept, taken in batch by batch by a task, its progress and its troubled rows written down.

The database says how far it is. A batch and its counts are one transaction; a worker that dies leaves a whole number of
batches, and the sweep sends the next one on from there. A lock of the session keeps two workers off one import, and goes
with whoever dies.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

import structlog
from django.core.cache import cache
from django.core.files import File
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from redis.exceptions import RedisError

from associates import roster
from deliveries import actors, waking
from deliveries.actions import Refused
from deliveries.models import Import, ImportRow
from stores.alone import alone
from stores.feeds.report import FileFault, Report, RowFault
from stores.feeds.sheets import MOST_ROWS, CsvTable, LinesTable, Row, Table
from stores.models import ApiKey, Store, User

from . import packages, rates, shifts
from .columns import PACKAGES

log = structlog.get_logger(__name__)

# A turn ends after so long and the next one goes on, so that no worker belongs to one import.
TURN_S = 45.0
# Of one import; a file in which every row is wrong says the same thing a hundred thousand times.
MOST_TROUBLED = 20_000
MOST_STARTS = 5
KEPT = timedelta(days=14)
# The file of a check by a person: long enough to look and say yes, and then it lies nowhere.
CHECKED_FILE_KEPT = timedelta(hours=1)
READERS: dict[str, type[CsvTable] | type[LinesTable]] = {Import.Media.CSV: CsvTable, Import.Media.LINES: LinesTable}
SHEETS = {
    Import.Kind.PACKAGES: PACKAGES, Import.Kind.SHIFTS: roster.SHIFTS, Import.Kind.ROSTER: roster.ROSTER,
    Import.Kind.RATES: rates.RATES,
}  # fmt: skip
MOST: dict[str, int] = {Import.Kind.RATES: rates.MOST_LINES}


class FileGone(Refused):
    code = "file_gone"
    sentence = gettext_lazy("The file of this check is not kept any more. Send it again.")


def begin(
    *,
    kind: str,
    media: str,
    file: IO[bytes],
    file_name: str = "",
    stores: Iterable[Store],
    now: datetime,
    key: ApiKey | None = None,
    by: User | None = None,
    atomic: bool = False,
    dry_run: bool = False,
) -> Import:
    """Keep `file` (unpacked, at most `sheets.MOST_BYTES`) and have it taken in. Of `key` and `by`, one says who sends it."""
    made = Import(
        kind=kind,
        media=media,
        file_name=file_name[:120],
        key=key,
        by_user=by,
        atomic=atomic,
        dry_run=dry_run,
        made_at=now,
    )
    file.seek(0)
    made.file.save(f"{made.pk}.{media}", File(file), save=False)
    with transaction.atomic():
        _write(made, stores)
    return made


def _write(made: Import, stores: Iterable[Store]) -> None:
    made.save()
    made.stores.set(stores)
    transaction.on_commit(lambda: waking.wake("deliveries.run_import", str(made.pk)), robust=True)


@transaction.atomic
def keep(*, check: Import, stores: Iterable[Store], by: User, now: datetime) -> Import:
    """Take in, for good, the very file of a check that a person looked at. The same check again is the same import.

    Every row is looked at once more: since the check the books may have moved. Raises FileGone.
    """
    checked = Import.objects.select_for_update(of=("self",)).get(pk=check.pk)
    earlier = Import.objects.filter(checked_as=checked).first()
    if earlier:
        return earlier
    if not checked.dry_run or checked.status != Import.Status.DONE or not checked.file:
        raise FileGone
    made = Import(
        kind=checked.kind, media=checked.media, file=checked.file.name, file_name=checked.file_name, by_user=by,
        checked_as=checked, made_at=now,
    )  # fmt: skip
    _write(made, stores)
    Import.objects.filter(pk=checked.pk).update(file="")
    return made


def unfinished() -> list[UUID]:
    """What still has to be taken in, or was left by a worker that died."""
    return list(
        Import.objects.filter(status__in=[Import.Status.WAITING, Import.Status.RUNNING])
        .order_by("made_at").values_list("pk", flat=True)[:200]
    )  # fmt: skip


def run(import_id: UUID | str, *, now: Callable[[], datetime], turn_s: float = TURN_S) -> bool:
    """Take an import further, for one turn. True when there is nothing left to do; somebody else at it counts as that."""
    with alone(f"import/{import_id}") as mine:
        found = Import.objects.filter(pk=import_id).first() if mine else None
        if found is None or found.status in (Import.Status.DONE, Import.Status.STOPPED):
            return True
        with translation.override("en"):  # what is written down is read by programs and by everybody
            return _run(found, now, turn_s)


def _run(job: Import, now: Callable[[], datetime], turn_s: float) -> bool:
    if job.starts >= MOST_STARTS:
        message = _("This import broke off %(times)s times at the same place. Send the file again, or in parts.")
        _stop(job, {"code": "gave_up", "message": message % {"times": job.starts}}, now())
        return True
    Import.objects.filter(pk=job.pk).update(
        status=Import.Status.RUNNING, starts=F("starts") + 1, started_at=job.started_at or now()
    )
    try:
        with job.file.open("rb") as file:
            table: Table = READERS[job.media](
                file.read(), SHEETS[Import.Kind(job.kind)], most_rows=MOST.get(job.kind, MOST_ROWS)
            )
    except FileFault as fault:
        _stop(job, fault.as_json(), now())
        return True
    except FileNotFoundError:
        _stop(job, {"code": "unreadable", "message": _("The file is gone. Send it again.")}, now())
        return True
    Import.objects.filter(pk=job.pk).update(rows=table.rows)
    if job.atomic or job.dry_run:
        report, troubled = _in_one_go(job, table, now())
        _write_whole(job, report, troubled, now())
        return True
    until = time.monotonic() + turn_s
    _take_in(
        job, table, now(), start=job.taken, keep=lambda rows, batch: _count(job, rows, batch),
        progress=lambda report: time.monotonic() < until,
    )  # fmt: skip
    over = Import.objects.filter(pk=job.pk, taken=F("rows")).update(status=Import.Status.DONE, ended_at=now())
    if over:
        _drop_file(job)
    return bool(over)


def _take_in(job: Import, table: Table, now: datetime, **how: Any) -> Report:
    by = actors.retailer(job.key.name) if job.key else actors.staff(job.by_user_id)
    options: dict[str, Any] = {
        "stores": Store.objects.filter(imports=job), "by": by, "now": now, "dry_run": job.dry_run, "atomic": job.atomic, **how,
    }  # fmt: skip
    if job.kind == Import.Kind.PACKAGES:
        return packages.take_in(table, **options)
    if job.kind == Import.Kind.RATES:
        return rates.take_in(table, **options)
    return shifts.take_in(table, sheet=SHEETS[Import.Kind(job.kind)], **options)


# --- Batch by batch -----------------------------------------------------------------------------------------------------
def _count(job: Import, rows: Sequence[Row], batch: Report) -> None:
    """In the batch's own transaction: how far it is, and which of its rows somebody has to look at."""
    Import.objects.filter(pk=job.pk).update(
        taken=F("taken") + batch.read, accepted=F("accepted") + batch.accepted, unchanged=F("unchanged") + batch.unchanged,
        rejected=F("rejected") + batch.rejected, skipped=F("skipped") + batch.skipped, starts=0,
    )  # fmt: skip
    room = MOST_TROUBLED - ImportRow.objects.filter(imported=job).count()
    ImportRow.objects.bulk_create(_troubled(job, rows, batch)[:room])


def _troubled(job: Import, rows: Sequence[Row], batch: Report) -> list[ImportRow]:
    errors, warnings = _by_row(batch.errors), _by_row(batch.warnings)
    found = []
    for row in rows:
        faults = errors.get(row.number) or warnings.get(row.number)
        if not faults:
            continue
        skipped = any(fault.code == "older_version" for fault in faults)
        outcome = ImportRow.Outcome.SKIPPED if skipped else ImportRow.Outcome.WARNING
        if row.number in errors:
            outcome = ImportRow.Outcome.REJECTED
        found.append(
            ImportRow(
                imported=job, row=row.number, outcome=outcome, cells={k: _storable(v) for k, v in row.cells.items()},
                line=_storable(row.line),
                faults=[{name: _storable(v) for name, v in asdict(fault).items()} for fault in faults],
            )
        )  # fmt: skip
    return found


def _by_row(faults: Iterable[RowFault]) -> dict[int, list[RowFault]]:
    found: dict[int, list[RowFault]] = defaultdict(list)
    for fault in faults:
        found[fault.row].append(fault)
    return found


def _storable(value: Any) -> Any:
    """PostgreSQL's JSON takes neither NUL nor half a surrogate pair; a cell that was refused may hold either."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "�").encode("utf-8", "replace").decode()


# --- In one transaction ---------------------------------------------------------------------------------------------------
def _in_one_go(job: Import, table: Table, now: datetime) -> tuple[Report, list[ImportRow]]:
    troubled: list[ImportRow] = []

    def keep(rows: Sequence[Row], batch: Report) -> None:
        troubled.extend(_troubled(job, rows, batch)[: MOST_TROUBLED - len(troubled)])

    return _take_in(job, table, now, keep=keep, progress=lambda report: _tell(job, report.read)), troubled


def _write_whole(job: Import, report: Report, troubled: list[ImportRow], now: datetime) -> None:
    with transaction.atomic():
        Import.objects.filter(pk=job.pk).update(
            taken=report.read, accepted=report.accepted, unchanged=report.unchanged, rejected=report.rejected,
            skipped=report.skipped, status=Import.Status.DONE, ended_at=now,
        )  # fmt: skip
        ImportRow.objects.bulk_create(troubled, batch_size=1000)
    if not (job.dry_run and job.by_user_id):  # a person who checked first says in a moment whether to keep it
        _drop_file(job)


def _tell(job: Import, read: int) -> None:
    """How far a transaction that nobody else can look into is. Lost when the cache is away; the end is in the books."""
    try:
        cache.set(_progress_key(job), read, 600)
    except RedisError:
        log.warning("imports.progress_without_cache")


def progress(job: Import) -> int:
    """Rows read so far, those of an open transaction included."""
    if job.taken or not (job.atomic or job.dry_run) or job.status != Import.Status.RUNNING:
        return job.taken
    try:
        return int(cache.get(_progress_key(job)) or 0)
    except RedisError:
        return 0


def _progress_key(job: Import) -> str:
    return f"import/{job.pk}/read"


# --- The end ----------------------------------------------------------------------------------------------------------------
def _stop(job: Import, fault: dict[str, Any], now: datetime) -> None:
    Import.objects.filter(pk=job.pk).update(status=Import.Status.STOPPED, fault=fault, ended_at=now)
    _drop_file(job)


def _drop_file(job: Import) -> None:
    """Names and addresses lie in no folder longer than they must."""
    job.file.delete(save=False)
    Import.objects.filter(pk=job.pk).update(file="")


def drop_files(now: datetime) -> None:
    """Delete the files of imports whose worker died at the end, and of checks that nobody kept in time."""
    over = Import.objects.filter(ended_at__isnull=False).exclude(file="")
    over = over.exclude(dry_run=True, by_user__isnull=False, ended_at__gt=now - CHECKED_FILE_KEPT)
    for pk in list(over.values_list("pk", flat=True)):
        # One at a time, so that no lock waits for a far folder. While it is held nobody can keep this file (`keep`).
        with transaction.atomic():
            job = over.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
            if job is not None:
                _drop_file(job)


def forget(before: datetime) -> int:
    """Delete imports that ended before, their troubled rows with them."""
    gone, _tables = Import.objects.filter(ended_at__lt=before).delete()
    return gone
