"""Who is told what: once, truly, in their language, and not what has stopped being true. By mail; a clock that stands."""

from __future__ import annotations

import re
import smtplib
import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.core import mail
from django.db import connections
from django.utils import timezone

from associates.models import Consent
from deliveries import actors, links, matching, notices, tasks
from deliveries.actions import carriers, dropoffs, exceptions, offers, receiving
from deliveries.models import Event, Notice, Offer, Package
from deliveries.notices.sending import claim

from .. import make
from ..live import road
from ..live.server import ROOT, environment

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def told() -> None:
    """What `speak` does after a commit, as far as messages go."""
    notices.write_down(list(Event.objects.filter(noticed_at=None)), now=timezone.now())


def test_an_offer_in_one_line(settings: Any) -> None:
    settings.SITE_URL = "https://homeward.example"
    store = make.store()
    ana = make.associate(store)
    make.shift(ana)
    for _ in range(3):
        make.package(store)
    matching.run_round(store=store, now=make.EVENING)
    offer = Offer.objects.get()
    assert notices.send_due(now=make.EVENING) == 1
    assert notices.send_due(now=make.EVENING + 10 * MINUTE) == 0
    [message] = mail.outbox
    assert message.to == [ana.user.email]
    assert re.fullmatch(r"3 packages, \+\d+ min, \+\d+\.\d mi, \$\d+\.\d\d", message.subject), message.subject
    assert f"${offer.pay_cents / 100:.2f}" in message.subject
    assert re.search(r"open until \d+(:\d\d)? p\.m\.", message.body), "on the store's clock"
    assert "https://homeward.example/offers/" in message.body
    assert "nobody counts it" in message.body


def test_who_did_not_agree_to_messages_gets_none_and_an_answered_offer_is_not_announced() -> None:
    store = make.store()
    for n in range(2):
        ana = make.associate(store)
        make.shift(ana)
        if n == 0:
            Consent.objects.filter(associate=ana, kind="messages").update(withdrawn_at=timezone.now())
    for _ in range(9):
        make.package(store)
    matching.run_round(store=store, now=make.EVENING)
    assert Offer.objects.count() == 2
    answered = Offer.objects.order_by("-pk").select_related("associate")
    offers.not_tonight(offer=next(o for o in answered if o.associate == ana), by=ana, now=make.EVENING)
    assert notices.send_due(now=make.EVENING) == 0
    assert not mail.outbox
    assert not Notice.objects.exists(), "dropped, not kept for ever"


def test_customers_are_told_the_few_things_that_matter_each_with_a_link_of_its_own() -> None:
    made = road.under_way(3)
    one, two, three = made.packages
    now = timezone.now()
    told()
    notices.send_due(now=now)
    assert [message.subject for message in mail.outbox] == ["Your package is on the way"] * 3
    mail.outbox.clear()

    made.deliver(one)
    exceptions.attempt(package=two, reason="nobody_home", by=made.ana, now=now, key=uuid4())
    held, tendered = make.package(made.store), make.package(made.store)
    receiving.hold(package=held, by=actors.system("test"), now=now, reason="x")
    carriers.tender(store=made.store, packages=[tendered], by=actors.system("test"), now=now, reason="x")
    told()
    told()
    notices.send_due(now=now + 2 * MINUTE)
    assert sorted(message.subject for message in mail.outbox) == [
        "We could not leave your package", "You are the next stop", "Your package is with the carrier",
        "Your package waits for you at the store", "Your package was delivered",
    ]  # fmt: skip
    tokens = {re.search(r"/t/([\w-]{32})/", message.body)[1] for message in mail.outbox}  # type: ignore[index]
    assert len(tokens) == 5
    found = links.find_many(tokens, now)
    assert {link.package_id for link in found.values()} == {one.pk, two.pk, three.pk, held.pk, tendered.pk}
    assert "Alvarez" not in "".join(message.body for message in mail.outbox)


def test_delivered_waits_until_it_can_no_longer_be_taken_back() -> None:
    made = road.under_way(1)
    now = timezone.now()
    told()
    notices.send_due(now=now)
    mail.outbox.clear()
    proof = dropoffs.deliver(
        package=made.packages[0], by=made.ana, now=now, key=uuid4(),
        position=dropoffs.Position(made.packages[0].point, 5),
    )  # fmt: skip
    told()
    assert notices.send_due(now=now + MINUTE) == 0, "not yet"
    dropoffs.undo(proof=proof, by=made.ana, now=now + timedelta(seconds=30))
    told()
    assert notices.send_due(now=now + 5 * MINUTE) == 0, "it never was"
    made.deliver(made.packages[0])
    told()
    assert notices.send_due(now=timezone.now() + 5 * MINUTE) == 1
    assert [message.subject for message in mail.outbox] == ["Your package was delivered"]


