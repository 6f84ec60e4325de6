"""Kill switches: what stands still, what goes on, what becomes of what waited, and who may turn them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from deliveries import actors, matching, notices, quoting, switches, tasks
from deliveries.actions import carriers, claims, switching
from deliveries.actions.running import WhyMissing
from deliveries.models import Event, Halt, Manifest, Notice, Package
from stores.models import StaffMember, Store
from tests import make

from . import world
from .world import World

Enter = Callable[..., Client]
NOW = world.NOW
BY = actors.system("test")
MESSAGES, OFFERS, CARRIER = "messages", "offers", "carrier"


def turn(what: str, store: Store | None, *, on: bool = False, now: datetime = NOW, reason: str = "trouble") -> None:
    verb = switching.switch_on if on else switching.switch_off
    verb(what=what, store=store, by=BY, now=now, reason=reason)


# --- Messages ---------------------------------------------------------------------------------------------------------
def owed(store: Store, kind: str = "on_the_way") -> Package:
    """A package on the road, and a message its customer is owed about it."""
    person = make.associate(store)
    package = make.package(store)
    world.claimed(person, make.shift(person, ends_at=NOW - timedelta(minutes=5)), [package], now=NOW)
    Notice.objects.all().delete()
    Notice.objects.create(
        store=store, key=f"package/{package.pk}/{kind}/1/mail", audience="customer", kind=kind, package=package,
        made_at=NOW, due_at=NOW,
    )  # fmt: skip
    return package


@pytest.mark.parametrize("everywhere", [False, True])
def test_messages_wait_and_go_out_when_they_are_on_again(elsewhere: Store, everywhere: bool) -> None:
    owed(elsewhere, "late")
    Notice.objects.update(kind="ready")
    where = None if everywhere else elsewhere
    turn(MESSAGES, where)
    assert notices.send_due(now=NOW) == 0
    tasks.send_notices.run()
    assert mail.outbox == []
    assert Notice.objects.get().attempts == 0, "waiting is no attempt"
    turn(MESSAGES, where, on=True, now=NOW + timedelta(minutes=5))
    assert notices.send_due(now=NOW + timedelta(minutes=5)) == 1
    assert len(mail.outbox) == 1


def test_another_stores_messages_go_on(elsewhere: Store) -> None:
    turn(MESSAGES, make.store())
    owed(elsewhere, "ready")
    assert notices.send_due(now=NOW) == 1


@pytest.mark.parametrize(
    ("kind", "minutes", "sent"),
    [("late", 59, 1), ("late", 61, 0), ("ready", 61, 1), ("ready", 12 * 60 + 3, 0)],
)
def test_what_is_stale_by_then_is_not_sent(
    elsewhere: Store, monkeypatch: pytest.MonkeyPatch, kind: str, minutes: int, sent: int
) -> None:
    """Urgent news for an hour, the rest for half a day. Whether it is still true is another question, asked as ever."""
    from deliveries.notices import readers, sending

    owed(elsewhere, kind)
    monkeypatch.setattr(readers, "held_until", lambda notice, now: None)
    monkeypatch.setattr(
        sending, "_still_true", lambda notice, now: lambda: sending.Text("s", "b", "s", "s", "", language="en")
    )
    turn(MESSAGES, elsewhere, now=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=minutes)
    turn(MESSAGES, elsewhere, on=True, now=later)
    assert notices.send_due(now=later) == sent
    assert Notice.objects.filter(sent_at=None).count() == 0, "sent or dropped, never kept"


def test_a_message_that_no_switch_held_is_as_before(elsewhere: Store) -> None:
    """A gateway that was away for an hour is another matter: nobody decided that the news should stop."""
    from deliveries.notices.sending import _stale

    owed(elsewhere, "late")
    notice = Notice.objects.get()
    assert not _stale(notice, NOW + timedelta(hours=3))
    turn(MESSAGES, elsewhere, now=NOW - timedelta(hours=2))
    turn(MESSAGES, elsewhere, on=True, now=NOW - timedelta(hours=1))
    assert not _stale(notice, NOW + timedelta(hours=3)), "it was on again before this was owed"
    turn(MESSAGES, elsewhere, now=NOW + timedelta(hours=1))
    assert _stale(notice, NOW + timedelta(hours=3))


def test_calls_for_help_reach_the_leads_all_the_same(elsewhere: Store) -> None:
    lead = make.staff(elsewhere)
    trip = make.trip(make.associate(elsewhere))
    Notice.objects.create(
        store=elsewhere, key="x", audience="staff", kind="trip_stopped", member=lead.staff_roles.get(), trip=trip,
        made_at=NOW, due_at=NOW,
    )  # fmt: skip
    turn(MESSAGES, None)
    assert list(notices.due(NOW)) == [Notice.objects.get()]


# --- Offers -----------------------------------------------------------------------------------------------------------
def test_no_round_no_board_no_claim_while_offers_are_off(elsewhere: Store) -> None:
    person = make.associate(elsewhere)
    shift = make.shift(person, ends_at=NOW + timedelta(minutes=60))
    package = make.package(elsewhere)
    assert matching.is_due(elsewhere, NOW)
    offer = world.offer_to(person, shift, [package], now=NOW, until=NOW + timedelta(minutes=30))
    turn(OFFERS, elsewhere)
    make.package(elsewhere)
    make.shift(make.associate(elsewhere), ends_at=NOW + timedelta(minutes=60))
    assert not matching.is_due(elsewhere, NOW)
    assert matching.run_round(store=elsewhere, now=NOW) is None
    over = make.associate(elsewhere)
    make.shift(over, ends_at=NOW - timedelta(minutes=5))
    assert matching.board_shift(over, NOW) is None
    tapped = {
        "planned": claims.planned_from(offer), "shown": offer.quote_digest, "by": person, "now": NOW, "key": uuid4(),
        "offer": offer,
    }  # fmt: skip
    with pytest.raises(claims.OffersStopped):
        claims.claim(**tapped)
    turn(OFFERS, elsewhere, on=True)
    trip = claims.claim(**tapped)
    turn(OFFERS, None)
    assert claims.claim(**tapped) == trip, "a tap that comes twice is answered as the first time"
    assert not switches.offers_go_out(elsewhere)
    package.refresh_from_db()
    assert package.state == "claimed", "what is claimed goes on"


def test_the_open_board_claims_nothing_either(elsewhere: Store) -> None:
    person = make.associate(elsewhere)
    shift = make.shift(person, ends_at=NOW - timedelta(minutes=5))
    planned = quoting.plan_trip(person, shift, [make.package(elsewhere)], now=NOW)
    turn(OFFERS, elsewhere)
    with pytest.raises(claims.OffersStopped):
        claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())


# --- The carrier --------------------------------------------------------------------------------------------------------
def test_nothing_goes_to_the_carrier_until_it_is_on_again(elsewhere: Store) -> None:
    package = make.package(elsewhere, deliver_by=NOW + timedelta(minutes=20))
    turn(CARRIER, elsewhere)
    tasks.tender_store(elsewhere.pk)
    with pytest.raises(carriers.HandOffsStopped):
        carriers.tender(store=elsewhere, packages=[package], by=BY, now=NOW, reason="by hand")
    package.refresh_from_db()
    assert package.state == "staged"
    turn(CARRIER, elsewhere, on=True)
    tasks.tender_store(elsewhere.pk)
    package.refresh_from_db()
    assert package.state == "with_carrier"


def test_a_carriers_api_is_not_told_meanwhile(elsewhere: Store) -> None:
    manifest = carriers.tender(store=elsewhere, packages=[make.package(elsewhere)], by=BY, now=NOW, reason="late")
    assert manifest is not None
    Manifest.objects.update(due_at=NOW)
    turn(CARRIER, None)
    assert not carriers.unannounced(NOW).exists()
    assert carriers.claim_announcement(manifest_id=manifest.pk, now=NOW) is None
    turn(CARRIER, None, on=True)
    assert carriers.unannounced(NOW).get() == manifest


# --- The switch itself --------------------------------------------------------------------------------------------------
def test_twice_is_once_and_every_turn_says_why(elsewhere: Store) -> None:
    turn(OFFERS, elsewhere, reason="first")
    turn(OFFERS, elsewhere, reason="second")
    assert Halt.objects.get().off_reason == "first"
    for on in (False, True):
        with pytest.raises(WhyMissing):
            turn(OFFERS, elsewhere, on=on, reason=" \n ")
    turn(OFFERS, None)
    turn(OFFERS, elsewhere, on=True)
    assert switches.off(OFFERS, elsewhere.pk), "off everywhere is off here, whatever the store's own switch"
    turn(OFFERS, None, on=True)
    turn(OFFERS, None, on=True, reason="again")
    assert not switches.off(OFFERS, elsewhere.pk)
    assert set(Halt.objects.values_list("on_reason", flat=True)) == {"trouble"}
    assert not Event.objects.exists()


def test_history_is_only_ended_once(elsewhere: Store) -> None:
    turn(OFFERS, elsewhere)
    for change in (
        lambda: Halt.objects.update(off_reason="other"),
        lambda: Halt.objects.update(on_at=NOW),
        lambda: Halt.objects.update(what="rockets"),
        lambda: Halt.objects.all().delete(),
        lambda: Halt.objects.create(
            what=OFFERS, store=elsewhere, off_at=NOW, off_kind="system", off_name="x", off_reason="y"
        ),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    turn(OFFERS, elsewhere, on=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Halt.objects.update(on_reason="other")


def test_a_lead_turns_their_stores_and_everybody_sees_it(elsewhere: Store, enter: Enter) -> None:
    lead, page = enter(elsewhere), reverse("staff:switches")
    post = {"what": MESSAGES, "turn": "off", "reason": "the gateway sends twice"}
    assert lead.post(page, {**post, "reason": " "}, follow=True).status_code == 200
    assert not Halt.objects.exists()
    assert "switched off" in lead.post(page, post, follow=True).content.decode()
    halt = Halt.objects.get()
    assert (halt.store, halt.off_user.staff_roles.get().store) == (elsewhere, elsewhere)
    bay = enter(elsewhere, StaffMember.Role.BAY)
    for address in (page, reverse("staff:tonight"), reverse("staff:tonight") + "?part=1&show=trips"):
        assert "the gateway sends twice" in bay.get(address).content.decode()
    assert '<form method="post" action="/admin/switches' not in bay.get(page).content.decode()
    assert bay.post(page, {**post, "turn": "on"}).status_code == 403
    assert lead.post(page, {**post, "everywhere": "1"}).status_code == 403, "for all stores: who runs all stores"
    assert lead.post(page, {**post, "what": "rockets"}, follow=True).status_code == 200
    assert Halt.objects.count() == 1
    lead.post(page, {**post, "turn": "on", "reason": "mended"})
    assert "mended" in bay.get(page).content.decode()
    assert "the gateway sends twice" not in bay.get(reverse("staff:tonight")).content.decode()


def test_for_every_store_at_once(elsewhere: Store, enter: Enter) -> None:
    everybody = enter(user=make.user(is_staff=True, is_superuser=True))
    page = f"{reverse('staff:switches')}?store={elsewhere.number}"
    post = {"what": CARRIER, "turn": "off", "everywhere": "1", "reason": "strike"}
    assert everybody.post(page, post).status_code == 302
    assert Halt.objects.get().store is None
    lead = enter(elsewhere)
    shown = lead.get(reverse("staff:switches")).content.decode()
    assert "off in every store" in shown
    assert lead.post(reverse("staff:switches"), {**post, "turn": "on"}).status_code == 403
    assert "switched off in every store" in lead.get(reverse("staff:tonight")).content.decode()
    everybody.post(page, {**post, "turn": "on"})
    assert not switches.open_in(elsewhere.pk).exists()


def test_another_stores_switch_is_not_there(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    turn(MESSAGES, zanzibar.store, reason=f"{zanzibar.word} is slow")
    client = enter(elsewhere)
    theirs = f"{reverse('staff:switches')}?store={zanzibar.store.number}"
    assert client.post(theirs, {"what": MESSAGES, "turn": "on", "reason": "mine"}).status_code == 404
    assert zanzibar.word not in client.get(reverse("staff:switches")).content.decode()
    assert switches.off(MESSAGES, zanzibar.store.pk)


def test_from_a_shell(elsewhere: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with time_machine.travel(NOW, tick=False):
        call_command("switch")
        assert "Nothing is switched off." in capsys.readouterr().out
        for wrong in (
            {"what": "offers"}, {"what": "offers", "turn": "off", "reason": "x"},
            {"what": "offers", "turn": "off", "store": 1, "reason": "x"}, {"what": "offers", "turn": "off", "all": True},
        ):  # fmt: skip
            with pytest.raises(CommandError):
                call_command("switch", **wrong)
        call_command("switch", what="offers", turn="off", all=True, reason="storm")
        call_command("switch", what="messages", turn="off", store=elsewhere.number, reason="twice")
        assert "offers: off in every store since 2026-11-24 23:00 UTC (storm)" in capsys.readouterr().out
        call_command("switch", what="offers", turn="on", all=True, reason="over")
        said = capsys.readouterr().out
    assert "offers" not in said
    assert str(elsewhere) in said
