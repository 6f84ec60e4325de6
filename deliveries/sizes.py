"""Size classes of packages: what fits on a lap, a seat, a trunk. Pure."""

from __future__ import annotations

# (longest side, volume) up to which a package is small, medium, large. Beyond: very large.
BOUNDS_MM_ML: tuple[tuple[int, int], ...] = ((350, 15_000), (600, 60_000), (1_000, 150_000))


def volume_ml(length_mm: int, width_mm: int, height_mm: int) -> int:
    """Volume of the box in whole millilitres, rounded up: half a millilitre still takes its room."""
    return -(-length_mm * width_mm * height_mm // 1000)


def size_class(length_mm: int, width_mm: int, height_mm: int) -> int:
    """0 small, 1 medium, 2 large, 3 very large: the first class whose longest side and volume both suffice."""
    longest, volume = max(length_mm, width_mm, height_mm), volume_ml(length_mm, width_mm, height_mm)
    for size, (side, room) in enumerate(BOUNDS_MM_ML):
        if longest <= side and volume <= room:
            return size
    return len(BOUNDS_MM_ML)
