"""Tonight's board: its numbers are the lists behind them, and it asks the database the same few questions always."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deliveries.models import DeliveryException, Package
from stores.models import StaffMember, Store
from tests import make

from . import world
from .world import World, name_of_list

Enter = Callable[..., Client]


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


def test_every_number_links_to_exactly_its_packages(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    page = text_of(client.get(reverse("staff:tonight")))
    figures = re.findall(
        r'<a class="hw-figure[^"]*" href="([^"]+)" data-state="(\w+)">\s*<span class="hw-number">(\d+)</span>', page
    )
    assert len(figures) == 12
    counted = 0
    for url, state, number in figures:
        listing = client.get(unescape(url)).context["cl"]
        assert listing.result_count == int(number), state
        counted += int(number)
    assert counted == Package.objects.filter(store=zanzibar.store).count()


def test_the_board_tells_what_needs_somebody(zanzibar: World, enter: Enter) -> None:
    page = text_of(enter(zanzibar.store).get(reverse("staff:tonight")))
    assert zanzibar.packages["soon"].label in page
    assert "29 min left, by 6:30 pm" in page or "30 min left, by 6:30 pm" in page
    assert "1 package has a pin known by ZIP code only" in page
    assert "AnaZanzibar" in page
    assert "2 of 3 stops done, 2 in hand" in page
    assert "Nobody home" in page
    assert "closes in 39 min" in page or "closes in 40 min" in page
    assert "Parcel carrier, 5:55 pm: 1 package, $9.00" in page
    assert "Carrier cut-off at 9:30 pm, in 3 h" in page
    assert "BenZanzibar" not in page, "whom an offer went to is theirs"


def test_an_empty_evening_says_so(elsewhere: Store, enter: Enter) -> None:
    page = text_of(enter(elsewhere).get(reverse("staff:tonight")))
    for words in (
        "None: nothing in the store",
        "No trip is claimed",
        "No open problem",
        "No offer is open",
        "Nothing has gone",
    ):
        assert words in page


def test_a_paused_store_says_that_no_offers_go_out(enter: Enter) -> None:
    store = make.store(stage="paused")
    assert "No offers go out from this store." in text_of(enter(store).get(reverse("staff:tonight")))


def test_several_stores_are_switched_between(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    person = make.staff(elsewhere)
    StaffMember.objects.create(user=person, store=zanzibar.store, role="bay")
    client = enter(user=person)
    page = text_of(client.get(reverse("staff:tonight") + f"?store={elsewhere.number}"))
    assert f'<option value="{zanzibar.store.number}">' in page
    assert zanzibar.packages["soon"].label not in page
    assert zanzibar.packages["soon"].label in text_of(
        client.get(reverse("staff:tonight") + f"?store={zanzibar.store.number}&part=1")
    )


def queries(client: Client, url: str) -> int:
    client.get(url)  # warm: content types, session
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200, url
    return len(captured)


def test_pages_ask_as_often_for_many_rows_as_for_few(enter: Enter) -> None:
    """Twice the evening, the same number of queries, on the board, the bay, the labels and every list."""
    store = make.store(name="Busy")
    person = make.staff(store)
    client = enter(user=person)
    first = world.build("One", store=store)
    pages = [
        *(reverse(name) for name in ("staff:tonight", "staff:bay", "staff:labels")),
        reverse("staff:bay") + "?mode=handover", reverse("staff:bay") + "?mode=returns",
        *(reverse(f"admin:{name_of_list(type(row))}_changelist") for row in first.rows),
    ]  # fmt: skip
    few = {url: queries(client, url) for url in pages}
    world.build("Two", store=store)
    world.build("Three", store=store)
    many = {url: queries(client, url) for url in pages}
    assert many == few
    assert max(few.values()) <= 30, few


def test_the_policy_is_loose_under_the_admin_only(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    for url in (reverse("staff:tonight"), reverse("admin:index"), reverse("admin:login"), "/admin/nowhere/"):
        policy = client.get(url, follow=True)["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policy, url
        assert "default-src 'none'" in policy, url
        assert "frame-ancestors 'none'" in policy, url
    for url in ("/accounts/login/", "/livez", "/nowhere/", "/adminx/"):
        assert "unsafe" not in client.get(url)["Content-Security-Policy"], url


def test_labels_carry_the_code_twice(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    page = text_of(client.get(reverse("staff:labels")))
    assert page.count("hw-qr") == 2, "one a package that waits for the bay"
    assert zanzibar.packages["received"].label in page
    one = text_of(client.get(reverse("staff:labels") + f"?ids={zanzibar.packages['held'].pk},x,"))
    assert one.count("hw-qr") == 1


@pytest.mark.parametrize("url", ["staff:tonight", "staff:bay", "staff:labels"])
def test_odd_questions_are_not_found_rather_than_broken(zanzibar: World, enter: Enter, url: str) -> None:
    client = enter(zanzibar.store)
    for query in ("?store=0", "?store=x", "?store=%00", f"?store={'9' * 40}"):
        assert client.get(reverse(url) + query).status_code == 404, query
    assert client.get(reverse(url) + "?mode=nonsense&trip=99999999999999999999").status_code in (200, 302, 404)


def test_side_bar_leads_to_tonight_first(zanzibar: World, enter: Enter) -> None:
    page = text_of(enter(zanzibar.store).get(reverse("admin:index"), follow=True))
    assert "Promises at risk" in page, "the admin begins at the board"
    assert 0 < page.index(reverse("staff:tonight")) < page.index(reverse("admin:deliveries_package_changelist"))
    assert admin.site.site_header


def test_the_board_is_cut_down_to_one_part(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    for part, shown in (
        ("risk", "hw-risk"),
        ("trips", "hw-trips"),
        ("problems", "hw-problems"),
        ("carrier", "hw-carrier"),
    ):
        page = text_of(client.get(reverse("staff:tonight"), {"show": part, "part": "1"}))
        headings = set(re.findall(r'<h2 id="(hw-[a-z]+)"', page))
        assert shown in headings
        assert headings <= {shown, "hw-numbers", "hw-offers"}
    assert client.get(reverse("staff:tonight"), {"show": "nonsense"}).status_code == 404


def test_what_the_walk_did_ahead_of_the_clock_has_a_time_and_no_age(zanzibar: World, enter: Enter) -> None:
    """The demo's evening runs ahead (0061): a moment still to come is shown as a time, not as an age below nothing."""
    ahead = world.NOW + timedelta(hours=3)
    DeliveryException.objects.filter(trip__store=zanzibar.store).update(at=ahead)
    Package.objects.filter(store=zanzibar.store, state="staged").update(state_since=ahead)
    page = text_of(enter(zanzibar.store).get(reverse("staff:tonight")))
    assert "at 9:00 pm" in page
    staged = page[page.index('data-state="staged"') :]
    assert "oldest" not in staged[: staged.index("</a>")]
