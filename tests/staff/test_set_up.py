"""Setting a store up: the worked example of a pay plan is the real pay rule's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from deliveries import pay, quoting
from deliveries.admin.pay_plans import CASES
from stores import units
from stores.models import OpeningHours, PayPlan, StaffMember, Store, Weekday
from tests import make

from . import world

Enter = Callable[..., Client]


def figures(store: Store, **other: Any) -> dict[str, Any]:
    day = (world.NOW + timedelta(days=7)).date().isoformat()
    return {
        "store": store.pk, "effective_from": day, "hourly_cents": "$19.00", "per_package_cents": "1.5",
        "mileage_tenth_cents": "0.725", **other,
    }  # fmt: skip


@pytest.mark.parametrize("last_leg", [False, True])
def test_the_example_pays_what_the_rules_pay(elsewhere: Store, enter: Enter, last_leg: bool) -> None:
    asked = figures(elsewhere, **({"last_leg_paid": "on"} if last_leg else {}))
    page = enter(elsewhere).get(reverse("admin:stores_payplan_example"), asked).content.decode()
    day = (world.NOW + timedelta(days=7)).date()
    plan = PayPlan(
        store=elsewhere, effective_from=day, hourly_cents=1900, per_package_cents=150, mileage_tenth_cents=725,
        last_leg_paid=last_leg,
    )  # fmt: skip
    for case in CASES:
        more_s, more_m = (case.last_leg_s, case.last_leg_m) if last_leg else (0, 0)
        quote = pay.quote(
            quoting.rates(plan, day), range(1, case.packages + 1), paid_s=case.paid_s + more_s,
            paid_m=case.paid_m + more_m, extra_s=case.extra_s, extra_m=case.extra_m, last_leg_s=more_s, last_leg_m=more_m,
        )  # fmt: skip
        assert units.dollars(quote.cents) in page
    assert "the carrier, who costs about" in page
    assert "at $0.725 a mile" in page


def test_an_unfinished_form_is_told_what_is_missing(elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere)
    page = client.get(reverse("admin:stores_payplan_example"), figures(elsewhere, hourly_cents="")).content.decode()
    assert "Fill in Guaranteed per paid hour, dollars," in page
    wrong = client.get(
        reverse("admin:stores_payplan_example"), figures(elsewhere, hourly_cents="1900")
    ).content.decode()
    assert "Guaranteed per paid hour, dollars: “1900” is more than $500.00" in wrong
    assert "Fill in" not in wrong
    assert "500" not in str(client.get(reverse("admin:stores_payplan_example"), {"hourly_cents": "x" * 99}).status_code)
    other = client.get(reverse("admin:stores_payplan_example"), figures(Store(pk=999_999))).content.decode()
    assert "Fill in" in other, "a store that is not theirs is none"


def test_the_example_stands_beside_the_form_of_those_who_edit(elsewhere: Store, enter: Enter) -> None:
    add = reverse("admin:stores_payplan_add")
    assert "hw-example" in enter(elsewhere).get(add).content.decode()
    refused = enter(elsewhere, StaffMember.Role.BAY).get(reverse("admin:stores_payplan_example"), figures(elsewhere))
    assert refused.status_code == 403
    assert not PayPlan.objects.filter(hourly_cents=1900).exists(), "an example writes nothing"


def test_one_command_pauses_every_store(elsewhere: Store, capsys: pytest.CaptureFixture[str]) -> None:
    other = make.store(stage=Store.Stage.SIMULATE)
    with pytest.raises(CommandError, match="There is no store 1"):
        call_command("pause_stores", store=[elsewhere.number, 1], reason="storm")
    with pytest.raises(CommandError, match="Say why"):
        call_command("pause_stores", all=True, reason="  ")
    call_command("pause_stores", all=True, reason="storm")
    assert "1 paused." in capsys.readouterr().out
    stages = dict(Store.objects.values_list("pk", "stage"))
    assert stages == {elsewhere.pk: "paused", other.pk: "simulate"}
    decision = elsewhere.decisions.get()
    assert decision.reason == "storm"
    assert decision.by_name.startswith("pause_stores by ")


def settings_of(page: Any) -> dict[str, Any]:
    """What a browser would send back of the admin's form, untouched."""
    form = page.context["adminform"].form
    sent = {bound.html_name: bound.value() for bound in form}
    for formset in (each.formset for each in page.context["inline_admin_formsets"]):
        for part in (formset.management_form, *formset):
            sent |= {bound.html_name: bound.value() for bound in part}
    return {name: value for name, value in sent.items() if value is not None}


