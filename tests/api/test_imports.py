"""Files in the background: every row accounted for, whatever dies, whatever the file is."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from associates.models import Employee, Shift
from deliveries import tasks
from deliveries.intake import imports
from deliveries.models import Import, ImportRow, Package
from stores.alone import alone
from stores.models import Store
from tests import make
from tests.intake.rows import as_csv
from tests.intake.rows import package as row
from tests.intake.rows import shift as shift_row

from .conftest import System

URL = "/api/v1/imports"


def send(system: System, body: bytes, media: str = "text/csv", query: str = "kind=packages", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    # CONTENT_TYPE once more: the test client leaves it out where the body is empty.
    return system.post(f"{URL}?{query}", body, content_type=media, headers=named, CONTENT_TYPE=media)


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in rows)


def finished(system: System, answer: Any) -> dict[str, Any]:
    """The import at its end; the task is run here, as a worker would."""
    assert answer.status_code == 202, answer.content
    found = system.get(answer["Location"]).json()
    tasks.run_import(found["id"])
    body: dict[str, Any] = system.get(answer["Location"]).json()
    assert body["read"] == body["accepted"] + body["unchanged"] + body["rejected"] + body["skipped"]
    return body


def counts(body: dict[str, Any]) -> tuple[int, ...]:
    return tuple(body[name] for name in ("read", "accepted", "unchanged", "rejected", "skipped"))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("media", ["text/csv", "application/jsonl"])
def test_a_file_of_either_kind_packed_or_not(system: System, store: Store, media: str, packed: bool) -> None:
    rows = [row(store, number) for number in range(1, 4)] + [row(store, 9, zip="7002")]
    body = as_csv(rows) if media == "text/csv" else lines(rows)
    headers = {"Content_Encoding": "gzip"} if packed else {}
    answer = send(system, gzip.compress(body) if packed else body, media, **headers)
    assert answer.json()["status"] == "waiting"
    done = finished(system, answer)
    assert (done["status"], done["percent"], counts(done)) == ("done", 100, (4, 3, 0, 1, 0))
    [trouble] = system.get(f"{done['troubled']}?outcome=rejected").json()["items"]
    assert trouble["cells"]["zip"] == "7002", "as it came, to be mended"
    assert trouble["faults"][0]["code"] == "zip_lost_zero"
    assert Package.objects.count() == 3
    assert not Import.objects.get().file, "the file is not kept"
    again = finished(system, send(system, body, media))
    assert counts(again) == (4, 0, 3, 1, 0)


def test_roster_and_shifts_in_the_background(system: System, store: Store) -> None:
    roster = [
        {k: v for k, v in shift_row(store, n).items() if k not in ("shift", "starts_at", "ends_at")} for n in (1, 2)
    ]
    assert counts(finished(system, send(system, lines(roster), "application/jsonl", "kind=roster"))) == (2, 2, 0, 0, 0)
    rows = [shift_row(store, 1, version="2"), shift_row(store, 2)]
    assert counts(finished(system, send(system, as_csv(rows), query="kind=shifts"))) == (2, 2, 0, 0, 0)
    late = [shift_row(store, 1, version="1", ends_at="2026-11-24T20:00")]
    done = finished(system, send(system, as_csv(late), query="kind=shifts"))
    assert counts(done) == (1, 0, 0, 0, 1)
    assert system.get(f"{done['troubled']}?outcome=skipped").json()["items"][0]["faults"][0]["code"] == "older_version"
    assert (Employee.objects.count(), Shift.objects.count()) == (2, 2)


def test_all_rows_or_none(system: System, store: Store) -> None:
    rows = [row(store, 1), row(store, 2, weight_lb="NaN"), row(store, 3)]
    done = finished(system, send(system, as_csv(rows), query="kind=packages&atomic=true"))
    assert counts(done) == (3, 0, 0, 1, 2)
    assert not Package.objects.exists()
    done = finished(system, send(system, as_csv([rows[0], rows[2]]), query="kind=packages&atomic=true"))
    assert counts(done) == (2, 2, 0, 0, 0)
    # The same of a request that is answered at once.
    answer = system.send("/api/v1/packages?atomic=true", {"packages": [row(store, 7), row(store, 8, zip="x")]})
    assert (answer.status_code, answer.json()["accepted"], answer.json()["skipped"]) == (207, 0, 1)
    assert Package.objects.count() == 2


def test_a_dry_run_says_it_all_and_writes_nothing(system: System, store: Store) -> None:
    done = finished(
        system, send(system, as_csv([row(store), row(store, 2, zip="x")]), query="kind=packages&dry_run=true")
    )
    assert counts(done) == (2, 1, 0, 1, 0)
    assert not Package.objects.exists()


# --- Files that cannot be read --------------------------------------------------------------------------------------------
def bomb(mb: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:
        for _ in range(mb):
            file.write(b"0" * 1024 * 1024)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("packages.csv", b"0" * 20_000_000)
    return out.getvalue()


@pytest.mark.parametrize("feed", ["/api/v1/packages", f"{URL}?kind=packages"])
def test_a_gzip_bomb_is_not_unpacked(system: System, feed: str, is_problem: Any) -> None:
    packed = bomb(70)
    assert len(packed) < 200_000
    for headers in ({}, {"Content-Encoding": "gzip"}):
        answer = system.post(feed, packed, content_type="text/csv", headers=headers)
        body = is_problem(answer, 413, "too_large")
        assert "Send it in parts" in body["detail"]
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"store,reference\n" * 50)[:-9], b"\x1f\x8b", b"\x1f\x8b\x08" + b"\0" * 30],
    ids=["cut off", "two bytes", "zeros"],
)
def test_damaged_gzip_is_told(system: System, body: bytes, is_problem: Any) -> None:
    is_problem(send(system, body), 400, "compressed")
    is_problem(system.post("/api/v1/packages", body, content_type="text/csv"), 400, "compressed")


def test_more_than_sixty_megabytes_is_told_before_it_is_kept(system: System, is_problem: Any) -> None:
    is_problem(send(system, b"x" * (60 * 1024 * 1024 + 1)), 413, "too_large")
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"", "text/csv", "empty"),
        (zipped(), "text/csv", "compressed"),
        (gzip.compress(gzip.compress(b"store\n")), "text/csv", "compressed"),
        (b'store,reference\n3520,"W-1\n', "text/csv", "unknown"),
        (b"store,store\n1,2\n", "text/csv", "duplicate_column"),
        (b"store;reference\n1;2\n", "text/csv", "delimiter"),
        ("store,réference\n".encode("latin-1"), "text/csv", "encoding"),
        (b"store,reference\0\n", "text/csv", "nul_byte"),
        (b"[1, 2]\n[3]\n", "application/jsonl", "json_shape"),
        (b"\n\n", "application/jsonl", "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_fault_of_the_file_writes_nothing(system: System, body: bytes, media: str, code: str) -> None:
    done = finished(system, send(system, body, media))
    assert (done["status"], counts(done)) == ("stopped", (0, 0, 0, 0, 0))
    assert done["fault"]["message"]
    assert code == "unknown" or done["fault"]["code"] == code
    assert not Package.objects.exists()


def test_an_unclosed_quote_far_down_writes_nothing_of_what_is_above(system: System, store: Store) -> None:
    body = as_csv([row(store, number) for number in range(1, 1200)]) + b'3520,"W-9\n'
    done = finished(system, send(system, body))
    assert (done["status"], done["fault"]["code"]) == ("stopped", "quotes")
    assert done["fault"]["row"] >= 1200
    assert not Package.objects.exists()


def test_what_is_asked_of_a_request_for_an_import(system: System, store: Store, is_problem: Any) -> None:
    is_problem(send(system, b"x", query=""), 400, "kind_missing")
    is_problem(send(system, b"x", query="kind=people"), 400, "choice")
    is_problem(send(system, b"x", "application/zip"), 415)
    is_problem(send(system, b"x", Content_Encoding="br"), 415)
    reader = System(store, scopes=["packages:read"])
    is_problem(send(reader, as_csv([row(store)])), 403, "scope")
    job = send(system, as_csv([row(store)]))["Location"]
    is_problem(reader.get(job), 404, "not_found")
    is_problem(reader.get(f"{job}/rows"), 404, "not_found")


def test_the_same_import_twice_is_one(system: System, store: Store) -> None:
    one = send(system, as_csv([row(store)]), Idempotency_Key="night-1")
    other = send(system, as_csv([row(store)]), Idempotency_Key="night-1")
    assert one["Location"] == other["Location"]
    assert Import.objects.count() == 1


# --- Rows of all kinds, by both ways ------------------------------------------------------------------------------------------
BAD_CELLS = [
    ("weight_lb", "NaN", "not_a_number"),
    ("weight_lb", "Infinity", "not_a_number"),
    ("weight_lb", "1e3", "exponent"),
    ("weight_lb", "１２", "digits"),
    ("value_usd", "1_000", "underscore"),
    ("value_usd", "1,000.00", "thousands_separator"),
    ("deliver_by", "2026-11-01T01:30", "ambiguous_time"),
    ("deliver_by", "2027-03-14T02:30", "no_such_local_time"),
    ("recipient", "Sam\x07Carter", "control_character"),
    ("recipient", "Sam\u202eretraC", "bidi_control"),
    ("reference", "W 1", "reference"),
    ("zip", "7002", "zip_lost_zero"),
]


@pytest.mark.parametrize("way", ["csv", "lines", "json"])
def test_each_bad_cell_names_row_column_value_and_the_way_out(system: System, store: Store, way: str) -> None:
    rows = [row(store, 100 + n, **{column: value}) for n, (column, value, _code) in enumerate(BAD_CELLS)] + [
        row(store, 1)
    ]
    if way == "json":
        body = system.send("/api/v1/packages", {"packages": rows}).json()
        errors = body["errors"]
    else:
        data, media = (as_csv(rows), "text/csv") if way == "csv" else (lines(rows), "application/jsonl")
        body = finished(system, send(system, data, media))
        troubled = system.get(f"{body['troubled']}?outcome=rejected&limit=500").json()["items"]
        errors = [fault for each in troubled for fault in each["faults"]]
    assert counts(body) == (len(rows), 1, 0, len(BAD_CELLS), 0)
    first = 2 if way == "csv" else 1
    assert [(e["row"], e["column"], e["code"]) for e in errors] == [
        (first + n, column, code) for n, (column, _value, code) in enumerate(BAD_CELLS)
    ]
    assert all(e["message"] and e["value"] for e in errors)


def test_names_and_formulas_of_all_kinds_are_text(system: System, store: Store) -> None:
    names = ["=1+1", "@SUM(A1)", "🎁 Zoë", "محمد علي", "שרה", "<b>Sam</b>", "O'Brien; DROP TABLE"]
    rows = [row(store, n, recipient=name) for n, name in enumerate(names, 1)]
    assert counts(finished(system, send(system, as_csv(rows)))) == (7, 7, 0, 0, 0)
    assert counts(finished(system, send(system, lines(rows), "application/jsonl"))) == (7, 0, 7, 0, 0)
    assert list(Package.objects.order_by("pk").values_list("recipient", flat=True)) == names


def test_lines_that_are_no_json_are_their_own_rows_fault(system: System, store: Store) -> None:
    good, other = json.dumps(row(store, 1)), json.dumps(row(store, 2))
    twice = other.replace('"zip"', '"city": "Newark", "zip"')
    body = "\n".join([good, "{", '{"store": NaN}', twice, "5", ""]).encode()
    done = finished(system, send(system, body, "application/jsonl"))
    assert counts(done) == (5, 1, 0, 4, 0)
    troubled = system.get(done["troubled"]).json()["items"]
    assert [(each["row"], each["faults"][0]["code"]) for each in troubled] == [
        (2, "json"), (3, "json"), (4, "duplicate_column"), (5, "wrong_type"),
    ]  # fmt: skip


def test_shifts_across_midnight_and_over_each_other(system: System, store: Store) -> None:
    rows = [
        shift_row(store, 1, starts_at="2026-11-24T20:00", ends_at="2026-11-25T01:00"),
        shift_row(store, 1, shift="S-2", starts_at="2026-11-25T00:30", ends_at="2026-11-25T04:00"),
        shift_row(store, 3, starts_at="2026-11-24T20:00", ends_at="2026-11-24T01:00"),
        shift_row(store, 4, starts_at="2026-11-01T01:30", ends_at="2026-11-01T08:00"),
    ]
    done = finished(system, send(system, as_csv(rows), query="kind=shifts"))
    assert counts(done) == (4, 1, 0, 3, 0)
    troubled = system.get(done["troubled"]).json()["items"]
    assert [each["faults"][0]["code"] for each in troubled] == ["overlap", "ends_before_start", "ambiguous_time"]


# --- Whoever dies -----------------------------------------------------------------------------------------------------------
def begun(store: Store, rows: list[dict[str, Any]], **options: Any) -> Import:
    return imports.begin(
        kind="packages", media="csv", file=io.BytesIO(as_csv(rows)), stores=[store], now=timezone.now(), **options
    )


def test_a_turn_ends_and_the_next_goes_on_after_it(store: Store, system: System) -> None:
    job = begun(store, [row(store, n, zip="x" if n % 500 == 0 else "07002") for n in range(1, 2501)], key=system.record)
    turns = [imports.run(job.pk, now=timezone.now, turn_s=0) for _ in range(3)]
    assert turns == [False, False, True]
    job.refresh_from_db()
    assert (job.status, job.taken, job.accepted, job.rejected) == ("done", 2500, 2495, 5)
    assert ImportRow.objects.count() == 5
    assert imports.run(job.pk, now=timezone.now), "nothing left to do"


def test_an_import_that_breaks_off_again_and_again_is_given_up(
    store: Store, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deliveries.intake import packages

    def broken(*args: Any, **options: Any) -> None:
        raise RuntimeError("broken")

    job = begun(store, [row(store)], key=system.record)
    monkeypatch.setattr(packages, "take_in", broken)
    for _time in range(imports.MOST_STARTS):
        with pytest.raises(RuntimeError):
            imports.run(job.pk, now=timezone.now)
    assert imports.run(job.pk, now=timezone.now)
    job.refresh_from_db()
    assert (job.status, job.fault["code"]) == ("stopped", "gave_up")


def test_a_file_whose_worker_died_at_the_end_is_not_kept(store: Store, system: System) -> None:
    job = begun(store, [row(store)], key=system.record)
    Import.objects.filter(pk=job.pk).update(status="done", rows=1, taken=1, accepted=1, ended_at=timezone.now())
    kept = Path(job.file.path)
    assert kept.exists()
    imports.drop_files(timezone.now())
    job.refresh_from_db()
    assert (kept.exists(), job.file.name) == (False, "")


def test_the_database_accounts_for_every_row(store: Store, system: System) -> None:
    job = begun(store, [row(store)], key=system.record)
    for wrong in ({"taken": 1, "rows": 1}, {"status": "done", "rows": 5}, {"fault": {}}, {"ended_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Import.objects.filter(pk=job.pk).update(**wrong)


KILLED = """
import os, signal, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[2]
from django.utils import timezone
from deliveries.intake import imports
count = imports._count
def slow(job, rows, batch):
    count(job, rows, batch)
    if job.__class__.objects.values_list("taken", flat=True).get(pk=job.pk) >= 2000:
        print("half", flush=True)
        signal.pause()  # in the middle of a batch's transaction
imports._count = slow
imports.run(sys.argv[1], now=timezone.now)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.real_time
def test_a_killed_worker_loses_no_row_and_counts_none_twice() -> None:
    """A process of its own is killed in the middle of a batch; the sweep's next one finishes the file."""
    store = make.store()
    system = System(store)
    rows = [row(store, n, deliver_by=f"{timezone.now():%Y}-12-31T21:00") for n in range(1, 3001)]
    job = begun(store, rows, key=system.record)
    name = connection.settings_dict["NAME"]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(job.pk), name], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        env={**os.environ, "HOMEWARD_ENV": "test"}, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    with alone(f"import/{job.pk}") as mine:
        assert not mine, "while it lives, nobody else takes it"
    assert imports.run(job.pk, now=timezone.now), "so this does nothing"
    assert job.pk in imports.unfinished()
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    child.stdout.close()
    for _try in range(50):  # the server notices within moments
        if imports.run(job.pk, now=timezone.now) and not imports.unfinished():
            break
        time.sleep(0.2)
    job.refresh_from_db()
    assert (job.status, job.taken, job.accepted, job.rejected) == ("done", 3000, 3000, 0)
    assert Package.objects.count() == 3000
