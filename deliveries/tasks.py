"""Celery tasks: load, one call. Finders run on the timetable and hand out one task a store; a repeat does no harm."""

from __future__ import annotations

from datetime import timedelta

import structlog
from celery import Task, shared_task
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from associates import actions as terms
from associates.models import Associate, Shift
from deliveries import hours, live, locating, matching, notices, switches, webhooks
from deliveries.actions import carriers, ledger, offers, retention, stopping, swaps, trips
from deliveries.actors import system
from deliveries.carriers import NotNow, rates, service_of
from deliveries.intake import imports
from deliveries.models import (
    ApiCall,
    Event,
    Notice,
    Offer,
    Package,
    Round,
    Swap,
    Trip,
    WebhookDelivery,
)
from deliveries.notices.channels import Failed
from deliveries.notices.papers import remind
from deliveries.notices.staff import send_staff_due
from deliveries.simulator import jobs as simulations
from deliveries.states import TRIP_OPEN, TRIP_OVER, OfferState, PackageState
from stores import geocoding
from stores.models import Store

log = structlog.get_logger(__name__)

# Lapsed and withdrawn offers, their messages and "not tonight" are deleted this long after: nothing left to count.
FORGET_AFTER = timedelta(hours=18)
WEBHOOK_LOG_KEPT = timedelta(days=30)
CALLS_KEPT = timedelta(hours=48)  # answers to calls with an Idempotency-Key


def _stores_with(rows: object) -> list[int]:
    return list(Store.objects.filter(Exists(rows)).values_list("pk", flat=True))  # type: ignore[arg-type]


@shared_task(name="deliveries.find_rounds")
def find_rounds() -> None:
    """Which stores may have a round due: staged packages, and a shift that ends within the longest lead."""
    now = timezone.now()
    staged = Package.objects.not_ended().filter(store=OuterRef("pk"), state=PackageState.STAGED)
    ending = Shift.objects.filter(store=OuterRef("pk"), ends_at__gt=now, ends_at__lte=now + timedelta(hours=4))
    for store_id in Store.objects.filter(Exists(staged), Exists(ending), stage__in=["pilot", "live"]).values_list(
        "pk", flat=True
    ):
        plan_store.delay(store_id)


@shared_task(name="deliveries.plan_store")
def plan_store(store_id: int) -> None:
    matching.run_round(store=Store.objects.get(pk=store_id), now=timezone.now())


@shared_task(name="deliveries.lapse_offers")
def lapse_offers() -> None:
    """Offers and colleagues' questions whose time has passed, one task a store."""
    now = timezone.now()
    over = Offer.objects.filter(store=OuterRef("pk"), state=OfferState.SENT, expires_at__lte=now)
    unanswered = Swap.objects.filter(store=OuterRef("pk"), expires_at__lte=now)
    for store_id in {*_stores_with(over), *_stores_with(unanswered)}:
        lapse_store.delay(store_id)


@shared_task(name="deliveries.lapse_store")
def lapse_store(store_id: int) -> None:
    now = timezone.now()
    for offer in matching.expired_offers(Store.objects.get(pk=store_id), now):
        offers.lapse(offer=offer, now=now)
    for swap in Swap.objects.filter(store=store_id, expires_at__lte=now):
        swaps.lapse(swap=swap, now=now)


@shared_task(name="deliveries.find_cutoffs")
def find_cutoffs() -> None:
    """Stores with anything in hand; each decides on its own clock."""
    waiting = Package.objects.not_ended().filter(
        store=OuterRef("pk"), state__in=[PackageState.STAGED, PackageState.RECEIVED]
    )
    for store_id in _stores_with(waiting):
        tender_store.delay(store_id)


@shared_task(name="deliveries.tender_store")
def tender_store(store_id: int) -> None:
    store, now = Store.objects.get(pk=store_id), timezone.now()
    if switches.off(switches.What.CARRIER, store_id):
        return  # they wait in their states; the first cut-off after it is on takes them
    left = matching.leftovers(store, now)
    if left:
        carriers.tender(
            store=store, packages=left, by=system("cut-off"), now=now, reason="not claimed in time",
            answered=rates.asked(store, left),
        )  # fmt: skip


@shared_task(name="deliveries.find_announcements")
def find_announcements() -> None:
    """Manifests that their carrier is still to be told of."""
    for manifest_id in carriers.unannounced(timezone.now()).values_list("pk", flat=True)[:500]:
        announce_manifest.delay(manifest_id)


