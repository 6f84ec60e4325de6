"""Who never brings what to whom; whose turn it is; and the planner's reasons for the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from associates import home
from deliveries import matching, quoting
from deliveries.models import BlockedPair, Offer, Round
from deliveries.tasks import FORGET_AFTER, forget
from stores.places import Point

from . import make

pytestmark = pytest.mark.django_db
NOW = make.EVENING
HOME = Point(40.69, -74.12)


@pytest.mark.parametrize(
    ("why", "taken"),
    [
        ("nothing", True), ("own mail", False), ("family in the same cell", False), ("same surname elsewhere", True),
        ("neighbour", True), ("colleague who opted out", False), ("colleague", True), ("blocked mail", False),
        ("blocked door", False), ("another's block", True),
    ],
)  # fmt: skip
def test_what_is_never_offered(why: str, taken: bool) -> None:
    store = make.store()
    ana = make.associate(store, lives=HOME)
    make.shift(ana)
    ben = make.associate(store, lives=Point(40.60, -74.30))
    ben.colleagues_may_bring = why != "colleague who opted out"
    ben.save()
    fields: dict[str, object] = {"at": home.coarse(HOME)}
    if why == "own mail":
        fields["email"] = ana.user.email.upper()
    elif why == "family in the same cell":
        fields["recipient"] = "Luis ALVAREZ"
    elif why == "same surname elsewhere":
        fields |= {"recipient": "Luis Alvarez", "at": Point(HOME.lat + 0.01, HOME.lon)}
    elif why in ("colleague who opted out", "colleague"):
        fields["email"] = ben.user.email
    package = make.package(store, **fields)  # type: ignore[arg-type]
    if why == "blocked mail":
        BlockedPair.objects.create(associate=ana, email=package.email)
    elif why == "blocked door":
        BlockedPair.objects.create(associate=ana, address1=package.address1.replace("Street", "st."), zip=package.zip)
    elif why == "another's block":
        BlockedPair.objects.create(associate=ben, email=package.email)
    matching.run_round(store=store, now=NOW)
    assert Offer.objects.filter(associate=ana).exists() is taken
    if not taken:
        with pytest.raises(quoting.DoesNotFit) as no:
            quoting.plan_trip(ana, ana.employee.shifts.get(), [package])
        assert no.value.reason == "blocked"


def test_a_block_names_a_customer() -> None:
    with pytest.raises(IntegrityError, match="blocked_pair_names_a_customer"), transaction.atomic():
        BlockedPair.objects.create(associate=make.associate(make.store()))


def test_between_two_alike_the_one_whose_turn_it_is_goes() -> None:
    """Ana and Ben live in the same block and have the same limits. Who made the last trips is not asked first."""
    for rested in (0, 1):
        store = make.store()
        people = [make.associate(store, lives=HOME) for _ in range(2)]
        for person in people:
            make.shift(person)
        for day in (2, 3):
            past = make.shift(people[1 - rested], ends_at=NOW - timedelta(days=day))
            make.trip(people[1 - rested], shift=past, state="finished", started_at=past.ends_at, ended_at=past.ends_at)
        make.package(store, at=Point(40.675, -74.12))
        matching.run_round(store=store, now=NOW)
        assert Offer.objects.get(store=store).associate == people[rested]


def test_everybody_left_out_has_a_reason_and_it_is_forgotten() -> None:
    store = make.store()
    ana = make.associate(store)
    weak = make.associate(store, limits={"max_package_weight_g": 500, "max_total_weight_g": 500})
    for person in (ana, weak):
        make.shift(person)
    make.package(store)
    huge = make.package(store, weight_g=40_000)
    matching.run_round(store=store, now=NOW)
    round_ = Round.objects.get()
    assert round_.package_reasons == {str(huge.pk): "too_heavy"}
    assert round_.associate_reasons == {str(weak.pk): "all_too_heavy"}
    Round.objects.update(slot_at=make.datetime.now(make.UTC) - FORGET_AFTER - timedelta(hours=1))
    forget()
    round_.refresh_from_db()
    assert round_.associate_reasons == {}
    assert round_.package_reasons != {}
