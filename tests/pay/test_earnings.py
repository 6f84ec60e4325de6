"""The Earnings page: hours of the week, what was quoted and paid, and a word about it. Only one's own."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from associates.models import Associate
from deliveries import actors
from deliveries.actions import ledger
from deliveries.models import Dispute, Trip
from tests import make

from . import made

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 23, 0, tzinfo=UTC) - timedelta(weeks=150)  # long over, whenever this runs


@pytest.fixture
def person() -> Associate:
    store = make.store()
    plan = store.pay_plans.get()  # type: ignore[attr-defined]
    plan.effective_from = MONDAY.date() - timedelta(days=30)
    plan.save()
    return make.associate(store)


def client_of(person: Associate) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


def text(response: object) -> str:
    assert response.status_code == 200  # type: ignore[attr-defined]
    bare = re.sub(r"<[^>]+>", " ", response.content.decode())  # type: ignore[attr-defined]
    return " ".join(html.unescape(bare).split())


def full_week(person: Associate) -> Trip:
    return made.settled(person, made.shifts(person, MONDAY, 5)[4], took=timedelta(minutes=45))


def test_the_week_has_its_hours_and_the_trip_its_lines(person: Associate) -> None:
    trip = full_week(person)
    page = text(client_of(person).get("/earnings/"))
    assert "Hours of this week so far: 40 h 45 min; 40 h 0 min in the store, 45 min on trips." in page
    assert "We do not know what the store pays you an hour" in page
    assert "Overtime premium: 45 min above 40 hours this week" in page
    assert f"Quoted ${trip.pay_cents / 100:.2f}" in page
    assert f"Paid above the quote ${((trip.paid_cents or 0) - trip.pay_cents) / 100:.2f}" in page
    assert "For each extra hour $" in page
    person.employee.wage_cents = 2000
    person.employee.save()
    assert "We do not know" not in text(client_of(person).get("/earnings/"))


def test_a_pending_trip_says_so_and_cannot_be_disputed_yet(person: Associate) -> None:
    shift = make.shift(person, ends_at=MONDAY)
    trip = made.over(person, shift, made.quote_for(person, shift))
    page = text(client_of(person).get("/earnings/"))
    assert "pending" in page
    assert "Something is not right" not in page
    response = client_of(person).post(f"/earnings/{trip.pk}/dispute/", {"words": "early"})
    assert response.status_code == 409
    assert "still being worked out" in response.content.decode()


def test_a_dispute_and_its_answer_are_read_by_the_associate(person: Associate) -> None:
    trip, client = full_week(person), client_of(person)
    response = client.post(f"/earnings/{trip.pk}/dispute/", {"words": "The toll\x00 is missing <b>"})
    assert (response.status_code, response["Location"]) == (302, f"/earnings/#trip-{trip.pk}")
    page = text(client.get("/earnings/"))
    assert "(open): The toll is missing <b>" in page
    assert "Something is not right" not in page
    assert client.post(f"/earnings/{trip.pk}/dispute/", {"words": "Again"}).status_code == 409
    ledger.accept_dispute(
        dispute=Dispute.objects.get(),
        cents=240,
        answer="Toll added",
        by=actors.system("t"),
        now=MONDAY + timedelta(days=9),
    )
    page = text(client.get("/earnings/"))
    assert "(accepted)" in page
    assert "Answer: Toll added" in page
    assert "Correction: Toll added $2.40" in page
    assert client.post(f"/earnings/{trip.pk}/dispute/", {"words": " "}).status_code == 409
    client.post(f"/earnings/{trip.pk}/dispute/", {"words": "Another thing"})
    said = Dispute.objects.get(state="open")
    for _ in range(2):
        assert client.post(f"/earnings/disputes/{said.pk}/withdraw/").status_code == 302
    said.refresh_from_db()
    assert said.state == "withdrawn"


def test_anothers_trip_and_dispute_are_not_found(person: Associate) -> None:
    trip = full_week(person)
    said = ledger.dispute(trip=trip, words="Mine", by=person, now=MONDAY + timedelta(days=9))
    other = client_of(make.associate(person.store))
    assert other.post(f"/earnings/{trip.pk}/dispute/", {"words": "x"}).status_code == 404
    assert other.post(f"/earnings/disputes/{said.pk}/withdraw/").status_code == 404
    assert "Mine" not in text(other.get("/earnings/"))
    assert other.get(f"/earnings/{trip.pk}/dispute/").status_code == 405


def test_an_offers_quote_says_the_hours_of_the_week(person: Associate) -> None:
    shift = made.shifts(person, MONDAY, 5)[4]
    assert made.quote_for(person, shift).week_s == 40 * 3600 + 30 * 60
