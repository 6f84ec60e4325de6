"""Verbs from the admin and the bay: who may, what is written down, and that nothing else can be written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from associates.models import Associate
from deliveries.admin.verbs import VerbAdmin
from deliveries.models import DeliveryException, Event, LedgerEntry, Offer, Package, Tender, Trip
from deliveries.states import OfferState, TripState
from stores.models import PayPlan, StaffMember, Store
from tests import make

from . import world
from .world import World

Enter = Callable[..., Client]
ROLES = StaffMember.Role


def verb_url(model: str, verb: str) -> str:
    return reverse(f"admin:deliveries_{model}_verb", args=[verb])


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("verb", "name", "answer", "state"),
    [
        ("stage", "received", {}, "staged"),
        ("stage", "returned", {}, "staged"),
        ("hold", "staged", {"reason": "the customer called"}, "held_for_pickup"),
        ("collect", "held", {}, "delivered"),
        ("tender", "staged", {"reason": "nobody is on tonight"}, "with_carrier"),
        ("cancel", "received", {"reason": "order off"}, "cancelled"),
        ("receive_return", "attempted", {}, "returned"),
    ],
)
def test_a_verb_moves_the_package_and_says_who_and_why(
    zanzibar: World, enter: Enter, verb: str, name: str, answer: dict[str, str], state: str
) -> None:
    lead = make.staff(zanzibar.store)
    client = enter(user=lead)
    package = zanzibar.packages[name]
    page = client.get(f"{verb_url('package', verb)}?ids={package.pk}")
    assert package.label in text_of(page)
    package.refresh_from_db()
    assert package.version == zanzibar.packages[name].version, "looking moves nothing"
    response = client.post(verb_url("package", verb), {"ids": package.pk, **answer})
    assert response["Location"] == reverse("admin:deliveries_package_change", args=[package.pk])
    package.refresh_from_db()
    event = package.events.latest("version")
    assert (package.state, event.verb, event.by_kind, event.by_user) == (state, verb, "staff", lead)
    assert event.reason == answer.get("reason", "")
    entry = LogEntry.objects.get(user=lead)
    assert entry.change_message == (f"{verb}: {answer['reason']}" if answer else verb)
    history = text_of(client.get(reverse("admin:deliveries_package_history", args=[package.pk])))
    assert entry.change_message in history


def test_a_reason_is_asked_for_where_one_is_owed(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    package = zanzibar.packages["staged"]
    for reason in ("", "   "):
        response = client.post(verb_url("package", "hold"), {"ids": package.pk, "reason": reason})
        assert response.status_code == 200
        assert "This field is required" in text_of(response)
    package.refresh_from_db()
    assert package.state == "staged"


def test_a_refusal_is_shown_as_its_sentence(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    both = f"{zanzibar.packages['received'].pk},{zanzibar.packages['out'].pk}"
    asked = text_of(client.get(f"{verb_url('package', 'stage')}?ids={both}"))
    assert "Not possible as it is now" in asked
    shown = text_of(client.post(verb_url("package", "stage"), {"ids": both}, follow=True))
    assert "Stage: done for 1." in shown
    assert "That is no longer possible: somebody was faster" in shown
    assert Package.objects.get(pk=zanzibar.packages["out"].pk).state == "out"
    assert Package.objects.get(pk=zanzibar.packages["received"].pk).state == "staged"


def test_the_lists_actions_lead_to_the_same_page(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    ids = [zanzibar.packages["received"].pk, zanzibar.packages["weak"].pk]
    response = client.post(
        reverse("admin:deliveries_package_changelist"), {"action": "stage", "_selected_action": ids, "index": 0}
    )
    assert response.status_code == 302
    assert set(response["Location"].partition("ids=")[2].split(",")) == {str(pk) for pk in ids}
    assert "delete_selected" not in text_of(client.get(reverse("admin:deliveries_package_changelist")))


def test_a_confirmed_pin_can_be_offered(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    weak = zanzibar.packages["weak"]
    answer = {"ids": weak.pk, "lat": "40.6601", "lon": "-74.1101", "reason": "looked at the map"}
    bad = client.post(verb_url("package", "confirm_pin"), {**answer, "lat": "nan"})
    assert bad.status_code == 200
    client.post(verb_url("package", "confirm_pin"), answer)
    weak.refresh_from_db()
    assert (weak.precision, weak.lat, weak.lon) == ("manual", 40.6601, -74.1101)
    assert LogEntry.objects.latest("pk").change_message == "confirm_pin: looked at the map"


def test_an_offer_is_withdrawn_with_a_reason(zanzibar: World, enter: Enter) -> None:
    lead = make.staff(zanzibar.store)
    client = enter(user=lead)
    offer = zanzibar.one(Offer)
    client.post(verb_url("offer", "withdraw"), {"ids": offer.pk, "reason": "fire drill"})
    offer.refresh_from_db()
    assert offer.state == OfferState.WITHDRAWN
    event = zanzibar.packages["offered"].events.latest("version")
    assert (event.verb, event.by_user, event.reason) == ("release", lead, "fire drill")
    gone = client.get(f"{verb_url('offer', 'withdraw')}?ids={offer.pk}")
    assert gone.status_code == 404


def test_a_trip_is_given_up_for_somebody(zanzibar: World, enter: Enter) -> None:
    lead = make.staff(zanzibar.store)
    client = enter(user=lead)
    trip = zanzibar.one(Trip)
    client.post(verb_url("trip", "abandon"), {"ids": trip.pk, "reason": "she called: flat tyre"})
    trip.refresh_from_db()
    assert trip.state == TripState.ABANDONED
    out = Package.objects.get(pk=zanzibar.packages["out"].pk)
    assert (out.state, out.holder) == ("returning", zanzibar.people["Ana"]), "custody stays until the store has it"
    assert out.events.latest("version").by_user == lead
    assert DeliveryException.objects.filter(package=out).latest("pk").note == "she called: flat tyre"


BAY = {"stage", "hold", "collect", "receive_return", "unload"}
LEAD = {"tender", "cancel", "confirm_pin", "withdraw", "release", "reassign", "override", "force_hold"}


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (ROLES.BAY, BAY),
        (ROLES.LEAD, BAY | LEAD),
        (ROLES.DISTRICT, BAY | LEAD),
        (ROLES.PAYROLL, set()),
        (ROLES.SUPPORT, set()),
    ],
)
def test_roles_may_what_scope_says(zanzibar: World, enter: Enter, role: str, may: set[str]) -> None:
    client = enter(zanzibar.store, role)
    page = admin.site._registry[Package]
    assert isinstance(page, VerbAdmin)
    before = Event.objects.count()
    for verb in page.verbs:
        url = f"{page.verb_url(verb)}?ids={zanzibar.packages['received'].pk}"
        assert client.get(url).status_code == (200 if verb.name in may else 403), verb.name
        if verb.name not in may:
            answer = {"ids": zanzibar.packages["received"].pk, "reason": "anyway", "lat": "40.6", "lon": "-74.1"}
            assert client.post(page.verb_url(verb), answer).status_code == 403
    assert Event.objects.count() == before
    shown = text_of(client.get(reverse("admin:deliveries_package_change", args=[zanzibar.packages["received"].pk])))
    for verb in page.verbs:
        now = "received" in verb.states and verb.name != "override"  # which needs a package beyond the radius
        assert (f"/verb/{verb.name}/" in shown) == (verb.name in may and now), verb.name
    scanned = client.post(
        reverse("staff:bay") + "?mode=stage", {"code": zanzibar.packages["received"].label}, headers={"X-Part": "1"}
    )
    assert ("Your role does not include this" in text_of(scanned)) == ("stage" not in may)


def test_a_role_counts_in_its_own_store_only(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    """Lead elsewhere and bay here: no cancelling here."""
    person = make.staff(elsewhere, ROLES.LEAD)
    StaffMember.objects.create(user=person, store=zanzibar.store, role=ROLES.BAY)
    client = enter(user=person)
    package = zanzibar.packages["received"]
    assert client.get(f"{verb_url('package', 'cancel')}?ids={package.pk}").status_code == 403
    assert client.get(f"{verb_url('package', 'stage')}?ids={package.pk}").status_code == 200
    store = reverse("admin:stores_store_change", args=[zanzibar.store.pk])
    client.post(store, {"radius_m": 1})
    zanzibar.store.refresh_from_db()
    assert zanzibar.store.radius_m == 24_000


def test_a_role_taken_away_is_gone_at_the_next_request(zanzibar: World, enter: Enter) -> None:
    person = make.staff(zanzibar.store)
    client = enter(user=person)
    assert client.get(reverse("staff:tonight")).status_code == 200
    person.staff_roles.all().delete()
    assert client.get(reverse("staff:tonight")).status_code == 403


def test_nothing_a_verb_owns_is_written_by_a_form(zanzibar: World, enter: Enter) -> None:
    """POST every column of every read-only row, as a superuser; the rows stay byte for byte as they were."""
    client = enter(user=make.user(is_staff=True, is_superuser=True))
    models = {Package, Trip, Offer, Event, LedgerEntry, DeliveryException, *(
        type(row) for row in zanzibar.rows if type(row).__name__ in ("Proof", "Manifest", "Round", "Employee", "Shift")
    )}  # fmt: skip
    for row in zanzibar.rows:
        if type(row) not in models:
            continue
        name = f"{row._meta.app_label}_{row._meta.model_name}"
        before = type(row)._default_manager.filter(pk=row.pk).values().get()
        forged = {
            **{field.attname: "1" for field in row._meta.concrete_fields},
            **{field.name: "1" for field in row._meta.concrete_fields},
            "state": "delivered", "cents": "999999", "reason": "forged", "_save": "Save",
        }  # fmt: skip
        assert client.post(reverse(f"admin:{name}_change", args=[row.pk]), forged).status_code == 403, name
        assert client.post(reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403, name
        assert client.post(reverse(f"admin:{name}_add"), forged).status_code == 403, name
        assert type(row)._default_manager.filter(pk=row.pk).values().get() == before


def test_an_associates_own_things_stay_theirs(zanzibar: World, enter: Enter) -> None:
    ana = zanzibar.people["Ana"]
    before = Associate.objects.filter(pk=ana.pk).values().get()
    forged = {
        "insured_until": "2027-06-30", "state": "left", "area": "Elsewhere", "resting_on": "2026-11-24",
        "first_name": "Eve", "adult_from": "1990-01-01", "consents-TOTAL_FORMS": 0, "consents-INITIAL_FORMS": 0,
    }  # fmt: skip
    enter(zanzibar.store).post(reverse("admin:associates_associate_change", args=[ana.pk]), forged)
    after = Associate.objects.filter(pk=ana.pk).values().get()
    assert str(after.pop("insured_until")) == "2027-06-30"
    before.pop("insured_until")
    assert after == before


def test_a_pay_plan_in_force_is_history(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    plan = zanzibar.one(PayPlan)
    fields = {
        "store": zanzibar.store.pk, "hourly_cents": "20", "per_package_cents": "1.00", "mileage_tenth_cents": "0.725",
    }  # fmt: skip
    change = reverse("admin:stores_payplan_change", args=[plan.pk])
    assert client.post(change, {**fields, "effective_from": "2026-12-01"}).status_code == 403
    assert client.post(reverse("admin:stores_payplan_delete", args=[plan.pk]), {"post": "yes"}).status_code == 403
    add = reverse("admin:stores_payplan_add")
    for day in ("2026-11-01", "2026-11-24"):
        assert "A new plan begins tomorrow" in text_of(client.post(add, {**fields, "effective_from": day}))
    client.post(add, {**fields, "effective_from": "2026-12-01"})
    later = PayPlan.objects.get(effective_from="2026-12-01")
    client.post(
        reverse("admin:stores_payplan_change", args=[later.pk]),
        {**fields, "effective_from": "2026-12-01", "hourly_cents": "21.00"},
    )
    later.refresh_from_db()
    assert later.hourly_cents == 2100
    assert enter(zanzibar.store, ROLES.BAY).get(add).status_code == 403
    assert enter(zanzibar.store, ROLES.PAYROLL).get(add).status_code == 200


def test_the_stores_settings_are_a_leads_but_not_its_stage_or_place(zanzibar: World, enter: Enter) -> None:
    store = zanzibar.store
    client = enter(store)
    url = reverse("admin:stores_store_change", args=[store.pk])
    form = client.get(url).context["adminform"].form
    answer = {name: form.initial.get(name) for name in form.fields}
    client.post(url, {**answer, "stage": "paused", "lat": "0", "number": "1", "phone": ""})
    fresh = Store.objects.get(pk=store.pk)
    assert fresh.stage == store.stage, "the stage is set by a verb, with a reason"
    assert (fresh.lat, fresh.number) == (store.lat, store.number), "where the store is, only a superuser changes"
    assert enter(store).get(reverse("admin:stores_store_add")).status_code == 403


def test_a_key_is_revoked_by_a_superuser(zanzibar: World, enter: Enter) -> None:
    from stores.models import ApiKey

    key = zanzibar.one(ApiKey)
    url = reverse("admin:stores_apikey_change", args=[key.pk])
    assert enter(zanzibar.store).post(url, {"revoke": "on"}).status_code == 403
    client = enter(user=make.user(is_staff=True, is_superuser=True))
    assert "secret_hash" not in text_of(client.get(url))
    client.post(url, {"revoke": "on"})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_the_bay_stages_hands_over_and_takes_back(zanzibar: World, enter: Enter) -> None:
    hand = make.staff(zanzibar.store, ROLES.BAY)
    client = enter(user=hand)
    bay = reverse("staff:bay")
    part = {"X-Part": "1"}

    received = zanzibar.packages["received"]
    typed = f" {received.label[:3].lower()}-{received.label[3:]} "
    assert "On the bay." in text_of(client.post(f"{bay}?mode=stage", {"code": typed}, headers=part))
    assert "Already on the bay." in text_of(client.post(f"{bay}?mode=stage", {"code": typed}, headers=part))
    by_reference = client.post(f"{bay}?mode=stage", {"code": zanzibar.packages["weak"].reference}, headers=part)
    assert "confirm it before it can be offered" in text_of(by_reference)
    assert received.events.latest("version").by_user == hand

    trip = Trip.objects.get(associate=zanzibar.people["Dee"])
    over = f"{bay}?mode=handover&trip={trip.pk}"
    first = zanzibar.packages["claimed"]
    wrong = text_of(client.post(over, {"code": zanzibar.packages["staged"].label}, headers=part))
    assert "That package is not on this trip" in wrong
    assert "It is now: staged" in wrong
    shown = text_of(client.post(over, {"code": first.label}, headers=part))
    assert "1 of 2 handed over" in shown
    first.refresh_from_db()
    assert (first.state, first.holder) == ("loaded", zanzibar.people["Dee"])
    second = zanzibar.packages["claimed too"]
    assert "Reported missing" in text_of(client.post(over, {"missing": second.pk}, headers=part))
    assert Package.objects.get(pk=second.pk).state == "received"
    assert client.post(over, {"missing": "9" * 18}, headers=part).status_code == 404

    back = text_of(client.post(f"{bay}?mode=returns", {"code": zanzibar.packages["attempted"].label}, headers=part))
    assert "Back in the store" in back
    assert Package.objects.get(pk=zanzibar.packages["attempted"].pk).state == "returned"


def test_the_bay_works_without_script(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store, ROLES.BAY)
    label = zanzibar.packages["received"].label
    response = client.post(reverse("staff:bay"), {"code": label}, follow=True)
    assert f"{label} · On the bay." in text_of(response)
    assert "No package here has that code" in text_of(client.post(reverse("staff:bay"), {"code": "nope"}, follow=True))
    for code in ("\x00", "%", "' OR 1=1", "😀" * 40, "x" * 5000):
        assert client.post(reverse("staff:bay"), {"code": code}, follow=True).status_code == 200


def test_insurance_that_ends_is_said_in_words(zanzibar: World, enter: Enter) -> None:
    Associate.objects.filter(pk=zanzibar.people["Ben"].pk).update(insured_until=world.NOW.date() + timedelta(days=9))
    Associate.objects.filter(pk=zanzibar.people["Cyd"].pk).update(insured_until=world.NOW.date() - timedelta(days=9))
    shown = text_of(enter(zanzibar.store).get(reverse("admin:associates_associate_changelist")))
    assert "ended on 2026-11-15" in shown
    assert "until 2026-12-03" in shown
    assert Tender.objects.count() == 1
