"""Figures of a simulation as rows with names: one list for the page, for print and for CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stores import units

# The planner's codes for a package without an associate, in the words of whoever decides about a pilot.
WHY_NOT: dict[str, str | Promise] = {
    "not_for_associates": gettext_lazy("Kept for the carrier: by the retailer, beyond the radius, another state"),
    "no_associates": gettext_lazy("Nobody worked that evening"),
    "outside_every_detour": gettext_lazy("Outside everybody’s way home"),
    "too_heavy": gettext_lazy("Too heavy"),
    "too_large": gettext_lazy("Too large"),
    "past_due": gettext_lazy("Promised before anybody could be there"),
    "not_worth_it": gettext_lazy("The detour costs more than the carrier"),
    "trips_full": gettext_lazy("Everybody near had enough"),
    "below_floor": gettext_lazy("Would pay less than somebody asks for"),
    "no_path": gettext_lazy("No road"),
    "blocked": gettext_lazy("Nobody who may carry it"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: its name, its value in words, and the range over the draws where there were several."""

    name: str
    value: str
    range: str = ""
    note: str = ""


def lines(draws: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The figures of the middle draw, each with the least and most of all draws."""
    middle = draws[0]

    def line(name: str, read: Any, show: Any, note: str = "") -> Line:
        values = [read(draw) for draw in draws]
        low, high = show(min(values)), show(max(values))
        return Line(name, show(read(middle)), f"{low} – {high}" if len(draws) > 1 and low != high else "", note)

    def each(amount: str, by: str) -> Any:
        return lambda d: d[amount] / d[by] if d[by] else 0

    return [
        line(_("Packages"), lambda d: d["packages"], _count),
        line(_("… that an associate brings"), lambda d: d["matched"], _count),
        line(_("Match rate"), each("matched", "packages"), _percent, _("Of all packages, those kept for the carrier too.")),
        line(_("People who deliver, by evening, in all"), lambda d: d["people"], _count),
        line(_("Trips"), lambda d: d["trips"], _count),
        line(_("Packages a trip"), each("matched", "trips"), lambda v: f"{v:.1f}"),
        line(_("Detour, median"), lambda d: d["detour_median_s"], _minutes, _("More than the drive home; loading in it.")),
        line(_("Detour, nine of ten at most"), lambda d: d["detour_p90_s"], _minutes),
        line(_("Pay"), lambda d: d["pay"], _dollars, _("What would be quoted: time from the end of the shift, packages, miles.")),
        line(_("Pay a package"), each("pay", "matched"), _dollars),
        line(_("Pay an extra hour"), lambda d: d["pay"] * 3600 / d["extra_s"] if d["extra_s"] else 0, _dollars),
        line(_("The carrier for the same packages"), lambda d: d["carrier_matched"], _dollars),
        line(
            _("Saved against the carrier"), lambda d: d["carrier_matched"] - d["pay"], _dollars,
            _("Below zero: associates cost more than the carrier."),
        ),
        line(_("The carrier for all packages"), lambda d: d["carrier_all"], _dollars),
        line(_("Miles more than driving home"), lambda d: d["extra_m"], _miles),
        line(_("Miles of dedicated round trips"), lambda d: d["rounds_m"], _miles, _("The same packages, from the same store.")),
        line(_("Minutes more than driving home"), lambda d: d["extra_s"], _minutes),
        line(_("Minutes of dedicated round trips"), lambda d: d["rounds_s"], _minutes),
        line(_("Dedicated round trips"), lambda d: d["rounds"], _count),
        line(_("CO₂ of the detours"), lambda d: d["co2_g"], _kilograms, _("At 400 g a mile (EPA), for both ways alike.")),
        line(_("CO₂ of dedicated round trips"), lambda d: d["rounds_co2_g"], _kilograms),
    ]  # fmt: skip


def reasons(middle: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Why packages of the middle draw stay with the carrier, most frequent first."""
    return [(str(WHY_NOT.get(code, code)), count) for code, count in middle["why_not"].items() if count]


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _dollars(cents: float) -> str:
    return units.dollars(round(cents))


def _minutes(seconds: float) -> str:
    return _("%(number)s min") % {"number": f"{seconds / 60:,.0f}"}


def _miles(metres: float) -> str:
    return _("%(number)s mi") % {"number": f"{metres / 1609.344:,.0f}"}


def _kilograms(grams: float) -> str:
    return _("%(number)s kg") % {"number": f"{grams / 1000:,.0f}"}
