"""A code by text message: to a number that is confirmed, through a gateway, and no word about numbers we do not know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from associates import actions
from associates.models import Associate
from associates.sign_in import Adapter
from deliveries import tasks
from stores.models import User
from tests import make

from .conftest import Service

pytestmark = pytest.mark.django_db
NUMBER, OTHER = "+12015550123", "+12015550199"
ASK, ENTER = "/accounts/login/code/", "/accounts/login/code/confirm/"


@pytest.fixture
def ana() -> Associate:
    person = make.associate(make.store())
    person.user.emailaddress_set.create(email=person.user.email, verified=True, primary=True)
    User.objects.filter(pk=person.user.pk).update(phone=NUMBER)
    return person


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What was handed to the broker; calling it does the work, as a worker would, and empties it."""
    handed: list[list[str]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **more: handed.append(args))

    def work() -> list[str]:
        for args in handed:
            tasks.text_code.apply(args=args)
        done = [args[0] for args in handed]
        handed.clear()
        return done

    return work


def texts(gateway: Service) -> list[str]:
    return [json.loads(body)["message"] for _path, _headers, body in gateway.received]


def code_of(text: str) -> str:
    found = re.search(r"\b(\d{6}) is your code", text)
    assert found, text
    return found[1]


Worker = Callable[[], list[str]]


def test_a_code_comes_by_text_and_signs_in(ana: Associate, gateway: Service, worker: Worker) -> None:
    client = Client()
    asked = client.post(f"{ASK}?next=/earnings/", {"address": "(201) 555-0123", "next": "/earnings/"})
    assert asked.headers["Location"].startswith(ENTER)
    assert not gateway.received, "the page waits for no gateway"
    worker()
    [text] = texts(gateway)
    assert re.fullmatch(
        r"Homeward: (\d{6}) is your code\. It works for 15 minutes\. We never ask you for it\.\n@homeward\.example #\1",
        text,
    )
    assert not mail.outbox
    wrong = client.post(asked.headers["Location"], {"code": "000000", "next": "/earnings/"})
    assert "Incorrect code" in wrong.content.decode()
    assert 'inputmode="numeric"' in wrong.content.decode()
    right = client.post(asked.headers["Location"], {"code": code_of(text), "next": "/earnings/"})
    assert right.headers["Location"] == "/earnings/"
    assert client.get("/earnings/").status_code == 200


def test_a_strangers_number_gets_the_same_answer_and_no_text(ana: Associate, gateway: Service, worker: Worker) -> None:
    def asked(number: str) -> tuple[Any, ...]:
        client, said = Client(), []
        with CaptureQueriesContext(
            connection,
        ) as queries:
            said.append(client.post(ASK, {"address": number}))
        first = len(queries)
        said += [client.get(ENTER), client.post(ENTER, {"action": "resend"}), client.get(ENTER)]
        said += [client.post(ENTER, {"code": "000000"}) for _try in range(3)]
        pages = [page.content.decode().replace(number, "…") for page in said]
        pages = [re.sub(r'value="[^"]{40,}"', "", page) for page in pages]
        return first, len(worker()), [(page.status_code, page.headers.get("Location")) for page in said], pages

    assert asked(NUMBER) == asked(OTHER)
    assert len(texts(gateway)) == 2, "both to the one we know"


def test_after_three_wrong_codes_one_asks_anew(ana: Associate, gateway: Service, worker: Worker) -> None:
    client = Client()
    client.post(ASK, {"address": NUMBER})
    worker()
    pages = [client.post(ENTER, {"code": "000000"}, follow=True) for _try in range(3)]
    assert "Too many failed login attempts" in pages[-1].content.decode()
    assert client.post(ENTER, {"code": code_of(texts(gateway)[0])}).headers["Location"].startswith("/accounts/login/")


def test_a_number_is_asked_for_codes_so_often_and_no_more(
    ana: Associate, gateway: Service, worker: Worker, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "60/m/ip,3/m/key"}
    for number in (NUMBER, OTHER):
        pages = [Client().post(ASK, {"address": number}) for _try in range(4)]
        assert [page.status_code for page in pages] == [302, 302, 302, 200]
        assert "Too many" in pages[-1].content.decode()
    assert worker() == [NUMBER] * 3 + [OTHER] * 3


@pytest.mark.parametrize(
    "address", ["", "555", "+44 20 7946 0958", "201-555-0123 ext 4", "\x00", "@", "9" * 200, "ana@"]
)
def test_what_is_no_address_and_no_number_is_said(gateway: Service, worker: Worker, address: str) -> None:
    answer = Client().post(ASK, {"address": address})
    assert answer.status_code == 200
    assert 'class="error"' in answer.content.decode()
    assert not worker()


