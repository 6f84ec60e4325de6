"""What is owed to whom, written down once by a unique key of event, person and channel.

Events are the source: whatever the verb, its event is written down here after the commit, by the process that moved the
package or by the sweep. Only what no event tells - an offer, a settled trip - is written down by its verb.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from associates.models import Associate
from deliveries.actors import ActorKind
from deliveries.models import ChatMessage, Claim, Event, Notice, Offer, Package, Swap, Trip
from deliveries.models.event import SHIFT_CANCELLED, SHIFT_MOVED
from deliveries.states import OfferState, PackageState
from stores.models import StaffMember

from . import readers
from .kinds import ALL, ANSWERS_APART, OF_VERBS

# What the store, or the retailer behind it, does to a package that somebody has claimed.
CHANGES_A_TRIP = ("release", "unstage", "unload", "return", "cancel")
OF_A_SHIFT = (SHIFT_MOVED, SHIFT_CANCELLED)
ON_A_TRIP_BEFORE = ("claimed", "loaded", "out", "attempted", "kept")


@transaction.atomic
def write_down(events: Iterable[Event], *, now: datetime) -> None:
    """Write down what people are owed for these events, once an event, however often this is called."""
    new = [event for event in events if event.noticed_at is None]
    if not new:
        return
    telling = [event for event in new if event.verb in OF_VERBS]
    doors = _next_doors(new)
    packages = Package.objects.in_bulk([*{event.package_id for event in telling}, *doors])
    owed = [
        (packages[event.package_id], OF_VERBS[event.verb], _which(packages[event.package_id], event))
        for event in telling
    ]  # fmt: skip
    owed += [(packages[pk], "next", str(trip_id)) for pk, trip_id in doors.items()]
    owe_customers(owed, now=now)
    _owe_changes(new, now)
    Event.objects.filter(pk__in=[event.pk for event in new], noticed_at=None).update(noticed_at=now)


def owe_answer(line: ChatMessage, *, now: datetime) -> None:
    """Write down that somebody has answered their customer's text. In the verb's transaction, the package locked.

    One message for what is said in one go: a line is covered by one that is still to be sent, and soon after one that was,
    the next waits a few minutes and covers all lines until then.
    """
    last = line.package.notices.filter(kind="answered").order_by("-made_at").first()
    if last is not None and last.claimed_at is None and last.failed_at is None:
        return
    earliest = last.made_at + ANSWERS_APART if last else now
    owe_customers([(line.package, "answered", str(line.key))], now=now, due=max(now + ALL["answered"].wait, earliest))


def owe_customers(owed: Sequence[tuple[Package, str, str]], *, now: datetime, due: datetime | None = None) -> None:
    """Write down (package, kind, which time) messages, each by every channel its customer has for that kind; to be sent
    after the kind's own wait, or at `due`."""
    ways = readers.ways_to_customers([package for package, _kind, _which in owed])
    _write(
        Notice(
            key=f"package/{package.pk}/{kind}/{which}/{way.name}", audience=Notice.Audience.CUSTOMER, kind=kind,
            store_id=package.store_id, package=package, channel=way.channel, subscription=way.subscription,
            made_at=now, due_at=due or now + ALL[kind].wait,
        )
        for package, kind, which in owed
        for way in readers.choose(kind, ways[package.pk])
    )  # fmt: skip


def owe_offers(offers: Sequence[Offer], *, now: datetime) -> None:
    """Write down that these associates are to be told of their offers."""
    for offer in offers:
        owe_associate(offer.associate, "offer", f"offer/{offer.pk}", offer=offer, now=now)


def owe_pay(trip: Trip, *, now: datetime) -> None:
    """Write down that this trip's associate is to be told what it paid. Called in the transaction that settles it."""
    owe_associate(trip.associate, "pay_settled", f"trip/{trip.pk}/paid", trip=trip, now=now)


def owe_swap(swap: Swap, reader: Associate, *, now: datetime) -> None:
    """Write down that a colleague's question waits for `reader`'s answer."""
    owe_associate(reader, "swap_asked", f"swap/{swap.pk}/{swap.turn}", swap=swap, now=now)


def owe_swap_done(trip: Trip, other: Associate, *, now: datetime) -> None:
    """Write down that `other` said yes, and this trip is as agreed."""
    owe_associate(
        trip.associate, "swap_done", f"trip/{trip.pk}/swapped/{other.pk}/{now:%Y%m%d%H%M%S%f}", trip=trip, now=now
    )


def owe_leads(trip: Trip, *, reason: str, now: datetime) -> None:
    """Write down that the store's leads are to be told: somebody cannot go on. In the transaction that says so."""
    _owe_to_leads("trip_stopped", f"trip/{trip.pk}/stopped", trip.store_id, trip=trip, now=now)


