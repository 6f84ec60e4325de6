"""Files that people take away."""

from __future__ import annotations

from django.http import HttpResponse

CSV = "text/csv; charset=utf-8"


def download(data: str | bytes, *, media: str, name: str, shown: bool = False) -> HttpResponse:
    """`data` as the file `name`; `shown` in the browser instead of saved. Kept by nobody on the way: there are names in it."""
    how = "inline" if shown else "attachment"
    return HttpResponse(
        data,
        content_type=media,
        headers={
            "Content-Disposition": f'{how}; filename="{name}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
