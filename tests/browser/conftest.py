"""A real Chromium as a phone, on the real web process. Skipped in plain sight where there is no Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.live.server import Web

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
SCHEMES = ("light", "dark")
SHOTS = os.environ.get("HOMEWARD_SHOTS")  # a folder: keep pictures of every page looked at
# Axe's rules for WCAG 2.2 AA, and its best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


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
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@pytest.fixture(scope="session")
def _web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Web(tmp_path_factory.mktemp("browser") / "web.log") as server:
        yield server


@pytest.fixture
def web(transactional_db: None, _web: Web) -> Web:
    """The web process on this test's database, one for all tests."""
    return _web


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
        context.set_default_timeout(20_000)
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
    """Axe in light and dark, nothing wider than the phone, everything one taps large enough."""

    def checked(page: Page, name: str) -> None:
        page.wait_for_load_state()  # a page that has only begun to arrive has no element for axe to look at
        before = len(trouble)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            results = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
            assert results.violations_count == 0, f"{name}, {scheme}:\n{results.generate_report()}"
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{scheme}.png", full_page=False)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], f"{name} is too wide"
        del trouble[before:]  # the page's policy refuses the styles of axe and of screenshots, as it should
        small = page.evaluate(SMALL_TARGETS)
        assert not small, f"{name}: less than 48 px: {small}"

    return checked


# Links in running text are exempt (WCAG 2.5.8); so are boxes inside a label that is itself the target.
SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input, select, summary')]
  .filter((part) => part.type !== 'hidden' && part.checkVisibility() && !part.closest('label') && !part.closest('p')
    && !part.matches('.skip'))
  .map((part) => [part.outerHTML.slice(0, 80), part.getBoundingClientRect()])
  .filter(([, box]) => box.height < 47.5 || box.width < 44)
  .map(([html, box]) => `${html} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
