"""Every example in docs/pay.md, recomputed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deliveries import pay
from stores import wages

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pay.md").read_text(encoding="utf-8")
EXAMPLES = [tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


def compute(given: dict[str, Any]) -> dict[str, int]:
    """What the rules make of an example's figures, by line."""
    given = dict(given)
    if "state" in given:
        return {"minimum": wages.minimum_cents(given["state"], given["day"])}
    week = pay.Week(given.pop("week_s"), given.pop("week_cents", None)) if "week_s" in given else None
    if "trips_s" in given:
        assert week is not None
        return {"overtime": pay.overtime_due(week, given["trips_s"], given["trips_cents"])}
    facts = {name: given.pop(name) for name in ("worked_s", "driven_m") if name in given}
    waited_s = given.pop("waited_s", None)
    work = {name: given.pop(name) for name in ("paid_s", "paid_m")}
    packages = range(given.pop("packages"))
    quote = pay.quote(pay.Rates("docs", **given), packages, **work, extra_s=0, extra_m=0, week=week)
    lines = quote.lines
    if facts:
        lines = pay.settle(quote, **facts)
    if waited_s is not None:
        lines = pay.waiting(quote, worked_s=waited_s)
    return {line.kind: line.cents for line in lines} | {"total": sum(line.cents for line in lines)}


def test_the_page_has_examples_of_everything() -> None:
    assert len(EXAMPLES) >= 12
    assert PAGE.count("```toml") == len(EXAMPLES)
    assert "not legal advice" in PAGE
    kinds = {name for example in EXAMPLES for name in example["pays"]}
    assert kinds == {"packages", "time", "mileage", "overtime", "minimum", "total"}


@pytest.mark.parametrize("example", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_an_example_is_right(example: dict[str, dict[str, Any]]) -> None:
    assert compute(example["given"]) == example["pays"]