@shared_task(name="deliveries.announce_manifest")
def announce_manifest(manifest_id: int) -> None:
    manifest = carriers.claim_announcement(manifest_id=manifest_id, now=timezone.now())
    if manifest is None:
        return
    try:
        labels = service_of(manifest.carrier).announce(manifest)
    except NotNow as failure:
        log.warning("carriers.not_announced", manifest=manifest_id, error=failure.code)
        carriers.not_announced(manifest=manifest, error=failure.code, now=timezone.now())
    else:
        carriers.announced(manifest=manifest, labels=labels, now=timezone.now())


@shared_task(name="deliveries.sweep_outbox")
def sweep_outbox() -> None:
    """Events that were committed and never spoken: the process died in between."""
    stale = Event.objects.filter(published_at=None, at__lte=timezone.now() - timedelta(seconds=2))
    live.speak(list(stale.order_by("at").values_list("pk", flat=True)[:2000]))


@shared_task(name="deliveries.find_places")
def find_places() -> None:
    """Stores with packages whose address is to be looked up."""
    due = Package.objects.to_be_located(timezone.now()).filter(store=OuterRef("pk"))
    for store_id in _stores_with(due):
        locate_store.delay(store_id)


@shared_task(name="deliveries.locate_store")
def locate_store(store_id: int) -> None:
    store = Store.objects.get(pk=store_id)
    locating.locate_store(store=store, now=timezone.now(), geocoder=geocoding.from_settings())


@shared_task(name="deliveries.send_notices")
def send_notices() -> None:
    """Stores in which a message is due."""
    for store_id in notices.due(timezone.now()).order_by().values_list("store", flat=True).distinct():
        send_store_notices.delay(store_id)


@shared_task(name="deliveries.send_store_notices")
def send_store_notices(store_id: int) -> None:
    notices.send_due(now=timezone.now(), store_id=store_id)


@shared_task(name="deliveries.text_code", bind=True, max_retries=3, default_retry_delay=5)
def text_code(self: Task, phone: str, code: str, language: str) -> None:
    """The code somebody asked for, by text message. Without a code there is nobody to tell: a number we do not know."""
    if not code:
        return
    try:
        notices.text_code(phone, code, language)
    except Failed as failure:
        log.warning("account.code_not_sent", error=failure.code)
        if not failure.for_good and self.request.retries < self.max_retries:
            raise self.retry() from None


@shared_task(name="deliveries.find_forewarnings")
def find_forewarnings() -> None:
    """Stores where somebody may have to be warned: a trip not over yet, or an open offer."""
    trips_on = Trip.objects.filter(store=OuterRef("pk"), state__in=TRIP_OPEN)
    offers_open = Offer.objects.filter(store=OuterRef("pk"), state=OfferState.SENT)
    for store_id in Store.objects.filter(Exists(trips_on) | Exists(offers_open)).values_list("pk", flat=True):
        forewarn_store.delay(store_id)


@shared_task(name="deliveries.forewarn_store")
def forewarn_store(store_id: int) -> None:
    notices.forewarn(store=Store.objects.get(pk=store_id), now=timezone.now())


@shared_task(name="deliveries.sweep_trips")
def sweep_trips() -> None:
    """Trips that are over and can no longer be undone are settled: a minute after the last drop-off was told, too."""
    now = timezone.now()
    over = Trip.objects.filter(
        state__in=TRIP_OVER, settled_at=None,
        ended_at__lte=now - trips.UNDO - timedelta(seconds=5),
    ).exclude(proofs__at__gt=now - trips.UNDO - timedelta(seconds=5))  # fmt: skip
    for trip_id in over.values_list("pk", flat=True)[:500]:
        settle_trip.delay(trip_id)


@shared_task(name="deliveries.settle_trip")
def settle_trip(trip_id: int) -> None:
    trips.settle(trip=Trip.objects.get(pk=trip_id), now=timezone.now())


@shared_task(name="deliveries.find_weeks")
def find_weeks() -> None:
    """Stores with trips whose workweek may just be over."""
    recent = Trip.objects.filter(store=OuterRef("pk"), settled_at__gte=timezone.now() - timedelta(days=24))
    for store_id in _stores_with(recent):
        close_weeks.delay(store_id)


@shared_task(name="deliveries.close_weeks")
def close_weeks(store_id: int) -> None:
    """Add what whole workweeks owe beyond their trips. Looks three weeks back, for shifts that were corrected late."""
    store, now = Store.objects.get(pk=store_id), timezone.now()
    for week in hours.weeks_over(store, now):
        for associate in Associate.objects.filter(pk__in=hours.with_trips_in(store, week)).order_by("pk"):
            ledger.close_week(associate=associate, week=week, now=now)


@shared_task(name="deliveries.find_webhooks")
def find_webhooks() -> None:
    """Stores whose webhooks are behind the feed, or are owed another try."""
    for store_id in webhooks.due_stores(timezone.now()):
        send_store_webhooks.delay(store_id)


