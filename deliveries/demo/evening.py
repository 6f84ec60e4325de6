"""Tonight in the demo: shifts, packages on the bay, and the first round. Made once an evening.

The decision about the clock (docs/decisions/0060): a real evening is 17:00 to 21:00 on the store's own clock. Looked at
at any other hour it would be empty, so then the same evening starts from now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random

from django.db import transaction
from django.db.models import Max

from associates.models import Employee, Shift
from deliveries import actors, matching
from deliveries.actions import receiving
from deliveries.models import Package, Round
from stores.models import StaffMember, Store

from . import crew, feed, names, parcels, pilot, scenes
from .pilot import PilotStore

USUAL_FIRST, USUAL_LAST = time(17), time(21)
LOOKS_REAL_FROM, LOOKS_REAL_UNTIL = time(15, 45), time(18, 30)
FIRST_END_IN, SPREAD = timedelta(minutes=45), timedelta(hours=4)
CUTOFF_BEFORE_LAST = timedelta(minutes=30)
SHORTEST = timedelta(minutes=25)  # an offer needs eight minutes, a person some more
EARLIEST = datetime.min.replace(tzinfo=UTC)
ON_SHIFT, CUSTOMERS = 16, 25
HAVE_ANOTHER = (0, 0, 5, 9, 14)  # customers with a second package, the first one with a third
# Of the thirty, by position:
NOT_ON_THE_BAY, TOO_BIG, ADDRESS_UNKNOWN, NOT_FOR_ASSOCIATES = (18, 19), (20, 21), (22, 23), (24,)
PLAN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """When tonight's shifts end, first and last, and when the carrier gets the rest. Aware, UTC, whole minutes."""

    first: datetime
    last: datetime
    cutoff: datetime


def window(store: Store, now: datetime) -> Window:
    """The evening to make at `now`: 17:00 to 21:00 store time when that is on or near, else from 45 minutes from now.

    It stays within one service date, which ends at four in the morning: it is shorter in the hours before, and in the
    last minutes before four it belongs to the new date.
    """
    local = store.local(now)
    if LOOKS_REAL_FROM <= local.time() < LOOKS_REAL_UNTIL:
        first, last = (
            datetime.combine(local.date(), at, store.zone).astimezone(UTC) for at in (USUAL_FIRST, USUAL_LAST)
        )
        return Window(first, last, last - CUTOFF_BEFORE_LAST)
    start = _minute(now)
    date_ends = store.begins(store.evening(now) + timedelta(days=1))
    if date_ends - start < SHORTEST:
        start, date_ends = date_ends, date_ends + timedelta(days=1)
    latest = date_ends - timedelta(minutes=5)
    first = min(start + FIRST_END_IN, latest)
    last = min(first + SPREAD, latest)
    return Window(first, last, max(first, last - CUTOFF_BEFORE_LAST))


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)


def is_on(store: Store, now: datetime) -> bool:
    """Whether an evening of the demo is under way or ahead: the carrier has not come, and somebody is still working."""
    last = Shift.objects.filter(store=store, reference__startswith="demo-").aggregate(last=Max("ends_at"))["last"]
    return last is not None and now < min(last, store.cutoff(store.evening(last)))


def key_of(store: Store) -> str:
    """What names the latest demo evening of `store`, "20261124-1700"; its packages' references begin with D and this."""
    last = Shift.objects.filter(store=store, reference__startswith="demo-").order_by("-ends_at").first()
    return "-".join(last.reference.split("-")[1:3]) if last else ""


def make_evening(store: Store, place: PilotStore, now: datetime) -> Window:
    """Shifts and packages for the evening at `now`, in the caller's transaction; the store row is locked by it."""
    tonight = window(store, now)
    store.carrier_cutoff = store.local(tonight.cutoff).time()
    store.save(update_fields=["carrier_cutoff"])
    key = f"{store.local(tonight.first):%Y%m%d-%H%M}"
    rng = Random(f"evening {store.number} {key}")
    if place == scenes.PLACE:
        scenes.bring_to_an_end(store, now)
    early = _shifts(store, tonight, key, now)
    _packages(store, place, tonight, key, rng, now)
    if place == scenes.PLACE:
        scenes.set_up(store, key, early, _quarter(tonight.last + timedelta(hours=1)), now)
    return tonight


