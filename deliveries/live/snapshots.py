"""What a customer may see of a package: facts, loaded for many at once, and the fragment made of them.

Facts hold a first name and a store, never a surname, a phone number, another stop, or where the associate lives. Where
they are is told to the customer whose stop is next, blurred (`nearby.py`), and to nobody before or after.
`version` is (the package's version, how many events its trip has): both only grow, and a pair that compares lower is
older. The second number is there because "3 stops away" changes when somebody else's package is delivered.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import Count
from django.template.loader import get_template
from django.utils import timezone, translation

from deliveries import nearby
from deliveries.controls import BRIEF_AFTER
from deliveries.models import Claim, Event, Package, Proof
from deliveries.states import ENDED, PackageState
from stores import opening
from stores.models import Store
from stores.places import Point, distance_m

from . import groups, words
from .arrival import BEFORE_LEAVING, arrival, last_chance
from .own import Own
from .own import load as load_own
from .window import Window
from .words import Status

GROUPS_A_TURN = 200
CARRIER_ANSWERS_S = 60.0
COMMITTED_WITHIN = timedelta(seconds=60)  # an Event's `at` is taken before its transaction, which is never this long
PUBLIC_STATUS = {
    PackageState.RECEIVED: Status.PREPARING,
    PackageState.STAGED: Status.READY,
    PackageState.OFFERED: Status.READY,  # whom it was offered to, and how often, is nobody's business
    PackageState.CLAIMED: Status.WITH_ASSOCIATE,
    PackageState.LOADED: Status.WITH_ASSOCIATE,
    PackageState.OUT: Status.ON_THE_WAY,
    PackageState.DELIVERED: Status.DELIVERED,
    PackageState.ATTEMPTED: Status.ATTEMPTED,
    PackageState.KEPT: Status.RESCHEDULED,
    PackageState.RETURNING: Status.COMING_BACK,
    PackageState.RETURNED: Status.RESCHEDULED,
    PackageState.WITH_CARRIER: Status.WITH_CARRIER,
    PackageState.HELD_FOR_PICKUP: Status.PICK_UP,
    PackageState.CANCELLED: Status.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline: what happened, and when."""

    verb: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page is made of, in no language. Times are UTC; `store` says on which clock people read them."""

    package_id: int
    language: str  # the package's own
    version: tuple[int, int]
    state: PackageState
    status: Status
    store: Store
    since: datetime
    promise: datetime
    courier: str = ""  # first name
    carrier: str = ""
    carrier_number: str = ""  # what the carrier calls it
    carrier_silent: bool = False  # it has not told its number yet, and will
    reason: str = ""
    stops_away: int | None = None
    window: Window | None = None
    late: bool = False  # it will not, or did not, leave us in time for its promise
    late_from: datetime | None = None  # still in the store: when that will be so
    near_the_door: bool | None = None  # None: the phone did not say
    photo: str = ""  # its name in the storage
    brief: bool = False
    position: nearby.Seen | None = None
    away_m: int | None = None  # from there to the door
    door: Point | None = None  # on the map beside the position, never without one
    week: opening.Week | None = None  # when the store is open, for whoever comes to collect
    own: Own = field(default_factory=Own)
    timeline: tuple[Line, ...] = ()


def public_status(state: str) -> Status | None:
    """The status that a customer reads for this state; None for the state before the first."""
    return PUBLIC_STATUS[PackageState(state)] if state else None


def load(package_ids: Collection[int], *, now: datetime) -> dict[int, Facts]:
    """The facts of these packages, in at most nine queries however many there are. Unknown ids are left out."""
    packages = Package.objects.filter(pk__in=package_ids).select_related(
        "store", "trip__associate", "tender__manifest__carrier"
    )
    found = {package.pk: package for package in packages}
    events: dict[int, list[Event]] = defaultdict(list)
    for event in Event.objects.filter(package__in=found).order_by("package", "version"):
        events[event.package_id].append(event)
    trip_ids = {package.trip_id for package in found.values() if package.trip_id}
    steps = dict(
        Event.objects.filter(trip__in=trip_ids)
        .order_by()
        .values("trip")
        .annotate(n=Count("pk"))
        .values_list("trip", "n")
    )
    owns = load_own(list(found.values()), events, now=now)
    delivered = [pk for pk, package in found.items() if package.state == PackageState.DELIVERED]
    proofs = {proof.package_id: proof for proof in Proof.objects.filter(package__in=delivered, undone_at=None)}
    roads = _roads({p.trip_id for p in found.values() if p.state in (PackageState.OUT, *BEFORE_LEAVING)})
    weeks = opening.weeks_of({p.store for p in found.values() if p.state == PackageState.HELD_FOR_PICKUP}, now=now)
    return {
        pk: _facts(
            package,
            events[pk],
            steps.get(package.trip_id or 0, 0),
            proofs.get(pk),
            roads.get(package.trip_id or 0),
            owns[pk],
            weeks.get(package.store_id),
            now,
        )
        for pk, package in found.items()
    }


def _roads(trip_ids: set[int | None]) -> dict[int, list[Claim]]:
    """The live claims of these trips, in the order of their stops."""
    roads: dict[int, list[Claim]] = defaultdict(list)
    claims = Claim.objects.filter(trip__in=trip_ids, released_at=None, stop__isnull=False)
    claims = claims.select_related("stop", "package", "trip__store", "trip__shift")
    for claim in claims.order_by("stop__position", "pk"):
        roads[claim.trip_id].append(claim)
    return roads


def _facts(
    package: Package,
    events: list[Event],
    steps: int,
    proof: Proof | None,
    road: list[Claim] | None,
    mine: Own,
    week: opening.Week | None,
    now: datetime,
) -> Facts:
    state = PackageState(package.state)
    status = PUBLIC_STATUS[state]
    brief = state in ENDED and now - package.state_since > BRIEF_AFTER
    coming = arrival(package, road, now) if road else None
    stops_away = coming.stops_away if coming else None
    if stops_away == 0:
        status = Status.NEXT
    if mine.not_before is not None:
        status = Status.RESCHEDULED
    moves = [event for event in events if event.from_state != event.to_state]  # the others are notes
    if moves and moves[-1].verb == "collect":
        status = Status.COLLECTED
    seen = _position(package, now) if status == Status.NEXT else None
    tender = getattr(package, "tender", None) if state == PackageState.WITH_CARRIER else None
    late_from = last_chance(package) if status in (Status.PREPARING, Status.READY) else None
    tells_who = state in WITH_SOMEBODY and package.trip is not None and not brief and status != Status.COLLECTED
    return Facts(
        package_id=package.pk,
        language=package.language,
        version=(package.version, steps),
        state=state,
        status=status,
        store=package.store,
        since=moves[-1].happened_at if moves else package.state_since,
        promise=package.deliver_by,
        courier=package.trip.associate.first_name if tells_who and package.trip else "",
        carrier=tender.manifest.carrier.name if tender else "",
        carrier_number=tender.tracking if tender else "",
        carrier_silent=tender.manifest.due_at is not None if tender else False,
        reason=_reason(events) if state in AFTER_AN_ATTEMPT else "",
        stops_away=stops_away,
        window=coming.window if coming else None,
        late=_late(package, coming.window if coming else None, late_from, now),
        late_from=late_from,
        near_the_door=not proof.far if proof and proof.lat is not None and not brief else None,
        photo=(proof.photo.name or "") if proof and not brief else "",
        brief=brief,
        position=seen,
        away_m=round(distance_m(Point(seen.lat, seen.lon), package.point)) if seen else None,
        door=package.point if seen else None,
        week=week if status == Status.PICK_UP else None,
        own=mine,
        timeline=() if brief else _timeline(events),
    )


def _late(package: Package, window: Window | None, late_from: datetime | None, now: datetime) -> bool:
    if window is not None:
        return window.late
    if package.state == PackageState.WITH_CARRIER:
        return package.state_since > package.deliver_by  # when the carrier is there is theirs to say
    return late_from is not None and late_from <= now


def _position(package: Package, now: datetime) -> nearby.Seen | None:
    """Roughly where the trip of a package that is next is, as long as that is news."""
    trip = package.trip
    if trip is None or trip.seen_at is None or trip.seen_lat is None or trip.seen_lon is None:
        return None
    seen = nearby.Seen(trip.seen_lat, trip.seen_lon, trip.seen_at)
    return seen if nearby.may_be_shown(seen.at, now) else None


WITH_SOMEBODY = frozenset(
    {
        PackageState.CLAIMED, PackageState.LOADED, PackageState.OUT, PackageState.DELIVERED, PackageState.ATTEMPTED,
        PackageState.KEPT, PackageState.RETURNING,
    }
)  # fmt: skip
AFTER_AN_ATTEMPT = frozenset({PackageState.ATTEMPTED, PackageState.KEPT, PackageState.RETURNING, PackageState.RETURNED})


def _reason(events: list[Event]) -> str:
    return next(
        (event.reason for event in reversed(events) if event.verb in ("attempt", "return") and event.reason), ""
    )


def _timeline(events: Iterable[Event]) -> tuple[Line, ...]:
    """What a customer is told happened, newest first. A drop-off taken back within its minute never was."""
    lines: list[Line] = []
    for event in events:
        if event.verb == "undo_delivery":
            lines = [line for line in lines if line.verb != "deliver"]
        elif event.verb in words.TIMELINE:
            lines.append(Line(event.verb, event.happened_at))
    return tuple(reversed(lines))


def render(facts: Facts, language: str, *, now: datetime) -> str:
    """The fragment of the page that shows these facts: HTML in `language`, times on the store's clock."""
    with translation.override(language), timezone.override(facts.store.zone):
        said = words.say(facts, now=now)
        return _fragment().render({"facts": facts, "said": said, "language": language, "seen_s": _seen_s(facts, now)})


