"""What a customer can do, in a real Chromium: with and without script, in two languages, each form and each refusal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from deliveries import links
from deliveries.actions import chat, positions
from deliveries.actions.dropoffs import Position
from deliveries.models import ChatMessage, DeliveryException, Package, RatingTally
from stores.places import Point, Precision

from .. import make
from ..live import road
from .test_tracking import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Phone = Callable[..., Page]
Check = Callable[[Page, str], None]


def ready(**fields: Any) -> tuple[Package, str]:
    package = make.package(make.store(phone="201-555-0100", pickup_credit_cents=300), now=timezone.now(), **fields)
    return package, links.issue(package=package, now=timezone.now())


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_before_it_comes(phone: Phone, check: Check, script: bool) -> None:
    package, token = ready()
    page = phone(java_script_enabled=script)
    page.goto(f"/t/{token}/")
    page.get_by_role("link", name="Say where to leave it").click()
    page.get_by_label("Where is it safe?").select_option(label="Porch")
    page.get_by_label("How to find the door").fill("Blue door, left of the garage")
    page.get_by_label("Gate code").fill("4711#")
    if script:
        check(page, "customer-instructions")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved. Whoever brings it reads it at your door.")
    expect(page.locator(".told")).to_contain_text("Blue door")
    assert "4711" not in page.content()

    page.get_by_role("link", name="Move the pin").click()
    page.get_by_label("How far").select_option("100")
    page.get_by_label("Toward").select_option(label="north")
    if script:
        check(page, "customer-pin")
    page.get_by_role("button", name="Save the pin").click()
    expect(page.get_by_role("status").first).to_contain_text("The pin is where you put it")
    assert Package.objects.get(pk=package.pk).precision == Precision.MANUAL

    page.get_by_role("link", name="Bring it another day").click()
    page.locator(".choice").first.click()
    if script:
        check(page, "customer-another-day")
    page.get_by_role("button", name="Bring it then").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We will bring it another day")
    if script:
        check(page, "customer-rescheduled")

    page.get_by_role("link", name="Who brings your packages").click()
    expect(page.get_by_role("button", name="No associate, please")).to_be_visible()
    if script:
        check(page, "customer-carrier")
    page.get_by_role("button", name="No associate, please").click()
    expect(page.get_by_role("status").first).to_contain_text("The carrier brings this package and later ones")

    page.get_by_role("link", name="Pick it up at the store").click()
    expect(page.get_by_role("main")).to_contain_text("You get $3.00 at the counter")
    if script:
        check(page, "customer-pick-up")
    page.get_by_role("button", name="Keep it for me at the store").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your package waits for you at the store")

    page.goto(f"/t/{token}/another-day/")
    expect(page.locator(".note-warning")).to_contain_text("It is kept at the store for you")
    if script:
        check(page, "customer-why-not")


def test_words_go_both_ways_at_once(phone: Phone, check: Check) -> None:
    made = road.under_way(1, pin_required=True)
    page = phone()
    page.goto(f"/t/{made.tokens[0]}/")
    expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    page.get_by_role("link", name="Write to Ana").click()
    page.get_by_label("Your message").fill("The dog is friendly")
    check(page, "customer-write")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".chat .mine")).to_contain_text("The dog is friendly")
    expect(page.locator("#connection")).to_have_attribute("data-is", "live")
    chat.answer(package=made.packages[0], words="Good to know!", by=made.ana, key=uuid4(), now=timezone.now())
    expect(page.locator(".chat li").last).to_contain_text("Good to know!")
    check(page, "customer-chat")
    assert ChatMessage.objects.count() == 2
    made.packages[0].refresh_from_db()
    Package.objects.filter(pk=made.packages[0].pk).update(pin_required=False)
    made.packages[0].pin_required = False
    made.deliver(made.packages[0])
    expect(page.locator(".chat")).to_have_count(0)


def test_where_they_are_only_while_theirs_is_next(phone: Phone, check: Check) -> None:
    made = road.under_way(2)
    first, second = made.packages
    page, other = phone(), phone()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    other.on("request", lambda request: loaded.append(f"other {request.url}"))
    for each, token in ((page, made.tokens[0]), (other, made.tokens[1])):
        each.goto(f"/t/{token}/")
        expect(each.locator("#connection")).to_have_attribute("data-is", "live")
    assert not [url for url in loaded if "leaflet" in url or "nearby" in url], "nothing to show, nothing fetched"
    where = Point(first.lat + 0.006, first.lon + 0.002)
    now = timezone.now()
    positions.report(position=Position(where, 10), by=made.ana, now=now, happened_at=now)
    expect(page.locator(".near")).to_contain_text(re.compile(r"About 0\.\d mi away · \d+ seconds? ago"))
    expect(page.locator("#live > .now + #map-card .map-seen")).to_be_visible()
    expect(page.locator("#map")).to_contain_text("You")
    check(page, "customer-next")
    time.sleep(0.5)
    assert not [url for url in loaded if url.startswith("other") and "leaflet" in url]
    made.deliver(first, photo=picture())
    expect(page.locator("#live h1")).to_have_text("Your package was delivered")
    expect(page.locator("#map-card")).to_be_hidden()
    expect(page.locator("#map .map-seen")).to_have_count(0)
    assert second.pk


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_after_it_came(phone: Phone, check: Check, script: bool) -> None:
    made = road.under_way(1)
    made.deliver(made.packages[0], photo=picture())
    page = phone(java_script_enabled=script)
    page.goto(f"/t/{made.tokens[0]}/")
    page.get_by_role("link", name="Rate it, or say thanks").click()
    page.get_by_text("Very good").click()
    page.get_by_label("Thanks to Ana (optional)").fill("So kind of you")
    if script:
        check(page, "customer-rating")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_have_text("Thank you.")
    assert RatingTally.objects.get().stars == 5
    page.get_by_role("link", name="I did not get it").click()
    expect(page.get_by_role("button", name="I did not get it")).to_be_visible()
    if script:
        check(page, "customer-not-received")
    page.get_by_role("button", name="I did not get it").click()
    expect(page.get_by_role("status").first).to_contain_text("The store looks into it")
    if script:
        check(page, "customer-missing")
    page.get_by_role("link", name="I have it after all").click()
    page.get_by_role("button", name="I have it after all").click()
    expect(page.get_by_role("status").first).to_contain_text("Good to hear")
    assert DeliveryException.objects.get().resolved_at is not None


def test_the_language_stays_chosen(phone: Phone, check: Check) -> None:
    package, token = ready()
    page = phone()
    page.goto(f"/t/{token}/")
    page.get_by_role("link", name="Messages and language").click()
    expect(page).to_have_url(re.compile("/messages/"))
    check(page, "customer-messages")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.goto(f"/t/{token}/")
    assert page.locator("html").get_attribute("lang") == "es"
    page.locator("#another-day").click()
    expect(page.locator(".choice").first).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "es"
    check(page, "customer-another-day-es")
    assert Package.objects.get(pk=package.pk).language == "es"


def test_a_weak_pin_is_put_where_the_phone_is(phone: Phone, check: Check) -> None:
    package, token = ready(precision=Precision.ZIP)
    there = {"latitude": package.lat + 0.01, "longitude": package.lon}
    page = phone(geolocation=there, permissions=["geolocation"])
    page.goto(f"/t/{token}/")
    check(page, "customer-weak-pin")
    page.get_by_role("link", name="Show where my door is").click()
    page.get_by_role("button", name="I stand at my door: use where I am").click()
    expect(page.locator("#said")).to_have_text("Found. Save it below.")
    page.get_by_role("button", name="Save the pin").click()
    expect(page.get_by_role("status").first).to_contain_text("The pin is where you put it")
    assert Package.objects.get(pk=package.pk).lat == pytest.approx(package.lat + 0.01)
