"""Imports by hand: a file in, what became of every row out. Taken in by the same code and worker as the API's."""

from __future__ import annotations

import tempfile
from typing import IO, Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from deliveries.intake import imports, rates, repair
from deliveries.models import Import, ImportRow
from stores.feeds.packed import unpack
from stores.feeds.report import FileFault
from stores.feeds.sheets import MOST_BYTES
from stores.models import Store, User

from .downloads import CSV, download
from .staff import Desk, show, staff_page

LISTED, ROWS_A_PAGE = 30, 50


class ImportForm(forms.Form):
    kind = forms.ChoiceField(label=_("What is in the file"), choices=Import.Kind.choices)
    file = forms.FileField(
        label=_("File"), help_text=_("CSV or JSON lines, as it is or gzipped. At most 100,000 rows and 60 MB.")
    )
    first = forms.ChoiceField(
        label=_("What to do"), choices=[("check", _("Check it first")), ("keep", _("Keep the good rows at once"))],
        help_text=_("A check reads the whole file and writes nothing; then one press keeps it."),
    )  # fmt: skip


def _stores(desk: Desk, kind: str = "") -> list[Store]:
    """Where this person may import: a row for any other store is refused by the reader. Rates, where they may also write
    them by hand."""
    stores = [store for store in desk.stores if desk.access.may("import", store.pk)]
    if kind == Import.Kind.RATES:
        stores = [store for store in stores if desk.access.may_edit("carrierrate", store.pk)]
    return stores


def _visible(desk: Desk) -> QuerySet[Import]:
    """Imports into this store that name none in which the person may not import: a row may hold anybody's address."""
    if not desk.may("import"):
        return Import.objects.none()
    of_others = Import.stores.through.objects.filter(import_id=OuterRef("pk")).exclude(
        store__in=[store.pk for store in _stores(desk)]
    )
    return Import.objects.filter(~Exists(of_others), stores=desk.store).select_related("by_user", "key")


@staff_page
def imports_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The form, and this store's imports of the last two weeks, whoever sent them."""
    if not desk.may("import"):
        raise PermissionDenied(gettext("Your role does not include this. Ask a lead of your store."))
    form = ImportForm(request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind")})
    if request.method == "POST" and form.is_valid():
        try:
            job = _begin(desk, form.cleaned_data, cast(User, request.user))
        except FileFault as fault:  # packed, and not to be unpacked
            form.add_error("file", fault.message)
        else:
            return _to(desk, job)
    page = {
        "title": _("Imports"), "store": desk.store, "stores": desk.stores, "page_url": reverse("staff:imports"), "form": form,
        "jobs": _visible(desk)[:LISTED], "sheets": [(kind.label, imports.SHEETS[kind].columns) for kind in Import.Kind],
    }  # fmt: skip
    return show(request, "admin/staff/imports.html", page, status=422 if form.errors else 200)


def _begin(desk: Desk, answers: dict[str, Any], by: User) -> Import:
    upload: UploadedFile = answers["file"]
    with tempfile.TemporaryFile() as file:
        unpack(cast(IO[bytes], upload.file), file, most_bytes=MOST_BYTES)
        file.seek(0)
        # The first letter says which it is; a name would have to be believed.
        lines = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))
        return imports.begin(
            kind=answers["kind"], media=Import.Media.LINES if lines else Import.Media.CSV, file=file,
            file_name=upload.name or "", stores=_stores(desk, answers["kind"]), by=by,
            dry_run=answers["first"] == "check", now=timezone.now(),
        )  # fmt: skip


def _to(desk: Desk, job: Import) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("staff:import", args=[job.pk]) + f"?store={desk.store.number}")


def _job(desk: Desk, pk: UUID) -> Import:
    job = _visible(desk).select_related("checked_as", "kept_as").filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


@staff_page
def import_view(request: HttpRequest, desk: Desk, pk: UUID) -> HttpResponse:
    """One import: how far it is, then its counts and the rows somebody has to look at. `?part=1` is what the script asks."""
    job = _job(desk, pk)
    troubled = job.troubled.order_by("row") if job.ended_at else ImportRow.objects.none()
    read = imports.progress(job)
    context = {
        "job": job, "store": desk.store, "read": read, "rows": Paginator(troubled, ROWS_A_PAGE).get_page(request.GET.get("page")),
        "running": job.ended_at is None,
        # For a screen reader: said ten times, not once a second.
        "percent": read * 10 // job.rows * 10 if job.rows else 0,
        "kept": getattr(job, "kept_as", None), "most_troubled": imports.MOST_TROUBLED,
    }  # fmt: skip
    if request.GET.get("part"):
        return TemplateResponse(request, "admin/staff/import_part.html", context)
    page = {"title": _("Import"), "stores": [], "page_url": reverse("staff:imports")}
    return show(request, "admin/staff/import.html", {**context, **page})


@require_POST
@staff_page
def import_keep(request: HttpRequest, desk: Desk, pk: UUID) -> HttpResponse:
    """After a look at the check: the same file, for good."""
    job = _job(desk, pk)
    try:
        kept = imports.keep(check=job, stores=_stores(desk, job.kind), by=cast(User, request.user), now=timezone.now())
    except imports.FileGone as gone:
        messages.error(request, str(gone.sentence))
        return _to(desk, job)
    return _to(desk, kept)


@staff_page
def import_rejected(request: HttpRequest, desk: Desk, pk: UUID) -> HttpResponse:
    """The rejected rows as CSV: mend them there and send that file."""
    job = _job(desk, pk)
    if not job.ended_at:
        raise Http404
    name = f"rejected-{job.kind}-{desk.store.number}.csv"
    return download(repair.rejected_rows(job), media=CSV, name=name)


@staff_page
def rates_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What the store's carriers charge from today on, in the columns of an import."""
    today = desk.store.evening(timezone.now())
    return download(rates.table_csv(desk.store, today), media=CSV, name=f"rates-{desk.store.number}-{today}.csv")
