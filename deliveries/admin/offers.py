"""Open offers and rounds.

Who an offer was sent to stays between the planner and that person, and an offer that lapsed is listed nowhere: what a
person did not take must not be countable (docs/decisions/0051).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from deliveries.actions import offers
from deliveries.actors import Actor
from deliveries.models import Offer, OfferPackage, Round
from deliveries.states import OfferState
from deliveries.templatetags.units import dollars
from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter, in_store_time

from .verbs import Verb, VerbAdmin, link


def _withdraw(offer: Offer, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return offers.withdraw(offer=offer, by=by, now=now, reason=answers["reason"])


class OfferPackageInline(ReadOnlyInline):
    model = OfferPackage
    fields = readonly_fields = ("offered_package", "place")
    verbose_name_plural = _("packages")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OfferPackage]:
        return super().get_queryset(request).select_related("package")

    @display(description=_("package"))
    def offered_package(self, line: OfferPackage) -> str:
        return link("deliveries_package_change", line.package_id, line.package)

    @display(description=_("to"))
    def place(self, line: OfferPackage) -> str:
        return f"{line.package.address1}, {line.package.zip}"


@admin.register(Offer)
class OfferAdmin(VerbAdmin):
    """Offers that can still be answered: what is in them, what they pay, until when. Not to whom, not how far."""

    list_display = ("sent", "how_many", "pay", "until", "store")
    list_filter = (StoreFilter,)
    list_select_related = ("store",)
    ordering = ("expires_at", "pk")
    fields = readonly_fields = ("store", "sent", "until", "pay")
    inlines = (OfferPackageInline,)
    verbs = (
        Verb(
            "withdraw", _("Withdraw"), _("The offer is taken back and its packages return to the bay."), _withdraw,
            (OfferState.SENT,), grave=True,
        ),
    )  # fmt: skip
    sent = in_store_time("sent_at", _("sent"))
    until = in_store_time("expires_at", _("open until"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Offer]:
        still_open = super().get_queryset(request).filter(state=OfferState.SENT, expires_at__gt=timezone.now())
        return still_open.defer("quote", "stops").annotate(held=Count("lines"))

    @display(description=_("packages"), ordering="held")
    def how_many(self, offer: Any) -> int:
        return int(offer.held)

    @display(description=_("pay"), ordering="pay_cents")
    def pay(self, offer: Offer) -> str:
        return dollars(offer.pay_cents)


@admin.register(Round)
class RoundAdmin(ScopedAdmin):
    """Plannings of an evening: what was planned and how well. How many offers came of it is not shown."""

    list_display = ("slot", "packages", "status", "took", "store")
    list_filter = ("status", StoreFilter)
    list_select_related = ("store",)
    fields = readonly_fields = ("store", "slot", "made", "packages", "status", "took")
    slot = in_store_time("slot_at", _("slot"))
    made = in_store_time("made_at", _("planned"))

    @display(description=_("seconds"), ordering="seconds")
    def took(self, round_: Round) -> str:
        return f"{round_.seconds:.1f}"
