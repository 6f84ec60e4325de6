"""A round plans an evening; an offer puts some packages before one associate, privately, with a frozen quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Shift
from deliveries import pay
from deliveries.states import OfferState
from stores import units
from stores.models import Store

from .package import Package

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Round(models.Model):
    """One sealed planning of a store's evening. `unique(store, slot_at)` makes a repeated wake-up harmless."""

    store = models.ForeignKey(  # the constraint has an index
        Store, models.CASCADE, related_name="rounds", db_index=False, verbose_name=_("store")
    )
    slot_at = models.DateTimeField(_("slot"))
    made_at = models.DateTimeField(_("planned"))
    packages = models.PositiveIntegerField(_("packages planned"))
    associates = models.PositiveIntegerField(_("associates planned"))
    offers_sent = models.PositiveIntegerField(_("offers sent"))
    status = models.CharField(_("plan"), max_length=10)
    objective_ticks = models.BigIntegerField(default=0)
    bound_ticks = models.BigIntegerField(null=True)
    seconds = models.FloatField(_("seconds"), default=0)
    # The planner's codes for who and what was left out, by id. An associate's code is for that person alone: it hints at
    # where they live; it is emptied when the evening is over.
    package_reasons = models.JSONField(default=dict, editable=False)
    associate_reasons = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering = ["-slot_at"]
        constraints = [
            models.UniqueConstraint(fields=["store", "slot_at"], name="round_once_a_slot"),
            models.CheckConstraint(condition=Q(status__in=["optimal", "feasible", "empty"]), name="round_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.store} · {self.store.when(self.slot_at)}"


class Offer(models.Model):
    """A private offer. It holds its packages until it is claimed, withdrawn, or its time passes.

    Lapsed offers are deleted after the evening, so that nobody can count what somebody did not take.
    """

    store = models.ForeignKey(Store, models.PROTECT, related_name="offers", verbose_name=_("store"))
    round = models.ForeignKey(Round, models.SET_NULL, null=True, related_name="offers", verbose_name=_("round"))
    associate = models.ForeignKey(Associate, models.PROTECT, related_name="offers", verbose_name=_("associate"))
    shift = models.ForeignKey(Shift, models.PROTECT, related_name="offers", verbose_name=_("shift"))
    state = models.CharField(_("state"), max_length=10, default=OfferState.SENT, editable=False)
    sent_at = models.DateTimeField(_("sent"))
    expires_at = models.DateTimeField(_("open until"))
    quote = models.JSONField(editable=False)
    stops = models.JSONField(editable=False, help_text="PlannedStop of `quoting`, in visit order; never a home.")
    quote_digest = models.CharField(max_length=64, editable=False)
    pay_cents = models.PositiveIntegerField(_("pay, cents"), editable=False)
    extra_s = models.PositiveIntegerField(_("extra seconds"), editable=False)
    extra_m = models.PositiveIntegerField(_("extra metres"), editable=False)

    if TYPE_CHECKING:
        lines: RelatedManager[OfferPackage]

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["-sent_at"]
        indexes = [models.Index(fields=["store", "expires_at"], condition=Q(state="sent"), name="offer_open_until")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(OfferState)), name="offer_state_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("sent_at")), name="offer_can_be_answered"),
            models.UniqueConstraint(
                fields=["associate"], condition=Q(state="sent"), name="offer_one_open_an_associate"
            ),
        ]

    def __str__(self) -> str:
        said = {"pay": units.dollars(self.pay_cents), "when": self.store.when(self.sent_at)}
        return gettext("Offer of %(pay)s, sent %(when)s") % said

    @property
    def promise(self) -> pay.Quote:
        return pay.Quote.from_json(self.quote)


class OfferPackage(models.Model):
    """A package in an offer, in visit order. While `open`, no other offer can hold it."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="lines", db_index=False)  # the constraint has one
    package = models.ForeignKey(Package, models.PROTECT, related_name="offer_lines")
    position = models.PositiveSmallIntegerField()
    open = models.BooleanField(default=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["offer", "package"], name="offer_names_a_package_once"),
            models.UniqueConstraint(fields=["package"], condition=Q(open=True), name="package_in_one_open_offer"),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id}/{self.position}"
