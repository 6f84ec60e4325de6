"""Handing packages over to a colleague on the road: code, quote, both words, custody, and pay that is fair to both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from associates.models import Associate, Shift
from deliveries.actions import dropoffs, exceptions, transfers, trips
from deliveries.actions.claims import claim
from deliveries.models import Claim, Event, Package, Transfer, Trip
from deliveries.states import PackageState, TripState
from deliveries.views import transfers as pages
from tests import make
from tests.live import road

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_six() -> Iterator[None]:
    """At night the store is past its cut-off, and nobody is just after their shift."""
    with time_machine.travel(make.EVENING, tick=True):
        yield


def colleague(made: road.Road, *, on_the_road: bool) -> Associate:
    """Ben of the same store: on a trip of his own, or just after his shift."""
    ben = make.associate(made.store, employee=make.employee(made.store, first_name="Ben"))
    shift = make.shift(ben, ends_at=made.now - timedelta(minutes=20))
    if on_the_road:
        _trip_of(ben, shift, made)
    return ben


def _trip_of(ben: Associate, shift: Shift, made: road.Road) -> Trip:
    from deliveries import actors, quoting
    from deliveries.actions import handover

    package = make.package(made.store, now=made.now)
    planned = quoting.plan_trip(ben, shift, [package])
    trip = claim(planned=planned, shown=planned.quote.digest, by=ben, now=made.now, key=uuid4())
    handover.load(trip=trip, label=package.label, by=actors.associate(ben.user_id), now=made.now)
    return trips.depart(trip=trip, by=ben, now=made.now)


def pass_on(made: road.Road, ben: Associate, packages: list[Package]) -> Transfer:
    now = timezone.now()
    _open, code = transfers.begin(trip=made.trip, packages=packages, by=made.ana, now=now)
    found = transfers.find(code=f" {code.lower()[:3]}-{code[3:]}", by=ben, now=now)
    base, planned = pages.plan(ben, found, now)
    transfers.take(transfer=found, planned=planned, base=base, shown=planned.quote.digest, by=ben, now=now)
    return transfers.confirm(transfer=found, by=made.ana, now=now)


@pytest.mark.parametrize("on_the_road", [True, False])
def test_custody_moves_and_both_are_paid_what_they_were_told(on_the_road: bool) -> None:
    made = road.under_way(3)
    ben = colleague(made, on_the_road=on_the_road)
    theirs = Trip.objects.filter(associate=ben).first()
    promised = theirs.pay_cents if theirs else 0
    pass_on(made, ben, made.packages[1:])
    for package in made.packages[1:]:
        package.refresh_from_db()
        assert (package.state, package.holder_id) == (PackageState.OUT, ben.pk)
    made.packages[0].refresh_from_db()
    assert made.packages[0].holder_id == made.ana.pk
    taken = Trip.objects.get(associate=ben)
    assert taken.state == TripState.UNDER_WAY
    assert taken.pay_cents > promised
    if theirs:
        assert all(new.cents >= old.cents for old, new in zip(theirs.promise.lines, taken.promise.lines, strict=False))
    assert Event.objects.filter(trip=taken, verb="transfer", by_user=made.ana.user).count() == 2
    assert Claim.objects.filter(trip=taken, released_at=None).count() == (3 if on_the_road else 2)
    assert [stop.position for stop in taken.stops.all()] == list(range(1, taken.stops.count() + 1))
    # Both finish, and nobody is below their quote.
    before = Trip.objects.get(pk=made.trip.pk).pay_cents
    assert before == made.trip.pay_cents, "the giver keeps what was promised"
    made.deliver(made.packages[0])
    for claim_ in Claim.objects.filter(trip=taken, released_at=None).select_related("package"):
        dropoffs.deliver(
            package=claim_.package, by=ben, now=timezone.now(), key=uuid4(),
            position=dropoffs.Position(claim_.package.point, 5),
        )  # fmt: skip
    for trip in Trip.objects.all():
        assert trip.state == TripState.FINISHED
        settled = trips.settle(trip=trip, now=timezone.now() + timedelta(minutes=5))
        assert settled.paid_cents is not None
        assert settled.paid_cents >= settled.pay_cents


def test_all_of_them_ends_the_givers_trip() -> None:
    made = road.under_way(2)
    ben = colleague(made, on_the_road=True)
    pass_on(made, ben, made.packages)
    made.trip.refresh_from_db()
    assert made.trip.state == TripState.FINISHED
    assert not made.ana.holding.exists()


def test_after_the_car_broke_down() -> None:
    made = road.under_way(2)
    ben = colleague(made, on_the_road=False)
    now = timezone.now()
    exceptions.cannot_go_on(trip=made.trip, reason="car", by=made.ana, now=now, key=uuid4())
    pass_on(made, ben, made.packages)
    made.trip.refresh_from_db()
    assert made.trip.state == TripState.ABANDONED
    assert {package.state for package in ben.holding.all()} == {PackageState.OUT}
    assert not made.packages[0].exceptions.filter(resolved_at=None).exists()


def test_twice_is_once_and_nothing_before_both_have_said_so() -> None:
    made = road.under_way(2)
    ben = colleague(made, on_the_road=True)
    now = timezone.now()
    opened, code = transfers.begin(trip=made.trip, packages=made.packages, by=made.ana, now=now)
    with pytest.raises(transfers.TransferChanged):
        transfers.confirm(transfer=opened, by=made.ana, now=now)
    base, planned = pages.plan(ben, opened, now)
    with pytest.raises(transfers.TransferChanged):
        transfers.take(transfer=opened, planned=planned, base=base, shown="another", by=ben, now=now)
    for _twice in range(2):
        transfers.take(transfer=opened, planned=planned, base=base, shown=planned.quote.digest, by=ben, now=now)
    assert made.ana.holding.count() == 2
    with pytest.raises(transfers.NoTransfer):
        transfers.find(code=code, by=make.associate(made.store), now=now)
    for _twice in range(2):
        transfers.confirm(transfer=opened, by=made.ana, now=now)
    assert made.ana.holding.count() == 0
    assert Event.objects.filter(verb="transfer").count() == 2


def test_what_changed_meanwhile_is_not_handed_over() -> None:
    made = road.under_way(2)
    ben = colleague(made, on_the_road=True)
    now = timezone.now()
    opened, _code = transfers.begin(trip=made.trip, packages=made.packages, by=made.ana, now=now)
    base, planned = pages.plan(ben, opened, now)
    transfers.take(transfer=opened, planned=planned, base=base, shown=planned.quote.digest, by=ben, now=now)
    made.deliver(made.packages[0])
    with pytest.raises(transfers.TransferChanged):
        transfers.confirm(transfer=opened, by=made.ana, now=now)
    assert ben.holding.count() == 1
    transfers.withdraw(transfer=opened, by=ben, now=now)
    with pytest.raises(transfers.TransferChanged):
        transfers.confirm(transfer=opened, by=made.ana, now=now)


def test_codes_are_for_colleagues_and_for_a_quarter_of_an_hour() -> None:
    made = road.under_way(1)
    ben = colleague(made, on_the_road=True)
    now = timezone.now()
    opened, code = transfers.begin(trip=made.trip, packages=made.packages, by=made.ana, now=now)
    stranger = make.associate(make.store())
    for who, when, what in (
        (stranger, now, code), (made.ana, now, code), (ben, now, "000000"), (ben, now + timedelta(minutes=16), code),
    ):  # fmt: skip
        with pytest.raises(transfers.NoTransfer):
            transfers.find(code=what, by=who, now=when)
    assert bytes(opened.code_hash) != code.encode()
    again, _other = transfers.begin(trip=made.trip, packages=made.packages, by=made.ana, now=now)
    opened.refresh_from_db()
    assert opened.withdrawn_at is not None
    assert transfers.open_one(made.trip, now) == again


def test_somebody_who_may_not_take_them() -> None:
    made = road.under_way(1)
    now = timezone.now()
    opened, _code = transfers.begin(trip=made.trip, packages=made.packages, by=made.ana, now=now)
    idle = make.associate(made.store)
    with pytest.raises(transfers.CannotTake):
        pages.plan(idle, opened, now)
    ben = colleague(made, on_the_road=True)
    Package.objects.update(email=ben.user.email)
    with pytest.raises(transfers.CannotTake):
        pages.plan(ben, opened, now)


def test_the_pages(client: Client) -> None:
    made = road.under_way(2)
    ben = colleague(made, on_the_road=True)
    client.force_login(made.ana.user)
    assert client.post("/trip/hand-over/").status_code == 422
    page = client.post("/trip/hand-over/", {"package": [made.packages[1].pk]}, follow=True)
    code = page.context["code"]
    assert code in page.content.decode()
    theirs = Client()
    theirs.force_login(ben.user)
    assert theirs.post("/trip/take-over/", {"code": "nonsense"}).status_code == 409
    assert theirs.post("/trip/take-over/", {"code": ""}).status_code == 422
    looked = theirs.post("/trip/take-over/", {"code": code})
    assert "From Ana" in looked.content.decode()
    took = theirs.post("/trip/take-over/", {"code": code, "shown": looked.context["quote"].digest}, follow=True)
    assert "Waiting for Ana" in took.content.decode()
    assert "Ben takes them" in client.get("/trip/hand-over/").content.decode()
    transfer = Transfer.objects.get()
    assert theirs.post(f"/trip/hand-over/{transfer.pk}/confirm/").status_code == 404, "only who gives can say so"
    other = Client()
    other.force_login(make.associate(made.store).user)
    assert other.post(f"/trip/hand-over/{transfer.pk}/withdraw/").status_code == 404
    assert client.post(f"/trip/hand-over/{transfer.pk}/nonsense/").status_code == 404
    done = client.post(f"/trip/hand-over/{transfer.pk}/confirm/", follow=True)
    assert "Ben has 1 package now" in done.content.decode()
    assert made.packages[1].label in theirs.get("/trip/").content.decode()
    card = client.get("/trip/custody/").content.decode()
    assert made.packages[0].label in card
    assert made.packages[1].label not in card
    assert made.packages[1].label in theirs.get("/trip/custody/").content.decode()
    assert theirs.post(f"/trip/hand-over/{transfer.pk}/withdraw/").status_code == 409


def test_the_database_keeps_it_straight() -> None:
    made = road.under_way(2)
    ben = colleague(made, on_the_road=True)
    done = pass_on(made, ben, made.packages[1:])
    bad: list[tuple[str, dict[str, Any]]] = [
        ("transfer_to_somebody_else", {"taker": made.ana}),
        ("transfer_done_is_taken", {"withdrawn_at": timezone.now()}),
        ("transfer_taken_at_a_quote", {"quote": None}),
        ("transfer_expires", {"expires_at": made.now - timedelta(days=1)}),
    ]
    for name, changes in bad:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Transfer.objects.filter(pk=done.pk).update(**changes)


def agreed(made: road.Road, ben: Associate) -> Transfer:
    now = timezone.now()
    found, _code = transfers.begin(trip=made.trip, packages=made.packages[1:], by=made.ana, now=now)
    base, planned = pages.plan(ben, found, now)
    return transfers.take(transfer=found, planned=planned, base=base, shown=planned.quote.digest, by=ben, now=now)


def test_the_second_code_is_the_givers_word() -> None:
    made = road.under_way(3)
    ben, cleo = colleague(made, on_the_road=True), colleague(made, on_the_road=False)
    transfer = agreed(made, ben)
    code, now = transfers.second_code(transfer), timezone.now()
    first, _other = transfers.second_code(transfer), Transfer.objects.get(pk=transfer.pk)
    assert code == first == transfers.second_code(_other), "always the same, and stored nowhere"
    assert code.encode() not in bytes(transfer.code_hash)
    for wrong in ("", "000000", code[:-1], code + "0"):
        with pytest.raises(transfers.WrongSecondCode):
            transfers.confirm_with_code(transfer=transfer, code=wrong, by=ben, now=now)
    for stranger in (cleo, made.ana):
        with pytest.raises(transfers.NoTransfer):
            transfers.confirm_with_code(transfer=transfer, code=code, by=stranger, now=now)
    assert made.ana.holding.count() == 3, "until then they are in the giver's care"
    for _twice in range(2):
        transfers.confirm_with_code(transfer=transfer, code=f" {code[:3].lower()}-{code[3:]} ", by=ben, now=now)
    assert (made.ana.holding.count(), ben.holding.count()) == (1, 3)
    event = Event.objects.filter(verb="transfer").latest("pk")
    assert (event.by_user, event.reason) == (ben.user, "to a colleague, with the giver's code")
    assert (
        transfers.confirm(transfer=transfer, by=made.ana, now=now).done_at == transfer.__class__.objects.get().done_at
    )


def test_the_second_code_is_of_no_use_for_what_was_taken_back_or_changed() -> None:
    made = road.under_way(3)
    ben = colleague(made, on_the_road=True)
    transfer, now = agreed(made, ben), timezone.now()
    made.deliver(made.packages[1])
    with pytest.raises(transfers.TransferChanged):
        transfers.confirm_with_code(transfer=transfer, code=transfers.second_code(transfer), by=ben, now=now)
    transfers.withdraw(transfer=transfer, by=made.ana, now=now)
    with pytest.raises(transfers.TransferChanged):
        transfers.confirm_with_code(transfer=transfer, code=transfers.second_code(transfer), by=ben, now=now)
    assert ben.holding.count() == 1


def test_only_the_givers_page_has_the_second_code(client: Client) -> None:
    made = road.under_way(3)
    ben = colleague(made, on_the_road=True)
    transfer = agreed(made, ben)
    code = transfers.second_code(transfer)
    client.force_login(made.ana.user, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/trip/hand-over/")
    assert code in page.content.decode()
    assert page.headers["Homeward-Keep"], "kept on the phone"
    assert client.post(f"/trip/hand-over/{transfer.pk}/received/", {"code": code}).status_code == 404, (
        "not the giver's to say"
    )
    client.force_login(ben.user, backend="django.contrib.auth.backends.ModelBackend")
    for url in ("/trip/take-over/", "/trip/", "/today/"):
        assert code not in client.get(url).content.decode()
