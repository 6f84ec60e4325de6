"""Form fields for money: people read and write dollars, the row keeps whole cents (or tenths, for a mile)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from . import units

# 18, 18.00, .50, $18.00, $ 1,200.50, -$2.40, and what a rate is called on a page: 72.5¢.
_AMOUNT = re.compile(
    r"(?P<sign>[-−])?\s*(?P<dollar>\$)?\s*(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"\s*(?P<cents>¢)?"
)
LONGEST_SHOWN = 40  # characters of a wrong value that its sentence repeats
SENTENCES: dict[str, Promise] = {
    "required": _("%(field)s: write dollars, such as %(example)s."),
    "digits": _(
        "%(field)s: “%(value)s” has digits that are full-width or of another script. Write them as 0 to 9, such as "
        "%(example)s."
    ),
    "exponent": _("%(field)s: “%(value)s” has an exponent. Write the amount out, such as %(example)s."),
    "comma": _(
        "%(field)s: “%(value)s” has a comma in another place than between thousands. Write a point before the cents, "
        "such as %(example)s or 1,200.50."
    ),
    "decimals": _(
        "%(field)s: “%(value)s” has too many decimals. Write dollars with at most %(places)d, such as %(example)s."
    ),
    "amount": _("%(field)s: “%(value)s” is not an amount. Write dollars as a plain number, such as %(example)s."),
    "below": _(
        "%(field)s: “%(value)s” is less than %(least)s, which is the least. Write it anew, such as %(example)s."
    ),
    "above": _(
        "%(field)s: “%(value)s” is more than %(most)s, which is the most. Write dollars, not cents, such as %(example)s."
    ),
}


class Unclear(ValueError):
    """Text that is no plain amount; `code` is that of its sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read(text: str, places: int) -> Decimal:
    """Dollars of `text`, which has at most `places` decimals as dollars. Raises Unclear."""
    found = _AMOUNT.fullmatch(text)
    if found is None or not (found["whole"] or found["part"]) or (found["dollar"] and found["cents"]):
        raise Unclear(_what_is_wrong(text))
    decimals = len(found["part"] or "") + (2 if found["cents"] else 0)
    if decimals > places:
        raise Unclear("decimals")
    digits = found["whole"].replace(",", "") + (found["part"] or "")
    # Built from its digits: arithmetic would round what is longer than 28 of them.
    return Decimal((1 if found["sign"] else 0, tuple(map(int, digits)), -decimals))


def _what_is_wrong(text: str) -> str:
    if any(not c.isascii() and unicodedata.category(c).startswith("N") for c in text):
        return "digits"
    if re.fullmatch(r"[-+]?\$?[0-9.,]+[eE][-+]?[0-9]+", text):
        return "exponent"
    return "comma" if re.fullmatch(r"[-−]?\s*\$?\s*[0-9.]*,[0-9.,]*", text) else "amount"


class DollarsField(forms.CharField):
    """Cents in the row, dollars on the page: "18.00", "$18.00", "1,200.50". What nobody touched is no change.

    `least` and `most` are in the row's unit, `example` is dollars as somebody would write them. What is wrong is a
    ValidationError whose sentence names the field, the value and the way to mend it.
    """

    widget = UnfoldAdminTextInputWidget
    per_dollar = 100
    places = 2
    said: Callable[[int], str] = staticmethod(units.dollars)

    def __init__(self, *, most: int, least: int = 0, example: str = "18.00", **kwargs: Any) -> None:
        self.least, self.most, self.example = least, most, example
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """A keypad with a point; one that has a minus, too, where that may be needed."""
        return {"inputmode": "decimal" if self.least >= 0 else "text"}

    def shown(self, value: int) -> str:
        """The row's value, as the field has it: "18.00"."""
        return self.said(value).replace("$", "")

    def prepare_value(self, value: Any) -> Any:
        """A row's cents are converted; what was typed comes back as it was typed."""
        return self.shown(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compared as amounts, so that "$18" is no change of "18.00"."""
        try:
            return not self.disabled and self.clean(data) != initial
        except ValidationError:
            return True

    def clean(self, value: Any) -> int | None:
        if isinstance(value, int):  # a disabled field's own
            return value
        text = str(self.to_python(value) or "")
        if not text:
            if self.required:
                raise self._wrong("required", text)
            return None
        try:
            amount = read(text, self.places)
        except Unclear as no:
            raise self._wrong(no.code, text) from None
        if amount < Decimal(self.least) / self.per_dollar:
            raise self._wrong("below", text)
        if amount > Decimal(self.most) / self.per_dollar:
            raise self._wrong("above", text)
        return int(amount * self.per_dollar)

    def _wrong(self, code: str, text: str) -> ValidationError:
        value = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
        params = {
            "field": self.label, "value": value, "example": self.example, "places": self.places,
            "least": self.said(self.least), "most": self.said(self.most),
        }  # fmt: skip
        return ValidationError(str(SENTENCES[code]), code=code, params=params)


class MileRateField(DollarsField):
    """Tenths of a cent in the row, dollars on the page: "0.725", "$0.725"; "72.5¢", too."""

    per_dollar = 1000
    places = 3
    said = staticmethod(units.dollars_of_tenths)
