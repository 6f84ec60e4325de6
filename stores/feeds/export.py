"""Text into a CSV that somebody will open in a spreadsheet."""

from __future__ import annotations

# What makes Excel, LibreOffice and Google Sheets take a cell for a formula (OWASP, "CSV Injection"), full-width forms too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: str) -> str:
    """`value` with an apostrophe in front where a spreadsheet would otherwise run it. What we store stays as it came."""
    return (
        f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) or value.startswith(("\t", "\r", "\n")) else value
    )
