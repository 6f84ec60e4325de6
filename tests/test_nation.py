"""The national rehearsal in small: plans, bulk offers, and that a repeat or a moved world sends nothing wrong."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connection

from deliveries import planner
from deliveries.actions import bulk
from deliveries.actors import system
from deliveries.management.commands import plan_nation
from deliveries.nation import evenings, scratch

pytestmark = pytest.mark.django_db(transaction=True)
SEED, SECONDS = 3, 5.0


@pytest.fixture(scope="module")
def planned() -> list[evenings.PlannedEvening]:
    return [evenings.plan(store, SEED, SECONDS) for store in range(3)]


def test_an_evening_is_the_same_for_the_same_seed_and_within_its_sizes() -> None:
    first, again, other = evenings.evening(5, 1), evenings.evening(5, 1), evenings.evening(5, 2)
    assert first.to_json() == again.to_json()
    assert first.to_json() != other.to_json()
    for store in range(20):
        problem = evenings.evening(store, 1)
        assert 17 <= len(problem.packages) <= 60
        assert 20 <= len(problem.associates) <= 60


def test_quotes_pay_for_the_time_until_the_last_drop_off(planned: list[evenings.PlannedEvening]) -> None:
    for plan in planned:
        problem = evenings.evening(plan.store, SEED)
        routes = {problem.associates[o.associate].id: [problem.packages[p].id for p in o.packages] for o in plan.offers}
        checked = planner.evaluate(problem, routes)
        assert checked.feasible
        assert checked.objective_ticks == plan.objective_ticks
        for offer in plan.offers:
            trip = checked.trips[problem.associates[offer.associate].id]
            last = trip.arrivals_s[-1] + problem.params.service_s
            assert offer.quote.paid_s == last - problem.associates[offer.associate].shift_end_s


def test_offers_are_written_once_and_only_for_what_is_still_there(planned: list[evenings.PlannedEvening]) -> None:
    command = plan_nation.Command()
    rounds, offers = list(command._rounds(planned)), list(command._offers(planned))
    assert len(offers) > 10
    with scratch.scratch_schema():
        scratch.fill(planned, plan_nation.DAY, plan_nation.NOW)
        gone, busy = offers[0].package_ids[0], offers[1].associate_id
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE deliveries_package SET state = 'with_carrier', version = version + 1 WHERE id = %s", [gone]
            )
            cursor.execute(
                "INSERT INTO deliveries_offer (store_id, associate_id, shift_id, state, sent_at, expires_at, quote,"
                " quote_digest, stops, pay_cents, extra_s, extra_m)"
                " VALUES (1, %s, %s, 'sent', now(), now() + interval '1 hour', '{}', '', '[]', 0, 0, 0)",
                [busy, busy],
            )

        def send() -> int:
            return bulk.send_rounds(rounds=rounds, offers=offers, by=system("test"), now=plan_nation.NOW)

        assert send() == len(offers) - 2
        assert send() == 0, "the slot is taken"
        kept = offers[2:]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM deliveries_package WHERE state = 'offered' AND version = 3")
            assert cursor.fetchone()[0] == sum(len(offer.package_ids) for offer in kept)
            cursor.execute("SELECT count(*), min(version), max(version) FROM deliveries_event WHERE verb = 'offer'")
            assert cursor.fetchone() == (sum(len(offer.package_ids) for offer in kept), 3, 3)
            cursor.execute("SELECT sum(offers_sent) FROM deliveries_round")
            assert cursor.fetchone()[0] == len(kept)
            cursor.execute(
                "SELECT array_agg(package_id ORDER BY position) FROM deliveries_offerpackage p JOIN deliveries_offer o"
                " ON o.id = p.offer_id WHERE o.associate_id = %s",
                [kept[0].associate_id],
            )
            assert tuple(cursor.fetchone()[0]) == kept[0].package_ids
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'nation'")
        assert cursor.fetchone()[0] == 0, "nothing is left behind"


def test_the_command_reports_what_it_did() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("plan_nation", stores=4, seed=9, processes=2, stdout=out, stderr=err)
    text = out.getvalue()
    assert "4 store evenings planned" in text
    assert "proved optimal 4 (100.00%)" in text
    assert "offers written in" in text
    assert "4/4 stores" in err.getvalue()
