"""Pay of a store and period, approved: what exactly, by whom, when; and who took its file away."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from stores.models import Store


class PayApproval(models.Model):
    """What payroll was told to pay. Append-only, as the ledger is.

    It holds every ledger line written from `start_at` until just before `end_at`: two triggers see to it that `cents`
    and `lines` are the ledger's own, and that no line is written into the period afterwards. Both moments are kept,
    because the store's clock and its workweek may be set anew. `digest` is the SHA-256 of the file that was looked at.
    """

    store = models.ForeignKey(Store, models.PROTECT, related_name="pay_approvals", db_index=False)
    first_day = models.DateField()
    last_day = models.DateField()
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    cents = models.BigIntegerField()
    lines = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    by_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=280, blank=True)

    class Meta:
        ordering = ["-first_day"]
        constraints = [
            models.UniqueConstraint(fields=["store", "first_day", "last_day"], name="pay_approval_once_a_period"),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day"), end_at__gt=F("start_at")), name="pay_approval_days_in_order"
            ),
            models.CheckConstraint(condition=Q(at__gte=F("end_at")), name="pay_approval_of_what_is_over"),
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="pay_approval_has_a_digest"),
            models.CheckConstraint(condition=Q(by_user__isnull=False) | ~Q(by_name=""), name="pay_approval_says_who"),
            # No line is in two files. The store is a one-number range, as in `carrier_rate_one_for_a_package`.
            ExclusionConstraint(
                name="pay_approval_periods_never_meet",
                expressions=[
                    (Func(F("store"), F("store"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (Func(F("start_at"), F("end_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store_id} {self.first_day}/{self.last_day}"

    @property
    def who(self) -> str:
        """Who approved it, for people."""
        return str(self.by_user) if self.by_user else self.by_name


class PayDownload(models.Model):
    """Somebody took an approved file, or its signature, away. Append-only."""

    class Part(models.TextChoices):
        FILE = "csv", _("file")
        SIGNATURE = "sig", _("signature")

    approval = models.ForeignKey(PayApproval, models.PROTECT, related_name="downloads")
    part = models.CharField(max_length=3, choices=Part)
    at = models.DateTimeField()
    by_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(part__in=["csv", "sig"]), name="pay_download_part_known"),
            models.CheckConstraint(condition=Q(by_user__isnull=False) | ~Q(by_name=""), name="pay_download_says_who"),
        ]

    def __str__(self) -> str:
        return f"{self.approval_id} {self.part}"

    @property
    def who(self) -> str:
        """Who took it, for people."""
        return str(self.by_user) if self.by_user else self.by_name
