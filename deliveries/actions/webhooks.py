"""Webhooks are set up, given a new secret, sent again, and ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_lazy as _

from deliveries import feed, outbound, waking, webhooks
from deliveries.models import Event, Webhook, WebhookDelivery, WebhookStore
from stores.models import ApiKey, Store

from . import Refused

OVERLAP = timedelta(days=7)
MOST_OF_A_KEY = 10
_SENTENCES = {
    "https": _("Give an address that begins with https://."),
    "private_address": _("That address is not one of the public internet. Events are sent to public addresses only."),
}


class BadAddress(Refused):
    code = "webhook_address"
    status = 400
    sentence = _("That is no address to send to. Write it whole, such as https://example.com/homeward.")


class TooMany(Refused):
    code = "too_many_webhooks"
    sentence = _("A key has at most ten webhooks. Delete one that is no longer used.")


class KnownAddress(Refused):
    code = "webhook_known"
    sentence = _("This key has a webhook with that address already.")


def set_up(*, key: ApiKey, url: str, stores: Iterable[Store], now: datetime) -> tuple[Webhook, str]:
    """Tell `url` of every event of these stores from now on. The second value is its secret, shown once.

    Raises BadAddress, KnownAddress, TooMany.
    """
    try:
        outbound.check(url, local=settings.OUTBOUND_LOCAL)
    except outbound.Refused as refused:
        raise BadAddress(_SENTENCES.get(refused.code)) from refused
    return _set_up(key, url, stores, now)  # the name is resolved by now: no transaction waits for that


@transaction.atomic
def _set_up(key: ApiKey, url: str, stores: Iterable[Store], now: datetime) -> tuple[Webhook, str]:
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if locked.webhooks.filter(url=url).exists():
        raise KnownAddress
    if locked.webhooks.count() >= MOST_OF_A_KEY:
        raise TooMany
    secret = webhooks.new_secret()
    made = Webhook.objects.create(key=key, url=url, secret=webhooks.seal(secret), made_at=now)
    for store in stores:
        feed.number(store.pk)
        last = Event.objects.filter(store=store, position__isnull=False).aggregate(last=Max("position"))["last"]
        WebhookStore.objects.create(webhook=made, store=store, position=last or 0)
    return made, secret


@transaction.atomic
def rotate(*, webhook: Webhook, now: datetime, overlap: timedelta = OVERLAP) -> str:
    """A new secret; the one before signs beside it for `overlap`, so that the receiver changes over in its own time."""
    locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
    secret = webhooks.new_secret()
    locked.old_secret, locked.old_secret_until = locked.secret, now + overlap
    locked.secret = webhooks.seal(secret)
    locked.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return secret


@transaction.atomic
def end(*, webhook: Webhook) -> None:
    """Send nothing there any more, and forget what was sent."""
    Webhook.objects.filter(pk=webhook.pk).delete()


@transaction.atomic
def replay(*, deliveries: QuerySet[WebhookDelivery], now: datetime) -> int:
    """Send these again, delivered or given up as they may be: in turn, and for three days from now. Returns how many."""
    stores = set(deliveries.values_list("store_id", flat=True))
    again = WebhookDelivery.objects.filter(pk__in=deliveries.values("pk")).update(
        delivered_at=None, given_up_at=None, due_at=now, made_at=now, attempts=0, status=None, error=""
    )
    for store_id in stores:
        transaction.on_commit(lambda pk=store_id: waking.wake("deliveries.send_store_webhooks", pk), robust=True)  # type: ignore[misc]
    return again
