"""The Spanish catalogue against the source: complete, compiled, and nothing lost between a sentence and its translation.

All of it is mended by `make messages` and a translation of what it leaves empty in locale/es/LC_MESSAGES/django.po.
"""

from __future__ import annotations

import io
import re
from datetime import date, time
from functools import cache
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import ngettext

from associates.models import Associate
from deliveries import links
from stores.models import Language
from tests import make

FOLDER = settings.BASE_DIR / "locale/es/LC_MESSAGES"
# As in the Makefile: Django's lazy twins take the same arguments.
KEYWORDS: dict[str, Any] = {
    **DEFAULT_KEYWORDS, "gettext_lazy": None, "ngettext_lazy": (1, 2), "pgettext_lazy": ((1, "c"), 2), "gettext_noop": None,
}  # fmt: skip
# %(name)s and %(count)d, the {n} that a page's script fills in, and elements.
HOLES = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+[^>]*>")


@cache
def catalogue() -> Catalog:
    with (FOLDER / "django.po").open("rb") as file:
        return read_po(file, locale="es", domain="django")


def translated() -> list[Message]:
    """Every message but the header; one that is still to be translated is one test's to tell, not every test's."""
    return [message for message in catalogue() if message.id and message.string and all(message.string)]


def forms(message: Message) -> list[tuple[str, str]]:
    """English and Spanish, form by form: one pair, or singular and plural."""
    if message.pluralizable:
        return list(zip(message.id, message.string, strict=True))
    return [(str(message.id), str(message.string))]


