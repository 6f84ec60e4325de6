"""Today, offers, board: what is shown in every state, and that a tap does one thing once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from associates.models import Associate
from deliveries.actions import claims, offers
from deliveries.models import Claim, Offer, Package, Trip
from deliveries.states import OfferState, PackageState
from stores.models import Holiday, Store
from tests import make

from .conftest import Evening

SignIn = Callable[[Associate], Client]


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def hidden(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, name
    return found[1]


def tap(page: Any, packages: list[Package]) -> dict[str, Any]:
    return {
        "package": [package.pk for package in packages], "shown": hidden(page, "shown"), "key": hidden(page, "key"),
    }  # fmt: skip


# --- Today ----------------------------------------------------------------------------------------------------------


def test_today_shows_the_shift_on_the_stores_clock(evening: Evening) -> None:
    page = text(evening.client.get("/today/"))
    assert "Tuesday, November 24" in page
    assert "Ends at 7:00 pm" in page
    assert 'aria-checked="true"' in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e: e.shift.delete(), "No shift today"),
        (lambda e: Associate.objects.update(state="paused"), "You are paused"),
        (lambda e: Store.objects.update(stage="paused"), "Paused in your store"),
        (lambda e: Store.objects.update(stage="simulate"), "Paused in your store"),
        (lambda e: e.ana.days.filter(weekday=1).delete(), "Not one of your days"),
        (lambda e: Associate.objects.update(state="setting_up"), "Finish your set-up"),
        (lambda e: Holiday.objects.create(store=e.store, day="2026-11-24", name="x"), "No deliveries today"),
        (lambda e: Associate.objects.update(insured_until="2026-11-01"), "Something is missing"),
    ],
)
def test_today_says_why_there_is_nothing(evening: Evening, change: Any, says: str) -> None:
    change(evening)
    page = text(evening.client.get("/today/"))
    assert says in page
    assert evening.client.get("/offers/").status_code == 200


def test_the_switch_is_not_tonight_and_back(evening: Evening) -> None:
    offer = evening.offer()
    evening.client.post("/today/tonight/", {"tonight": "no"})
    offer.refresh_from_db()
    assert offer.state == OfferState.LAPSED
    assert 'aria-checked="false"' in text(evening.client.get("/today/"))
    evening.client.post("/today/tonight/", {"tonight": "yes"})
    assert 'aria-checked="true"' in text(evening.client.get("/today/"))


def test_pausing_gives_the_open_offer_back_and_names_nobody(evening: Evening) -> None:
    offer = evening.offer()
    evening.client.post("/me/pause/")
    offer.refresh_from_db()
    assert offer.state == OfferState.WITHDRAWN
    assert {p.state for p in Package.objects.all()} == {PackageState.STAGED}
    last = evening.packages[0].events.last()
    assert (last.by_kind, last.by_user_id, last.reason) == ("system", None, "")
    evening.client.post("/me/resume/")
    evening.ana.refresh_from_db()
    assert evening.ana.state == "active"


def test_nobody_leaves_with_a_trip_open(evening: Evening) -> None:
    evening.trip()
    answer = evening.client.post("/me/leave/")
    assert answer.status_code == 409
    assert "You still have packages" in text(answer)


# --- Offers -----------------------------------------------------------------------------------------------------------


def test_an_offer_shows_money_and_areas_but_no_address(evening: Evening) -> None:
    assert "No offer right now" in text(evening.client.get("/offers/"))
    offer = evening.offer()
    for path in ("/offers/", f"/offers/{offer.pk}/"):
        page = text(evening.client.get(path))
        assert f"${offer.pay_cents // 100}.{offer.pay_cents % 100:02d}" in page
        assert "Bayonne 07002" in page
        assert "open until 6:45 pm" in page
        assert "Test Street" not in page, "addresses come after the claim"
        assert "Sam Carter" not in page
        assert all(package.label not in page for package in evening.packages)
    assert "no-store" in evening.client.get(f"/offers/{offer.pk}/").headers["Cache-Control"]


def test_a_part_is_quoted_exactly_and_claimed_at_that_quote(evening: Evening) -> None:
    offer = evening.offer()
    address = f"/offers/{offer.pk}/"
    whole = evening.client.get(address)
    part = evening.client.post(address, tap(whole, evening.packages[:2]))
    assert hidden(part, "shown") != hidden(whole, "shown")
    assert hidden(part, "key") == hidden(whole, "key"), "nothing was tapped yet"
    assert Trip.objects.count() == 0, "looking changes nothing"
    answer = evening.client.post(f"{address}claim/", tap(part, evening.packages[:2]))
    assert answer.headers["Location"] == "/trip/"
    trip = Trip.objects.get()
    assert trip.quote_digest == hidden(part, "shown")
    assert set(trip.packages.all()) == set(evening.packages[:2])


def test_the_same_tap_twice_is_one_claim(evening: Evening) -> None:
    offer = evening.offer()
    for chosen in (evening.packages, evening.packages[:1]):
        data = tap(evening.client.get(f"/offers/{offer.pk}/"), chosen) if not Trip.objects.exists() else data  # noqa: F821
        for _ in range(2):
            assert evening.client.post(f"/offers/{offer.pk}/claim/", data).headers["Location"] == "/trip/"
    assert Trip.objects.count() == 1
    assert Claim.objects.count() == 3
    assert evening.client.get(f"/offers/{offer.pk}/").headers["Location"] == "/trip/"


def test_a_changed_quote_is_shown_again_with_the_ticks_kept(evening: Evening) -> None:
    offer = evening.offer()
    data = tap(evening.client.get(f"/offers/{offer.pk}/"), evening.packages[:2])  # the whole offer's digest
    answer = evening.client.post(f"/offers/{offer.pk}/claim/", data)
    assert answer.status_code == 409
    assert "The quote changed" in text(answer)
    assert answer.content.count(b" checked") == 2
    assert hidden(answer, "key") == data["key"]
    again = evening.client.post(f"/offers/{offer.pk}/claim/", tap(answer, evening.packages[:2]))
    assert again.headers["Location"] == "/trip/"


def test_nothing_ticked_is_a_question_not_a_claim(evening: Evening) -> None:
    offer = evening.offer()
    page = evening.client.post(f"/offers/{offer.pk}/", {"key": str(uuid4())})
    assert "Tick at least one" in text(page)
    answer = evening.client.post(f"/offers/{offer.pk}/claim/", {"key": str(uuid4()), "shown": ""})
    assert answer.status_code == 422
    assert not Trip.objects.exists()


@pytest.mark.parametrize("data", [{}, {"shown": "x"}, {"shown": "x", "key": "not a key"}])
def test_an_incomplete_form_is_a_clear_answer(evening: Evening, data: dict[str, str]) -> None:
    answer = evening.client.post(f"/offers/{evening.offer().pk}/claim/", data)
    assert answer.status_code == 400
    assert "out of date" in text(answer)


def test_an_expired_offer_says_so_and_shows_the_way_out(evening: Evening) -> None:
    offer = evening.offer()
    data = tap(evening.client.get(f"/offers/{offer.pk}/"), evening.packages)
    evening.at(offer.expires_at + timedelta(seconds=1))
    answer = evening.client.post(f"/offers/{offer.pk}/claim/", data)
    assert answer.status_code == 409
    assert "time has passed" in text(answer)
    assert 'href="/offers/"' in text(answer)
    assert evening.client.get(f"/offers/{offer.pk}/").status_code == 410
    assert "No offer right now" in text(evening.client.get("/offers/"))


def test_an_offer_taken_back_is_gone(evening: Evening) -> None:
    offer = evening.offer()
    data = tap(evening.client.get(f"/offers/{offer.pk}/"), evening.packages)
    offers.lapse(offer=offer, now=offer.expires_at)
    assert evening.client.get(f"/offers/{offer.pk}/").status_code == 410
    assert evening.client.post(f"/offers/{offer.pk}/claim/", data).status_code == 409


def test_smaller_limits_since_then_leave_the_ticks_alone(evening: Evening) -> None:
    offer = evening.offer()
    data = tap(evening.client.get(f"/offers/{offer.pk}/"), evening.packages)
    evening.ana.limits.max_packages = 1
    evening.ana.limits.save()
    answer = evening.client.post(f"/offers/{offer.pk}/claim/", data)
    assert answer.status_code == 409
    assert "more than your limits" in text(answer)
    page = evening.client.post(f"/offers/{offer.pk}/", data | {"package": [p.pk for p in evening.packages[:2]]})
    assert page.status_code == 200
    assert "do not fit" in text(page) or "Leave one out" in text(page)


def test_not_tonight_costs_one_tap(evening: Evening) -> None:
    offer = evening.offer()
    assert evening.client.post(f"/offers/{offer.pk}/not-tonight/").headers["Location"] == "/today/"
    offer.refresh_from_db()
    assert offer.state == OfferState.LAPSED


def test_another_persons_offer_is_not_there(evening: Evening, sign_in: SignIn) -> None:
    offer = evening.offer()
    eve = sign_in(make.associate(evening.store))
    for path in (f"/offers/{offer.pk}/", "/offers/999999/"):
        assert eve.get(path).status_code == 404
        assert eve.post(path).status_code == 404
        data = {"key": str(uuid4()), "shown": offer.quote_digest, "package": [p.pk for p in evening.packages]}
        assert eve.post(f"{path}claim/", data).status_code == 404
        assert eve.post(f"{path}not-tonight/").status_code == 404
    offer.refresh_from_db()
    assert offer.state == OfferState.SENT


# --- The open board ---------------------------------------------------------------------------------------------------


def test_the_board_opens_with_the_end_of_the_shift(evening: Evening) -> None:
    assert "Not open" in text(evening.client.get("/board/"))
    assert evening.client.get(f"/board/{evening.packages[0].pk}/").status_code == 409
    evening.at(evening.shift.ends_at + timedelta(minutes=1))
    page = text(evening.client.get("/board/"))
    assert page.count('class="card" href="/board/') == 3
    assert "Test Street" not in page


def test_packages_from_the_board_join_the_trip(evening: Evening) -> None:
    evening.at(evening.shift.ends_at + timedelta(minutes=1))
    first, second, third = evening.packages
    page = evening.client.get(f"/board/{first.pk}/")
    data = {"shown": hidden(page, "shown"), "key": hidden(page, "key")}
    for _ in range(2):
        assert evening.client.post(f"/board/{first.pk}/claim/", data).headers["Location"] == "/trip/"
    page = evening.client.get(f"/board/{second.pk}/")
    assert "Your whole trip with it" in text(page)
    stale = {"shown": "0" * 64, "key": str(uuid4())}
    answer = evening.client.post(f"/board/{second.pk}/claim/", stale)
    assert answer.status_code == 409
    assert hidden(answer, "shown") == hidden(page, "shown")
    evening.client.post(f"/board/{second.pk}/claim/", {"shown": hidden(page, "shown"), "key": str(uuid4())})
    trip = Trip.objects.get()
    assert set(trip.packages.all()) == {first, second}
    assert f'href="/board/{third.pk}/"' in text(evening.client.get("/board/"))


def test_what_somebody_else_took_is_a_friendly_no(evening: Evening, sign_in: SignIn) -> None:
    evening.at(evening.shift.ends_at + timedelta(minutes=1))
    package = evening.packages[0]
    bob = make.associate(evening.store)
    make.shift(bob, ends_at=evening.shift.ends_at)
    page = evening.client.get(f"/board/{package.pk}/")
    theirs = sign_in(bob)
    other = theirs.get(f"/board/{package.pk}/")
    theirs.post(f"/board/{package.pk}/claim/", {"shown": hidden(other, "shown"), "key": str(uuid4())})
    answer = evening.client.post(
        f"/board/{package.pk}/claim/", {"shown": hidden(page, "shown"), "key": str(uuid4())}
    )  # fmt: skip
    assert answer.status_code == 409
    assert str(claims.AlreadyTaken()) in text(answer)


def test_another_stores_package_is_not_there(evening: Evening) -> None:
    foreign = make.package(make.store())
    evening.at(evening.shift.ends_at + timedelta(minutes=1))
    assert evening.client.get(f"/board/{foreign.pk}/").status_code == 404
    data = {"shown": "x", "key": str(uuid4())}
    assert evening.client.post(f"/board/{foreign.pk}/claim/", data).status_code == 404
    assert Offer.objects.count() == 0
