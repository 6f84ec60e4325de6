"""Photos of drop-offs: checked, turned upright, shrunk, and freed of everything but the picture. Pure Pillow."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Protocol

from PIL import Image, ImageOps

LONGEST_SIDE = 1_600  # pixels; a house number stays readable
MOST_PIXELS = 80_000_000  # more than any phone's camera; beyond it a file wants our memory, not our eyes
MOST_BYTES = 25 * 1024 * 1024
QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP")
# What Pillow's decoders raise on broken files.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, struct.error, zlib.error)


class Readable(Protocol):
    """An open binary file, or what a web framework hands over as one."""

    def read(self, size: int, /) -> bytes: ...


class NotAPicture(ValueError):
    """The file is no picture we take. `code`: unreadable, too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def clean(file: Readable) -> bytes:
    """A JPEG of `file`, upright, at most LONGEST_SIDE pixels on its longer side, without any metadata.

    Pixels are counted from the header, before anything is unpacked. Raises NotAPicture.
    """
    raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise NotAPicture("too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is below
            with Image.open(io.BytesIO(raw), formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise NotAPicture("too_large")
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is unpacked small in the first place
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                picture = _on_white(upright)
    except Image.DecompressionBombError as error:
        raise NotAPicture("too_large") from error
    except NotAPicture:
        raise
    except BROKEN as error:
        raise NotAPicture("unreadable") from error
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    """The pixels alone, RGB, see-through parts white: a new image carries no metadata of the old."""
    if image.mode in ("RGBA", "LA", "P", "PA"):
        image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    paper = Image.new("RGB", image.size)
    paper.paste(image.convert("RGB"))
    return paper
