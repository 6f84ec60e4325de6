"""Two phones: one associate hands packages over to another on the road."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from associates.models import Associate
from deliveries import actors, quoting
from deliveries.actions import claims, handover, trips
from deliveries.models import Trip
from deliveries.states import TripState
from stores.models import Store
from tests import make

from . import evening
from .evening import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Check = Callable[[Page, str], None]


def on_the_road(store: Store, name: str, number: int) -> tuple[Associate, Trip]:
    now = datetime.now(UTC)
    person = make.associate(store, employee=make.employee(store, first_name=name))
    shift = make.shift(person, ends_at=now - timedelta(minutes=10))
    planned = quoting.plan_trip(person, shift, evening.packages(store, number), now=now)
    trip = claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=now, key=uuid4())
    for package in trip.packages.all():
        handover.load(trip=trip, label=package.label, by=actors.associate(person.user_id), now=now)
    return person, trips.depart(trip=trip, by=person, now=now)


def test_from_hand_to_hand(phone: Callable[..., Page], check: Check) -> None:
    store = evening.store()
    ana, given = on_the_road(store, "Ana", 2)
    ben, taken = on_the_road(store, "Ben", 1)
    hers, his = phone(), phone()
    evening.sign_in(hers, ana)
    evening.sign_in(his, ben)
    hers.goto("/trip/")
    hers.get_by_role("link", name="Hand packages over to a colleague").click()
    expect(hers).to_have_url(re.compile("/trip/hand-over/$"))
    check(hers, "hand-over-choose")
    hers.get_by_role("checkbox").first.uncheck()
    hers.get_by_role("button", name="Show a code").click()
    code = hers.locator("p.code").inner_text().strip()
    check(hers, "hand-over-code")

    his.get_by_role("link", name="Take over from a colleague").click()
    expect(his).to_have_url(re.compile("/trip/take-over/$"))
    check(his, "take-over")
    his.get_by_label("Code on your colleague’s phone").fill(code)
    his.get_by_role("button", name="Look at it").click()
    expect(his.get_by_role("heading", name="From Ana")).to_be_visible()
    check(his, "take-over-quote")
    his.get_by_role("button", name="I take them").click()
    expect(his.get_by_role("heading", name="Waiting for Ana")).to_be_visible()
    check(his, "take-over-waiting")

    expect(hers.get_by_role("heading", name="Ben takes them.")).to_be_visible()  # by itself
    check(hers, "hand-over-taken")
    hers.get_by_role("button", name="Ben has them").click()
    expect(hers.get_by_text("Ben has 1 package now.")).to_be_visible()
    his.goto("/trip/")
    expect(his.get_by_text("Stop 1 of 2")).to_be_visible()
    given.refresh_from_db()
    assert given.state == TripState.UNDER_WAY
    assert (ana.holding.count(), ben.holding.count()) == (1, 2)
    assert Trip.objects.get(pk=taken.pk).pay_cents > taken.pay_cents


def test_the_giver_has_no_signal(phone: Callable[..., Page], check: Check, trouble: list[str]) -> None:
    store = evening.store()
    ana, _given = on_the_road(store, "Ana", 2)
    ben, _taken = on_the_road(store, "Ben", 1)
    hers, his = phone(), phone()
    evening.sign_in(hers, ana)
    evening.sign_in(his, ben)
    hers.goto("/trip/hand-over/")
    until(hers, "navigator.serviceWorker.ready.then(() => true)")
    hers.get_by_role("button", name="Show a code").click()
    code = hers.locator("p.code.row").inner_text().strip()
    hers.reload()  # through the worker, which keeps it
    path = "/trip/hand-over/"
    until(hers, "(path) => caches.open('pages').then((all) => all.match(path, {ignoreVary: true})).then(Boolean)", path)
    hers.context.set_offline(True)
    hers.reload()
    expect(hers.locator("p.code.row")).to_have_text(code)

    his.goto("/trip/take-over/")
    his.get_by_label("Code on your colleague’s phone").fill(code)
    his.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")
    expect(his.get_by_label("Code on your colleague’s phone")).to_have_value(code)  # looking again takes nothing away
    his.get_by_role("button", name="Look at it").click()
    his.get_by_role("button", name="I take them").click()
    his.get_by_text("Ana has no signal").click()
    check(his, "take-over-second-code")
    hers.get_by_text("If you have no signal when you meet").click()
    second = hers.locator("[data-second]")
    second.scroll_into_view_if_needed()
    check(hers, "hand-over-second-code")
    his.get_by_label("Second code").fill("000000")
    his.evaluate("document.body.dispatchEvent(new CustomEvent('look'))")
    expect(his.get_by_label("Second code")).to_have_value("000000")
    his.get_by_role("button", name="I have the packages").click()
    expect(his.get_by_text("That is not the second code")).to_be_visible()
    his.goto("/trip/take-over/")
    his.get_by_text("Ana has no signal").click()
    his.get_by_label("Second code").fill(second.inner_text())
    his.get_by_role("button", name="I have the packages").click()
    expect(his.get_by_text("They are in your care")).to_be_visible()
    expect(his.get_by_text("Stop 1 of 3")).to_be_visible()
    assert (ana.holding.count(), ben.holding.count()) == (0, 3)
    hers.context.set_offline(False)
    hers.goto("/trip/hand-over/")
    expect(hers.get_by_text("You have nothing that could be handed over.")).to_be_visible()
    trouble.clear()  # a browser without a network says so in its console
