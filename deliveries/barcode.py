"""Code 128: the bars beside a label's QR code, for the hand scanners that stores have. Pure.

Code set B, which has every character of `labels.ALPHABET`. The table of bars is a fact of ISO/IEC 15417:2007, table 1; a
library would bring a font and an imaging toolkit along for it (docs/decisions/0235).
"""

from __future__ import annotations

START_B, STOP = 104, 106
QUIET = 10  # modules of white that a scanner wants on either side
# By value: the widths of three bars and three gaps, in turns, 11 modules in all; the stop has a fourth bar.
_TABLE = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321
232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224
111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112
"""
WIDTHS = tuple(_TABLE.split())


def values(text: str) -> list[int]:
    """Start, the characters, the check digit and the stop. Raises ValueError for what is not ASCII 32-126."""
    if not all(" " <= char <= "~" for char in text):
        raise ValueError(f"no Code 128 of set B: {text!r}")
    said = [ord(char) - 32 for char in text]
    check = (START_B + sum(place * value for place, value in enumerate(said, 1))) % 103
    return [START_B, *said, check, STOP]


def bars(text: str) -> tuple[list[tuple[int, int]], int]:
    """Each black bar as (where it begins, how wide it is), and how wide all is, in modules, with the quiet zones."""
    at, found = QUIET, []
    for value in values(text):
        for number, width in enumerate(map(int, WIDTHS[value])):
            if number % 2 == 0:
                found.append((at, width))
            at += width
    return found, at + QUIET
