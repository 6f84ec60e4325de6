"""A question between two colleagues: would you take this off my trip?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from associates.models import Associate
from deliveries import pay
from stores.models import Store

from .package import Package
from .trip import Trip

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Swap(models.Model):
    """`asker` asks `colleague`, of the same store, to take packages off `trip` before anything is loaded.

    A row is there only while the question is open. Answered, taken back or run out, it is deleted, whatever the answer was:
    nothing here can count who said no.

    `turn` says whose answer is awaited. The other one has said yes to `quote` and `stops`: their own trip after the swap
    (None: nothing is left on it), made when their trip's quote was `basis` ("": they had none).
    """

    class Turn(models.TextChoices):
        COLLEAGUE = "colleague"
        ASKER = "asker"

    store = models.ForeignKey(Store, models.CASCADE, related_name="swaps")
    asker = models.ForeignKey(Associate, models.CASCADE, related_name="swaps_asked")
    colleague = models.ForeignKey(Associate, models.CASCADE, related_name="swaps_to_answer")
    trip = models.ForeignKey(Trip, models.CASCADE, related_name="swaps")
    turn = models.CharField(max_length=9, choices=Turn, default=Turn.COLLEAGUE)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    quote = models.JSONField(null=True)
    stops = models.JSONField(default=list, help_text="PlannedStop of `quoting`, in visit order; never a home.")
    basis = models.CharField(max_length=64, blank=True)

    if TYPE_CHECKING:
        lines: RelatedManager[SwapPackage]

    class Meta:
        ordering = ["asked_at"]
        indexes = [models.Index(fields=["store", "expires_at"], name="swap_open_until")]
        constraints = [
            models.UniqueConstraint(fields=["asker"], name="swap_one_open_an_asker"),
            models.CheckConstraint(condition=~Q(asker=F("colleague")), name="swap_between_two"),
            models.CheckConstraint(condition=Q(turn__in=["colleague", "asker"]), name="swap_turn_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("asked_at")), name="swap_can_be_answered"),
            # Only who gives everything away has nothing left, and that is the asker at the start.
            models.CheckConstraint(
                condition=Q(quote__isnull=False) | Q(turn="colleague"), name="swap_of_everything_is_a_gift"
            ),
        ]

    def __str__(self) -> str:
        return f"swap {self.pk}"

    @property
    def awaited_id(self) -> int:
        """Whose answer is awaited."""
        return self.colleague_id if self.turn == self.Turn.COLLEAGUE else self.asker_id

    @property
    def promise(self) -> pay.Quote | None:
        return pay.Quote.from_json(self.quote) if self.quote else None


class SwapPackage(models.Model):
    """A package that would change hands, and which way. In one open question at a time."""

    swap = models.ForeignKey(Swap, models.CASCADE, related_name="lines")
    package = models.ForeignKey(Package, models.CASCADE, related_name="swap_lines")
    to_colleague = models.BooleanField()

    class Meta:
        # By package, not in the order of the visits: that would tell where the way home leads.
        ordering = ["package"]
        constraints = [models.UniqueConstraint(fields=["package"], name="package_in_one_swap")]

    def __str__(self) -> str:
        return f"{self.swap_id}/{self.package_id}"
