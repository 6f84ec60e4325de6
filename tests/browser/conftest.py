"""A real Chromium as a phone, on the real web process. Skipped in plain sight where there is no Chromium."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.live.server import Web

from . import quality
from .quality import SHOTS

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
# How long whatever a test waits for may take: nothing waits longer than it must, and a machine that is busy is no fault.
WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)  # five seconds otherwise
# Every window brings up its address bar's suggestions, two pages of their own, and a renderer for whatever is opened
# next: nothing a page of ours sees, and 40% of what a new phone costs. Chromium heeds only the last list it is given, so
# the first part of this one is what Playwright switches off itself.
SWITCHED_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying",
    "AimEnabled", "PreconnectToSearch", "msForceBrowserSignIn", "msEdgeUpdateLaunchServicesPreferredVersion",
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess",
)  # fmt: skip
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", f"--disable-features={','.join(SWITCHED_OFF)}",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        missing = "no Chromium here; install Debian's package: apt-get install chromium"
        if os.environ.get("HOMEWARD_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    # Playwright's synchronous interface runs an event loop in this thread; Django would take that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@pytest.fixture(scope="session")
def _web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Web(tmp_path_factory.mktemp("browser") / "web.log") as server:
        yield server


@pytest.fixture
def web(transactional_db: None, _web: Web) -> Iterator[Web]:
    """The web process on this test's database, one for all tests."""
    yield _web
    # A page closed in the middle of a question leaves the server answering it. The tables are emptied next, and the two
    # may wait for each other's locks. Whoever waits longest looks for that and gives way: let it be the answer that
    # nobody reads, between two of whose statements this cannot see it.
    with connection.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '15s'")
    for _look in range(100):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            (busy,) = cursor.fetchone()
        if not busy:
            break
        time.sleep(0.05)


@pytest.fixture
def trouble() -> list[str]:
    """What pages said went wrong in them; must be empty in the end."""
    return []


@pytest.fixture
def phone(browser: Browser, web: Web, trouble: list[str]) -> Iterator[Callable[..., Page]]:
    """Makes phones: each call is another person's, with cookies of its own. Pages report what went wrong in them."""
    contexts: list[BrowserContext] = []

    def make_phone(**options: Any) -> Page:
        context = browser.new_context(
            **{
                "viewport": PHONE, "is_mobile": True, "has_touch": True, "locale": "en-US", "base_url": web.address,
                "reduced_motion": "reduce", **options,
            }
        )  # fmt: skip
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        # A script or style that the policy refuses, and any other error a page logs; refused forms (4xx) are not.
        page.on(
            "console",
            lambda said: (
                trouble.append(f"{page.url}: {said.text} {said.location['url']}")
                if said.type == "error" and "status of 4" not in said.text
                else None
            ),
        )
        return page

    yield make_phone
    for context in contexts:
        context.close()
    # Playwright's screenshots put styles into the page, which its policy refuses: not the page's fault.
    assert not trouble or SHOTS


@pytest.fixture
def check(trouble: list[str]) -> Callable[[Page, str], None]:
    """Everything that `quality` asks of a page, on the one that is open."""

    def checked(page: Page, name: str) -> None:
        page.wait_for_load_state()  # a page that has only begun to arrive has nothing to look at
        before = len(trouble)
        quality.check_page(page, name)
        del trouble[before:]  # the page's policy refuses the styles of axe and of screenshots, as it should

    return checked
