"""When a store is open: the week's arithmetic, what customers who collect read, and the form it is kept in; phone numbers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from deliveries import actors, links
from deliveries.actions import receiving
from deliveries.live import snapshots
from deliveries.models import Package
from deliveries.notices import texts
from stores import opening, phones
from stores.models import Holiday, OpeningHours, Store
from stores.opening import Week

from . import make

NEW_JERSEY = ZoneInfo("America/New_York")
DAILY = {day: (time(7), time(21)) for day in range(7)}
SHOP = Week(NEW_JERSEY, {**DAILY, 6: (time(10), time(18))})
TUESDAY = date(2026, 11, 24)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), NEW_JERSEY).astimezone(UTC)


# --- The week -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("day", "hour", "said"),
    [
        (TUESDAY, 6, "The store opens today at 7 a.m."),
        (TUESDAY, 7, "The store is open today until 9 p.m."),
        (TUESDAY, 20, "The store is open today until 9 p.m."),
        (TUESDAY, 21, "The store opens tomorrow at 7 a.m."),
        (TUESDAY + timedelta(days=4), 22, "The store opens tomorrow at 10 a.m."),
    ],
)
def test_what_it_says(day: date, hour: int, said: str) -> None:
    assert SHOP.say(at(day, hour)) == said


def test_closed_days_holidays_and_midnight() -> None:
    closed_on_sundays = Week(NEW_JERSEY, {day: (time(6), time(0)) for day in range(6)})
    saturday, sunday = date(2026, 11, 28), date(2026, 11, 29)
    assert closed_on_sundays.say(at(saturday, 23, 59)) == "The store is open today until midnight"
    assert closed_on_sundays.say(at(sunday, 0)) == "The store opens tomorrow at 6 a.m."
    two_off = Week(NEW_JERSEY, {day: (time(6), time(1)) for day in range(5)})
    assert two_off.say(at(saturday, 0, 30)) == "The store is open today until 1 a.m."
    assert two_off.say(at(saturday, 1)) == "The store opens on Monday at 6 a.m."
    thanksgiving = TUESDAY + timedelta(days=2)
    feast = Week(NEW_JERSEY, DAILY, {thanksgiving: "Thanksgiving"})
    assert feast.say(at(thanksgiving, 12)) == "Today is Thanksgiving. Call the store for its hours."
    evening_before = feast.at(at(thanksgiving - timedelta(days=1), 22))
    assert evening_before.opens == at(thanksgiving + timedelta(days=1), 7), "of a holiday nobody knows"
    assert Week(NEW_JERSEY, {}).say(at(TUESDAY, 12)) == ""


def test_the_week_in_few_lines() -> None:
    assert SHOP.lines() == ["Monday to Saturday: 7 a.m. to 9 p.m.", "Sunday: 10 a.m. to 6 p.m."]
    assert Week(NEW_JERSEY, DAILY).lines() == ["Every day: 7 a.m. to 9 p.m."]
    assert Week(NEW_JERSEY, {2: (time(9), time(12, 30))}).lines() == [
        "Monday to Tuesday: closed", "Wednesday: 9 a.m. to 12:30 p.m.", "Thursday to Sunday: closed",
    ]  # fmt: skip


def test_hours_are_the_clocks_on_the_day_the_clock_is_set() -> None:
    """On 1 November 2026 New Jersey's day has 25 hours; the door opens at seven by the clock on the wall."""
    sunday = date(2026, 11, 1)
    assert Week(NEW_JERSEY, DAILY).at(at(sunday, 0)).opens == datetime(2026, 11, 1, 12, tzinfo=UTC)


