"""One's own terms: what limits mean while they are typed, single days, consents whose text changed, data, deletion."""

from __future__ import annotations

import json
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client

from associates import actions, own_data, terms
from associates.models import Associate, Consent, DayException, Employee, HomeCell, Limits, Shift, willing
from deliveries import matching, tasks
from deliveries.actions import dropoffs, ledger, standing, trips
from deliveries.models import Claim, Event, LedgerEntry, Offer, PushSubscription, Trip
from stores.models import User
from tests import make

from .conftest import Evening

NOW = make.EVENING
TONIGHT = date(2026, 11, 24)
pytestmark = pytest.mark.django_db


# --- What limits mean ---------------------------------------------------------------------------------------------------


def test_the_sentence_follows_what_is_typed_and_nothing_is_saved(evening: Evening) -> None:
    before = Limits.objects.values().get()
    said = evening.client.post("/setup/count/meaning/", {"max_packages": "4"}).content.decode()
    assert "Up to 4 packages" in said
    said = evening.client.post("/setup/weight/meaning/", {"each": "20", "load": "55"}).content.decode()
    assert "20 lb each and 55 lb in all" in said
    said = evening.client.post("/setup/days/meaning/", {"weekdays": ["0", "2", "4"]}).content.decode()
    assert "Mon Wed Fri" in said
    said = evening.client.post("/setup/home-by/meaning/", {"home_by": "20:30"}).content.decode()
    assert "home by 8:30 p.m." in said
    said = evening.client.post("/setup/floor/meaning/", {"dollars": "22.50"}).content.decode()
    assert "No offer below $22.50 for each extra hour." in said
    assert Limits.objects.values().get() == before


def test_half_an_answer_leaves_the_sentence_as_it_was(evening: Evening) -> None:
    half: tuple[tuple[str, dict[str, str]], ...] = (
        ("count", {"max_packages": ""}), ("minutes", {"max_extra_minutes": "900"}), ("home-by", {"home_by": "x"}),
    )  # fmt: skip
    for step, answer in half:
        assert evening.client.post(f"/setup/{step}/meaning/", answer).status_code == 204
    assert evening.client.post("/setup/home/meaning/", {"street": "1 A", "zip": "07002"}).status_code == 404


def test_home_by_and_the_floor_are_kept_and_can_be_taken_back(evening: Evening) -> None:
    assert evening.client.post("/setup/home-by/", {"home_by": "20:30"}).headers["Location"] == "/me/"
    assert evening.client.post("/setup/floor/", {"dollars": "22.50"}).headers["Location"] == "/me/"
    limits = Limits.objects.get()
    assert (limits.home_by, limits.floor_cents_per_hour) == (time(20, 30), 2250)
    page = evening.client.get("/me/").content.decode()
    assert "home by 8:30 p.m." in page
    assert "may not exceed 12 hours, and you are home 8 hours before your next clock-in" in page
    evening.client.post("/setup/home-by/", {"home_by": ""})
    evening.client.post("/setup/floor/", {"dollars": ""})
    limits.refresh_from_db()
    assert (limits.home_by, limits.floor_cents_per_hour) == (None, 0)


@pytest.mark.parametrize("dollars", ["-1", "1e9", "NaN", "1.234", "x"])
def test_a_bad_floor_is_a_clear_error(evening: Evening, dollars: str) -> None:
    reply = evening.client.post("/setup/floor/", {"dollars": dollars})
    assert reply.status_code == 422
    assert b'class="error"' in reply.content


def test_home_by_is_what_the_planner_plans_with(evening: Evening) -> None:
    """The shift ends at seven; home by five past seven leaves no room for anything."""
    evening.client.post("/setup/home-by/", {"home_by": "19:05"})
    matching.run_round(store=evening.store, now=NOW)
    assert not Offer.objects.exists()


# --- Single days --------------------------------------------------------------------------------------------------------


def test_a_single_day_beats_its_weekday_both_ways() -> None:
    ana, ben, cyd = (make.associate(make.store()) for _ in range(3))
    for person in (ben, cyd):
        person.days.filter(weekday=TONIGHT.weekday()).delete()
    DayException.objects.create(associate=ana, day=TONIGHT, delivers=False)
    DayException.objects.create(associate=ben, day=TONIGHT, delivers=True)
    DayException.objects.create(associate=cyd, day=TONIGHT + timedelta(days=7), delivers=True)
    assert not willing(ana.store, TONIGHT).exists()
    assert willing(ana.store, TONIGHT + timedelta(days=7)).get() == ana
    assert willing(ben.store, TONIGHT).get() == ben
    assert not willing(cyd.store, TONIGHT).exists()


