"""What came of an evening: where the packages are, and what the trips paid."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from deliveries.models import LedgerEntry, Package, Trip
from deliveries.states import PackageState
from stores.models import Store

from . import evening

METRES_A_MILE = 1_609.344
# What each state a package may rest in after the carrier's cut-off means; any other is not explained.
EXPLAINED = {
    PackageState.DELIVERED: "delivered by associates",
    PackageState.WITH_CARRIER: "with the carrier",
    PackageState.RETURNED: "back in the store after a failed drop-off, for another day",
    PackageState.KEPT: "kept by the associate overnight, for the next shift",
    PackageState.HELD_FOR_PICKUP: "held for the customer to pick up",
    PackageState.CANCELLED: "cancelled",
}


@dataclass
class Outcome:
    """Figures of one or more stores' evenings; `+=` adds. Cents, metres, seconds."""

    states: Counter[str] = field(default_factory=Counter)
    quoted: list[int] = field(default_factory=list)
    paid: list[int] = field(default_factory=list)
    extra_s: list[int] = field(default_factory=list)
    metres: int = 0
    waited_s: int = 0
    waited_cents: int = 0
    carrier_cents: int = 0
    saved_cents: int = 0

    def __iadd__(self, other: Outcome) -> Outcome:
        self.states += other.states
        self.quoted += other.quoted
        self.paid += other.paid
        self.extra_s += other.extra_s
        self.metres += other.metres
        self.waited_s += other.waited_s
        self.waited_cents += other.waited_cents
        self.carrier_cents += other.carrier_cents
        self.saved_cents += other.saved_cents
        return self

    @property
    def unexplained(self) -> list[str]:
        return sorted(set(self.states) - EXPLAINED.keys())

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        total = sum(self.states.values())
        shown = [f"{total} packages"]
        for state, number in self.states.most_common():
            shown.append(f"  {number:3}  {EXPLAINED.get(PackageState(state), state)} ({100 * number / total:.0f} %)")
        if self.paid:
            miles = self.metres / METRES_A_MILE
            shown += [
                f"{len(self.paid)} trips paid {_dollars(sum(self.paid))}; quoted were {_dollars(sum(self.quoted))}. "
                f"Median a trip {_dollars(round(statistics.median(self.paid)))}, "
                f"+{statistics.median(self.extra_s) / 60:.0f} min against the drive home.",
                f"Waited at the bay: {self.waited_s // 60} min, paid {_dollars(self.waited_cents)}. "
                f"Driven from store to last stop: {miles:.0f} mi.",
                f"The carrier would have cost {_dollars(self.saved_cents)} for what associates delivered; "
                f"it gets {_dollars(self.carrier_cents)} for the rest.",
            ]
        return shown


def outcome(store: Store) -> Outcome:
    """The latest demo evening of `store` as it stands."""
    key = evening.key_of(store)
    packages = Package.objects.filter(store=store, reference__startswith=f"D{key}-")
    found = Outcome(states=Counter(packages.values_list("state", flat=True)))
    for package in packages:
        if package.state == PackageState.WITH_CARRIER:
            found.carrier_cents += package.carrier_cents
        elif package.state == PackageState.DELIVERED:
            found.saved_cents += package.carrier_cents
    settled = Trip.objects.filter(shift__reference__startswith=f"demo-{key}-", store=store, paid_cents__isnull=False)
    entries: dict[int, dict[str, LedgerEntry]] = defaultdict(dict)
    for entry in LedgerEntry.objects.filter(trip__in=settled):
        entries[entry.trip_id][entry.kind] = entry
    for trip in settled.select_related("shift"):
        found.quoted.append(trip.pay_cents)
        found.paid.append(trip.paid_cents or 0)
        found.extra_s.append(trip.extra_s)
        lines = entries[trip.pk]
        found.metres += lines["mileage"].quantity
        if trip.started_at:
            before = (trip.started_at - trip.shift.ends_at).total_seconds() - store.load_minutes * 60
            waited = max(0, int(before))
            found.waited_s += waited
            found.waited_cents += waited * lines["time"].rate // 3600
    return found


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"
