"""Gzip, unpacked as it comes and never further than allowed: a bomb costs a megabyte and a second, not the machine."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import IO, Protocol

from django.utils.translation import gettext as _

from .report import FileFault

CHUNK = 256 * 1024
GZIP = b"\x1f\x8b"


class Source(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def unpack(source: IO[bytes], target: IO[bytes], *, most_bytes: int) -> bytes:
    """Copy `source` into `target`, unpacked where it is gzip; returns the SHA-256 of what is in `target` then.

    Raises FileFault: `too_large` above `most_bytes` (packed or not), `compressed` for gzip that is damaged or cut off.
    """
    head = source.read(2)
    source.seek(0)
    reader: Source = gzip.GzipFile(fileobj=source, mode="rb") if head == GZIP else source
    digest, size = hashlib.sha256(), 0
    try:
        while chunk := reader.read(CHUNK):
            size += len(chunk)
            if size > most_bytes:
                raise too_large(most_bytes)
            digest.update(chunk)
            target.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise FileFault("compressed", _("The gzip data is damaged or cut off. Pack the file again.")) from None
    return digest.digest()


def too_large(most_bytes: int) -> FileFault:
    return FileFault(
        "too_large",
        _("That is more than %(size)s MB. Send it in parts; a row that came twice does no harm.")
        % {"size": most_bytes // (1024 * 1024)},
    )
