"""Who never brings what to whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from associates.models import Associate


class BlockedPair(models.Model):
    """This associate never goes to this customer: asked for by either side, entered by the store, no reason shown."""

    associate = models.ForeignKey(Associate, models.CASCADE, related_name="blocks", verbose_name=_("associate"))
    email = models.EmailField(_("customer's e-mail"), blank=True)
    address1 = models.CharField(_("street address"), max_length=120, blank=True)
    zip = models.CharField(_("ZIP"), max_length=5, blank=True)
    made_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(email="") | (~Q(address1="") & ~Q(zip="")), name="blocked_pair_names_a_customer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.associate_id} never to {self.pk}"
