"""Many labels in PDF, as carriers sent them, into one file to print. Reads what somebody else wrote: anything may be in it."""

from __future__ import annotations

import io
import logging
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

log = structlog.get_logger(__name__)
# What the library says of a damaged file quotes it, and with it somebody's name and address.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

# A label is a page, sometimes with a second for the driver; a book is something else.
MOST_PAGES = 10
WIDTH, HEIGHT = 288, 432  # points: four by six inches
DAMAGED = _("It is damaged.")
LOCKED = _("It is locked with a password.")
TOO_LONG = _("It has too many pages for a label.")


class Unreadable(Exception):
    """A label that cannot be put beside others; `why` is a sentence."""

    def __init__(self, why: Promise) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Printed:
    """One file, and the codes of the labels in whose place a page says why they are not in it."""

    data: bytes
    missing: list[str]


def one_file(labels: Iterable[tuple[str, bytes]]) -> Printed:
    """`labels`, each the code of its package and its PDF, in one PDF in the same order."""
    whole, missing = PdfWriter(), list[str]()
    for code, data in labels:
        try:
            pages = _by_itself(data)
        except Unreadable as unreadable:
            missing.append(code)
            _say(whole, code, unreadable.why)
        else:
            for page in pages:
                whole.add_page(page)
    out = io.BytesIO()
    whole.write(out)
    return Printed(out.getvalue(), missing)


def _by_itself(data: bytes) -> list[PageObject]:
    """The pages of one label, read and written anew, so that what is wrong with it spoils no other. Raises Unreadable."""
    try:
        reader = PdfReader(io.BytesIO(data))
        # Some carriers only lock changes: then the empty password opens it, as every viewer knows.
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(LOCKED)
        if not 1 <= len(reader.pages) <= MOST_PAGES:
            raise Unreadable(TOO_LONG if reader.pages else DAMAGED)
        clean, out = PdfWriter(), io.BytesIO()
        for page in reader.pages:
            clean.add_page(page)
        clean.write(out)
        pages = list(PdfReader(io.BytesIO(out.getvalue()), strict=True).pages)
        if any(page.mediabox.width <= 0 or page.mediabox.height <= 0 for page in pages):
            raise Unreadable(DAMAGED)
        return pages
    except Unreadable:
        raise
    except Exception as error:  # of a damaged file the library raises whatever it stumbles over
        log.warning("carriers.label_unreadable", error=type(error).__name__)
        raise Unreadable(DAMAGED) from error


def _say(whole: PdfWriter, code: str, why: Promise) -> None:
    """A page in the place of a label, in a font that every printer has."""
    sentence = _("The carrier’s label of this package cannot be printed with the others.")
    advice = _("Open it by itself, or print ours and write the carrier’s number on it.")
    lines = [part for text in (sentence, why, advice) for part in textwrap.wrap(str(text), 40)]
    drawn = [b"BT /F1 28 Tf 24 380 Td (" + _escaped(code) + b") Tj ET", b"BT /F1 12 Tf 24 340 Td 16 TL"]
    drawn += [b"(" + _escaped(line) + b") Tj T*" for line in lines]
    content = DecodedStreamObject()
    content.set_data(b"\n".join([*drawn, b"ET"]))
    page = PageObject.create_blank_page(whole, WIDTH, HEIGHT)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"), NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        }
    )  # fmt: skip
    fonts = DictionaryObject({NameObject("/F1"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = content
    whole.add_page(page)


def _escaped(text: str) -> bytes:
    """Text inside the brackets of a PDF string."""
    plain = text.encode("cp1252", "replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
