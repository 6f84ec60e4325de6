"""Bytes to rows: what is wrong with a file as a whole, and where."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from deliveries.intake.columns import PACKAGES
from stores.feeds.report import FileFault
from stores.feeds.sheets import CsvTable, JsonTable

from . import rows

GOOD = rows.as_csv([rows.package(3520, 1), rows.package(3520, 2)])


def fault_of(data: bytes, **limits: int) -> FileFault:
    table = JsonTable if data.lstrip(b"\xef\xbb\xbf \n").startswith((b"{", b"[")) else CsvTable
    with pytest.raises(FileFault) as caught:
        table(data, PACKAGES, **limits)
    assert caught.value.message
    return caught.value


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("packages.csv", data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"), (b"\xef\xbb\xbf", "empty"), (b"\r\n\r\n", "empty"),
        (gzip.compress(GOOD), "compressed"), (zipped(GOOD), "compressed"),
        (GOOD.decode().encode("utf-16"), "encoding"),
        (GOOD.replace(b",", b";"), "delimiter"), (GOOD.replace(b",", b"\t"), "delimiter"),
        (GOOD.splitlines()[0], "no_rows"), (GOOD.splitlines()[0] + b"\r\n,,,\r\n\r\n", "no_rows"),
        (b"\n" + GOOD, "missing_header"), (b",,\n" + GOOD, "missing_header"),
        (GOOD.replace(b"city", b"zip"), "duplicate_column"), (GOOD.replace(b"city", b"ZIP "), "duplicate_column"),
        (GOOD.replace(b"city", b""), "unknown_column"), (b"a,b\n1,2\n", "unknown_column"),
        (b"store,reference\n1,2\n", "missing_column"), (b"\x89PNG\r\n\x1a\n\x00\x00", "nul_byte"),
        (b"{", "json"), (b"[]", "json_shape"), (b"{}", "json_shape"), (b'{"packages": 1}', "json_shape"),
        (b'{"packages": []}', "no_rows"), (b'{"packages": [], "more": 1}', "json_shape"),
        (b'{"packages": [], "packages": []}', "json_shape"), (b'{"packages": [{"lat": NaN}]}', "json"),
        (b'{"packages": [{"lat": -Infinity}]}', "json"), (b'{"packages": ' + b"[" * 100_000, "json"),
        (b'{"a":' * 100_000, "json"), (b'{"packages": [{"store": 01}]}', "json"),
    ],
)  # fmt: skip
def test_faults_of_a_file(data: bytes, code: str) -> None:
    assert fault_of(data).code == code


def test_a_byte_order_mark_is_nothing_to_speak_of() -> None:
    assert CsvTable(b"\xef\xbb\xbf" + GOOD, PACKAGES).rows == 2
    assert JsonTable(b"\xef\xbb\xbf" + rows.as_json("packages", [{}]), PACKAGES).rows == 1


def test_windows_1252_names_byte_and_row_and_the_way_out() -> None:
    data = rows.as_csv([rows.package(1), rows.package(1, 2, recipient="José")]).decode().encode("cp1252")
    fault = fault_of(data)
    assert fault.code == "encoding"
    assert fault.where == {"byte": data.index(b"\xe9"), "row": 3}
    assert "CSV UTF-8" in fault.message


def test_a_nul_names_its_row() -> None:
    fault = fault_of(GOOD.replace(b"W-2", b"W\x002"))
    assert fault.where["row"] == 3


def test_an_unclosed_quote_names_its_row() -> None:
    fault = fault_of(GOOD.replace(b"2 W 53rd", b'"2 W 53rd'))
    assert (fault.code, fault.where) == ("quotes", {"row": 3})
    assert fault_of(GOOD.replace(b"1 W 53rd St", b'"1 W" 53rd')).where == {"row": 2}
    long = GOOD.replace(b"2 W 53rd", b'"2 W 53rd') + GOOD * 1000
    assert fault_of(long).code == "quotes", "longer than any cell may be"


def test_limits() -> None:
    assert fault_of(GOOD, most_rows=1).code == "too_many_rows"
    assert fault_of(GOOD, most_bytes=100).code == "too_large"


def test_an_unknown_column_is_told_the_nearest() -> None:
    message = fault_of(GOOD.replace(b"weight_lb", b"weight").replace(b"recipient", b"recepient")).message
    assert "weight_g or weight_kg" in message
    assert "“recepient” is not a column; did you mean recipient?" in message


def test_a_header_in_any_order_case_and_spelling() -> None:
    lines = GOOD.decode().splitlines()
    turned = "\n".join(",".join(reversed(line.split(","))) for line in lines)
    turned = turned.replace("weight_lb", " Weight LB").replace("deliver_by", "Deliver-By")
    assert next(iter(CsvTable(turned.encode(), PACKAGES))).cells["weight_lb"] == "1.5"


def test_rows_are_numbered_as_in_a_spreadsheet() -> None:
    lines = GOOD.decode().splitlines()
    text = "\n".join([lines[0], "", lines[1].replace("Sam Carter", '"Sam\nCarter"'), ",,,", lines[2] + ",x", lines[2]])
    table = CsvTable(text.encode(), PACKAGES)
    assert table.rows == 3
    assert [(row.number, [fault.code for fault in row.faults]) for row in table] == [
        (3, []), (5, ["cell_count"]), (6, []),
    ]  # fmt: skip


def test_old_line_ends() -> None:
    for end in (b"\r", b"\n", b"\r\n"):
        assert CsvTable(GOOD.replace(b"\r\n", end), PACKAGES).rows == 2


def test_json_rows_keep_numbers_as_written_and_tell_their_own_faults() -> None:
    data = b"""{"packages": [
        {"weight_lb": 1.10, "store": 3520, "value_usd": %s, "associate_ok": false, "phone": null},
        7, {"store": 1, "store": 2, "zip": [1], "recepient": "x", "\\ud800": 1}
    ]}""" % (b"9" * 10_000)
    one, two, three = JsonTable(data, PACKAGES)
    assert one.cells == {"weight_lb": "1.10", "store": "3520", "value_usd": "9" * 10_000, "associate_ok": "false"}
    assert [fault.code for fault in two.faults] == ["wrong_type"]
    found = {(fault.column, fault.code) for fault in three.faults}
    assert found == {
        ("store", "duplicate_column"), ("zip", "wrong_type"), ("recepient", "unknown_column"),
        ("\\ud800", "unknown_column"),
    }  # fmt: skip


def test_thousands_of_unknown_names_cost_little() -> None:
    header = ",".join(f"column{n}" for n in range(50_000)).encode() + b"\n1\n"
    assert "more columns are unknown" in fault_of(header).message
    body = rows.as_json("packages", [{f"k{row}_{n}": 1 for n in range(100)} for row in range(500)])
    assert all(len(row.faults) == 5 for row in JsonTable(body, PACKAGES))