def _shifts(store: Store, tonight: Window, key: str, now: datetime) -> list[Employee]:
    """Shift ends spread evenly, on the quarter hour where there is room for it. Who is not signed up ends early, so
    that somebody who signs up now still gets an offer. Some have had their shift already: those are returned, for `scenes`."""
    weekday = store.evening(tonight.first).weekday()
    employees = Employee.objects.filter(store=store, active=True).order_by("reference")
    signed_up = list(employees.filter(associate__days__weekday=weekday)[:ON_SHIFT])
    others = list(employees.filter(associate=None))
    before = dict(
        Employee.objects.filter(pk__in=[worker.pk for worker in (*signed_up, *others)])
        .annotate(free_from=Max("shifts__ends_at"))
        .values_list("pk", "free_from")
    )
    early = scenes.early(signed_up, before, now) if store.number == scenes.PLACE.number else []
    signed_up = [worker for worker in signed_up if worker not in early]
    wide = tonight.last - tonight.first
    step = 15 if wide >= timedelta(hours=3) else 5 if wide >= timedelta(minutes=30) else 1
    shift_of = {worker: scenes.ended_at(now) for worker in early}
    for number, worker in enumerate(signed_up):
        minutes = wide.total_seconds() / 60 * number / max(1, len(signed_up) - 1)
        shift_of[worker] = tonight.first + timedelta(minutes=round(minutes / step) * step)
    for worker in others:
        shift_of[worker] = min(tonight.first + timedelta(minutes=30), tonight.last)
    feed.send_roster(
        store,
        [
            {
                "employee": worker.reference, "first_name": worker.first_name, "last_name": worker.last_name,
                "birth_date": worker.birth_date.isoformat(), "shift": f"demo-{key}-{worker.reference}",
                "starts_at": max(ends_at - timedelta(hours=8), before[worker.pk] or EARLIEST).isoformat(),
                "ends_at": ends_at.isoformat(),
            }
            for worker, ends_at in shift_of.items()
            if (before[worker.pk] or EARLIEST) < ends_at
        ],
        now=now,
    )  # fmt: skip
    return early


def _packages(store: Store, place: PilotStore, tonight: Window, key: str, rng: Random, now: datetime) -> None:
    """Thirty packages as the retailer sends them: five for customers who have another, two too big, two whose address
    nobody knows, one that associates may not bring; two are not on the bay yet."""
    _homes, doors = pilot.around(place)
    where = rng.sample(doors, CUSTOMERS)
    called = names.people(rng, CUSTOMERS, names.FIRST + names.FIRST_SPANISH)
    customers = [
        feed.customer(store, number, called[number], where[number], feed.note(rng)) for number in range(CUSTOMERS)
    ]
    rows = []
    for number, buyer in enumerate([*range(CUSTOMERS), *HAVE_ANOTHER]):
        parcel = parcels.too_big(rng) if number in TOO_BIG else parcels.draw(rng)
        # Between $5 and $12 an address, as regional carriers ask for the same evening; heavier is dearer.
        carrier_cents = min(1200, 500 + round(35 * parcel.weight_g / 1000) + rng.randrange(0, 500, 5))
        promised = tonight.last + timedelta(hours=rng.choice((0, 1, 1, 1, 1, 14)))
        rows.append(
            {
                **customers[buyer], "reference": f"D{key}-{number + 1:03d}", **dataclasses.asdict(parcel),
                "value_usd": f"{rng.lognormvariate(3.6, 0.8) + 5:.2f}", "carrier_usd": f"{carrier_cents / 100:.2f}",
                "deliver_by": _quarter(promised).isoformat(),
                "associate_ok": "false" if number in NOT_FOR_ASSOCIATES else "true",
            }
        )  # fmt: skip
        if number in ADDRESS_UNKNOWN:
            rows[-1]["address1"] = f"{rng.randint(9000, 9900)} {where[buyer].address1.split(' ', 1)[1]}"
    feed.send_packages(store, rows, now=now)
    bay = StaffMember.objects.get(store=store, role=StaffMember.Role.BAY, user__email=crew.bay_of(store.number))
    late = [rows[number]["reference"] for number in NOT_ON_THE_BAY]
    there = Package.objects.filter(store=store, reference__startswith=f"D{key}-").exclude(reference__in=late)
    receiving.stage(packages=list(there), by=actors.staff(bay.user_id), now=now)


def _quarter(moment: datetime) -> datetime:
    """The next full quarter of an hour: promises are round."""
    return moment + timedelta(minutes=-moment.minute % 15)


@dataclass(frozen=True, slots=True)
class Made:
    """What there is at one store after `make`: the window where an evening was made now, else None."""

    store: Store
    window: Window | None
    round: Round | None


def make(now: datetime, stores: Sequence[PilotStore] = pilot.PILOT) -> list[Made]:
    """The demo as it should be at `now`: missing stores, and an evening where none is on. A second call adds nothing,
    but for a question to swap that nobody answered in time: it is asked again.

    Each store is one transaction, so a demo that was killed half way is completed by the next call.
    """
    made = []
    for place in stores:
        with transaction.atomic():
            store = Store.objects.select_for_update().filter(number=place.number).first()
            store = store or crew.make_store(place, now)
            tonight = None if is_on(store, now) else make_evening(store, place, now)
        made.append(Made(store, tonight, matching.run_round(store=store, now=now, seconds=PLAN_SECONDS)))
        if place == scenes.PLACE:
            scenes.ask_to_swap(store, now)
    crew.make_people_above(now)
    return made


def is_made(now: datetime) -> bool:
    """Whether `make` would add nothing."""
    stores = list(Store.objects.filter(number__in=[place.number for place in pilot.PILOT]))
    return len(stores) == len(pilot.PILOT) and all(is_on(store, now) for store in stores)