def _seen_s(facts: Facts, now: datetime) -> int | None:
    return max(0, int((now - facts.position.at).total_seconds())) if facts.position else None


def _fragment() -> Any:
    return get_template("tracking/_state.html")


def again_s(facts: Facts, now: datetime) -> int | None:
    """After how many seconds the page should ask once more though nothing happened: its window closes, the promise cannot be
    kept any more or is over, the position is no news any more, the other day has come, the carrier may have answered, the store
    opens or closes. Else None."""
    waits: list[float] = [CARRIER_ANSWERS_S] if facts.carrier_silent else []
    promised = facts.status == Status.WITH_CARRIER and not facts.brief
    waits += [
        (moment - now).total_seconds()
        for moment in (facts.late_from, facts.promise if promised else None)
        if moment is not None and moment > now
    ]
    if facts.window is not None:
        waits.append(max(60.0, (facts.window.closes - now).total_seconds()))
    if facts.position is not None:
        waits.append((facts.position.at + nearby.SHOWN_FOR - now).total_seconds())
    if facts.week is not None:
        waits.append((facts.week.at(now).until - now).total_seconds())
    if facts.own.not_before is not None:
        waits.append((facts.own.not_before - now).total_seconds())
    return max(1, int(min(waits)) + 1) if waits else None


