"""What stands from evening to evening: the three stores, who runs them, who drives home, who has not signed up yet.

Made once a store and never changed again, so a newcomer's own changes stay.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from associates import actions
from associates.models import CONSENT_VERSIONS, Associate, SizeClass
from deliveries.models import Carrier
from stores.models import Language, OpeningHours, PayPlan, StaffMember, Store, User

from . import feed, names, pilot
from .pilot import Address, PilotStore

PASSWORD = "the-way-home"  # noqa: S105 - shown on the demo's front page; the demo refuses to exist in production
DOMAIN = "homeward.example"
ADMIN = f"admin@{DOMAIN}"
DISTRICT = f"district@{DOMAIN}"
ASSOCIATES, SPANISH, NOT_SIGNED_UP = 20, 4, 3
# Of Limits: (packages, heaviest g, whole load g, largest, trunk ml, extra minutes, least cents an extra hour).
_NAMES = (
    "max_packages", "max_package_weight_g", "max_total_weight_g", "max_size_class", "trunk_ml", "max_extra_minutes",
    "floor_cents_per_hour",
)  # fmt: skip
_TERMS = (
    (4, 9_100, 27_200, SizeClass.MEDIUM, 350_000, 20, 0),
    (6, 18_100, 54_400, SizeClass.LARGE, 700_000, 30, 0),
    (3, 6_800, 13_600, SizeClass.MEDIUM, 250_000, 15, 2_000),
    (5, 13_600, 40_800, SizeClass.LARGE, 500_000, 25, 1_800),
    (2, 4_500, 9_100, SizeClass.SMALL, 120_000, 12, 0),
    (8, 22_700, 90_700, SizeClass.LARGE, 1_400_000, 40, 2_200),
    (4, 11_300, 31_800, SizeClass.LARGE, 450_000, 20, 0),
)
LIMITS: tuple[dict[str, int], ...] = tuple(dict(zip(_NAMES, terms, strict=True)) for terms in _TERMS)
OPEN, OPEN_SUNDAY = (time(6), time(23)), (time(7), time(21))
VEHICLES = ("Small car", "Hatchback", "Sedan", "Small SUV", "Minivan", "Pickup with a cover")


def lead_of(number: int) -> str:
    return f"lead.{number}@{DOMAIN}"


def bay_of(number: int) -> str:
    return f"bay.{number}@{DOMAIN}"


def make_people_above(now: datetime) -> None:
    """The administrator and the district's person over the New Jersey stores. Call when the stores are there."""
    if not User.objects.filter(email=ADMIN).exists():
        _users([User(email=ADMIN, first_name="Avery", last_name="Admin", is_staff=True, is_superuser=True)], now)
    if not User.objects.filter(email=DISTRICT).exists():
        [person] = _users([User(email=DISTRICT, first_name="Dana", last_name="Whitaker", is_staff=True)], now)
        for store in Store.objects.filter(number__in=[place.number for place in pilot.PILOT if place.state == "NJ"]):
            StaffMember.objects.create(user=person, store=store, role=StaffMember.Role.DISTRICT)


def make_store(place: PilotStore, now: datetime) -> Store:
    """The store with its pay plan, carrier, staff and associates. The caller holds a transaction."""
    store = Store.objects.create(
        number=place.number, name=place.name, address1=place.address1, city=place.city, state=place.state,
        zip=place.zip, lat=place.point.lat, lon=place.point.lon, phone=place.phone, time_zone=place.time_zone,
        stage=Store.Stage.PILOT, bay_place=place.bay_place,
    )  # fmt: skip
    PayPlan.objects.create(
        store=store, effective_from=date(2026, 1, 1), hourly_cents=place.hourly_cents, per_package_cents=100,
        mileage_tenth_cents=725,
    )  # fmt: skip
    for weekday in range(7):
        opens, closes = OPEN_SUNDAY if weekday == 6 else OPEN
        OpeningHours.objects.create(store=store, weekday=weekday, opens=opens, closes=closes)
    Carrier.objects.create(store=store, name=place.carrier)
    rng = Random(f"crew {place.number}")
    _staff(store, rng, now)
    _associates(store, place, rng, now)
    return store


