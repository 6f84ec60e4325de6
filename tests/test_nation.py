"""The national rehearsal in small: plans, bulk offers, and that a repeat or a moved world sends nothing wrong."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from django.db import connection

from deliveries import pay, planner
from deliveries.actions import bulk
from deliveries.actors import system
from deliveries.management.commands import plan_nation
from deliveries.nation import evenings, scratch, writing

NOW = plan_nation.NOW
# What may happen between the plan and the writing; each takes one offer out, `bulk` and `offers.send_round` alike.
MOVED = (
    "UPDATE deliveries_package SET state = 'with_carrier', version = version + 1 WHERE id = %(package)s",
    "UPDATE deliveries_package SET associate_ok = false WHERE id = %(package)s",
    "UPDATE deliveries_package SET carrier_asked = true WHERE id = %(package)s",
    "UPDATE deliveries_package SET not_before = deliver_by WHERE id = %(package)s",
    "DELETE FROM deliveries_package WHERE id = %(package)s",
    "UPDATE associates_associate SET state = 'paused' WHERE id = %(person)s",
    "UPDATE associates_associate SET resting_on = '2026-12-01' WHERE id = %(person)s",
    "INSERT INTO deliveries_offer (store_id, associate_id, shift_id, state, sent_at, expires_at, quote, quote_digest,"
    " stops, pay_cents, extra_s, extra_m) VALUES (1, %(person)s, %(person)s, 'sent', %(now)s,"
    " %(now)s + interval '1 hour', '{}', '', '[]', 0, 0, 0)",
    "INSERT INTO deliveries_trip (store_id, associate_id, shift_id, state, quote, quote_digest, pay_cents, extra_s,"
    " extra_m, claimed_at, called_off) VALUES (1, %(person)s, %(person)s, 'planned', '{}', '', 0, 0, 0, %(now)s, false)",
)
REFUSE_STORE_2 = """
CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.store_id = 2 THEN RAISE EXCEPTION 'store 2 is closed'; END IF; RETURN NEW; END $$;
CREATE TRIGGER closed BEFORE INSERT ON deliveries_event FOR EACH ROW EXECUTE FUNCTION closed();
"""

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
        people = {evenings.row_id(plan.store, k): person for k, person in enumerate(problem.associates)}
        packages = {evenings.row_id(plan.store, k): package.id for k, package in enumerate(problem.packages)}
        routes = {people[o.associate_id].id: [packages[pk] for pk in o.package_ids] for o in plan.offers}
        checked = planner.evaluate(problem, routes)
        assert checked.feasible
        assert checked.objective_ticks == plan.objective_ticks
        for offer in plan.offers:
            trip = checked.trips[people[offer.associate_id].id]
            last = trip.arrivals_s[-1] + problem.params.service_s
            quote = pay.Quote.from_json(json.loads(offer.quote))
            assert quote.paid_s == last - people[offer.associate_id].shift_end_s
            assert quote.packages == offer.package_ids
            assert (quote.digest, quote.cents) == (offer.digest, offer.cents)
            assert [stop["package_ids"] for stop in json.loads(offer.stops)] == [[pk] for pk in offer.package_ids]


def test_ranges_share_all_stores_in_their_order(planned: list[evenings.PlannedEvening]) -> None:
    for parts in range(1, 6):
        shared = writing.ranges(planned, parts)
        assert [plan for part in shared for plan in part] == planned
        assert len(shared) == min(parts, len(planned))
        assert max(map(len, shared)) - min(map(len, shared)) <= 1


def test_offers_are_written_once_and_only_for_what_is_still_there(planned: list[evenings.PlannedEvening]) -> None:
    rounds, offers = list(writing.rounds_of(planned, NOW)), list(writing.offers_of(planned, NOW))
    assert len(offers) > 20
    scratch.fill(planned, plan_nation.DAY, NOW)
    for sql, offer in zip(MOVED, offers, strict=False):
        values = {"package": offer.package_ids[0], "person": offer.associate_id, "now": NOW}
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
    late = [dataclasses.replace(offer, expires_at=NOW) for offer in offers[len(MOVED) : len(MOVED) + 1]]
    kept = offers[len(MOVED) + 1 :]

    def send() -> int:
        return bulk.send_rounds(rounds=rounds, offers=[*offers[: len(MOVED)], *late, *kept], by=system("test"), now=NOW)

    assert send() == len(kept)
    assert send() == 0, "the slot is taken"
    assert written() == figures_of(kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(version), max(version) FROM deliveries_event WHERE verb = 'offer'")
        assert cursor.fetchone() == (sum(len(offer.package_ids) for offer in kept), 3, 3)
        cursor.execute("SELECT DISTINCT from_state, to_state, by_kind, by_name, at FROM deliveries_event")
        assert cursor.fetchall() == [("staged", "offered", "system", "test", NOW)]
        cursor.execute(
            "SELECT array_agg(package_id ORDER BY position) FROM deliveries_offerpackage p JOIN deliveries_offer o"
            " ON o.id = p.offer_id WHERE o.associate_id = %s",
            [kept[0].associate_id],
        )
        assert tuple(cursor.fetchone()[0]) == kept[0].package_ids
        cursor.execute("SELECT quote, quote_digest FROM deliveries_offer WHERE round_id IS NOT NULL")
        for quote, digest in cursor.fetchall():
            assert pay.Quote.from_json(json.loads(quote)).digest == digest


def test_a_range_that_fails_is_left_out_whole_and_a_repeat_sends_only_what_is_missing(
    planned: list[evenings.PlannedEvening],
) -> None:
    with writing.writers(planned, 3) as country:
        assert country.fill(plan_nation.DAY, NOW) > 100
        with connection.cursor() as cursor:
            cursor.execute(REFUSE_STORE_2)
        sent = country.send(NOW)
        assert [part.offers for part in sent] == [len(planned[0].offers), 0, len(planned[2].offers)]
        assert [bool(part.error) for part in sent] == [False, True, False]
        assert "store 2 is closed" in sent[1].error
        first = list(writing.offers_of([planned[0], planned[2]], NOW))
        assert written() == figures_of(first), "nothing of the range that failed, and all of the others"

        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION closed CASCADE")
        assert [part.offers for part in country.send(NOW)] == [0, len(planned[1].offers), 0]
        assert written() == figures_of(list(writing.offers_of(planned, NOW)))
        assert [part.offers for part in country.send(NOW)] == [0, 0, 0]


def test_a_writer_that_dies_is_told_and_leaves_nothing_behind(
    planned: list[evenings.PlannedEvening], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: object) -> None:
        os._exit(1)

    monkeypatch.setattr(bulk, "_copy_offers", die)
    with writing.writers(planned, 1) as country:
        country.fill(plan_nation.DAY, NOW)
        (only,) = country.send(NOW)
        assert only.error.startswith("BrokenProcessPool")
        assert written() == (0, 0, 0, None, 0)


def written() -> tuple[int, int, int, int | None, int]:
    """Offers of rounds, their packages, packages offered, the offers that the rounds count, events."""
    counts = (
        "SELECT count(*) FROM deliveries_offer WHERE round_id IS NOT NULL",
        "SELECT count(*) FROM deliveries_offerpackage WHERE open",
        "SELECT count(*) FROM deliveries_package WHERE state = 'offered' AND version = 3",
        "SELECT sum(offers_sent) FROM deliveries_round",
        "SELECT count(*) FROM deliveries_event",
    )
    found = []
    with connection.cursor() as cursor:
        for sql in counts:
            cursor.execute(sql)
            found.append(cursor.fetchone()[0])
    return tuple(found)


def figures_of(offers: list[bulk.BulkOffer]) -> tuple[int, int, int, int | None, int]:
    packages = sum(len(offer.package_ids) for offer in offers)
    return len(offers), packages, packages, len(offers), packages
