"""What a carrier charges, by weight, ZIP code and date: the store's own table of rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from stores import units

from .ledger import Carrier
from .package import HEAVIEST_G

if TYPE_CHECKING:
    from datetime import date

MOST_RATE_CENTS = 100_000
_five_digits = RegexValidator(r"^[0-9]{5}\Z", _("Write the five digits of a ZIP code, such as 07002."))


class CarrierRate(models.Model):
    """One line of the table. Days and ZIP codes count with their ends; a weight of `over_g` itself is the line below.

    Two lines of a carrier never meet: the database refuses it, so a package has one price or none.
    """

    carrier = models.ForeignKey(Carrier, models.CASCADE, related_name="rates", verbose_name=_("carrier"))
    effective_from = models.DateField(_("first day"))
    effective_until = models.DateField(
        _("last day"), null=True, blank=True, help_text=_("Empty: until another rate is to follow.")
    )
    zip_from = models.CharField(_("from ZIP"), max_length=5, default="00000", validators=[_five_digits])
    zip_to = models.CharField(_("to ZIP"), max_length=5, default="99999", validators=[_five_digits])
    over_g = models.PositiveIntegerField(_("over, grams"), default=0)
    up_to_g = models.PositiveIntegerField(_("up to, grams"), default=HEAVIEST_G)
    cents = models.PositiveIntegerField(_("price, cents"))

    class Meta:
        verbose_name = _("carrier rate")
        verbose_name_plural = _("carrier rates")
        ordering = ["carrier", "-effective_from", "zip_from", "over_g"]
        constraints = [
            models.CheckConstraint(
                condition=Q(zip_from__regex=r"^[0-9]{5}$", zip_to__regex=r"^[0-9]{5}$", zip_to__gte=F("zip_from")),
                name="carrier_rate_zips_in_order",
            ),
            models.CheckConstraint(
                condition=Q(up_to_g__gt=F("over_g"), up_to_g__lte=HEAVIEST_G), name="carrier_rate_weights_in_order"
            ),
            models.CheckConstraint(
                condition=Q(effective_until=None) | Q(effective_until__gte=F("effective_from")),
                name="carrier_rate_days_in_order",
            ),
            models.CheckConstraint(condition=Q(cents__lte=MOST_RATE_CENTS), name="carrier_rate_sane"),
            # The carrier is a one-number range, as in `shift_one_at_a_time`: no btree_gist needed.
            ExclusionConstraint(
                name="carrier_rate_one_for_a_package",
                expressions=[
                    (Func(F("carrier"), F("carrier"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (
                        Func(F("effective_from"), F("effective_until"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(
                            Cast("zip_from", models.IntegerField()), Cast("zip_to", models.IntegerField()), Value("[]"),
                            function="int4range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("over_g"), F("up_to_g"), Value("(]"), function="int4range"), RangeOperators.OVERLAPS),
                ],
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        zips = self.zip_from if self.zip_from == self.zip_to else f"{self.zip_from}-{self.zip_to}"
        weights = f"{units.pounds(self.over_g)}-{units.pounds(self.up_to_g)} lb"
        return f"{self.carrier}, {zips}, {weights}, {units.dollars(self.cents)}, {date_format(self.effective_from)}"

    def holds(self, day: date, zip_code: str, weight_g: int) -> bool:
        """Whether this line has the price of such a package on `day`."""
        return (
            self.effective_from <= day
            and (self.effective_until is None or day <= self.effective_until)
            and self.zip_from <= zip_code <= self.zip_to
            and self.over_g < weight_g <= self.up_to_g
        )
