"""How associates are told: their page, their choices, their night, and what the store did to their trip."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from associates.models import Associate, Consent
from deliveries import actors, matching, notices
from deliveries.actions import exceptions, handover, messages, offers, standing, trips
from deliveries.models import MessageSettings, Notice, Offer, PushSubscription
from deliveries.models.event import Event
from stores.models import User

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


@pytest.fixture
def ana() -> Associate:
    return make.associate(make.store())


@pytest.fixture
def client(ana: Associate) -> Client:
    made = Client()
    made.force_login(ana.user)
    return made


def offer_to(ana: Associate, *, ends_at: Any = make.EVENING + timedelta(hours=1), now: Any = make.EVENING) -> Offer:
    make.shift(ana, ends_at=ends_at)
    for _ in range(2):
        make.package(ana.store, now=now)
    Notice.objects.all().delete()
    matching.run_round(store=ana.store, now=now)
    return Offer.objects.get()


CHOICES = {"mail": "on", "quiet_from": "21:30", "quiet_until": "07:00"}


# --- The page ------------------------------------------------------------------------------------------------------------
def test_the_page_is_reached_from_me_and_shows_what_holds(client: Client, ana: Associate) -> None:
    assert 'href="/me/messages/"' in client.get("/me/").content.decode()
    text = client.get("/me/messages/").content.decode()
    assert ana.user.email in text
    assert 'value="21:30"' in text
    assert 'value="07:00"' in text
    assert 'name="sms"' not in text, "no gateway, so it is not asked"
    assert not MessageSettings.objects.exists(), "looking writes nothing"


def test_choices_are_kept_and_followed(client: Client, ana: Associate, gateway: Service) -> None:
    User.objects.filter(pk=ana.user.pk).update(phone="+12015550123")
    answer = client.post("/me/messages/", {**CHOICES, "mail": "", "sms": "on"})
    assert answer.status_code == 302
    assert MessageSettings.objects.get().sms
    offer_to(ana)
    assert notices.send_due(now=make.EVENING) == 1
    assert b"Offer: 2 packages" in gateway.received[0][2]
    assert not mail.outbox


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"quiet_from": "25:00"}, "Enter a valid time"), ({"quiet_until": ""}, "required"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_and_changes_nothing(
    client: Client, gateway: Service, sent: dict[str, str], says: str
) -> None:
    answer = client.post("/me/messages/", CHOICES | sent)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not MessageSettings.objects.exists()


def test_without_consent_there_is_a_way_to_give_it_and_no_message(client: Client, ana: Associate) -> None:
    Consent.objects.filter(associate=ana, kind="messages").update(withdrawn_at=make.EVENING)
    assert "/me/consents/messages/give/" in client.get("/me/messages/").content.decode()
    assert client.post("/me/messages/test/").status_code == 409
    offer_to(ana)
    assert not Notice.objects.filter(audience="associate").exists()


def test_an_older_wording_of_the_consent_is_none(ana: Associate) -> None:
    Consent.objects.filter(associate=ana, kind="messages").update(version=1)
    offer_to(ana)
    assert not Notice.objects.filter(audience="associate").exists()


def test_a_test_message_by_every_way_and_what_became_of_it(
    client: Client, ana: Associate, push_service: Service
) -> None:
    browser = Browser(push_service)
    assert client.post("/me/messages/push/", browser.json(), content_type="application/json").status_code == 204
    assert client.post("/me/messages/test/").status_code == 302
    assert "On its way." in client.get("/me/messages/").content.decode()
    push_service.status = 503
    assert notices.send_due(now=make.EVENING) == 1
    assert subjects() == ["A test message"]
    assert browser.read(push_service.received[0][2])["title"] == "A test message"
    text = client.get("/me/messages/").content.decode()
    assert "Sent." in text
    assert "we try again" in text
    for _ in range(messages.MOST_TESTS - 1):
        client.post("/me/messages/test/")
    # A clock that stands makes them one; an hour's worth is counted by when they were asked for.
    Notice.objects.filter(kind="test").update(made_at=make.EVENING)
    assert Notice.objects.filter(kind="test").count() == 2 * messages.MOST_TESTS


def test_tests_are_limited(client: Client, clock: Any) -> None:
    for n in range(messages.MOST_TESTS):
        clock.move_to(make.EVENING + n * MINUTE)
        assert client.post("/me/messages/test/").status_code == 302
    clock.move_to(make.EVENING + 10 * MINUTE)
    assert client.post("/me/messages/test/").status_code == 409


def test_a_device_is_ones_own(client: Client, ana: Associate, push_service: Service) -> None:
    client.post(
        "/me/messages/push/", Browser(push_service).json(), content_type="application/json",
        headers={"user-agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"},
    )  # fmt: skip
    device = PushSubscription.objects.get()
    assert device.device == "Chrome, Android"
    assert "Remove Chrome, Android" in client.get("/me/messages/").content.decode()
    other = Client()
    other.force_login(make.associate(ana.store).user)
    other.post(f"/me/messages/push/{device.pk}/remove/")
    assert PushSubscription.objects.exists()
    client.post(f"/me/messages/push/{device.pk}/remove/")
    assert not PushSubscription.objects.exists()


def test_a_form_from_elsewhere_changes_nothing(ana: Associate, push_service: Service) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana.user)
    body = Browser(push_service).json()
    assert strict.post("/me/messages/push/", body, content_type="application/json").status_code == 403
    assert strict.post("/me/messages/", CHOICES).status_code == 403
    assert Client().get("/me/messages/").status_code == 302


def test_leaving_forgets_number_devices_and_messages(client: Client, ana: Associate, push_service: Service) -> None:
    client.post("/me/messages/push/", Browser(push_service).json(), content_type="application/json")
    User.objects.filter(pk=ana.user.pk).update(phone="+12015550123")
    messages.choose(associate=ana, by=ana, now=make.EVENING, sms=True)
    client.post("/me/messages/test/")
    standing.leave(associate=ana, by=ana.user, now=make.EVENING)
    assert not MessageSettings.objects.exists()
    assert not PushSubscription.objects.exists()
    assert not Notice.objects.filter(associate=ana).exists()
    assert User.objects.get(pk=ana.user.pk).phone is None


def test_no_texts_without_a_confirmed_number(client: Client, ana: Associate, gateway: Service) -> None:
    text = client.get("/me/messages/").content.decode()
    assert "once you have confirmed one" in text
    assert "/me/number/" in text
    client.post("/me/messages/", {**CHOICES, "sms": "on"})
    assert not MessageSettings.objects.get().sms
    offer_to(ana)
    notices.send_due(now=make.EVENING)
    assert not gateway.received
    assert len(mail.outbox) == 1


# --- Night ---------------------------------------------------------------------------------------------------------------
def test_an_offer_in_ones_quiet_hours_is_not_sent_and_not_sent_in_the_morning_either(ana: Associate) -> None:
    messages.choose(associate=ana, by=ana, now=make.EVENING, quiet_from=time(17), quiet_until=time(18, 30))
    offer_to(ana)
    assert notices.send_due(now=make.EVENING) == 0
    [held] = Notice.objects.all()
    assert held.due_at == make.EVENING + 30 * MINUTE
    assert notices.send_due(now=make.EVENING + 30 * MINUTE) == 1, "still open at half past six"
    Notice.objects.update(sent_at=None, claimed_at=None, due_at=make.EVENING, attempts=0)
    assert notices.send_due(now=make.EVENING + timedelta(hours=14)) == 0
    assert not Notice.objects.exists(), "long over: dropped"


def test_a_trip_under_way_is_spoken_of_at_night(clock: Any) -> None:
    night = make.EVENING + timedelta(hours=5)
    clock.move_to(night)
    made = road.under_way(2, now=night)
    exceptions.cannot_go_on(
        trip=made.trip, by=made.ana, on_behalf=actors.staff(make.staff(made.store).pk), note="car", now=night,
        key=uuid4(),
    )  # fmt: skip
    told()
    Notice.objects.filter(audience="customer").delete()
    told()
    assert notices.send_due(now=night) == 1
    assert subjects() == ["Your store changed your trip"]


# --- What the store did, and what time does --------------------------------------------------------------------------------
def test_an_offer_the_store_took_back_is_told_to_who_had_heard_of_it(ana: Associate) -> None:
    offer = offer_to(ana)
    notices.send_due(now=make.EVENING)
    assert len(subjects()) == 1
    boss = actors.staff(make.staff(ana.store).pk)
    offers.withdraw(offer=offer, by=boss, now=make.EVENING, reason="closed early")
    told()
    told()
    notices.send_due(now=make.EVENING)
    assert subjects() == ["Your store took an offer back"]


def test_who_never_heard_of_it_is_not_told_that_it_is_gone(ana: Associate) -> None:
    offer = offer_to(ana)
    offers.withdraw(offer=offer, by=actors.staff(make.staff(ana.store).pk), now=make.EVENING, reason="x")
    told()
    notices.send_due(now=make.EVENING)
    assert subjects() == []


def test_not_tonight_and_pausing_are_answered_with_silence(ana: Associate) -> None:
    offer_to(ana)
    notices.send_due(now=make.EVENING)
    subjects()
    standing.pause(associate=ana, by=ana.user, now=make.EVENING)
    told()
    notices.send_due(now=make.EVENING)
    assert subjects() == []


def test_a_reminder_of_an_open_offer_only_for_who_asked_and_once(ana: Associate) -> None:
    offer = offer_to(ana)
    notices.send_due(now=make.EVENING)
    subjects()
    soon = offer.expires_at - 9 * MINUTE
    notices.forewarn(store=ana.store, now=soon)
    assert not Notice.objects.filter(kind="offer_closing").exists(), "nobody is pressed who did not ask"
    messages.choose(associate=ana, by=ana, now=make.EVENING, remind_of_offers=True)
    for minute in range(8):
        notices.forewarn(store=ana.store, now=soon + minute * MINUTE)
        notices.send_due(now=soon + minute * MINUTE)
    assert subjects() == ["Your offer closes soon"]


def test_a_reminder_when_the_shift_ends_and_nothing_is_loaded(ana: Associate) -> None:
    shift = make.shift(ana)
    made = make.trip(ana, shift=shift, claimed_at=make.EVENING)
    notices.forewarn(store=ana.store, now=shift.ends_at - 11 * MINUTE)
    assert not Notice.objects.exists()
    for minute in range(3):
        notices.forewarn(store=ana.store, now=shift.ends_at - 9 * MINUTE + minute * MINUTE)
        notices.send_due(now=shift.ends_at - 9 * MINUTE + minute * MINUTE)
    assert subjects() == ["Your packages wait at the bay"]
    assert made.pk


def test_who_is_loading_already_is_not_reminded() -> None:
    made = road.claimed(2)
    told()
    Notice.objects.all().delete()
    trip = made.trip
    type(trip).objects.filter(pk=trip.pk).update(claimed_at=trip.shift.ends_at - timedelta(hours=1))
    notices.forewarn(store=made.store, now=make.EVENING)
    assert Notice.objects.filter(kind="trip_reminder").count() == 1
    handover.load(
        trip=trip, label=made.packages[0].label, by=actors.associate(made.ana.user_id), now=make.EVENING
    )  # fmt: skip
    notices.send_due(now=make.EVENING)
    assert subjects() == []


def test_pay_is_told_when_it_is_settled_once() -> None:
    made = road.under_way(1)
    told()
    Notice.objects.all().delete()
    made.deliver(made.packages[0])
    made.trip.refresh_from_db()
    trips.settle(trip=made.trip, now=make.EVENING + 3 * MINUTE)
    trips.settle(trip=made.trip, now=make.EVENING + 3 * MINUTE)
    Notice.objects.filter(audience="customer").delete()
    assert notices.send_due(now=make.EVENING + 3 * MINUTE) == 1
    made.trip.refresh_from_db()
    assert subjects() == [f"${made.trip.paid_cents / 100:.2f} for your trip on Tuesday"]
