"""Rows -> Problem -> plan -> offers, one store's evening at a time; and what the open board shows one person.

A round is sealed: nobody sees another's offer, and answering early wins nothing. It plans all remaining shifts of the
evening together, fixes what is already out, and sends only to the wave whose shifts end soon.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Coalesce

from associates.models import Associate, Shift, willing
from deliveries import hours, planner, quoting, switches
from deliveries.actions import offers
from deliveries.actors import system
from deliveries.models import Offer, Package, Round, Trip
from deliveries.states import TRIP_NOT_LEFT, TRIP_OPEN, OfferState, PackageState, TripState
from stores.models import Holiday, Store

log = structlog.get_logger(__name__)

# An offer must be readable: nobody is sent one that closes sooner than this.
LEAST_TIME_TO_ANSWER = timedelta(minutes=8)
BOARD_STAYS_OPEN = timedelta(hours=2)
# The board plans a trip for each package while somebody waits for the page: the most promising first, and not for ever.
BOARD_SECONDS = 1.5


def slot_of(store: Store, now: datetime) -> datetime:
    """The start of the round slot that `now` is in, UTC. Slots divide the hour by `store.round_every_minutes`."""
    step = store.round_every_minutes * 60
    return datetime.fromtimestamp(now.timestamp() // step * step, UTC)


def closes_at(store: Store, shift: Shift, now: datetime) -> datetime:
    """Until when an offer sent at `now` can be answered.

    `answer_lead_minutes` before the shift ends, so that what lapses can be offered again; later offers stay open until
    the shift ends. Never past the store's carrier cut-off.
    """
    usual = shift.ends_at - timedelta(minutes=store.answer_lead_minutes)
    until = usual if usual - now >= LEAST_TIME_TO_ANSWER else shift.ends_at
    return min(until, store.cutoff(store.evening(now)))


def free_shifts(store: Store, now: datetime) -> list[tuple[Associate, Shift]]:
    """Willing associates whose shift ends later this evening and who have neither an open offer nor a trip."""
    evening = store.evening(now)
    people = {
        person.employee_id: person
        for person in willing(store, evening)
        .exclude(offers__state=OfferState.SENT)
        .exclude(trips__state__in=TRIP_OPEN)
        .select_related("limits", "employee", "user")
    }
    shifts = (
        Shift.objects.filter(store=store, employee__in=people, ends_at__gt=now, ends_at__lte=now + timedelta(hours=14))
        .exclude(trips__state__in=[*TRIP_OPEN, TripState.FINISHED])
        .order_by("ends_at")
    )
    first: dict[int, tuple[Associate, Shift]] = {}
    for shift in shifts:
        if store.evening(shift.ends_at) == evening:
            first.setdefault(shift.employee_id, (people[shift.employee_id], shift))
    return list(first.values())


def is_due(store: Store, now: datetime) -> bool:
    """Whether a round has something to do: an open slot without a round, staged packages, and somebody in the wave."""
    if not switches.offers_go_out(store) or Holiday.objects.filter(store=store, day=store.evening(now)).exists():
        return False
    if now >= store.cutoff(store.evening(now)):
        return False
    if Round.objects.filter(store=store, slot_at=slot_of(store, now)).exists():
        return False
    if not Package.objects.offerable(store, now).exists():
        return False
    return any(in_wave(store, shift, now) for _person, shift in free_shifts(store, now))


def in_wave(store: Store, shift: Shift, now: datetime) -> bool:
    """Whether somebody with this shift is sent an offer now: near its end, with time left to answer."""
    lead = timedelta(minutes=store.round_lead_minutes)
    return shift.ends_at - lead <= now and closes_at(store, shift, now) - now >= LEAST_TIME_TO_ANSWER


def run_round(*, store: Store, now: datetime, seconds: float | None = None) -> Round | None:
    """Plan `store`'s evening and send offers to the wave; None when this slot was already done or nothing is due.

    Reads, plans for at most `seconds` (PLANNER_SECONDS by default) outside any transaction, then writes once.
    """
    if not is_due(store, now):
        return None
    shifts = free_shifts(store, now)
    packages = list(Package.objects.offerable(store, now))
    evening = quoting.evening_of(store, store.evening(now), shifts, packages)
    plan = planner.solve(
        evening.problem, stop=planner.Stop.after(seconds or settings.PLANNER_SECONDS), seed=store.number
    )
    wave = {key: route for key, route in plan.routes.items() if in_wave(store, evening.shifts[key], now)}
    reasons = {key: str(code) for key, code in plan.reasons.associates.items()}
    trips = []
    for trip in quoting.trips_of(evening, wave):
        key = str(trip.associate_id)
        if quoting.keeps_floor(evening.people[key].limits, trip.quote):
            trips.append((trip, closes_at(store, evening.shifts[key], now)))
        else:
            reasons[key] = planner.AssociateReason.BELOW_FLOOR
    planned = offers.Planned(
        packages=len(packages),
        associates=len(shifts),
        status=plan.status if plan.routes else "empty",
        objective_ticks=plan.objective_ticks,
        bound_ticks=plan.bound_ticks,
        seconds=plan.seconds,
        trips=trips,
        package_reasons={key: str(code) for key, code in plan.reasons.packages.items()},
        associate_reasons=reasons,
    )
    round_ = offers.send_round(store=store, slot_at=slot_of(store, now), planned=planned, by=system("rounds"), now=now)
    log.info(
        "round.done", store=store.number, packages=len(packages), associates=len(shifts), status=planned.status,
        offers=round_.offers_sent if round_ else None, seconds=round(plan.seconds, 3),
    )  # fmt: skip
    return round_


def reason_for(associate: Associate, now: datetime) -> tuple[Round | None, str]:
    """The last plan of this evening in the associate's store, and its code for why they got nothing in it.

    The code is "" where there was a trip for them, or they were not asked for. Reads nobody else's code.
    """
    own = Func(F("associate_reasons"), Value(str(associate.pk)), function="jsonb_extract_path_text")
    rounds = Round.objects.filter(
        store=associate.store_id, slot_at__gte=associate.store.evening_began(now), slot_at__lte=now
    )
    last = rounds.annotate(own=Coalesce(own, Value(""), output_field=TextField())).defer("associate_reasons").first()
    return last, last.own if last else ""


def board_shift(associate: Associate, now: datetime) -> Shift | None:
    """The shift after which `associate` may use the open board at `now`: over, and not longer than two hours ago."""
    store = associate.store
    if not switches.offers_go_out(store) or not willing(store, store.evening(now)).filter(pk=associate.pk).exists():
        return None
    if now >= store.cutoff(store.evening(now)):
        return None
    return (
        Shift.objects.filter(employee=associate.employee_id, ends_at__lte=now, ends_at__gt=now - BOARD_STAYS_OPEN)
        .exclude(trips__state__in=[TripState.UNDER_WAY, TripState.FINISHED])
        .order_by("-ends_at")
        .first()
    )


def board(associate: Associate, now: datetime, *, most: int = 12) -> list[tuple[Package, quoting.PlannedTrip]]:
    """What is left for this person, each package with the trip that adding it would make, least extra time first.

    Only what fits their limits, together with what they already claimed. Empty before the shift ends. Packages are tried
    by their straight line out of the way, until twice as many as are shown have been found, or BOARD_SECONDS are over.
    """
    shift = board_shift(associate, now)
    if shift is None:
        return []
    trip = Trip.objects.filter(shift=shift, state__in=TRIP_NOT_LEFT).first()
    mine = list(trip.packages.all()) if trip else []
    promise = trip.promise if trip else None
    worked = hours.before_trips(shift.store, [(associate, shift)])
    found: list[tuple[Package, quoting.PlannedTrip]] = []
    until = time.monotonic() + BOARD_SECONDS
    for package in quoting.least_out_of_the_way(associate, list(Package.objects.offerable(associate.store, now)[:200])):
        if len(found) >= 2 * most or time.monotonic() > until:
            break
        try:
            planned = quoting.plan_trip(associate, shift, [*mine, package], at_least=promise, worked=worked, now=now)
        except quoting.DoesNotFit:
            continue
        found.append((package, planned))
    found.sort(key=lambda pair: (pair[1].quote.extra_s, pair[0].pk))
    return found[:most]


def leftovers(store: Store, now: datetime) -> list[Package]:
    """What must go to the carrier now.

    After the cut-off, or in a store that offers nothing: all that is in the store's hands. Before it: what would miss
    its promise if the carrier had less than `carrier_lead_minutes`.
    """
    mine = Package.objects.not_ended().filter(store=store, state__in=[PackageState.STAGED, PackageState.RECEIVED])
    mine = mine.exclude(not_before__gt=now)  # its customer chose another day
    if now < store.cutoff(store.evening(now)):
        mine = mine.filter(deliver_by__lte=now + timedelta(minutes=store.carrier_lead_minutes))
    else:
        mine = mine.filter(received_at__lt=store.cutoff(store.evening(now)))
    return list(mine)


def expired_offers(store: Store, now: datetime) -> list[Offer]:
    """Open offers whose time has passed."""
    return list(Offer.objects.filter(store=store, state=OfferState.SENT, expires_at__lte=now).order_by("pk"))
