"""docs/integration.md says what the code does: every column, every error code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from associates import roster
from deliveries.intake.columns import PACKAGES
from stores.feeds.sheets import Sheet

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs/integration.md").read_text()
SOURCES = [
    *(ROOT / "stores/feeds").glob("*.py"), *(ROOT / "deliveries/intake").glob("*.py"), ROOT / "associates/roster.py",
]  # fmt: skip
# Which argument of these calls is the code.
PLACES = {"Bad": 0, "FileFault": 0, "fault": 1, "warn": 1, "RowFault": 3}


def codes() -> set[str]:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = PLACES.get(name)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                found.add(node.args[place].value)
    return found


def test_every_error_code_is_documented() -> None:
    assert len(codes()) > 50
    listed = set(re.findall(r"`([a-z_0-9]+)`", DOC[DOC.index("## Errors") :]))
    assert codes() - listed == set()


@pytest.mark.parametrize("sheet", [PACKAGES, roster.SHIFTS], ids=lambda sheet: sheet.name)
def test_every_column_is_documented(sheet: Sheet) -> None:
    listed = set(re.findall(r"`([a-z_0-9]+)`", DOC))
    sides = {f"{side}_{unit}" for side in ("width", "height") for unit in ("mm", "cm", "in")}  # as `width_…`
    assert set(sheet.names) - listed - sides == set()
