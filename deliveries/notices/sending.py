"""Sending what is due: claim, look whether it is still true and wanted, send, mark. No transaction is open meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from deliveries import links, switches, waking
from deliveries.live import snapshots
from deliveries.live.words import Status
from deliveries.models import MessageOptOut, Notice, PushSubscription
from deliveries.models.notice import Channel
from deliveries.states import OfferState, TripState

from . import channels, readers, texts, wording
from .channels import Failed, Text
from .kinds import ABOUT_PAPERS, ALL
from .papers import paper_key

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 5
# A claim older than this is a dead process's: longer than any one message can take. After failures twice, four times ...
LEASE, LONGEST_WAIT = timedelta(minutes=2), timedelta(minutes=10)
MOST_AT_ONCE = 200
URGENT_FOR = timedelta(hours=1)


def wake() -> None:
    """Wake the messengers when somebody is owed something new. The timetable does it anyway, a little later."""
    if due(timezone.now()).filter(claimed_at=None).exists():
        waking.wake("deliveries.send_notices")


def due(now: datetime, store_id: int | None = None) -> QuerySet[Notice]:
    """What may be claimed at `now`, in one store or anywhere: the only place that asks whether messages are switched off."""
    waiting = Notice.objects.filter(
        Q(audience=Notice.Audience.STAFF) | ~switches.standing(switches.What.MESSAGES),
        sent_at=None, failed_at=None, due_at__lte=now, attempts__lt=MOST_ATTEMPTS,
    )  # fmt: skip
    return waiting if store_id is None else waiting.filter(store=store_id)


def send_due(*, now: datetime, store_id: int | None = None) -> int:
    """Send what is owed (in one store), one claim at a time; returns how many were sent.

    The claim is committed before the sending. A process that dies in between leaves a claim that is tried again after
    LEASE, so a message may in rare cases come twice, and is never lost without a trace.
    """
    sent, began, at = 0, time.monotonic(), now
    with channels.MAIL:
        for _turn in range(MOST_AT_ONCE):
            notice = claim(at, store_id)
            if notice is None:
                break
            sent += _send(notice, at)
            # A lease counts from its own claim, not from the first one's: a slow gateway must not use it up before.
            at = now + timedelta(seconds=time.monotonic() - began)
    return sent


@transaction.atomic
def claim(now: datetime, store_id: int | None = None) -> Notice | None:
    """The next due notice, ours alone: who comes at the same time skips a locked row and finds it claimed later."""
    mine = due(now, store_id).select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk").first()
    if mine is None:
        return None
    again = min(LEASE * 2**mine.attempts, LONGEST_WAIT)
    Notice.objects.filter(pk=mine.pk).update(claimed_at=now, attempts=F("attempts") + 1, due_at=now + again)
    return Notice.objects.select_related(
        "store",
        "package__store",
        "associate__user",
        "member__user",
        "offer__store",
        "trip__shift",
        "trip__associate",
        "subscription",
        "swap__asker",
        "swap__colleague",
    ).get(pk=mine.pk)


def _send(notice: Notice, now: datetime) -> bool:
    mine = Notice.objects.filter(pk=notice.pk, claimed_at=notice.claimed_at, sent_at=None)
    way = readers.way_of(notice)
    write = _still_true(notice, now) if way and not _stale(notice, now) else None
    if way is None or write is None:
        mine.delete()  # nobody to read it, or nothing left to say: dropped, not kept for ever
        return False
    if held := readers.held_until(notice, now):
        mine.update(due_at=held, claimed_at=None, attempts=F("attempts") - 1)
        return False
    try:
        send_by(way, write())
    except Failed as failure:
        _note(notice, mine, way, failure, now)
        return False
    mine.update(sent_at=max(timezone.now(), now), error="")
    return True


def send_by(way: readers.Way, text: Text) -> None:
    """Send one message by one way, at once. Raises Failed."""
    if way.subscription is not None:
        channels.PUSH.send(text, way.subscription)
    elif way.channel == Channel.SMS:
        channels.SMS.send(text, way.address)
    else:
        channels.MAIL.send(text, way.address)


def _note(notice: Notice, mine: QuerySet[Notice], way: readers.Way, failure: Failed, now: datetime) -> None:
    over = failure.for_good or notice.attempts >= MOST_ATTEMPTS
    mine.update(error=failure.code[:200], failed_at=now if over else None)
    log.warning("notices.not_sent", notice=notice.pk, attempts=notice.attempts, error=failure.code, over=over)
    if failure.gone:
        closed(way, now)


def closed(way: readers.Way, now: datetime) -> None:
    """The other side said that this address is no more: a browser unsubscribed, a number answered STOP."""
    if way.subscription is not None:
        PushSubscription.objects.filter(pk=way.subscription.pk).delete()
    elif way.channel == Channel.SMS:
        digest = readers.hashes(way.channel, way.address)[0]
        MessageOptOut.objects.update_or_create(
            channel=way.channel, address_hash=digest, defaults={"at": now, "by_gateway": True}
        )


def _stale(notice: Notice, now: datetime) -> bool:
    """Whether a switch held it until it is news no more: urgent ones after an hour, others as long as a push would last."""
    kind = ALL[notice.kind]
    began = notice.made_at + kind.wait
    lasts = min(kind.lasts, URGENT_FOR) if kind.urgent else kind.lasts
    if notice.audience == Notice.Audience.STAFF or now <= began + lasts:
        return False
    return switches.stood(switches.What.MESSAGES, notice.store_id, began, now)


# --- Whether it is still true, and its words -------------------------------------------------------------------------------
def _still_true(notice: Notice, now: datetime) -> Callable[[], Text] | None:
    """What writes the message, or None when it is no longer true."""
    if notice.audience == Notice.Audience.CUSTOMER:
        return _to_customer(notice, now)
    if notice.member is not None:
        return _about_shifts(notice, now) if notice.kind == "shifts_moved" else _to_staff(notice)
    if notice.offer is not None:
        return _about_offer(notice, now)
    if notice.swap is not None:
        return _about_swap(notice, now)
    return _about_trip(notice)


def _to_customer(notice: Notice, now: datetime) -> Callable[[], Text] | None:
    package = notice.package
    if package is None or package.state not in ALL[notice.kind].true_in:
        return None
    facts = snapshots.load([package.pk], now=now)[package.pk]
    if (notice.kind == "next" and facts.status != Status.NEXT) or facts.status == Status.COLLECTED:
        return None
    window = facts.window
    if notice.kind == "late" and not facts.late:
        return None

    def write() -> Text:
        """Every message carries a link of its own, made when it is sure to be sent."""
        link = links.url(links.issue(package=package, now=now))
        language = notice.subscription.language if notice.subscription else package.language
        return texts.write(
            notice.kind, texts.of_package(package, facts, window, channel=notice.channel, language=language, now=now),
            language=language, zone=package.store.zone, link=link, stop=f"{link}messages/",
            said=wording.in_force(package.store_id).get((notice.kind, language)),
        )  # fmt: skip

    return write


def _to_staff(notice: Notice) -> Callable[[], Text] | None:
    trip, member = notice.trip, notice.member
    assert member is not None
    if trip is None or trip.state != TripState.ABANDONED:
        return None
    return lambda: texts.write(
        notice.kind, texts.of_stop(trip, language=member.user.language),
        language=member.user.language, zone=notice.store.zone, link=texts.page_of(notice),
    )  # fmt: skip


def _about_shifts(notice: Notice, now: datetime) -> Callable[[], Text] | None:
    member, packages = notice.member, texts.came_back(notice.store, now)
    assert member is not None
    if not packages:
        return None
    return lambda: texts.write(
        notice.kind, {"packages": packages}, language=member.user.language, zone=notice.store.zone,
        link=texts.page_of(notice),
    )  # fmt: skip


def _about_offer(notice: Notice, now: datetime) -> Callable[[], Text] | None:
    offer, person = notice.offer, notice.associate
    assert offer is not None
    assert person is not None
    wanted = OfferState.WITHDRAWN if notice.kind == "offer_withdrawn" else OfferState.SENT
    if offer.state != wanted or offer.expires_at <= now:
        return None
    told = {"kind__in": ("offer", "offer_closing"), "channel": notice.channel, "sent_at__isnull": False}
    if notice.kind == "offer_withdrawn" and not offer.notices.filter(**told).exists():
        return None  # they never heard of it by this way
    packages = offer.lines.count() if notice.kind == "offer_withdrawn" else offer.lines.filter(open=True).count()
    return lambda: texts.write(
        notice.kind, texts.of_offer(offer, packages, person.first_name),
        language=person.user.language, zone=notice.store.zone, link=texts.page_of(notice),
    )  # fmt: skip


def _about_swap(notice: Notice, now: datetime) -> Callable[[], Text] | None:
    """A question that is over is deleted, and its messages with it; here it may have run out, or be the other's turn."""
    swap, person = notice.swap, notice.associate
    assert swap is not None
    assert person is not None
    if swap.expires_at <= now or swap.awaited_id != person.pk:
        return None
    other = swap.asker if person.pk == swap.colleague_id else swap.colleague
    return lambda: texts.write(
        notice.kind, texts.of_swap(swap, person.first_name, other.first_name, notice.channel),
        language=person.user.language, zone=notice.store.zone, link=texts.page_of(notice),
    )  # fmt: skip


def _about_trip(notice: Notice) -> Callable[[], Text] | None:
    trip, person = notice.trip, notice.associate
    if person is not None and notice.kind == "test":
        return lambda: texts.write(
            "test", {"name": texts.line(person.first_name)},
            language=person.user.language, zone=notice.store.zone, link=texts.page_of(notice),
        )  # fmt: skip
    if person is not None and notice.kind in ABOUT_PAPERS:
        until = getattr(person, ABOUT_PAPERS[notice.kind])
        if until is None or not notice.key.startswith(paper_key(person.pk, notice.kind, until)):
            return None  # somebody has seen new papers since
        return lambda: texts.write(
            notice.kind, {"name": texts.line(person.first_name), "paper_until": until},
            language=person.user.language, zone=notice.store.zone, link=texts.page_of(notice),
        )  # fmt: skip
    if trip is None or person is None:
        return None
    states = ALL[notice.kind].true_in
    if (states and trip.state not in states) or (notice.kind == "pay_settled" and not trip.entries.exists()):
        return None
    return lambda: texts.write(
        notice.kind, texts.of_trip(trip, trip.packages.count(), person.first_name),
        language=person.user.language, zone=notice.store.zone, link=texts.page_of(notice),
    )  # fmt: skip
