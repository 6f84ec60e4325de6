"""One run of the simulator: who asked, how far it is, what came out."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from stores.models import Store


class Simulation(models.Model):
    """A run for one store. The two files are kept until it is over and then emptied: what stays are figures.

    `result` is `{"draws": [figures of each draw, the middle one first], "orders": report, "homes": report}`.
    """

    store = models.ForeignKey(Store, models.CASCADE, related_name="simulations", verbose_name=_("store"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("asked by")
    )
    made_at = models.DateTimeField(_("asked at"))
    share = models.PositiveSmallIntegerField(_("percent of people who deliver on an evening"))
    draws = models.PositiveSmallIntegerField(_("draws"))
    orders = models.BinaryField(default=b"", editable=False)
    homes = models.BinaryField(default=b"", editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    whole = models.PositiveIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    fault = models.CharField(max_length=400, blank=True, editable=False)
    result = models.JSONField(null=True, editable=False)

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(share__range=(1, 100), draws__range=(1, 20)), name="simulation_sane"),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(orders=b"", homes=b""), name="simulation_keeps_no_file_when_over"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, result=None, fault="")
                | Q(finished_at__isnull=False, result__isnull=False, fault="")
                | (Q(finished_at__isnull=False, result=None) & ~Q(fault="")),
                name="simulation_ends_with_figures_or_a_fault",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store} {self.made_at:%Y-%m-%d %H:%M} UTC"
