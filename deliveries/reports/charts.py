"""Charts as SVG: bars of one value a day. No script and no inline style; colours come from classes in the page's CSS.

Each chart is an image with a text of its own; the same figures stand in the table below, so nothing is only in colour.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 180, 8, 24, 18


def bars(title: str, values: Sequence[tuple[str, float | None, str]], *, most: float | None = None) -> SafeString:
    """One bar for each (day, value, value in words); a gap where there is none. `most` is the top of the scale."""
    known = [value for _day, value, _words in values if value is not None]
    top = most or max(known, default=0) or 1
    step = (WIDTH - LEFT) / max(len(values), 1)
    room = HEIGHT - BOTTOM - TOP
    drawn = []
    for number, (_day, value, words) in enumerate(values):
        if value is not None:
            height = room * min(max(value, 0), top) / top
            drawn.append(
                (
                    f"{LEFT + number * step:.1f}",
                    f"{HEIGHT - BOTTOM - height:.1f}",
                    f"{step * 0.78:.1f}",
                    f"{height:.1f}",
                    words,
                )
            )
    every = max(1, -(-len(values) // 8))
    days = [
        (f"{LEFT + number * step + step * 0.39:.1f}", HEIGHT - 6, day)
        for number, (day, _value, _words) in enumerate(values)
        if number % every == 0
    ]
    said = "; ".join(f"{day}: {words}" for day, value, words in values if value is not None)
    return format_html(
        '<svg class="hw-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="hw-axis" x1="0" y1="{}" x2="{}" y2="{}"></line>{}{}</svg>',
        WIDTH, HEIGHT, f"{title}. {said}", HEIGHT - BOTTOM, WIDTH, HEIGHT - BOTTOM,
        format_html_join(
            "",
            '<rect class="hw-bar" x="{}" y="{}" width="{}" height="{}" rx="3"><title>{}</title></rect>',
            drawn,
        ),
        format_html_join("", '<text class="hw-tick" x="{}" y="{}">{}</text>', days),
    )  # fmt: skip
