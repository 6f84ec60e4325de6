"""Photos: upright, small, without metadata, and never a bomb."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deliveries import photos


def encoded(image: Image.Image, format: str = "JPEG", **save: object) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, format, **save)
    return io.BytesIO(out.getvalue())


def opened(raw: bytes) -> Image.Image:
    return Image.open(io.BytesIO(raw))


def test_place_time_and_camera_are_gone_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees
    exif[0x010F] = "CanaryPhone"
    exif.get_ifd(0x8825)[1] = "N"
    picture = Image.new("RGB", (400, 200), "white")
    picture.paste("red", (0, 0, 200, 200))  # the left half
    raw = photos.clean(encoded(picture, exif=exif, comment=b"Canary comment", icc_profile=b"Canary profile"))
    done = opened(raw)
    assert b"Canary" not in raw
    assert dict(done.getexif()) == {}
    assert not done.info.keys() & {"exif", "icc_profile", "comment", "xmp"}
    assert done.size == (200, 400)
    top, bottom = done.getpixel((100, 50)), done.getpixel((100, 350))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[1] < 60 < bottom[1], "what was left is now above"


@pytest.mark.parametrize(
    ("size", "after"),
    [((4000, 3000), (1600, 1200)), ((3000, 4000), (1200, 1600)), ((80, 60), (80, 60)), ((1, 1), (1, 1))],
)
def test_shrunk_never_grown(size: tuple[int, int], after: tuple[int, int]) -> None:
    assert opened(photos.clean(encoded(Image.new("RGB", size, "navy")))).size == after


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "LA", "P", "1", "I;16"])
def test_every_kind_of_picture_becomes_a_plain_jpeg(mode: str) -> None:
    format = "JPEG" if mode == "CMYK" else "PNG"
    done = opened(photos.clean(encoded(Image.new(mode, (20, 20)), format)))
    assert (done.format, done.mode) == ("JPEG", "RGB")


def test_see_through_is_white() -> None:
    done = opened(photos.clean(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG")))
    assert done.getpixel((5, 5)) == (255, 255, 255)


def bomb(width: int, height: int) -> io.BytesIO:
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 8_001), (2_000_000_000, 1)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(photos.NotAPicture) as refused:
        photos.clean(bomb(*size))
    assert refused.value.code in ("too_large", "unreadable")


def test_a_file_too_long_is_refused() -> None:
    with pytest.raises(photos.NotAPicture) as refused:
        photos.clean(io.BytesIO(b"\xff" * (photos.MOST_BYTES + 1)))
    assert refused.value.code == "too_large"


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF", "ICO"])
def test_formats_phones_do_not_send_are_refused(format: str) -> None:
    with pytest.raises(photos.NotAPicture) as refused:
        photos.clean(encoded(Image.new("RGB", (20, 20)), format))
    assert refused.value.code == "unreadable"


WHOLE = encoded(Image.effect_noise((64, 64), 50)).getvalue()


@given(st.one_of(st.binary(max_size=400), st.integers(0, len(WHOLE) - 1).map(lambda cut: WHOLE[:cut])))
def test_rubbish_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(photos.NotAPicture):
        photos.clean(io.BytesIO(raw))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_a_picture_or_a_clear_no(at: int, byte: int) -> None:
    raw = WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]
    try:
        done = photos.clean(io.BytesIO(raw))
    except photos.NotAPicture:
        return
    assert opened(done).format == "JPEG"
