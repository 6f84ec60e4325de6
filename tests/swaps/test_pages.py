"""The pages of a swap: who is listed, what each of the two sees, and every answer."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from associates import home
from deliveries import actors, matching, quoting
from deliveries.actions import handover, offers, swaps
from deliveries.models import Swap, Trip
from stores.places import Point
from tests import make

from ..associate.test_evening_pages import hidden, text
from .conftest import ANAS, BENS, NOW, Pair

Phones = tuple[Client, Client]


def asked(pair: Pair, phones: Phones) -> Swap:
    """Ana asks Ben through the pages."""
    ana, _ben = phones
    first = str(pair.a[0].pk)
    page = ana.post("/trip/swap/", {"package": [first], "colleague": str(pair.ben.pk)})
    assert "Your trip pays now" in text(page)
    data = {"package": [first], "colleague": str(pair.ben.pk), "shown": hidden(page, "shown")}
    assert ana.post("/trip/swap/ask/", data).headers["Location"] == "/trip/"
    return Swap.objects.get()


def test_ask_look_yes(pair: Pair, phones: Phones) -> None:
    ana, ben = phones
    assert 'href="/trip/swap/"' in text(ana.get("/trip/"))
    swap = asked(pair, phones)
    assert "You asked Ben" in text(ana.get("/trip/"))
    for path in ("/today/", "/offers/"):
        assert "Ana asks for a swap" in text(ben.get(path))
    page = ben.get(f"/swaps/{swap.pk}/")
    assert "Bayonne 07002" in text(page)
    assert pair.a[0].address1 not in text(page).split("Only in exchange")[0], "addresses come after the yes"
    assert pair.a[0].recipient not in text(page)
    data = {"shown": hidden(page, "shown"), "key": hidden(page, "key")}
    for _ in range(2):
        assert ben.post(f"/swaps/{swap.pk}/yes/", data).headers["Location"] == "/trip/"
    assert pair.bens.packages.count() == 3
    assert pair.a[0].address1 in text(ben.get("/trip/"))
    assert pair.a[0].address1 not in text(ana.get("/trip/"))
    late = {"shown": data["shown"], "key": str(uuid4())}
    assert ben.post(f"/swaps/{swap.pk}/yes/", late).status_code == 409
    assert ben.get(f"/swaps/{swap.pk}/").status_code == 404
    pair.whole()


def test_an_exchange_through_the_pages(pair: Pair, phones: Phones) -> None:
    ana, ben = phones
    swap = asked(pair, phones)
    back = str(pair.b[0].pk)
    page = ben.get(f"/swaps/{swap.pk}/", {"package": [back]})
    assert "Ask Ana for this exchange" in text(page)
    assert f'hx-get="/swaps/{swap.pk}/?package={back}"' in text(page), "the page that looks again keeps the ticks"
    data = {"package": [back], "shown": hidden(page, "shown"), "key": hidden(page, "key")}
    assert ben.post(f"/swaps/{swap.pk}/only-for/", data).headers["Location"] == f"/swaps/{swap.pk}/"
    assert "You asked Ana" in text(ben.get(f"/swaps/{swap.pk}/"))
    page = ana.get(f"/swaps/{swap.pk}/")
    assert "Ben would, in exchange" in text(page)
    assert pair.b[0].address1 not in text(page)
    data = {"shown": hidden(page, "shown"), "key": hidden(page, "key")}
    assert ana.post(f"/swaps/{swap.pk}/yes/", data).headers["Location"] == "/trip/"
    assert set(pair.anas.packages.all()) == {pair.a[1], pair.b[0]}
    pair.whole()


@pytest.mark.parametrize("who", [0, 1])
def test_no_and_never_mind_leave_everything_as_it_was(pair: Pair, phones: Phones, who: int) -> None:
    swap = asked(pair, phones)
    for _ in range(2):
        assert phones[who].post(f"/swaps/{swap.pk}/no/").headers["Location"] == "/today/"
    assert not Swap.objects.exists()
    for phone in phones:
        page = text(phone.get("/today/"))
        assert "asks for a swap" not in page
        assert "You asked" not in page
    assert pair.anas.packages.count() == 2


def test_a_third_person_sees_nothing_of_it(pair: Pair, phones: Phones) -> None:
    swap = asked(pair, phones)
    eve = Client()
    eve.force_login(make.associate(pair.store).user)
    assert eve.get(f"/swaps/{swap.pk}/").status_code == 404
    data = {"shown": "", "key": str(uuid4())}
    assert eve.post(f"/swaps/{swap.pk}/yes/", data).status_code == 409
    assert eve.post(f"/swaps/{swap.pk}/only-for/", data).status_code == 404
    eve.post(f"/swaps/{swap.pk}/no/")
    assert Swap.objects.exists()


def test_a_changed_quote_is_shown_again(pair: Pair, phones: Phones) -> None:
    ana, ben = phones
    data = {"package": [str(pair.a[0].pk)], "colleague": str(pair.ben.pk), "shown": "0" * 64}
    answer = ana.post("/trip/swap/ask/", data)
    assert answer.status_code == 409
    assert "The quote changed" in text(answer)
    swap = asked(pair, phones)
    answer = ben.post(f"/swaps/{swap.pk}/yes/", {"shown": "0" * 64, "key": str(uuid4())})
    assert answer.status_code == 409
    assert hidden(answer, "shown") == hidden(ben.get(f"/swaps/{swap.pk}/"), "shown")


def test_nothing_ticked_or_nobody_chosen_is_a_question(pair: Pair, phones: Phones) -> None:
    ana, _ben = phones
    for data in ({"shown": "", "colleague": str(pair.ben.pk)}, {"shown": "", "package": [str(pair.a[0].pk)]}):
        answer = ana.post("/trip/swap/ask/", data)
        assert answer.status_code == 422
        assert "choose whom you ask" in text(answer)
    assert not Swap.objects.exists()


def test_what_does_not_fit_says_why_to_oneself(pair: Pair, phones: Phones) -> None:
    swap = asked(pair, phones)
    pair.ben.limits.max_packages = 2
    pair.ben.limits.save()
    page = text(phones[1].get(f"/swaps/{swap.pk}/"))
    assert "Yes, swap" not in page
    assert "Leave one out" in page or "do not fit" in page


def test_a_rest_that_cannot_be_quoted_is_a_clear_answer(pair: Pair, phones: Phones) -> None:
    """Ana forgot her home area after the claim: nothing can be worked out, and the page says so."""
    home.forget(pair.ana)
    data = {"package": [str(pair.a[0].pk)], "colleague": str(pair.ben.pk), "shown": "x"}
    for path in ("/trip/swap/", "/trip/swap/ask/"):
        assert "We do not know your home area" in text(phones[0].post(path, data))
    assert not Swap.objects.exists()


def test_loading_ends_the_question(pair: Pair, phones: Phones) -> None:
    _ana, ben = phones
    swap = asked(pair, phones)
    page = ben.get(f"/swaps/{swap.pk}/")
    handover.load(trip=pair.bens, label=pair.b[0].label, by=actors.associate(pair.ben.user_id), now=NOW)
    data = {"shown": hidden(page, "shown"), "key": hidden(page, "key")}
    answer = ben.post(f"/swaps/{swap.pk}/yes/", data)
    assert answer.status_code == 409
    assert "Loading has begun" in text(answer)
    assert not Swap.objects.exists()
    assert ben.get("/trip/swap/").status_code == 409
    assert 'href="/trip/swap/"' not in text(ben.get("/trip/"))


def names(client: Client) -> list[str]:
    return re.findall(r'name="colleague" value="\d+"[^>]*> <span><strong>(\w+)<', text(client.get("/trip/swap/")))


def test_whom_one_may_ask_tells_nothing_of_offers_or_noes(pair: Pair, phones: Phones) -> None:
    """Cyd and Dee have a shift tonight; one gets an offer, one passes. The list stays as it is."""
    ana, _ben = phones
    people = {}
    for name in ("Cyd", "Dee"):
        people[name] = make.associate(pair.store, employee=make.employee(pair.store, first_name=name))
        make.shift(people[name], ends_at=NOW + timedelta(minutes=50))
    make.associate(pair.store, employee=make.employee(pair.store, first_name="Off"))  # has no shift tonight
    before = names(ana)
    assert before == ["Ben", "Cyd", "Dee"]
    make.package(pair.store)
    assert matching.run_round(store=pair.store, now=NOW) is not None
    offers.not_tonight(by=people["Dee"], now=NOW)
    people["Cyd"].day_exceptions.create(day=NOW.date(), delivers=False)
    assert names(ana) == before
    handover.load(trip=pair.bens, label=pair.b[0].label, by=actors.associate(pair.ben.user_id), now=NOW)
    assert names(ana) == ["Cyd", "Dee"], "who is loading is at the bay for all to see"


def test_who_rests_is_shown_no_question_until_they_change_their_mind(pair: Pair, phones: Phones) -> None:
    ana, ben = phones
    offers.not_tonight(by=pair.ben, now=NOW)
    swap = asked(pair, phones)
    assert "asks for a swap" not in text(ben.get("/today/"))
    assert ben.get(f"/swaps/{swap.pk}/").status_code == 404
    assert "You asked Ben" in text(ana.get("/today/")), "the asker sees no difference"
    offers.tonight_after_all(by=pair.ben, now=NOW)
    assert "asks for a swap" in text(ben.get("/today/"))


def test_neither_learns_of_the_others_home_or_figures(pair: Pair, phones: Phones) -> None:
    """Each page has its owner's figures; the other's pay, extra time, drive and cell are on none of the asker's or the
    colleague's pages, and not in the row between them."""
    swap = asked(pair, phones)
    pages = [phone.get(f"/swaps/{swap.pk}/").content.decode() for phone in phones]
    pages += [phones[0].get("/trip/swap/").content.decode(), phones[1].get("/today/").content.decode()]
    for lives in (ANAS, BENS):
        cell = home.coarse(lives)
        for page in [*pages, str(swap.stops), str(swap.quote)]:
            assert f"{cell.lat:.4f}"[:7] not in page
            assert f"{cell.lon:.4f}"[1:7] not in page
            assert f"{lives.lat:.3f}" not in page
    ben = text(phones[1].get(f"/swaps/{swap.pk}/"))
    promise = swap.promise
    assert promise is not None
    assert f"${promise.cents / 100:.2f}" not in ben, "what the asker's trip would pay"
    assert f"${pair.anas.pay_cents / 100:.2f}" not in ben
    ana = text(phones[0].get(f"/swaps/{swap.pk}/"))
    assert f"${pair.bens.pay_cents / 100:.2f}" not in ana
    assert quoting.drive_home_s(pair.ben, pair.store) is not None


