"""Where the retailer wants to hear of events, and what was sent there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stores.models import ApiKey, Store

from .event import Event
from .package import Package

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Webhook(models.Model):
    """An address of the retailer's that is told of every event of some stores. Its secrets sign what is sent; they are
    sealed, not hashed, because we have to sign with them."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="webhooks", verbose_name=_("system"))
    stores = models.ManyToManyField(Store, through="WebhookStore", related_name="webhooks", verbose_name=_("stores"))
    url = models.URLField(_("address"), max_length=500)
    active = models.BooleanField(_("active"), default=True)
    secret = models.BinaryField(editable=False)
    old_secret = models.BinaryField(null=True, editable=False)
    old_secret_until = models.DateTimeField(_("old secret signs until"), null=True, editable=False)
    made_at = models.DateTimeField(_("made"), default=timezone.now)

    if TYPE_CHECKING:
        deliveries: RelatedManager[WebhookDelivery]

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["key", "url"], name="webhook_once_an_address"),
            models.CheckConstraint(
                condition=Q(old_secret=None, old_secret_until=None)
                | Q(old_secret__isnull=False, old_secret_until__isnull=False),
                name="webhook_old_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookStore(models.Model):
    """How far a webhook has been given a store's feed; every event up to `position` has its delivery."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="places")
    store = models.ForeignKey(Store, models.CASCADE, related_name="+")
    position = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "store"], name="webhook_store_once")]

    def __str__(self) -> str:
        return f"webhook {self.webhook_id} at {self.position}"


class WebhookDelivery(models.Model):
    """One event for one webhook: owed, tried, delivered or given up. The log that staff and the retailer read."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    event = models.ForeignKey(Event, models.CASCADE, related_name="+", verbose_name=_("event"))
    store = models.ForeignKey(Store, models.CASCADE, related_name="+", verbose_name=_("store"))
    package = models.ForeignKey(Package, models.CASCADE, related_name="+", verbose_name=_("package"))
    version = models.PositiveIntegerField(_("version"))
    made_at = models.DateTimeField(_("made"))
    due_at = models.DateTimeField(_("due"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    given_up_at = models.DateTimeField(_("given up"), null=True)
    status = models.PositiveSmallIntegerField(_("answered"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["store", "due_at"], condition=Q(delivered_at=None, given_up_at=None), name="webhook_delivery_due"
            ),
            # What of a package is still owed: the next version waits for it.
            models.Index(
                fields=["webhook", "package", "version"], condition=Q(delivered_at=None, given_up_at=None),
                name="webhook_delivery_in_turn",
            ),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event"], name="webhook_delivery_once"),
            models.CheckConstraint(
                condition=Q(delivered_at=None) | Q(given_up_at=None), name="webhook_delivery_ends_one_way"
            ),
            models.CheckConstraint(
                condition=Q(delivered_at=None) | Q(delivered_at__gte=F("made_at")), name="webhook_delivered_after_made"
            ),
        ]

    def __str__(self) -> str:
        said = {"package": self.package.label, "version": self.version, "url": self.webhook.url}
        return gettext("%(package)s, version %(version)s, to %(url)s") % said
