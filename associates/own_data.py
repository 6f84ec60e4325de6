"""What this app holds about one person, for that person: plain values, ready for JSON. Never the sealed cell."""

from __future__ import annotations

from typing import Any

from .models import Associate, Limits, Shift
from .passkeys import passkeys_of

SEALED = (
    "A square of about 300 meters, stored sealed. Only the planner opens it; it is in no export, this one included."
)


def about(person: Associate) -> dict[str, Any]:
    """Account, roster line, terms, consents and shifts of `person`."""
    user, worker = person.user, person.employee
    limits = Limits.objects.filter(associate=person)
    return {
        "account": {
            "email": user.email, "mobile_number": str(user.phone or ""), "language": user.language, "joined_at": user.date_joined,
            "last_sign_in_at": user.last_login, "passkeys": passkeys_of(user),
        },
        "roster": {
            "store": person.store.number, "employee_number": worker.reference, "first_name": worker.first_name,
            "last_name": worker.last_name, "birth_date": worker.birth_date, "on_the_roster": worker.active,
            "store_wage_cents_an_hour": worker.wage_cents, "from": "the retailer",
        },
        "associate": {
            "first_name": person.first_name, "state": person.state, "enrolled_on": person.enrolled_on,
            "eighteen_from": person.adult_from, "vehicle": person.vehicle, "insured_until": person.insured_until,
            "licensed_until": person.licensed_until,
            "colleagues_may_bring_my_orders": person.colleagues_may_bring, "not_tonight_on": person.resting_on,
        },
        "home": {
            "zip": person.area,
            "cell": SEALED if Associate.objects.filter(pk=person.pk, home_cell__isnull=False).exists() else "none",
        },
        "limits": next(iter(limits.values(*(f.name for f in Limits._meta.fields if f.name not in ("id", "associate")))), None),
        "weekdays": sorted(person.days.values_list("weekday", flat=True)),
        "single_days": list(person.day_exceptions.values("day", "delivers")),
        "consents": list(person.consents.order_by("given_at").values("kind", "version", "given_at", "withdrawn_at")),
        "shifts": list(Shift.objects.filter(employee=worker).order_by("starts_at").values("reference", "starts_at", "ends_at")),
    }  # fmt: skip
