"""How people want to be told, said by themselves: choices, browsers, and addresses not to be written to."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import notices
from deliveries.models import MessageOptOut, MessageSettings, Notice, Package, PushSubscription
from deliveries.models.notice import Channel
from deliveries.notices import readers
from deliveries.notices.channels import push

from . import Refused

MOST_BROWSERS = 10  # of one person, or for one package; the oldest goes
MOST_TESTS, TEST_WINDOW = 5, timedelta(hours=1)


class NotABrowser(Refused):
    code = "not_a_browser"
    sentence = _("This browser's notification service is not one we write to. Choose e-mail or text messages instead.")


class EnoughTests(Refused):
    code = "enough_tests"
    sentence = _("That was enough tests for an hour. Look below for what became of them, and check your settings.")


class NoWay(Refused):
    code = "no_way"
    sentence = _("No message can reach you: agree to messages under “Me”, and choose at least one way here.")


class StoppedByReply(Refused):
    code = "stopped_by_reply"
    sentence = _(
        "Somebody answered STOP from this number. Send START as an answer to our last message to hear from us."
    )


@transaction.atomic
def choose(*, associate: Associate, by: Associate, now: datetime, **changes: Any) -> MessageSettings:
    """Change how one is told; fields as in MessageSettings, checked by the caller's form."""
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    chosen, _fresh = MessageSettings.objects.get_or_create(associate=person)
    for field, value in changes.items():
        setattr(chosen, field, value)
    chosen.full_clean()
    chosen.save()
    return chosen


@transaction.atomic
def subscribe(
    *, endpoint: str, p256dh: str, auth: str, device: str, language: str, by: Associate | Package, now: datetime
) -> PushSubscription:
    """Tell this browser from now on. Again is a renewal; another associate's browser changes hands. Raises NotABrowser."""
    try:
        push.check(endpoint, p256dh, auth)
    except push.BadSubscription as error:
        raise NotABrowser from error
    owner: dict[str, Any]
    if isinstance(by, Associate):
        Associate.objects.select_for_update().get(pk=by.pk)
        owner, mine = {"associate": by}, PushSubscription.objects.filter(associate=by)
    else:
        Package.objects.for_update([by.pk])
        owner, mine = {"package": by}, PushSubscription.objects.filter(package=by)
    key: dict[str, Any] = {"endpoint_hash": hashlib.sha256(endpoint.encode()).digest(), "package": owner.get("package")}
    values = {
        **owner, "endpoint": endpoint, "p256dh": p256dh, "auth": auth, "device": device[:60], "language": language,
        "made_at": now,
    }  # fmt: skip
    made, _fresh = PushSubscription.objects.update_or_create(**key, defaults=values)
    too_many = mine.order_by("-made_at", "-pk").values_list("pk", flat=True)[MOST_BROWSERS:]
    PushSubscription.objects.filter(pk__in=list(too_many)).delete()
    return made


@transaction.atomic
def unsubscribe(*, subscription_id: int, by: Associate, now: datetime) -> None:
    """Forget one of the associate's browsers. Another's is left alone; twice is once."""
    PushSubscription.objects.filter(pk=subscription_id, associate=by).delete()


@transaction.atomic
def unsubscribe_customer(*, package: Package, now: datetime) -> None:
    """Forget every browser that asked to be told of this package."""
    PushSubscription.objects.filter(package=package).delete()


@transaction.atomic
def send_test(*, by: Associate, now: datetime, key: str) -> None:
    """Owe a test message by every way they have; the messengers send it. Raises NoWay, EnoughTests."""
    person = Associate.objects.select_for_update().select_related("user").get(pk=by.pk)
    tests = Notice.objects.filter(associate=person, kind="test", made_at__gt=now - TEST_WINDOW)
    if tests.values("made_at").distinct().count() >= MOST_TESTS:
        raise EnoughTests
    if not notices.owe_test(person, now=now, key=key):
        raise NoWay
    transaction.on_commit(lambda: notices.wake(), robust=True)


@transaction.atomic
def stop(*, package: Package, channel: str, now: datetime) -> None:
    """Never write to the package's address of this channel again, about this or any package. Twice is once."""
    for address in _addresses(package, channel):
        digest = readers.hashes(channel, address)[0]
        MessageOptOut.objects.get_or_create(channel=channel, address_hash=digest, defaults={"at": now})


@transaction.atomic
def start(*, package: Package, channel: str, now: datetime) -> None:
    """Write to it again. Raises StoppedByReply where only the gateway can lift it."""
    for address in _addresses(package, channel):
        rows = MessageOptOut.objects.filter(channel=channel, address_hash__in=readers.hashes(channel, address))
        if rows.filter(by_gateway=True).exists():
            raise StoppedByReply
        rows.delete()


def forget(*, associate: Associate) -> None:
    """Somebody left: their number, their browsers and what they were told go. Called by `standing.leave`."""
    MessageSettings.objects.filter(associate=associate).delete()
    PushSubscription.objects.filter(associate=associate).delete()
    Notice.objects.filter(associate=associate).delete()


def _addresses(package: Package, channel: str) -> list[str]:
    return [way.address for way in readers.addresses_of(package) if way.channel == Channel(channel)]
