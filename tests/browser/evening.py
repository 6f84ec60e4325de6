"""A store where it is evening right now: the web process has the real clock, so the store's zone is chosen to fit it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.test import Client
from playwright.sync_api import Error, Page

from associates.models import Associate, Shift
from deliveries import matching
from deliveries.actions import claims
from deliveries.models import Offer, Package, Trip
from stores.models import Store
from tests import make
from tests.staff.world import offer_to

FIVE_PM = 17


def store(**fields: Any) -> Store:
    """A pilot store whose clock shows five in the afternoon."""
    east = (FIVE_PM - datetime.now(UTC).hour + 11) % 24 - 11  # -11 to 12 hours
    zone = f"Etc/GMT{-east:+d}" if east else "Etc/GMT"  # these names count hours west of Greenwich
    return make.store(time_zone=zone, phone="201-555-0100", **fields)


def packages(store: Store, number: int = 3, **fields: Any) -> list[Package]:
    now = datetime.now(UTC)
    return [make.package(store, now=now, deliver_by=now + timedelta(hours=4), **fields) for _ in range(number)]


def offered(store: Store, number: int = 3, **fields: Any) -> tuple[Associate, list[Package], Offer]:
    """An associate whose shift ends in half an hour, and an open offer of `number` packages to them."""
    now = datetime.now(UTC)
    person = make.associate(store, **fields)
    make.shift(person, ends_at=now + timedelta(minutes=30))
    made = packages(store, number)
    return person, made, send_round(store, person)


def run_round(store: Store) -> None:
    matching.run_round(store=store, now=datetime.now(UTC), seconds=1)


def send_round(store: Store, person: Associate) -> Offer:
    """The round of now, and what it offers to `person`."""
    run_round(store)
    return Offer.objects.get(associate=person)


def claim(person: Associate, shift: Shift, packages: list[Package]) -> Trip:
    """These packages on this person's trip, through an open offer of exactly them."""
    now = datetime.now(UTC)
    offer = offer_to(person, shift, packages, now=now, until=now + timedelta(minutes=20))
    planned = claims.planned_from(offer)
    return claims.claim(planned=planned, shown=offer.quote_digest, by=person, now=now, key=uuid4(), offer=offer)


def sign_in(page: Page, person: Associate) -> None:
    """As somebody whose address was confirmed before; the page is then that of today."""
    EmailAddress.objects.get_or_create(user=person.user, email=person.user.email, verified=True, primary=True)
    let_in(page, "/accounts/login/", login=person.user.email)
    page.goto("/today/")


def let_in(page: Page, door: str, **who: str) -> None:
    """The form at `door` is sent by us, and the browser gets the cookies of the answer: half a second less than typing."""
    client = Client(headers={"accept-language": page.evaluate("navigator.language")})
    answer = client.post(door, {**who, "password": "correct horse battery"})
    assert answer.status_code == 302, answer.content.decode()
    for host in ("127.0.0.1", "localhost"):
        page.context.add_cookies(
            [{"name": each.key, "value": each.value, "domain": host, "path": "/"} for each in client.cookies.values()]
        )


def sign_in_by_form(page: Page, person: Associate) -> None:
    """As `sign_in`, typed into the page."""
    EmailAddress.objects.get_or_create(user=person.user, email=person.user.email, verified=True, primary=True)
    page.goto("/accounts/login/")
    page.locator("details > summary").click()  # "Use my password", in whichever language
    page.locator("input[name=login]").fill(person.user.email)
    page.locator("input[name=password]").fill("correct horse battery")
    page.locator("details form button").click()
    page.wait_for_url("**/today/")


def until(page: Page, question: str, arg: Any = None, seconds: float = 20) -> None:
    """Ask the page until it says yes. `wait_for_function` needs eval, which the pages' policy forbids.

    A page that goes on to another meanwhile takes the question with it; then the other is asked.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if page.evaluate(question, arg):
                return
        except Error as gone:
            if "Execution context was destroyed" not in gone.message:
                raise
        assert time.monotonic() < deadline, question
        page.wait_for_timeout(50)
