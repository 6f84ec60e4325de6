"""Text into a CSV that somebody will open in a spreadsheet."""

from __future__ import annotations

import re

# Columns of ours in a file that somebody mends and sends again, such as homeward_error: for people, never read.
OUR_COLUMNS = "homeward_"
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)*")
# What makes Excel, LibreOffice and Google Sheets take a cell for a formula (OWASP, "CSV Injection"), full-width forms too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: str) -> str:
    """`value` with an apostrophe in front where a spreadsheet would otherwise run it. What we store stays as it came."""
    return (
        f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) or value.startswith(("\t", "\r", "\n")) else value
    )


def cell_to_mend(value: str) -> str:
    """The same for a file that comes back to us, but a plain number keeps its sign: every longitude here has a minus."""
    return value if _PLAIN_NUMBER.fullmatch(value) else safe_cell(value)


def as_it_came(cell: str) -> str:
    """What `cell_to_mend` was given: without the apostrophe that it put in front."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell
