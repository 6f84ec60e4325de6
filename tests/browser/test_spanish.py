"""Spanish as a phone shows it: every page one comes through in an evening, with nothing left in English or cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect

from associates.models import Associate
from deliveries import links
from deliveries.models import Package, Trip
from deliveries.states import MOVES
from stores.models import Language, StaffMember
from tests import make
from tests.staff import world
from tests.test_translations import catalogue

from . import evening
from .quality import SHOTS, lost_at_twice_the_size

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Phone = Callable[..., Page]
Look = Callable[[Page, str], None]

# Everything a page says: its title, what is shown, and what a screen reader is told.
SAID = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), said = [document.title];
  while (walk.nextNode()) {
    const part = walk.currentNode.parentElement;
    if (part.checkVisibility() && !part.closest('[lang]:not(html)') && !part.closest('script, style, template'))
      said.push(walk.currentNode.textContent);
  }
  for (const part of document.querySelectorAll('[aria-label], [placeholder], [alt], [title]'))
    if (part.checkVisibility() && !part.closest('[lang]:not(html)'))
      for (const name of ['aria-label', 'placeholder', 'alt', 'title']) said.push(part.getAttribute(name) ?? '');
  return said.map((text) => text.replace(/\\s+/g, ' ').trim()).filter(Boolean);
}"""
# Words that do not fit where they stand.
CUT_OFF = """() => [...document.querySelectorAll('a, button, label, summary, h1, h2, h3, .badge')]
  .filter((part) => part.checkVisibility() && !part.matches('.skip, .visually-hidden, .hw-hidden, .truncate')
    && !part.closest('#nav-sidebar, .visually-hidden'))
  .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== 'inline')
  .map((part) => `${part.outerHTML.slice(0, 120)} ${part.scrollWidth} > ${part.clientWidth}`)"""


@pytest.fixture(scope="module")
def english() -> re.Pattern[str]:
    """Any whole sentence of the source that reads differently in Spanish; what goes into it may be anything."""
    sentences: set[str] = set()
    for message in catalogue():
        if not message.id:
            continue
        for sentence in message.id if message.pluralizable else (message.id,):
            # The audit trail's verbs are names for programs, and stay as they are.
            if (
                sentence not in (message.string if message.pluralizable else (message.string,))
                and sentence not in MOVES
            ):
                sentences.add(re.sub(r"<[^>]+>", "", sentence))
    wildcards = (re.sub(r"%\\\(\w+\\\)[sd]|\\\{\w+\\\}", ".+", re.escape(each)) for each in sorted(sentences))
    # "%(number)s lb" is no sentence: without words of its own it would match any text.
    return re.compile("|".join(each for each in wildcards if re.search(r"[a-z]{2}", each)))


@pytest.fixture
def look(english: re.Pattern[str], trouble: list[str]) -> Iterator[Look]:
    """Looks at a page and notes what is wrong; all of it is reported in the end, so that one walk finds everything."""
    wrong: list[str] = []

    def looked(page: Page, name: str) -> None:
        before = len(trouble)
        wrong.extend(f"{name}: in English: {text}" for text in page.evaluate(SAID) if english.fullmatch(text))
        wrong.extend(f"{name}: cut off: {part}" for part in page.evaluate(CUT_OFF))
        if page.evaluate("document.documentElement.lang")[:2] != "es":
            wrong.append(f"{name}: the page calls itself {page.evaluate('document.documentElement.lang')}")
        if page.evaluate("document.documentElement.scrollWidth") > page.viewport_size["width"]:  # type: ignore[index]
            wrong.append(f"{name}: wider than the screen")
        if "/admin/" not in page.url:  # unfold's pages keep their own sizes
            wrong.extend(f"{name}: lost at 200%: {part}" for part in lost_at_twice_the_size(page))
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"es-{name}.png", full_page=True)
            del trouble[before:]  # the page's policy refuses the styles of screenshots

    yield looked
    assert not wrong, "\n".join(wrong)


def sign_in(page: Page, person: Associate) -> None:
    EmailAddress.objects.get_or_create(user=person.user, email=person.user.email, verified=True, primary=True)
    page.goto("/accounts/login/")
    page.get_by_text("Usar mi contraseña").click()
    page.locator("input[name=login]").fill(person.user.email)
    page.locator("input[name=password]").fill("correct horse battery")
    page.get_by_role("button", name="Iniciar sesión", exact=True).click()
    page.wait_for_url("**/today/")


