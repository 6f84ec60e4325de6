"""The page Payroll: who sees it, every state of a pay week, the approval, and the file that is taken away."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from deliveries import actors, payroll
from deliveries.actions import ledger, trips
from deliveries.models import Dispute, PayApproval, PayDownload, Trip
from deliveries.states import TripState
from stores.models import StaffMember, Store
from tests import make
from tests.pay import made

from . import world
from .world import World

Enter = Callable[..., Client]
ROLES = StaffMember.Role
HOME = reverse("staff:payroll")
FIRST, LAST = date(2026, 11, 23), date(2026, 11, 29)  # the week of `world.NOW`, a Tuesday
LATER = world.NOW + timedelta(days=7)
BY = actors.system("test")


def said(response: Any) -> str:
    """The page's words, without its marks."""
    assert response.status_code == 200
    text = re.sub(r"<[^>]+>", " ", response.content.decode().partition('<main class="hw"')[2].partition("</main>")[0])
    return " ".join(text.split())


def form(page: Any, **more: Any) -> dict[str, Any]:
    """What the page's button sends."""
    return {
        **dict(re.findall(r'type="hidden" name="(first|last|shown)" value="([^"]*)"', page.content.decode())),
        **more,
    }


@pytest.fixture
def driven(db: None) -> Trip:
    """A settled trip of this week, in a store of its own."""
    person = make.associate(make.store())
    return made.settled(person, make.shift(person, ends_at=world.NOW - timedelta(hours=2)))


@pytest.mark.parametrize(
    ("role", "status"),
    [(ROLES.PAYROLL, 200), (ROLES.DISTRICT, 200), (ROLES.LEAD, 403), (ROLES.BAY, 403), (ROLES.SUPPORT, 403)],
)
def test_who_sees_and_approves_is_who_corrects_pay(zanzibar: World, enter: Enter, role: str, status: int) -> None:
    client, [approval] = enter(zanzibar.store, role), zanzibar.approved
    assert client.get(HOME).status_code == status
    for name in ("staff:payroll_file", "staff:payroll_signature"):
        assert client.get(reverse(name, args=[approval.pk])).status_code == status
    linked = f'href="{HOME}"' in client.get(reverse("staff:tonight")).content.decode()
    assert linked == (status == 200), "the side bar leads nobody to a closed door"
    if status == 403:
        assert client.post(HOME, {"first": FIRST, "last": LAST, "shown": "x"}).status_code == 403
        assert not PayDownload.objects.exists()


