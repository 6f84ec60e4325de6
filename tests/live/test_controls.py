"""The pages of a customer's controls as a browser without script, a robot or a guesser gets them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from deliveries import gate_codes, links, pins
from deliveries.actions import cancelling, positions
from deliveries.actions.dropoffs import Position
from deliveries.controls import Control
from deliveries.models import (
    ChatMessage,
    DeliveryException,
    Event,
    GateCode,
    Package,
    RatingTally,
    Thanks,
    TrackingLink,
)
from deliveries.states import PackageState
from deliveries.views import link_limits
from stores.places import Point, Precision

from .. import make
from ..test_wishes import BY, CAN, in_state
from . import road

pytestmark = pytest.mark.django_db
PAGES = [str(control) for control in Control]


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet() -> None:
    cache.clear()


def plain(html: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.decode()))


def token_of(package: Package) -> str:
    return links.issue(package=package, now=timezone.now())


def ready(**fields: Any) -> tuple[Package, str]:
    package = make.package(make.store(phone="201-555-0100", pickup_credit_cents=300), now=timezone.now(), **fields)
    return package, token_of(package)


def send(client: Client, token: str, page: str, **fields: Any) -> tuple[str, int]:
    """Post a form and read what follows: the text, and the status of the form's own answer."""
    answer = client.post(f"/t/{token}/{page}/", fields)
    if answer.status_code != 303:
        return plain(answer.content), answer.status_code
    assert not answer.cookies
    return plain(client.get(answer["Location"]).content), 303


# --- Every state ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [state.value for state in PackageState])
def test_the_page_offers_what_the_state_allows_and_says_why_not(client: Client, state: str) -> None:
    package = in_state(state)
    package.refresh_from_db()
    if package.state != state:
        pytest.skip("near midnight no shift of this evening is left to offer it to")
    token = token_of(package)
    home = client.get(f"/t/{token}/").content.decode()
    for page in PAGES:
        linked = f'href="{page}/?lang=en"' in home
        assert linked == (page in CAN[state].split()), page
        answer = client.get(f"/t/{token}/{page}/")
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert ("<form" in answer.content.decode()) == linked, f"{page} in {state}"
        assert ("note-warning" in answer.content.decode()) >= (not linked), "it says why not"
        spanish = client.get(f"/t/{token}/{page}/", {"lang": "es"}).content
        assert b'<html lang="es">' in spanish


@pytest.mark.parametrize("page", [*PAGES, "language"])
def test_who_has_no_link_has_nothing(client: Client, page: str) -> None:
    """Unknown, expired, revoked and long over: the same bytes, for a look and for a form."""
    package, expired = ready()
    TrackingLink.objects.update(
        expires_at=timezone.now() - timedelta(seconds=1), made_at=timezone.now() - timedelta(days=9)
    )
    revoked = token_of(package)
    TrackingLink.objects.filter(revoked_at=None).update(revoked_at=timezone.now())
    over, gone = ready()
    cancelling.cancel(package=over, by=BY, now=timezone.now() - timedelta(days=31), reason="x")
    before = list(Event.objects.values())
    tokens = (expired, revoked, gone, "A" * 32)
    asks = (client.post,) if page == "language" else (client.get, client.post)
    for ask in asks:
        answers = [ask(f"/t/{token}/{page}/") for token in tokens]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    assert list(Event.objects.values()) == before


def test_looking_changes_nothing_and_other_methods_are_refused(client: Client) -> None:
    made = road.under_way(1)
    before = list(Event.objects.values())
    for page in PAGES:
        for ask in (client.get, client.head):
            assert ask(f"/t/{made.tokens[0]}/{page}/", {"want": "carrier", "day": "2026-12-01"}).status_code == 200
        assert client.put(f"/t/{made.tokens[0]}/{page}/").status_code == 405
    assert client.get(f"/t/{made.tokens[0]}/language/").status_code == 405
    assert list(Event.objects.values()) == before


# --- Each control ---------------------------------------------------------------------------------------------------
def test_where_to_leave_it(client: Client) -> None:
    package, token = ready()
    text, status = send(client, token, "instructions", safe_place="porch", instructions="Blue door", gate_code="4711")
    assert status == 303
    assert "Saved. Whoever brings it reads it at your door." in text
    assert "Porch" in text
    assert "Blue door" in text
    assert "4711" not in text, "not even to the customer's own link"
    form = client.get(f"/t/{token}/instructions/").content
    assert b"4711" not in form
    assert b"Blue door" in form
    send(client, token, "instructions", safe_place="porch", instructions="Blue door")
    assert gate_codes.read([package]) == {package.pk: "4711"}
    send(client, token, "instructions", instructions="", forget="yes")
    assert not GateCode.objects.exists()


