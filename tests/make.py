"""Rows for tests: each function makes one thing that is complete and legal, with the fields a test cares about passed in."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from associates import home
from associates.models import CONSENT_VERSIONS, Associate, Consent, DeliveryDay, Employee, Limits, Shift
from deliveries import actors, pay
from deliveries.actions import receiving
from deliveries.models import Carrier, Package, Trip
from stores.models import PayPlan, StaffMember, Store, User
from stores.places import Point, Precision

_count = itertools.count(1)
BAYONNE = Point(40.6563, -74.1172)
# A Tuesday in November: 18:00 in New Jersey.
EVENING = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


def store(**fields: Any) -> Store:
    number = next(_count)
    made = Store.objects.create(
        **{
            "number": 9000 + number, "name": "Test store", "address1": "500 Bayonne Crossing Way", "city": "Bayonne",
            "state": "NJ", "zip": "07002", "lat": BAYONNE.lat, "lon": BAYONNE.lon, "time_zone": "America/New_York",
            "stage": Store.Stage.PILOT, "carrier_cutoff": time(21, 30), **fields,
        }
    )  # fmt: skip
    PayPlan.objects.create(
        store=made, effective_from=date(2026, 1, 1), hourly_cents=1800, per_package_cents=100, mileage_tenth_cents=725
    )
    Carrier.objects.create(store=made, name="Parcel carrier")
    return made


def user(**fields: Any) -> User:
    return User.objects.create_user(
        **{"email": f"person{next(_count)}@example.com", "password": "correct horse battery", **fields}
    )


def staff(store: Store, role: str = StaffMember.Role.LEAD, **fields: Any) -> User:
    person = user(is_staff=True, **fields)
    StaffMember.objects.create(user=person, store=store, role=role)
    return person


def employee(store: Store, **fields: Any) -> Employee:
    return Employee.objects.create(
        **{
            "store": store, "reference": f"E{next(_count)}", "first_name": "Ana", "last_name": "Alvarez",
            "birth_date": date(1990, 5, 17), **fields,
        }
    )  # fmt: skip


def associate(
    store: Store, *, lives: Point = Point(40.69, -74.12), limits: dict[str, Any] | None = None, **fields: Any
) -> Associate:
    """An active associate with every consent, all days, a home two or three miles off, and wide limits."""
    worker = fields.pop("employee", None) or employee(store)
    made = Associate.objects.create(
        **{
            "user": fields.pop("user", None) or user(), "employee": worker, "store": store,
            "first_name": worker.first_name, "state": Associate.State.ACTIVE, "enrolled_on": date(2026, 1, 5),
            "adult_from": date(2008, 5, 17), **fields,
        }
    )  # fmt: skip
    Limits.objects.create(
        **{
            "associate": made, "max_packages": 6, "max_package_weight_g": 20_000, "max_total_weight_g": 60_000,
            "max_size_class": 3, "trunk_ml": 800_000, "max_extra_minutes": 45, **(limits or {}),
        }
    )  # fmt: skip
    for weekday in range(7):
        DeliveryDay.objects.create(associate=made, weekday=weekday)
    for kind, version in CONSENT_VERSIONS.items():
        Consent.objects.create(associate=made, kind=kind, version=version, given_at=EVENING - timedelta(days=30))
    home.remember(made, lives)
    return made


def shift(associate: Associate, *, ends_at: datetime = EVENING + timedelta(hours=1), **fields: Any) -> Shift:
    return Shift.objects.create(
        **{
            "store": associate.store, "employee": associate.employee, "reference": f"S{next(_count)}",
            "starts_at": ends_at - timedelta(hours=8), "ends_at": ends_at, **fields,
        }
    )  # fmt: skip


def package(
    store: Store, *, staged: bool = True, at: Point | None = None, now: datetime = EVENING, **fields: Any
) -> Package:
    """A package near the store, on the bay unless `staged=False`; through the verbs, so it has its Events."""
    number = next(_count)
    where = at or Point(store.lat + 0.012 + 0.0007 * (number % 7), store.lon + 0.0011 * (number % 5))
    [made] = receiving.receive(
        packages=[
            Package(
                **{
                    "store": store, "reference": f"P{number}", "label": f"{number:06d}", "fingerprint": f"{number}",
                    "recipient": "Sam Carter", "email": "sam@example.net", "address1": f"{number} Test Street",
                    "city": "Bayonne", "region": "NJ", "zip": "07002", "lat": where.lat, "lon": where.lon,
                    "precision": Precision.ROOFTOP, "weight_g": 900, "length_mm": 300, "width_mm": 200,
                    "height_mm": 100, "carrier_cents": 900, "deliver_by": now + timedelta(hours=4), **fields,
                }
            )
        ],
        by=actors.system("test"),
        now=now,
    )  # fmt: skip
    if staged:
        [made] = receiving.stage(packages=[made], by=actors.system("test"), now=now)
    return made


def trip(associate: Associate, *, shift: Shift | None = None, cents: int = 900, **fields: Any) -> Trip:
    """A planned trip with a quote of `cents` and nothing on it; for rows that only need one to exist."""
    quote = pay.Quote("test", (1,), 540, 5000, (pay.Line("packages", 1, cents, cents),))
    return Trip.objects.create(
        **{
            "store": associate.store, "associate": associate, "shift": shift or globals()["shift"](associate),
            "quote": quote.to_json(), "quote_digest": quote.digest, "pay_cents": quote.cents, "extra_s": quote.extra_s,
            "extra_m": quote.extra_m, "claimed_at": EVENING, **fields,
        }
    )  # fmt: skip
