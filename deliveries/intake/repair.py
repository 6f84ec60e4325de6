"""The rejected rows of an import as a file: each as it came, with what to mend, to be mended there and sent again."""

from __future__ import annotations

import csv
import io

from deliveries.models import Import, ImportRow
from stores.feeds.export import OUR_COLUMNS, cell_to_mend, safe_cell

from .imports import SHEETS

ROW, ERROR, LINE = f"{OUR_COLUMNS}row", f"{OUR_COLUMNS}error", f"{OUR_COLUMNS}line"


def rejected_rows(job: Import) -> str:
    """CSV in the order of the file: the columns that its rows had, those that every row needs, and two of ours behind
    them, which the reader leaves unread. No spreadsheet runs a cell of it.

    A third of ours has the whole row as it was written, where one had a wrong shape: a line that is no JSON object, a
    cell too many. What it says is to be copied into the columns; nothing of it is lost meanwhile.
    """
    sheet = SHEETS[Import.Kind(job.kind)]
    rejected = job.troubled.filter(outcome=ImportRow.Outcome.REJECTED).order_by("row")
    used = set(sheet.required)
    for cells in rejected.values_list("cells", flat=True).iterator():
        used.update(cells)
    used.update(group[0] for group in sheet.one_of if not used.intersection(group))
    names = [name for name in sheet.names if name in used]
    text = io.StringIO(newline="")
    out = csv.writer(text)
    lines = rejected.exclude(line="").exists()
    out.writerow([*names, ROW, ERROR, *([LINE] if lines else [])])
    for row in rejected.iterator():
        why = " ".join(f"{fault['column']}: {fault['message']}".removeprefix(": ") for fault in row.faults)
        ours = [row.row, safe_cell(why), *([cell_to_mend(row.line)] if lines else [])]
        out.writerow([*(cell_to_mend(row.cells.get(name, "")) for name in names), *ours])
    return text.getvalue()
