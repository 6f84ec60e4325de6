"""What every page on a phone has to hold, whoever it is for: axe, size of text and targets, the keyboard, motion, weight.

One visit serves all of it: `check_page` is what the fixture `check` runs on every page and state that a journey comes
through.
"""

from __future__ import annotations

import functools
import gzip
import io
import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from django.contrib.staticfiles import finders
from PIL import Image
from playwright.sync_api import Page

SHOTS = os.environ.get("HOMEWARD_SHOTS")  # a folder: keep pictures of every page looked at
COLOURS = 64  # enough for flat pages, and a picture is a tenth of the size
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

MOST_SCRIPT, MOST_TRACKING_SCRIPT, MOST_STYLE = 45_000, 30_000, 15_000  # bytes, gzip
# Fetched only when somebody opens the map or the camera; the budget is about what comes with the page.
WHEN_NEEDED = ("vendor/leaflet/", "vendor/zxing")


def check_page(page: Page, name: str) -> None:
    """Everything below, on the page as it stands. The focus is nowhere afterwards, and the page scrolled to its top."""
    pictures = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if SHOTS:
            pictures.append(Image.open(io.BytesIO(page.screenshot())))
        check_axe(page, name, scheme)
    if pictures:
        save_side_by_side(pictures, Path(SHOTS or "") / f"{name}.png")
    check_width(page, name)
    check_targets(page, name)
    check_motion(page, name)
    check_weight(page, name)
    check_big_text(page, name)
    check_keyboard(page, name)


def width_of(page: Page) -> int:
    assert page.viewport_size is not None
    return page.viewport_size["width"]


def save_side_by_side(pictures: list[Image.Image], path: Path) -> None:
    """Light and dark in one file, in few colours."""
    whole = Image.new("RGB", (sum(each.width for each in pictures), pictures[0].height))
    left = 0
    for each in pictures:
        whole.paste(each.convert("RGB"), (left, 0))
        left += each.width
    whole.quantize(COLOURS).save(path, optimize=True)


# --- Axe -------------------------------------------------------------------------------------------------------------

# Its rules for WCAG 2.2 AA, and its best practices. Dark is other colours and nothing else (tests/test_static_files.py
# holds the styles to that), so that there only its rules about colours can find something new.
RULES: dict[Scheme, dict[str, Any]] = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# Only what was found comes back: what passed is megabytes in an evening.
FOUND = "([context, options]) => axe.run(context ?? document, options).then(({ violations }) => violations)"


def check_axe(page: Page, name: str, scheme: Scheme) -> None:
    check_rules(page, f"{name}, {scheme}", {"runOnly": RULES[scheme]})


def check_rules(page: Page, name: str, options: dict[str, Any], context: str | None = None) -> None:
    """Axe with these options, on the whole page or on the part of it that a selector names."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(FOUND, [context, {**options, "resultTypes": ["violations"]}])
    assert not found, f"{name}:\n{AxeResults({'violations': found}).generate_report()}"


# --- Width, targets and motion -----------------------------------------------------------------------------------------


def check_width(page: Page, name: str) -> None:
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= width_of(page), f"{name} is {width} px wide"


# Links in running text are exempt (WCAG 2.5.8); so are boxes inside a label that is itself the target.
SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input, select, summary')]
  .filter((part) => part.type !== 'hidden' && part.checkVisibility() && !part.closest('label') && !part.closest('p')
    && !part.matches('.skip'))
  .map((part) => [part.outerHTML.slice(0, 80), part.getBoundingClientRect()])
  .filter(([, box]) => box.height < 47.5 || box.width < 44)
  .map(([html, box]) => `${html} ${Math.round(box.width)}x${Math.round(box.height)}`)"""


def check_targets(page: Page, name: str) -> None:
    small = page.evaluate(SMALL_TARGETS)
    assert not small, f"{name}: less than 48 px: {small}"


MOVING = """() => [...document.querySelectorAll("body *")].flatMap((part) => ["", "::before", "::after"].map((which) =>
    [part.outerHTML.slice(0, 80), getComputedStyle(part, which || null)]))
  .filter(([, style]) => [...style.transitionDuration.split(", "), ...style.animationDuration.split(", ")]
    .some((time) => parseFloat(time) > 0)).map(([html]) => html)"""


def check_motion(page: Page, name: str) -> None:
    moving = page.evaluate(MOVING)
    assert not moving, f"{name}: moves although less motion is wanted: {moving}"


# --- Weight ----------------------------------------------------------------------------------------------------------

LOADED = """() => [...new Set([...performance.getEntriesByType("resource").map((entry) => entry.name),
  ...[...document.querySelectorAll("script[src], link[rel=stylesheet]")].map((part) => part.src || part.href)])]
  .map((address) => new URL(address)).filter((address) => address.pathname.startsWith("/static/"))
  .map((address) => address.pathname.slice("/static/".length))"""


