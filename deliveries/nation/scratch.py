"""A PostgreSQL schema of its own for a rehearsal: made, migrated, filled by COPY, dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection

from .evenings import PlannedEvening, row_id

SCHEMA = "nation"


@contextmanager
def scratch_schema() -> Iterator[None]:
    """Until the end of the block our connections see an empty, migrated copy of our tables, and no real row.

    Every connection of this process and of those forked from it, because the schema is in the connection's settings. It
    is dropped at the end, and at the start if a killed rehearsal left one.
    """
    ours = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    options = {name: value for name, value in ours.get("OPTIONS", {}).items() if name != "pool"}
    options["options"] = f"{options.get('options', '')} -c search_path={SCHEMA}".strip()
    connection.close()
    connection.settings_dict = {**ours, "OPTIONS": options}
    try:
        call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        connection.close()
        connection.settings_dict = ours
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        ContentType.objects.clear_cache()  # it remembers the ids of the schema that is gone


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY `rows` into `table`; returns how many."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)
            count += 1
    return count


def fill(evenings: Sequence[PlannedEvening], day: date, now: datetime) -> int:
    """Write the stores, people, shifts and staged packages that the offers will point to; returns the rows written."""
    midnight = datetime.combine(day, time(0), now.tzinfo)
    stores = [(evening.store + 1, evening) for evening in evenings]
    people = [
        (row_id(evening.store, k), store, end)
        for store, evening in stores
        for k, end in enumerate(evening.shift_ends_s)
    ]
    total = copy(
        "stores_store",
        ["id", "number", "name", "address1", "city", "state", "zip", "lat", "lon", "phone", "time_zone", "stage",
         "radius_m", "round_lead_minutes", "round_every_minutes", "answer_lead_minutes", "carrier_cutoff",
         "carrier_lead_minutes", "load_minutes", "service_seconds", "far_m", "workweek_starts_on", "longest_day_hours",
         "rest_minutes"],
        ((store, store, f"Store {store}", "1 Main Street", "Springdale", "AR", "72762", 36.0, -94.0, "", "UTC", "live",
          24_000, 90, 15, 15, time(23, 0), 45, 5, 150, 150, 0, 12, 480) for store, _evening in stores),
    )  # fmt: skip
    total += copy(
        "stores_user",
        ["id", "password", "is_superuser", "first_name", "last_name", "is_staff", "is_active", "date_joined", "email",
         "language"],
        ((pk, "!", False, "", "", False, True, now, f"{pk}@nation.invalid", "en") for pk, _store, _end in people),
    )  # fmt: skip
    total += copy(
        "associates_employee",
        ["id", "store_id", "reference", "first_name", "last_name", "birth_date", "active"],
        ((pk, store, str(pk), "A", "B", date(1990, 1, 1), True) for pk, store, _end in people),
    )
    total += copy(
        "associates_associate",
        [
            "id",
            "user_id",
            "employee_id",
            "store_id",
            "first_name",
            "state",
            "enrolled_on",
            "adult_from",
            "area",
            "vehicle",
            "colleagues_may_bring",
        ],
        ((pk, pk, pk, store, "A", "active", day, date(2008, 1, 1), "", "", True) for pk, store, _end in people),
    )
    total += copy(
        "associates_shift",
        ["id", "store_id", "employee_id", "reference", "starts_at", "ends_at", "version"],
        ((pk, store, pk, str(pk), midnight + timedelta(seconds=end - 8 * 3600), midnight + timedelta(seconds=end), 0)
         for pk, store, end in people),
    )  # fmt: skip
    total += copy(
        "deliveries_package",
        ["id", "store_id", "reference", "label", "fingerprint", "recipient", "phone", "email", "language", "address1",
         "address2", "city", "region", "zip", "lat", "lon", "precision", "instructions", "weight_g", "length_mm",
         "width_mm", "height_mm", "value_cents", "carrier_cents", "deliver_by", "associate_ok", "state", "version",
         "state_since", "received_at"],
        ((pk := row_id(evening.store, k), store, str(pk), f"{pk % 32**6:06d}"[-8:], "", "Made up", "", "", "en",
          f"{pk} Main Street", "", "Springdale", "AR", "72762", 36.0, -94.0, "rooftop", "", weight, 300, 200, 100, 0,
          saved, midnight + timedelta(seconds=due), True, "staged", 2, now, now)
         for store, evening in stores
         for k, (weight, saved, due) in enumerate(
             zip(evening.weights_g, evening.saved_cents, evening.due_s, strict=True))),
    )  # fmt: skip
    return total
