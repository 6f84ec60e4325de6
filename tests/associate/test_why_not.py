""" "Why not me tonight?": every state says why in words, with the way out, to that person alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from associates.models import Associate
from deliveries import matching
from deliveries.actions import offers
from deliveries.models import Round
from deliveries.planner import AssociateReason
from deliveries.views import why
from stores.models import Holiday
from stores.places import Point
from tests import make

from .conftest import Evening
from .test_evening_pages import text

PAGE = "/offers/why/"


@pytest.mark.parametrize(
    ("change", "says", "way"),
    [
        (lambda e: e.shift.delete(), "no shift today", None),
        (lambda e: Associate.objects.update(state="paused"), "You are paused", "/me/"),
        (lambda e: Associate.objects.update(state="setting_up"), "set-up is not finished", "/setup/"),
        (lambda e: e.ana.days.all().delete(), "not one of your days", "/me/days/"),
        (lambda e: offers.not_tonight(by=e.ana, now=make.EVENING), "not tonight", "/today/"),
        (lambda e: Holiday.objects.create(store=e.store, day="2026-11-24", name="x"), "no offers on this day", None),
        (lambda e: Associate.objects.update(insured_until="2026-11-01"), "Something is missing", "/me/"),
        (lambda e: None, "There is no plan yet", None),
        (lambda e: e.at(e.shift.ends_at - timedelta(hours=3)), "It is too early", None),
        (lambda e: e.offer(), "You have an offer", "/offers/"),
        (lambda e: e.trip(), "You have a trip tonight", "/trip/"),
        (lambda e: e.at(e.shift.ends_at + timedelta(minutes=5)), "Your shift is over", "/board/"),
    ],
)  # fmt: skip
def test_every_state_has_its_answer(evening: Evening, change: Any, says: str, way: str | None) -> None:
    change(evening)
    page = text(evening.client.get(PAGE))
    assert says in page
    if way:
        assert f'href="{way}"' in page
    assert evening.client.get("/offers/").status_code == 200


@pytest.mark.parametrize(
    ("limits", "says", "step"),
    [
        ({"max_extra_minutes": 5}, "You allow 5 minutes more", "minutes"),
        ({"max_package_weight_g": 500}, "You carry up to 1.1 lb", "weight"),
        ({"max_size_class": 0}, "larger than you take", "size"),
        ({"floor_cents_per_hour": 90_000}, "You ask for $900.00", "floor"),
        ({"home_by": "18:01"}, "after the time you set", "home-by"),
    ],
)
def test_a_limit_that_stood_in_the_way_is_named_with_the_way_to_change_it(
    evening: Evening, limits: dict[str, Any], says: str, step: str
) -> None:
    for name, value in limits.items():
        setattr(evening.ana.limits, name, value)
    evening.ana.limits.save()
    for package in evening.packages:
        package.length_mm, package.width_mm, package.height_mm = 500, 400, 300
        package.save()
    assert matching.run_round(store=evening.store, now=make.EVENING) is not None
    page = text(evening.client.get(PAGE))
    assert says in page
    assert f'href="/setup/{step}/"' in page
    assert "goes by it" in page
    assert f'href="{PAGE}"' in text(evening.client.get("/offers/"))


def test_what_went_to_others_says_so_and_blames_nobody(evening: Evening, sign_in: Any) -> None:
    """One package, two people: who lives on the way gets it."""
    near = make.associate(evening.store, lives=Point(evening.store.lat + 0.02, evening.store.lon))
    make.shift(near, ends_at=evening.shift.ends_at)
    for package in evening.packages[1:]:
        package.associate_ok = False
        package.save()
    round_ = matching.run_round(store=evening.store, now=make.EVENING)
    assert round_ is not None
    pages = {person: text(sign_in(person).get(PAGE)) for person in (evening.ana, near)}
    without = [page for page in pages.values() if "went better with others" in page]
    assert len(without) == 1
    assert "What you did with earlier offers plays no part" in without[0]
    assert [page for page in pages.values() if "You have an offer" in page]


def test_a_customers_block_reads_like_any_other_evening(evening: Evening) -> None:
    evening.ana.blocks.create(email="sam@example.net")
    round_ = matching.run_round(store=evening.store, now=make.EVENING)
    assert round_ is not None
    assert round_.associate_reasons == {str(evening.ana.pk): AssociateReason.BLOCKED}
    page = text(evening.client.get(PAGE))
    assert "went better with others" in page
    assert "cannot go with you" not in page
    assert "block" not in page.lower().replace('class="', "").split("<main", 1)[1].split("</main", 1)[0]


def test_passing_leaves_no_trace_on_the_page(evening: Evening) -> None:
    """An offer that lapsed reads the same as an evening in which there was none."""
    offer = evening.offer()
    offers.lapse(offer=offer, now=offer.expires_at)
    page = text(evening.client.get(PAGE)).split("<h1", 1)[1]
    assert "Nothing for you so far" in page
    for word in ("lapsed", "expired", "declined", "did not take"):
        assert word not in page


def test_a_plan_of_another_evening_or_store_is_not_looked_at(evening: Evening) -> None:
    codes = {str(evening.ana.pk): "below_floor"}
    fields = {"packages": 1, "associates": 1, "offers_sent": 0, "status": "empty", "associate_reasons": codes}
    at = make.EVENING - timedelta(days=1)
    Round.objects.create(store=evening.store, slot_at=at, made_at=at, **fields)
    Round.objects.create(store=make.store(), slot_at=make.EVENING, made_at=make.EVENING, **fields)
    assert "There is no plan yet" in text(evening.client.get(PAGE))


def test_every_reason_of_the_planner_has_words(evening: Evening) -> None:
    for reason in AssociateReason:
        answer = why.of_reason(reason, evening.ana.limits)
        assert str(answer.title)
        for way in answer.ways:
            assert reverse(way.page, kwargs={"step": way.step} if way.step else None)


def test_for_associates_only(client: Client, db: None) -> None:
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/")
    assert "Homeward-Keep" not in client.get(PAGE).headers
