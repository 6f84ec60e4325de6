"""Another order of the stops: one place earlier or later at a tap."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from associates.models import Associate
from deliveries import quoting
from deliveries.actions import trips
from deliveries.models import Stop, Trip
from stores.places import Point

from . import mine
from .access import associate_page
from .reasons import refused, why_not
from .trips import stop_of

STEPS = {"earlier": -1, "later": 1}


@require_POST
@associate_page
def move_stop(request: HttpRequest, person: Associate, stop_id: int, way: str) -> HttpResponse:
    """This stop one place earlier or later among those ahead. Beyond the ends nothing changes."""
    stop = stop_of(person, stop_id)
    if way not in STEPS:
        raise Http404
    doors = mine.doors(person, stop.trip)
    ahead = mine.ahead(doors)
    order = [door.stop for door in ahead]
    places = [each.pk for each in order]
    if stop.pk not in places:
        return redirect("trip")  # done meanwhile
    was = places.index(stop.pk)
    becomes = min(max(was + STEPS[way], 0), len(order) - 1)
    order.insert(becomes, order.pop(was))
    done = [door.stop for door in doors if door not in ahead]
    drives = legs(stop.trip, done, order)
    if any(leg.seconds < 0 for leg in drives):
        return refused(request, why_not("no_path"), code="trip_left")
    trips.reorder(trip=stop.trip, legs=drives, by=person, now=timezone.now())
    address = ahead[was].packages[0].address1
    messages.success(
        request, _("%(address)s is stop %(number)d now.") % {"address": address, "number": len(done) + becomes + 1}
    )
    return redirect("trip")


def legs(trip: Trip, done: Sequence[Stop], order: Sequence[Stop]) -> list[trips.Leg]:
    """The drives of these stops in this order, from the last stop that is done, or the store.

    May ask a routing server, so never inside a transaction. Below zero where no road is known.
    """
    start = done[-1].point if done else Point(trip.store.lat, trip.store.lon)
    points = [start, *(stop.point for stop in order)]
    way = quoting.travel_times(trip.store).way([(point.lat, point.lon) for point in points])
    return [
        trips.Leg(stop.pk, seconds, metres, way.estimated)
        for stop, seconds, metres in zip(order, way.seconds, way.metres, strict=True)
    ]