def message(facts: Facts, language: str, *, now: datetime) -> str:
    """What a socket is sent and what `/t/<token>/state` answers: JSON with version, status, fragment, and the position."""
    return json.dumps(
        {
            "type": "state",
            "version": facts.version,
            "status": facts.status,
            "again_s": again_s(facts, now),
            "position": position(facts),
            "html": render(facts, language, now=now),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def position(facts: Facts) -> dict[str, Any] | None:
    """What the map is drawn from while theirs is the next stop, degrees; None at any other time."""
    seen, door = facts.position, facts.door
    if seen is None or door is None:
        return None
    return {
        "lat": seen.lat, "lon": seen.lon, "at": seen.at.isoformat(), "radius": nearby.BLUR_M,
        "door": [round(door.lat, 5), round(door.lon, 5)],
    }  # fmt: skip


def look(version: int = 0) -> str:
    """ "Something changed, look again": all that associates' pages and store boards are told."""
    return json.dumps({"type": "look", "version": version}, separators=(",", ":"))


def language_or(asked: str | None, default: str) -> str:
    """The language asked for where we speak it, else `default`."""
    return asked if asked in dict(settings.LANGUAGES) else default


async def fresh(names: Sequence[str], quiet_s: float) -> AsyncIterator[tuple[str, str]]:
    """For the hub after a break of so many seconds: the present truth where it changed, a few hundred at a time.

    Saying everything anew takes a process with 10,000 pages over two seconds, and most of them know it.
    """
    names = await database_sync_to_async(_changed)(names, quiet_s)
    for start in range(0, len(names), GROUPS_A_TURN):
        for pair in await database_sync_to_async(_fresh)(names[start : start + GROUPS_A_TURN]):
            yield pair


def _changed(names: Sequence[str], quiet_s: float) -> list[str]:
    """The groups about which something may not have been heard: an Event of the package, or of another on its trip."""
    since = timezone.now() - timedelta(seconds=quiet_s) - COMMITTED_WITHIN
    ids = {group.id for group in map(groups.parse, names) if group.kind == groups.PACKAGE}
    changed = set(Event.objects.filter(package__in=ids, at__gte=since).values_list("package", flat=True))
    trips = dict(Package.objects.filter(pk__in=ids, trip__isnull=False).values_list("pk", "trip"))
    moved = set(Event.objects.filter(trip__in=set(trips.values()), at__gte=since).values_list("trip", flat=True))
    changed |= {package_id for package_id, trip_id in trips.items() if trip_id in moved}
    return [name for name in names if (group := groups.parse(name)).kind != groups.PACKAGE or group.id in changed]


def _fresh(names: Sequence[str]) -> list[tuple[str, str]]:
    now = timezone.now()
    parsed = {name: groups.parse(name) for name in names}
    facts = load({group.id for group in parsed.values() if group.kind == groups.PACKAGE}, now=now)
    said = []
    for name, group in parsed.items():
        if group.kind != groups.PACKAGE:
            said.append((name, look()))
        elif group.id in facts:
            said.append((name, message(facts[group.id], group.language, now=now)))
    return said
