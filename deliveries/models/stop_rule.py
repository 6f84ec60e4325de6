"""Rules that pause a store by themselves, and messages to its staff about it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stores import units
from stores.models import Store


class StopRule(models.Model):
    """When one figure of a store passes a limit, the store pauses. Each rule fires at most once an evening."""

    class Kind(models.TextChoices):
        LATE = "late", _("Promises broken tonight, percent")
        PROBLEMS = "problems", _("Problems at the door tonight, percent of all stops")
        WAITING = "waiting", _("Waiting before leaving tonight, median minutes")
        STRANDED = "stranded", _("Trips tonight whose associate could not go on")
        OVERDUE = "overdue", _("Packages still in somebody’s hands 12 hours after the promise")
        COST = "cost", _("Pay a drop-off over the last seven evenings, dollars")

    store = models.ForeignKey(Store, models.CASCADE, related_name="stop_rules", verbose_name=_("store"))
    kind = models.CharField(_("figure"), max_length=10, choices=Kind)
    limit = models.PositiveIntegerField(
        _("pauses at"), validators=[MinValueValidator(1)], help_text=_("At this or above, in the unit of the figure.")
    )
    least = models.PositiveIntegerField(
        _("from so many cases on"), default=5,
        help_text=_("So that one late package on a quiet evening does not pause the store."),
    )  # fmt: skip
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("stop rule")
        verbose_name_plural = _("stop rules")
        ordering = ["store", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["store", "kind"], name="stop_rule_once_a_figure"),
            models.CheckConstraint(condition=Q(limit__gte=1), name="stop_rule_has_a_limit"),
            models.CheckConstraint(
                condition=Q(kind__in=["late", "problems", "waiting", "stranded", "overdue", "cost"]),
                name="stop_rule_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.in_words(self.limit)}"

    def in_words(self, value: float) -> str:
        """A value of the rule's figure as people read it: a whole number, or of what is kept in cents dollars."""
        return units.dollars(round(value)) if self.kind == self.Kind.COST else f"{value:.0f}"

    @property
    def limit_in_words(self) -> str:
        return self.in_words(self.limit)

    @property
    def name(self) -> str:
        """What its decisions are signed with."""
        return f"stop rule {self.kind}"


# A pilot begins with these; a lead changes them. (limit, from so many cases on)
DEFAULT_RULES: dict[str, tuple[int, int]] = {
    StopRule.Kind.LATE: (20, 10), StopRule.Kind.PROBLEMS: (25, 8), StopRule.Kind.WAITING: (20, 4),
    StopRule.Kind.STRANDED: (3, 1), StopRule.Kind.OVERDUE: (2, 1),
}  # fmt: skip


class StaffNotice(models.Model):
    """A mail to one member of staff: written down once by its key, claimed before it is sent, deleted after a month."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="staff_notices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    subject: models.CharField[str | Promise, str] = models.CharField(max_length=200)
    body = models.TextField()
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None), name="staff_notice_unsent")]
        constraints = [
            models.UniqueConstraint(fields=["key", "user"], name="staff_notice_once"),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(sent_at__gte=F("made_at")), name="staff_notice_in_order"
            ),
        ]

    def __str__(self) -> str:
        return self.key