@shared_task(name="deliveries.send_store_webhooks")
def send_store_webhooks(store_id: int) -> None:
    webhooks.owe(store_id, now=timezone.now())
    webhooks.send_due(store_id, now=timezone.now())


@shared_task(name="deliveries.find_imports")
def find_imports() -> None:
    """Imports that wait, or that a worker left behind when it died; one that runs is let be by its lock. And files that
    nobody needs any more."""
    for import_id in imports.unfinished():
        run_import.delay(str(import_id))
    imports.drop_files(timezone.now())  # last: a folder in trouble holds no import up


# Longer than most, for a file that is taken as a whole; the broker hands nothing out again before that.
@shared_task(name="deliveries.run_import", time_limit=590, soft_time_limit=570)
def run_import(import_id: str) -> None:
    """One turn; what is left is for the next, so that other work gets in between."""
    if not imports.run(import_id, now=timezone.now):
        run_import.delay(import_id)


@shared_task(name="deliveries.find_forgettable")
def find_forgettable() -> None:
    """Stores with customers to forget: deliveries that are done, and those of a month ago."""
    now = timezone.now()
    codes, chats = retention.codes_and_chats(now)
    over = Package.objects.filter(retention.due(now), store=OuterRef("pk"))
    here = {"package__store": OuterRef("pk")}
    found = Store.objects.filter(Exists(codes.filter(**here)) | Exists(chats.filter(**here)) | Exists(over))
    for store_id in found.values_list("pk", flat=True):
        forget_store.delay(store_id)


@shared_task(name="deliveries.forget_store")
def forget_store(store_id: int) -> None:
    store, now = Store.objects.get(pk=store_id), timezone.now()
    rows = retention.forget_what_is_done(store=store, now=now)
    log.info("forget.store", store=store.number, rows=rows, packages=retention.forget_customers(store=store, now=now))


@shared_task(name="deliveries.forget")
def forget() -> None:
    """Delete what would tell, if kept, who did not want what: unanswered offers, their messages, "not tonight". And
    sessions that are over: they name the address that somebody signed in with."""
    before = timezone.now() - FORGET_AFTER
    gone, _rows = Offer.objects.filter(state__in=[OfferState.LAPSED, OfferState.WITHDRAWN], sent_at__lt=before).delete()
    Notice.objects.filter(kind__in=notices.OF_OFFERS, made_at__lt=before).delete()
    Associate.objects.filter(resting_on__lt=before.date()).update(resting_on=None)
    terms.forget_days_before(before.date())
    ApiCall.objects.filter(made_at__lt=timezone.now() - CALLS_KEPT).delete()
    imports.forget(timezone.now() - imports.KEPT)
    WebhookDelivery.objects.filter(made_at__lt=timezone.now() - WEBHOOK_LOG_KEPT).delete()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    Round.objects.filter(slot_at__lt=before).exclude(associate_reasons={}).update(associate_reasons={})
    Round.objects.filter(slot_at__lt=before - timedelta(days=90)).delete()
    log.info("forget.done", rows=gone)


@shared_task(name="deliveries.find_papers")
def find_papers() -> None:
    """Stores in which somebody's insurance or license ends soon."""
    last = timezone.now().date() + timedelta(days=31)
    for store_id in _stores_with(
        Associate.objects.filter(store=OuterRef("pk")).filter(Q(insured_until__lte=last) | Q(licensed_until__lte=last))
    ):
        remind_of_papers.delay(store_id)


@shared_task(name="deliveries.remind_of_papers")
def remind_of_papers(store_id: int) -> None:
    remind(store=Store.objects.get(pk=store_id), now=timezone.now())


@shared_task(name="deliveries.find_stops")
def find_stops() -> None:
    """Stores that offer and have a stop rule, one task each."""
    ruled = Store.objects.filter(stage__in=["pilot", "live"], stop_rules__active=True)
    for store_id in ruled.values_list("pk", flat=True).distinct():
        look_at_rules.delay(store_id)


@shared_task(name="deliveries.look_at_rules")
def look_at_rules(store_id: int) -> None:
    stopping.look(store=Store.objects.get(pk=store_id), now=timezone.now())


@shared_task(name="deliveries.send_staff_notices")
def send_staff_notices() -> None:
    send_staff_due(now=timezone.now())


@shared_task(name="deliveries.find_simulations")
def find_simulations() -> None:
    """Runs of the simulator that nobody works on."""
    for simulation_id in simulations.waiting(timezone.now()):
        run_simulation.delay(simulation_id)


@shared_task(name="deliveries.run_simulation", time_limit=1800, soft_time_limit=1740)
def run_simulation(simulation_id: int) -> None:
    simulations.run(simulation_id=simulation_id, now=timezone.now())
