"""The demo's front page: what has happened this evening, and a way to each of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deliveries import pins
from deliveries.demo import crew, evening, pilot, scenes, visitors
from stores.management.commands.load_places import load_file

pytestmark = pytest.mark.browser


def test_a_newcomer_finds_what_there_is(
    phone: Callable[..., Page], check: Callable[[Page, str], None], tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    now = datetime.now(UTC)
    for path in (pilot.NORTH_NJ, pilot.ZIP_CENTROIDS):
        load_file(path)
    evening.make(now, [scenes.PLACE])
    page = phone()
    page.goto("/")
    rows = page.locator("section.card ul.items > li")
    expect(rows).to_have_count(len(visitors.sights(now)))
    rows.first.scroll_into_view_if_needed()
    check(page, "demo-front")
    valuable = page.get_by_role("listitem").filter(has_text="A valuable package")
    said = re.search(r"as (\S+) at (\S+)", valuable.inner_text())
    assert said
    package = scenes.package("PIN")
    assert package
    valuable.get_by_role("button", name="Customer’s page").click()
    expect(page).to_have_url(re.compile("/t/"))
    expect(page.locator("p.pin")).to_have_text(pins.pin_of(package))

    page.goto("/accounts/login/")
    page.get_by_text("Use my password").click()
    page.locator("input[name=login]").fill(said[1])
    page.locator("input[name=password]").fill(crew.PASSWORD)
    page.locator("details form button").click()
    page.wait_for_url("**/today/")
    page.goto(said[2])
    expect(page.get_by_text("The gate sticks a little")).to_be_visible()
    check(page, "demo-trip")
