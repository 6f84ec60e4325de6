"""What is this associate's right now. Every look-up of the associate pages starts here, from the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from associates.models import Associate
from deliveries.actions.trips import AT_A_DOOR, UNDO
from deliveries.actors import ActorKind
from deliveries.models import Claim, Offer, Package, Proof, Stop, Swap, Trip
from deliveries.notices.owed import CHANGES_A_TRIP
from deliveries.states import TRIP_NOT_LEFT, TRIP_OPEN, OfferState, PackageState, TripState

JUST_OVER = timedelta(hours=3)


def trips(person: Associate) -> QuerySet[Trip]:
    return Trip.objects.filter(associate=person).select_related("store", "shift")


def open_trip(person: Associate) -> Trip | None:
    """The trip they have claimed or are on."""
    return trips(person).filter(state__in=TRIP_OPEN).first()


def trip_tonight(person: Associate, now: datetime) -> Trip | None:
    """The open trip, or the one that ended within three hours, so that the page after the last stop is not empty."""
    return open_trip(person) or trips(person).filter(ended_at__gte=now - JUST_OVER).order_by("-ended_at").first()


def offers(person: Associate) -> QuerySet[Offer]:
    return Offer.objects.filter(associate=person).select_related("store", "shift")


def open_offer(person: Associate, now: datetime) -> Offer | None:
    """The one offer that can be answered now."""
    return offers(person).filter(state=OfferState.SENT, expires_at__gt=now).first()


def swaps(person: Associate, now: datetime) -> QuerySet[Swap]:
    """Questions of colleagues that are open: asked by them, or of them. While they rest tonight, or once one of the trips is
    being loaded, none is there to answer."""
    asked = Q(asker=person)
    if person.state == Associate.State.ACTIVE and person.resting_on != person.store.evening(now):
        asked |= Q(colleague=person)
    found = Swap.objects.filter(asked, expires_at__gt=now, trip__state=TripState.PLANNED)
    return found.select_related("asker", "colleague", "trip__shift")


@dataclass(frozen=True, slots=True)
class Door:
    """A stop and the packages that are still meant for it."""

    stop: Stop
    packages: list[Package]


def doors(person: Associate, trip: Trip) -> list[Door]:
    """The trip's stops in order."""
    live = Claim.objects.filter(released_at=None).select_related("package").order_by("package_id")
    stops = Stop.objects.filter(trip=trip, trip__associate=person).prefetch_related(Prefetch("claims", live))
    return [Door(stop, [claim.package for claim in stop.claims.all()]) for stop in stops]


def ahead(doors: list[Door]) -> list[Door]:
    """Those of these doors where something is still to be done."""
    return [door for door in doors if any(package.state in AT_A_DOOR for package in door.packages)]


@dataclass(frozen=True, slots=True)
class StoreChange:
    """What staff last did to a trip, all in one go: when, and which packages came on and went off."""

    at: datetime
    added: list[str]
    removed: list[str]


def store_change(trip: Trip | None) -> StoreChange | None:
    """For the person's own pages, whether or not they want messages: a change by the store is never silent."""
    if trip is None or trip.state not in TRIP_NOT_LEFT:
        return None
    done = trip.events.filter(by_kind=ActorKind.STAFF, verb__in=["claim", *CHANGES_A_TRIP]).select_related("package")
    last = done.order_by("-pk").first()
    if last is None:
        return None
    together = list(done.filter(at=last.at))
    return StoreChange(
        last.at,
        [event.package.label for event in together if event.verb == "claim"],
        [event.package.label for event in together if event.verb != "claim"],
    )


def in_hand(person: Associate) -> list[Package]:
    """Everything in their custody, of whatever trip."""
    return list(Package.objects.filter(holder=person).select_related("store"))


def kept(person: Associate) -> list[Package]:
    """What stays with them until their next shift."""
    return list(Package.objects.filter(holder=person, state=PackageState.KEPT).order_by("label"))


def to_bring_back(person: Associate) -> list[Package]:
    return [p for p in in_hand(person) if p.state in (PackageState.RETURNING, PackageState.KEPT)]


def undoable(person: Associate, now: datetime) -> list[Proof]:
    """Drop-offs of the last minute."""
    return list(
        Proof.objects.filter(trip__associate=person, trip__settled_at=None, undone_at=None, at__gt=now - UNDO)
        .select_related("package")
        .order_by("-at")
    )
