"""Disputes about pay in the admin: payroll and the district answer, in their own store, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deliveries.models import Dispute, LedgerEntry, Trip
from stores.models import StaffMember

from .world import World

Enter = Callable[..., Client]
ROLES = StaffMember.Role


def address(verb: str) -> str:
    return reverse("admin:deliveries_dispute_verb", args=[verb])


@pytest.mark.parametrize(
    ("role", "status"), [(ROLES.PAYROLL, 200), (ROLES.DISTRICT, 200), (ROLES.LEAD, 403), (ROLES.BAY, 403)]
)
def test_who_may_answer(zanzibar: World, enter: Enter, role: str, status: int) -> None:
    said = zanzibar.one(Dispute)
    client = enter(zanzibar.store, role)
    for verb in ("accept_dispute", "explain_dispute"):
        assert client.get(f"{address(verb)}?ids={said.pk}").status_code == status
    if status == 403:
        answer = {"ids": said.pk, "amount": "1.00", "answer": "anyway"}
        assert client.post(address("accept_dispute"), answer).status_code == 403
        assert Dispute.objects.get(pk=said.pk).state == "open"


def test_accepting_adds_a_line_with_the_answer(zanzibar: World, enter: Enter) -> None:
    said = zanzibar.one(Dispute)
    client = enter(zanzibar.store, ROLES.PAYROLL)
    for amount in ("", "0", "-1", "1000.01", "0.001", "NaN", "1e9"):
        response = client.post(address("accept_dispute"), {"ids": said.pk, "amount": amount, "answer": "Yes"})
        assert response.status_code == 200, "asked again, with the error at the field"
    before = Trip.objects.get(pk=said.trip_id).paid_cents
    assert before is not None
    for _ in range(2):
        assert client.post(
            address("accept_dispute"), {"ids": said.pk, "amount": "2.40", "answer": "The toll"}
        ).status_code == 302  # fmt: skip
    said.refresh_from_db()
    assert (said.state, said.answer) == ("accepted", "The toll")
    [line] = LedgerEntry.objects.filter(trip=said.trip, kind="correction")
    assert (line.cents, line.reason, line.by_user) == (240, "The toll", said.answered_by)
    assert Trip.objects.get(pk=said.trip_id).paid_cents == before + 240


def test_explaining_changes_no_pay(zanzibar: World, enter: Enter) -> None:
    said = zanzibar.one(Dispute)
    client = enter(zanzibar.store, ROLES.DISTRICT)
    client.post(address("explain_dispute"), {"ids": said.pk, "answer": "There is no toll"})
    said.refresh_from_db()
    assert (said.state, said.answer, said.correction) == ("explained", "There is no toll", None)
    assert not LedgerEntry.objects.filter(trip=said.trip, kind="correction").exists()
