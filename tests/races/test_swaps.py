"""Swaps cannot race: yes against no, against giving back, loading, and another yes; on a real PostgreSQL.

Every round ends in one of the orders in which it could have happened one after another: packages are on one trip, each trip
stands at a quote for exactly what is on it, and nothing deadlocks.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, connections

from deliveries import actors
from deliveries.actions import Refused, claims, handover, swaps
from deliveries.models import Claim, Event, Swap, Trip

from ..swaps.conftest import NOW, Pair, make_pair

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

ROUNDS = 6


def at_once(*taps: Callable[[], Any]) -> Counter[str]:
    """All of these at the same moment, a thread and a connection each; counts how they ended."""
    outcomes: Counter[str] = Counter()
    tally, barrier = threading.Lock(), threading.Barrier(len(taps))

    def run(tap: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            tap()
            outcome = "done"
        except Refused as refusal:
            outcome = refusal.code
        except OperationalError as error:
            outcome = "deadlock" if "deadlock" in str(error) else f"operational: {error}"
        finally:
            connections.close_all()
        with tally:
            outcomes[outcome] += 1

    threads = [threading.Thread(target=run, args=(tap,)) for tap in taps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def whole(pair: Pair) -> None:
    pair.whole()
    live = Counter(Claim.objects.filter(released_at=None).values_list("package_id", flat=True))
    assert not [pk for pk, count in live.items() if count > 1]
    for package in pair.a + pair.b:
        package.refresh_from_db()
        assert (package.trip_id is not None) == (package.pk in live)
        assert package.version == package.events.count()


def ready(pair: Pair) -> tuple[Swap, Any]:
    swap = pair.ask(pair.a[0])
    planned = pair.without(pair.bens, [], [pair.a[0]])
    assert planned is not None
    return swap, planned


def test_a_yes_tapped_by_many_fingers_is_one_swap() -> None:
    pair = make_pair()
    swap, planned = ready(pair)
    keys = [uuid4(), *[uuid4()] * 3]

    def yes(key: Any) -> Callable[[], Any]:
        return lambda: swaps.accept(
            swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ben, now=NOW, key=key
        )

    outcomes = at_once(*map(yes, keys))
    assert set(outcomes) <= {"done", "swap_gone"}, outcomes
    assert outcomes["done"] >= 1
    assert Event.objects.filter(verb="swap").count() == 1
    assert set(pair.bens.packages.all()) == {pair.a[0], *pair.b}
    whole(pair)


def test_yes_against_never_mind() -> None:
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        pair = make_pair()
        swap, planned = ready(pair)
        outcomes = at_once(
            lambda: swaps.accept(
                swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ben, now=NOW, key=uuid4()  # noqa: B023
            ),
            lambda: swaps.drop(swap=swap, by=pair.ana, now=NOW),  # noqa: B023
        )  # fmt: skip
        assert set(outcomes) <= {"done", "swap_gone"}, outcomes
        assert not Swap.objects.exists()
        moved = Event.objects.filter(verb="swap", package=pair.a[0]).exists()
        assert moved == (outcomes["done"] == 2)
        seen[str(moved)] += 1
        whole(pair)


def test_yes_against_giving_back_and_loading() -> None:
    """Ana gives the other package back, or scans, while Ben says yes: whoever is first, the other is told no."""
    for round_ in range(ROUNDS):
        pair = make_pair()
        swap, planned = ready(pair)
        rest = pair.without(pair.anas, [pair.a[1]])

        def other(pair: Pair = pair, rest: Any = rest, loads: bool = bool(round_ % 2)) -> None:
            if loads:
                handover.load(
                    trip=pair.anas, label=pair.a[1].label, by=actors.associate(pair.ana.user_id), now=NOW
                )  # fmt: skip
            else:
                claims.give_back(package=pair.a[1], rest=rest, by=pair.ana, now=NOW)

        def yes(pair: Pair = pair, swap: Swap = swap, planned: Any = planned) -> None:
            swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ben, now=NOW, key=uuid4())

        outcomes = at_once(yes, other)
        assert set(outcomes) <= {"done", "swap_gone", "loading_began", "quote_changed"}, outcomes
        assert outcomes["done"] >= 1
        whole(pair)


def test_each_asks_the_other_and_both_say_yes() -> None:
    """Ana's locks and Ben's are taken in one order, whoever begins: no deadlock, and one of the two goes through."""
    for _ in range(ROUNDS):
        pair = make_pair()
        swap, planned = ready(pair)
        bens_rest = pair.without(pair.bens, [pair.b[0]])
        assert bens_rest is not None
        back = swaps.ask(
            trip=pair.bens, packages=[pair.b[0]], colleague=pair.ana, rest=bens_rest, shown=bens_rest.quote.digest,
            by=pair.ben, now=NOW,
        )  # fmt: skip
        anas = pair.without(pair.anas, [], [pair.b[0]])
        assert anas is not None

        def ben(pair: Pair = pair, swap: Swap = swap, planned: Any = planned) -> None:
            swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ben, now=NOW, key=uuid4())

        def ana(pair: Pair = pair, swap: Swap = back, planned: Any = anas) -> None:
            swaps.accept(swap=swap, planned=planned, shown=planned.quote.digest, by=pair.ana, now=NOW, key=uuid4())

        outcomes = at_once(ben, ana)
        assert outcomes["done"] == 1, outcomes
        assert set(outcomes) <= {"done", "swap_gone", "quote_changed"}, outcomes
        assert sum(trip.packages.count() for trip in Trip.objects.filter(store=pair.store)) == 4
        whole(pair)
