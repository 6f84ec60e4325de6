"""Dollars on staff's forms, cents in the row: what is read, what is refused and in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from deliveries.models import StopRule
from stores import units
from stores.models import PayPlan, StaffMember, Store
from stores.money import DollarsField, MileRateField
from tests import make

from . import world
from .test_set_up import figures, settings_of

Enter = Callable[..., Client]
MOST = 10**11
price = DollarsField(label="Price", most=MOST, example="18.00")
amount = DollarsField(label="Amount", least=-MOST, most=MOST, example="18.00")
mile = MileRateField(label="Per mile", most=5_000, example="0.725")


# --- Reading ---------------------------------------------------------------------------------------------------------


@given(st.integers(-MOST, MOST))
def test_what_is_shown_is_read_back(cents: int) -> None:
    assert amount.clean(amount.prepare_value(cents)) == cents
    assert amount.clean(units.dollars(cents)) == cents
    assert not amount.has_changed(cents, amount.prepare_value(cents))


@given(st.integers(0, 5_000))
def test_a_mile_keeps_its_tenths_of_a_cent(tenths: int) -> None:
    assert mile.clean(mile.prepare_value(tenths)) == tenths
    assert mile.clean(units.dollars_of_tenths(tenths)) == tenths
    assert mile.clean(f"{tenths // 10}.{tenths % 10}¢") == tenths


@given(st.text(max_size=30) | st.text(alphabet="0123456789.,$-−¢ eE", max_size=12))
def test_anything_else_is_refused_in_words(text: str) -> None:
    """Whatever is typed is an amount, or a sentence with the field, the value and an example; never another error."""
    try:
        cents = amount.clean(text)
    except ValidationError as no:
        (said,) = no.messages
        assert said.startswith("Amount: ")
        assert "18.00" in said
        assert text.strip() in said
    else:
        assert cents is not None
        assert amount.clean(amount.prepare_value(cents)) == cents


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("18", 1800), ("18.", 1800), ("18.00", 1800), (" $18.00 ", 1800), ("$ 18.5", 1850), (".5", 50), ("0", 0),
        ("1,200.50", 120_050), ("$1,200.50", 120_050), ("1200.50", 120_050), ("0018", 1800), ("-0", 0), ("50¢", 50),
        ("999,999,999.99", 99_999_999_999),
    ],
)  # fmt: skip
def test_how_people_write_dollars(typed: str, cents: int) -> None:
    assert price.clean(typed) == cents
    assert not price.has_changed(cents, typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Price: write dollars, such as 18.00."),
        ("NaN", "Price: “NaN” is not an amount. Write dollars as a plain number, such as 18.00."),
        ("Infinity", "“Infinity” is not an amount"),
        ("1e3", "Price: “1e3” has an exponent. Write the amount out, such as 18.00."),
        ("$1.5E-2", "“$1.5E-2” has an exponent"),
        (
            "１８.００",
            "“１８.００” has digits that are full-width or of another script. Write them as 0 to 9, such as 18.00.",
        ),
        ("١٨", "“١٨” has digits that are full-width"),
        ("18.005", "“18.005” has too many decimals. Write dollars with at most 2, such as 18.00."),
        ("18.000", "“18.000” has too many decimals"),
        ("72.5¢", "“72.5¢” has too many decimals"),
        ("18,50", "“18,50” has a comma in another place than between thousands"),
        ("12,34,567", "“12,34,567” has a comma"),
        ("-1", "“-1” is less than $0.00"),
        ("−$1", "“−$1” is less than $0.00"),
        ("9" * 60, f"“{'9' * 40}…” is more than $1,000,000,000.00"),
        ("18 USD", "“18 USD” is not an amount"),
        ("1_000", "“1_000” is not an amount"),
        ("$", "“$” is not an amount"),
        (".", "“.” is not an amount"),
        ("$5¢", "“$5¢” is not an amount"),
        ("--5", "“--5” is not an amount"),
        ("18\x0000", "is not an amount"),
    ],
)
def test_what_is_no_amount_says_what_to_write(typed: str, said: str) -> None:
    with pytest.raises(ValidationError) as no:
        price.clean(typed)
    assert said in no.value.messages[0]
    assert price.has_changed(1800, typed)


def test_a_field_that_may_be_empty_may_be_empty() -> None:
    assert DollarsField(label="Price", most=MOST, required=False).clean(" ") is None


@pytest.mark.parametrize(
    ("typed", "said"), [("72.5", "is more than $5.00"), ("0.7255", "with at most 3, such as 0.725")]
)
def test_a_mile_has_three_decimals_and_no_more(typed: str, said: str) -> None:
    assert mile.clean("$0.725") == mile.clean(".725") == mile.clean("72.5¢") == 725
    with pytest.raises(ValidationError, match="Per mile") as no:
        mile.clean(typed)
    assert said in no.value.messages[0]


# --- Forms -----------------------------------------------------------------------------------------------------------


def test_a_pay_plan_is_written_and_read_in_dollars(elsewhere: Store, enter: Enter) -> None:
    client, add = enter(elsewhere), reverse("admin:stores_payplan_add")
    assert settings_of(client.get(add))["mileage_tenth_cents"] == "0.725", "the usual rate"
    day = world.NOW + timedelta(days=7)
    sent = {**figures(elsewhere), "hourly_cents": "$19.00", "per_package_cents": "1.5", "mileage_tenth_cents": "0.70"}
    answer = client.post(add, sent)
    assert answer.status_code == 302, answer.context["errors"]
    plan = PayPlan.objects.get(store=elsewhere, effective_from=day.date())
    assert (plan.hourly_cents, plan.per_package_cents, plan.mileage_tenth_cents) == (1900, 150, 700)

    change = reverse("admin:stores_payplan_change", args=[plan.pk])
    sent = settings_of(client.get(change))
    shown = tuple(sent[name] for name in ("hourly_cents", "per_package_cents", "mileage_tenth_cents"))
    assert shown == ("19.00", "1.50", "0.70")
    assert client.post(change, {**sent, "mileage_tenth_cents": "72.5¢"}).status_code == 302
    plan.refresh_from_db()
    assert (plan.hourly_cents, plan.mileage_tenth_cents) == (1900, 725)
    history = client.get(reverse("admin:stores_payplan_history", args=[plan.pk])).content.decode()
    assert "Per mile, dollars" in history
    assert "Guaranteed per paid hour" not in history, "only what was touched"
    for page in (history, client.get(reverse("admin:stores_payplan_changelist")).content.decode()):
        assert "cents" not in page.replace("_cents", "")
    listed = client.get(reverse("admin:stores_payplan_changelist")).content.decode()
    for words in ("$19.00", "$1.50", "$0.725"):
        assert words in listed


def test_who_only_reads_a_pay_plan_reads_dollars(elsewhere: Store, enter: Enter) -> None:
    plan = PayPlan.objects.get(store=elsewhere)
    url = reverse("admin:stores_payplan_change", args=[plan.pk])
    for role in (StaffMember.Role.BAY, StaffMember.Role.LEAD):  # in force, so that nobody writes it
        page = enter(elsewhere, role).get(url).content.decode()
        for words in ("$18.00", "$1.00", "$0.725"):
            assert words in page
        assert ", cents" not in page
        assert "tenths" not in page


def test_a_wage_below_the_minimum_is_told_in_dollars(elsewhere: Store, enter: Enter) -> None:
    answer = enter(elsewhere).post(reverse("admin:stores_payplan_add"), figures(elsewhere, hourly_cents="7.00"))
    (said,) = answer.context["adminform"].form.errors["hourly_cents"]
    assert "an hour. Pay at least that." in said
    assert "is $" in said
    assert "cents" not in said


@pytest.mark.parametrize(
    ("field", "typed"),
    [(field, typed) for field in ("hourly_cents", "per_package_cents", "mileage_tenth_cents")
     for typed in ("NaN", "1e3", "１８", "1.2345", "-1", "")],
)  # fmt: skip
def test_a_wrong_figure_comes_back_with_its_sentence(elsewhere: Store, enter: Enter, field: str, typed: str) -> None:
    answer = enter(elsewhere).post(reverse("admin:stores_payplan_add"), figures(elsewhere, **{field: typed}))
    form = answer.context["adminform"].form
    (said,) = form.errors[field]
    assert said.startswith(f"{form.fields[field].label}: ")
    assert typed in said
    assert form[field].value() == typed, "what was typed comes back"
    assert PayPlan.objects.filter(store=elsewhere).count() == 1


def test_the_sentence_is_spanish_where_the_person_is() -> None:
    from django.utils.translation import gettext

    field = DollarsField(label="Precio", most=500_00)
    with override("es"), pytest.raises(ValidationError) as no:
        field.clean("NaN")
    with override("es"):
        assert no.value.messages[0] != "Precio: “NaN” is not an amount. Write dollars as a plain number, such as 18.00."
        assert no.value.messages[0].startswith("Precio: “NaN”")
        assert gettext("Per mile, dollars") != "Per mile, dollars"


def test_a_stores_credit_is_in_dollars(elsewhere: Store, enter: Enter) -> None:
    client, url = enter(elsewhere), reverse("admin:stores_store_change", args=[elsewhere.pk])
    sent = settings_of(client.get(url))
    assert sent["pickup_credit_cents"] == "0.00"
    assert client.post(url, {**sent, "pickup_credit_cents": "$3"}).status_code == 302
    elsewhere.refresh_from_db()
    assert elsewhere.pickup_credit_cents == 300
    answer = client.post(url, {**sent, "pickup_credit_cents": "300"})
    (said,) = answer.context["adminform"].form.errors["pickup_credit_cents"]
    assert "“300” is more than $100.00, which is the most. Write dollars, not cents, such as 3.00." in said
    history = client.get(reverse("admin:stores_store_history", args=[elsewhere.pk])).content.decode()
    assert "Credit for customers who pick up instead, dollars" in history
    assert "$3.00" in enter(elsewhere, StaffMember.Role.BAY).get(url).content.decode()


def rule_form(store: Store, **other: Any) -> dict[str, Any]:
    return {"store": store.pk, "kind": "cost", "limit": "6.50", "least": "5", "active": "on", **other}


def test_a_stop_rule_about_pay_is_in_dollars(elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere)
    answer = client.post(reverse("admin:deliveries_stoprule_add"), rule_form(elsewhere))
    assert answer.status_code == 302, answer.context["errors"]
    rule = StopRule.objects.get(store=elsewhere)
    assert rule.limit == 650
    assert str(rule) == "Pay a drop-off over the last seven evenings, dollars: $6.50"
    change = reverse("admin:deliveries_stoprule_change", args=[rule.pk])
    assert settings_of(client.get(change))["limit"] == "6.50"
    assert "$6.50" in client.get(reverse("admin:deliveries_stoprule_changelist")).content.decode()
    # Another figure, the same words: another limit.
    assert client.post(change, rule_form(elsewhere, kind="late", limit="20")).status_code == 302
    rule.refresh_from_db()
    assert (rule.kind, rule.limit) == ("late", 20)
    assert settings_of(client.get(change))["limit"] == 20
    assert client.post(change, rule_form(elsewhere, limit="20")).status_code == 302
    rule.refresh_from_db()
    assert (rule.kind, rule.limit) == ("cost", 2000)
    for kind, limit, said in (
        ("cost", "6.505", "Pauses at: “6.505” has too many decimals"), ("late", "6.50", "Enter a whole number"),
        ("late", "0", "greater than or equal to 1"), ("nothing", "1", "valid choice"),
    ):  # fmt: skip
        refused = client.post(change, rule_form(elsewhere, kind=kind, limit=limit))
        assert said in refused.content.decode()


def test_a_correction_may_take_back_and_says_so_in_dollars(zanzibar: world.World, enter: Enter) -> None:
    from deliveries.models import LedgerEntry, Trip

    trip = Trip.objects.get(associate=zanzibar.people["Eve"])
    client = enter(zanzibar.store, StaffMember.Role.PAYROLL)
    url = reverse("admin:deliveries_trip_verb", args=["correct"])
    asked = {"ids": trip.pk, "reason": "Toll", "key": "00000000-0000-4000-8000-000000000001"}
    for wrong in ("NaN", "1e2", "1000.01", "-1000.01", "2.405"):
        assert f"Add, dollars: “{wrong}”" in client.post(url, {**asked, "amount": wrong}).content.decode()
    assert client.post(url, {**asked, "amount": "$2.40"}).status_code == 302
    other = {**asked, "amount": "-$0.40", "key": "00000000-0000-4000-8000-000000000002"}
    assert client.post(url, other).status_code == 302
    lines = LedgerEntry.objects.filter(trip=trip, kind="correction").order_by("pk")
    assert [line.cents for line in lines] == [240, -40]


def test_a_new_store_begins_without_a_credit(enter: Enter) -> None:
    page = enter(user=make.user(is_staff=True, is_superuser=True)).get(reverse("admin:stores_store_add"))
    assert settings_of(page)["pickup_credit_cents"] == "0.00"
