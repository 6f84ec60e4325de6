"""Staff's own words for messages to customers: safe whatever is written, and never without the link and how to stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deliveries.actions import wording
from deliveries.models import MessageText
from deliveries.notices import previews, texts
from deliveries.notices import wording as words
from deliveries.notices.channels import Text, sms
from deliveries.notices.wording import Words
from stores.models import StaffMember, Store, User

from .. import make

pytestmark = pytest.mark.django_db
NOW = make.EVENING
GOOD = Words("{courier} comes", "{courier} from {store} comes by {time}.", "Hello!\n\n{courier} comes by {time}.")
LANGUAGES = ("en", "es")


@pytest.fixture
def store() -> Store:
    return make.store(name="Bayonne", phone="+1 201 555 0100")


@pytest.fixture
def lead(store: Store) -> User:
    return make.staff(store, first_name="Maya", last_name="Lopez")


def word(
    store: Store | None, by: User, said: Words = GOOD, *, kind: str = "on_the_way", language: str = "en"
) -> MessageText:
    return wording.word(store=store, kind=kind, language=language, said=said, by=by, now=NOW)


def read(store: Store, kind: str = "on_the_way", language: str = "en") -> previews.Preview:
    return next(
        each for each in previews.previews(store, now=NOW)["customer"] if (each.kind, each.language) == (kind, language)
    )


# --- What is sent -------------------------------------------------------------------------------------------------------
def test_a_stores_words_go_before_those_for_all_and_those_before_ours(store: Store, lead: User) -> None:
    boss, ours = make.user(is_superuser=True), read(store).text.subject
    word(None, boss, Words("For all", "For all.", "For all."))
    assert read(store).text.subject == "For all"
    word(store, lead)
    shown = read(store)
    assert (shown.text.subject, shown.text.short) == ("Ana comes", f"Ana from Bayonne comes by {_by(store)}")
    assert shown.text.body.startswith("Hello!\n\nAna comes by ")
    assert read(store, language="es").text.subject != "Ana comes", "a language each"
    assert read(make.store()).text.subject == "For all"
    wording.unword(store=store, kind="on_the_way", language="en", by=lead, now=NOW)
    assert read(store).text.subject == "For all"
    wording.unword(store=None, kind="on_the_way", language="en", by=boss, now=NOW)
    wording.unword(store=None, kind="on_the_way", language="en", by=boss, now=NOW)
    assert read(store).text.subject == ours


@pytest.mark.parametrize(
    ("kind", "known"), [("on_the_way", {"pin": "4711"}), ("next", {"pin": "4711"}), ("next", {"in_person": True})]
)
def test_who_has_to_be_there_reads_our_words(store: Store, lead: User, kind: str, known: dict[str, Any]) -> None:
    """A text for every package may say that nobody need wait; and it has no PIN."""
    word(store, lead, Words("You need not wait", "Need not wait.", "Stay where you are."), kind=kind)
    said = words.in_force(store.pk)[kind, "en"]
    context = previews.sample(kind, store, "mail", now=NOW)

    def written(context: dict[str, Any]) -> Text:
        return texts.write(kind, context, language="en", zone=store.zone, link="https://x/", said=said)

    assert written(context).subject == "You need not wait"
    text = written(context | known)
    assert "need not wait" not in text.subject + text.short + text.body
    assert (
        all(f"{known['pin']}." in part for part in (text.short, text.body))
        if "pin" in known
        else "be there" in text.body
    )


def _by(store: Store) -> str:
    local = store.local(NOW + timedelta(minutes=50))
    return f"{local.hour % 12}:{local.minute:02} p.m."


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", words.EDITABLE)
def test_ours_can_be_edited_and_says_the_same(store: Store, lead: User, kind: str, language: str) -> None:
    """The form begins with our own text; saved as it is, it reads as before, and no placeholder is an unknown one."""
    begun = words.ours(kind, language)
    assert texts.faults(kind, language, begun) == []
    assert "{{" not in begun.body
    before = read(store, kind, language)
    word(store, lead, begun, kind=kind, language=language)
    after = read(store, kind, language)
    assert after.own
    if "{promised}" not in begun.body + begun.short:  # ours says "today" where it can
        assert (after.text.subject, after.text.short) == (before.text.subject, before.text.short)
        assert after.text.body.replace("\n", "") == before.text.body.replace("\n", "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", words.EDITABLE)
def test_the_link_and_how_to_stop_are_there_whatever_is_written(
    store: Store, lead: User, kind: str, language: str
) -> None:
    word(store, lead, Words("Hi", "x" * 180, "Hi"), kind=kind, language=language)
    shown = read(store, kind, language)
    link = shown.text.link
    assert link in shown.text.body
    assert f"{link}messages/" in shown.text.body
    assert shown.text.stop == f"{link}messages/", "the button of a mail program"
    assert link in shown.sms
    with translation.override(language):
        assert shown.sms.endswith(sms.gsm(translation.gettext("Reply STOP to end.")))
    assert shown.sms_length <= sms.LONGEST_OF_TWO


def test_where_a_value_is_missing_ours_is_sent(store: Store, lead: User) -> None:
    word(store, lead)
    context = previews.sample("on_the_way", store, "mail", now=NOW) | {"by": None}
    said = words.in_force(store.pk)["on_the_way", "en"]
    text = texts.write("on_the_way", context, language="en", zone=store.zone, link="https://x/", said=said)
    assert text.subject == "Your package is on the way"
    later = Words("{a_name_of_tomorrow}", "x", "x")
    text = texts.write("on_the_way", context, language="en", zone=store.zone, link="https://x/", said=later)
    assert text.subject == "Your package is on the way"


# --- Hostile texts ------------------------------------------------------------------------------------------------------
HOSTILE = [
    "{courier.__class__}", "{courier!r}", "{courier:>999999999}", "{0}", "{}", "{{courier}}", "{ courier }", "{COURIER}",
    "{courier", "courier}", "}{", "{link}", "{stop}", "{self}", "{store.carriers.all}", "{settings.SECRET_KEY}",
    "{% now 'Y' %}", "{{ settings }}", "{% include 'admin/base.html' %}", "{# x #}", "{carrier}", "{reason}", "{c\u200bourier}",
]  # fmt: skip
ADDRESSES = ["https://evil.example/x", "HTTP:evil", "www.evil", "evil.com", "Write to me@evil.com", "bit.ly/x", "a://b"]


@pytest.mark.parametrize("hostile", HOSTILE + ADDRESSES)
@pytest.mark.parametrize("field", ["subject", "short", "body"])
def test_what_is_no_placeholder_is_refused_by_name(store: Store, lead: User, field: str, hostile: str) -> None:
    said = Words(**{"subject": "Hi", "short": "Hi", "body": "Hi", field: f"Hi {hostile} you"})
    found = texts.faults("on_the_way", "en", said)
    assert {name for name, _sentence in found} == {field}
    assert "Leave addresses out" in found[0][1] or "Use one of these, or no braces: {courier}, {time}" in found[0][1]
    with pytest.raises(wording.BadText):
        word(store, lead, said)
    assert not MessageText.objects.exists()


def test_what_is_filled_in_is_not_read_again(store: Store, lead: User) -> None:
    word(store, lead)
    context = previews.sample("on_the_way", store, "mail", now=NOW) | {
        "courier": "{store} {% now 'Y' %} {{ link }} <b>"
    }
    said = words.in_force(store.pk)["on_the_way", "en"]
    text = texts.write("on_the_way", context, language="en", zone=store.zone, link="https://x/", said=said)
    assert text.subject == "{store} {% now 'Y' %} {{ link }} <b> comes"


@pytest.mark.parametrize(
    ("said", "field", "sentence"),
    [
        (Words("", "Hi", "Hi"), "subject", "Write something here"),
        (Words("Hi", " \u200b ", "Hi"), "short", "Write something here"),
        (Words("x" * 121, "Hi", "Hi"), "subject", "121 characters; at most 120"),
        (Words("Hi", "Hi", "x" * 1501), "body", "at most 1500"),
        (Words("Hi", "{courier} {courier} " + "x" * 200, "Hi"), "short", "Make it "),
        (Words("Hi", "€" * 130, "Hi"), "short", "As a text message"),
    ],
)
def test_too_little_and_too_much(said: Words, field: str, sentence: str) -> None:
    [(name, found)] = texts.faults("on_the_way", "en", said)
    assert name == field
    assert sentence in found


def test_lines_and_hidden_signs_are_made_clean(store: Store, lead: User) -> None:
    word(store, lead, Words("Hi\r\nBcc: all@example,com", "a\nb\x00\u202ec", "1\r\n\r\n\r\n\r\n2\u2066\n3"))
    row = MessageText.objects.get()
    assert (row.subject, row.short, row.body) == ("Hi Bcc: all@example,com", "a b c", "1\n\n2\n3")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.text(alphabet=st.sampled_from("{}courierstm_ .!:[]%0aé€\n\\$"), max_size=60),
    kind=st.sampled_from(words.EDITABLE),
)
def test_any_text_is_refused_or_read_as_it_is(text: str, kind: str) -> None:
    said = texts.clean(Words(text, text, text))
    known = dict.fromkeys(words.PLACEHOLDERS[kind], "VALUE")
    if texts.faults(kind, "en", said):
        return
    filled = words.fill(said, known)
    assert filled is not None, "what was saved is sent"
    assert not set("{}") & set(filled.short)
    assert filled.short.replace("VALUE", "").count("V") == 0


# --- Who, and what is kept ------------------------------------------------------------------------------------------------
def test_old_words_are_kept_with_who_wrote_and_who_ended_them(store: Store, lead: User) -> None:
    first = word(store, lead)
    assert word(store, lead) == first, "the same again is nothing new"
    second = word(store, lead, Words("Hi", "Hi", "Hi"))
    first.refresh_from_db()
    assert (first.ended_at, first.ended_by, second.ended_at) == (NOW, lead, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageText.objects.filter(pk=first.pk).update(ended_at=None, ended_by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageText.objects.filter(pk=second.pk).update(short="")
    for kind, language in (("offer", "en"), ("pay_settled", "en"), ("nonsense", "en"), ("ready", "fr")):
        with pytest.raises(wording.BadText):
            word(store, lead, Words("Hi", "Hi", "Hi"), kind=kind, language=language)


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(kind: str = "on_the_way", language: str = "en", query: str = "") -> str:
    return reverse("staff:message_text", args=[kind, language]) + query


def test_a_lead_tries_saves_and_goes_back(store: Store, lead: User) -> None:
    client = enter(lead)
    page = client.get(url()).content.decode()
    for shown in (
        "{courier} is bringing your package, about {time} at the latest.",
        "first name of who brings it",
        "Try it out",
    ):
        assert shown in page
    assert url() in client.get(reverse("staff:messages")).content.decode()
    typed: dict[str, Any] = {
        "subject": "{courier} comes",
        "short": "{courier} comes by {time}.",
        "body": "<b>Hi</b> {store}",
    }
    tried = client.post(url(), {**typed, "do": "try"}).content.decode()
    assert f"Homeward: Ana comes by {_by(store)} https://" in tried
    assert "&lt;b&gt;Hi&lt;/b&gt; Bayonne" in tried
    assert "Reply STOP to end." in tried
    assert not MessageText.objects.exists(), "trying writes nothing"
    wrong = client.post(url(), {**typed, "short": "{nobody}", "do": "save"}).content.decode()
    assert "“{nobody}” is no placeholder of this message." in wrong
    assert "&lt;b&gt;Hi&lt;/b&gt; {store}" in wrong, "what was typed stays in the form"
    assert client.post(url(), {**typed, "do": "save"}).status_code == 302
    page = client.get(url()).content.decode()
    assert "Maya Lopez" in page
    assert "Back to our words" in page
    assert "Your own words" in client.get(reverse("staff:messages")).content.decode()
    client.post(url(), {"do": "reset"})
    assert not MessageText.objects.filter(ended_at=None).exists()
    for gone in (url("offer"), url("nonsense"), url("ready", "fr")):
        assert client.get(gone).status_code == 404


def test_only_ones_own_store_and_only_who_may(store: Store, lead: User) -> None:
    other = make.store()
    typed = {"subject": "Hi", "short": "Hi", "body": "Hi", "do": "save"}
    client = enter(lead)
    assert client.post(url(query=f"?store={other.number}"), typed).status_code == 404
    assert client.post(url(query="?for=all"), typed).status_code == 403
    for role in (StaffMember.Role.BAY, StaffMember.Role.SUPPORT, StaffMember.Role.PAYROLL):
        staff = enter(make.staff(store, role))
        assert staff.post(url(), typed).status_code == 403
        assert "Word it yourself" not in staff.get(reverse("staff:messages")).content.decode()
    assert not MessageText.objects.exists()
    boss = enter(make.user(is_staff=True, is_superuser=True))
    assert boss.post(url(query=f"?store={store.number}&for=all"), typed).status_code == 302
    assert MessageText.objects.get().store is None
    assert read(store).text.subject == "Hi"
