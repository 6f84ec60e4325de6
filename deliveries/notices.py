"""Who is told what. First written down, once, by a unique key; then sent by whoever claims it first.

A notice that is no longer true when its turn comes is dropped, not sent: an offer that was answered, an "on the way"
of a package that has arrived. Only mail so far; SMS and push will read the same rows.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from associates.models import Consent
from deliveries import links
from deliveries.models import Event, Notice, Offer, Package
from deliveries.states import OfferState, PackageState

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 5
RETRY_AFTER = timedelta(minutes=2)  # longer than one mail can take, so that a claim this old is a dead process's
SMTP_TIMEOUT_S = 20
MOST_AT_ONCE = 200
# A connection of its own: the workers' waits for hours, and nobody's tap may.
BROKER_WAIT = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}

# Verb -> the message it owes the customer. Few on purpose: what they would want to be told without looking.
KINDS = {
    "depart": "on_the_way",
    "deliver": "delivered",
    "attempt": "attempted",
    "tender": "with_carrier",
    "hold": "pick_up",
}
# In these states a message of this kind is still true.
TRUE_IN = {
    "on_the_way": {PackageState.OUT},
    "delivered": {PackageState.DELIVERED},
    "attempted": {PackageState.ATTEMPTED, PackageState.KEPT, PackageState.RETURNING, PackageState.RETURNED},
    "with_carrier": {PackageState.WITH_CARRIER},
    "pick_up": {PackageState.HELD_FOR_PICKUP},
}
# A drop-off can be taken back for 60 seconds. The page says it at once; a message cannot be unsaid, so it waits.
HELD_BACK = {"delivered": timedelta(seconds=65)}


def wake() -> None:
    """Wake the messengers when somebody is owed something new. The timetable does it anyway, a little later."""
    if not Notice.objects.filter(sent_at=None, claimed_at=None).exists():
        return
    try:
        with current_app.connection_for_write(transport_options=BROKER_WAIT) as broker:
            current_app.send_task("deliveries.send_notices", expires=30, retry=False, connection=broker)
    except (OperationalError, RedisError) as error:
        log.warning("notices.broker_away", error=type(error).__name__)


def owe_offers(offers: Sequence[Offer], *, now: datetime) -> None:
    """Write down that these associates are to be told of their offers."""
    Notice.objects.bulk_create(
        [
            Notice(
                key=f"offer/{offer.pk}", audience=Notice.Audience.ASSOCIATE, kind="offer",
                associate_id=offer.associate_id, made_at=now,
            )
            for offer in offers
        ],
        ignore_conflicts=True,
    )  # fmt: skip


@transaction.atomic
def write_down(events: Iterable[Event], *, now: datetime) -> None:
    """Write down what customers are owed for these events, once an event, however often this is called."""
    new = [event for event in events if event.noticed_at is None]
    if not new:
        return
    Notice.objects.bulk_create(
        [
            Notice(
                key=f"package/{event.package_id}/{KINDS[event.verb]}/{event.version}",
                audience=Notice.Audience.CUSTOMER, kind=KINDS[event.verb], package_id=event.package_id, made_at=now,
            )
            for event in new
            if event.verb in KINDS
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    Event.objects.filter(pk__in=[event.pk for event in new], noticed_at=None).update(noticed_at=now)


def send_due(*, now: datetime) -> int:
    """Send what is owed, one claim at a time; returns how many were sent.

    The claim is committed before the sending. A process that dies in between leaves a claim that is tried again after
    RETRY_AFTER, so a message may in rare cases come twice, and is never lost without a trace.
    """
    sent = 0
    connection: BaseEmailBackend | None = None
    try:
        for _turn in range(MOST_AT_ONCE):
            notice = _claim(now)
            if notice is None:
                break
            connection = connection or get_connection(timeout=SMTP_TIMEOUT_S)
            sent += _send(notice, connection, now)
    finally:
        if connection is not None:
            connection.close()
    return sent


def _due(now: datetime) -> QuerySet[Notice]:
    ripe = ~Q(kind__in=HELD_BACK)
    for kind, wait in HELD_BACK.items():
        ripe |= Q(kind=kind, made_at__lte=now - wait)
    free = Q(claimed_at=None) | Q(claimed_at__lte=now - RETRY_AFTER)
    return Notice.objects.filter(ripe, free, sent_at=None, attempts__lt=MOST_ATTEMPTS)


@transaction.atomic
def _claim(now: datetime) -> Notice | None:
    """The next due notice, ours alone: who comes at the same time skips a locked row and finds it claimed later."""
    notice = _due(now).select_for_update(skip_locked=True, of=("self",)).order_by("made_at", "pk").first()
    if notice is None:
        return None
    Notice.objects.filter(pk=notice.pk).update(claimed_at=now, attempts=F("attempts") + 1)
    notice.refresh_from_db()
    return notice


def _send(notice: Notice, connection: BaseEmailBackend, now: datetime) -> bool:
    mine = Notice.objects.filter(pk=notice.pk, claimed_at=notice.claimed_at, sent_at=None)
    message = _offer_mail(notice, now) if notice.kind == "offer" else _customer_mail(notice, now)
    if message is None:
        mine.delete()
        return False
    message.connection = connection
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        code = getattr(error, "smtp_code", "")
        mine.update(error=f"{type(error).__name__} {code}".strip())  # never its text: it quotes the address
        log.warning("notices.not_sent", notice=notice.pk, attempts=notice.attempts, error=type(error).__name__)
        connection.close()
        return False
    mine.update(sent_at=max(timezone.now(), now), error="")
    return True


def _customer_mail(notice: Notice, now: datetime) -> EmailMessage | None:
    """None when the message is no longer true, or there is no address to send it to."""
    package = Package.objects.select_related("store", "trip__associate", "tender__manifest__carrier").get(
        pk=notice.package_id
    )
    if package.state not in TRUE_IN[notice.kind] or not package.email:
        return None
    tender = getattr(package, "tender", None)
    context = {
        "store": package.store,
        "courier": package.trip.associate.first_name if package.trip else "",
        "carrier": tender.manifest.carrier.name if tender else "",
        "link": links.url(links.issue(package=package, now=now)),
        "since": package.state_since,
    }
    with translation.override(package.language), timezone.override(package.store.zone):
        return _mail(notice.kind, package.email, context)


def _offer_mail(notice: Notice, now: datetime) -> EmailMessage | None:
    """None when the offer is answered or over, or the associate did not agree to messages."""
    offer = (
        Offer.objects.select_related("associate__user", "store")
        .filter(pk=int(notice.key.removeprefix("offer/")), state=OfferState.SENT, expires_at__gt=now)
        .first()
    )
    if offer is None or not offer.associate.consents.filter(kind=Consent.Kind.MESSAGES, withdrawn_at=None).exists():
        return None
    packages = offer.lines.filter(open=True).count()
    user = offer.associate.user
    with translation.override(user.language), timezone.override(offer.store.zone):
        context = {
            "name": offer.associate.first_name,
            "packages": ngettext("%(n)d package", "%(n)d packages", packages) % {"n": packages},
            "offer": offer,
            "link": settings.SITE_URL + _offers_path(),
        }
        return _mail("offer", user.email, context)


def _offers_path() -> str:
    try:
        return reverse("offers")
    except NoReverseMatch:
        return "/offers/"


def _mail(kind: str, to: str, context: dict[str, object]) -> EmailMessage:
    """A mail from templates/messages/<kind>.txt: its first line is the subject."""
    subject, _blank, body = render_to_string(f"messages/{kind}.txt", context).strip().partition("\n")
    return EmailMessage(subject=subject.strip(), body=body.strip() + "\n", to=[to])
