"""Which columns a kind of row has, and bytes to rows: CSV and JSON end in the same shape.

A file is looked through as a whole before its first row is handed out, so that a fault of the file is found while
nothing is written yet. What a cell means is not decided here.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .export import OUR_COLUMNS, as_it_came
from .packed import too_large
from .report import FileFault, RowFault, shown

MOST_BYTES = 60 * 1024 * 1024
MOST_ROWS = 100_000
# So many unknown names are looked up among ours, in a header or a row; a body made of nothing else must not cost minutes.
MOST_NAMED = 5
MOST_HINTS = 100


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in files and JSON, whether every row fills it, and what the documentation says of it."""

    name: str
    about: str
    example: str
    required: bool = False
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A kind of row. Of each group in `one_of` (the same thing in other units) every row fills exactly one."""

    name: str
    columns: tuple[Column, ...]
    one_of: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        return [column.name for column in self.columns if column.required]

    def longest(self, name: str) -> int:
        """How many characters the column `name` takes; asked only of columns that say so."""
        found = next(column.longest for column in self.columns if column.name == name)
        if found is None:
            raise LookupError(f"column {name} of {self.name} has no length")
        return found

    def unknown(self, name: str) -> str:
        """The sentence for a column that does not exist, with the nearest that does."""
        if not name:
            return _("A column has no name. Name it or remove it.")
        near = [column for column in self.names if column.startswith(f"{name}_")]
        if not near and len(name) <= 40:
            near = difflib.get_close_matches(name, self.names, n=2, cutoff=0.6)
        if near:
            return _("“%(name)s” is not a column; did you mean %(near)s?") % {
                "name": shown(name), "near": _(" or ").join(near),
            }  # fmt: skip
        return _("“%(name)s” is not a column. Remove it; the columns are: %(names)s.") % {
            "name": shown(name), "names": ", ".join(self.names),
        }  # fmt: skip

    def check_header(self, header: Sequence[str]) -> None:
        """Raise FileFault, naming everything wrong at once, unless `header` (any order) has what every row needs."""
        twice = sorted(name for name, times in Counter(header).items() if name and times > 1)
        if twice:
            raise FileFault(
                "duplicate_column",
                _("The header names %(names)s twice. Remove or rename one of them.") % {"names": ", ".join(twice)},
                row=1, column=twice[0],
            )  # fmt: skip
        unknown = [name for name in header if name not in self.names]
        missing = [name for name in self.required if name not in header]
        missing += [_(" or ").join(group) for group in self.one_of if not set(group) & set(header)]
        if not unknown and not missing:
            return
        sentences = [self.unknown(name) for name in unknown[:MOST_NAMED]]
        if missing:
            sentences.append(_("The header lacks: %(names)s.") % {"names": "; ".join(missing)})
        if len(unknown) > MOST_NAMED:
            more = _("%(count)s more columns are unknown.") % {"count": len(unknown) - MOST_NAMED}
            sentences.append(more)
        raise FileFault(
            "unknown_column" if unknown else "missing_column",
            " ".join(sentences), row=1, column=shown(unknown[0] if unknown else missing[0]),
        )  # fmt: skip


def normal_name(name: str) -> str:
    """A column's name as people write it, as we know it: “Weight LB” is weight_lb."""
    return "_".join(name.replace("-", " ").replace("_", " ").lower().split())


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by column, as text; a cell that was null or absent is not there.

    `faults` are of the row's own shape; then `line` has the row of a file as it came, because its cells do not say it all.
    """

    number: int
    cells: dict[str, str]
    faults: tuple[RowFault, ...] = ()
    line: str = ""


# --- Bytes to text ------------------------------------------------------------------------------------------------------
def checked(data: bytes) -> bytes:
    """`data`, known to be UTF-8 text, without its mark. Raises FileFault saying what it is instead, where it can tell."""
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise FileFault("empty", _("The file is empty."))
    if data.startswith(b"\x1f\x8b"):
        raise FileFault("compressed", _("This is a gzip file inside another. Pack it once, or not at all."))
    if data.startswith(b"PK\x03\x04"):
        raise FileFault(
            "compressed", _("This is a zip file or an Excel workbook. Unpack it, or save it as “CSV UTF-8”.")
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileFault("encoding", _("The file is UTF-16. Save it as “CSV UTF-8” and send it again."), byte=0, row=1)
    data = data.removeprefix(b"\xef\xbb\xbf")
    nul = data.find(b"\0")
    if nul >= 0:
        raise FileFault(
            "nul_byte",
            _("Byte %(byte)s is NUL (row %(row)s): this is not a text file, or it was damaged on the way.")
            % {"byte": nul, "row": _row_of(data, nul)},
            byte=nul, row=_row_of(data, nul),
        )  # fmt: skip
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = _row_of(data, error.start)
        raise FileFault(
            "encoding",
            _(
                "Byte %(byte)s (0x%(hex)s, row %(row)s) is not UTF-8. The file looks like Windows-1252, which Excel writes "
                "as “CSV (Comma delimited)”. Save it as “CSV UTF-8” and send it again."
            )
            % {"byte": error.start, "hex": f"{data[error.start]:02X}", "row": row},
            byte=error.start, row=row,
        ) from None  # fmt: skip
    return data


def _row_of(data: bytes, position: int) -> int:
    """The row that byte `position` is in, counted as a spreadsheet counts, where the text before it lets us."""
    before = data[:position].decode("utf-8", "replace").replace("\0", " ")
    try:
        return sum(1 for _row in csv.reader(io.StringIO(f"{before}x", newline="")))
    except csv.Error:
        return before.count("\n") + 1


# --- CSV ----------------------------------------------------------------------------------------------------------------
class CsvTable:
    """Rows of a CSV file. Made only when the whole file can be read; iterating hands out one `Row` at a time."""

    def __init__(self, data: bytes, sheet: Sheet, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES) -> None:
        _check_size(data, most_bytes)
        self._data = checked(data)
        records = self._records()
        _number, header = next(records, (1, []))
        if not any(cell.strip() for cell in header):
            raise FileFault("missing_header", _("The first row must name the columns."), row=1)
        if len(header) == 1 and (mark := next((mark for mark in ";\t|" if mark in header[0]), None)):
            raise FileFault(
                "delimiter",
                _("Columns are separated by “%(mark)s”. Separate them by commas.")
                % {"mark": shown(mark)},
                row=1,
            )  # fmt: skip
        self._header = [normal_name(name) for name in header]
        # A file of rejected rows that comes back mended has our notes in it, and apostrophes of ours (`feeds/export.py`).
        self._ours = any(name.startswith(OUR_COLUMNS) for name in self._header)
        sheet.check_header([name for name in self._header if not name.startswith(OUR_COLUMNS)])
        self.rows = sum(1 for _number, record in records if not _blank(record))
        _check_count(self.rows, most_rows)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        number = 0
        # Read as it goes: a StringIO would hold four bytes a character of a file of sixty megabytes.
        text = io.TextIOWrapper(io.BytesIO(self._data), encoding="utf-8", newline="")
        reader = csv.reader(text, strict=True)
        try:
            for number, record in enumerate(reader, start=1):
                yield number, record
        except csv.Error as error:
            raise FileFault(
                "quotes",
                _("Row %(row)s has a quote that is never closed, or one in the middle of a cell (%(error)s). "
                  "Write a quote inside a quoted cell twice.") % {"row": number + 1, "error": error},
                row=number + 1,
            ) from None  # fmt: skip

    def __iter__(self) -> Iterator[Row]:
        records = self._records()
        next(records)
        width = len(self._header)
        for number, record in records:
            if _blank(record):
                continue
            if len(record) == width:
                yield Row(number, self._cells(record))
                continue
            message = ngettext(
                "The row has %(count)s cell, the header has %(width)s. Is a comma missing, or a cell not quoted?",
                "The row has %(count)s cells, the header has %(width)s. Is a comma missing, or a cell not quoted?",
                len(record),
            ) % {"count": len(record), "width": width}
            line = _as_csv(record)
            yield Row(number, {}, (RowFault(number, "", shown(line), "cell_count", message),), line)

    def _cells(self, record: Sequence[str]) -> dict[str, str]:
        cells = {name: cell for name, cell in zip(self._header, record, strict=True) if cell}
        if not self._ours:
            return cells
        return {name: as_it_came(cell) for name, cell in cells.items() if not name.startswith(OUR_COLUMNS)}


# --- JSON ---------------------------------------------------------------------------------------------------------------
class _Number(str):
    """A number as it was written: no float in between, and no limit on digits to trip over."""


class _Object(dict[str, Any]):
    """An object that remembers which of its keys came twice."""

    twice: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> _Object:
        made = cls(pairs)
        if len(made) < len(pairs):
            made.twice = tuple(key for key, times in Counter(key for key, _value in pairs).items() if times > 1)
        return made


def _no_constants(name: str) -> NoReturn:
    raise FileFault("json", _("%(name)s is not a value in JSON. Leave the key out or write null.") % {"name": name})


def _load(text: str) -> Any:
    """`text` as JSON, numbers as they were written. Raises FileFault."""
    try:
        return json.loads(
            text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constants, object_pairs_hook=_Object.of
        )
    except json.JSONDecodeError as error:
        raise FileFault(
            "json",
            _("The body is not JSON: %(error)s at line %(line)s, column %(column)s.")
            % {"error": error.msg, "line": error.lineno, "column": error.colno},
        ) from None
    except RecursionError:
        raise FileFault("json", _("The body is nested too deeply.")) from None


def load_object(data: bytes) -> dict[str, Any]:
    """A body that is one JSON object; numbers come as text, as they were written. Raises FileFault."""
    found = _load(checked(data).decode())
    if not isinstance(found, _Object):
        raise FileFault("json_shape", _("The body must be one object."))
    if found.twice:
        raise FileFault(
            "duplicate_column", _("The key “%(key)s” is there twice. Remove one.") % {"key": shown(found.twice[0])}
        )
    return found


class JsonTable:
    """Rows of a JSON body `{"<sheet's name>": [{...}, ...]}`; the first object is row 1."""

    def __init__(self, data: bytes, sheet: Sheet, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES) -> None:
        _check_size(data, most_bytes)
        body = _load(checked(data).decode())
        items = body.get(sheet.name) if isinstance(body, _Object) else None
        if not isinstance(body, _Object) or list(body) != [sheet.name] or body.twice or not isinstance(items, list):
            raise FileFault(
                "json_shape", _('The body must be {"%(name)s": [ ... ]} and nothing else.') % {"name": sheet.name}
            )
        self.rows = len(items)
        _check_count(self.rows, most_rows)
        self._items, self._objects = items, Objects(sheet)

    def __iter__(self) -> Iterator[Row]:
        for number, item in enumerate(self._items, start=1):
            yield self._objects.row(number, item)


class LinesTable:
    """Rows of JSON lines: one object a line; the line's number is the row's. A line that is no JSON is that row's fault."""

    def __init__(self, data: bytes, sheet: Sheet, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES) -> None:
        _check_size(data, most_bytes)
        self._data = checked(data)
        self.rows = sum(1 for _number, _line in self._lines())
        _check_count(self.rows, most_rows)
        self._objects = Objects(sheet)
        if not any(line.startswith("{") for _number, line in islice(self._lines(), MOST_NAMED)):
            message = _('These are not JSON lines: every line is one object, such as {"store": 3520, ...}.')
            raise FileFault("json_shape", message)

    def _lines(self) -> Iterator[tuple[int, str]]:
        text = io.TextIOWrapper(io.BytesIO(self._data), encoding="utf-8", newline="\n")
        for number, line in enumerate(text, start=1):
            if stripped := line.strip():
                yield number, stripped

    def __iter__(self) -> Iterator[Row]:
        for number, line in self._lines():
            try:
                item = _load(line)
            except FileFault as fault:
                yield Row(number, {}, (RowFault(number, "", shown(line), fault.code, fault.message),), line)
            else:
                row = self._objects.row(number, item, shown(line))
                yield replace(row, line=line) if row.faults else row


