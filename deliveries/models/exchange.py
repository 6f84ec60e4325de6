"""What passes between the retailer's systems and us besides packages: calls that may come twice, and imports."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from stores.models import ApiKey, Store

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class ApiCall(models.Model):
    """A write that came with an Idempotency-Key, and its answer; `status` is empty while it runs.

    Kept for two days. Holds no secret: what answers with one (a tracking link, a webhook's secret) is not kept here.
    """

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="calls")
    name = models.CharField(max_length=255, help_text=_("The Idempotency-Key."))
    fingerprint = models.BinaryField(max_length=32)
    made_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="api_call_made")]
        constraints = [
            models.UniqueConstraint(fields=["key", "name"], name="api_call_key_once"),
            # What failed on our side is not an answer to repeat.
            models.CheckConstraint(condition=Q(status=None) | Q(status__range=(200, 499)), name="api_call_answered"),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"


class Import(models.Model):
    """A file on its way into the books, taken in by a task, batch by batch.

    `taken` rows are done, each counted once: a batch and its counts are one transaction, so a process that dies leaves a
    whole number of batches and the next one goes on after them.
    """

    class Kind(models.TextChoices):
        PACKAGES = "packages", _("Packages")
        SHIFTS = "shifts", _("Shifts")
        ROSTER = "roster", _("Roster")
        RATES = "rates", _("Carrier rates")

    class Media(models.TextChoices):
        CSV = "csv", "CSV"
        LINES = "lines", _("JSON lines")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Could not be read")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="imports", verbose_name=_("system"))
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="imports", verbose_name=_("person")
    )
    stores = models.ManyToManyField(Store, related_name="imports", verbose_name=_("stores"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    media = models.CharField(_("format"), max_length=5, choices=Media)
    file = models.FileField(_("file"), upload_to="imports/%Y/%m/%d", blank=True)
    file_name = models.CharField(_("file name"), max_length=120, blank=True)
    atomic = models.BooleanField(_("all rows or none"), default=False)
    dry_run = models.BooleanField(_("check only"), default=False)
    # The check of this file that somebody looked at before they kept it.
    checked_as = models.OneToOneField(
        "self", models.SET_NULL, null=True, related_name="kept_as", verbose_name=_("checked as")
    )
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.WAITING)
    made_at = models.DateTimeField(_("made"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    starts = models.PositiveSmallIntegerField(_("times started without getting on"), default=0)
    rows = models.PositiveIntegerField(_("rows"), null=True)
    taken = models.PositiveIntegerField(_("rows read"), default=0)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    fault = models.JSONField(_("fault"), null=True)

    if TYPE_CHECKING:
        troubled: RelatedManager[ImportRow]

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-made_at", "pk"]
        indexes = [
            models.Index(fields=["made_at"], condition=Q(status__in=["waiting", "running"]), name="import_unfinished"),
            models.Index(
                fields=["ended_at"], condition=Q(ended_at__isnull=False) & ~Q(file=""), name="import_file_left"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(checked_as=None) | Q(dry_run=False), name="import_kept_is_no_check"),
            models.CheckConstraint(
                condition=Q(kind__in=["packages", "shifts", "roster", "rates"]), name="import_kind_known"
            ),
            models.CheckConstraint(condition=Q(media__in=["csv", "lines"]), name="import_media_known"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running", "done", "stopped"]), name="import_status_known"
            ),
            # Every row that was read is accounted for, at every moment.
            models.CheckConstraint(
                condition=Q(taken=F("accepted") + F("unchanged") + F("rejected") + F("skipped")),
                name="import_accounts_for_every_row",
            ),
            models.CheckConstraint(
                condition=Q(rows=None, taken=0) | Q(taken__lte=F("rows")), name="import_reads_no_more_than_there_is"
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(taken=F("rows")), name="import_done_has_read_everything"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["done", "stopped"], ended_at__isnull=False)
                | (~Q(status__in=["done", "stopped"]) & Q(ended_at=None)),
                name="import_ended_exactly_when_over",
            ),
            models.CheckConstraint(
                condition=Q(status="stopped", fault__isnull=False) | (~Q(status="stopped") & Q(fault=None)),
                name="import_stopped_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(atomic=True) | Q(rejected=0) | Q(accepted=0), name="import_atomic_is_all_or_none"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name or str(self.pk)


class ImportRow(models.Model):
    """A row that somebody has to look at: as it came, and what is wrong or odd about it.

    `line` is the whole row as it was written, where its shape was wrong and its cells do not say it all.
    """

    class Outcome(models.TextChoices):
        REJECTED = "rejected", _("Rejected")
        SKIPPED = "skipped", _("Skipped")
        WARNING = "warning", _("Kept, with a warning")

    imported = models.ForeignKey(Import, models.CASCADE, related_name="troubled", verbose_name=_("import"))
    row = models.PositiveIntegerField(_("row"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    cells = models.JSONField(_("cells"))
    line = models.TextField(_("line as it came"), blank=True)
    faults = models.JSONField(_("faults"))

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of an import")
        ordering = ["imported", "row"]
        constraints = [
            models.UniqueConstraint(fields=["imported", "row"], name="import_row_once"),
            models.CheckConstraint(
                condition=Q(outcome__in=["rejected", "skipped", "warning"]), name="import_row_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.row}"