def test_a_stores_lengths_are_miles_and_feet(elsewhere: Store, enter: Enter) -> None:
    client, url = enter(elsewhere), reverse("admin:stores_store_change", args=[elsewhere.pk])
    Store.objects.filter(pk=elsewhere.pk).update(radius_m=24_001, far_m=151)
    page = client.get(url)
    assert "metres" not in page.content.decode()
    sent = settings_of(page)
    assert (str(sent["radius_m"]), str(sent["far_m"])) == ("14.9", "495")

    # What was not touched is not rounded, even where something else is saved.
    assert client.post(url, {**sent, "load_minutes": "7"}).status_code == 302
    elsewhere.refresh_from_db()
    assert (elsewhere.load_minutes, elsewhere.radius_m, elsewhere.far_m) == (7, 24_001, 151)

    assert client.post(url, {**sent, "radius_m": "12.5", "far_m": "500"}).status_code == 302
    elsewhere.refresh_from_db()
    assert (elsewhere.radius_m, elsewhere.far_m) == (20_117, 152)
    history = client.get(reverse("admin:stores_store_history", args=[elsewhere.pk])).content.decode()
    assert "Radius, miles" in history
    assert "from the pin needs a reason, feet" in history
    assert "metres" not in history


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        *(("radius_m", typed, "Write miles from 0.1 to 100") for typed in ("", "0", "101", "12.55", "NaN", "1e99", "15 mi")),
        *(("far_m", typed, "Write whole feet from 30 to 5280") for typed in ("", "29", "5281", "99.5", "-500", "far")),
    ],
)  # fmt: skip
def test_a_length_that_is_none_says_what_to_write(
    elsewhere: Store, enter: Enter, field: str, typed: str, sentence: str
) -> None:
    client, url = enter(elsewhere), reverse("admin:stores_store_change", args=[elsewhere.pk])
    answer = client.post(url, {**settings_of(client.get(url)), field: typed})
    assert answer.status_code == 200
    (said,) = answer.context["adminform"].form.errors[field]
    assert sentence in said
    assert answer.context["adminform"].form[field].value() == typed, "what was typed comes back"
    before = (elsewhere.radius_m, elsewhere.far_m)
    elsewhere.refresh_from_db()
    assert (elsewhere.radius_m, elsewhere.far_m) == before


def test_who_only_reads_a_store_reads_miles_and_feet(elsewhere: Store, enter: Enter) -> None:
    url = reverse("admin:stores_store_change", args=[elsewhere.pk])
    page = enter(elsewhere, StaffMember.Role.BAY).get(url).content.decode()
    assert "14.9 miles" in page
    assert "492 feet" in page
    assert "metres" not in page


def test_a_new_store_begins_with_the_usual_lengths(enter: Enter) -> None:
    page = enter(user=make.user(is_staff=True, is_superuser=True)).get(reverse("admin:stores_store_add"))
    sent = settings_of(page)
    assert (str(sent["radius_m"]), str(sent["far_m"])) == ("14.9", "492")


def test_opening_hours_are_kept_with_the_store(elsewhere: Store, enter: Enter) -> None:
    client, url = enter(elsewhere), reverse("admin:stores_store_change", args=[elsewhere.pk])
    page = client.get(url)
    sent = settings_of(page)
    lines = page.context["inline_admin_formsets"][0].formset
    assert [form["weekday"].value() for form in lines] == list(Weekday.values), (
        "a line a weekday, ready to be filled in"
    )
    for day in (0, 6):
        sent |= {f"opening_hours-{day}-opens": "07:00", f"opening_hours-{day}-closes": "21:00"}
    assert client.post(url, sent).status_code == 302
    kept = elsewhere.opening_hours.values_list("weekday", "opens", "closes")
    assert list(kept) == [(0, time(7), time(21)), (6, time(7), time(21))], "an empty line is a closed day"

    page = client.get(url)
    again = page.context["inline_admin_formsets"][0].formset
    assert [form["weekday"].value() for form in again] == [0, 6, 1, 2, 3, 4, 5]
    answer = client.post(url, {**settings_of(page), "opening_hours-2-opens": "09:00"})
    assert answer.status_code == 200
    assert answer.context["inline_admin_formsets"][0].formset.forms[2].errors["closes"]
    assert client.post(url, {**settings_of(page), "opening_hours-1-DELETE": "on"}).status_code == 302
    assert [row.weekday for row in elsewhere.opening_hours.all()] == [0]


def test_who_only_reads_a_store_changes_no_hours(elsewhere: Store, enter: Enter) -> None:
    OpeningHours.objects.create(store=elsewhere, weekday=0, opens=time(7), closes=time(21))
    client, url = enter(elsewhere, StaffMember.Role.BAY), reverse("admin:stores_store_change", args=[elsewhere.pk])
    page = client.get(url).content.decode()
    assert "7 a.m." in page
    assert "opening_hours-0-opens" not in page
    assert client.post(url, {"opening_hours-0-opens": "08:00"}).status_code == 403