@given(
    days=st.dictionaries(st.integers(0, 6), st.tuples(st.times(), st.times())),
    seconds=st.integers(0, 366 * 86_400),
    closed=st.sets(st.integers(0, 6)),
)
def test_what_it_says_holds_until_then(days: dict[int, tuple[time, time]], seconds: int, closed: set[int]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    today = moment.astimezone(NEW_JERSEY).date()
    week = Week(NEW_JERSEY, days, {today + timedelta(days=n): "Holiday" for n in closed})
    now = week.at(moment)
    assert moment < now.until
    between = week.at(moment + (now.until - moment) * 0.99)
    assert (between.opens, between.closes, between.holiday) == (now.opens, now.closes, now.holiday)
    assert week.say(moment) == week.say(moment + (now.until - moment) * 0.99)
    assert len(week.lines()) <= 7


@pytest.mark.django_db
def test_the_database_keeps_one_line_a_weekday() -> None:
    store = make.store()
    OpeningHours.objects.create(store=store, weekday=1, opens=time(7), closes=time(21))
    with pytest.raises(IntegrityError, match="opening_hours_once_a_weekday"):
        OpeningHours.objects.create(store=store, weekday=1, opens=time(8), closes=time(20))


@pytest.mark.django_db
def test_a_weekday_is_one_of_seven() -> None:
    with pytest.raises(IntegrityError, match="opening_hours_on_a_weekday"):
        OpeningHours.objects.create(store=make.store(), weekday=7, opens=time(7), closes=time(21))


# --- Who collects ---------------------------------------------------------------------------------------------------
def open_daily(store: Store) -> None:
    for weekday in range(7):
        OpeningHours.objects.create(store=store, weekday=weekday, opens=time(7), closes=time(21))


def kept(store: Store) -> Package:
    package = make.package(store, now=timezone.now())
    receiving.hold(package=package, by=actors.system("test"), now=timezone.now(), reason="asked for")
    return package


def words(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


@pytest.mark.django_db
def test_who_collects_reads_where_and_when(client: Client) -> None:
    store = make.store()
    open_daily(store)
    package = kept(store)
    token = links.issue(package=package, now=timezone.now())
    page = words(client.get(f"/t/{token}/").content)
    assert re.search(r"The store (is open today until 9 p\.m\.|opens (today|tomorrow) at 7 a\.m\.)", page)
    assert "Every day: 7 a.m. to 9 p.m." in page
    assert "500 Bayonne Crossing Way, Bayonne, NJ 07002 The store" in page, "beside where to come"
    facts = snapshots.load([package.pk], now=timezone.now())[package.pk]
    assert facts.week is not None
    moment = at(TUESDAY, 20)
    assert snapshots.again_s(facts, moment) == 3601, "the page asks again when the store closes"
    with translation.override("en"):
        mail = texts.write(
            "pick_up", texts.of_package(package, facts, None, channel="mail", language="en", now=moment), language="en",
            zone=store.zone,
        )  # fmt: skip
    assert "When the store is open:\nEvery day: 7 a.m. to 9 p.m.\n" in mail.body
    assert "7 a.m." not in mail.short


@pytest.mark.django_db
def test_before_choosing_to_collect_the_hours_are_there(client: Client) -> None:
    store = make.store()
    open_daily(store)
    token = links.issue(package=make.package(store, now=timezone.now()), now=timezone.now())
    assert "Every day: 7 a.m. to 9 p.m." in words(client.get(f"/t/{token}/pick-up/").content)
    assert "7 a.m. to" not in words(client.get(f"/t/{token}/").content), "who waits at home needs none"


@pytest.mark.django_db
def test_a_store_that_has_not_said_its_hours_shows_none(client: Client) -> None:
    package = kept(make.store())
    page = words(client.get(f"/t/{links.issue(package=package, now=timezone.now())}/").content)
    assert "The store opens" not in page
    assert "closed" not in page


@pytest.mark.django_db
def test_many_stores_take_two_queries(django_assert_num_queries: Any) -> None:
    stores = [make.store() for _ in range(3)]
    for store in stores[:2]:
        open_daily(store)
    Holiday.objects.create(store=stores[0], day=TUESDAY, name="Day off")
    with django_assert_num_queries(2):
        weeks = opening.weeks_of(stores, now=at(TUESDAY, 12))
    assert set(weeks) == {store.pk for store in stores[:2]}
    assert weeks[stores[0].pk].at(at(TUESDAY, 12)).holiday == "Day off"
    with django_assert_num_queries(0):
        assert opening.weeks_of([], now=at(TUESDAY, 12)) == {}


# --- Phone numbers --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stored", "read", "dialled"),
    [
        ("+12015550120", "(201) 555-0120", "tel:+1-201-555-0120"),
        ("201-555-0120", "(201) 555-0120", "tel:+1-201-555-0120"),
        ("+44 20 7946 0018", "+44 20 7946 0018", "tel:+44-20-7946-0018"),
        ("*611", "*611", "tel:*611"),
        ("ask at the desk", "ask at the desk", "tel:"),
        ("", "", "tel:"),
    ],
)
def test_a_number_is_read_as_here_and_dialled_from_anywhere(stored: str, read: str, dialled: str) -> None:
    assert phones.national(stored) == read
    assert phones.dialled(stored) == dialled


@pytest.mark.django_db
def test_the_page_calls_the_store(client: Client) -> None:
    package = make.package(make.store(phone="+12015550120"), now=timezone.now())
    page = client.get(f"/t/{links.issue(package=package, now=timezone.now())}/").content.decode()
    assert '<a class="link" href="tel:+1-201-555-0120">Call the store: (201) 555-0120</a>' in page
