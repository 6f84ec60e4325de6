"""Code 128 by its own rules. That a scanner reads it is shown in tests/browser/test_scan.py."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries import barcode, labels
from deliveries.views.labels import bars

TEXTS = st.text(st.sampled_from(labels.ALPHABET), min_size=1, max_size=12)


def test_the_table_is_one_of_code_128() -> None:
    *rows, stop = barcode.WIDTHS
    assert len(rows) == 106
    assert len({*rows, stop}) == 107
    for row in rows:
        widths = [int(width) for width in row]
        assert sum(widths) == 11
        assert sum(widths[::2]) % 2 == 0, "bars are even in all, by the standard's own parity"
    assert sum(map(int, stop)) == 13


@given(TEXTS)
def test_what_is_drawn_says_the_text(text: str) -> None:
    drawn, width = barcode.bars(text)
    assert width == 11 * (len(text) + 2) + 13 + 2 * barcode.QUIET
    assert drawn[0][0] == barcode.QUIET
    assert sum(drawn[-1]) == width - barcode.QUIET
    edges = [edge for at, wide in drawn for edge in (at, at + wide)]
    assert edges == sorted(set(edges)), "bars never touch"
    widths = "".join(str(after - before) for before, after in pairwise(edges))
    read = [barcode.WIDTHS.index(widths[at : at + 6]) for at in range(0, len(widths) - 7, 6)]
    start, *said, check = read
    assert start == barcode.START_B
    assert check == (start + sum(place * value for place, value in enumerate(said, 1))) % 103
    assert "".join(chr(value + 32) for value in said) == text


@pytest.mark.parametrize("text", ["é", "A\n", "\x7f"])
def test_what_it_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="set B"):
        barcode.bars(text)


def test_the_drawing_needs_no_style_of_its_own() -> None:
    """The pages' policy allows no inline style."""
    drawn = bars("4K7MZQ")
    assert "style" not in drawn
    assert re.search(r'viewBox="0 0 121 1"', drawn)
    assert drawn.count("M") == 3 * 8 + 4