def test_another_stores_week_and_file_are_not_there(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    client, [approval] = enter(elsewhere, ROLES.PAYROLL), zanzibar.approved
    own = said(enter(zanzibar.store, ROLES.PAYROLL).get(f"{HOME}?from={approval.first_day}"))
    assert "Reason: Zanzibar looked" in own, "what the walk of all addresses must not find"
    assert client.get(f"{HOME}?store={zanzibar.store.number}").status_code == 404
    assert client.post(f"{HOME}?store={zanzibar.store.number}", {"first": FIRST}).status_code == 404
    for name in ("staff:payroll_file", "staff:payroll_signature"):
        assert client.get(reverse(name, args=[approval.pk])).status_code == 404
    assert not PayDownload.objects.exists()


def test_payroll_of_one_store_and_bay_of_another_lands_where_they_pay(db: None, enter: Enter) -> None:
    bay, paying = make.store(), make.store()
    person = make.staff(bay, ROLES.BAY)
    StaffMember.objects.create(user=person, store=paying, role=ROLES.PAYROLL)
    client = enter(user=person)
    assert client.get(HOME)["Location"] == f"{HOME}?store={paying.number}"
    page = client.get(HOME, follow=True)
    assert f'value="{bay.number}"' not in page.content.decode()
    assert client.get(f"{HOME}?store={bay.number}").status_code == 403


def test_a_week_that_is_not_over_shows_what_there_is_and_no_button(zanzibar: World, enter: Enter) -> None:
    client, eve = enter(zanzibar.store, ROLES.PAYROLL), zanzibar.people["Eve"]
    page = client.get(f"{HOME}?from=2026-11-26")
    text = said(page)
    assert "Not over yet" in text
    assert "The week ends Mon, Nov 30, 4:00 am." in text
    assert str(eve) in text
    paid = Trip.objects.get(associate=eve).paid_cents
    assert paid is not None
    assert text.count(f"${paid / 100:.2f}") >= 3, "the week's sum, Eve's, and of all"
    assert 'name="shown"' not in page.content.decode()
    # What is open leads to where it is mended.
    for row in (zanzibar.one(Dispute), zanzibar.one(Trip)):
        assert reverse(f"admin:{world.name_of_list(type(row))}_change", args=[row.pk]) in page.content.decode()
    assert "waits for an answer: “Zanzibar toll”" in text
    assert "Trip of Tue, Nov 24: it is not over." in text


def test_nothing_earned_says_so(db: None, enter: Enter) -> None:
    client = enter(make.store(), ROLES.PAYROLL)
    assert "Nothing was earned in this week." in said(client.get(HOME))
    assert "Nothing was earned in this week yet." in said(client.get(f"{HOME}?from={FIRST}"))


@pytest.mark.parametrize("day", ["", "0001-01-01", "9999-12-31", "2026-02-31", "x", "2026-11-24T18:00"])
def test_any_day_in_the_address_bar_is_answered(db: None, enter: Enter, day: str) -> None:
    assert said(enter(make.store(), ROLES.PAYROLL).get(f"{HOME}?from={day}"))


def test_a_week_is_approved_and_its_file_is_the_commands(
    driven: Trip, enter: Enter, tmp_path: Any, capsys: Any
) -> None:
    store = driven.store
    person = make.staff(store, ROLES.PAYROLL, first_name="Pat")
    command = ["--store", str(store.number), "--from", str(FIRST), "--to", str(LAST), "--out", str(tmp_path)]
    with time_machine.travel(LATER, tick=False):
        with pytest.raises(CommandError, match="Nobody has approved"):
            call_command("export_payroll", *command, "--approved")
        client = enter(user=person)
        page = client.get(HOME)
        assert "To be approved" in said(page)
        assert driven.paid_cents is not None
        amount = f"${driven.paid_cents / 100:.2f}"
        assert f"Approve {amount}" in said(page)
        done = client.post(f"{HOME}?store={store.number}", form(page, reason=""), follow=True)
        assert f"Approved: {amount}." in done.content.decode()
    with time_machine.travel(LATER + timedelta(minutes=1), tick=False):
        again = client.post(f"{HOME}?store={store.number}", form(page, reason=""), follow=True)
        assert f"{person} had already approved this week." in again.content.decode()
        assert f"by {person}: {amount} in 3 lines." in said(done)
        approval = PayApproval.objects.get(store=store)
        assert (approval.by_user, approval.first_day, approval.last_day) == (person, FIRST, LAST)
        file = client.get(reverse("staff:payroll_file", args=[approval.pk]))
        signature = client.get(reverse("staff:payroll_signature", args=[approval.pk]))
        call_command("export_payroll", *command, "--approved")
    path = capsys.readouterr().out.strip()
    assert file["Content-Disposition"] == f'attachment; filename="payroll-{store.number}-{FIRST}-{LAST}.csv"'
    assert signature["Content-Disposition"].endswith('.csv.sig"')
    with open(path, "rb") as csv, open(f"{path}.sig", "rb") as sig:
        assert (file.content, signature.content) == (csv.read(), sig.read())
    assert [each.part for each in PayDownload.objects.filter(by_user=person)] == ["sig", "csv"]
    with time_machine.travel(LATER, tick=False):
        assert f"Downloaded (signature) Tue, Dec 1, 6:01 pm, by {person}" in said(enter(user=person).get(HOME))


def test_what_is_open_asks_for_a_reason_and_not_for_waiting(driven: Trip, enter: Enter) -> None:
    ledger.dispute(trip=driven, words="Ten minutes", by=driven.associate, now=world.NOW)
    with time_machine.travel(LATER, tick=False):
        client = enter(driven.store, ROLES.DISTRICT)
        page = client.get(HOME)
        assert "Something is open" in said(page)
        refused = client.post(HOME, form(page, reason=" "), follow=True)
        assert "Say why it is paid all the same." in refused.content.decode()
        assert not PayApproval.objects.exists()
        done = client.post(HOME, form(page, reason="The rest is right"), follow=True)
        assert "Reason: The rest is right" in said(done)


def test_what_was_shown_is_what_is_approved(driven: Trip, enter: Enter) -> None:
    with time_machine.travel(LATER, tick=False):
        client = enter(driven.store, ROLES.PAYROLL)
        asked = form(client.get(HOME))
        driven.associate.employee.reference = "E-new"
        driven.associate.employee.save()
        assert "not the file you looked at" in client.post(HOME, asked, follow=True).content.decode()
        assert "no week of this page" in client.post(HOME, {"first": "x"}, follow=True).content.decode()
        assert not PayApproval.objects.exists()
        client.post(HOME, form(client.get(HOME)))
        driven.associate.employee.reference = "Former"
        driven.associate.employee.save()
        assert "the file’s digest is another" in said(client.get(HOME))


def test_later_lines_are_named_in_both_weeks(driven: Trip, enter: Enter) -> None:
    with time_machine.travel(LATER, tick=False):
        client = enter(driven.store, ROLES.PAYROLL)
        client.post(HOME, form(client.get(HOME)))
        ledger.correct(trip=driven, cents=250, reason="Toll", by=BY, now=LATER, key="a")
        text = said(client.get(f"{HOME}?from={FIRST}"))
        assert "Added later about trips of this week" in text
        assert "$2.50" in text
        text = said(client.get(f"{HOME}?from=2026-12-01"))
        assert "1 line of it, $2.50, is about a trip before this week" in text
    with time_machine.travel(LATER + timedelta(days=14), tick=False):
        text = said(enter(driven.store, ROLES.PAYROLL).get(HOME))
        assert "There is pay before this week that nobody has approved, from Dec. 1, 2026 on." in text


def test_an_unsettled_trip_is_named_until_its_pay_is_worked_out(driven: Trip, enter: Enter) -> None:
    person = make.associate(driven.store)
    shift = make.shift(person, ends_at=world.NOW - timedelta(hours=1))
    trip = made.over(person, shift, made.quote_for(person, shift))
    assert trip.state == TripState.FINISHED
    with time_machine.travel(LATER, tick=False):
        client = enter(driven.store, ROLES.PAYROLL)
        assert "its pay is still being worked out" in said(client.get(HOME))
        trips.settle(trip=trip, now=LATER)
        assert "its pay is still being worked out" not in said(client.get(HOME))
        assert payroll.make_file(driven.store, FIRST, LAST, now=LATER).sums.lines == 3, "it is in the next file"
