"""Labels to print and stick on: a QR code for cameras, bars for hand scanners, the code in letters for everybody else."""

from __future__ import annotations

import segno
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from deliveries import barcode
from deliveries.models import Package
from deliveries.states import PackageState

from .staff import Desk, show, staff_page

MOST_LABELS = 200


def qr(code: str) -> SafeString:
    """The code as an SVG QR code. Level Q survives a scratched label; the text of it is beside it, so it is hidden
    from screen readers."""
    drawn = segno.make(code, error="q", micro=False).svg_inline(
        border=2, omitsize=True, svgclass="hw-qr", lineclass=None
    )
    return mark_safe(drawn.replace("<svg ", '<svg aria-hidden="true" ', 1))  # noqa: S308  # drawn by segno from a label code


def bars(code: str) -> SafeString:
    """The code as an SVG of Code 128, a unit of its width a module; hidden from screen readers like the QR code."""
    drawn, width = barcode.bars(code)
    path = "".join(f"M{at} 0h{wide}v1h-{wide}z" for at, wide in drawn)
    return mark_safe(  # noqa: S308  # numbers of our own
        f'<svg aria-hidden="true" class="hw-bars" viewBox="0 0 {width} 1" preserveAspectRatio="none" '
        f'shape-rendering="crispEdges"><path d="{path}"/></svg>'
    )


@staff_page
def labels_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """`?ids=1,2` prints those of the store; without it, all that still waits for the bay."""
    packages = Package.objects.filter(store=desk.store)
    asked = request.GET.get("ids", "")
    if asked:
        ids = [int(part) for part in asked.split(",") if part.isdecimal() and len(part) < 19]
        packages = packages.filter(pk__in=ids)
    else:
        packages = packages.filter(ended=False, state=PackageState.RECEIVED)
    total = packages.count()
    labels = [
        (package, qr(package.label), bars(package.label))
        for package in packages.order_by("deliver_by", "pk")[:MOST_LABELS]
    ]
    return show(
        request,
        "admin/staff/labels.html",
        {
            "title": _("Labels"), "store": desk.store, "stores": desk.stores, "labels": labels, "total": total,
            "page_url": reverse("staff:labels"),
        },
    )  # fmt: skip
