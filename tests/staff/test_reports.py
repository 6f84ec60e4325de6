"""Reports count what happened; stop rules pause a store by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.safestring import SafeString

from deliveries import actors, reports
from deliveries.actions import running, stopping
from deliveries.models import Offer, Package, StaffNotice, StopRule, StoreEvent, Trip
from deliveries.notices.staff import send_staff_due
from deliveries.reports import charts
from deliveries.states import OfferState
from stores.models import StaffMember, Store
from tests import make

from . import world
from .world import World

Enter = Callable[..., Client]


def tonight(store: Store) -> reports.Evening:
    day = store.evening(world.NOW)
    [evening] = reports.evenings(store, day, day)
    return evening


def test_an_evening_is_counted_from_its_rows(zanzibar: World) -> None:
    evening = tonight(zanzibar.store)
    paid = Trip.objects.get(associate=zanzibar.people["Eve"])
    assert (evening.promised, evening.kept) == (4, 1)
    assert (evening.dropoffs, evening.carrier_same) == (1, 900)
    assert (evening.trips, evening.settled) == (2, 1)
    assert (evening.quoted, evening.paid) == (paid.pay_cents, paid.paid_cents)
    assert evening.paid >= evening.quoted
    assert evening.cost_per_dropoff == paid.paid_cents
    assert evening.problems == {"nobody_home": 2}
    assert (evening.tendered, evening.tendered_cents) == (1, 900)
    assert sorted(evening.waits_s) == [0, 300]
    assert evening.pay_per_extra_hour is None, "of one trip it would measure one person's way home"


def test_the_total_is_the_evenings_together(zanzibar: World) -> None:
    day = zanzibar.store.evening(world.NOW)
    many = reports.evenings(zanzibar.store, day - timedelta(days=6), day)
    assert len(many) == 7
    whole = reports.total(many)
    assert (whole.dropoffs, whole.day, whole.problem_count) == (1, day, 2)
    assert reports.total([*many, *many]).dropoffs == 2


def test_the_page_its_charts_and_csv(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    page = client.get(reverse("staff:reports")).content.decode()
    assert "1/4" in page
    assert page.count('class="hw-chart"') == 4
    assert " style=" not in page[page.index('id="hw"') :], "charts carry no inline style"
    csv = client.get(reverse("staff:reports") + "?csv=1").content.decode().splitlines()
    assert len(csv) == 1 + 14 + 1
    assert csv[0].startswith("Evening,Delivered by promise")
    odd = client.get(reverse("staff:reports") + "?from=2026-12-31&to=2026-02-31&store=").content.decode()
    assert "The first evening was after the last one" in odd
    assert "At most 92 evenings" in client.get(reverse("staff:reports") + "?from=1990-01-01").content.decode()
    for word in ("lapsed", "declined", "not tonight", "Not tonight"):
        assert word not in page.replace(f"{zanzibar.word} lapsed", "")


def test_who_may_read_reports(zanzibar: World, enter: Enter) -> None:
    for role in StaffMember.Role.values:
        status = enter(zanzibar.store, role).get(reverse("staff:reports")).status_code
        assert status == (403 if role == StaffMember.Role.BAY else 200), role


def test_a_chart_says_its_figures_and_runs_nothing() -> None:
    chart = charts.bars("<Cost>", [("Nov 1", 3.0, "$3"), ("Nov 2", None, "–"), ("Nov 3", 6.0, "<b>")])
    assert isinstance(chart, SafeString)
    assert "<b>" not in chart
    heights = [float(height) for height in re.findall(r'class="hw-bar"[^>]* height="([\d.]+)"', chart)]
    assert len(heights) == 2
    assert heights[1] == 2 * heights[0]
    assert charts.bars("Nothing", [])


def rule(store: Store, kind: str, limit: int, least: int = 1) -> StopRule:
    StopRule.objects.filter(store=store).delete()
    return StopRule.objects.create(store=store, kind=kind, limit=limit, least=least)


@pytest.mark.parametrize(
    ("kind", "limit", "value"),
    [
        ("problems", 50, 66.7),
        ("waiting", 2, 2.5),
        ("stranded", 1, 1),
        ("cost", 1, None),
        ("overdue", 1, 3),
        ("late", 60, 75),
    ],
)
def test_each_rule_pauses_the_store_at_its_limit_and_not_before(
    zanzibar: World, kind: str, limit: int, value: float | None
) -> None:
    from uuid import uuid4

    from deliveries.actions import exceptions

    store, now = zanzibar.store, world.NOW
    if kind == "stranded":
        ana = zanzibar.people["Ana"]
        exceptions.cannot_go_on(trip=Trip.objects.get(associate=ana), by=ana, now=now, key=uuid4())
    if kind == "late":
        Package.objects.filter(store=store, trip__isnull=False).exclude(state="delivered").update(deliver_by=now)
        now += timedelta(seconds=1)
    if kind == "overdue":
        Package.objects.filter(store=store, holder__isnull=False).update(deliver_by=now - timedelta(hours=13))
    found = stopping.measure(store, kind, now)
    if value is not None and kind not in ("overdue", "late"):
        assert found.value == pytest.approx(value, abs=0.1)
    rule(store, kind, round(found.value) + 2)
    assert stopping.look(store=store, now=now) is None
    rule(store, kind, limit, least=found.cases + 1)
    assert stopping.look(store=store, now=now) is None, "too few cases"
    rule(store, kind, limit)
    decision = stopping.look(store=store, now=now)
    assert decision is not None
    store.refresh_from_db()
    assert store.stage == Store.Stage.PAUSED
    assert (decision.by_kind, decision.by_name, decision.by_user) == ("system", f"stop rule {kind}", None)
    assert "the rule stops at" in decision.reason
    assert not Offer.objects.filter(store=store, state=OfferState.SENT).exists()


def test_leads_are_told_once_and_the_rule_does_not_fight_them(zanzibar: World) -> None:
    store, now = zanzibar.store, world.NOW
    leads = {member.user for member in store.staff.filter(role="lead")}
    rule(store, "problems", 10)
    assert stopping.look(store=store, now=now)
    assert stopping.look(store=store, now=now) is None
    assert {notice.user for notice in StaffNotice.objects.all()} == leads
    mail.outbox.clear()
    assert send_staff_due(now=now) == len(leads)
    assert send_staff_due(now=now + timedelta(days=1)) == 0
    assert f"Store {store.number} is paused" in mail.outbox[0].subject
    assert "/admin/stores/store/" in mail.outbox[0].body
    running.set_stage(
        store=store, stage="pilot", by=actors.staff(make.staff(store).pk), now=now, reason="talked to everybody"
    )
    store.refresh_from_db()
    assert stopping.look(store=store, now=now) is None, "somebody looked and went on"
    assert StoreEvent.objects.filter(store=store, by_kind="system", verb="set_stage").count() == 1


def test_a_pilot_begins_with_the_usual_rules(elsewhere: Store) -> None:
    by = actors.staff(make.staff(elsewhere).pk)
    for stage in ("simulate", "pilot"):
        running.set_stage(store=elsewhere, stage=stage, by=by, now=world.NOW, reason="plan")
        elsewhere.refresh_from_db()
    assert set(elsewhere.stop_rules.values_list("kind", flat=True)) == {
        "late", "problems", "waiting", "stranded", "overdue",
    }  # fmt: skip
    assert stopping.look(store=elsewhere, now=world.NOW) is None, "a quiet store goes on"


def test_the_timetable_looks_at_stores_with_rules(zanzibar: World, elsewhere: Store, settings: object) -> None:
    from unittest.mock import patch

    from deliveries import tasks

    rule(zanzibar.store, "late", 50)
    with patch.object(tasks.look_at_rules, "delay") as delay:
        tasks.find_stops()
    delay.assert_called_once_with(zanzibar.store.pk)