def test_a_gate_code_is_in_no_log(client: Client, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level("DEBUG")
    _package, token = ready()
    send(client, token, "instructions", gate_code="GC-48151", instructions="x")
    said = caplog.text + "".join(capsys.readouterr())
    assert "GC-48151" not in said
    assert token not in said


def test_the_pin_by_hand_and_by_degrees(client: Client) -> None:
    package, token = ready()
    text, _status = send(client, token, "pin", feet="100", toward="n")
    assert "The pin is where you put it" in text
    moved = Package.objects.get(pk=package.pk)
    assert moved.lat > package.lat
    assert moved.lon == pytest.approx(package.lon)
    text, status = send(client, token, "pin", lat=str(package.lat + 0.02), lon=str(package.lon))
    assert status == 409
    assert "more than 980 feet" in text
    for bad in (
        {"feet": "100"},
        {"feet": "x", "toward": "n"},
        {"lat": "nan", "lon": "0"},
        {"lat": "91", "lon": "0"},
        {},
    ):
        text, status = send(client, token, "pin", **bad)
        assert status == 409
        assert "Choose one of the answers" in text


def test_a_weak_pin_is_asked_for(client: Client) -> None:
    package, token = ready(precision=Precision.ZIP)
    assert "Where is your door?" in plain(client.get(f"/t/{token}/").content)
    send(client, token, "pin", lat=str(package.lat + 0.01), lon=str(package.lon))
    assert Package.objects.offerable(package.store, timezone.now()).exists()
    assert "Where is your door?" not in plain(client.get(f"/t/{token}/").content)


def test_another_day(client: Client) -> None:
    package, token = ready()
    form = client.get(f"/t/{token}/another-day/").content.decode()
    days = re.findall(r'name="day" value="([\d-]+)"', form)
    assert len(days) >= 5
    text, _status = send(client, token, "another-day", day=days[1])  # the first may be today, an hour after midnight
    assert "We will bring it another day" in text
    assert "Until then the store keeps it" in text
    assert re.search(r"By .+ on \w+day, ", text)
    assert "You chose another day" in text
    text, status = send(client, token, "another-day", day="2020-01-01")
    assert (status, "That day cannot be had" in text) == (409, True)
    assert send(client, token, "another-day", day="soon")[1] == 409
    package.refresh_from_db()
    assert package.not_before is not None


def test_pick_up_with_its_credit(client: Client) -> None:
    _package, token = ready()
    assert "You get $3.00 at the counter" in plain(client.get(f"/t/{token}/pick-up/").content)
    text, _status = send(client, token, "pick-up")
    assert "Your package waits for you at the store" in text
    assert "you get $3.00 at the counter" in text
    assert send(client, token, "pick-up")[1] == 303, "twice is once"


def test_no_associate_and_back(client: Client) -> None:
    package, token = ready()
    text, _status = send(client, token, "carrier", want="carrier")
    assert "The carrier brings this package and later ones" in text
    assert "Next, our carrier takes it along, as you asked" in text
    later, later_token = make.package(package.store, address1=package.address1), ""
    later_token = token_of(later)
    assert "we use the carrier only" in plain(client.get(f"/t/{later_token}/carrier/").content)
    text, _status = send(client, later_token, "carrier", want="associate")
    assert "Somebody from the store may bring your packages" in text
    made = road.under_way(1)
    text, _status = send(client, made.tokens[0], "carrier", want="carrier")
    assert "The carrier brings your later packages" in text


def test_messages_while_somebody_has_it(client: Client) -> None:
    made = road.under_way(1)
    token, key = made.tokens[0], str(uuid4())
    for _ in range(2):
        text, _status = send(client, token, "write", words="The dog is friendly", key=key)
    assert text.count("The dog is friendly") == 1
    assert "Messages with Ana" in text
    text, status = send(client, token, "write", words="Call me: 201-555-0100", key=str(uuid4()))
    assert status == 409
    assert "leave out phone numbers" in text
    assert "Call me: 201-555-0100" in text, "what was typed is still there"
    made.deliver(made.packages[0])
    assert "The dog is friendly" not in plain(client.get(f"/t/{token}/").content), "over is over"
    assert ChatMessage.objects.count() == 1


def test_i_did_not_get_it_and_i_have_it(client: Client) -> None:
    made = road.under_way(1)
    token = made.tokens[0]
    made.deliver(made.packages[0])
    text, _status = send(client, token, "not-received", key=str(uuid4()), words="Nothing here")
    assert "Thank you for telling us" in text
    assert "I have it after all" in text
    assert DeliveryException.objects.get().note == "Nothing here"
    text, _status = send(client, token, "not-received", want="found")
    assert "Good to hear" in text
    assert DeliveryException.objects.get().resolved_at is not None


def test_notes_do_not_change_when_it_was_delivered(client: Client) -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0])
    token = made.tokens[0]
    first = Event.objects.get(package=made.packages[0], verb="deliver")
    Event.objects.filter(pk=first.pk).update(happened_at=timezone.now() - timedelta(minutes=40))
    before = re.search(r'class="window">([^<]+)<', client.get(f"/t/{token}/").content.decode())
    send(client, token, "rating", stars="5")
    after = re.search(r'class="window">([^<]+)<', client.get(f"/t/{token}/").content.decode())
    assert before
    assert after
    assert before[1] == after[1]


