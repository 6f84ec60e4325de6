"""Trips, their stops and claims, proofs and problems at the door: read-only."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.storage import default_storage
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from deliveries.actions import exceptions, ledger, wishes
from deliveries.actors import Actor
from deliveries.models import Claim, DeliveryException, LedgerEntry, Package, Proof, Stop, Trip
from deliveries.states import TRIP_OPEN, TRIP_OVER, TripState
from deliveries.templatetags.units import dollars, near
from stores.money import DollarsField
from stores.scoped_admin import ReadOnlyInline, ScopedAdmin, StoreFilter, in_store_time

from .verbs import ReasonForm, Verb, VerbAdmin, link


def _abandon(trip: Trip, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return exceptions.cannot_go_on(
        trip=trip, by=trip.associate, on_behalf=by, note=answers["reason"], now=now, key=uuid.uuid4()
    )


class CorrectForm(ReasonForm):
    """A line of its own in the ledger, which only ever grows."""

    amount = DollarsField(
        label=_("Add, dollars"), least=-ledger.LARGEST_CORRECTION_CENTS, most=ledger.LARGEST_CORRECTION_CENTS,
        example="2.40",
        help_text=_("With a minus it takes back, but never below what was quoted. It cannot be changed afterwards."),
    )  # fmt: skip
    key = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid.uuid4)
    field_order = ("amount", "reason")


def _correct(trip: Trip, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return ledger.correct(
        trip=trip, cents=answers["amount"], reason=answers["reason"], by=by, now=now, key=str(answers["key"])
    )


def _settle_report(problem: DeliveryException, answers: dict[str, Any], by: Actor, now: datetime) -> object:
    return wishes.settle_report(problem=problem, by=by, now=now, reason=answers["reason"])


class StopInline(ReadOnlyInline):
    """The doors in order. Never a home, and no leg to one."""

    model = Stop
    fields = readonly_fields = ("position", "doors", "arrived")
    verbose_name_plural = _("stops")
    arrived = in_store_time("arrived_at", _("arrived"), store="trip__store")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stop]:
        return super().get_queryset(request).select_related("trip__store").prefetch_related("claims__package")

    @display(description=_("door"))
    def doors(self, stop: Stop) -> str:
        packages = [claim.package for claim in stop.claims.all() if claim.released_at is None]
        return f"{packages[0].address1}, {packages[0].zip}" if packages else "–"


class ClaimInline(ReadOnlyInline):
    """Custody: which package, in what state, in whose hands. Claims given back are not listed."""

    model = Claim
    fields = readonly_fields = ("claimed_package", "package_state", "custody", "claimed")
    verbose_name_plural = _("packages")
    claimed = in_store_time("claimed_at", _("claimed"), store="trip__store")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        live = super().get_queryset(request).filter(released_at=None)
        return live.select_related("trip__store", "package__holder__employee")

    @display(description=_("package"))
    def claimed_package(self, claim: Claim) -> str:
        return link("deliveries_package_change", claim.package_id, claim.package)

    @display(description=_("state"))
    def package_state(self, claim: Claim) -> str:
        return claim.package.get_state_display()

    @display(description=_("in the hands of"))
    def custody(self, claim: Claim) -> str:
        return str(claim.package.holder) if claim.package.holder else "–"


@admin.register(Trip)
class TripAdmin(VerbAdmin):
    """Claimed trips. Extra minutes and miles are not here: with the stops they would tell where somebody lives."""

    list_display = ("claimed", "who", "state_shown", "stop_count", "left", "ended", "quoted", "paid", "store")
    list_filter = ("state", StoreFilter)
    list_select_related = ("store", "associate__employee")
    search_fields = ("associate__first_name", "associate__employee__reference")
    ordering = ("-claimed_at", "-pk")
    fields = readonly_fields = (
        "store", "who", "state_now", "claimed", "left", "ended", "settled", "quoted", "paid",
    )  # fmt: skip
    inlines = (StopInline, ClaimInline)
    verbs = (
        Verb(
            "abandon", _("Give the trip up"),
            _("The associate cannot go on. What is in the car is on its way back until the store receives it; the rest "
              "returns to the bay. The trip is paid."),
            _abandon, TRIP_OPEN, grave=True, one_at_a_time=True,
        ),
        Verb(
            "correct", _("Correct the pay"), _("A correction is a new line beside the others, with your name and reason."),
            _correct, TRIP_OVER, form=CorrectForm, one_at_a_time=True,
        ),
    )  # fmt: skip
    claimed = in_store_time("claimed_at", _("claimed"))
    left = in_store_time("started_at", _("left the store"))
    ended = in_store_time("ended_at", _("ended"))
    settled = in_store_time("settled_at", _("settled"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trip]:
        """Without trips that were given back whole, before anything was carried or paid: those count as never claimed."""
        nothing_came_of_it = (
            Q(state=TripState.ABANDONED, started_at=None)
            & ~Exists(LedgerEntry.objects.filter(trip=OuterRef("pk")))
            & ~Exists(Package.objects.filter(trip=OuterRef("pk")))
        )
        own = super().get_queryset(request).exclude(nothing_came_of_it)
        return own.defer("quote", "extra_s", "extra_m").annotate(doors=Count("stops"))

    @display(description=_("associate"), ordering="associate__first_name")
    def who(self, trip: Trip) -> str:
        return link("associates_associate_change", trip.associate_id, trip.associate)

    @display(
        description=_("state"),
        ordering="state",
        label={
            "planned": "info",
            "loading": "info",
            "under_way": "info",
            "finished": "success",
            "abandoned": "warning",
        },
    )
    def state_shown(self, trip: Trip) -> tuple[str, str]:
        return trip.state, trip.get_state_display()

    @display(description=_("state"))
    def state_now(self, trip: Trip) -> str:
        return trip.get_state_display()

    @display(description=_("stops"), ordering="doors")
    def stop_count(self, trip: Any) -> int:
        return int(trip.doors)

    @display(description=_("quoted"), ordering="pay_cents")
    def quoted(self, trip: Trip) -> str:
        return dollars(trip.pay_cents)

    @display(description=_("paid"), ordering="paid_cents")
    def paid(self, trip: Trip) -> str:
        return dollars(trip.paid_cents) if trip.paid_cents is not None else "–"


@admin.register(Proof)
class ProofAdmin(ScopedAdmin):
    """Proofs of drop-off. The photo is served here, to people of the store, and nowhere by its file name."""

    store_path = "trip__store"
    list_display = ("package", "dropped", "distance", "far", "pin", "undone", "trip")
    list_filter = ("far", "pin")
    list_select_related = ("package", "trip__store", "trip__associate__employee")
    also_by = ("package", "trip")
    ordering = ("-pk",)
    search_fields = ("package__label", "package__reference")
    fields = readonly_fields = (
        "package_link", "trip_link", "dropped", "told", "photo_shown", "distance", "far", "far_reason", "pin", "pin_reason",
        "undone",
    )  # fmt: skip
    dropped = in_store_time("happened_at", _("dropped off"), store="trip__store")
    told = in_store_time("at", _("reached us"), store="trip__store")
    undone = in_store_time("undone_at", _("taken back"), store="trip__store")

    def get_urls(self) -> list[Any]:
        photo = path("<int:pk>/photo/", self.admin_site.admin_view(self.photo_view), name="deliveries_proof_photo")
        return [photo, *super().get_urls()]

    def photo_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The picture itself. Somebody else's is not found."""
        proof = self.get_queryset(request).filter(pk=pk).first()
        if proof is None or not proof.photo or not default_storage.exists(proof.photo.name):
            raise Http404
        response = FileResponse(proof.photo.open("rb"), content_type="image/jpeg")
        response["Cache-Control"] = "private, no-store"
        return response

    @display(description=_("package"))
    def package_link(self, proof: Proof) -> str:
        return link("deliveries_package_change", proof.package_id, proof.package)

    @display(description=_("trip"))
    def trip_link(self, proof: Proof) -> str:
        return link("deliveries_trip_change", proof.trip_id, proof.trip)

    @display(description=_("photo"))
    def photo_shown(self, proof: Proof) -> str:
        if not proof.photo:
            return "–"
        url = reverse("admin:deliveries_proof_photo", args=[proof.pk])
        return format_html('<img class="hw-photo" src="{}" alt="{}">', url, _("Where the package was left"))

    @display(description=_("from the pin"), ordering="distance_m")
    def distance(self, proof: Proof) -> str:
        return "–" if proof.distance_m is None else near(proof.distance_m)


