"""Each channel against a real server on this machine: what it is sent, and what its answers mean."""

from __future__ import annotations

import email
import email.policy
import json
import logging
import multiprocessing
import re
import socketserver
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from py_vapid import Vapid02

from deliveries import actors, notices
from deliveries.actions import messages as verbs
from deliveries.actions import receiving
from deliveries.models import MessageOptOut, Notice, Package, PushSubscription
from deliveries.notices import channels, readers
from deliveries.notices.channels import Failed, Text
from deliveries.notices.channels import push as push_channel
from deliveries.notices.owed import owe_customers

from .. import make
from .conftest import Browser, Service

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
TEXT = Text("Subject", "Body\n", "Title", "Short ünd 🙂", "https://homeward.example/t/secret/", language="es")


def subscribed(browser: Browser, by: Any) -> PushSubscription:
    return verbs.subscribe(
        endpoint=browser.endpoint, **browser.keys, device="Chrome, Android", language="en", by=by, now=make.EVENING
    )


def owed(**fields: Any) -> Package:
    """A package held for pick-up, whose customer is owed just that message."""
    package = make.package(make.store(), **fields)
    package = receiving.hold(package=package, by=actors.system("test"), now=make.EVENING, reason="x")
    owe_customers([(package, "pick_up", "1")], now=make.EVENING)
    return package


# --- Web push ------------------------------------------------------------------------------------------------------------
def test_a_push_is_read_by_that_browser_alone_and_signed_with_our_key(push_service: Service) -> None:
    browser = Browser(push_service)
    channels.PUSH.send(TEXT, subscribed(browser, make.associate(make.store())))
    [(path, headers, body)] = push_service.received
    assert path == "/push/one"
    assert browser.read(body) == {"title": "Title", "body": "Short ünd 🙂", "url": TEXT.link, "lang": "es"}
    assert b"Title" not in body
    assert headers["ttl"] == str(12 * 3600)
    assert Vapid02.verify(headers["authorization"])
    assert channels.PUSH.public_key() in headers["authorization"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(push_service: Service, status: int) -> None:
    package = owed(email="")
    subscribed(Browser(push_service), package)
    owe_customers([(package, "pick_up", "1")], now=make.EVENING)
    push_service.status = status
    assert notices.send_due(now=make.EVENING) == 0
    assert not PushSubscription.objects.exists()
    assert len(push_service.received) == 1
    assert notices.send_due(now=make.EVENING + 60 * MINUTE) == 0
    assert len(push_service.received) == 1


def test_a_service_in_trouble_is_asked_again_later_and_later(push_service: Service) -> None:
    package = owed(email="")
    subscribed(Browser(push_service), package)
    owe_customers([(package, "pick_up", "1")], now=make.EVENING)
    push_service.status = 503
    for minute in range(60):
        notices.send_due(now=make.EVENING + minute * MINUTE)
    assert len(push_service.received) == notices.MOST_ATTEMPTS
    notice = Notice.objects.get(channel="push")
    assert (notice.sent_at, notice.error) == (None, "push 503")
    assert notice.failed_at is not None
    assert PushSubscription.objects.exists(), "503 says nothing about the browser"


def test_the_waits_double(push_service: Service) -> None:
    package = owed(email="")
    subscribed(Browser(push_service), package)
    owe_customers([(package, "pick_up", "1")], now=make.EVENING)
    push_service.status = 503
    at = []
    for minute in range(40):
        before = len(push_service.received)
        notices.send_due(now=make.EVENING + minute * MINUTE)
        at += [minute] * (len(push_service.received) - before)
    assert at == [0, 2, 6, 14, 24]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/push/1", "http://fcm.googleapis.com/x", "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com@evil.example/", "https://evil.push.apple.com.example/", "file:///etc/passwd",
        "https://127.0.0.1/", "https://[::1]/", "https://fcm.googleapis.com:99999/x", "", "https://", "\x00",
        "https://fcm.googleapis.com/" + "x" * 1000,
    ],
)  # fmt: skip
def test_our_server_calls_no_address_but_a_push_services(endpoint: str, service: Service) -> None:
    with pytest.raises(push_channel.BadSubscription):
        push_channel.check(endpoint, **Browser(service).keys)


