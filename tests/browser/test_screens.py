"""States of the associate's screens that no journey comes through: the "other states" of each row, looked at like the rest.

`docs/screens/README.md` shows all of them by row, those of the journeys included.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from associates.models import Associate, Consent, Limits, Shift
from deliveries import actors
from deliveries.actions import claims, handover, offers, trips
from deliveries.models import Offer, Stop, Trip
from stores.models import Store
from tests import make
from tests.live.server import Web

from . import evening
from .test_messages import signed_in

pytestmark = pytest.mark.browser
Check = Callable[[Page, str], None]
Phone = Callable[..., Page]


def claimed(store: Store, number: int = 2) -> tuple[Associate, Trip]:
    person, _packages, offer = evening.offered(store, number)
    planned, now = claims.planned_from(offer), datetime.now(UTC)
    return person, claims.claim(planned=planned, shown=offer.quote_digest, by=person, now=now, key=uuid4(), offer=offer)


def test_set_up_does_not_go_on_without_what_it_needs(phone: Phone, check: Check, web: Web) -> None:
    person = make.associate(evening.store(), state=Associate.State.SETTING_UP, vehicle="blue Civic")
    page = signed_in(phone(), person.user, web.address)
    page.goto("/today/")
    expect(page.get_by_role("heading", name="Finish your set-up")).to_be_visible()
    check(page, "today-set-up-not-finished")
    page.goto("/setup/consents/")
    page.get_by_role("checkbox", name="Home area").uncheck()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.locator(".error")).to_contain_text("Deliveries do not work without this one")
    check(page, "setup-consents-refused")


def test_today_when_nothing_comes(phone: Phone, check: Check, web: Web) -> None:
    store = evening.store()
    ana = make.associate(store)
    make.shift(ana, ends_at=datetime.now(UTC) + timedelta(minutes=30))
    page = signed_in(phone(), ana.user, web.address)
    page.goto("/today/")
    page.get_by_role("switch", name="Deliver tonight").click()
    expect(page.get_by_role("switch", name="Deliver tonight")).not_to_be_checked()
    check(page, "today-not-tonight")

    def today(heading: str, name: str) -> None:
        page.goto("/today/")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        check(page, name)

    Store.objects.filter(pk=store.pk).update(stage=Store.Stage.PAUSED)
    today("Paused in your store", "today-programme-paused")
    Store.objects.filter(pk=store.pk).update(stage=Store.Stage.PILOT)
    Associate.objects.filter(pk=ana.pk).update(state=Associate.State.PAUSED)
    today("You are paused", "today-paused-by-me")
    Associate.objects.filter(pk=ana.pk).update(state=Associate.State.ACTIVE)
    agreed = ana.consents.get(kind="location").version
    Consent.objects.filter(associate=ana, kind="location").update(version=agreed - 1)
    today("A text you agreed to has changed", "today-text-has-changed")
    Consent.objects.filter(associate=ana, kind="location").update(version=agreed)
    ana.days.all().delete()
    today("Not one of your days", "today-outside-my-days")


def test_an_offer_that_is_gone_or_too_much(phone: Phone, check: Check, web: Web) -> None:
    store = evening.store()
    ana, _packages, offer = evening.offered(store)
    page = signed_in(phone(), ana.user, web.address)
    Limits.objects.filter(associate=ana).update(max_packages=1)
    page.goto(f"/offers/{offer.pk}/")
    page.get_by_role("button", name="Claim 3 packages").click()
    expect(page.get_by_role("alert")).to_contain_text("more than your limits allow")
    check(page, "offer-over-my-limits")
    Limits.objects.filter(associate=ana).update(max_packages=6)
    page.goto(f"/offers/{offer.pk}/")
    # It ends while it is looked at: the page says so in answer to the claim.
    Offer.objects.filter(pk=offer.pk).update(expires_at=datetime.now(UTC))
    page.evaluate("document.getElementById('claim').submit()")
    expect(page.get_by_role("heading", level=1)).to_have_text("That did not work")
    check(page, "offer-expired")
    Offer.objects.filter(pk=offer.pk).update(expires_at=datetime.now(UTC) + timedelta(minutes=10))
    lead = actors.staff(make.staff(store).pk)
    offers.withdraw(offer=offer, by=lead, now=datetime.now(UTC), reason="needed elsewhere")
    page.goto(f"/offers/{offer.pk}/")
    expect(page.get_by_role("button", name="Claim")).to_have_count(0)
    check(page, "offer-taken-back")


def test_pick_up_twice_missing_and_waited_for(phone: Phone, check: Check, web: Web) -> None:
    ana, trip = claimed(evening.store())
    page = signed_in(phone(), ana.user, web.address)
    page.goto("/today/")
    expect(page.get_by_role("heading", name="Tonight’s trip")).to_be_visible()
    check(page, "today-trip")
    page.goto("/trip/")
    label, other = (package.label for package in trip.packages.all())
    for said in ("is with you", "scanned before"):
        page.get_by_label("Code on the label").fill(label)
        page.get_by_role("button", name="It is in my hands").click()
        expect(page.get_by_text(re.compile(f"{label}.*{said}"))).to_be_visible()
    check(page, "pick-up-twice")
    # The shift is over, and what is missing keeps them: the time is paid, and the clock shows it.
    Shift.objects.filter(employee=ana.employee).update(ends_at=datetime.now(UTC) - timedelta(minutes=7))
    page.reload()
    expect(page.get_by_text("Your paid time is running")).to_be_visible()
    check(page, "pick-up-waiting")
    page.get_by_role("listitem").filter(has_text=other).get_by_text("Not there, or not with you after all?").click()
    page.get_by_role("button", name="It is not on the bay").click()
    expect(page.get_by_text("1 of 1 with you")).to_be_visible()
    check(page, "pick-up-missing")


def under_way(store: Store) -> tuple[Associate, Stop]:
    """Somebody on the road with one package, and its stop."""
    person, trip = claimed(store, 1)
    now = datetime.now(UTC)
    for package in trip.packages.all():
        handover.load(trip=trip, label=package.label, by=actors.associate(person.user_id), now=now)
    trips.depart(trip=trip, by=person, now=now)
    return person, trip.stops.get()


def test_a_problem_and_what_was_earned(phone: Phone, check: Check, web: Web) -> None:
    ana, _stop = under_way(evening.store())
    page = signed_in(phone(), ana.user, web.address)
    page.goto("/trip/")
    page.get_by_role("link", name="Problem").click()
    page.get_by_role("radio", name="Nobody home").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Keep it safe until my next shift")).to_be_visible()
    check(page, "problem-keep-or-return")
    page.get_by_role("button", name="Keep it safe until my next shift").click()
    expect(page.get_by_role("heading", name="Still in your hands")).to_be_visible()
    check(page, "trip-over-kept")
    page.goto("/earnings/")
    expect(page.get_by_text("pending", exact=True)).to_be_visible()
    check(page, "earnings-pending")
    trips.settle(trip=Trip.objects.get(), now=datetime.now(UTC))
    page.reload()
    page.get_by_text("Something is not right", exact=True).click()
    page.get_by_label("What is not right about this pay?").fill("I waited ten minutes at the bay.")
    page.get_by_role("button", name="Send to the store").click()
    expect(page.get_by_text("I waited ten minutes at the bay.")).to_be_visible()
    check(page, "earnings-disputed")


def test_me_paused_and_with_nothing_agreed(phone: Phone, check: Check, web: Web) -> None:
    ana = make.associate(evening.store())
    page = signed_in(phone(), ana.user, web.address)
    page.goto("/me/")
    page.get_by_role("button", name="Pause offers").click()
    expect(page.get_by_role("button", name="Send me offers again")).to_be_visible()
    page.goto("/me/")
    for name in ("Delivery work", "Location while on a trip", "Home area", "Messages"):
        page.get_by_role("button", name=f"Take back “{name}”").click()
        expect(page.get_by_role("button", name=f"Agree to “{name}”")).to_be_visible()
    page.locator("#consents").scroll_into_view_if_needed()
    check(page, "me-nothing-agreed")
    assert not ana.consents.filter(withdrawn_at=None).exists()


JUMPED = """() => new Promise((done) => {
    let sum = 0, moved = [];
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) {
        sum += entry.value;
        moved.push(...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 60)));
      } }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done([sum, moved]), 200);
  })"""


def test_nothing_jumps_while_a_page_comes(phone: Phone, web: Web) -> None:
    """Lighthouse's layout shift: the parts of the screen that move, times how far. From 0.1 on it costs points."""
    ana, _packages, offer = evening.offered(evening.store())
    ben, _trip = claimed(evening.store())
    cleo, stop = under_way(evening.store())
    evenings = {
        ana: ("/today/", "/offers/", f"/offers/{offer.pk}/", "/earnings/", "/me/"),
        ben: ("/trip/",),
        cleo: ("/trip/", f"/trip/stops/{stop.pk}/drop-off/"),
        None: ("/", "/accounts/login/"),
    }
    for person, paths in evenings.items():
        page = signed_in(phone(), person.user, web.address) if person else phone()
        for path in paths:
            page.goto(path)
            jumped, moved = page.evaluate(JUMPED)
            assert jumped < 0.02, (path, jumped, moved)