def test_an_associates_evening(phone: Phone, look: Look) -> None:
    store = evening.store()
    door = {"latitude": store.lat, "longitude": store.lon, "accuracy": 12}
    page = phone(locale="es-US", permissions=["geolocation"], geolocation=door)
    page.goto("/")
    look(page, "landing")
    for path in ("/accounts/signup/", "/accounts/login/", "/accounts/password/reset/", "/nowhere/", "/offline/"):
        page.goto(path)
        look(page, path.strip("/").replace("/", "-"))

    person, packages, offer = evening.offered(store, user=make.user(language=Language.SPANISH))
    sign_in(page, person)
    look(page, "today-offer")
    for step in (
        "consents",
        "home",
        "vehicle",
        "count",
        "weight",
        "size",
        "minutes",
        "days",
        "home-by",
        "floor",
        "language",
    ):
        page.goto(f"/setup/{step}/")
        look(page, f"setup-{step}")
    page.goto("/setup/summary/")
    look(page, "setup-summary")
    for path in (
        "/me/", "/me/days/", "/me/messages/", "/me/leave/", "/me/delete/", "/offers/", "/board/", "/earnings/", "/trip/",
        "/accounts/password/change/", "/accounts/email/", "/accounts/2fa/webauthn/", "/accounts/logout/",
    ):  # fmt: skip
        page.goto(path)
        look(page, path.strip("/").replace("/", "-"))

    page.goto(f"/offers/{offer.pk}/")
    page.locator("summary").first.click()
    look(page, "offer")
    page.get_by_role("button", name=re.compile("Tomar 3 paquetes por")).click()
    page.wait_for_url("**/trip/")
    look(page, "pick-up")
    page.goto("/today/")
    look(page, "today-trip")
    page.goto(f"/trip/packages/{packages[0].pk}/give-back/")
    look(page, "give-back")
    page.goto("/trip/")
    page.get_by_label("Código de la etiqueta").fill("00000")
    page.get_by_role("button", name="Está en mis manos").click()
    expect(page.get_by_role("alert")).to_contain_text("Aquí ningún paquete tiene ese código")
    look(page, "pick-up-wrong")
    for package in packages:
        page.get_by_label("Código de la etiqueta").fill(package.label)
        page.get_by_role("button", name="Está en mis manos").click()
        expect(page.get_by_role("status").get_by_text(f"{package.label} está con usted")).to_be_visible()
    look(page, "pick-up-done")
    page.get_by_role("button", name="Salir").click()
    expect(page.get_by_text("Parada 1 de 3").first).to_be_visible()
    look(page, "trip")

    trip = Trip.objects.get()
    first = trip.stops.order_by("position").first()
    assert first is not None
    for path in (f"/trip/stops/{first.pk}/problem/", "/trip/cannot-go-on/", f"/trip/stops/{first.pk}/drop-off/"):
        page.goto(path)
        look(page, re.sub(r"\d+/", "", path.strip("/")).replace("/", "-"))

    page.get_by_label("¿Por qué se deja aquí?").fill("Con el portero")
    page.get_by_role("button", name="Confirmar").click()
    expect(page.get_by_text("Parada 2 de 3").first).to_be_visible()
    look(page, "trip-undo")
    page.get_by_role("link", name="Problema").click()
    page.get_by_role("radio", name="Nadie en casa").check()
    page.get_by_role("button", name="Continuar").click()
    expect(page.get_by_text("Guardarlo hasta mi próximo turno").first).to_be_visible()
    look(page, "trip-attempted")
    page.get_by_role("button", name="Guardarlo hasta mi próximo turno").click()
    expect(page.get_by_text("Parada 3 de 3").first).to_be_visible()
    page.goto("/trip/cannot-go-on/")
    page.get_by_role("button", name="Terminar el viaje").click()
    page.wait_for_url(re.compile("/(trip|today)/"))
    for path in ("/trip/", "/today/", "/earnings/"):
        page.goto(path)
        look(page, f"ended-{path.strip('/')}")


def test_a_customers_package(phone: Phone, look: Look) -> None:
    packages = evening.packages(evening.store(), 1, language=Language.SPANISH)
    page = phone()  # in English: the package is not
    link = f"/t/{links.issue(package=packages[0], now=datetime.now(UTC))}/"
    page.goto(link)
    look(page, "package")
    page.goto(f"{link}messages/")
    look(page, "package-messages")
    Package.objects.filter(pk=packages[0].pk).update(language=Language.ENGLISH)
    page.goto(link)
    page.get_by_text("Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    look(page, "package-switched")
    stranger = phone(locale="es-US")
    stranger.goto("/t/nothing-here/")
    look(stranger, "package-invalid")


def test_the_stores_pages(phone: Phone, look: Look) -> None:
    city = world.build("Harbor", store=evening.store(name="Harbor store"), now=datetime.now(UTC))
    lead = make.staff(city.store, StaffMember.Role.LEAD)
    page = phone(locale="es-US")
    page.goto("/admin/login/")
    look(page, "admin-login")
    page.locator("#id_username").fill(lead.email)
    page.locator("#id_password").fill("correct horse battery")
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/admin/tonight/")
    look(page, "admin-tonight")
    rows = {row._meta.label_lower: row for row in city.rows}
    for path in ("bay", "labels", "messages", *(name.replace(".", "/") for name in sorted(rows))):
        answer = page.goto(f"/admin/{path}/")
        assert answer is not None
        if answer.status != 403:  # not every role sees every list
            look(page, f"admin-{path.replace('/', '-')}")
    for verb in ("stage", "tender"):
        page.goto(f"/admin/deliveries/package/verb/{verb}/?ids={city.packages['received'].pk}")
        look(page, f"admin-verb-{verb}")
    for name, row in sorted(rows.items()):
        answer = page.goto(f"/admin/{name.replace('.', '/')}/{row.pk}/change/")
        assert answer is not None
        if answer.status != 403:
            look(page, f"admin-{name.replace('.', '-')}-one")
