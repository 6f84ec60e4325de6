"""From the feed to deliveries, and from deliveries to the retailer: claim, send, mark. No transaction is open meanwhile."""

from __future__ import annotations

import json
import random
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from deliveries import feed, outbound
from deliveries.models import Event, Webhook, WebhookDelivery, WebhookStore

from .signing import open_secret, signature

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(days=3)
# A claim older than this is a dead process's: longer than any one call can take.
LEASE = timedelta(minutes=1)
# After the first failure so long, then twice that, and so on up to the longest; with jitter, so that a receiver that comes
# back is not run over.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=4)
MOST_OWED, MOST_SENT = 5_000, 500
TURN_S = 60.0  # the timetable begins the next


def due_stores(now: datetime) -> list[int]:
    """Stores with events that some webhook has not been given yet, or with deliveries that are due."""
    places = WebhookStore.objects.filter(webhook__active=True, webhook__key__revoked_at=None)
    newer = Event.objects.filter(store=OuterRef("store")).filter(
        Q(position=None) | Q(position__gt=OuterRef("position"))
    )
    behind = places.filter(Exists(newer)).values_list("store_id", flat=True)
    return sorted({*behind, *_due(now).order_by().values_list("store_id", flat=True).distinct()})


def owe(store_id: int, *, now: datetime) -> int:
    """Write down what the store's webhooks are owed since they were last given its feed; returns how many rows.

    A webhook's place moves in the transaction that writes its rows.
    """
    feed.number(store_id)
    owed = 0
    places = WebhookStore.objects.filter(store=store_id, webhook__active=True, webhook__key__revoked_at=None)
    for place_id in places.values_list("pk", flat=True):
        with transaction.atomic():
            place = WebhookStore.objects.select_for_update().get(pk=place_id)
            # First how far the feed goes, then what is in it up to there: what comes in between is for the next time.
            last = Event.objects.filter(store=store_id, position__isnull=False).aggregate(last=Max("position"))["last"]
            rows = list(feed.events(store_id, place.position).filter(position__lte=last or 0)[:MOST_OWED])
            WebhookDelivery.objects.bulk_create(
                [
                    WebhookDelivery(
                        webhook_id=place.webhook_id, event=event, store_id=store_id, package_id=event.package_id,
                        version=event.version, made_at=now, due_at=now,
                    )
                    for event in rows
                ],
                ignore_conflicts=True,
            )  # fmt: skip
            # Beyond the last that is told there may be some that are not; their place is passed, too.
            place.position = rows[-1].position or 0 if len(rows) == MOST_OWED else max(place.position, last or 0)
            place.save(update_fields=["position"])
            owed += len(rows)
    return owed


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    """What may be sent at `now`: of a package nothing before its turn."""
    open_ = Q(delivered_at=None, given_up_at=None)
    before = WebhookDelivery.objects.filter(
        open_, webhook=OuterRef("webhook"), package=OuterRef("package"), version__lt=OuterRef("version")
    )
    return WebhookDelivery.objects.filter(
        open_, ~Exists(before), due_at__lte=now, webhook__active=True, webhook__key__revoked_at=None
    )


def send_due(store_id: int, *, now: datetime) -> int:
    """Send what a store's webhooks are owed, one claim at a time; returns how many were delivered.

    The claim is committed before the call. A process that dies in between leaves a claim that is tried again after LEASE,
    so a receiver may see an event twice, by the same id. One that does not answer is left alone until the next turn, and
    a turn ends after TURN_S: slow receivers must not run it into the tasks' time limit.
    """
    sent, silent = 0, set[int]()
    began, at = time.monotonic(), now
    for _turn in range(MOST_SENT):
        mine = _claim(store_id, at, silent)
        if mine is None:
            break
        if _send(mine, at):
            sent += 1
        else:
            silent.add(mine.webhook_id)
        passed_s = time.monotonic() - began
        if passed_s > TURN_S:
            break
        at = now + timedelta(seconds=passed_s)  # a lease counts from its own claim, not from the first one's
    return sent


@transaction.atomic
def _claim(store_id: int, now: datetime, silent: set[int]) -> WebhookDelivery | None:
    rows = _due(now).filter(store=store_id).exclude(webhook__in=silent)
    mine = rows.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk").first()
    if mine is None:
        return None
    WebhookDelivery.objects.filter(pk=mine.pk).update(attempts=F("attempts") + 1, due_at=now + LEASE)
    return WebhookDelivery.objects.select_related("webhook", "event__package", "event__store").get(pk=mine.pk)


def _call(webhook: Webhook, shown: dict[str, Any], now: datetime) -> tuple[int | None, str]:
    """One signed call: what was answered, and what went wrong, "" for 2xx."""
    body = json.dumps(shown, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json", "User-Agent": "Homeward-Webhooks/1",
        **signature(secrets_of(webhook, now), shown["id"], timezone.now(), body),
    }  # fmt: skip
    try:
        status = outbound.post(webhook.url, body, headers, local=settings.OUTBOUND_LOCAL).status
    except (outbound.Refused, outbound.Unreachable) as failure:
        return None, failure.code
    if 200 <= status < 300:
        return status, ""
    return status, "redirect" if 300 <= status < 400 else f"answered {status}"


def try_out(webhook: Webhook, *, now: datetime) -> tuple[int | None, str]:
    """Send an event of the type "test" at once, signed like any other, about no package and kept nowhere."""
    return _call(webhook, {"id": f"evt_test_{uuid4().hex}", "type": "test", "at": now}, now)


def _send(mine: WebhookDelivery, now: datetime) -> bool:
    """One call. True when it was answered with 2xx."""
    status, error = _call(mine.webhook, feed.shown(mine.event), now)
    row = WebhookDelivery.objects.filter(pk=mine.pk, delivered_at=None)
    if not error:
        row.update(delivered_at=max(timezone.now(), now), status=status, error="")
        return True
    over = now >= mine.made_at + GIVE_UP_AFTER
    row.update(status=status, error=error[:200], due_at=now + _wait(mine.attempts), given_up_at=now if over else None)
    log.warning("webhooks.not_delivered", delivery=mine.pk, attempts=mine.attempts, error=error, over=over)
    return False


def _wait(attempts: int) -> timedelta:
    longest = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


def secrets_of(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that sign at `now`, the new one first."""
    found = [open_secret(webhook.secret)]
    if webhook.old_secret is not None and webhook.old_secret_until is not None and webhook.old_secret_until > now:
        found.append(open_secret(webhook.old_secret))
    return found