@admin.register(DeliveryException)
class DeliveryExceptionAdmin(VerbAdmin):
    """Why a drop-off did not happen; or that a customer did not get what was dropped off, with the proof beside it."""

    store_path = "trip__store"
    list_display = ("package", "reason", "note", "happened", "resolved", "trip")
    list_filter = ("reason", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("package", "trip__store", "trip__associate__employee")
    also_by = ("package", "trip")
    search_fields = ("package__label", "package__reference")
    fields = readonly_fields = ("package_link", "trip_link", "reason", "note", "happened", "resolved", "proof_shown")
    verbs = (
        Verb(
            "settle_report", _("Close the report"),
            _("What came of it? The customer sees that the store looked into it, not your words: call them."),
            _settle_report, ("reported",), one_at_a_time=True,
        ),
    )  # fmt: skip
    happened = in_store_time("happened_at", _("happened"), store="trip__store")
    resolved = in_store_time("resolved_at", _("resolved"), store="trip__store")

    @display(description=_("package"))
    def package_link(self, problem: DeliveryException) -> str:
        return link("deliveries_package_change", problem.package_id, problem.package)

    @display(description=_("trip"))
    def trip_link(self, problem: DeliveryException) -> str:
        return link("deliveries_trip_change", problem.trip_id, problem.trip)

    @display(description=_("proof"))
    def proof_shown(self, problem: DeliveryException) -> str:
        """The photo and how far it was from the pin; the proof itself is a click away."""
        proof = Proof.objects.filter(package=problem.package_id, undone_at=None).first()
        if proof is None:
            return "–"
        away = (
            _("%(distance)s from the pin") % {"distance": near(proof.distance_m)}
            if proof.distance_m is not None
            else ""
        )
        photo: str = ""
        if proof.photo:
            url = reverse("admin:deliveries_proof_photo", args=[proof.pk])
            photo = format_html('<img class="hw-photo" src="{}" alt="{}">', url, _("Where the package was left"))
        return format_html("{} {} {}", photo, link("deliveries_proof_change", proof.pk, _("Open the proof")), away)