def test_the_code_by_mail_is_as_before(ana: Associate, gateway: Service, worker: Worker) -> None:
    assert Client().post(ASK, {"address": ana.user.email}).status_code == 302
    assert mail.outbox
    assert not worker()


def test_without_a_gateway_nobody_is_asked_for_a_number(ana: Associate, worker: Worker) -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert "mobile number" not in page
    assert "Enter a valid email" in Client().post(ASK, {"address": NUMBER}).content.decode()
    client = Client()
    client.force_login(ana.user)
    assert client.get("/me/number/").status_code == 404
    assert "/me/number/" not in client.get("/me/").content.decode()


def test_a_broker_that_is_away_is_said_in_words(
    ana: Associate, gateway: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **more: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", away)
    for number in (NUMBER, OTHER):
        answer = Client().post(ASK, {"address": number}, follow=True)
        assert "We cannot send text messages at the moment" in answer.content.decode()


# --- The number of an account ---------------------------------------------------------------------------------------------
@pytest.fixture
def ben(ana: Associate) -> Associate:
    person = make.associate(ana.store)
    person.user.emailaddress_set.create(email=person.user.email, verified=True, primary=True)
    return person


def signed_in(person: Associate) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": person.user.email, "password": "correct horse battery"})
    return client


def ask(client: Client, number: str) -> None:
    """Write `number` on the page, be asked for the password once more, and be asked for the code."""
    answer = client.post("/me/number/", {"phone": number})
    if "reauthenticate" in answer.headers["Location"]:
        answer = client.post(answer.headers["Location"], {"password": "correct horse battery"})
    assert answer.headers["Location"] == "/me/number/code/", answer.headers["Location"]


def number_of(person: Associate) -> str:
    return str(User.objects.get(pk=person.user.pk).phone or "")


def test_a_number_counts_once_its_code_came_back(ben: Associate, gateway: Service, worker: Worker) -> None:
    client = signed_in(ben)
    ask(client, "201 555 0199")
    assert not number_of(ben), "asked for, not confirmed"
    worker()
    Client().post(ASK, {"address": OTHER})
    worker()
    assert len(texts(gateway)) == 1, "and it signs nobody in"
    assert "Incorrect code" in client.post("/me/number/code/", {"code": "000000"}).content.decode()
    done = client.post("/me/number/code/", {"code": code_of(texts(gateway)[0])}, follow=True)
    assert number_of(ben) == OTHER
    assert "(201) 555-0199" in done.content.decode()
    client.post("/me/number/remove/")
    assert not number_of(ben)


def test_anothers_number_is_not_given_away_nor_taken(
    ana: Associate, ben: Associate, gateway: Service, worker: Worker
) -> None:
    client = signed_in(ben)
    ask(client, NUMBER)  # no word that it is somebody's
    worker()
    answer = client.post("/me/number/code/", {"code": code_of(texts(gateway)[0])})
    assert "Another account signs in with this number" in answer.content.decode()
    assert (number_of(ana), number_of(ben)) == (NUMBER, "")


def test_two_who_confirm_one_number_at_once(ana: Associate, ben: Associate, gateway: Service, worker: Worker) -> None:
    """Between the look and the writing somebody else was faster: the database says so, and so do we."""
    client = signed_in(ben)
    ask(client, OTHER)
    worker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Adapter, "get_user_by_phone", lambda self, phone: None)
        User.objects.filter(pk=ana.user.pk).update(phone=OTHER)
        answer = client.post("/me/number/code/", {"code": code_of(texts(gateway)[0])}, follow=True)
    assert "Another account signs in with this number" in answer.content.decode()
    assert not number_of(ben)


def test_an_open_phone_on_the_table_is_not_enough(ben: Associate, gateway: Service, worker: Worker) -> None:
    answer = signed_in(ben).post("/me/number/", {"phone": OTHER})
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not worker()


def test_who_leaves_or_is_deleted_has_no_number(ana: Associate) -> None:
    actions.leave(associate=ana, by=ana.user, now=make.EVENING)
    assert not number_of(ana)


def test_a_password_goes_with_the_number_too(ana: Associate, gateway: Service) -> None:
    right = Client().post("/accounts/login/", {"login": "201-555-0123", "password": "correct horse battery"})
    assert right.headers["Location"] == "/"
    wrong = Client().post("/accounts/login/", {"login": "201-555-0123", "password": "no"})
    stranger = Client().post("/accounts/login/", {"login": OTHER, "password": "no"})
    said = [re.search(r'role="alert">(.*?)</div>', page.content.decode(), re.S) for page in (wrong, stranger)]
    assert said[0]
    assert said[1]
    assert said[0][1] == said[1][1]
