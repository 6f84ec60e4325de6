"""What staff's pages call a row: in words, for whoever reads it, and no dearer for a long list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from associates.models import Associate
from deliveries.actions import ledger, standing
from deliveries.models import Dispute, Manifest, Offer, Trip
from stores.models import StaffMember, Store
from stores.scoped_admin import ScopedAdmin

from . import world
from .world import World, name_of_list

Enter = Callable[..., Client]


def test_every_row_is_called_by_its_own_words(zanzibar: World) -> None:
    """No row's number stands for what it is, and none of a row that it belongs to."""
    for row in zanzibar.rows:
        words = str(row)
        own = re.findall(r"#?\b\d+\b", words)
        numbers = {str(getattr(row, field.attname)) for field in row._meta.fields if field.is_relation} | {str(row.pk)}
        if isinstance(row, Manifest):  # the paper that goes with it and the board call it by its number
            numbers -= {str(row.pk)}
        if isinstance(row, Store):
            numbers -= {str(row.number)}
        assert len(words) > 3
        assert not re.fullmatch(r"[\W\d]+", words), words
        # A day or an hour may happen to be the same figure as a number of a row: none is longer than two digits.
        assert not [each for each in own if each in numbers and len(each) > 2 and each not in ("2026",)], words
        assert "UTC" not in words


def test_the_words_are_the_stores_and_the_readers(zanzibar: World) -> None:
    said = zanzibar.one(Dispute)
    eve = zanzibar.people["Eve"]
    assert str(said) == f"{eve} about the pay of the trip of Nov. 24, 3:40 p.m."
    assert str(zanzibar.one(Trip)) == f"Trip of {zanzibar.people['Ana']}, claimed Nov. 24, 4 p.m."
    with override("es"):
        assert "24 nov., 3:40" in str(said)


def test_an_offers_name_says_nobodys(zanzibar: World) -> None:
    """To whom it was sent stays between the planner and that person (decisions/0051)."""
    words = str(zanzibar.one(Offer))
    assert words.startswith("Offer of $")
    assert not [person for person in zanzibar.people.values() if person.first_name in words]


def test_no_name_tells_a_home(zanzibar: World) -> None:
    for row in zanzibar.rows:
        assert world.HOME_AREA not in str(row)
        assert "40.69" not in str(row)


def test_a_list_twice_as_long_asks_no_more(zanzibar: World, enter: Enter) -> None:
    """A row's name may not fetch for itself what the list could have brought: the same number of queries for more rows."""
    client = enter(zanzibar.store, StaffMember.Role.DISTRICT)
    pages = [model for model, page in admin.site._registry.items() if isinstance(page, ScopedAdmin)]

    def queries() -> dict[str, int]:
        found = {}
        for model in pages:
            with CaptureQueriesContext(
                connection,
            ) as asked:
                assert client.get(reverse(f"admin:{name_of_list(model)}_changelist")).status_code == 200
            found[name_of_list(model)] = len(asked)
        return found

    queries()  # content types and the like are remembered from here on
    before = queries()
    world.build("More", store=zanzibar.store)
    after = queries()
    dearer = {name: (before[name], after[name]) for name in after if after[name] > before[name]}
    assert not dearer


@pytest.mark.parametrize("model", [Trip, Dispute])
def test_a_deleted_person_is_in_no_history(zanzibar: World, model: type[Trip] | type[Dispute]) -> None:
    eve: Associate = zanzibar.people["Eve"]
    ledger.withdraw_dispute(dispute=zanzibar.one(Dispute), by=eve, now=world.NOW)
    row = model.objects.get(associate=eve)
    staff = zanzibar.one(StaffMember).user_id
    line = LogEntry.objects.log_actions(staff, [row], CHANGE, "correct: toll")
    assert line is not None
    assert "EveZanzibar" in LogEntry.objects.get().object_repr
    standing.erase(associate=eve, by=eve.user, now=world.NOW + timedelta(days=60))
    assert "Former associate" in LogEntry.objects.get().object_repr
    assert "EveZanzibar" not in LogEntry.objects.get().object_repr
