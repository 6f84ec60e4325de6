"""What staff do to promises: take back, reassign, force, override, pause. Who, when, why; nobody's pay or limit suffers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from associates.models import Associate, Shift
from deliveries import actors
from deliveries.actions import handover, reassign, reclaim, running, trips
from deliveries.models import Event, LedgerEntry, Notice, Offer, Package, StoreEvent, Trip
from deliveries.states import OfferState, PackageState, TripState
from stores.models import StaffMember, Store
from tests import make

from . import world
from .world import World

Enter = Callable[..., Client]
P = PackageState


def post(client: Client, model: str, verb: str, row: object, **answers: object) -> object:
    url = reverse(f"admin:{model}_verb", args=[verb])
    assert client.get(f"{url}?ids={row.pk}").status_code == 200  # type: ignore[attr-defined]
    return client.post(url, {"ids": row.pk, **answers})  # type: ignore[attr-defined]


def trip_of(zanzibar: World, name: str = "Dee") -> Trip:
    return Trip.objects.get(associate=zanzibar.people[name])


def standing_by(zanzibar: World, **fields: object) -> tuple[Associate, Shift]:
    """Somebody at the bay whose shift has just ended, with nothing on a trip."""
    worker = make.employee(zanzibar.store, first_name="Fay", last_name="Zanzibar")
    person = make.associate(zanzibar.store, employee=worker, **fields)
    return person, make.shift(person, ends_at=world.NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("verb", "name", "state"),
    [
        ("withdraw", "offered", P.STAGED),
        ("release", "claimed", P.STAGED),
        ("tender", "offered", P.WITH_CARRIER),
        ("tender", "claimed", P.WITH_CARRIER),
        ("force_hold", "offered", P.HELD_FOR_PICKUP),
        ("force_hold", "claimed", P.HELD_FOR_PICKUP),
    ],
)
def test_a_promise_is_taken_back_with_a_reason(zanzibar: World, enter: Enter, verb: str, name: str, state: str) -> None:
    lead = make.staff(zanzibar.store)
    client = enter(user=lead)
    package = zanzibar.packages[name]
    trip = trip_of(zanzibar) if name == "claimed" else None
    assert (
        "This field is required"
        in client.post(
            reverse("admin:deliveries_package_verb", args=[verb]), {"ids": package.pk, "reason": ""}
        ).content.decode()
    )
    post(client, "deliveries_package", verb, package, reason="flat tyre")
    package.refresh_from_db()
    assert package.state == state
    events = list(package.events.filter(by_user=lead))
    assert events
    assert {event.reason for event in events} == {"flat tyre"}
    if trip:
        before = trip.pay_cents
        trip.refresh_from_db()
        assert trip.pay_cents >= before, "what the store takes off lowers no pay"
        assert list(trip.packages.all()) == [zanzibar.packages["claimed too"]]
        assert trip.stops.count() == 1
        assert set(trip.promise.packages) == {zanzibar.packages["claimed too"].pk}
    else:
        assert not Offer.objects.filter(associate=zanzibar.people["Ben"], state=OfferState.SENT).exists()


def test_the_last_package_ends_the_trip(zanzibar: World) -> None:
    by, now = actors.staff(make.staff(zanzibar.store).pk), world.NOW
    for name in ("claimed", "claimed too"):
        package = Package.objects.get(pk=zanzibar.packages[name].pk)
        reclaim.reclaim(
            package=package, by=by, now=now, reason="rain", rest=reclaim.rest_of(package.trip, package, now)
        )
    trip = trip_of(zanzibar)
    assert (trip.state, trip.ended_at, trip.stops.count()) == (TripState.ABANDONED, now, 0)
    assert trip.called_off, "called off by the store: it pays what it promised"


def test_out_of_the_car_again(zanzibar: World, enter: Enter) -> None:
    package, trip = zanzibar.packages["claimed"], trip_of(zanzibar)
    handover.load(trip=trip, label=package.label, by=actors.system("test"), now=world.NOW)
    post(enter(zanzibar.store, StaffMember.Role.BAY), "deliveries_package", "unload", package, reason="wet")
    package.refresh_from_db()
    assert (package.state, package.holder_id, package.trip_id) == (P.STAGED, None, None)


def test_what_is_on_the_road_cannot_be_taken_back(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    package = zanzibar.packages["out"]
    client.post(
        reverse("admin:deliveries_package_verb", args=["tender"]), {"ids": package.pk, "reason": "hurry"}, follow=True
    )
    package.refresh_from_db()
    assert package.state == P.OUT


def test_reassigned_with_an_exact_quote_and_both_are_told(zanzibar: World, enter: Enter) -> None:
    fay, shift = standing_by(zanzibar)
    lead = make.staff(zanzibar.store)
    package, old = zanzibar.packages["claimed"], trip_of(zanzibar)
    client, key = enter(user=lead), uuid4()
    page = client.get(reverse("admin:deliveries_package_verb", args=["reassign"]) + f"?ids={package.pk}")
    assert "Fay Zanzibar, shift ends 6:05 p.m." in page.content.decode()
    assert "AnaZanzibar" not in page.content.decode(), "who is on the road is not asked"
    answers = {"shift": shift.pk, "reason": "car trouble", "key": key}
    refused = client.post(reverse("admin:deliveries_package_verb", args=["reassign"]), {"ids": package.pk, **answers})
    assert "Nobody is given a package without their word" in refused.content.decode()
    for _twice in range(2):
        client.post(
            reverse("admin:deliveries_package_verb", args=["reassign"]), {"ids": package.pk, "agreed": "on", **answers}
        )
    package.refresh_from_db()
    trip = Trip.objects.get(associate=fay)
    assert (package.state, package.trip_id) == (P.CLAIMED, trip.pk)
    planned = reassign.quoting.plan_trip(fay, shift, [package], now=world.NOW)
    assert trip.pay_cents == planned.quote.cents == trip.promise.cents
    verbs = list(package.events.filter(by_user=lead).order_by("version").values_list("verb", "reason"))
    assert verbs == [("release", "car trouble"), ("claim", "car trouble")]
    told = set(Notice.objects.filter(kind__in=["trip_added", "trip_changed"]).values_list("kind", "associate"))
    assert ("trip_added", fay.pk) in told
    old.refresh_from_db()
    assert old.pay_cents >= 1

    own = enter(user=fay.user).get("/today/").content.decode()
    assert "Your store changed this trip at 6:00 pm." in own
    assert f"New on it: {package.label}." in own
    left = enter(user=zanzibar.people["Dee"].user).get("/today/").content.decode()
    assert f"Off it: {package.label}." in left


@pytest.mark.parametrize(
    "why",
    ["packages", "minutes", "resting", "paused", "weight"],
)
def test_never_over_an_associates_own_limit(zanzibar: World, why: str) -> None:
    limits = {"packages": {"max_package_weight_g": 100}, "minutes": {"max_extra_minutes": 5},
              "weight": {"max_package_weight_g": 500, "max_total_weight_g": 500}}.get(why, {})  # fmt: skip
    fay, shift = standing_by(zanzibar, limits=limits)
    if why == "resting":
        fay.resting_on = zanzibar.store.evening(world.NOW)
    if why == "paused":
        fay.state = Associate.State.PAUSED
    fay.save()
    package = Package.objects.get(pk=zanzibar.packages["claimed"].pk)
    if why == "minutes":
        package.lat += 0.1
        package.save(update_fields=["lat"])

    def try_it() -> None:
        planned = reassign.plan_for(package, fay, shift, world.NOW)
        reassign.reassign(
            package=package, planned=planned, to=fay, by=actors.system("test"), now=world.NOW, reason="x", key=uuid4()
        )

    with pytest.raises(reassign.CannotTake) as no:
        try_it()
    assert str(no.value).startswith("This person cannot take it tonight"), "one sentence, whatever the reason"
    package.refresh_from_db()
    assert (package.state, package.trip_id) == (P.CLAIMED, trip_of(zanzibar).pk), "nothing has moved"


def test_a_trip_that_grows_pays_no_less(zanzibar: World) -> None:
    """From the shelf onto a trip that is claimed already."""
    dee = zanzibar.people["Dee"]
    trip = trip_of(zanzibar)
    before = trip.pay_cents
    package = Package.objects.get(pk=zanzibar.packages["staged"].pk)
    planned = reassign.plan_for(package, dee, trip.shift, world.NOW)
    reassign.reassign(
        package=package, planned=planned, to=dee, by=actors.staff(make.staff(zanzibar.store).pk), now=world.NOW,
        reason="asked for more", key=uuid4(),
    )  # fmt: skip
    trip.refresh_from_db()
    assert trip.packages.count() == 3
    assert trip.pay_cents > before
    for package in trip.packages.all():
        handover.load(trip=trip, label=package.label, by=actors.system("test"), now=world.NOW)
    trips.depart(trip=trip, by=dee, now=world.NOW)


def test_the_stores_radius_is_overridden_and_nothing_else(zanzibar: World, enter: Enter) -> None:
    far = make.package(zanzibar.store, now=world.NOW, associate_ok=False, kept_because="radius")
    theirs = make.package(zanzibar.store, now=world.NOW, associate_ok=False, kept_because="retailer")
    client = enter(zanzibar.store)
    assert (
        "Let an associate bring it"
        in client.get(reverse("admin:deliveries_package_change", args=[far.pk])).content.decode()
    )
    assert (
        "Let an associate bring it"
        not in client.get(reverse("admin:deliveries_package_change", args=[theirs.pk])).content.decode()
    )
    for package in (far, theirs):
        post(client, "deliveries_package", "override", package, reason="on somebody's way")
        package.refresh_from_db()
    assert (far.associate_ok, theirs.associate_ok) == (True, False)
    assert far.events.latest("version").verb == "override"
    assert not theirs.events.filter(verb="override").exists()


def test_pausing_withdraws_offers_and_leaves_trips(zanzibar: World, enter: Enter) -> None:
    lead = make.staff(zanzibar.store)
    post(enter(user=lead), "stores_store", "pause", zanzibar.store, reason="ice on the roads")
    zanzibar.store.refresh_from_db()
    assert zanzibar.store.stage == Store.Stage.PAUSED
    assert not Offer.objects.filter(store=zanzibar.store, state=OfferState.SENT).exists()
    assert trip_of(zanzibar).state == TripState.PLANNED
    decision = StoreEvent.objects.get(verb="set_stage")
    assert (decision.before, decision.after, decision.by_user, decision.reason) == (
        "pilot", "paused", lead, "ice on the roads",
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        StoreEvent.objects.update(reason="nicer")


def test_the_stage_is_no_field_to_edit(zanzibar: World, enter: Enter) -> None:
    page = enter(zanzibar.store).get(reverse("admin:stores_store_change", args=[zanzibar.store.pk])).content.decode()
    assert 'name="stage"' not in page
    assert 'name="carrier_cutoff"' in page


def test_tonights_cutoff_moves_tonight_only(zanzibar: World, enter: Enter) -> None:
    store = zanzibar.store
    usual = store.cutoff(store.evening(world.NOW))
    post(enter(store), "stores_store", "move_cutoff", store, to="22:45", reason="the truck is late")
    store.refresh_from_db()
    assert store.cutoff(store.evening(world.NOW)) - usual == timedelta(minutes=75)
    tomorrow = world.NOW + timedelta(days=1)
    assert store.cutoff(store.evening(tomorrow)) - usual == timedelta(days=1)
    for to in (time(17, 0), time(1, 0)):
        with pytest.raises(running.CutoffTooLate):
            running.move_cutoff(store=store, to=to, by=actors.system("test"), now=world.NOW, reason="x")


def test_pay_is_corrected_by_payroll_with_a_reason(zanzibar: World, enter: Enter) -> None:
    trip = trip_of(zanzibar, "Eve")
    payroll = make.staff(zanzibar.store, StaffMember.Role.PAYROLL)
    client, key = enter(user=payroll), uuid4()
    for _twice in range(2):
        post(client, "deliveries_trip", "correct", trip, amount="2.50", reason="toll", key=key)
    line = LedgerEntry.objects.get(trip=trip, kind="correction")
    assert (line.cents, line.by_user, line.reason) == (250, payroll, "toll")
    refused = enter(zanzibar.store, StaffMember.Role.LEAD).get(
        reverse("admin:deliveries_trip_verb", args=["correct"]) + f"?ids={trip.pk}"
    )
    assert refused.status_code == 403


def test_who_cannot_go_on_is_on_the_board_at_once(zanzibar: World, enter: Enter) -> None:
    from deliveries.actions import exceptions

    ana = zanzibar.people["Ana"]
    exceptions.cannot_go_on(trip=trip_of(zanzibar, "Ana"), by=ana, now=world.NOW, key=uuid4())
    page = enter(zanzibar.store).get(reverse("staff:tonight")).content.decode()
    assert "AnaZanzibar cannot go on, since 6:00 pm: 2 packages are to come back." in page


def test_events_cannot_be_edited(zanzibar: World, enter: Enter) -> None:
    event = Event.objects.filter(store=zanzibar.store).latest("pk")
    client = enter(zanzibar.store, StaffMember.Role.DISTRICT)
    client.post(reverse("admin:deliveries_event_change", args=[event.pk]), {"reason": "nicer"})
    event.refresh_from_db()
    assert event.reason != "nicer"
