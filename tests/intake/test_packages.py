"""Packages from a file into the books: every row is accepted, unchanged or rejected, and the report says why."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deliveries import actors, labels, manifests
from deliveries.actions import carriers, handover, receiving
from deliveries.models import Event, Package
from stores.models import AddressPoint, Store, ZipCentroid
from stores.places import Precision

from .. import make
from .rows import as_csv, as_json, faults, package, take_packages

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return make.store()


def test_a_good_row_becomes_a_package_with_its_first_event(store: Store) -> None:
    row = package(
        store, phone="201-555-0123", email="sam@example.net", language="es", instructions="Side\ndoor",
        recipient="José <script>alert(1)</script>", address2="=1+1",
    )  # fmt: skip
    report = take_packages([row])
    assert (report.accepted, faults(report), report.warnings) == (1, [], [])
    made = Package.objects.get()
    assert (made.weight_g, made.length_mm, made.width_mm, made.height_mm) == (680, 305, 229, 102)
    assert (made.value_cents, made.carrier_cents) == (2499, 875)
    assert made.deliver_by == datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    assert (made.precision, made.associate_ok) == (Precision.ROOFTOP, True)
    assert (made.phone, made.language, made.instructions) == ("+12015550123", "es", "Side door")
    assert (made.recipient, made.address2) == ("José <script>alert(1)</script>", "=1+1"), "text stays text"
    assert len(made.label) == labels.LENGTH
    assert set(made.label) <= set(labels.ALPHABET)
    event = Event.objects.get()
    assert (event.verb, event.by_kind, event.by_name) == ("receive", "retailer", "test")


def test_json_and_csv_make_the_same_package(store: Store) -> None:
    take_packages([package(store)])
    row = {**package(store), "store": store.number, "lat": 40.6602, "lon": -74.1159, "weight_lb": None, "weight_oz": 24}
    report = take_packages(as_json("packages", [row]))
    assert (report.unchanged, faults(report)) == (1, []), "24 ounces are a pound and a half"


def test_the_same_file_again_changes_nothing(store: Store) -> None:
    data = [package(store, number) for number in range(1, 6)]
    take_packages(data)
    before = list(Package.objects.order_by("pk").values())
    report = take_packages(data, now=make.EVENING + timedelta(days=300))
    assert (report.accepted, report.unchanged, report.rejected) == (0, 5, 0)
    assert list(Package.objects.order_by("pk").values()) == before
    assert Event.objects.count() == 5


def test_other_content_under_a_reference_is_a_conflict_and_overwrites_nothing(store: Store) -> None:
    take_packages([package(store)])
    receiving.confirm_pin(package=Package.objects.get(), point=make.BAYONNE, by=actors.system("test"), now=make.EVENING)
    assert take_packages([package(store)]).unchanged == 1, "what staff changed is not the retailer's content"
    before = Package.objects.values().get()
    report = take_packages([package(store, weight_lb="2.5", city="Newark", lat="40.6700")])
    assert faults(report) == [(2, "reference", "conflict")]
    for column in ("weight", "city", "lat"):
        assert column in report.errors[0].message
    assert before["label"] in report.errors[0].message
    assert Package.objects.values().get() == before


def test_a_reference_twice_in_a_file(store: Store) -> None:
    one = package(store)
    report = take_packages([one, one, {**one, "zip": "07302"}, {**one, "reference": "W-2"}])
    assert (report.accepted, report.unchanged) == (2, 1)
    assert faults(report) == [(4, "reference", "conflict")]
    assert "row 2" in report.errors[0].message
    assert "zip" in report.errors[0].message


def test_the_first_good_row_wins_over_a_bad_one_before_it(store: Store) -> None:
    report = take_packages([package(store, weight_lb="NaN"), package(store)])
    assert faults(report) == [(2, "weight_lb", "not_a_number")]
    assert report.accepted == 1


def test_a_dry_run_says_the_same_and_writes_nothing(store: Store) -> None:
    data = [package(store), package(store), package(store, 2, zip="7002"), package(store, city="Newark")]
    dry = take_packages(data, dry_run=True)
    assert Package.objects.count() == Event.objects.count() == 0
    real = take_packages(data)
    assert (dry.accepted, dry.unchanged, faults(dry)) == (real.accepted, real.unchanged, faults(real))
    assert (real.accepted, real.unchanged) == (1, 1)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"weight_lb": "NaN"}, ("weight_lb", "not_a_number")),
        ({"weight_lb": "-1"}, ("weight_lb", "negative")),
        ({"weight_lb": "400"}, ("weight_lb", "too_heavy")),
        ({"weight_lb": "1_0"}, ("weight_lb", "underscore")),
        ({"weight_lb": "１"}, ("weight_lb", "digits")),
        ({"weight_lb": ""}, ("weight_g", "missing")),
        ({"weight_kg": "1"}, ("weight_lb", "two_units")),
        ({"weight_lb": None, "weight_g": "3.5"}, ("weight_g", "looks_like_pounds")),
        ({"weight_lb": None, "weight_g": "3"}, ("weight_g", "too_light")),
        ({"length_in": "1", "width_in": "0.5", "height_in": "0.2"}, ("weight_lb", "too_dense")),
        ({"length_in": "1e3"}, ("length_in", "exponent")),
        ({"store": "1"}, ("store", "unknown_store")),
        ({"store": ""}, ("store", "missing")),
        ({"store": "9" * 12}, ("store", "too_much")),
        ({"reference": ""}, ("reference", "missing")),
        ({"address1": " "}, ("address1", "missing")),
        ({"zip": "", "address1": "x"}, ("zip", "missing")),
        ({"recipient": "Sam\x07"}, ("recipient", "control_character")),
        ({"recipient": "Sam\u202e"}, ("recipient", "bidi_control")),
        ({"deliver_by": "2026-11-01T01:30"}, ("deliver_by", "ambiguous_time")),
        ({"deliver_by": "2027-03-14T02:30"}, ("deliver_by", "no_such_local_time")),
        ({"deliver_by": "2027-11-24T21:00"}, ("deliver_by", "promise_far")),
        ({"carrier_usd": "$8.75"}, ("carrier_usd", "currency_sign")),
        ({"carrier_usd": "8.755"}, ("carrier_usd", "cents")),
        ({"value_usd": "99999999"}, ("value_usd", "too_much")),
        ({"lat": "-74.1159", "lon": "40.6602"}, ("lat", "swapped")),
        ({"lon": "74.1159"}, ("lon", "sign")),
        ({"lat": "0", "lon": "0"}, ("lat", "not_in_country")),
        ({"lat": "42.3601", "lon": "-71.0589"}, ("lat", "too_far")),
        ({"lon": ""}, ("lon", "missing")),
        ({"lat": "nan"}, ("lat", "not_a_number")),
        ({"lat": "", "lon": ""}, ("zip", "unknown_place")),
        ({"associate_ok": "maybe"}, ("associate_ok", "true_or_false")),
        ({"language": "fr"}, ("language", "choice")),
    ],
)
def test_a_bad_cell_rejects_its_row_and_no_other(
    store: Store, cells: dict[str, str], expected: tuple[str, str]
) -> None:
    for send in (as_csv, lambda rows: as_json("packages", rows)):
        report = take_packages(send([package(store, 1, **cells), package(store, 2)]))
        assert [fault[1:] for fault in faults(report)] == [expected]
        assert (report.accepted, report.unchanged, report.rejected) in ((1, 0, 1), (0, 1, 1))
        assert report.errors[0].message
    assert Package.objects.get().reference == "W-2"


def test_every_fault_of_a_row_is_told_at_once(store: Store) -> None:
    row = package(store, weight_lb="NaN", zip="7002", carrier_usd="", deliver_by="tomorrow")
    assert faults(take_packages([row])) == [
        (2, "zip", "zip_lost_zero"), (2, "weight_lb", "not_a_number"), (2, "carrier_usd", "missing"),
        (2, "deliver_by", "time_format"),
    ]  # fmt: skip


def test_another_senders_store_is_as_unknown_as_none(store: Store) -> None:
    other = make.store()
    report = take_packages([package(other), package(99), package(store)], stores=Store.objects.filter(pk=store.pk))
    assert faults(report) == [(2, "store", "unknown_store"), (3, "store", "unknown_store")]
    assert report.errors[0].message == report.errors[1].message
    assert report.accepted == 1


def test_an_address_becomes_a_point_as_well_as_it_is_known(store: Store) -> None:
    AddressPoint.objects.create(street="1 WEST 53RD STREET", zip="07002", lat=40.6610, lon=-74.1150)
    ZipCentroid.objects.create(zip="07002", lat=40.6650, lon=-74.1200)
    report = take_packages([package(store, number, lat=None, lon=None) for number in (1, 2)])
    assert report.accepted == 2
    assert [(fault.row, fault.code) for fault in report.warnings] == [(3, "zip_precision")]
    one, two = Package.objects.order_by("reference")
    assert (one.precision, one.lat) == (Precision.ROOFTOP, 40.6610)
    assert (two.precision, two.lat) == (Precision.ZIP, 40.6650)
    assert one.locate_after is None
    assert two.locate_after is not None, "a task looks it up"
    receiving.stage(packages=[one, two], by=actors.system("test"), now=make.EVENING)
    assert list(Package.objects.offerable(store, make.EVENING)) == [one], "a ZIP's middle is nobody's door"


def test_what_no_associate_can_bring_is_kept_for_the_carrier(store: Store) -> None:
    report = take_packages(
        [
            package(store, 1, state="NY", zip="10301"),
            package(store, 2, lat="40.90", lon="-74.40"),
            package(store, 3, associate_ok="no"),
            package(store, 4, deliver_by="2026-11-24T10:00"),
        ]
    )
    assert report.accepted == 4
    assert [(fault.row, fault.code) for fault in report.warnings] == [
        (2, "other_state"), (3, "beyond_radius"), (5, "promise_past"),
    ]  # fmt: skip
    allowed = dict(Package.objects.values_list("reference", "associate_ok"))
    assert allowed == {"W-1": False, "W-2": False, "W-3": False, "W-4": True}


def test_queries_do_not_grow_with_the_rows(store: Store) -> None:
    def queries(first: int, count: int) -> int:
        data = [package(store, number) for number in range(first, first + count)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert take_packages(data).accepted == count
        return len(captured)

    assert queries(1, 2) == queries(1000, 900) <= 20


def test_a_write_past_the_lock_costs_one_row_and_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had written W-3 between our look and our write; the real race is in test_races.py."""
    take_packages([package(store, 3)])
    look = Package.objects.filter
    blind = iter([True])

    def filtered(*args: object, **kwargs: object) -> object:
        return Package.objects.none() if "reference__in" in kwargs and next(blind, False) else look(*args, **kwargs)

    monkeypatch.setattr(Package.objects, "filter", filtered)
    report = take_packages([package(store, number) for number in range(1, 8)])
    assert (report.accepted, report.unchanged, faults(report)) == (6, 1, [])
    assert Package.objects.count() == 7


