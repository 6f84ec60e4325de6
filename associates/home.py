"""The home shield: an address becomes a coarse cell, the cell is sealed, the address is forgotten.

Only the planner's side (`deliveries/quoting.py`, `deliveries/matching.py`) may call `reveal`; the architecture test
enforces it. A cell is about 300 m on a side, so even a leaked key shows a block and not a door.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from stores.places import Point

from .models import Associate, HomeCell

CELL_DEGREES = 0.0027  # 300 m of latitude: 111.2 km a degree


def coarse(point: Point) -> Point:
    """The middle of the cell that `point` lies in: about 300 m by 300 m at any latitude we drive in.

    Columns are cut by the row's own latitude, so a cell's width does not depend on the exact point inside the row.
    """
    row = math.floor(point.lat / CELL_DEGREES)
    lat = (row + 0.5) * CELL_DEGREES
    width = CELL_DEGREES / max(0.1, math.cos(math.radians(lat)))
    column = math.floor(point.lon / width)
    return Point(round(lat, 6), round((column + 0.5) * width, 6))


def _box() -> MultiFernet:
    """The first key seals, all of them open: rotate by putting a new one in front."""
    return MultiFernet([Fernet(key) for key in settings.HOME_KEYS])


def remember(associate: Associate, point: Point) -> None:
    """Store the coarse cell of `point`, sealed. The point itself is kept nowhere."""
    cell = coarse(point)
    text = f"{cell.lat:+011.6f}{cell.lon:+011.6f}"  # fixed width, so the sealed length tells nothing
    HomeCell.objects.update_or_create(associate=associate, defaults={"sealed": _box().encrypt(text.encode())})


def reveal(associates: Iterable[Associate]) -> dict[int, Point]:
    """Coarse home cells by associate id, for the planner only; associates without one are left out."""
    box = _box()
    opened = {}
    for cell in HomeCell.objects.filter(associate__in=list(associates)):
        text = box.decrypt(bytes(cell.sealed)).decode()
        opened[cell.associate_id] = Point(float(text[:11]), float(text[11:]))
    return opened


def forget(associate: Associate) -> None:
    """Forget where `associate` lives. Nothing is left to bring it back."""
    HomeCell.objects.filter(associate=associate).delete()
