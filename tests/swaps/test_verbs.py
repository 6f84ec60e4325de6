"""Swaps by the verbs: both quotes stand, nothing is kept of a no, and what may not be is refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from associates.models import Associate
from deliveries import actors, notices, quoting
from deliveries.actions import claims, handover, offers, swaps
from deliveries.models import BlockedPair, Claim, Event, Notice, Package, Swap, Trip
from deliveries.tasks import lapse_store
from tests import make

from .conftest import NOW, Pair


def test_a_gift_moves_the_package_and_each_trip_stands_at_its_own_quote(pair: Pair) -> None:
    gives = pair.a[0]
    swap = pair.ask(gives)
    before = pair.bens.pay_cents
    rest, more = pair.without(pair.anas, [gives]), pair.without(pair.bens, [], [gives])
    assert rest is not None
    assert more is not None
    assert pair.yes(swap) == pair.bens
    pair.anas.refresh_from_db()
    pair.bens.refresh_from_db()
    gives.refresh_from_db()
    assert gives.trip_id == pair.bens.pk
    assert gives.state == "claimed"
    assert pair.anas.quote_digest == rest.quote.digest
    assert pair.bens.quote_digest == more.quote.digest
    assert pair.bens.pay_cents >= before
    pair.whole()
    event = gives.events.last()
    assert (event.verb, event.from_state, event.to_state, event.trip_id) == ("swap", "claimed", "claimed", pair.bens.pk)
    assert event.by_user_id == pair.ben.user_id
    assert event.version == gives.version
    assert not Swap.objects.exists()


def test_nothing_is_left_of_a_no_or_of_no_answer(pair: Pair) -> None:
    events = Event.objects.count()
    for end in (
        lambda swap: swaps.drop(swap=swap, by=pair.ben, now=NOW),
        lambda swap: swaps.drop(swap=swap, by=pair.ana, now=NOW),
        lambda swap: lapse_at(pair, swap),
    ):
        swap = pair.ask(pair.a[0])
        end(swap)
        end(swap)  # twice is once
        assert not Swap.objects.exists()
        assert not Notice.objects.filter(kind="swap_asked").exists()
        assert Event.objects.count() == events
        pair.clock.move_to(NOW)
    pair.whole()


def lapse_at(pair: Pair, swap: Swap) -> None:
    assert not swaps.lapse(swap=swap, now=NOW) or not Swap.objects.exists()
    pair.clock.move_to(NOW + swaps.OPEN_FOR)
    lapse_store(pair.store.pk)


def test_an_exchange_needs_the_askers_yes_to_their_own_quote(pair: Pair) -> None:
    gives, back = pair.a[0], pair.b[1]
    swap = pair.only_for(pair.ask(gives), back)
    assert swap.awaited_id == pair.ana.pk
    planned = pair.without(pair.anas, [gives], [back])
    assert planned is not None
    with pytest.raises(swaps.SwapGone):  # it is not Ben's turn
        swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ben, now=NOW, key=uuid4())
    with pytest.raises(claims.QuoteChanged):
        swaps.accept(swap=swap, planned=planned, shown="0" * 64, by=pair.ana, now=NOW, key=uuid4())
    key = uuid4()
    for _ in range(2):  # the same tap twice is one swap
        trip = swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ana, now=NOW, key=key)
        assert trip == pair.anas
    assert set(pair.anas.packages.all()) == {pair.a[1], back}
    assert set(pair.bens.packages.all()) == {pair.b[0], gives}
    assert Event.objects.filter(verb="swap").count() == 2
    pair.whole()


def test_who_gives_everything_has_no_trip_and_is_paid_for_the_wait(pair: Pair) -> None:
    swap = pair.ask(*pair.a)
    assert swap.quote is None
    pair.yes(swap)
    pair.anas.refresh_from_db()
    assert pair.anas.state == "abandoned"
    assert pair.anas.ended_at == NOW
    assert pair.bens.packages.count() == 4
    pair.whole()


def test_a_colleague_without_a_trip_gets_one_and_keeps_their_offer(pair: Pair) -> None:
    cyd = make.associate(pair.store, employee=make.employee(pair.store, first_name="Cyd"))
    shift = make.shift(cyd, ends_at=NOW + timedelta(hours=1))
    rest = pair.without(pair.anas, [pair.a[0]])
    assert rest is not None
    swap = swaps.ask(
        trip=pair.anas, packages=[pair.a[0]], colleague=cyd, rest=rest, shown=rest.quote.digest, by=pair.ana, now=NOW
    )
    planned = quoting.plan_trip(cyd, shift, [pair.a[0]], now=NOW)
    trip = swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=cyd, now=NOW, key=uuid4())
    assert trip.shift == shift
    assert trip.associate == cyd
    pair.whole()


def test_once_loading_began_nothing_changes_hands(pair: Pair) -> None:
    swap = pair.ask(pair.a[0])
    handover.load(trip=pair.anas, label=pair.a[1].label, by=actors.associate(pair.ana.user_id), now=NOW)
    with pytest.raises(swaps.LoadingBegan):
        pair.yes(swap)
    swaps.drop(swap=swap, by=pair.ben, now=NOW)
    pair.anas.refresh_from_db()
    with pytest.raises(swaps.LoadingBegan):
        pair.ask(pair.a[0])
    handover.load(trip=pair.bens, label=pair.b[0].label, by=actors.associate(pair.ben.user_id), now=NOW)
    pair.whole()


def test_a_trip_that_changed_since_the_yes_is_not_swapped(pair: Pair) -> None:
    """Ana gives a package back after asking: what she said yes to is not her trip any more."""
    swap = pair.ask(pair.a[0])
    rest = pair.without(pair.anas, [pair.a[1]])
    claims.give_back(package=pair.a[1], rest=rest, by=pair.ana, now=NOW)
    with pytest.raises(swaps.SwapGone):
        pair.yes(swap)
    pair.whole()


def test_limits_hold_for_who_takes(pair: Pair) -> None:
    swap = pair.ask(pair.a[0])
    planned = pair.without(pair.bens, [], [pair.a[0]])
    assert planned is not None
    pair.ben.limits.max_packages = 2
    pair.ben.limits.save()
    with pytest.raises(claims.OverLimits):
        swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ben, now=NOW, key=uuid4())
    with pytest.raises(quoting.DoesNotFit):
        pair.without(pair.bens, [], [pair.a[0]])
    assert Swap.objects.exists()
    pair.whole()


def test_limits_of_the_other_are_not_told(pair: Pair) -> None:
    """Ben asked for an exchange and lowered his limits since: Ana reads that it is over, not why."""
    swap = pair.only_for(pair.ask(pair.a[0]), pair.b[0])
    pair.ben.limits.max_package_weight_g = 500
    pair.ben.limits.save()
    planned = pair.without(pair.anas, [pair.a[0]], [pair.b[0]])
    assert planned is not None
    with pytest.raises(swaps.SwapGone):
        swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ana, now=NOW, key=uuid4())


def test_conflicts_hold(pair: Pair) -> None:
    BlockedPair.objects.create(associate=pair.ben, email=pair.a[0].email)
    Package.objects.filter(pk__in=[p.pk for p in pair.b]).update(email="other@example.net")
    swap = pair.ask(pair.a[0])
    with pytest.raises(quoting.DoesNotFit):
        pair.yes(swap)


@pytest.mark.parametrize("state", ["paused", "setting_up"])
def test_who_may_not_deliver_takes_nothing(pair: Pair, state: str) -> None:
    swap = pair.ask(pair.a[0])
    Associate.objects.filter(pk=pair.ben.pk).update(state=state)
    with pytest.raises(claims.NotEligible):
        pair.yes(swap)


def test_one_question_at_a_time_and_the_same_one_twice_is_one(pair: Pair) -> None:
    swap = pair.ask(pair.a[0])
    assert pair.ask(pair.a[0]) == swap
    with pytest.raises(swaps.AlreadyAsked):
        pair.ask(pair.a[1])
    assert Swap.objects.count() == 1


def test_a_question_that_ran_out_makes_way(pair: Pair) -> None:
    old = pair.ask(pair.a[0])
    later = NOW + swaps.OPEN_FOR
    with pytest.raises(swaps.SwapGone):
        pair.yes(old, now=later)
    rest = pair.without(pair.anas, [pair.a[1]])
    assert rest is not None
    swaps.ask(
        trip=pair.anas, packages=[pair.a[1]], colleague=pair.ben, rest=rest, shown=rest.quote.digest, by=pair.ana, now=later
    )  # fmt: skip
    assert not Swap.objects.filter(pk=old.pk).exists()


def test_not_oneself_and_not_another_store(pair: Pair) -> None:
    rest = pair.without(pair.anas, [pair.a[0]])
    assert rest is not None
    for whom in (pair.ana, make.associate(make.store())):
        with pytest.raises(claims.NotEligible):
            swaps.ask(
                trip=pair.anas, packages=[pair.a[0]], colleague=whom, rest=rest, shown=rest.quote.digest, by=pair.ana,
                now=NOW,
            )  # fmt: skip


def test_what_is_not_theirs_cannot_be_given(pair: Pair) -> None:
    rest = pair.without(pair.anas, [pair.a[0]])
    assert rest is not None
    with pytest.raises((swaps.SwapGone, claims.QuoteChanged)):
        swaps.ask(
            trip=pair.anas, packages=[pair.b[0]], colleague=pair.ben, rest=rest, shown=rest.quote.digest, by=pair.ana, now=NOW
        )  # fmt: skip
    with pytest.raises(Trip.DoesNotExist):
        swaps.ask(
            trip=pair.bens, packages=[pair.b[0]], colleague=pair.ben, rest=rest, shown=rest.quote.digest, by=pair.ana, now=NOW
        )  # fmt: skip


# --- Messages -----------------------------------------------------------------------------------------------------------


def test_the_colleague_is_told_and_then_the_asker(pair: Pair) -> None:
    swap = pair.ask(pair.a[0])
    notices.send_due(now=NOW + timedelta(seconds=10), store_id=pair.store.pk)
    [asked] = [letter for letter in mail.outbox if letter.to == [pair.ben.user.email]]
    assert "Ana asks for a swap" in asked.subject
    assert "Bayonne" not in asked.body
    pair.yes(swap)
    notices.send_due(now=NOW + timedelta(seconds=20), store_id=pair.store.pk)
    [done] = [letter for letter in mail.outbox if letter.to == [pair.ana.user.email]]
    assert done.subject == "Your colleague said yes"


def test_who_rests_tonight_is_not_disturbed_and_nobody_sees_it(pair: Pair) -> None:
    offers.not_tonight(by=pair.ben, now=NOW)
    pair.ask(pair.a[0])
    assert not Notice.objects.filter(kind="swap_asked").exists()


# --- The database's word --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{"turn": "nobody"}, {"expires_at": NOW - timedelta(hours=1)}, {"turn": "asker", "quote": None}],
)
def test_the_database_refuses_what_no_verb_writes(pair: Pair, change: dict[str, object]) -> None:
    swap = pair.ask(pair.a[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Swap.objects.filter(pk=swap.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Swap.objects.filter(pk=swap.pk).update(colleague=swap.asker)
    assert Claim.objects.filter(released_at=None).count() == 4