def test_stars_and_thanks(client: Client) -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0])
    token = made.tokens[0]
    assert "Choose between one and five stars" in send(client, token, "rating", stars="9")[0]
    assert "Thank you." in send(client, token, "rating", stars="5", words="Very kind")[0]
    assert send(client, token, "rating", stars="1")[1] == 303
    assert list(RatingTally.objects.values_list("stars", "count")) == [(5, 1)]
    assert [thanks.words for thanks in Thanks.objects.all()] == ["Very kind"]


def test_the_language_of_page_and_messages(client: Client) -> None:
    package, token = ready()
    answer = client.post(f"/t/{token}/language/", {"language": "es"})
    assert answer.status_code == 303
    assert b'<html lang="es">' in client.get(f"/t/{token}/").content
    assert Package.objects.get(pk=package.pk).language == "es"
    client.post(f"/t/{token}/language/", {"language": "<script>"})
    assert Package.objects.get(pk=package.pk).language == "es"


# --- PIN and position -----------------------------------------------------------------------------------------------
def test_the_pin_is_shown_once_somebody_is_to_come(client: Client) -> None:
    package, token = ready(pin_required=True)
    assert "Your PIN at the door" not in plain(client.get(f"/t/{token}/").content)
    made = road.under_way(1, pin_required=True)
    text = plain(client.get(f"/t/{made.tokens[0]}/").content)
    assert f"Your PIN at the door {pins.pin_of(made.packages[0])}" in text
    assert "Somebody has to be there" in text
    assert package.pin_required


def test_how_far_it_is_only_while_theirs_is_next(client: Client) -> None:
    made = road.under_way(2)
    first, second = made.packages
    near = Point(first.lat + 0.006, first.lon)
    now = timezone.now()
    positions.report(position=Position(near, 10), by=made.ana, now=now, happened_at=now)
    made.trip.refresh_from_db()
    assert made.trip.seen_at is not None
    page, other = (client.get(f"/t/{token}/") for token in made.tokens)
    assert re.search(r"(About|Less than) 0\.\d mi away · \d+ seconds? ago", plain(page.content))
    assert "mi away" not in plain(other.content)
    state, others = (client.get(f"/t/{token}/state").json() for token in made.tokens)
    assert set(state["position"]) == {"lat", "lon", "at", "radius", "door"}
    assert others["position"] is None
    assert state["again_s"] <= 182, "asked again when it is no news any more"
    made.deliver(first)
    assert client.get(f"/t/{made.tokens[0]}/state").json()["position"] is None
    assert "mi away" not in plain(client.get(f"/t/{made.tokens[0]}/").content)
    assert second.pk


# --- Limits ---------------------------------------------------------------------------------------------------------
def test_a_page_may_not_be_hammered(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_limits, "WRITES_AN_HOUR", 3)
    _package, token = ready()
    for _ in range(3):
        assert send(client, token, "instructions", instructions="x")[1] == 303
    assert send(client, token, "instructions", instructions="y")[1] == 429
    assert client.get(f"/t/{token}/").status_code == 200, "looking goes on"


def test_when_many_guess_each_gets_one_try(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_limits, "BAD_A_MINUTE_IN_ALL", 5)
    for n in range(5):
        assert client.get("/t/guess/", REMOTE_ADDR=f"203.0.113.{n}").status_code == 404
    assert client.get("/t/guess/", REMOTE_ADDR="203.0.113.9").status_code == 404
    assert client.get("/t/guess/", REMOTE_ADDR="203.0.113.9").status_code == 429
    _package, token = ready()
    assert client.get(f"/t/{token}/", REMOTE_ADDR="203.0.113.77").status_code == 200, "who has a link is not held up"


def test_what_is_typed_stays_text(client: Client) -> None:
    package, token = ready()
    evil = "<img src=x onerror=alert(1)>"
    send(client, token, "instructions", instructions=evil)
    for page in ("", "instructions/"):
        assert b"<img src=x" not in client.get(f"/t/{token}/{page}").content
    assert b"note-success" not in client.get(f"/t/{token}/", {"done": evil}).content
    assert send(client, token, "instructions", instructions="a\x00b", safe_place="\x00")[1] == 303
    assert Package.objects.get(pk=package.pk).instructions == "ab"
