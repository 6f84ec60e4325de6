"""A store's table of what its carrier charges: who is believed, what may be written, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from deliveries import actors
from deliveries.actions import carriers
from deliveries.carriers import rates
from deliveries.models import Carrier, CarrierRate, Package
from stores.models import StaffMember, Store
from tests import make

from . import world

Enter = Callable[..., Client]
TODAY = date(2026, 11, 24)
BY = actors.system("test")
ADD = "admin:deliveries_carrierrate_add"


def rate(store: Store, **fields: Any) -> CarrierRate:
    carrier = Carrier.objects.get(store=store, active=True)
    return CarrierRate.objects.create(**{"carrier": carrier, "effective_from": TODAY, "cents": 640, **fields})


def line(store: Store, **other: Any) -> dict[str, Any]:
    """The form, filled in."""
    return {
        "carrier": Carrier.objects.get(store=store).pk, "effective_from": TODAY.isoformat(), "effective_until": "",
        "zip_from": "07000", "zip_to": "07999", "over_lb": "0", "up_to_lb": "5", "price": "6.40", **other,
    }  # fmt: skip


def tendered(store: Store, package: Package, **more: Any) -> int:
    manifest = carriers.tender(store=store, packages=[package], by=BY, now=world.NOW, reason="late", **more)
    assert manifest is not None
    return manifest.tenders.get().cents


def test_the_table_goes_before_the_retailer_and_the_carrier_before_the_table(elsewhere: Store) -> None:
    before = make.package(elsewhere, carrier_cents=875)
    rate(elsewhere)
    after, asked = make.package(elsewhere, carrier_cents=875), make.package(elsewhere, carrier_cents=875)
    assert (before.carrier_cents, before.carrier_said_cents) == (875, None), "what is in already keeps its figure"
    assert (after.carrier_cents, after.carrier_said_cents) == (640, 875), "what the retailer said is kept beside it"
    assert tendered(elsewhere, before) == 640, "but is handed over at the price of the day"
    assert tendered(elsewhere, asked, answered={asked.pk: 700}) == 700
    CarrierRate.objects.update(effective_until=TODAY - timedelta(days=1), effective_from=TODAY - timedelta(days=9))
    assert tendered(elsewhere, after) == 875, "a table that has ended says nothing"


@pytest.mark.parametrize(
    ("zip_code", "weight_g", "cents"),
    [("07002", 454, 640), ("07002", 455, 900), ("07001", 454, None), ("07003", 454, None), ("07002", 2269, None)],
)
def test_a_line_is_found_by_zip_and_weight(elsewhere: Store, zip_code: str, weight_g: int, cents: int | None) -> None:
    rate(elsewhere, zip_from="07002", zip_to="07002", up_to_g=454)
    rate(elsewhere, zip_from="07002", zip_to="07002", over_g=454, up_to_g=2268, cents=900)
    package = make.package(elsewhere, zip=zip_code, weight_g=weight_g)
    assert rates.listed([package], now=world.NOW) == [cents]


def test_days_count_with_their_ends_and_on_the_stores_clock(elsewhere: Store) -> None:
    rate(elsewhere, effective_until=TODAY)
    rate(elsewhere, effective_from=TODAY + timedelta(days=1), cents=700)
    package = make.package(elsewhere)
    after_midnight = world.NOW + timedelta(hours=7)  # one in the morning: the evening goes on
    days = [world.NOW - timedelta(days=1), world.NOW, after_midnight, world.NOW + timedelta(days=1)]
    assert [rates.listed([package], now=now) for now in days] == [[None], [640], [640], [700]]


def test_another_stores_or_carriers_table_is_not_asked(elsewhere: Store) -> None:
    rate(make.store())
    old = Carrier.objects.create(store=elsewhere, name="Old", active=False)
    CarrierRate.objects.create(carrier=old, effective_from=TODAY, cents=100)
    assert rates.listed([make.package(elsewhere)], now=world.NOW) == [None]


def test_the_database_keeps_lines_apart(elsewhere: Store) -> None:
    rate(elsewhere, zip_from="07000", zip_to="07999", up_to_g=1000, effective_until=TODAY + timedelta(days=9))
    rate(elsewhere, zip_from="08000", zip_to="08999", up_to_g=1000)
    rate(elsewhere, zip_from="07000", zip_to="07999", over_g=1000)
    rate(elsewhere, zip_from="07000", zip_to="07999", up_to_g=1000, effective_from=TODAY + timedelta(days=10))
    for meets in (
        {"zip_from": "07500", "zip_to": "07500", "up_to_g": 500, "effective_from": TODAY + timedelta(days=9)},
        {"zip_from": "00000", "zip_to": "99999"},
        {"zip_from": "07002", "zip_to": "07001"},
        {"zip_from": "7002"},
        {"over_g": 500, "up_to_g": 500, "zip_from": "01000", "zip_to": "01000"},
        {"effective_until": TODAY - timedelta(days=1), "zip_from": "01000", "zip_to": "01000"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rate(elsewhere, **meets)


def test_a_lead_writes_a_line_in_pounds_and_dollars(elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere)
    answer = client.post(reverse(ADD), line(elsewhere))
    assert answer.status_code == 302, answer.context["errors"]
    made = CarrierRate.objects.get()
    assert (made.over_g, made.up_to_g, made.cents, made.zip_from) == (0, 2268, 640, "07000")
    assert LogEntry.objects.get(object_id=str(made.pk)).user.staff_roles.get().store == elsewhere
    change = reverse("admin:deliveries_carrierrate_change", args=[made.pk])
    page = client.get(change).content.decode()
    for shown in ('value="5"', 'value="6.40"', 'value="07999"'):
        assert shown in page
    assert client.post(change, line(elsewhere, price="7", up_to_lb="154.3")).status_code == 302
    made.refresh_from_db()
    assert (made.cents, made.up_to_g) == (700, 70_000)
    for shown in ("$7.00", "07000–07999"):
        assert shown in client.get(reverse("admin:deliveries_carrierrate_changelist")).content.decode()
        assert shown in client.get(reverse("admin:deliveries_carrier_change", args=[made.carrier_id])).content.decode()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"effective_from": "2026-11-23"}, "begins today at the earliest"),
        ({"effective_until": "2026-11-20"}, "not before the first"),
        ({"zip_from": "0700"}, "five digits of a ZIP code"),
        ({"zip_from": "०७०००"}, "five digits of a ZIP code"),
        ({"zip_from": "08000"}, "the same ZIP code as the first"),
        ({"over_lb": "5"}, "higher weight than the one it begins over"),
        ({"over_lb": "NaN"}, "Enter a number"),
        ({"price": "-1"}, "Price, dollars: “-1” is less than $0.00"),
        ({"price": "6.405"}, "Price, dollars: “6.405” has too many decimals"),
        ({"up_to_lb": "900"}, "less than or equal to 154.3"),
        ({"carrier": "999999"}, "valid choice"),
    ],
)
def test_a_bad_line_is_told_how_to_mend_it(elsewhere: Store, enter: Enter, other: dict[str, Any], said: str) -> None:
    answer = enter(elsewhere).post(reverse(ADD), line(elsewhere, **other))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not CarrierRate.objects.exists()


def test_a_line_that_meets_another_is_told_which(elsewhere: Store, enter: Enter) -> None:
    there = rate(elsewhere, zip_from="07000", zip_to="07500", up_to_g=2268)
    client = enter(elsewhere)
    said = client.post(reverse(ADD), line(elsewhere)).content.decode()
    assert "This meets another line: 07000–07500, 0 – 5 lb, $6.40, from Nov. 24, 2026." in said
    assert client.post(reverse(ADD), line(elsewhere, zip_from="07501")).status_code == 302
    later = line(elsewhere, zip_to="07500", effective_from="2026-12-01")
    assert client.post(reverse(ADD), later).status_code == 200
    CarrierRate.objects.filter(pk=there.pk).update(effective_until=date(2026, 11, 30))
    assert client.post(reverse(ADD), later).status_code == 302


def test_what_was_in_force_yesterday_is_history(elsewhere: Store, enter: Enter) -> None:
    old = rate(elsewhere, effective_from=TODAY - timedelta(days=1))
    client = enter(elsewhere)
    change = reverse("admin:deliveries_carrierrate_change", args=[old.pk])
    assert 'name="price"' not in client.get(change).content.decode()
    assert client.post(change, line(elsewhere, price="1", effective_until="2026-11-20")).status_code == 200
    assert client.post(change, line(elsewhere, price="1", effective_until="2026-11-30")).status_code == 302
    old.refresh_from_db()
    assert (old.cents, old.zip_from, old.effective_until) == (640, "00000", date(2026, 11, 30))
    assert (
        client.post(reverse("admin:deliveries_carrierrate_delete", args=[old.pk]), {"post": "yes"}).status_code == 403
    )


def test_who_may_not_edit_a_stores_rates_cannot_choose_its_carrier(elsewhere: Store, enter: Enter) -> None:
    other = make.store()
    person = make.staff(elsewhere)
    StaffMember.objects.create(user=person, store=other, role=StaffMember.Role.BAY)
    client = enter(user=person)
    assert client.post(reverse(ADD), line(other)).status_code == 200
    assert client.post(reverse(ADD), line(elsewhere)).status_code == 302
    assert enter(elsewhere, StaffMember.Role.BAY).get(reverse(ADD)).status_code == 403
    there = rate(other)
    assert client.post(reverse("admin:deliveries_carrierrate_change", args=[there.pk]), line(other)).status_code == 403


def test_a_package_that_comes_again_is_compared_with_what_the_retailer_said(elsewhere: Store) -> None:
    from deliveries.intake.packages import differing

    rate(elsewhere)
    package = make.package(elsewhere, carrier_cents=875)
    content = {
        "carrier_cents": 875,
        "recipient": "Somebody Else",
        "lat": package.lat,
        "lon": package.lon,
        "associate_ok": True,
    }
    assert differing(content, package) == ["recipient"]
