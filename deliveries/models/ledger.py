"""Money owed, append-only; what is said about it; and what went to carriers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries.states import DisputeState
from stores import units
from stores.models import Store

from .package import Package
from .trip import Trip


class LedgerEntry(models.Model):
    """One line of pay. Never changed, never deleted: a trigger refuses both. A correction is a new line.

    The lines of a settled trip add up to its `paid_cents`; a deferred trigger looks at every commit.
    """

    class Kind(models.TextChoices):
        PACKAGES = "packages", _("Packages")
        TIME = "time", _("Paid time")
        MILEAGE = "mileage", _("Mileage")
        MINIMUM = "minimum", _("Top-up to the minimum wage")
        OVERTIME = "overtime", _("Overtime premium")
        CORRECTION = "correction", _("Correction")

    store = models.ForeignKey(Store, models.PROTECT, related_name="ledger", verbose_name=_("store"))
    associate = models.ForeignKey(Associate, models.PROTECT, related_name="ledger", verbose_name=_("associate"))
    trip = models.ForeignKey(Trip, models.PROTECT, related_name="entries", verbose_name=_("trip"))
    key = models.CharField(_("key"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    quantity = models.PositiveIntegerField(_("quantity"), help_text=_("Packages, seconds or metres."))
    rate = models.PositiveIntegerField(_("rate"))
    cents = models.IntegerField(_("cents"))
    rule_version = models.CharField(_("rule"), max_length=40)
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    # Who wrote a correction. PROTECT, because emptying it would be a change, and the ledger takes none.
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("person")
    )
    by_name = models.CharField(_("system"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("ledger entry")
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["store", "at"], name="ledger_store_at")]
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["packages", "time", "mileage", "minimum", "overtime", "correction"]),
                name="ledger_kind_known",
            ),
            models.CheckConstraint(condition=Q(kind="correction") | Q(cents__gte=0), name="ledger_pays_never_takes"),
            models.CheckConstraint(condition=~Q(kind="correction") | ~Q(reason=""), name="ledger_correction_says_why"),
            models.CheckConstraint(
                condition=~Q(kind="correction") | Q(by_user__isnull=False) | ~Q(by_name=""),
                name="ledger_correction_says_who",
            ),
            models.CheckConstraint(condition=~Q(kind="correction") | ~Q(cents=0), name="ledger_correction_corrects"),
        ]

    def __str__(self) -> str:
        return f"{self.associate} · {self.get_kind_display()} · {units.dollars(self.cents)}"


class Dispute(models.Model):
    """An associate says that a trip's pay is not right; staff add what is missing, or explain.

    `words` and `answer` are read by both sides. Moves as in `states.DISPUTE_MOVES`; accepted means a correction.
    """

    store = models.ForeignKey(Store, models.PROTECT, related_name="disputes", verbose_name=_("store"))
    associate = models.ForeignKey(Associate, models.PROTECT, related_name="disputes", verbose_name=_("associate"))
    trip = models.ForeignKey(Trip, models.PROTECT, related_name="disputes", verbose_name=_("trip"))
    state = models.CharField(_("state"), max_length=10, default=DisputeState.OPEN, editable=False)
    words = models.CharField(_("what is not right"), max_length=600)
    opened_at = models.DateTimeField(_("opened"))
    answer = models.CharField(_("answer"), max_length=600, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("answered by")
    )
    correction = models.OneToOneField(
        LedgerEntry, models.PROTECT, null=True, related_name="dispute", verbose_name=_("correction")
    )

    class Meta:
        verbose_name = _("pay dispute")
        verbose_name_plural = _("pay disputes")
        ordering = ["-opened_at", "-pk"]
        indexes = [models.Index(fields=["store"], condition=Q(state="open"), name="dispute_open_in_a_store")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(DisputeState)), name="dispute_state_known"),
            models.UniqueConstraint(fields=["trip"], condition=Q(state="open"), name="dispute_one_open_a_trip"),
            models.CheckConstraint(condition=~Q(words=""), name="dispute_says_what"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__gte=F("opened_at"))),
                name="dispute_closed_exactly_when_over",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "explained"]) | ~Q(answer=""), name="dispute_is_answered_in_words"
            ),
            models.CheckConstraint(
                condition=Q(state="accepted", correction__isnull=False) | (~Q(state="accepted") & Q(correction=None)),
                name="dispute_accepted_exactly_when_corrected",
            ),
        ]

    def __str__(self) -> str:
        said = {"who": self.associate, "when": self.store.when(self.trip.claimed_at)}
        return gettext("%(who)s about the pay of the trip of %(when)s") % said

    def get_state_display(self) -> str:
        """The state in words."""
        return str(DISPUTE_STATES[DisputeState(self.state)])


DISPUTE_STATES = {
    DisputeState.OPEN: _("open"),
    DisputeState.ACCEPTED: _("accepted"),
    DisputeState.EXPLAINED: _("explained"),
    DisputeState.WITHDRAWN: _("withdrawn"),
}


class Carrier(models.Model):
    """Somebody who brings what no associate claimed: handed a list, or told through an API of theirs."""

    class Kind(models.TextChoices):
        FILE = "file", _("A list for the driver (CSV)")
        HTTP = "http", _("Their API: rates and labels")

    store = models.ForeignKey(Store, models.CASCADE, related_name="carriers", verbose_name=_("store"))
    name = models.CharField(_("name"), max_length=60)
    active = models.BooleanField(_("active"), default=True)
    kind = models.CharField(_("told by"), max_length=4, choices=Kind, default=Kind.FILE)
    url = models.URLField(_("address of their API"), max_length=300, blank=True)
    token = models.BinaryField(null=True, editable=False)  # sealed, because we have to show it

    class Meta:
        verbose_name = _("carrier")
        verbose_name_plural = _("carriers")
        constraints = [
            models.UniqueConstraint(fields=["store"], condition=Q(active=True), name="carrier_one_active_a_store"),
            models.CheckConstraint(condition=Q(kind__in=["file", "http"]), name="carrier_kind_known"),
            models.CheckConstraint(condition=~Q(kind="http") | ~Q(url=""), name="carrier_with_an_api_has_its_address"),
        ]

    def __str__(self) -> str:
        return self.name


class Manifest(models.Model):
    """What one carrier was given in one go; handed over as a CSV, and told to a carrier with an API."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="manifests", verbose_name=_("store"))
    carrier = models.ForeignKey(Carrier, models.PROTECT, related_name="manifests", verbose_name=_("carrier"))
    made_at = models.DateTimeField(_("made"))
    evening = models.DateField(_("evening"))
    # Of a carrier with an API: when it was told, and until then when it is told (again). Both empty for one with a list.
    announced_at = models.DateTimeField(_("the carrier was told"), null=True, editable=False)
    due_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(_("what went wrong last"), max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = _("manifest")
        verbose_name_plural = _("manifests")
        ordering = ["-made_at"]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="manifest_unannounced")]
        constraints = [
            models.CheckConstraint(condition=Q(announced_at=None) | Q(due_at=None), name="manifest_is_told_once"),
        ]

    def __str__(self) -> str:
        said = {"number": self.pk, "carrier": self.carrier, "when": self.store.when(self.made_at)}
        return gettext("Manifest %(number)s for %(carrier)s, %(when)s") % said


class Tender(models.Model):
    """A package handed to a carrier, at what the carrier costs."""

    manifest = models.ForeignKey(Manifest, models.PROTECT, related_name="tenders", verbose_name=_("manifest"))
    package = models.OneToOneField(Package, models.PROTECT, related_name="tender", verbose_name=_("package"))
    cents = models.PositiveIntegerField(_("cost, cents"))
    reason = models.CharField(_("reason"), max_length=200)
    tracking = models.CharField(_("the carrier's number"), max_length=60, blank=True)
    label = models.BinaryField(null=True)
    label_media = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="tender_says_why"),
            models.CheckConstraint(
                condition=Q(label=None, label_media="")
                | Q(label__isnull=False, label_media__in=["application/pdf", "image/png"]),
                name="tender_label_is_a_page",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package_id} to carrier"