def test_days_are_set_listed_changed_and_cleared(evening: Evening) -> None:
    client = evening.client
    assert b"None. Add a date" in client.get("/me/days/").content
    assert client.post("/me/days/", {"day": "2026-11-26", "delivers": "no"}).status_code == 302
    page = client.get("/me/days/").content.decode()
    assert "Thursday, November 26" in page
    assert client.post("/me/days/", {"day": "2026-11-26", "delivers": "yes"}).status_code == 302
    assert DayException.objects.get().delivers, "a second word replaces the first"
    client.post("/me/days/2026-11-26/clear/")
    client.post("/me/days/2026-11-26/clear/")
    assert not DayException.objects.exists()
    assert client.post("/me/days/soon/clear/").status_code == 404


@pytest.mark.parametrize(
    ("day", "delivers", "words"),
    [
        ("2026-11-23", "no", "This day is over"), ("2027-11-23", "no", "three months ahead"),
        ("2026-11-24", "no", "Deliver tonight"), ("2026-02-30", "no", "valid date"), ("2026-11-26", "maybe", "valid choice"),
        ("", "no", "required"),
    ],
)  # fmt: skip
def test_a_day_that_cannot_be_says_why(evening: Evening, day: str, delivers: str, words: str) -> None:
    reply = evening.client.post("/me/days/", {"day": day, "delivers": delivers})
    assert reply.status_code == 422
    assert words in reply.content.decode()
    assert not DayException.objects.exists()


def test_todays_page_knows_single_days(evening: Evening) -> None:
    evening.ana.days.filter(weekday=TONIGHT.weekday()).delete()
    assert b"Not one of your days" in evening.client.get("/today/").content
    evening.client.post("/me/days/", {"day": "2026-11-24", "delivers": "yes"})
    assert b"Not one of your days" not in evening.client.get("/today/").content


def test_days_that_are_over_are_forgotten(evening: Evening) -> None:
    """Nothing may count how often somebody said no."""
    for back in (1, 2, 3):
        DayException.objects.create(associate=evening.ana, day=TONIGHT - timedelta(days=back), delivers=False)
    ahead = DayException.objects.create(associate=evening.ana, day=TONIGHT, delivers=True)
    assert actions.forget_days_before(TONIGHT) == 3
    assert DayException.objects.get() == ahead


def test_the_hourly_forgetting_takes_days_and_old_sessions(evening: Evening) -> None:
    evening.client.get("/me/")
    DayException.objects.create(associate=evening.ana, day=TONIGHT, delivers=True)
    evening.at(NOW + timedelta(days=31))
    tasks.forget()
    assert not DayException.objects.exists()
    assert not Session.objects.exists()


# --- Consents -----------------------------------------------------------------------------------------------------------