def test_packages_are_listed_in_no_telling_order(pair: Pair, phones: Phones) -> None:
    """Not in the order of the visits: that ends where somebody lives."""
    rest: Any = None
    swap = swaps.ask(
        trip=pair.anas, packages=list(reversed(pair.a)), colleague=pair.ben, rest=rest, shown="", by=pair.ana, now=NOW
    )  # fmt: skip
    assert [line.package_id for line in swap.lines.all()] == sorted(package.pk for package in pair.a)


def test_a_colleague_with_an_offer_and_no_trip(pair: Pair, phones: Phones) -> None:
    """Cyd takes a package of Ana's beside an open offer: the offer is quoted with the new trip then."""
    cyd = make.associate(
        pair.store, employee=make.employee(pair.store, first_name="Cyd"), lives=Point(40.7, -74.12)
    )  # fmt: skip
    make.shift(cyd, ends_at=NOW + timedelta(minutes=50))
    make.package(pair.store)
    matching.run_round(store=pair.store, now=NOW)
    client = Client()
    client.force_login(cyd.user)
    rest = pair.without(pair.anas, [pair.a[0]])
    assert rest is not None
    swap = swaps.ask(
        trip=pair.anas, packages=[pair.a[0]], colleague=cyd, rest=rest, shown=rest.quote.digest, by=pair.ana, now=NOW
    )  # fmt: skip
    page = client.get(f"/swaps/{swap.pk}/")
    assert "no trip yet" in text(page)
    data = {"shown": hidden(page, "shown"), "key": hidden(page, "key")}
    assert client.post(f"/swaps/{swap.pk}/yes/", data).headers["Location"] == "/trip/"
    assert Trip.objects.get(associate=cyd).packages.count() == 1
    offers_page = text(client.get("/offers/"))
    assert "For you tonight" in offers_page
    assert "<dt>Packages</dt><dd>2</dd>" in offers_page
