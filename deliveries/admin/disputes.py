"""What associates say about their pay, and the two answers: a correction, or an explanation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from deliveries.actions import ledger
from deliveries.actors import Actor
from deliveries.models import Dispute
from deliveries.states import DISPUTE_MOVES
from deliveries.templatetags.units import dollars
from stores.money import DollarsField
from stores.scoped_admin import StoreFilter, in_store_time

from .verbs import Verb, VerbAdmin, link


class AnswerForm(forms.Form):
    """Read by the associate, so written for them."""

    answer = forms.CharField(
        label=_("Answer"),
        max_length=ledger.LONGEST_WORDS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("The associate reads this under Earnings."),
    )


class AcceptForm(AnswerForm):
    amount = DollarsField(
        label=_("Add, dollars"),
        least=1,
        most=ledger.LARGEST_CORRECTION_CENTS,
        example="2.40",
        help_text=_("A line of its own in the ledger; it cannot be changed afterwards."),
    )
    field_order = ("amount", "answer")


def _accept(said: Dispute, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return ledger.accept_dispute(dispute=said, cents=answers["amount"], answer=answers["answer"], by=by, now=now)


def _explain(said: Dispute, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return ledger.explain_dispute(dispute=said, answer=answers["answer"], by=by, now=now)


@admin.register(Dispute)
class DisputeAdmin(VerbAdmin):
    """Open ones first."""

    verbs = (
        Verb(
            "accept_dispute", _("Add to the pay"), _("Agree, and add to what this trip paid?"), _accept,
            [DISPUTE_MOVES["accept_dispute"][0]], form=AcceptForm, one_at_a_time=True,
        ),
        Verb(
            "explain_dispute", _("Explain"), _("Explain why the pay is right?"), _explain,
            [DISPUTE_MOVES["explain_dispute"][0]], form=AnswerForm, one_at_a_time=True,
        ),
    )  # fmt: skip
    list_display = ("opened", "associate", "state_shown", "words", "store")
    list_filter = ("state", StoreFilter)
    list_select_related = ("store", "associate__employee")
    also_by = ("trip", "associate")
    search_fields = ("associate__first_name", "associate__employee__reference")
    ordering = ("closed_at", "-pk")
    fields = readonly_fields = (
        "store", "associate", "trip_link", "state_now", "words", "opened", "quoted", "paid", "answer", "added", "closed",
    )  # fmt: skip
    opened = in_store_time("opened_at", _("opened"))
    closed = in_store_time("closed_at", _("closed"))

    @display(
        description=_("state"),
        ordering="state",
        label={"open": "warning", "accepted": "success", "explained": "info", "withdrawn": "info"},
    )
    def state_shown(self, said: Dispute) -> tuple[str, str]:
        return said.state, said.get_state_display()

    @display(description=_("state"))
    def state_now(self, said: Dispute) -> str:
        return said.get_state_display()

    @display(description=_("trip"))
    def trip_link(self, said: Dispute) -> str:
        return link("deliveries_trip_change", said.trip_id, said.trip)

    @display(description=_("quoted"))
    def quoted(self, said: Dispute) -> str:
        return dollars(said.trip.pay_cents)

    @display(description=_("paid"))
    def paid(self, said: Dispute) -> str:
        return dollars(said.trip.paid_cents) if said.trip.paid_cents is not None else "–"

    @display(description=_("added"))
    def added(self, said: Dispute) -> str:
        return dollars(said.correction.cents) if said.correction else "–"