@cache
def in_the_source() -> dict[tuple[str | None, str], tuple[str, Any]]:
    """(context, sentence) to the first file it is in and the whole message, as `make messages` reads them."""
    with (settings.BASE_DIR / "config/babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = {}
    for name, _line, message, _comments, context in extract_from_dir(settings.BASE_DIR, methods, options, KEYWORDS):
        found.setdefault((context, message[0] if isinstance(message, tuple) else message), (name, message))
    return found


def test_the_source_is_read() -> None:
    """Were a reader to find nothing, the tests below would be content."""
    files = {name.split("/")[0] for name, _ in in_the_source().values()}
    assert files >= {"templates", "stores", "associates", "deliveries", "config"}
    assert len(in_the_source()) > 1_000


def test_every_sentence_of_the_source_has_a_translation() -> None:
    missing = []
    for (context, sentence), (file, whole) in in_the_source().items():
        message = catalogue().get(sentence, context)
        if message is None or message.fuzzy or not message.string or not all(text for _, text in forms(message)):
            missing.append(f"{file}: {sentence}")
        elif isinstance(whole, tuple) and not message.pluralizable:
            missing.append(f"{file}: {sentence} (its plural)")
    assert not missing, "run `make messages`, then translate in locale/es/LC_MESSAGES/django.po:\n" + "\n".join(missing)


def test_what_is_compiled_is_what_is_written() -> None:
    """A machine without any tool for it shows Spanish from the file in the repository."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue())
    assert compiled.getvalue() == (FOLDER / "django.mo").read_bytes(), "run `make messages`"


def test_what_is_filled_in_is_the_same_in_both_languages() -> None:
    wrong = [
        f"{english!r}: {spanish!r}"
        for message in translated()
        for english, spanish in forms(message)
        # One thing may be named in words ("a package") or counted ("1 package"); several are always counted alike.
        if sorted(HOLES.findall(english)) != sorted(HOLES.findall(spanish))
        or len(re.findall("%", english)) != len(re.findall("%", spanish))
    ]
    assert not wrong, "\n".join(wrong)


def test_sentences_keep_their_ends() -> None:
    """Spaces around a part of a sentence, and the full stop, colon or dots after it. Questions open with theirs."""
    wrong = []
    for message in translated():
        for english, spanish in forms(message):
            # A letter begins "Hello Ana," here and "Hola, Ana:" there.
            around = [
                re.sub(r"\S(?:.*[^.,:?!…\s])?", "", text, flags=re.DOTALL).replace(",", ":")
                for text in (english, spanish)
            ]
            questions = len(re.findall(r"\?(?=\s|$)", spanish))
            if around[0] != around[1] or spanish.count("¿") != questions:
                wrong.append(f"{english!r}: {spanish!r}")
    assert not wrong, "\n".join(wrong)


def test_people_are_spoken_to_as_usted() -> None:
    familiar = re.compile(r"\b(tú|tu|tus|te|ti|contigo|vosotros|vuestr[oa]s?|os)\b", re.IGNORECASE)
    wrong = [spanish for message in translated() for _, spanish in forms(message) if familiar.search(spanish)]
    assert not wrong, "\n".join(wrong)


# Homeward's own words, each with one translation (the glossary at the top of the catalogue).
GLOSSARY = {
    r"packages?": "paquete", r"(?<!Your )carriers?": "transportista", r"shifts?": "turno", r"trips?": "viaje",
    r"roster": "lista de personal", r"passkeys?": "llaves? de acceso", r"bay": "zona de salida", r"offer": "oferta|ofrec",
    r"(next|last|this|that|each|the) stops?": "parada", "sign in": "sesión",
}  # fmt: skip


@pytest.mark.parametrize(("word", "palabra"), GLOSSARY.items())
def test_a_word_is_translated_alike_everywhere(word: str, palabra: str) -> None:
    wrong = [
        f"{english!r}: {spanish!r}"
        for message in translated()
        for english, spanish in forms(message)
        if re.search(rf"\b{word}\b", HOLES.sub("", english)) and not re.search(palabra, spanish, re.IGNORECASE)
    ]
    assert not wrong, "\n".join(wrong)


def test_plurals() -> None:
    assert (catalogue().num_plurals, str(catalogue().plural_expr)) == (2, "(n != 1)")
    with translation.override("es"):
        said = [ngettext("%(number)d package delivered.", "%(number)d packages delivered.", n) for n in (0, 1, 2, 21)]
    one, many = "%(number)d paquete entregado.", "%(number)d paquetes entregados."
    assert said == [many, one, many, many]


def test_dates_and_numbers_stay_the_countrys() -> None:
    with translation.override("es"):
        assert formats.time_format(time(17, 30)) == "5:30 p.m."
        assert formats.number_format("3.1") == "3.1"
        assert formats.number_format(4700, force_grouping=True) == "4,700"
        assert formats.date_format(date(2026, 11, 24)) == "24 de noviembre de 2026"
        assert formats.date_format(date(2026, 11, 24), "SHORT_DATE_FORMAT") == "11/24/2026"


# --- Whose language -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestLanguage:
    def test_a_visitor_is_answered_as_the_browser_asks(self, client: Client) -> None:
        assert "Iniciar sesión" in client.get("/", headers={"accept-language": "es-US,es;q=0.9"}).text
        assert "Sign in" in client.get("/", headers={"accept-language": "en-US"}).text
        assert "Sign in" in client.get("/", headers={"accept-language": "fr"}).text

    def test_a_visitor_switches(self, client: Client) -> None:
        page = client.post(reverse("set_language"), {"language": "es", "next": "/"}, follow=True)
        assert "Iniciar sesión" in page.text
        assert 'lang="es"' in page.text
        assert "Iniciar sesión" in client.get("/accounts/login/").text

    def test_an_associates_choice_is_kept_and_used_at_the_next_sign_in(self, client: Client) -> None:
        person = make.associate(make.store())
        client.force_login(person.user)
        client.post("/setup/language/", {"language": "es"})
        assert Associate.objects.get(pk=person.pk).user.language == Language.SPANISH
        assert "Perfil" in client.get("/me/").text

        another_phone = Client()
        another_phone.force_login(person.user)
        page = another_phone.get("/", follow=True, headers={"accept-language": "en-US"})
        assert page.redirect_chain, "who is signed in goes on to a page of their own"
        assert "Perfil" in page.text

    @pytest.mark.parametrize(
        ("written", "asked", "said"),
        [
            ("es", "", "Su paquete"), ("en", "", "Your package"),
            ("en", "?lang=es", "Su paquete"), ("es", "?lang=en", "Your package"), ("es", "?lang=xx", "Su paquete"),
        ],
    )  # fmt: skip
    def test_a_customers_page_is_in_the_packages_language_or_the_one_asked_for(
        self, client: Client, written: str, asked: str, said: str
    ) -> None:
        package = make.package(make.store(), language=written)
        page = client.get(f"/t/{links.issue(package=package, now=make.EVENING)}/{asked}")
        assert said in page.text


def test_refusals_speak_spanish() -> None:
    """Sentences are made when they are read, not when the module is: one process speaks both languages."""
    from deliveries.actions.moves import Refused

    def all_below(kind: type[Refused]) -> list[type[Refused]]:
        return [each for below in kind.__subclasses__() for each in (below, *all_below(below))]

    said = [kind.sentence for kind in all_below(Refused) if getattr(kind, "sentence", "")]
    assert len(said) > 10

    def speak(language: str) -> list[str]:
        with translation.override(language):
            return [str(each) for each in said]

    assert not set(speak("en")) & set(speak("es"))