def _owe_to_leads(kind: str, event: str, store_id: int, *, now: datetime, trip: Trip | None = None) -> None:
    leads = StaffMember.objects.filter(store=store_id, role=StaffMember.Role.LEAD, user__is_active=True)
    _write(
        Notice(
            key=f"{event}/{member.pk}/{way.name}", audience=Notice.Audience.STAFF, kind=kind, store_id=store_id,
            member=member, trip=trip, channel=way.channel, made_at=now, due_at=now,
        )
        for member in leads.select_related("user")
        for way in readers.choose(kind, readers.ways_to_staff(member))
    )  # fmt: skip


def owe_associate(
    person: Associate, kind: str, event: str, *, now: datetime, offer: Offer | None = None, trip: Trip | None = None,
    swap: Swap | None = None,
) -> None:  # fmt: skip
    """Write down one message to an associate, by every channel they chose for that kind."""
    _write(
        Notice(
            key=f"{event}/{way.name}", audience=Notice.Audience.ASSOCIATE, kind=kind, store_id=person.store_id,
            associate=person, offer=offer, trip=trip, swap=swap, channel=way.channel, subscription=way.subscription,
            made_at=now, due_at=now + ALL[kind].wait,
        )
        for way in readers.choose(kind, readers.ways_to_associate(person))
    )  # fmt: skip


def owe_test(person: Associate, *, now: datetime, key: str) -> int:
    """Write down a test message by every way they have; returns how many ways that is."""
    ways = readers.ways_to_associate(person)
    owe_associate(person, "test", f"test/{person.pk}/{key}", now=now)
    return len(ways)


def _write(notices: Iterable[Notice]) -> None:
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def _which(package: Package, event: Event) -> str:
    """Which time this is. "Ready" is said once a promise, however often a package goes back on the bay."""
    return f"{package.deliver_by:%Y%m%d%H%M}" if event.verb == "stage" else str(event.version)


def _next_doors(events: Iterable[Event]) -> dict[int, int]:
    """Packages whose door comes next now that one of these events ended a stop, with their trips.

    Told when they move up, not at departure: who is first then hears that it is on the way, and that is enough. A door
    at which somebody stands already is not announced.
    """
    ended: dict[int, set[int]] = defaultdict(set)  # trip -> packages that left the road
    for event in events:
        if event.from_state == PackageState.OUT and event.trip_id and event.to_state != PackageState.OUT:
            ended[event.trip_id].add(event.package_id)
    found: dict[int, int] = {}
    claims = Claim.objects.filter(trip__in=ended, released_at=None, stop__isnull=False)
    roads: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims.select_related("stop", "package").order_by("stop__position"):
        roads[claim.trip_id].append(claim)
    for trip_id, road in roads.items():
        left = {claim.stop_id for claim in road if claim.package_id in ended[trip_id]}
        out = [claim for claim in road if claim.package.state == PackageState.OUT]
        if out and out[0].stop is not None and out[0].stop_id not in left and out[0].stop.arrived_at is None:
            found |= {claim.package_id: trip_id for claim in out if claim.stop_id == out[0].stop_id}
    return found


def _owe_changes(events: Iterable[Event], now: datetime) -> None:
    """What the store did to somebody's trip or offer; several packages in one go are one message."""
    theirs = (ActorKind.STAFF, ActorKind.RETAILER)
    by_staff = [event for event in events if event.by_kind in theirs and event.verb in CHANGES_A_TRIP]
    trips = {(event.trip_id, event.at) for event in by_staff if event.trip_id and event.from_state in ON_A_TRIP_BEFORE}
    rows = Trip.objects.select_related("associate__user").in_bulk({trip_id for trip_id, _at in trips})
    for trip_id, at in trips:
        trip = rows[trip_id]
        owe_associate(trip.associate, "trip_changed", f"trip/{trip_id}/changed/{at:%Y%m%d%H%M%S%f}", trip=trip, now=now)
    # One message for all that a file moved: how many packages it is about is counted when it is sent.
    moved = {(event.store_id, event.at) for event in by_staff if event.trip_id and event.reason in OF_A_SHIFT}
    for store_id, at in moved:
        _owe_to_leads("shifts_moved", f"store/{store_id}/shifts/{at:%Y%m%d%H%M%S%f}", store_id, now=now)
    offered = [event.package_id for event in by_staff if event.from_state == PackageState.OFFERED]
    withdrawn = Offer.objects.filter(lines__package__in=offered, state=OfferState.WITHDRAWN, expires_at__gt=now)
    for offer in withdrawn.select_related("associate__user").distinct():
        owe_associate(offer.associate, "offer_withdrawn", f"offer/{offer.pk}/withdrawn", offer=offer, now=now)
