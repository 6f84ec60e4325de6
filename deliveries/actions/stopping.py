"""Stop rules: look at a store's figures, and pause it when one passes its limit. Nobody has to be awake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from deliveries import reports
from deliveries.actors import system
from deliveries.models import DeliveryException, Package, StopRule, StoreEvent, Trip
from deliveries.notices.staff import owe_staff
from deliveries.states import IN_CUSTODY, PackageState
from stores.models import Store

from . import running

OVERDUE = timedelta(hours=12)
COST_EVENINGS = 7


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure now, and of how many cases it is made."""

    value: float
    cases: int


def measure(store: Store, kind: str, now: datetime) -> Measure:
    """One figure of a stop rule, from the rows as they are."""
    tonight = store.evening(now)
    began = store.evening_began(now)
    if kind == StopRule.Kind.LATE:
        due = Package.objects.filter(store=store, deliver_by__gte=began, deliver_by__lte=now, events__verb="depart")
        ids = set(due.values_list("pk", flat=True))
        arrived = Package.objects.filter(pk__in=ids, state=PackageState.DELIVERED)
        in_time = {
            package_id
            for package_id, by, at in arrived.filter(events__verb="deliver").values_list(
                "pk", "deliver_by", "events__happened_at"
            )
            if at <= by
        }
        return Measure(100 * (len(ids) - len(in_time)) / len(ids) if ids else 0, len(ids))
    if kind == StopRule.Kind.COST:
        whole = reports.total(reports.evenings(store, tonight - timedelta(days=COST_EVENINGS - 1), tonight))
        return Measure(whole.cost_per_dropoff or 0, whole.dropoffs)
    if kind == StopRule.Kind.OVERDUE:
        held = Package.objects.filter(store=store, state__in=IN_CUSTODY, deliver_by__lte=now - OVERDUE).count()
        return Measure(held, held)
    if kind == StopRule.Kind.STRANDED:
        told = DeliveryException.objects.filter(
            trip__store=store, at__gte=began, reason=DeliveryException.Reason.CANNOT_GO_ON
        )
        trips = told.values("trip").distinct().count()
        return Measure(trips, trips)
    if kind == StopRule.Kind.WAITING:
        left = Trip.objects.filter(store=store, started_at__gte=began).values_list("shift__ends_at", "started_at")
        waits = [max(0.0, (started - ends).total_seconds() / 60) for ends, started in left if started]
        return Measure(median(waits) if waits else 0, len(waits))
    evening = reports.evenings(store, tonight, tonight)[0]
    tries = evening.dropoffs + evening.problem_count
    return Measure(100 * evening.problem_count / tries if tries else 0, tries)


def look(*, store: Store, now: datetime) -> StoreEvent | None:
    """Pause `store` when one of its rules says so; the decision, or None. Twice is once, and once an evening a rule."""
    if not store.offers_work:
        return None
    began = store.evening_began(now)
    for rule in StopRule.objects.filter(store=store, active=True):
        found = measure(store, rule.kind, now)
        if found.cases < max(1, rule.least) or found.value < rule.limit:
            continue
        if StoreEvent.objects.filter(store=store, by_name=rule.name, at__gte=began).exists():
            continue  # somebody looked and went on: not against them, not this evening
        return _stop(store, rule, found, now)
    return None


@transaction.atomic
def _stop(store: Store, rule: StopRule, found: Measure, now: datetime) -> StoreEvent | None:
    locked = Store.objects.select_for_update().get(pk=store.pk)
    if not locked.offers_work:
        return None
    with override("en"):  # the audit trail is kept in one language
        why = gettext("%(figure)s: %(value)s, the rule stops at %(limit)s.") % {
            "figure": rule.get_kind_display(), "value": rule.in_words(found.value), "limit": rule.limit_in_words,
        }  # fmt: skip
    running.pause(store=locked, by=system(rule.name), now=now, reason=why)
    decision = StoreEvent.objects.filter(store=store, by_name=rule.name).latest("pk")
    owe_staff(
        store, f"store/{store.pk}/stop/{decision.pk}",
        format_lazy(_("Store {store} is paused"), store=store.number),
        format_lazy(
            _("A stop rule paused store {store}: {figure}, {value} (limit {limit}). No more offers go out; trips go on and "
              "are paid, the rest goes to the carrier. Look at what happened, then change the stage when it is safe."),
            store=str(store), figure=rule.get_kind_display(), value=rule.in_words(found.value),
            limit=rule.limit_in_words,
        ),
        page=reverse("admin:stores_store_change", args=[store.pk]), now=now,
    )  # fmt: skip
    return decision
