"""The pages about messages in a real Chromium: an associate's, a customer's, and the notification itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from deliveries import links
from stores.models import Store, User
from tests import make
from tests.live.server import Web

from .evening import until

pytestmark = pytest.mark.browser

Check = Callable[[Page, str], None]


def signed_in(page: Page, user: User, address: str) -> Page:
    """`page` with a session of `user`; signing in has a test of its own."""
    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])
    return page


@pytest.fixture
def store(transactional_db: None) -> Store:
    return make.store(phone="+1 201 555 0100")


def test_an_associate_chooses_how_to_be_told(phone: Callable[..., Page], check: Check, store: Store, web: Web) -> None:
    page = signed_in(phone(), make.associate(store).user, web.address)
    page.goto("/me/")
    page.get_by_role("link", name="Messages", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
    check(page, "messages")
    page.get_by_label("quiet from").fill("20:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("quiet from")).to_have_value("20:00")
    page.get_by_role("button", name="Send me a test message").click()
    expect(page.get_by_text("On its way.", exact=True)).to_be_visible()
    check(page, "messages-test")


def test_a_customer_without_script(phone: Callable[..., Page], check: Check, store: Store) -> None:
    package = make.package(store, now=timezone.now())
    page = phone(java_script_enabled=False)
    page.goto(f"/t/{links.issue(package=package, now=timezone.now())}/")
    page.get_by_role("link", name="Messages and language").click()
    expect(page.get_by_role("button", name="Notify me on this device")).to_be_hidden()
    page.get_by_role("button", name="No more messages to s…@example.net").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Send messages to s…@example.net again").click()
    expect(page.get_by_role("button", name="No more messages to s…@example.net")).to_be_visible()


def test_the_customers_page_looked_at(phone: Callable[..., Page], check: Check, store: Store) -> None:
    package = make.package(store, now=timezone.now())
    page = phone()
    page.goto(f"/t/{links.issue(package=package, now=timezone.now())}/messages/")
    expect(page.get_by_role("button", name="Notify me on this device")).to_be_visible()
    check(page, "tracking-messages")


def test_a_push_becomes_a_notification(phone: Callable[..., Page], store: Store) -> None:
    """The worker itself, handed a push by the browser's own developer tools: no push service is reached from here."""
    package = make.package(store, now=timezone.now())
    page = phone(permissions=["notifications"])
    page.goto(f"/t/{links.issue(package=package, now=timezone.now())}/messages/")
    worker = page.locator("#push").get_attribute("data-worker")
    tools = page.context.new_cdp_session(page)
    registrations: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: registrations.extend(each["registrationId"] for each in said["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    page.evaluate("async (worker) => void (await navigator.serviceWorker.register(worker))", worker)
    until(
        page,
        "async (worker) => (await navigator.serviceWorker.getRegistration(worker)).active?.state === 'activated'",
        worker,
    )
    said = {"title": "You are the next stop", "body": "Ana <b>🙂</b>", "url": page.url, "lang": "en"}
    origin = page.evaluate("location.origin") + "/"
    # The tool drops what it is given before the browser has written the worker down, which nobody is told of; so it is given
    # again until something is shown. Our messages about one thing are one notification, however often they come.
    shown: list[list[str]] = []
    deadline = time.monotonic() + 20
    while not shown:
        assert time.monotonic() < deadline
        for data in ("not ours", json.dumps(said)):
            tools.send(
                "ServiceWorker.deliverPushMessage",
                {"origin": origin, "registrationId": registrations[0], "data": data},
            )
        page.wait_for_timeout(200)
        shown = page.evaluate(
            """async (worker) => {
              const made = await navigator.serviceWorker.getRegistration(worker);
              return (await made.getNotifications()).map(({ title, body }) => [title, body]);
            }""",
            worker,
        )
    assert shown == [["You are the next stop", "Ana <b>🙂</b>"]]