@functools.cache
def weight(name: str) -> int:
    """Bytes of a static file as a browser gets it, compressed."""
    found = finders.find(name)
    assert isinstance(found, str), name
    return len(gzip.compress(Path(found).read_bytes(), 9))


def check_weight(page: Page, name: str) -> None:
    """Script and style that came with this page, imported modules included."""
    names = [each for each in page.evaluate(LOADED) if not each.startswith(WHEN_NEEDED)]
    script, style = (sum(weight(each) for each in names if each.endswith(end)) for end in (".js", ".css"))
    assert style, f"{name}: a page without style was not weighed"
    most = MOST_TRACKING_SCRIPT if urlparse(page.url).path.startswith("/t/") else MOST_SCRIPT
    assert script <= most, f"{name}: {script} bytes of script"
    assert style <= MOST_STYLE, f"{name}: {style} bytes of style"


# --- Text at twice the size --------------------------------------------------------------------------------------------

# Cut off: text in a box that hides what does not fit. Off the page: anything to the right of the screen.
LOST_TEXT = """() => [...document.querySelectorAll("body *")].filter((part) => {
    if (!(part instanceof HTMLElement) || part.closest("pre, .leaflet-container")) return false;
    const style = getComputedStyle(part), box = part.getBoundingClientRect();
    if (!part.checkVisibility({ visibilityProperty: true }) || box.width <= 1 || box.height <= 1) return false;
    const hides = ["hidden", "clip"].includes(style.overflowX) && part.textContent.trim() &&
      (part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1);
    return hides || box.right > document.documentElement.clientWidth + 1;
  }).map((part) => part.outerHTML.slice(0, 100))"""


def lost_at_twice_the_size(page: Page) -> list[str]:
    """What is cut off or needs sideways scrolling at 200% (WCAG 1.4.4 and 1.4.10)."""
    page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    lost: list[str] = page.evaluate(LOST_TEXT)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.evaluate("document.documentElement.style.removeProperty('font-size')")
    return lost if lost or width <= width_of(page) else [f"the page is {width} px wide"]


def check_big_text(page: Page, name: str) -> None:
    lost = lost_at_twice_the_size(page)
    assert not lost, f"{name}: lost at 200%: {lost}"


# --- Keyboard ----------------------------------------------------------------------------------------------------------

# Tab goes on from a place that is left, even when what stood there is gone: the very top, or that of an open dialog.
TO_THE_TOP = """() => {
    window.tabbed = [];
    const top = document.createElement("span");
    top.tabIndex = -1;
    (document.querySelector("dialog[open]") ?? document.body).prepend(top);
    top.focus();
    top.remove();
    scrollTo(0, 0);
  }"""
TABBED = """() => {
    const part = document.activeElement, before = tabbed.at(-1);
    if (tabbed.some((each) => !each.isConnected)) return { is: "changed" };
    if (!part || part === document.body || (tabbed.includes(part) && part !== before)) return { is: "end" };
    if (part === before) return { is: "inside" };  // the month of a date, then its day
    tabbed.push(part);
    const label = part.closest("label"), [box] = part.getClientRects();
    const ring = (each) => each && getComputedStyle(each).outlineStyle !== "none" &&
      parseFloat(getComputedStyle(each).outlineWidth) >= 2;
    // What lies over its middle: itself, a part of it, or what it is in; a bar that covers it is none of these.
    const x = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1), y = box.y + box.height / 2;
    const over = document.elementFromPoint(x, y);
    return {
      is: "stop", html: part.outerHTML.slice(0, 90), ring: Boolean(ring(part) || ring(label)),
      seen: Boolean(over && (part.contains(over) || over.contains(part) || label?.contains(over))),
      follows: part.tabIndex === 0 &&
        (!before || Boolean(before.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING)),
    };
  }"""
AWAY = "() => { delete window.tabbed; document.activeElement?.blur(); scrollTo(0, 0); }"
MOST_STOPS = 150


def check_keyboard(page: Page, name: str) -> None:
    """Tab through the page: in the order of the page, always with a ring, never under a bar."""
    stops: list[dict[str, Any]] = []
    page.evaluate(TO_THE_TOP)
    for _press in range(MOST_STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(TABBED)
        if at["is"] == "end":
            break
        if at["is"] == "changed":  # the page looked again by itself meanwhile: from the top
            stops.clear()
            page.evaluate(TO_THE_TOP)
        elif at["is"] == "stop":
            stops.append(at)
    page.evaluate(AWAY)
    assert stops, f"{name}: nothing takes the focus"
    for stop in stops:
        assert stop["follows"], f"{name}: the focus jumps to {stop['html']}"
        assert stop["ring"], f"{name}: no ring around {stop['html']}"
        assert stop["seen"], f"{name}: out of sight: {stop['html']}"
