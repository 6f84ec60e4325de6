"""Imports by hand: check and keep, progress, row errors, and a file of rejected rows that no spreadsheet runs."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from associates.models import Shift
from deliveries.intake import imports
from deliveries.models import Event, Import, Package
from stores.feeds.export import as_it_came, cell_to_mend
from stores.models import StaffMember, Store
from tests import make
from tests.intake.rows import as_csv
from tests.intake.rows import package as row
from tests.intake.rows import shift as shift_row

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]


def send(client: Client, data: bytes, *, first: str = "keep", kind: str = "packages", name: str = "orders.csv") -> str:
    """The address of the import that this file became."""
    file = SimpleUploadedFile(name, data)
    answer = client.post(reverse("staff:imports"), {"kind": kind, "first": first, "file": file})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def work() -> None:
    for import_id in imports.unfinished():
        while not imports.run(import_id, now=timezone.now):
            pass


def look(client: Client, url: str) -> str:
    return client.get(url).content.decode()


@pytest.fixture
def store(elsewhere: Store) -> Store:
    return elsewhere


def test_good_rows_are_kept_and_the_others_named(store: Store, enter: Enter) -> None:
    client = enter(store)
    url = send(client, as_csv([row(store, 1), row(store, 2, weight_lb="heavy"), row(store, 3)]))
    waiting = look(client, url)
    assert "Waiting for a worker." in waiting
    assert "data-running" in waiting
    work()
    part = look(client, url + "&part=1")
    assert "data-running" not in part
    assert "Row 3" in part
    assert "weight_lb “heavy”" in part
    assert Package.objects.filter(store=store).count() == 2
    assert set(Event.objects.values_list("by_kind", flat=True)) == {"staff"}, "a person did this, and the trail says so"
    job = Import.objects.get()
    assert (job.taken, job.accepted, job.rejected, bool(job.file)) == (3, 2, 1, False)
    listing = look(client, reverse("staff:imports"))
    assert "orders.csv" in listing
    assert job.by_user is not None
    assert job.by_user.email in listing


def test_how_far_it_is_while_a_worker_reads(store: Store, enter: Enter) -> None:
    client = enter(store)
    url = send(client, as_csv([row(store, number) for number in range(1, 2101)]))
    assert not imports.run(imports.unfinished()[0], now=timezone.now, turn_s=0), "one batch"
    part = look(client, url + "&part=1")
    assert 'value="1000" max="2100"' in part
    assert "1,000 of 2,100 rows read." in part
    assert "40 percent read." in part


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_json_lines_and_gzip_are_known_by_their_content(
    store: Store, enter: Enter, pack: Callable[[bytes], bytes]
) -> None:
    client = enter(store)
    lines = "\n".join(json.dumps(shift_row(store, number)) for number in (1, 2)).encode()
    send(client, pack(lines), kind="shifts", name="shifts.txt")
    send(client, pack(as_csv([row(store, 1)])))
    work()
    assert (Shift.objects.count(), Package.objects.count()) == (2, 1)


def test_a_bomb_and_half_a_gzip_are_a_sentence(store: Store, enter: Enter) -> None:
    client = enter(store)
    for data, sentence in (
        (gzip.compress(b"0" * (61 * 1024 * 1024)), "more than 60 MB"),
        (gzip.compress(as_csv([row(store)]))[:-9], "damaged or cut off"),
        (b"", "empty"),
    ):
        file = SimpleUploadedFile("orders.csv.gz", data)
        answer = client.post(reverse("staff:imports"), {"kind": "packages", "first": "keep", "file": file})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    assert not Import.objects.exists()


# --- Check, then keep -------------------------------------------------------------------------------------------------------
def test_a_check_writes_nothing_and_one_press_keeps_what_was_checked(store: Store, enter: Enter) -> None:
    client = enter(store)
    url = send(client, as_csv([row(store, 1), row(store, 2, zip=""), row(store, 3)]), first="check")
    work()
    page = look(client, url)
    assert "Checked only: nothing was written." in page
    assert "Keep 2 rows" in page
    assert not Package.objects.exists()
    keep = url.replace("/?", "/keep/?")
    kept_url, again = client.post(keep)["Location"], client.post(keep)["Location"]
    assert kept_url == again, "twice pressed is once kept"
    work()
    check, kept = Import.objects.order_by("made_at")
    assert (kept.checked_as, kept.accepted, kept.rejected, kept.dry_run) == (check, 2, 1, False)
    assert Package.objects.count() == 2
    assert not check.file
    assert not kept.file, "names and addresses lie nowhere"
    assert "See what became of it" in look(client, url)
    assert client.get(keep).status_code == 405


def test_the_file_of_a_check_goes_after_an_hour(store: Store, enter: Enter) -> None:
    client = enter(store)
    url = send(client, as_csv([row(store, 1)]), first="check")
    work()
    path = Path(Import.objects.get().file.path)
    imports.drop_files(timezone.now())
    assert path.exists()
    with time_machine.travel(timezone.now() + imports.CHECKED_FILE_KEPT + timedelta(minutes=1)):
        imports.drop_files(timezone.now())
        assert not path.exists()
        assert "Send it again to keep it." in look(client, url)
        refused = client.post(url.replace("/?", "/keep/?"), follow=True)
        assert "The file of this check is not kept any more." in refused.content.decode()
    assert Import.objects.count() == 1


def test_an_import_that_was_no_check_is_not_kept_twice(store: Store, enter: Enter) -> None:
    client = enter(store)
    url = send(client, as_csv([row(store, 1)]))
    work()
    client.post(url.replace("/?", "/keep/?"))
    assert Import.objects.count() == 1


# --- Mend, and send again ---------------------------------------------------------------------------------------------------
def test_rejected_rows_come_back_to_be_mended_and_sent_again(store: Store, enter: Enter) -> None:
    client = enter(store)
    evil = "=HYPERLINK(1)"
    rows = [
        row(store, 1, weight_lb="heavy", phone="+1 201-555-0123", instructions="- side door"),
        row(store, 2, recipient=evil, zip="x"),
        row(store, 3),
    ]  # fmt: skip
    url = send(client, as_csv(rows))
    work()
    download = client.get(url.replace("/?", "/rejected/?"))
    assert download["Content-Disposition"].startswith("attachment")
    text = download.content.decode()
    back = list(csv.DictReader(io.StringIO(text)))
    assert [each["homeward_row"] for each in back] == ["2", "3"]
    assert "weight_lb: " in back[0]["homeward_error"]
    assert back[1]["recipient"] == f"'{evil}", "no spreadsheet runs it"
    assert back[0]["lon"] == "-74.1159", "a number stays a number"
    mended = text.replace("heavy", "2").replace(f"'{evil}", "Kim Lee").replace(",x,", ",07002,")
    send(client, mended.encode(), name="mended.csv")
    work()
    job = Import.objects.latest("made_at")
    assert (job.fault, job.accepted, job.rejected) == (None, 2, 0), "our notes are left unread"
    first = Package.objects.get(reference="W-1")
    assert (first.phone, first.instructions) == ("+12015550123", "- side door"), "without our apostrophe"


def test_a_rejected_row_without_a_needed_column_gets_it_back(store: Store, enter: Enter) -> None:
    """The one row lacks what the others have; its own file must still have a header that the reader takes."""
    client = enter(store)
    url = send(client, as_csv([row(store, 1, zip="", weight_lb=""), row(store, 2)]))
    work()
    text = client.get(url.replace("/?", "/rejected/?")).content.decode()
    header = text.splitlines()[0].split(",")
    assert {"zip", "weight_g"} <= set(header)
    send(client, text.encode())
    work()
    assert Import.objects.latest("made_at").fault is None


def test_a_line_of_no_shape_loses_nothing_on_the_way(store: Store, enter: Enter) -> None:
    """No object, no JSON, keys that nobody knows or that come twice: the file to mend has the line as it came."""
    good = json.dumps(row(store, 1))
    odd = [
        "[1, \"ü\"]", "7", "-7", '"=HYPERLINK(1)"', "null", "{", json.dumps(row(store, 2) | {"zip": ["07002"]}),
        json.dumps(row(store, 3) | {"recepient": "Kim"}), json.dumps(row(store, 4)).replace("{", '{"zip": "1", '),
    ]  # fmt: skip
    client = enter(store)
    url = send(client, "\n".join([good, *odd]).encode(), name="orders.jsonl")
    work()
    job = Import.objects.get()
    assert (job.accepted, job.rejected) == (1, len(odd))
    assert "[1, &quot;ü&quot;]" in look(client, url), "the page shows it, too"
    text = client.get(url.replace("/?", "/rejected/?")).content.decode()
    back = list(csv.DictReader(io.StringIO(text)))
    assert [as_it_came(each["homeward_line"]) for each in back] == odd
    assert back[-1]["reference"] == "W-4", "what could be read is in its column"
    send(client, text.encode(), name="not-mended.csv")
    work()
    again = Import.objects.latest("made_at")
    assert (again.fault, again.rows) == (None, len(odd)), "no line is dropped as if it were blank"
    assert (again.rejected, again.accepted) == (len(odd) - 2, 2), (
        "an unknown key, or one twice, is no column of the file"
    )


def test_a_row_with_a_cell_too_many_comes_back_whole(store: Store, enter: Enter) -> None:
    client = enter(store)
    good, bad = as_csv([row(store, 1), row(store, 2)]).decode().splitlines()[1:]
    header = as_csv([row(store, 1)]).decode().splitlines()[0]
    url = send(client, f"{header}\n{good}\n{bad},Floor 3\n".encode())
    work()
    [back] = csv.DictReader(io.StringIO(client.get(url.replace("/?", "/rejected/?")).content.decode()))
    assert back["homeward_line"] == f"{bad},Floor 3"
    assert "homeward_line" not in client.get(send_one_bad(client, store)).content.decode(), "only where it is needed"


def send_one_bad(client: Client, store: Store) -> str:
    url = send(client, as_csv([row(store, 5, zip="x")]))
    work()
    return url.replace("/?", "/rejected/?")


def test_an_import_whose_sender_is_gone_is_taken_in_all_the_same(store: Store, enter: Enter) -> None:
    lead = make.staff(store)
    send(enter(user=lead), as_csv([row(store, 1), row(store, 2)]))
    lead.delete()
    work()
    job = Import.objects.get()
    assert (job.status, job.accepted, job.fault) == ("done", 2, None)
    assert set(Event.objects.values_list("by_kind", "by_user")) == {("staff", None)}


@given(st.text())
def test_a_cell_to_mend_comes_back_as_it_was(value: str) -> None:
    shown = cell_to_mend(value)
    assert not shown.lstrip(" ").startswith(("=", "@"))
    if not (
        value.startswith("'") and cell_to_mend(value[1:]) != value[1:]
    ):  # an apostrophe of their own before a formula
        assert as_it_came(shown) == value


@pytest.mark.parametrize(
    ("value", "shown"), [("-74.1", "-74.1"), ("+1 201", "'+1 201"), ("-2+3", "'-2+3"), ("@x", "'@x")]
)
def test_a_plain_number_is_no_formula(value: str, shown: str) -> None:
    assert cell_to_mend(value) == shown


def test_a_file_that_is_none_says_so_and_writes_nothing(store: Store, enter: Enter) -> None:
    client = enter(store)
    url = send(client, b"nonsense\n1")
    work()
    page = look(client, url)
    assert "The file could not be read, and nothing was written." in page
    assert "“nonsense” is not a column" in page
    assert client.post(reverse("staff:imports"), {"kind": "packages", "first": "keep"}).status_code == 422


# --- Whose it is ------------------------------------------------------------------------------------------------------------
def addresses(url: str) -> list[str]:
    base = url.split("?")[0]
    return [base, f"{base}?part=1", f"{base}rejected/"]


def test_another_stores_import_is_not_there(store: Store, enter: Enter) -> None:
    url = send(enter(store), as_csv([row(store, 1), row(store, 2, zip="")]), first="check")
    work()
    other = make.store()
    roles: list[Any] = [StaffMember.Role.BAY, StaffMember.Role.PAYROLL, StaffMember.Role.SUPPORT]
    for client in (enter(other), *[enter(store, role) for role in roles]):
        for address in addresses(url):
            assert client.get(address).status_code == 404, address
        assert client.post(url.split("?")[0] + "keep/").status_code == 404
    assert not Package.objects.exists()
    assert "orders.csv" not in look(enter(other), reverse("staff:imports"))
    for role in roles:
        assert enter(store, role).get(reverse("staff:imports")).status_code == 403
    assert enter(store, StaffMember.Role.DISTRICT).get(url).status_code == 200


def test_a_row_of_another_store_is_refused_and_a_shared_import_is_not_shown(store: Store, enter: Enter) -> None:
    other = make.store()
    client = enter(store)
    url = send(client, as_csv([row(other, 1), row(store, 2)]))
    work()
    assert not Package.objects.filter(store=other).exists()
    assert "There is no such store, or you may not write to it" in look(client, url)
    Import.objects.get().stores.add(other)
    assert client.get(url).status_code == 404, "rows of a store that is not theirs might be in it"


def test_a_person_of_two_stores_imports_where_they_lead(store: Store, enter: Enter) -> None:
    """Lead here, at the bay there: rows for there are refused, and its imports are not theirs to read."""
    other = make.store()
    lead = make.staff(store)
    StaffMember.objects.create(user=lead, store=other, role=StaffMember.Role.BAY)
    client = enter(user=lead)
    answer = client.post(
        reverse("staff:imports") + f"?store={store.number}",
        {
            "kind": "packages",
            "first": "keep",
            "file": SimpleUploadedFile("o.csv", as_csv([row(store, 1), row(other, 2)])),
        },
    )
    work()
    job = Import.objects.get()
    assert (job.accepted, job.rejected) == (1, 1)
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(reverse("staff:imports") + f"?store={other.number}").status_code == 403
