"""Messages: what is owed to whom, by which channel, and what people have said about being told."""

from __future__ import annotations

from datetime import time

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from stores.models import Language, StaffMember, Store

from .offer import Offer
from .package import Package
from .swap import Swap
from .trip import Trip


class Channel(models.TextChoices):
    MAIL = "mail", _("E-mail")
    SMS = "sms", _("Text message")
    PUSH = "push", _("Notification on a device")


class PushSubscription(models.Model):
    """One browser that asked to be told: an associate's, or a customer's for one package.

    `endpoint` is a secret of that browser: whoever has it and the keys can write to it. Never logged.
    """

    associate = models.ForeignKey(Associate, models.CASCADE, null=True, related_name="push_subscriptions")
    package = models.ForeignKey(Package, models.CASCADE, null=True, related_name="push_subscriptions")
    endpoint_hash = models.BinaryField(max_length=32)
    endpoint = models.CharField(max_length=1000)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    device = models.CharField(_("device"), max_length=60)
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["made_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(associate__isnull=False, package=None) | Q(associate=None, package__isnull=False),
                name="push_subscription_of_one_reader",
            ),
            # A browser that changes hands tells its new owner only.
            models.UniqueConstraint(
                fields=["endpoint_hash"], condition=Q(package=None), name="push_subscription_one_associate_a_browser"
            ),
            models.UniqueConstraint(
                fields=["package", "endpoint_hash"],
                condition=Q(package__isnull=False),
                name="push_subscription_once_a_package",
            ),
            models.CheckConstraint(condition=~Q(endpoint=""), name="push_subscription_leads_somewhere"),
        ]

    def __str__(self) -> str:
        return f"browser {self.pk}"


class MessageSettings(models.Model):
    """How an associate wants to be told. Without a row: by mail, and on every device that asked. The same evening's
    trip is spoken of at any hour; everything else keeps the quiet hours, on the store's clock. Text messages go to the
    number of the account, while it has one."""

    associate = models.OneToOneField(Associate, models.CASCADE, primary_key=True, related_name="message_settings")
    mail = models.BooleanField(_("e-mail"), default=True)
    push = models.BooleanField(_("notifications"), default=True)
    sms = models.BooleanField(_("text messages"), default=False)
    quiet_from = models.TimeField(_("quiet from"), default=time(21, 30))
    quiet_until = models.TimeField(_("quiet until"), default=time(7))
    remind_of_offers = models.BooleanField(_("remind me of an open offer"), default=False)

    def __str__(self) -> str:
        return f"messages to {self.associate_id}"


class MessageOptOut(models.Model):
    """An address that is not to be written to. Only a keyed hash: the table tells nobody who said so.

    `by_gateway`: the person answered STOP, so that only their START at the gateway lifts it.
    """

    channel = models.CharField(max_length=4, choices=Channel)
    address_hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    by_gateway = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "address_hash"], name="message_opt_out_once"),
            models.CheckConstraint(condition=Q(channel__in=["mail", "sms"]), name="message_opt_out_of_an_address"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pk}"


class Notice(models.Model):
    """A message somebody is owed by one channel. `key` names event, person and channel, so that it is owed once.

    Claimed before it is sent, so that two workers never send it twice. `due_at` says when it is to be tried (again): the
    end of somebody's quiet hours, the end of a claim, or the end of the wait after a failure. It ends sent or failed.
    """

    class Audience(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        ASSOCIATE = "associate", _("Associate")
        STAFF = "staff", _("Staff")

    store = models.ForeignKey(Store, models.CASCADE, related_name="notices")
    key = models.CharField(max_length=120, unique=True)
    audience = models.CharField(max_length=10, choices=Audience)
    kind = models.CharField(max_length=24)
    channel = models.CharField(max_length=4, choices=Channel, default=Channel.MAIL)
    package = models.ForeignKey(Package, models.CASCADE, null=True, related_name="notices")
    associate = models.ForeignKey(Associate, models.CASCADE, null=True, related_name="notices")
    member = models.ForeignKey(StaffMember, models.CASCADE, null=True, related_name="notices")
    offer = models.ForeignKey(Offer, models.CASCADE, null=True, related_name="notices")
    trip = models.ForeignKey(Trip, models.CASCADE, null=True, related_name="notices")
    swap = models.ForeignKey(Swap, models.CASCADE, null=True, related_name="notices")
    subscription = models.ForeignKey(PushSubscription, models.CASCADE, null=True, related_name="notices")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)  # what kind; never an address, a name or a link

    class Meta:
        indexes = [
            models.Index(fields=["store", "due_at"], condition=Q(sent_at=None, failed_at=None), name="notice_unsent")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(audience="customer", package__isnull=False)
                | Q(audience="associate", associate__isnull=False)
                | Q(audience="staff", member__isnull=False),
                name="notice_has_a_reader",
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(claimed_at__lte=F("sent_at")), name="notice_claimed_before_sent"
            ),
            models.CheckConstraint(condition=Q(sent_at=None) | Q(failed_at=None), name="notice_sent_or_failed"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="notice_channel_known"),
            models.CheckConstraint(
                condition=Q(channel="push", subscription__isnull=False) | (~Q(channel="push") & Q(subscription=None)),
                name="notice_push_names_its_browser",
            ),
        ]

    def __str__(self) -> str:
        return self.key
