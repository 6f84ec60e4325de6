"""What the retailer reads: packages, eligibility, trips, payroll. Its own stores', and nothing about a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from deliveries import actors, payroll
from deliveries.actions import approving, handover, trips
from deliveries.models import Package, TrackingLink
from stores.models import Store
from tests import make
from tests.staff.world import claimed, offer_to

from .conftest import System

NOW = make.EVENING
PACKAGES = "/api/v1/packages"
QUESTION = {
    "lat": 40.6602, "lon": -74.1159, "weight_lb": 2, "length_in": 12, "width_in": 9, "height_in": 4,
    "deliver_by": "2026-11-24T21:00",
}  # fmt: skip


def test_packages_page_by_page_and_filtered(system: System, store: Store) -> None:
    made = [make.package(store, staged=n % 2 == 0) for n in range(5)]
    theirs = make.package(make.store())
    url, seen = f"{PACKAGES}?limit=2", []
    while url:
        page = system.get(url).json()
        assert len(page["items"]) <= 2
        seen += [item["reference"] for item in page["items"]]
        url = page["next"]
    assert seen == [package.reference for package in made]
    assert theirs.reference not in seen
    staged = system.get(f"{PACKAGES}?state=staged&store={store.number}").json()["items"]
    assert [item["reference"] for item in staged] == [package.reference for package in made[::2]]
    [one] = system.get(f"{PACKAGES}?reference={made[1].reference}").json()["items"]
    assert one["state"] == "received"
    later = (NOW + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert system.get(f"{PACKAGES}?changed_since={later}").json()["items"] == []
    assert len(system.get(f"{PACKAGES}?due_before=2026-11-26T00:00-05:00").json()["items"]) == 5


def test_whether_it_was_offered_shows_nowhere(system: System, store: Store) -> None:
    person = make.associate(store)
    package = make.package(store)
    offer_to(person, make.shift(person), [package], now=NOW, until=NOW + timedelta(minutes=30))
    package.refresh_from_db()
    assert package.state == "offered"
    assert system.get(f"{PACKAGES}/{package.reference}?store={store.number}").json()["state"] == "staged"
    assert len(system.get(f"{PACKAGES}?state=staged").json()["items"]) == 1
    events = system.get(f"/api/v1/events?store={store.number}").json()["items"]
    assert [event["type"] for event in events] == ["package.receive", "package.stage"]


def test_a_tracking_link_leads_to_the_package(system: System, store: Store) -> None:
    package = make.package(store)
    url = f"{PACKAGES}/{package.reference}/tracking-link?store={store.number}"
    one, other = system.send(url).json(), system.send(url).json()
    assert one["url"] != other["url"], "only hashes are kept, so each is new"
    assert TrackingLink.objects.filter(package=package).count() == 2
    path = one["url"].split("/", 3)[3]
    assert package.store.name in system.get(f"/{path}").content.decode()


# --- Eligibility ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"weight_lb": 120, "length_in": 40, "width_in": 30}, ["too_heavy"]),
        ({"lat": 40.05, "lon": -74.4}, ["beyond_radius"]),
        ({"state": "NY"}, ["other_state"]),
        ({"deliver_by": "2026-11-24T17:00"}, ["promise_past"]),
        ({"deliver_by": "2026-11-24T18:20"}, ["too_soon"]),
        ({"lat": None, "lon": None, "zip": "99999"}, ["unknown_place"]),
    ],
    ids=lambda value: "-".join(value) or "fits",
)
def test_whether_an_associate_could_take_it(
    system: System, store: Store, changes: dict[str, Any], reasons: list[str]
) -> None:
    answer = system.send("/api/v1/eligibility", {"store": store.number, **QUESTION, **changes})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["eligible"], answer.json()["reasons"]) == (not reasons, reasons)
    assert not Package.objects.exists()


def test_it_depends_on_the_store_and_on_nobody_in_it(system: System, store: Store) -> None:
    question = {"store": store.number, **QUESTION}
    before = system.send("/api/v1/eligibility", question).json()
    person = make.associate(store)
    make.shift(person)
    assert system.send("/api/v1/eligibility", question).json() == before
    Store.objects.update(stage="paused")
    assert system.send("/api/v1/eligibility", question).json()["reasons"] == ["store_not_offering"]
    Store.objects.update(stage="pilot", carrier_cutoff="17:00")
    assert system.send("/api/v1/eligibility", question).json()["reasons"] == ["after_cutoff"]


def test_a_bad_question_is_told_column_by_column(system: System, store: Store, is_problem: Any) -> None:
    bad = {"store": store.number, **QUESTION, "weight_lb": "NaN", "deliver_by": "tonight"}
    body = is_problem(system.send("/api/v1/eligibility", bad), 400)
    assert {(e["column"], e["code"]) for e in body["errors"]} == {
        ("weight_lb", "not_a_number"), ("deliver_by", "time_format"),
    }  # fmt: skip
    is_problem(system.send("/api/v1/eligibility", {"store": 1, **QUESTION}), 400, "unknown_store")
    is_problem(system.send("/api/v1/eligibility", {"recipient": "Sam"}), 400, "unknown_key")
    is_problem(system.send("/api/v1/eligibility", {"store": [1]}), 400, "wrong_type")
    twice = b'{"store": 1, "store": 2}'
    is_problem(system.post("/api/v1/eligibility", twice, content_type="application/json"), 400, "duplicate_column")


# --- Trips and payroll ----------------------------------------------------------------------------------------------------
def driven(store: Store) -> Any:
    person = make.associate(store)
    when = make.shift(person, ends_at=NOW + timedelta(minutes=5))
    package = make.package(store)
    trip = claimed(person, when, [package], now=NOW)
    handover.load(trip=trip, label=package.label, by=actors.associate(person.user_id), now=NOW + timedelta(minutes=6))
    return trips.depart(trip=trip, by=person, now=NOW + timedelta(minutes=10))


def test_trips_say_what_and_when_and_not_who_or_where_to(system: System, store: Store, is_problem: Any) -> None:
    trip = driven(store)
    [shown] = system.get(f"/api/v1/trips?store={store.number}&state=under_way").json()["items"]
    assert shown == system.get(f"/api/v1/trips/{trip.pk}").json()
    assert set(shown) == {
        "id", "store", "evening", "state", "claimed_at", "started_at", "ended_at", "called_off", "packages",
    }  # fmt: skip
    assert [set(package) for package in shown["packages"]] == [{"package", "state", "stop", "arrived_at"}]
    text = str(shown)
    for private in (trip.associate.first_name, trip.associate.employee.reference):
        assert private not in text
    for figure in (trip.extra_m, trip.extra_s):  # as a whole number: a part of one, such as a moment's, is chance
        assert not re.search(rf"(?<!\d){figure}(?!\d)", text)
    is_problem(System(make.store()).get(f"/api/v1/trips/{trip.pk}"), 404)
    assert System(make.store()).get("/api/v1/trips").json()["items"] == []


def test_payroll_is_the_signed_export(system: System, store: Store, is_problem: Any) -> None:
    url = f"/api/v1/payroll?store={store.number}"
    answer = system.get(f"{url}&from=2026-11-16&to=2026-11-22")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    assert payroll.verify(answer.content, answer["Homeward-Signature"])
    is_problem(system.get(f"{url}&from=2026-11-16"), 400, "period")
    is_problem(system.get(f"{url}&from=2026-11-16&to=2026-11-24"), 400, "period")
    is_problem(system.get(f"{url}&from=2026-11-22&to=2026-11-16"), 400, "period")
    is_problem(system.get(f"{url}&from=9999-12-31&to=9999-12-31"), 400, "period")
    is_problem(System(store, scopes=["trips:read"]).get(f"{url}&from=2026-11-16&to=2026-11-22"), 403, "scope")


def test_payroll_that_must_be_approved_waits_for_that(system: System, store: Store, is_problem: Any) -> None:
    url = f"/api/v1/payroll?store={store.number}&from=2026-11-16&to=2026-11-22"
    assert system.get(url)["Homeward-Approved"] == "false"
    is_problem(system.get(f"{url}&approved=true"), 409, "not_approved")
    is_problem(system.get(f"{url}&approved=perhaps"), 400)
    file = payroll.make_file(store, date(2026, 11, 16), date(2026, 11, 22), now=NOW)
    approving.approve(
        store=store,
        first=date(2026, 11, 16),
        last=date(2026, 11, 22),
        shown=file.digest,
        by=actors.system("t"),
        now=NOW,
    )
    answer = system.get(f"{url}&approved=true")
    assert (answer.content, answer["Homeward-Approved"]) == (file.data, "true")
    is_problem(system.get(f"{url.replace('11-16', '11-15')}&approved=true"), 409, "not_approved")


def test_an_address_that_no_route_takes_is_a_problem_document_too() -> None:
    answer = Client().get("/api/v1/packages/a%0Ab")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert Client().get("/nowhere%0A/").headers["Content-Type"].startswith("text/html")


def test_a_wrong_address_and_a_missing_key_are_told_the_way_out(
    client: Client, system: System, is_problem: Callable[..., dict[str, Any]]
) -> None:
    """Also the bare /api/v1/, which is what somebody tries first."""
    assert "/api/v1/docs/" in is_problem(system.get("/api/v1/"), 404, "not_found")["detail"]
    assert "/api/v1/key" in is_problem(system.get("/api/v1/packages?store=1"), 404, "not_found")["detail"]
    refused = client.get("/api/v1/key")
    assert "Authorization: Bearer" in is_problem(refused, 401, "not_authenticated")["detail"]
    assert "WWW-Authenticate" in refused
