"""Photos for demo drop-offs: a door, a step and a box, drawn. Pure but for Pillow."""

from __future__ import annotations

import io
from random import Random

from PIL import Image, ImageDraw

WALLS = ((188, 170, 150), (150, 160, 170), (170, 120, 100), (205, 205, 195))
DOORS = ((60, 80, 110), (110, 45, 40), (45, 85, 60), (80, 65, 50))


def photo(rng: Random) -> bytes:
    """A small JPEG, 320 by 240, of a box before a door. Nothing in it but the picture."""
    image = Image.new("RGB", (320, 240), rng.choice(WALLS))
    draw = ImageDraw.Draw(image)
    left = rng.randint(90, 150)
    draw.rectangle((left - 8, 22, left + 98, 200), fill=(240, 240, 235))
    draw.rectangle((left, 30, left + 90, 200), fill=rng.choice(DOORS))
    draw.ellipse((left + 74, 112, left + 83, 121), fill=(215, 190, 90))
    draw.rectangle((0, 200, 320, 240), fill=(120, 118, 112))
    size, at = rng.randint(40, 75), rng.randint(30, 220)
    draw.rectangle((at, 218 - size, at + size + 14, 218), fill=(196, 154, 108), outline=(140, 104, 66), width=2)
    draw.rectangle((at + size // 2, 218 - size, at + size // 2 + 12, 218), fill=(222, 196, 150))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    return file.getvalue()
