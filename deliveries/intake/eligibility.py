""" "Could an associate take this?": asked before an order is promised. Rules of the store and the package alone; nothing in
the answer depends on who works tonight, where they live or what they would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from deliveries import switches
from stores.feeds.report import RowFault
from stores.feeds.rows import KnownStores
from stores.feeds.sheets import Row, Sheet
from stores.models import Store
from stores.places import Located, Point, Precision, distance_m, locate_many

from .columns import HEIGHT, LENGTH, PACKAGES, WEIGHT, WIDTH
from .packages import Checked, check

_ASKED = (
    "store", "address1", "city", "state", "zip", "lat", "lon", *WEIGHT, *LENGTH, *WIDTH, *HEIGHT, "value_usd", "item_class",
    "deliver_by",
)  # fmt: skip
QUESTION = Sheet(
    "question", tuple(column for column in PACKAGES.columns if column.name in _ASKED), one_of=PACKAGES.one_of
)
# What an associate may set at most (`limits_weight_sane`).
HEAVIEST_G = 50_000
# What the question need not say, because the answer does not depend on it.
_UNASKED = {"reference": "question", "recipient": "–", "carrier_usd": "0", "address1": "–", "city": "–", "zip": "00000"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`reasons`: codes of what speaks against it, none when an associate could take it. `precision`: of the place."""

    reasons: tuple[str, ...]
    distance_m: int | None
    precision: str | None

    @property
    def eligible(self) -> bool:
        return not self.reasons


def ask(cells: Mapping[str, str], *, stores: QuerySet[Store], now: datetime) -> Answer | list[RowFault]:
    """The answer, or what is wrong with the question, column by column."""
    known = KnownStores(stores)
    row = Row(1, {**_UNASKED, **cells})
    known.load([row])
    for store in known.named_in([row]):
        row.cells.setdefault("state", store.state)
    found, checked = check(row, known)
    if checked is None:
        return found.faults
    return _answer(checked, now)


def _answer(row: Checked, now: datetime) -> Answer:
    store, content = row.store, row.content
    place = _place(row)
    reasons = []
    if not switches.offers_go_out(store):
        reasons.append("store_not_offering")
    if content["region"] != store.state:
        reasons.append("other_state")
    distance = None
    if place is None:
        reasons.append("unknown_place")
    else:
        distance = round(distance_m(place.point, Point(store.lat, store.lon)))
        if distance > store.radius_m:
            reasons.append("beyond_radius")
        if place.precision == Precision.ZIP:
            reasons.append("zip_precision")
    if content["weight_g"] > HEAVIEST_G:
        reasons.append("too_heavy")
    if content["deliver_by"] <= now:
        reasons.append("promise_past")
    elif content["deliver_by"] <= now + timedelta(minutes=store.carrier_lead_minutes):
        reasons.append("too_soon")
    elif store.cutoff(store.evening(now)) <= now and store.evening(content["deliver_by"]) == store.evening(now):
        reasons.append("after_cutoff")
    return Answer(tuple(reasons), distance, place.precision if place else None)


def _place(row: Checked) -> Located | None:
    if row.content["lat"] is not None:
        return Located(Point(row.content["lat"], row.content["lon"]), Precision.ROOFTOP)
    return locate_many({row.address}).get(row.address)