class Objects:
    """Objects of JSON as rows of a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._hints: dict[str, str] = {}

    def row(self, number: int, item: Any, written: str = "") -> Row:
        """One object as a row, with the faults of its own shape; `written` is what a report shows where it is none."""
        if not isinstance(item, _Object):
            message = _('A row must be one object, such as {"store": 3520, ...}.')
            return Row(number, {}, (RowFault(number, "", written, "wrong_type", message),))
        faults = [
            RowFault(number, shown(key), "", "duplicate_column", _("The key is there twice. Remove one."))
            for key in item.twice[:MOST_NAMED]
        ]
        cells = {}
        unknown = [key for key in item if key not in self._sheet.names]
        faults += [RowFault(number, shown(key), "", "unknown_column", self._hint(key)) for key in unknown[:MOST_NAMED]]
        for key, value in item.items():
            if key not in self._sheet.names:
                continue
            if isinstance(value, str):
                if value:
                    cells[key] = str(value)
            elif isinstance(value, bool):
                cells[key] = "true" if value else "false"
            elif value is not None:
                message = _("Write a text, a number, true, false or null; lists and objects mean nothing here.")
                faults.append(RowFault(number, key, "", "wrong_type", message))
        return Row(number, cells, tuple(faults))

    def _hint(self, key: str) -> str:
        if key not in self._hints:
            if len(self._hints) >= MOST_HINTS:
                return _("That is not a column.")
            self._hints[key] = self._sheet.unknown(key)
        return self._hints[key]


def _as_csv(record: Sequence[str]) -> str:
    """A record as a line of CSV, without its end."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(record)
    return text.getvalue()


def _blank(record: Sequence[str]) -> bool:
    """A blank line, or a spreadsheet's row of nothing but commas: it says nothing and is not counted."""
    return not any(map(str.strip, record))


def _check_size(data: bytes, most_bytes: int) -> None:
    if len(data) > most_bytes:
        raise too_large(most_bytes)


def _check_count(rows: int, most_rows: int) -> None:
    if rows == 0:
        raise FileFault("no_rows", _("There is not one row. If there was nothing to send, send nothing."))
    if rows > most_rows:
        raise FileFault(
            "too_many_rows",
            _(
                "There are %(rows)s rows; at most %(most)s go in one. Send it in parts; a row that came twice does no harm."
            )
            % {"rows": f"{rows:,}", "most": f"{most_rows:,}"},
        )


Table = CsvTable | JsonTable | LinesTable


def in_batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """`rows` in lists of at most `size`."""
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