def test_a_new_version_of_a_text_asks_again(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    from associates import models

    before = models.CONSENT_VERSIONS["location"]

    monkeypatch.setitem(models.CONSENT_VERSIONS, "location", 7)
    assert not willing(evening.store, TONIGHT).exists(), "no offer on the strength of the old text"
    assert b"A text you agreed to has changed" in evening.client.get("/today/").content
    page = evening.client.get("/me/").content.decode()
    assert "Agree to the new “Location while on a trip”" in page
    evening.client.post("/me/consents/location/give/")
    rows = Consent.objects.filter(associate=evening.ana, kind="location").order_by("pk")
    assert [(row.version, row.withdrawn_at is None) for row in rows] == [(before, False), (7, True)]
    assert willing(evening.store, TONIGHT).exists()
    assert b"A text you agreed to has changed" not in evening.client.get("/today/").content


def test_every_consent_says_what_taking_it_back_means(evening: Evening) -> None:
    page = evening.client.get("/me/").content.decode()
    assert page.count("Take back “") == 4
    for words in (
        "Your home area is forgotten at once",
        "Nothing is sent to you any more",
        "confirm with a photo alone",
    ):
        assert words in page


# --- My data ------------------------------------------------------------------------------------------------------------


def delivered(evening: Evening) -> Trip:
    """A trip whose first package is delivered and whose others came back; settled."""
    trip = evening.under_way()
    at = evening.shift.ends_at + timedelta(minutes=15)
    evening.at(at)
    for package in evening.packages:
        package.refresh_from_db()
        dropoffs.deliver(
            package=package, by=evening.ana, now=at, key=uuid4(), photo=ContentFile(b"\xff\xd8 a photo"),
            position=dropoffs.Position(package.point, 10),
        )  # fmt: skip
    trip.refresh_from_db()
    trips.settle(trip=trip, now=at + timedelta(minutes=5))
    trip.refresh_from_db()
    return trip


def test_my_data_is_everything_of_mine_and_nothing_of_a_customer(evening: Evening) -> None:
    trip = delivered(evening)
    Associate.objects.filter(pk=evening.ana.pk).update(area="07087", vehicle="blue Civic")
    DayException.objects.create(associate=evening.ana, day=TONIGHT, delivers=True)
    reply = evening.client.get("/me/data/")
    assert reply["Content-Disposition"] == 'attachment; filename="homeward-my-data-2026-11-24.json"'
    assert "no-store" in reply["Cache-Control"]
    data = json.loads(reply.content)
    assert data["account"]["email"] == evening.ana.user.email
    assert data["roster"]["birth_date"] == "1990-05-17"
    assert data["associate"]["vehicle"] == "blue Civic"
    assert data["home"] == {"zip": "07087", "cell": own_data.SEALED}
    assert data["limits"]["max_packages"] == 6
    assert {each["kind"] for each in data["consents"]} == {"work", "location", "home", "messages"}
    assert data["single_days"] == [{"day": "2026-11-24", "delivers": True}]
    assert [each["reference"] for each in data["shifts"]] == [evening.shift.reference]
    [one] = data["trips"]
    assert one["paid_cents"] == trip.paid_cents == sum(line["cents"] for line in data["ledger"])
    assert {place for stop in one["stops"] for place in stop["city_and_zip"]} == {"Bayonne 07002"}
    assert len(one["proofs"]) == 3
    text = reply.content.decode()
    sealed = bytes(HomeCell.objects.get().sealed).decode()
    theirs = ["Sam", "Carter", "sam@example.net", "Test Street", sealed[:20], evening.ana.user.password]
    for package in evening.packages:
        theirs += [package.reference + '"', package.label, f"{package.lat:.4f}", f"{package.lon:.4f}"]
    assert not [word for word in theirs if word in text]


def test_my_data_is_mine_alone_and_stays_open_after_leaving(evening: Evening, sign_in: Any) -> None:
    ben = make.associate(evening.store, employee=make.employee(evening.store, first_name="Benedict"))
    assert b"Benedict" not in evening.client.get("/me/data/").content
    evening.client.post("/me/leave/")
    assert b"/me/data/" in evening.client.get("/join/").content
    assert json.loads(evening.client.get("/me/data/").content)["limits"] is None
    assert Client().get("/me/data/").headers["Location"].startswith("/accounts/login/")
    stranger = Client()
    stranger.force_login(make.user())
    assert stranger.get("/me/data/").headers["Location"] == "/join/"
    assert sign_in(ben).get("/me/data/").status_code == 200


# --- Deletion -----------------------------------------------------------------------------------------------------------


def rows_with(word: str) -> set[str]:
    """Every table of the database that has `word` in any of its rows, whatever the column."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s', [f"%{word}%"])  # noqa: S608
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def test_deletion_leaves_the_books_and_no_person(evening: Evening) -> None:
    worker = Employee.objects.get(pk=evening.ana.employee_id)
    Employee.objects.filter(pk=worker.pk).update(first_name="Canarina", last_name="Finch")
    Associate.objects.filter(pk=evening.ana.pk).update(first_name="Canarina", vehicle="canary coupe", area="07087")
    User.objects.filter(pk=evening.ana.user_id).update(email="canarina@example.org", first_name="Canarina")
    evening.ana.refresh_from_db()
    trip = delivered(evening)
    later_shift = make.shift(evening.ana, ends_at=evening.shift.ends_at + timedelta(days=1))
    ledger.dispute(trip=trip, words="Canarina waited", by=evening.ana, now=NOW + timedelta(hours=2))
    dispute = evening.ana.disputes.get()
    ledger.withdraw_dispute(dispute=dispute, by=evening.ana, now=NOW + timedelta(hours=2))
    LogEntry.objects.log_actions(make.staff(evening.store).pk, [evening.ana], CHANGE, "insurance")
    books = (list(LedgerEntry.objects.values()), list(Event.objects.values()), list(Claim.objects.values()), trip.quote)

    refused = evening.client.post("/me/delete/")
    assert refused.status_code == 409
    assert "still on its way through payroll" in refused.content.decode()
    evening.at(trip.ended_at + timedelta(days=35, hours=1))  # type: ignore[operator]
    evening.client.force_login(User.objects.get(pk=evening.ana.user_id))
    other_phone = Client()
    other_phone.force_login(User.objects.get(pk=evening.ana.user_id))
    assert b"canarina@example.org" in other_phone.get("/me/").content
    gone = evening.client.post("/me/delete/", follow=True)
    assert "Your data is deleted" in gone.content.decode()

    trip.refresh_from_db()
    assert books == (
        list(LedgerEntry.objects.values()),
        list(Event.objects.values()),
        list(Claim.objects.values()),
        trip.quote,
    )
    assert other_phone.get("/me/").headers["Location"].startswith("/accounts/login/"), "signed out everywhere"
    nobody = Associate.objects.get(pk=evening.ana.pk)
    assert (nobody.first_name, nobody.state, nobody.vehicle, nobody.area) == ("Former associate", "left", "", "")
    assert trip.shift.employee == nobody.employee != worker
    assert nobody.employee.birth_date == date(1900, 1, 1)
    assert nobody.adult_from == nobody.enrolled_on
    assert Shift.objects.get(pk=later_shift.pk).employee == worker, "the retailer's own books are the retailer's"
    assert rows_with("canarina") == {"associates_employee"}, "the retailer's roster line, and nothing else"
    assert rows_with("canary coupe") == rows_with("07087") == set()
    user = User.objects.get(pk=nobody.user_id)
    assert not user.is_active
    assert not user.has_usable_password()
    # Nothing leads from the roster line back to what was carried and paid.
    assert not Associate.objects.filter(employee=worker).exists()
    assert not Trip.objects.filter(shift__employee=worker).exists()
    # Twice is once.
    before = list(Employee.objects.values())
    standing.erase(associate=nobody, by=user, now=trip.ended_at + timedelta(days=36))  # type: ignore[operator]
    assert list(Employee.objects.values()) == before


def test_the_same_person_may_join_anew_and_finds_nothing_of_before(evening: Evening) -> None:
    worker = evening.ana.employee
    standing.erase(associate=evening.ana, by=evening.ana.user, now=NOW)
    user = make.user()
    again = actions.enrol(
        user=user, store_number=evening.store.number, employee_reference=worker.reference,
        birth_date=worker.birth_date, by=user, now=NOW,
    )  # fmt: skip
    assert again.pk != evening.ana.pk


def test_nobody_is_deleted_with_packages_in_hand(evening: Evening) -> None:
    evening.under_way()
    reply = evening.client.post("/me/delete/")
    assert reply.status_code == 409
    page = reply.content.decode()
    assert "Finish the trip, or give them back" in page
    assert '<a class="button button-wide" href="/trip/">My trip</a>' in page
    assert Associate.objects.get(pk=evening.ana.pk).state == "active"


def test_a_claimed_trip_is_in_the_way_too(evening: Evening) -> None:
    evening.trip()
    assert evening.client.post("/me/delete/").status_code == 409


def test_a_question_about_pay_is_answered_first(evening: Evening) -> None:
    trip = delivered(evening)
    ledger.dispute(trip=trip, words="too little", by=evening.ana, now=NOW + timedelta(hours=2))
    reply = evening.client.post("/me/delete/")
    assert "the answer is still to come" in reply.content.decode()


def test_somebody_who_is_staff_as_well_is_told_the_way(evening: Evening) -> None:
    User.objects.filter(pk=evening.ana.user_id).update(is_staff=True)
    reply = evening.client.post("/me/delete/")
    assert "You also sign in as store staff" in reply.content.decode()
    assert Associate.objects.get(pk=evening.ana.pk).first_name == "Ana"


def test_an_open_offer_goes_back_and_devices_and_messages_go(evening: Evening) -> None:
    offer = evening.offer()
    PushSubscription.objects.create(
        associate=evening.ana, endpoint_hash=b"x" * 32, endpoint="https://push", p256dh="k", auth="a", device="phone",
        made_at=NOW,
    )  # fmt: skip
    assert evening.client.post("/me/delete/").status_code == 302
    assert not Offer.objects.filter(pk=offer.pk).exists(), "what was not taken is not kept"
    assert not PushSubscription.objects.exists()
    for package in evening.packages:
        package.refresh_from_db()
        assert package.state == "staged"


def test_terms_in_words() -> None:
    limits = Limits(max_packages=1, max_package_weight_g=9072, max_extra_minutes=10, home_by=time(20, 30))
    assert terms.sentence(limits, [0, 2, 4]) == (
        "Up to 1 package, 20 lb, at most 10 minutes longer than your drive home, home by 8:30 p.m., Mon Wed Fri."
    )
    assert terms.weekdays_in_words([]) == "on no day yet"
    assert terms.weekdays_in_words(range(7)) == "any day"
