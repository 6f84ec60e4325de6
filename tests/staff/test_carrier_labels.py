"""What the carrier takes is printed: its own labels where it sent some, ours where not."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from deliveries import actors
from deliveries.actions import carriers
from deliveries.carriers import Label, printing
from deliveries.models import Carrier, Manifest, Tender
from stores.models import StaffMember, Store
from tests import make

from . import world

Enter = Callable[..., Client]
PDF, PNG = b"%PDF-1.4 a label", b"\x89PNG a label"


def handed(store: Store, *labels: Label | None) -> Manifest:
    """A manifest of one package a label; None is one that the carrier sent no label for."""
    Carrier.objects.filter(store=store).update(kind="http", url="https://carrier.example.com/api")
    packages = [make.package(store, address2=f"Floor {n}") for n, _label in enumerate(labels)]
    made = carriers.tender(
        store=store, packages=packages, by=actors.system("test"), now=world.NOW - timedelta(minutes=5), reason="late"
    )
    assert made is not None
    known = {package.pk: label for package, label in zip(packages, labels, strict=True) if label is not None}
    if known:
        carriers.announced(manifest=made, labels=known, now=world.NOW)
    return made


def test_ours_until_the_carriers_come(elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere, StaffMember.Role.BAY)
    assert "Nothing waits for the carrier" in client.get(reverse("staff:carrier_labels")).content.decode()
    manifest = handed(elsewhere, None, None)
    page = client.get(reverse("staff:carrier_labels")).content.decode()
    assert "has not sent its labels yet" in page
    assert page.count('class="hw-label"') == 2
    assert page.count("hw-qr") == 2
    for tender in manifest.tenders.all():
        assert page.count(tender.package.label) == 2, "on its label and on the manifest"
    assert "2 packages received by the driver" in page


def test_pictures_are_on_the_page_and_pdfs_are_files(elsewhere: Store, enter: Enter) -> None:
    manifest = handed(
        elsewhere, Label("1Z1", PDF, "application/pdf"), Label("1Z2", PNG, "image/png"), Label("1Z3"),
    )  # fmt: skip
    client = enter(elsewhere)
    page = client.get(reverse("staff:carrier_labels") + f"?manifest={manifest.pk}").content.decode()
    pdf, png, bare = manifest.tenders.order_by("package")
    urls = {each.pk: reverse("staff:carrier_label", args=[each.pk]) for each in (pdf, png, bare)}
    assert f'<img src="{urls[png.pk]}"' in page
    assert f'href="{urls[pdf.pk]}"' in page
    assert page.count('class="hw-label"') == 1
    assert "has not sent its labels yet" not in page
    assert "1Z3" in page
    shown, kept = client.get(urls[png.pk]), client.get(urls[pdf.pk])
    assert (shown.content, shown["Content-Type"]) == (PNG, "image/png")
    assert kept.content == PDF
    assert kept["Content-Disposition"].startswith("attachment"), "what a carrier wrote is not opened inside our pages"
    assert {shown["X-Content-Type-Options"], kept["X-Content-Type-Options"]} == {"nosniff"}
    assert client.get(urls[bare.pk]).status_code == 404
    packed = client.get(reverse("staff:carrier_pdfs") + f"?manifest={manifest.pk}")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {f"001-{pdf.package.label}.pdf": PDF}


def test_only_what_lies_there_tonight_and_only_ones_own(elsewhere: Store, enter: Enter) -> None:
    old, theirs = handed(elsewhere, None), handed(make.store(), Label("1Z1", PNG, "image/png"))
    Manifest.objects.filter(pk=old.pk).update(evening=(world.NOW - timedelta(days=1)).date())
    client = enter(elsewhere)
    page = reverse("staff:carrier_labels")
    label = old.tenders.get().package.label
    assert label not in client.get(page).content.decode()
    assert label in client.get(f"{page}?manifest={old.pk}").content.decode(), (
        "an old one is printed again by its number"
    )
    for asked in (theirs.pk, "x", "9" * 30, "²", -1):
        assert client.get(f"{page}?manifest={asked}").status_code == 404
    theirs_label = Tender.objects.get(manifest=theirs)
    assert client.get(reverse("staff:carrier_label", args=[theirs_label.pk])).status_code == 404
    assert client.get(reverse("staff:carrier_pdfs") + f"?manifest={old.pk}").status_code == 404


def test_an_evening_of_many_is_a_constant_number_of_queries(elsewhere: Store, enter: Enter) -> None:
    handed(elsewhere, None)
    client, page = enter(elsewhere), reverse("staff:carrier_labels")
    client.get(page)
    with CaptureQueriesContext(connection) as few:
        client.get(page)
    handed(elsewhere, *[None] * 12)
    with CaptureQueriesContext(connection) as many:
        client.get(page)
    assert len(many) == len(few)


# --- One file to print ------------------------------------------------------------------------------------------------------
def pdf(width: int, *, pages: int = 1, user: str | None = None, owner: str | None = None) -> bytes:
    """A label `width` points wide, by which it is known again; with passwords, locked."""
    made, out = PdfWriter(), io.BytesIO()
    for _page in range(pages):
        made.add_blank_page(width, 432)
    if user is not None:
        made.encrypt(user, owner, algorithm="AES-256")
    made.write(out)
    return out.getvalue()


def widths(data: bytes) -> list[int]:
    return [round(page.mediabox.width) for page in PdfReader(io.BytesIO(data)).pages]


def test_pdf_labels_are_one_file_in_the_order_of_the_manifest(elsewhere: Store, enter: Enter) -> None:
    media = "application/pdf"
    manifest = handed(
        elsewhere, Label("1Z1", pdf(201), media), Label("1Z2", pdf(202, user="secret"), media),
        Label("1Z3", pdf(203, user="", owner="changes"), media), Label("1Z4", b"%PDF-1.7 half a lab", media),
        Label("1Z5", pdf(205, pages=2), media), Label("1Z6", PNG, "image/png"),
    )  # fmt: skip
    client = enter(elsewhere, StaffMember.Role.BAY)
    url = reverse("staff:carrier_print")
    page = client.get(reverse("staff:carrier_labels")).content.decode()
    assert f"{url}?store={elsewhere.number}&amp;manifest={manifest.pk}" in page
    answer = client.get(f"{url}?manifest={manifest.pk}")
    assert (answer.status_code, answer["Content-Type"]) == (200, media)
    assert answer["Content-Disposition"].startswith("attachment")
    assert widths(answer.content) == [201, 288, 203, 288, 205, 205], (
        "in the place of what cannot be read, a page of ours"
    )
    labels = [each.package.label for each in manifest.tenders.order_by("package").select_related("package")]
    said = [page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages]
    assert labels[1] in said[1]
    assert "locked with a password" in said[1]
    assert labels[3] in said[3]
    assert "damaged" in said[3]
    with zipfile.ZipFile(io.BytesIO(client.get(reverse("staff:carrier_pdfs")).content)) as archive:
        assert len(archive.namelist()) == 5, "just as the carrier sent them"


@pytest.mark.parametrize(
    "data",
    [b"", b"%PDF-", b"%PDF-1.4 a label", pdf(200, pages=11), pdf(200)[:-40], pdf(200).replace(b"/Pages", b"/Pagez")],
)
def test_what_is_no_label_spoils_no_other(data: bytes) -> None:
    printed = printing.one_file([("AAAAAA", pdf(201)), ("BBBBBB", data), ("CCCCCC", pdf(203))])
    found = widths(printed.data)
    assert (len(found), found[0], found[-1]) == (3, 201, 203)
    assert printed.missing in ([], ["BBBBBB"])
    assert (found[1] == 288) == bool(printed.missing)


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_a_label_with_random_damage_is_no_error(seed: int) -> None:
    shuffle, data = random.Random(seed), bytearray(pdf(200))
    for _hit in range(shuffle.randrange(1, 12)):
        data[shuffle.randrange(len(data))] = shuffle.randrange(256)
    assert widths(printing.one_file([("AAAAAA", bytes(data)), ("BBBBBB", pdf(203))]).data)[-1] == 203


def test_the_page_in_its_place_has_accents_and_brackets() -> None:
    with translation.override("es"):
        printed = printing.one_file([("A(B)\\C", b"%PDF-")])
    assert "A(B)\\C" in PdfReader(io.BytesIO(printed.data)).pages[0].extract_text()
