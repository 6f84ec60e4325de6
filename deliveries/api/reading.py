"""What the retailer reads: the key itself, events, trips, payroll. No home, no last leg, nobody's wishes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries import feed, payroll
from deliveries.models import Claim, Trip
from stores.models import ApiScope, Store

from . import schema
from .base import HIGHEST_ID, MOST_A_PAGE, USUAL_PAGE, ApiView, day, moment, next_page, one_of, page_of, pages, whole
from .keys import ANY
from .problems import NotNow
from .shapes import TRIP_STATES


class ThisKey(ApiView):
    """What the calling key is: the first thing to ask when something is refused."""

    scopes = {"GET": ANY}

    @extend_schema(operation_id="get_key", **schema.THIS_KEY)
    def get(self, request: Request) -> Response:
        key = self.key_of(request)
        return Response(
            {
                "name": key.name,
                "stores": list(key.stores.order_by("number").values_list("number", flat=True)),
                "scopes": key.scopes,
                "per_minute": key.per_minute,
                "secrets": list(key.secrets.order_by("made_at").values("made_at", "expires_at", "last_used_on")),
            }
        )


class Events(ApiView):
    scopes = {"GET": ApiScope.EVENTS_READ}
    parameters = ("store",)

    @extend_schema(operation_id="list_events", **schema.EVENTS)
    def get(self, request: Request) -> Response:
        """A store's events after a cursor, oldest first. The cursor never runs past an event that is yet to be seen."""
        store = self.store_asked(request)
        limit = max(1, whole(request, "limit", USUAL_PAGE, MOST_A_PAGE))
        after = whole(request, "cursor", 0, HIGHEST_ID)
        feed.number(store.pk)
        rows = list(feed.events(store.pk, after)[: limit + 1])
        found = rows[:limit]
        cursor = found[-1].position if found else after
        return pages(
            feed.all_shown(found),
            {"cursor": str(cursor), "next": next_page(request, cursor) if len(rows) > limit else None},
        )


class Trips(ApiView):
    scopes = {"GET": ApiScope.TRIPS_READ}
    parameters = ("store", "state", "ended_since")

    @extend_schema(operation_id="list_trips", **schema.TRIPS)
    def get(self, request: Request) -> Response:
        rows = Trip.objects.filter(store__in=self.stores_asked(request)).select_related("store", "shift")
        if state := one_of(request, "state", TRIP_STATES):
            rows = rows.filter(state=state)
        if since := moment(request, "ended_since"):
            rows = rows.filter(ended_at__gte=since)
        found, about = page_of(rows, request)
        return pages(_trips(found), about)


class OneTrip(ApiView):
    scopes = {"GET": ApiScope.TRIPS_READ}

    @extend_schema(operation_id="get_trip", **schema.ONE_TRIP)
    def get(self, request: Request, trip_id: int) -> Response:
        if trip_id > HIGHEST_ID:
            raise NotFound
        mine = self.key_of(request).stores.all()
        trip = get_object_or_404(Trip.objects.select_related("store", "shift"), pk=trip_id, store__in=mine)
        return Response(_trips([trip])[0])


def _trips(trips: list[Trip]) -> list[dict[str, Any]]:
    """Trips as the API shows them: which packages, in which order, when. Not who drives, not where it ends."""
    stops: dict[int, list[dict[str, Any]]] = {trip.pk: [] for trip in trips}
    claims = Claim.objects.filter(trip__in=trips, released_at=None).select_related("package", "stop")
    for claim in claims.order_by("trip", "stop__position", "pk"):
        stop = claim.stop
        stops[claim.trip_id].append(
            {
                "package": claim.package.reference,
                "state": feed.public_state(claim.package.state),
                "stop": stop.position if stop else None,
                "arrived_at": stop.arrived_at if stop else None,
            }
        )
    return [
        {
            "id": trip.pk,
            "store": trip.store.number,
            "evening": trip.store.evening(trip.shift.ends_at),
            "state": trip.state,
            "claimed_at": trip.claimed_at,
            "started_at": trip.started_at,
            "ended_at": trip.ended_at,
            "called_off": trip.called_off,
            "packages": stops[trip.pk],
        }
        for trip in trips
    ]


class Payroll(ApiView):
    scopes = {"GET": ApiScope.PAYROLL_READ}
    parameters = ("store", "from", "to", "approved")

    @extend_schema(operation_id="export_payroll", **schema.PAYROLL)
    def get(self, request: Request) -> HttpResponse:
        """A store's pay of whole evenings as CSV, signed as `manage.py export_payroll` signs it."""
        store: Store = self.store_asked(request)
        first, last = day(request, "from"), day(request, "to")
        if first is None or last is None:
            raise ParseError(_("Name the first and the last evening: ?from=2026-11-16&to=2026-11-22"), code="period")
        only_approved = one_of(request, "approved", ("true", "false")) == "true"
        try:
            file = payroll.make_file(store, first, last, now=timezone.now(), only_approved=only_approved)
        except (payroll.BadPeriod, OverflowError) as bad:
            raise ParseError(str(bad), code="period") from None
        except payroll.NotApproved as no:
            raise NotNow(no) from None
        return HttpResponse(
            file.data,
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{file.name}"',
                "Homeward-Signature": payroll.sign(file.data).strip(),
                "Homeward-Approved": "true" if file.approved else "false",
                "Cache-Control": "no-store",
            },
        )


class NotHere(ApiView):
    """Any other address under /api/v1/, so that a typing error is answered in the API's own manner."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(exclude=True)
    def get(self, request: Request, rest: str = "") -> Response:
        raise NotFound(_("There is nothing at this address. See /api/v1/docs/."))

    post = put = patch = delete = get