def test_a_row_the_database_refuses_is_a_row_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from deliveries.intake import measures

    monkeypatch.setattr(measures, "grams", lambda text, unit, heaviest: 9_000_000 if text == "9" else 700)
    monkeypatch.setattr(measures, "density_fault", lambda weight, sides: None)
    report = take_packages([package(store, number, weight_lb=str(number)) for number in range(7, 12)])
    assert faults(report) == [(4, "", "refused")]
    assert report.accepted == 4


def test_labels_are_read_back_as_they_were_made(store: Store) -> None:
    for code in labels.make(1000):
        assert handover.normal_label(code.lower()) == code
    assert not set("ILOU") & set(labels.ALPHABET)


def test_a_label_that_is_taken_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take_packages([package(store, 1)])
    taken = Package.objects.get().label
    made = labels.make
    first = iter([[taken]])
    monkeypatch.setattr(labels, "make", lambda count, there=(): next(first, None) or made(count, there))
    assert take_packages([package(store, 2)]).accepted == 1
    assert Package.objects.values("label").distinct().count() == 2


def test_a_carriers_file_runs_no_formulas(store: Store) -> None:
    take_packages(
        [
            package(
                store, recipient='=HYPERLINK("http://x")', phone="201-555-0123", instructions="-2+3", value_usd="0.05"
            )
        ]
    )
    manifest = carriers.tender(
        store=store, packages=list(Package.objects.all()), by=actors.system("test"), now=make.EVENING, reason="cut-off"
    )
    assert manifest is not None
    out = io.StringIO(newline="")
    assert manifests.write_csv(manifest, out) == 1
    [row] = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["recipient"] == '\'=HYPERLINK("http://x")'
    assert row["instructions"] == "'-2+3"
    assert row["phone"] == "(201) 555-0123"
    assert (row["value_usd"], row["cost_usd"]) == ("0.05", "8.75")
    assert row["deliver_by"] == "2026-11-24T21:00-05:00"
    assert not any(cell.startswith(tuple("=+-@")) for cell in row.values())