def test_what_is_no_longer_true_or_has_no_reader_is_dropped() -> None:
    made = road.under_way(2)
    Package.objects.filter(pk=made.packages[1].pk).update(email="")
    told()
    exceptions.attempt(package=made.packages[0], reason="unsafe", by=made.ana, now=timezone.now(), key=uuid4())
    told()
    notices.send_due(now=timezone.now())
    assert [message.subject for message in mail.outbox] == ["We could not leave your package"]


def test_a_claim_of_a_dead_process_is_taken_up_again_and_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    road.under_way(1)
    told()
    now = timezone.now()

    def refuses(self: object, *args: object) -> int:
        raise smtplib.SMTPServerDisconnected("while writing to sam@example.net")

    assert claim(now) is not None
    assert claim(now) is None, "taken"
    assert claim(now + MINUTE) is None, "perhaps still at it"
    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuses)
    for turn in range(1, 12):
        assert notices.send_due(now=now + turn * 5 * MINUTE) == 0
    notice = Notice.objects.get(kind="on_the_way")
    assert notice.attempts == notices.MOST_ATTEMPTS
    assert notice.sent_at is None
    assert notice.failed_at is not None
    assert notice.error == "SMTPServerDisconnected", "and nobody's address"


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_message_once() -> None:
    made = road.under_way(6)
    now = timezone.now()
    assert Notice.objects.filter(kind="on_the_way").count() == 6, "written down after the commit"
    Notice.objects.exclude(kind="on_the_way").delete()
    barrier = threading.Barrier(4)

    def send() -> None:
        barrier.wait(10)
        try:
            notices.send_due(now=now)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(mail.outbox) == 6
    assert len({message.body for message in mail.outbox}) == 6
    assert {notice.attempts for notice in Notice.objects.all()} == {1}
    assert made.trip.pk


@pytest.mark.django_db(transaction=True)
def test_waking_needs_somebody_who_is_owed_something(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: woken.append(name))
    package = make.package(make.store())
    assert woken == []
    receiving.hold(package=package, by=actors.system("test"), now=timezone.now(), reason="x")
    assert woken == ["deliveries.send_notices"]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_stops_no_verb(settings: Any) -> None:
    current_app.conf.broker_url, before = "redis://127.0.0.1:1/0", current_app.conf.broker_url
    try:
        package = make.package(make.store())
        receiving.hold(package=package, by=actors.system("test"), now=timezone.now(), reason="x")
    finally:
        current_app.conf.broker_url = before
    assert Notice.objects.filter(package=package, sent_at=None).exists(), "the timetable sends it"


# Claims a notice as a worker would, and dies before the mail is out.
DYING = """
import os
import django
django.setup()
from datetime import datetime
from deliveries import notices
from deliveries.notices import channels
channels.MAIL.send = lambda text, to: os._exit(9)
notices.send_due(now=datetime.fromisoformat("{now}"))
raise SystemExit("it was to die before this")
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_between_claim_and_sending_leaves_it_to_the_next() -> None:
    road.under_way(1)
    Notice.objects.exclude(kind="on_the_way").delete()
    now = timezone.now()
    process = subprocess.run(
        [sys.executable, "-c", DYING.format(now=now.isoformat())],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert process.returncode == 9, process.stderr
    notice = Notice.objects.get()
    assert (notice.claimed_at, notice.sent_at, notice.attempts) == (now, None, 1)
    assert notices.send_due(now=now + MINUTE) == 0, "perhaps it is still at it"
    assert notices.send_due(now=now + 2 * MINUTE) == 1
    assert notices.send_due(now=now + 60 * MINUTE) == 0
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_the_tasks_hand_out_one_task_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = [make.store() for _ in range(3)]
    for store in stores[:2]:
        receiving.hold(package=make.package(store), by=actors.system("test"), now=timezone.now(), reason="x")
    handed: list[int] = []
    monkeypatch.setattr(tasks.send_store_notices, "delay", handed.append)
    tasks.send_notices()
    assert sorted(handed) == sorted(store.pk for store in stores[:2])
    tasks.send_store_notices(handed[0])
    assert len(mail.outbox) == 1, "that store's and no other's"
    road.under_way(1)
    monkeypatch.setattr(tasks.forewarn_store, "delay", tasks.forewarn_store)
    tasks.find_forewarnings()