def _staff(store: Store, rng: Random, now: datetime) -> None:
    roles = {lead_of(store.number): StaffMember.Role.LEAD, bay_of(store.number): StaffMember.Role.BAY}
    people = zip(roles, names.people(rng, len(roles)), strict=True)
    users = _users([User(email=mail, first_name=a, last_name=b, is_staff=True) for mail, (a, b) in people], now)
    StaffMember.objects.bulk_create([StaffMember(user=user, store=store, role=roles[user.email]) for user in users])


def _associates(store: Store, place: PilotStore, rng: Random, now: datetime) -> None:
    """The roster as the retailer sends it, and most of it signed up, step by step, as people do."""
    called = names.people(rng, ASSOCIATES - SPANISH + NOT_SIGNED_UP)
    called[4:4] = names.people(rng, SPANISH, names.FIRST_SPANISH)
    born = [date(rng.randint(1968, 2005), rng.randint(1, 12), rng.randint(1, 28)) for _person in called]
    references = [f"{store.number}-{1001 + number}" for number in range(len(called))]
    feed.send_roster(
        store,
        [
            {"employee": reference, "first_name": first, "last_name": last, "birth_date": day.isoformat()}
            for reference, (first, last), day in zip(references, called, born, strict=True)
        ],
        now=now,
    )
    users = _users(
        [
            User(
                email=f"{reference}@{DOMAIN}", first_name=first, last_name=last,
                language=Language.SPANISH if first in names.FIRST_SPANISH else Language.ENGLISH,
            )
            for reference, (first, last) in zip(references[:ASSOCIATES], called, strict=False)
        ],
        now,
    )  # fmt: skip
    homes, _doors = pilot.around(place)
    lives = rng.sample(homes, len(users))
    people = [
        _sign_up(user, store, references[number], born[number], number, lives[number], rng, now)
        for number, user in enumerate(users)
    ]
    # Two who get nothing, and whose pages say why.
    paused, uninsured = people[-2:]
    actions.pause(associate=paused, by=paused.user, now=now)
    Associate.objects.filter(pk=uninsured.pk).update(insured_until=store.local(now).date() - timedelta(days=3))


def _sign_up(
    user: User, store: Store, reference: str, born: date, number: int, lives: Address, rng: Random, now: datetime
) -> Associate:
    """Every step of `/join/` and `/setup/`. Limits differ; everybody but every fourth is willing on any day."""
    person = actions.enrol(
        user=user, store_number=store.number, employee_reference=reference, birth_date=born, by=user, now=now
    )
    for kind in CONSENT_VERSIONS:
        actions.give_consent(associate=person, kind=kind, by=user, now=now)
    actions.set_home(associate=person, point=lives.point, area=lives.zip, by=user, now=now)
    limits = LIMITS[number % len(LIMITS)]
    actions.set_vehicle(associate=person, vehicle=rng.choice(VEHICLES), trunk_ml=limits["trunk_ml"], by=user, now=now)
    actions.set_limits(associate=person, by=user, now=now, **limits)
    not_on = rng.sample(range(7), 2) if number % 4 == 3 else ()
    actions.set_days(associate=person, weekdays=set(range(7)).difference(not_on), by=user, now=now)
    Associate.objects.filter(pk=person.pk).update(insured_until=now.date() + timedelta(days=rng.randint(400, 900)))
    return actions.finish_setup(associate=person, by=user, now=now)


@cache
def _hashed() -> str:
    """The password's hash, one for all: it is public, and hashing is slow on purpose."""
    return make_password(PASSWORD)


def _users(users: list[User], now: datetime) -> list[User]:
    """Save people who can sign in with the demo's password, their mail addresses confirmed."""
    secret = _hashed()
    for user in users:
        user.password, user.date_joined = secret, now
    User.objects.bulk_create(users)
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users]
    )
    return users