@pytest.mark.parametrize(
    "keys", [{"p256dh": "AAAA"}, {"auth": "AAAA"}, {"p256dh": "é"}, {"p256dh": "B" * 88}, {"auth": ""}]
)
def test_keys_that_fit_no_browser_are_refused(keys: dict[str, str], service: Service) -> None:
    good = Browser(service).keys
    push_channel.check("https://fcm.googleapis.com/fcm/send/abc", **good)
    push_channel.check("https://web.push.apple.com/abc", **good)
    with pytest.raises(push_channel.BadSubscription):
        push_channel.check("https://fcm.googleapis.com/fcm/send/abc", **(good | keys))


def _make_key(folder: str, results: Any) -> None:
    from django.conf import settings

    settings.VAR_DIR = Path(folder)
    results.put(push_channel._kept().read_bytes())


def test_development_makes_one_key_however_many_start_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_make_key, args=(str(tmp_path), results)) for _ in range(6)]
    for process in processes:
        process.start()
    keys = {results.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(10)
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["vapid.pem"], "nothing half-made is left"
    assert stat.S_IMODE((tmp_path / "vapid.pem").stat().st_mode) == 0o600


def test_without_a_key_production_offers_no_push(settings: Any) -> None:
    push_channel._key.cache_clear()
    settings.DEMO = False
    try:
        assert not channels.PUSH.offered()
        assert channels.PUSH.public_key() == ""
    finally:
        push_channel._key.cache_clear()


# --- Text messages ---------------------------------------------------------------------------------------------------------
def test_a_text_message_reaches_the_gateway(gateway: Service) -> None:
    package = owed(email="", phone="(201) 555-0123")
    assert notices.send_due(now=make.EVENING) == 1
    [(_path, _headers, body)] = gateway.received
    said = json.loads(body)
    assert said["to"] == "+12015550123"
    assert said["message"].startswith("Homeward: Your package waits for you at Test store. https://homeward.example/t/")
    assert Notice.objects.get(package=package, channel="sms").sent_at is not None


def test_a_number_that_said_stop_is_not_written_to_again(gateway: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    owed(email="", phone="201-555-0123")
    gateway.status = 410
    assert notices.send_due(now=make.EVENING) == 0
    row = MessageOptOut.objects.get()
    assert row.by_gateway
    assert b"2015550123" not in bytes(row.address_hash)
    assert Notice.objects.get(channel="sms").error == "gateway 410"
    again = owed(email="", phone="+1 201 555 0123")
    assert not Notice.objects.filter(package=again).exists(), "whichever way it is written"
    assert "5550123" not in caplog.text
    with pytest.raises(verbs.StoppedByReply):
        verbs.start(package=again, channel="sms", now=make.EVENING)


def test_a_gateway_in_trouble_is_asked_again(gateway: Service) -> None:
    owed(email="", phone="201-555-0123")
    gateway.status = 500
    assert notices.send_due(now=make.EVENING) == 0
    gateway.status = 200
    assert notices.send_due(now=make.EVENING + 3 * MINUTE) == 1
    assert not MessageOptOut.objects.exists()


@pytest.mark.parametrize("phone", ["", "abc", "555-0123", "2015550123 ext. 4", "911", "+999 1234567"])
def test_what_is_no_number_gets_no_text_message(gateway: Service, phone: str) -> None:
    owed(email="", phone=phone)
    assert not Notice.objects.filter(channel="sms").exists()


def test_without_a_gateway_no_text_message_is_owed() -> None:
    owed(phone="201-555-0123")
    assert {notice.channel for notice in Notice.objects.filter(kind="pick_up")} == {"mail"}


def test_a_gateway_nobody_knows_fails_by_its_name_only(settings: Any) -> None:
    settings.SMS_URL = "nonsense://secret@host/{to}"
    with pytest.raises(Failed) as failed:
        channels.SMS.send(TEXT, "+12015550123")
    assert "secret" not in failed.value.code
    assert "555" not in failed.value.code


# --- Mail ------------------------------------------------------------------------------------------------------------------
class Smtp(socketserver.StreamRequestHandler):
    """Enough of an SMTP server to take a mail, or to refuse its reader."""

    mails: list[str] = []
    refuse = b""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                self.mails.append(b"".join(lines).decode())
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(self.refuse if word == b"RCPT" and self.refuse else b"250 fine\r\n")


@pytest.fixture
def smtp(settings: Any) -> Iterator[type[Smtp]]:
    Smtp.mails, Smtp.refuse = [], b""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
    yield Smtp
    server.shutdown()
    server.server_close()


def test_mail_by_smtp_with_the_mail_programs_own_way_to_stop(smtp: type[Smtp]) -> None:
    owed()
    owed()
    assert notices.send_due(now=make.EVENING) == 2
    first, second = (email.message_from_string(each, policy=email.policy.default) for each in smtp.mails)
    assert re.fullmatch(r"<https://homeward\.example/t/[\w-]{32}/messages/>", first["List-Unsubscribe"].strip())
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["List-Unsubscribe"] != second["List-Unsubscribe"], "a link of its own"


def test_a_mailbox_that_is_none_is_not_tried_again(smtp: type[Smtp]) -> None:
    owed()
    smtp.refuse = b"550 no such user sam@example.net\r\n"
    assert notices.send_due(now=make.EVENING) == 0
    notice = Notice.objects.get(kind="pick_up")
    assert (notice.error, notice.attempts) == ("SMTPRecipientsRefused 550", 1)
    assert notice.failed_at == make.EVENING


def test_a_full_mailbox_is_tried_again(smtp: type[Smtp]) -> None:
    owed()
    smtp.refuse = b"452 mailbox full\r\n"
    assert notices.send_due(now=make.EVENING) == 0
    smtp.refuse = b""
    assert notices.send_due(now=make.EVENING + 3 * MINUTE) == 1


def test_a_subject_of_two_lines_cannot_be_sent_at_all() -> None:
    with pytest.raises(Failed) as failed:
        channels.MAIL.send(Text("Two\nBcc: lines@example.net", "b", "t", "s", ""), "a@example.net")
    assert failed.value.for_good
    assert not mail.outbox


# --- Addresses not to be written to -----------------------------------------------------------------------------------------
def test_an_opt_out_outlives_a_change_of_the_secret_key(settings: Any) -> None:
    package = owed()
    verbs.stop(package=package, channel="mail", now=make.EVENING)
    verbs.stop(package=package, channel="mail", now=make.EVENING)
    assert MessageOptOut.objects.count() == 1
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 9, [settings.SECRET_KEY]
    assert readers.ways_to_customers([package]) == {package.pk: []}
    verbs.start(package=package, channel="mail", now=make.EVENING)
    assert len(readers.ways_to_customers([package])[package.pk]) == 1


def test_an_opt_out_holds_for_what_is_owed_already_and_for_another_spelling() -> None:
    package = owed(email="Sam@Example.net")
    other = make.package(make.store(), email="sam@example.net")
    verbs.stop(package=other, channel="mail", now=make.EVENING)
    assert notices.send_due(now=make.EVENING) == 0
    assert not Notice.objects.filter(package=package, kind="pick_up").exists()


def test_somebodys_browser_that_changes_hands_tells_its_new_owner_only(push_service: Service) -> None:
    store = make.store()
    ana, ben = make.associate(store), make.associate(store)
    browser = Browser(push_service)
    subscribed(browser, ana)
    subscribed(browser, ben)
    assert [each.associate for each in PushSubscription.objects.all()] == [ben]
    verbs.unsubscribe(subscription_id=PushSubscription.objects.get().pk, by=ana, now=make.EVENING)
    assert PushSubscription.objects.count() == 1, "not hers any more"


def test_ten_devices_and_the_oldest_goes(push_service: Service) -> None:
    ana = make.associate(make.store())
    for n in range(12):
        verbs.subscribe(
            endpoint=Browser(push_service, str(n)).endpoint, **Browser(push_service).keys, device=str(n), language="en",
            by=ana, now=make.EVENING + n * MINUTE,
        )  # fmt: skip
    assert [each.device for each in PushSubscription.objects.all()] == [str(n) for n in range(2, 12)]
