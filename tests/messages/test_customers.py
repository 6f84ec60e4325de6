"""What customers are told on the road, late said in time and once, and an end to messages behind their own link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from deliveries import actors, links, notices, pins
from deliveries.actions import carriers, chat, dropoffs, exceptions, receiving, trips
from deliveries.models import MessageOptOut, MessageText, Notice, Package, PushSubscription
from deliveries.models.event import Event
from deliveries.notices import readers
from stores.places import Precision

from .. import make
from ..live import road
from .conftest import Browser, Service

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def told() -> None:
    notices.write_down(list(Event.objects.filter(noticed_at=None)), now=timezone.now())


def subjects() -> list[str]:
    found = [message.subject for message in mail.outbox]
    mail.outbox.clear()
    return found


# --- Ready, next, attempted, delivered ---------------------------------------------------------------------------------
def test_ready_is_said_once_a_promise_and_not_of_a_scan_that_was_taken_back() -> None:
    store = make.store()
    package = make.package(store)
    told()
    assert notices.send_due(now=make.EVENING + MINUTE) == 0, "it may be taken off again"
    assert notices.send_due(now=make.EVENING + 3 * MINUTE) == 1
    assert "comes today by 10 p.m." in mail.outbox[0].body
    assert subjects() == ["Your package is ready to go"]
    Package.objects.filter(pk=package.pk).update(deliver_by=make.EVENING + timedelta(days=2))
    receiving.hold(package=package, by=actors.system("test"), now=make.EVENING, reason="x")
    wrong = make.package(store)
    receiving.hold(package=wrong, by=actors.system("test"), now=make.EVENING, reason="x")
    told()
    notices.send_due(now=make.EVENING + 3 * MINUTE)
    assert subjects() == ["Your package waits for you at the store"] * 2


@pytest.mark.parametrize("language", ["en", "es"])
def test_ready_asks_for_the_door_that_is_not_known(gateway: Service, language: str) -> None:
    """Only a tap on a map brings it to an associate, so the message asks; in our words, whatever the store has made of it."""
    store = make.store()
    package = make.package(store, precision=Precision.ZIP, phone="201-555-0123", language=language)
    MessageText.objects.create(
        store=store, kind="ready", language=language, subject="Ready!", short="Ready!", body="Do nothing.",
        made_at=make.EVENING, made_by=make.staff(store),
    )  # fmt: skip
    told()
    notices.send_due(now=make.EVENING + 3 * MINUTE)
    [message] = mail.outbox
    asked = {"en": "We know your ZIP code, but not your house.", "es": "Conocemos su código postal"}
    assert asked[language] in message.body
    assert "Do nothing" not in message.body
    token = message.body.split("/t/")[1].split("/")[0]
    assert f'href="pin/?lang={language}"' in Client().get(f"/t/{token}/").content.decode()
    assert package.asks_for_pin


def test_next_is_for_the_one_whose_door_comes_next_once(gateway: Service) -> None:
    made = road.under_way(3, phone="201-555-0123")
    Notice.objects.all().delete()
    told()
    Notice.objects.all().delete()
    one, two, three = made.packages
    made.deliver(one)
    told()
    told()
    assert [(n.package_id, n.channel) for n in Notice.objects.filter(kind="next")] == [(two.pk, "sms")], "not by mail"
    notices.send_due(now=timezone.now())
    assert [b"You are the next stop: Ana" in body for _path, _headers, body in gateway.received] == [True]
    made.deliver(two)
    told()
    assert set(Notice.objects.filter(kind="next").values_list("package_id", flat=True)) == {two.pk, three.pk}


# --- The PIN, and an answer -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_pin_is_at_hand_when_it_is_needed(gateway: Service, language: str) -> None:
    made = road.under_way(2, pin_required=True, phone="201-555-0123", language=language)
    told()
    notices.send_due(now=timezone.now())
    first, second = (pins.pin_of(package) for package in made.packages)
    texted = b" ".join(body for _path, _headers, body in gateway.received).decode()
    mailed = [message.body for message in mail.outbox]
    for pin in (first, second):
        assert f"{pin}." in texted
        assert sum(pin in body for body in mailed) == 1, "in the mail to its own customer"
    gateway.received.clear()
    dropoffs.deliver(
        package=made.packages[0], by=made.ana, now=timezone.now(), key=uuid4(), pin=dropoffs.AtTheDoor(typed=first),
        position=dropoffs.Position(made.packages[0].point, 5),
    )  # fmt: skip
    told()
    notices.send_due(now=timezone.now())
    [(_path, _headers, body)] = gateway.received
    assert f"{second}.".encode() in body


def test_who_has_to_be_there_is_not_told_to_stay_away() -> None:
    made = road.under_way(3, email="sam@example.net")
    first, second, third = made.packages
    told()
    Notice.objects.all().delete()
    mail.outbox.clear()
    Package.objects.filter(pk=second.pk).update(safe_place="in_person")
    made.deliver(first)
    told()
    made.deliver(second)
    told()
    notices.send_due(now=timezone.now())
    said = {message.body for message in mail.outbox if message.subject == "You are the next stop"}
    assert len(said) == 1, "the second is delivered: it is not next any more"
    assert "You need not wait at the door" in said.pop()
    Notice.objects.all().delete()
    mail.outbox.clear()
    Package.objects.filter(pk=third.pk).update(safe_place="in_person")
    notices.owed.owe_customers([(Package.objects.get(pk=third.pk), "next", "again")], now=timezone.now())
    notices.send_due(now=timezone.now())
    assert "so please be there" in mail.outbox[0].body


def answered(made: road.Road, words: str, key: UUID | None = None) -> None:
    chat.answer(package=made.packages[0], words=words, by=made.ana, key=key or uuid4(), now=timezone.now())


def test_an_answer_is_told_once_for_what_is_said_in_one_go(gateway: Service, clock: Any) -> None:
    made = road.under_way(1, phone="201-555-0123")
    told()
    Notice.objects.all().delete()
    began, key = timezone.now(), uuid4()
    answered(made, "Is it the blue door?", key)
    answered(made, "Is it the blue door?", key)
    answered(made, "I ring the bell.")
    assert [notice.channel for notice in Notice.objects.filter(kind="answered")] == ["sms"], "fast, and not by mail"
    assert notices.send_due(now=began + timedelta(seconds=10)) == 0, "more may follow"
    assert notices.send_due(now=began + timedelta(seconds=21)) == 1
    [(_path, _headers, body)] = gateway.received
    assert b"Ana, who brings your package, has answered you." in body
    assert b"blue" not in body, "the words stay on the page"

    clock.move_to(began + MINUTE)
    answered(made, "There in two minutes.")
    answered(made, "Found it.")
    assert notices.send_due(now=began + 4 * MINUTE) == 0, "five minutes apart"
    assert notices.send_due(now=began + 5 * MINUTE) == 1
    assert Notice.objects.filter(kind="answered").count() == 2


def test_no_word_of_an_answer_to_who_wants_none_or_when_it_is_there_already(gateway: Service) -> None:
    made = road.under_way(1, phone="201-555-0123")
    told()
    Notice.objects.all().delete()
    answered(made, "Nearly there.")
    made.deliver(made.packages[0])
    assert notices.send_due(now=timezone.now() + MINUTE) == 0
    other = road.under_way(1, phone="201-555-0199", email="")
    MessageOptOut.objects.create(
        channel="sms", address_hash=readers.hashes("sms", "+12015550199")[0], at=timezone.now()
    )  # fmt: skip
    answered(other, "Nearly there.")
    assert not Notice.objects.filter(kind="answered", package=other.packages[0]).exists()


def test_next_is_dropped_when_somebody_stands_at_the_door_or_the_drop_off_was_taken_back() -> None:
    made = road.under_way(3)
    told()
    Notice.objects.all().delete()
    trips.arrive(stop=made.trip.stops.get(position=2), by=made.ana, now=timezone.now())
    made.deliver(made.packages[0])
    told()
    assert not Notice.objects.filter(kind="next").exists()


def test_attempted_says_why_and_what_is_next() -> None:
    made = road.under_way(1)
    told()
    Notice.objects.all().delete()

    exceptions.attempt(package=made.packages[0], reason="unsafe", by=made.ana, now=timezone.now(), key=uuid4())
    told()
    notices.send_due(now=timezone.now())
    [message] = mail.outbox
    assert "There was no safe place to leave it." in message.body
    assert "They try again or take it back to the store tonight." in message.body


def test_in_the_customers_language_and_the_stores_time() -> None:
    made = road.under_way(1, language="es")
    told()
    assert notices.send_due(now=timezone.now()) == 1
    assert made.packages[0].language == "es"


# --- Late ----------------------------------------------------------------------------------------------------------------
def test_late_is_said_before_the_promise_and_once(clock: Any) -> None:
    made = road.under_way(3)
    told()
    Notice.objects.all().delete()
    mail.outbox.clear()
    last = made.packages[-1]
    promise = make.EVENING + 25 * MINUTE
    Package.objects.filter(pk=last.pk).update(deliver_by=promise)
    said_at = None
    for minute in range(40):
        clock.move_to(make.EVENING + minute * MINUTE)
        notices.forewarn(store=made.store, now=timezone.now())
        notices.send_due(now=timezone.now())
        if "Your package comes later than promised" in subjects():
            assert said_at is None, "once"
            said_at = timezone.now()
    assert said_at is not None
    assert said_at < promise
    assert Notice.objects.filter(kind="late").count() == 1


def test_nobody_is_told_late_who_is_not() -> None:
    made = road.under_way(3)
    told()
    notices.forewarn(store=made.store, now=timezone.now())
    assert not Notice.objects.filter(kind="late").exists()


def test_late_is_known_before_they_leave_the_store() -> None:
    """Claimed, not loaded, and even leaving at once would be too late."""
    made = road.claimed(2)
    Package.objects.filter(pk=made.packages[1].pk).update(deliver_by=make.EVENING + 2 * MINUTE)
    notices.forewarn(store=made.store, now=make.EVENING)
    notices.forewarn(store=make.store(), now=make.EVENING)
    assert list(Notice.objects.filter(kind="late").values_list("package_id", flat=True)) == [made.packages[1].pk]
    assert notices.send_due(now=make.EVENING) == 1
    assert "later than promised" in mail.outbox[0].subject


def test_late_is_said_of_what_nobody_has_taken_before_the_promise_and_once(clock: Any) -> None:
    """Still in the store, and even the fastest drive straight there would be too late."""
    store = make.store()
    package, timely = (make.package(store, deliver_by=make.EVENING + each) for each in (60 * MINUTE, 240 * MINUTE))
    carriers_ = make.package(store, deliver_by=make.EVENING + 60 * MINUTE)
    carriers.tender(store=store, packages=[carriers_], by=actors.system("test"), now=make.EVENING, reason="cut-off")
    told()
    Notice.objects.all().delete()
    said_at = []
    for minute in range(75):
        clock.move_to(make.EVENING + minute * MINUTE)
        notices.forewarn(store=store, now=timezone.now())
        notices.send_due(now=timezone.now())
        for message in mail.outbox:
            assert message.subject == "Your package comes later than promised"
            assert "it is still in the store" in message.body
            said_at.append(minute)
        mail.outbox.clear()
    [minute] = said_at
    assert 30 < minute < 60 - store.load_minutes, "not before it is sure, and before the promise is broken"
    assert list(Notice.objects.values_list("kind", "package_id")) == [("late", package.pk)]
    assert timely.pk


def test_who_caught_up_is_not_told_late() -> None:
    made = road.under_way(1)
    told()
    Notice.objects.all().delete()
    Package.objects.filter(pk=made.packages[0].pk).update(deliver_by=make.EVENING + MINUTE)
    notices.forewarn(store=made.store, now=make.EVENING)
    assert Notice.objects.filter(kind="late").count() == 1
    made.deliver(Package.objects.get(pk=made.packages[0].pk))
    assert notices.send_due(now=make.EVENING) == 0


# --- Night -----------------------------------------------------------------------------------------------------------------
def test_what_can_wait_does_not_wake_anybody(clock: Any) -> None:
    night = make.EVENING + timedelta(hours=4)  # ten in the evening
    clock.move_to(night)
    package = make.package(make.store(), now=night)
    receiving.hold(package=package, by=actors.system("test"), now=night, reason="x")
    told()
    assert notices.send_due(now=night) == 0
    assert notices.send_due(now=night + timedelta(hours=8, minutes=59)) == 0
    assert notices.send_due(now=night + timedelta(hours=9)) == 1, "at seven"
    assert Notice.objects.get(kind="pick_up").attempts == 1, "waiting is no attempt"


# --- Behind the link -----------------------------------------------------------------------------------------------------
@pytest.fixture
def package(gateway: Service) -> Package:
    return make.package(make.store(phone="+1 201 555 0100"), phone="201-555-0123", email="sam@example.net")


def page_of(package: Package) -> str:
    return f"/t/{links.issue(package=package, now=make.EVENING)}/messages/"


def test_off_and_on_again_without_script_log_in_or_cookie(package: Package) -> None:
    url, client = page_of(package), Client(enforce_csrf_checks=True)
    page = client.get(url)
    assert page.status_code == 200
    text = page.content.decode()
    assert "s…@example.net" in text
    assert "…0123" in text
    assert "sam@" not in text
    assert "5550123" not in text
    assert page["Referrer-Policy"] == "no-referrer"
    assert not page.cookies
    answer = client.post(url, {"channel": "sms", "want": "no"})
    assert answer.status_code == 303
    assert "Send messages to …0123 again" in client.get(url).content.decode()
    assert MessageOptOut.objects.get().channel == "sms"
    other = make.package(package.store, phone="+12015550123", email="")
    told()
    assert not Notice.objects.filter(package=other).exists(), "holds for the next package, too"
    client.post(url, {"channel": "sms", "want": "yes"})
    assert not MessageOptOut.objects.exists()


def test_the_mail_programs_own_button(package: Package) -> None:
    answer = Client(enforce_csrf_checks=True).post(page_of(package), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 204
    assert MessageOptOut.objects.get().channel == "mail"


def test_looking_changes_nothing_and_another_links_token_is_no_use(package: Package) -> None:
    url = page_of(package)
    client = Client()
    client.get(url + "?channel=mail&want=no")
    client.head(url)
    assert client.put(url).status_code == 405
    assert client.post("/t/" + "x" * 32 + "/messages/", {"channel": "mail", "want": "no"}).status_code == 404
    assert client.post(url, {"channel": "pigeon", "want": "no"}).status_code == 303
    links.revoke(package=package, now=make.EVENING - MINUTE)
    assert client.post(url, {"channel": "mail", "want": "no"}).status_code == 404
    assert not MessageOptOut.objects.exists()


def test_a_number_that_answered_stop_is_told_how_to_come_back(package: Package, gateway: Service) -> None:
    gateway.status = 410
    Notice.objects.filter(channel="mail").delete()
    receiving.hold(package=package, by=actors.system("test"), now=make.EVENING, reason="x")
    told()
    notices.send_due(now=make.EVENING)
    answer = Client().post(page_of(package), {"channel": "sms", "want": "yes"})
    assert answer.status_code == 409
    assert "START" in answer.content.decode()


def test_a_customers_browser(package: Package, push_service: Service) -> None:
    url, browser, client = page_of(package), Browser(push_service), Client(enforce_csrf_checks=True)
    assert client.post(url + "push", browser.json(), content_type="application/json").status_code == 204
    assert client.post(url + "push", browser.json(), content_type="application/json").status_code == 204
    assert PushSubscription.objects.get().package == package
    receiving.hold(package=package, by=actors.system("test"), now=make.EVENING, reason="x")
    told()
    notices.send_due(now=make.EVENING)
    [body] = [body for path, _headers, body in push_service.received if path == "/push/one"]
    said = browser.read(body)
    assert said["title"] == "Your package waits for you at the store"
    assert said["url"].startswith("https://homeward.example/t/")
    assert "1 device is told" in client.get(url).content.decode()
    client.post(url, {"channel": "push"})
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"endpoint": 1, "keys": 2}', "[" * 3000, "x" * 9000, '{"keys": {}}'])
def test_what_no_browser_sends(package: Package, body: str) -> None:
    answer = Client().post(page_of(package) + "push", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_service_we_do_not_know_is_refused_with_a_sentence(package: Package, service: Service) -> None:
    said = Browser(service).json().replace("http://127.0.0.1", "https://evil.example")
    answer = Client().post(page_of(package) + "push", said, content_type="application/json")
    assert answer.status_code == 409
    assert "e-mail or text messages" in answer.json()["error"]


def test_the_page_of_the_package_leads_there(package: Package) -> None:
    url = page_of(package).removesuffix("messages/")
    assert 'href="messages/?lang=en"' in Client().get(url).content.decode()
