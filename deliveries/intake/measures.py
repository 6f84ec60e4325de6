"""Weights and sides in the units people use, as whole grams and millimetres; and whether both can be true at once. Pure."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from stores.feeds.fields import Bad, decimal, rounded

# Exact by definition: the international pound (1959) is 0.45359237 kg, the inch 25.4 mm.
GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "lb": Decimal("453.59237"), "oz": Decimal("28.349523125")}
MILLIMETRES = {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}

# Grams a millilitre. Osmium, the densest metal, has 22.6; a carton of air has 0.02 and a bag of feathers 0.005.
DENSEST, LIGHTEST = 23.0, 0.002
ODDLY_DENSE, ODDLY_LIGHT = 4.0, 0.006


def grams(text: str, unit: str, heaviest: int) -> int:
    """A weight in `unit` as whole grams, between 1 and `heaviest`."""
    number = decimal(text)
    if unit == "g" and number != number.to_integral_value():
        raise Bad(
            "looks_like_pounds",
            _("Grams are whole numbers; this looks like pounds or kilograms. Name the column weight_lb or weight_kg."),
        )
    found = rounded(number * GRAMS[unit])
    if found < 1:
        raise Bad("zero", _("A package weighs at least a gram."))
    if found > heaviest:
        raise Bad(
            "too_heavy",
            _("That is %(kg)s kg (%(lb)s lb); at most %(most)s kg. Is the column's unit right?")
            % {"kg": f"{found / 1000:,.1f}", "lb": f"{found / 453.59237:,.0f}", "most": heaviest // 1000},
        )
    return found


def millimetres(text: str, unit: str, longest: int) -> int:
    """A side in `unit` as whole millimetres, between 1 and `longest`."""
    found = rounded(decimal(text) * MILLIMETRES[unit])
    if found < 1:
        raise Bad("zero", _("A side is at least a millimetre long."))
    if found > longest:
        raise Bad(
            "too_large",
            _("That is %(m)s m (%(in)s in); at most %(most)s m. Is the column's unit right?")
            % {"m": f"{found / 1000:,.2f}", "in": f"{found / 25.4:,.0f}", "most": longest // 1000},
        )
    return found


def density_fault(weight_g: int, sides_mm: tuple[int, int, int]) -> tuple[bool, str, str] | None:
    """(impossible, code, message) when weight and size do not fit each other; None when they may."""
    length, width, height = sides_mm
    density = weight_g / (length * width * height / 1000)
    box = {"box": f"{length} × {width} × {height} mm", "weight": f"{weight_g:,} g"}
    if density > ODDLY_DENSE:
        message = _(
            "%(weight)s in %(box)s would be heavier than stone. Are the sides in inches, or the weight in grams?"
        )
        return density > DENSEST, "too_dense", message % box
    if density < ODDLY_LIGHT:
        message = _("%(weight)s in %(box)s would be lighter than an empty box. Is the weight in pounds or kilograms?")
        return density < LIGHTEST, "too_light", message % box
    return None
