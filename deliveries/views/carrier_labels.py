"""Labels of what the carrier takes: its own where it sent one, else ours; and the manifest its driver signs."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from deliveries.carriers import printing
from deliveries.models import Carrier, Manifest, Package, Tender
from deliveries.states import PackageState
from stores.models import Store

from .downloads import download
from .labels import MOST_LABELS, qr
from .staff import Desk, show, staff_page

SUFFIXES = {"application/pdf": "pdf", "image/png": "png"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One package of a manifest. `image`: the carrier's label as a picture; `pdf`: as a file to print by itself; neither:
    ours, with the code drawn."""

    tender: Tender
    package: Package
    image: str
    pdf: str
    code: SafeString


@dataclass(frozen=True, slots=True)
class Batch:
    """A manifest as it is printed. `waits`: the carrier has not sent its labels yet."""

    manifest: Manifest
    sheets: list[Sheet]
    waits: bool
    pdfs: bool


def handed(store: Store, manifest: str) -> QuerySet[Tender]:
    """What lies ready for the carrier: of one manifest, by its number; without one, of tonight's. Raises Http404."""
    tenders = Tender.objects.filter(manifest__store=store, package__state=PackageState.WITH_CARRIER)
    if not manifest:
        return tenders.filter(manifest__evening=store.evening(timezone.now()))
    if not (manifest.isascii() and manifest.isdigit() and len(manifest) < 19):
        raise Http404
    if not Manifest.objects.filter(store=store, pk=manifest).exists():
        raise Http404
    return tenders.filter(manifest=int(manifest))


def batches(tenders: QuerySet[Tender]) -> list[Batch]:
    """By manifest, in the order of its CSV. The files themselves are not read here."""
    found: dict[int, Batch] = {}
    rows = tenders.select_related("package", "manifest__carrier", "manifest__store").defer("label")
    for tender in rows.order_by("manifest", "package__zip", "package")[:MOST_LABELS]:
        url = reverse("staff:carrier_label", args=[tender.pk]) if tender.label_media else ""
        picture = tender.label_media == "image/png"
        manifest = tender.manifest
        if manifest.pk not in found:
            by_wire = manifest.carrier.kind == Carrier.Kind.HTTP
            found[manifest.pk] = Batch(manifest, [], by_wire and manifest.announced_at is None, False)
        found[manifest.pk].sheets.append(
            Sheet(
                tender, tender.package, url if picture else "", "" if picture else url,
                SafeString() if url else qr(tender.package.label),
            )
        )  # fmt: skip
    return [
        Batch(each.manifest, each.sheets, each.waits, any(sheet.pdf for sheet in each.sheets))
        for each in found.values()
    ]


@staff_page
def carrier_labels_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """`?manifest=17` prints one; without it, all of tonight's."""
    tenders = handed(desk.store, request.GET.get("manifest", ""))
    found = batches(tenders)
    page = {
        "title": _("Carrier labels"), "store": desk.store, "stores": desk.stores, "batches": found,
        "page_url": reverse("staff:carrier_labels"), "shown": sum(len(each.sheets) for each in found),
        "total": tenders.count(),
    }  # fmt: skip
    response = show(request, "admin/staff/carrier_labels.html", page)
    response["Cache-Control"] = "private, no-store"
    return response


@staff_page
def carrier_label_view(request: HttpRequest, desk: Desk, pk: int) -> HttpResponse:
    """One label as the carrier sent it. A PDF is a download: what somebody else wrote is not opened inside our pages."""
    tender = Tender.objects.filter(pk=pk, manifest__store__in=desk.stores).select_related("package").first()
    if tender is None or tender.label is None:
        raise Http404
    media = tender.label_media
    name = f"label-{tender.package.label}.{SUFFIXES[media]}"
    return download(bytes(tender.label), media=media, name=name, shown=media == "image/png")


def _pdfs(request: HttpRequest, desk: Desk) -> list[tuple[str, bytes]]:
    """The PDF labels that are asked for, with the codes of their packages, in the order of the manifest. Raises Http404."""
    tenders = handed(desk.store, request.GET.get("manifest", "")).filter(label_media="application/pdf")
    rows = tenders.select_related("package").order_by("manifest", "package__zip", "package")[:MOST_LABELS]
    found = [(tender.package.label, bytes(tender.label or b"")) for tender in rows]
    if not found:
        raise Http404
    return found


@staff_page
def carrier_print_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """All PDF labels in one file to print; one that cannot be read has a page that names its package."""
    printed = printing.one_file(_pdfs(request, desk))
    return download(printed.data, media="application/pdf", name=f"labels-{desk.store.number}.pdf")


@staff_page
def carrier_pdfs_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """All PDF labels in one ZIP, just as the carrier sent them, numbered in the order of the manifest."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (code, data) in enumerate(_pdfs(request, desk), 1):
            archive.writestr(f"{number:03d}-{code}.pdf", data)
    return download(packed.getvalue(), media="application/zip", name=f"labels-{desk.store.number}.zip")
