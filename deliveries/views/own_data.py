"""One's own data as a download, and the end of it. Both stay open to somebody who has left."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from associates import own_data
from associates.access import associate_of
from associates.models import Associate
from deliveries.actions import standing
from deliveries.models import DeliveryException, LedgerEntry, MessageSettings, Notice, Offer, Proof, Stop, Trip
from stores.models import User
from stores.refused import Refused

from .reasons import WAY_OUT

LEFT_OUT = [
    "Customers: their names, addresses, phone numbers and orders. A stop is given as city and ZIP.",
    "The exact place of a proof, which is a customer's door, and what you wrote about one.",
    "Offers that you did not take: they are deleted after the evening and counted nowhere.",
]


@login_required
@never_cache
@require_GET
def download(request: HttpRequest) -> HttpResponse:
    """Everything that is held about the person, as a JSON file."""
    person = associate_of(cast(User, request.user))
    if person is None:
        return redirect("join")
    now = timezone.now()
    response = JsonResponse(
        everything(person) | {"made_at": now}, json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    response["Content-Disposition"] = f'attachment; filename="homeward-my-data-{person.store.local(now):%Y-%m-%d}.json"'
    return response


def everything(person: Associate) -> dict[str, Any]:
    """As plain values: moments in UTC, money in cents, distances in metres, weights in grams."""
    chosen = MessageSettings.objects.filter(associate=person).values()
    return {
        "left_out": LEFT_OUT,
        **own_data.about(person),
        "messages": {
            "choices": next(({k: str(v) for k, v in row.items() if k != "associate_id"} for row in chosen), "as at the start"),
            "devices": list(person.push_subscriptions.values("device", "language", "made_at")),
            "sent": list(
                Notice.objects.filter(associate=person).order_by("made_at").values("kind", "channel", "made_at", "sent_at")
            ),
        },
        "offers": list(
            Offer.objects.filter(associate=person, state__in=["sent", "claimed"]).order_by("sent_at")
            .annotate(packages=Count("lines"))
            .values("sent_at", "expires_at", "state", "packages", "pay_cents", "extra_s", "extra_m")
        ),
        "trips": [_trip(trip) for trip in Trip.objects.filter(associate=person).order_by("claimed_at")],
        "in_hand_now": person.holding.count(),
        "handed_to_colleagues": list(person.transfers_given.order_by("made_at").values("trip", "made_at", "done_at")),
        "taken_from_colleagues": list(person.transfers_taken.order_by("taken_at").values("taken_at", "done_at")),
        "never_to_these_customers": person.blocks.count(),
        "ledger": list(
            LedgerEntry.objects.filter(associate=person)
            .values("trip", "at", "kind", "quantity", "rate", "cents", "rule_version", "reason")
        ),
        "thanks": list(person.thanks.values("day", "words")),
        "questions_about_pay": list(
            person.disputes.order_by("opened_at").values("trip", "state", "words", "opened_at", "answer", "closed_at")
        ),
    }  # fmt: skip


def _trip(trip: Trip) -> dict[str, Any]:
    stops = Stop.objects.filter(trip=trip).order_by("position").prefetch_related("claims__package")
    return {
        "trip": trip.pk, "state": trip.state, "claimed_at": trip.claimed_at, "left_store_at": trip.started_at,
        "ended_at": trip.ended_at, "settled_at": trip.settled_at, "quoted_cents": trip.pay_cents,
        "paid_cents": trip.paid_cents, "extra_s": trip.extra_s, "extra_m": trip.extra_m,
        "claims": list(trip.claims.order_by("claimed_at", "pk").values("claimed_at", "released_at")),
        "stops": [
            {
                "city_and_zip": sorted({f"{c.package.city} {c.package.zip}" for c in stop.claims.all()}),
                "packages": len(stop.claims.all()), "arrived_at": stop.arrived_at,
            }
            for stop in stops
        ],
        "proofs": [
            {
                "confirmed_at": proof.at, "on_my_phone_at": proof.happened_at, "photo": bool(proof.photo),
                "position": proof.lat is not None, "accuracy_m": proof.accuracy_m, "distance_from_the_pin_m": proof.distance_m,
                "far": proof.far, "pin": proof.pin, "undone_at": proof.undone_at,
            }
            for proof in Proof.objects.filter(trip=trip).order_by("at")
        ],
        "problems": list(DeliveryException.objects.filter(trip=trip).order_by("at").values("reason", "at", "resolved_at")),
    }  # fmt: skip


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """Says what goes and what stays, asks once, and does it; a refusal says from when on it is possible."""
    user = cast(User, request.user)
    person = associate_of(user)
    if person is None:
        return redirect("join")
    left = person.state == Associate.State.LEFT
    context: dict[str, Any] = {"person": person, "left": left}
    status = 200
    if request.method == "POST":
        try:
            standing.erase(associate=person, by=user, now=timezone.now())
        except Refused as no:
            context["refused"], status = str(no), 409
            if not left and no.code in WAY_OUT:
                context["way"], context["way_label"] = WAY_OUT[no.code]
        else:
            logout(request)
            messages.success(request, _("Your data is deleted, and you are signed out. Thank you for the drives."))
            return redirect("landing")
    return render(request, "associate/delete.html", context, status=status)
