"""Form fields for lengths: people read and write miles or feet, the row keeps metres."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from . import units


class LengthField(forms.DecimalField):
    """Whole metres in the row, another unit on the page. What nobody touched is no change, however it was rounded.

    `shown(metres)` and `metres(length)` convert; `least` and `most` are in the page's unit. What is not between them is a
    ValidationError with `sentence`.
    """

    widget = UnfoldAdminDecimalFieldWidget
    shown: Callable[[int], Decimal]
    metres: Callable[[Decimal], int]
    least: Decimal
    most: Decimal
    places: int
    sentence: Promise

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=self.least, max_value=self.most, decimal_places=self.places, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """A row's metres are converted; what was typed comes back as it was typed."""
        return self.shown(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> int:
        try:
            length: Decimal = super().clean(value)
        except ValidationError:
            raise ValidationError(str(self.sentence), code="length") from None
        return self.metres(length)


class MilesField(LengthField):
    shown = staticmethod(units.miles)
    metres = staticmethod(units.metres_of_miles)
    least, most, places = Decimal("0.1"), Decimal(100), 1
    sentence = _("Write miles from 0.1 to 100, with at most one decimal, such as 15 or 12.5.")


class FeetField(LengthField):
    shown = staticmethod(units.feet)
    metres = staticmethod(units.metres_of_feet)
    least, most, places = Decimal(30), Decimal(5280), 0
    sentence = _("Write whole feet from 30 to 5280, such as 500.")
