"""From an e-mail address to an associate: landing, the code by mail, the roster, set-up."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from associates import actions
from associates.models import Associate, Consent, HomeCell, Limits
from associates.terms import STEPS
from stores.models import AddressPoint, User, ZipCentroid
from tests import make

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_front_page_sends_everybody_to_their_own(client: Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert b"/accounts/login/" in page.content
    assert b"/accounts/signup/" in page.content
    store = make.store()
    assert signed_in(make.associate(store).user).get("/").headers["Location"] == "/today/"
    assert signed_in(make.staff(store)).get("/").headers["Location"] == "/admin/"
    assert signed_in(make.user()).get("/").headers["Location"] == "/join/"


def test_sign_in_brings_the_language_along() -> None:
    ana = make.associate(make.store(), user=make.user(language="es"))
    client = signed_in(ana.user)
    client.get("/")
    assert client.cookies["django_language"].value == "es"


def test_demo_mail_shows_codes_and_does_not_exist_in_production(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    assert b"Nothing yet" in client.get("/demo/mail/").content
    mail.send_mail("Your code", "It is X1Y2\n-- \nHomeward <b>&", "a@example.com", ["ana@example.com"])
    page = client.get("/demo/mail/").content.decode()
    assert "X1Y2" in page
    assert "&lt;b&gt;&amp;" in page
    settings.DEMO = False
    assert client.get("/demo/mail/").status_code == 404


def test_sign_up_with_a_code_by_mail(client: Client) -> None:
    answer = client.post("/accounts/signup/", {"email": "New@Example.com", "password1": "a long pass phrase"})
    assert answer.status_code == 302
    [message] = mail.outbox
    code = re.search(r"^ +([A-Z0-9]{4}-[A-Z0-9]{4})$", str(message.body), re.M)
    assert code, message.body
    answer = client.post(answer.headers["Location"], {"code": code[1]})
    assert answer.status_code == 302
    assert client.get("/", follow=True).redirect_chain == [("/join/", 302)]


JOIN = {"birth_date": "1990-05-17"}


def asked(store: Any, reference: str, **more: str) -> dict[str, str]:
    return {"store_number": str(store.number), "employee_reference": reference, **JOIN, **more}


def test_on_the_roster_goes_on_to_set_up() -> None:
    store = make.store()
    worker = make.employee(store, reference="E-77x")
    client = signed_in(make.user())
    answer = client.post("/join/", asked(store, " e-77X "))
    assert answer.headers["Location"] == "/setup/"
    person = Associate.objects.get()
    assert (person.employee, person.state, person.adult_from) == (worker, "setting_up", date(2008, 5, 17))
    assert client.get("/join/").headers["Location"] == "/setup/"


def test_one_answer_for_every_mismatch() -> None:
    """Not on the roster, wrong birthday, no such store, not active, taken: the same page, byte for byte."""
    store = make.store()
    make.employee(store, reference="HERE")
    make.employee(store, reference="GONE", active=False)
    make.associate(store, employee=make.employee(store, reference="TAKEN"))
    bodies = set()
    for data in (
        asked(store, "NOBODY"), asked(store, "HERE", birth_date="1990-05-18"), asked(store, "GONE"),
        asked(store, "TAKEN"), asked(store, "HERE", store_number="1"),
    ):  # fmt: skip
        answer = signed_in(make.user()).post("/join/", data)
        assert answer.status_code == 422
        body = answer.content.decode()
        for typed in data.values():
            body = body.replace(f'value="{typed}"', "")
        bodies.add(re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", body))
    assert len(bodies) == 1
    assert "could not match" in bodies.pop()
    assert Associate.objects.count() == 1


def test_every_no_costs_the_same_work() -> None:
    """A stopwatch on a busy machine proves little; the same statements on the same columns are what can be held."""
    store = make.store()
    make.employee(store, reference="HERE")
    make.employee(store, reference="GONE", active=False)
    make.associate(store, employee=make.employee(store, reference="TAKEN"))
    asked_for = {}
    for reference, number, born in (
        ("NOBODY", store.number, date(1990, 5, 17)), ("HERE", store.number, date(1990, 5, 18)),
        ("GONE", store.number, date(1990, 5, 17)), ("TAKEN", store.number, date(1990, 5, 17)),
        ("HERE", 1, date(1990, 5, 17)),
    ):  # fmt: skip
        user = make.user()
        with CaptureQueriesContext(connection) as queries, pytest.raises(actions.NotRecognised):
            actions.enrol(
                user=user, store_number=number, employee_reference=reference, birth_date=born, by=user, now=make.EVENING
            )
        said = [re.sub(r"\d+|'[^']*'", "?", query["sql"]) for query in queries.captured_queries]
        asked_for[reference, number, born] = said
    first, *others = asked_for.values()
    assert len(first) >= 4
    assert all(other == first for other in others)


def test_somebody_under_18_is_told_from_when() -> None:
    store = make.store()
    make.employee(store, reference="YOUNG", birth_date=date(2012, 2, 29))
    answer = signed_in(make.user()).post("/join/", asked(store, "YOUNG", birth_date="2012-02-29"))
    assert "March 1, 2030" in answer.content.decode()
    assert not Associate.objects.exists()


def test_tries_are_limited_by_account_and_by_roster_line() -> None:
    store = make.store()
    make.employee(store, reference="HERE")
    client = signed_in(make.user())
    statuses = [client.post("/join/", asked(store, f"GUESS{n}")).status_code for n in range(7)]
    assert statuses == [422] * 6 + [429]
    assert client.post("/join/", asked(store, "HERE")).status_code == 429, "a right answer is none now"
    for _ in range(12):
        signed_in(make.user()).post("/join/", asked(store, "VICTIM", birth_date="1991-01-01"))
    assert signed_in(make.user()).post("/join/", asked(store, "victim")).status_code == 429


@pytest.mark.parametrize(
    "data",
    [
        {}, {"store_number": "abc"}, {"store_number": "9" * 30}, {"birth_date": "1990-02-30"}, {"birth_date": "0001-01-01"},
        {"employee_reference": "x" * 300}, {"employee_reference": "a\x00b"},
    ],
)  # fmt: skip
def test_bad_input_is_a_clear_error(data: dict[str, str]) -> None:
    store = make.store()
    answer = signed_in(make.user()).post("/join/", {**asked(store, "X"), **data} if data else {})
    assert answer.status_code == 422


def steps(client: Client, **changes: Any) -> None:
    """Answer every question as a person would."""
    answers: dict[str, dict[str, Any]] = {
        "consents": {"work": "on", "location": "on", "home": "on"},
        "home": {"street": "12 Main St.", "zip": "07002"},
        "vehicle": {"vehicle": "blue Civic", "trunk_ml": "400000"},
        "count": {"max_packages": "4"},
        "weight": {"each": "20", "load": "60"},
        "size": {"max_size_class": "1"},
        "minutes": {"max_extra_minutes": "15"},
        "days": {"weekdays": ["0", "2", "4"]},
        "language": {"language": "en"},
        "position": {},
        "camera": {},
        "notifications": {},
    } | changes
    at = client.get("/setup/").headers["Location"]
    for step, answer in answers.items():
        assert at == f"/setup/{step}/"
        assert client.get(at).status_code == 200
        reply = client.post(at, answer)
        assert reply.status_code == 302, reply.content.decode()
        at = reply.headers["Location"]
    assert at == "/setup/summary/"


@pytest.fixture
def newcomer() -> Client:
    store = make.store()
    AddressPoint.objects.create(street="12 MAIN STREET", zip="07002", lat=40.6667, lon=-74.1143)
    ZipCentroid.objects.create(zip="07302", lat=40.7197, lon=-74.0466)
    user = make.user()
    actions.enrol(
        user=user, store_number=store.number, employee_reference=make.employee(store).reference,
        birth_date=date(1990, 5, 17), by=user, now=make.EVENING,
    )  # fmt: skip
    return signed_in(user)


def test_set_up_from_the_first_question_to_the_last(newcomer: Client) -> None:
    assert b"Finish your set-up" in newcomer.get("/today/").content
    assert newcomer.post("/setup/summary/").status_code == 409, "nothing is answered yet"
    steps(newcomer)
    page = newcomer.get("/setup/summary/").content.decode()
    assert (
        "Up to 4 packages, 20 lb each and 60 lb in all, at most 15 minutes longer than your drive home, Mon Wed Fri."
        in page
    )
    assert newcomer.post("/setup/summary/").headers["Location"] == "/today/"
    person = Associate.objects.get()
    assert person.state == Associate.State.ACTIVE
    assert (person.area, person.vehicle) == ("07002", "blue Civic")
    limits = Limits.objects.get()
    assert (limits.max_package_weight_g, limits.max_total_weight_g, limits.trunk_ml) == (9072, 27216, 400_000)
    assert set(person.consents.values_list("kind", flat=True)) == {"work", "location", "home"}


def test_set_up_goes_on_where_it_stopped_also_on_another_phone(newcomer: Client) -> None:
    assert newcomer.get("/setup/").headers["Location"] == "/setup/consents/"
    newcomer.post("/setup/consents/", {"work": "on", "location": "on", "home": "on"})
    newcomer.post("/setup/home/", {"street": "12 Main Street", "zip": "07002"})
    newcomer.post("/setup/vehicle/", {"vehicle": "van", "trunk_ml": "800000"})
    newcomer.post("/setup/count/", {"max_packages": "7"})
    assert newcomer.get("/setup/").headers["Location"] == "/setup/weight/"
    assert b'href="/setup/count/"' in newcomer.get("/setup/weight/").content, "there is a way back"
    other = signed_in(Associate.objects.get().user)
    assert other.get("/setup/").headers["Location"] == "/setup/count/"
    assert b'value="7"' in other.get("/setup/count/").content


def test_the_address_is_kept_nowhere(newcomer: Client, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    newcomer.post("/setup/consents/", {"work": "on", "location": "on", "home": "on"})
    reply = newcomer.post("/setup/home/", {"street": "987 Canary Crescent", "zip": "07302-1234"}, follow=True)
    page = reply.content.decode()
    assert "could not find that street" in page, "and says that it used the ZIP"
    assert "Canary" not in page
    assert "Canary" not in newcomer.get("/me/").content.decode()
    person = Associate.objects.get()
    assert person.area == "07302"
    [cell] = HomeCell.objects.all()
    assert b"Canary" not in bytes(cell.sealed)
    assert "Canary" not in caplog.text + str(capsys.readouterr())
    assert not any("Canary" in str(value) for value in newcomer.session.values())


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("consents", {"work": "on"}),
        ("home", {"street": "1 Nowhere", "zip": "99999"}),
        ("home", {"street": "", "zip": "7002"}),
        ("vehicle", {"vehicle": "", "trunk_ml": "400000"}),
        ("vehicle", {"vehicle": "van", "trunk_ml": "1"}),
        ("count", {"max_packages": "21"}),
        ("count", {"max_packages": "NaN"}),
        ("weight", {"each": "30", "load": "20"}),
        ("weight", {"each": "-1", "load": "20"}),
        ("weight", {"each": "1e3", "load": "2e3"}),
        ("size", {"max_size_class": "9"}),
        ("minutes", {"max_extra_minutes": "4"}),
        ("days", {}),
        ("days", {"weekdays": ["7"]}),
        ("language", {"language": "xx"}),
    ],
)
def test_a_bad_answer_says_what_is_wrong_and_changes_nothing(newcomer: Client, step: str, answer: Any) -> None:
    newcomer.post("/setup/consents/", {"work": "on", "location": "on", "home": "on"})
    before = list(Limits.objects.values())
    reply = newcomer.post(f"/setup/{step}/", answer)
    assert reply.status_code == 422
    assert b'class="error"' in reply.content
    assert list(Limits.objects.values()) == before
    assert not HomeCell.objects.exists()


def test_a_home_needs_its_consent(newcomer: Client) -> None:
    reply = newcomer.post("/setup/home/", {"street": "12 Main Street", "zip": "07002"})
    assert reply.status_code == 422
    assert not HomeCell.objects.exists()


def test_pages_need_an_associate() -> None:
    for path in ("/today/", "/offers/", "/board/", "/trip/", "/earnings/", "/me/", "/setup/"):
        assert Client().get(path).headers["Location"] == f"/accounts/login/?next={path}"
        assert signed_in(make.user()).get(path).headers["Location"] == "/join/"


def test_unknown_steps_are_not_there(newcomer: Client) -> None:
    assert newcomer.get("/setup/salary/").status_code == 404


def test_consents_one_by_one() -> None:
    ana = make.associate(make.store())
    client = signed_in(ana.user)
    client.post("/me/consents/messages/withdraw/")
    assert ana.has_consented()
    client.post("/me/consents/home/withdraw/")
    client.post("/me/consents/home/withdraw/")
    assert not ana.has_consented()
    assert not HomeCell.objects.exists(), "home is forgotten with its consent"
    client.post("/me/consents/home/give/")
    assert Consent.objects.filter(associate=ana, kind="home").count() == 2, "a new yes is a new row"
    assert client.post(f"/me/consents/{uuid4().hex}/give/").status_code == 404


def test_leaving_deletes_what_was_told_and_the_way_back_is_open() -> None:
    ana = make.associate(make.store(), vehicle="van", area="07002")
    client = signed_in(ana.user)
    assert client.get("/me/leave/").status_code == 200
    assert client.post("/me/leave/").headers["Location"] == "/join/"
    ana.refresh_from_db()
    assert (ana.state, ana.vehicle, ana.area) == ("left", "", "")
    assert not HomeCell.objects.exists()
    assert not Limits.objects.exists()
    assert not ana.days.exists()
    assert client.get("/today/").headers["Location"] == "/join/"
    assert b"You have left" in client.get("/join/").content
    client.post("/join/", asked(ana.store, ana.employee.reference))
    ana.refresh_from_db()
    assert ana.state == "setting_up"


# --- What the phone may do ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", ["position", "camera", "notifications"])
def test_permissions_are_asked_one_at_a_time_with_a_way_by_hand(newcomer: Client, step: str) -> None:
    page = newcomer.get(f"/setup/{step}/").content.decode()
    assert page.count("data-permission=") + page.count('id="push"') == 1
    assert "Without it: " in page
    assert "Go on" in page
    following = STEPS[STEPS.index(step) + 1]
    assert newcomer.post(f"/setup/{step}/").headers["Location"] == f"/setup/{following}/", "nothing has to be allowed"
