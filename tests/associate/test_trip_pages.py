"""From the bay to the ledger on the associate's pages, and every "no" on the way."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from associates.models import Associate
from deliveries.actions import exceptions, trips
from deliveries.actors import system
from deliveries.models import DeliveryException, Package, Proof, Stop, Trip
from deliveries.states import PackageState, TripState
from stores.models import StaffMember, Store
from tests import make

from .conftest import Evening
from .test_evening_pages import text

SignIn = Callable[[Associate], Client]


def picture(size: tuple[int, int] = (40, 30), **save: Any) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "JPEG", **save)
    return SimpleUploadedFile("door.jpg", out.getvalue(), "image/jpeg")


def first_stop(trip: Trip) -> tuple[Stop, Package]:
    stop = trip.stops.first()
    assert stop is not None
    return stop, stop.claims.get().package


def here(package: Package, **more: Any) -> dict[str, Any]:
    """A drop-off form filled in at the package's own door."""
    return {
        "package": package.pk, "key": str(uuid4()), "lat": package.lat, "lon": package.lon, "accuracy": "8.5", **more,
    }  # fmt: skip


# --- Pick-up ----------------------------------------------------------------------------------------------------------


def test_scanning_counts_up_and_leaving_waits_for_all(evening: Evening) -> None:
    trip = evening.trip()
    page = text(evening.client.get("/trip/"))
    assert "0 of 3 with you" in page
    assert evening.packages[0].address1 in page, "claimed, so the address is theirs to see"
    assert "paid time starts then" in page
    assert evening.client.post("/trip/leave/").status_code == 409
    evening.at(evening.shift.ends_at + timedelta(minutes=4))
    assert "Your paid time is running: 4 minutes so far" in text(evening.client.get("/trip/"))
    first, second, third = evening.packages
    page = text(evening.client.post("/trip/scan/", {"label": f" {first.label[:3]}-{first.label[3:]} "}, follow=True))
    assert f"{first.label} is with you. 1 of 3." in page
    page = text(evening.client.post("/trip/scan/", {"label": first.label}, follow=True))
    assert "was scanned before. 1 of 3" in page
    for package in (second, third):
        evening.client.post("/trip/scan/", {"label": package.label})
    assert "3 of 3 with you" in text(evening.client.get("/trip/"))
    for _ in range(2):
        assert evening.client.post("/trip/leave/").headers["Location"] == "/trip/"
    trip.refresh_from_db()
    assert trip.state == TripState.UNDER_WAY
    assert evening.client.post("/trip/scan/", {"label": first.label}).headers["Location"] == "/trip/"


def test_the_pick_up_page_says_where_the_bay_is(evening: Evening) -> None:
    evening.trip()
    assert "The bay:" not in text(evening.client.get("/trip/"))
    Store.objects.filter(pk=evening.store.pk).update(bay_place="Door 4, behind the pharmacy")
    assert "Door 4, behind the pharmacy" in text(evening.client.get("/trip/"))


def test_a_page_that_looks_again_does_not_use_up_what_was_said(evening: Evening) -> None:
    trip = evening.trip()
    label = trip.packages.order_by("pk").first().label  # type: ignore[union-attr]
    evening.client.post("/trip/scan/", {"label": label})
    looked = evening.client.get("/trip/", headers={"HX-Request": "true"})
    assert f"{label} is with you." not in looked.content.decode()
    assert f"{label} is with you." in evening.client.get("/trip/").content.decode()
    assert f"{label} is with you." not in evening.client.get("/trip/").content.decode()


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ("", 422, "Type the code"),
        ("999999", 409, "No package here has that code"),
        ("99\x00", 409, "No package here has that code"),
        ("'; drop table", 409, "No package here has that code"),
    ],
)
def test_a_wrong_code_is_said_beside_the_field(evening: Evening, typed: str, status: int, says: str) -> None:
    evening.trip()
    answer = evening.client.post("/trip/scan/", {"label": typed})
    assert answer.status_code == status
    assert says in text(answer)
    assert 'aria-describedby="label-error"' in text(answer)


def test_somebody_elses_package_goes_back_to_the_bay(evening: Evening) -> None:
    evening.trip()
    other = make.package(evening.store)
    answer = evening.client.post("/trip/scan/", {"label": other.label})
    assert answer.status_code == 409
    assert "not on this trip" in text(answer)


def test_a_missing_package_leaves_the_pay_as_it_was(evening: Evening) -> None:
    trip = evening.trip()
    page = text(evening.client.post(f"/trip/packages/{evening.packages[0].pk}/missing/", follow=True))
    assert "Your pay stays as it was" in page
    assert "0 of 2 with you" in page
    after = Trip.objects.get()
    assert after.pay_cents == trip.pay_cents


def test_when_the_last_package_is_missing_the_trip_pays_what_it_promised(evening: Evening) -> None:
    promised = evening.trip().pay_cents
    for package in evening.packages:
        evening.client.post(f"/trip/packages/{package.pk}/missing/")
    over = Trip.objects.get()
    assert (over.state, over.called_off, over.packages.count()) == ("abandoned", True, 0)
    assert trips.settle(trip=over, now=over.ended_at + timedelta(minutes=2)).paid_cents >= promised


def test_giving_back_shows_the_new_pay_first(evening: Evening) -> None:
    trip = evening.trip()
    package = evening.packages[0]
    path = f"/trip/packages/{package.pk}/give-back/"
    assert "Your trip pays now" in text(evening.client.get(path))
    assert Trip.objects.get().pay_cents == trip.pay_cents
    assert evening.client.post(path).headers["Location"] == "/trip/"
    after = Trip.objects.get()
    assert after.pay_cents < trip.pay_cents
    assert after.packages.count() == 2
    assert evening.client.post(path).status_code == 404, "it is not on the trip any more"
    for package in evening.packages[1:]:
        evening.client.post(f"/trip/packages/{package.pk}/give-back/")
    assert Trip.objects.get().state == TripState.ABANDONED
    assert "never left the store" in text(evening.client.get("/trip/"))


# --- Under way ------------------------------------------------------------------------------------------------------


def test_the_next_stop_comes_first(evening: Evening) -> None:
    Package.objects.update(instructions="Blue door & bell")
    trip = evening.under_way()
    stop, package = first_stop(trip)
    page = text(evening.client.get("/trip/"))
    assert "Stop 1 of 3" in page
    assert f"<h1>{package.address1}</h1>" in page
    assert "Blue door &amp; bell" in page
    point = f"{stop.lat:.6f},{stop.lon:.6f}"
    assert f'href="https://www.google.com/maps/dir/?api=1&amp;destination={point}" rel="noopener noreferrer"' in page
    assert f'href="geo:{point}' in page
    assert 'href="tel:+1-201-555-0100"' in page
    assert "sam@example.net" not in page, "no way round the store to the customer"
    evening.client.post(f"/trip/stops/{stop.pk}/arrive/")
    evening.client.post(f"/trip/stops/{stop.pk}/arrive/")
    assert f'href="/trip/stops/{stop.pk}/drop-off/"' in text(evening.client.get("/trip/"))


def test_a_whole_trip_to_the_ledger(evening: Evening) -> None:
    trip = evening.under_way()
    for number, stop in enumerate(trip.stops.all(), 1):
        evening.at(evening.shift.ends_at + timedelta(minutes=5 + 8 * number))
        package = stop.claims.get().package
        data = here(package, photo=picture())
        answer = evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", data)
        assert answer.headers["Location"] == "/trip/"
    page = text(evening.client.get("/trip/"))
    assert "All done. Have a good evening." in page
    assert "Undo" in page
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED
    page = text(evening.client.get("/earnings/"))
    assert "pending" in page
    trips.settle(trip=trip, now=trip.ended_at + timedelta(minutes=2))
    page = text(evening.client.get("/earnings/"))
    trip.refresh_from_db()
    assert f"${trip.paid_cents // 100}.{trip.paid_cents % 100:02d}" in page
    assert "Week of Nov 23" in page
    assert "3 packages at $1.00 each" in page
    assert "29 min of paid time at $18.00 an hour" in page
    assert "a mile" in page


def test_the_same_drop_off_twice_is_one(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    data = here(package)
    for _ in range(2):
        assert evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", data).headers["Location"] == "/trip/"
    proof = Proof.objects.get()
    assert (proof.accuracy_m, proof.distance_m) == (8, 0)


def test_htmx_is_sent_on_by_header(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    answer = evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", here(package), headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/trip/"


def test_a_drop_off_needs_a_photo_or_a_position(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    path = f"/trip/stops/{stop.pk}/drop-off/"
    for nothing in (
        {"lat": "", "lon": "", "accuracy": ""}, {"lat": "NaN"}, {"lat": "91"}, {"lon": "1e999"}, {"accuracy": "-1"},
        {"accuracy": "inf"}, {"lat": "\x00"},
    ):  # fmt: skip
        answer = evening.client.post(path, here(package, **nothing))
        assert answer.status_code == 409
        assert "Take a photo" in text(answer)
    answer = evening.client.post(path, here(package, lat="", photo=picture()))
    assert answer.status_code == 302
    assert Proof.objects.get().lat is None


def test_far_from_the_pin_asks_why_and_keeps_the_key(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    path = f"/trip/stops/{stop.pk}/drop-off/"
    data = here(package, lat=package.lat + 0.01)
    answer = evening.client.post(path, data)
    assert answer.status_code == 409
    assert "away from the address" in text(answer)
    assert 'id="far">' in text(answer)
    assert data["key"] in text(answer)
    assert evening.client.post(path, data | {"far_reason": "Gate\x00 was closed"}).status_code == 302
    proof = Proof.objects.get()
    assert proof.far
    assert proof.far_reason == "Gate was closed"


def test_without_consent_no_position_is_taken(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    evening.client.post("/me/consents/location/withdraw/")
    path = f"/trip/stops/{stop.pk}/drop-off/"
    assert 'name="lat"' not in text(evening.client.get(path))
    assert evening.client.post(path, here(package)).status_code == 409
    assert evening.client.post(path, here(package, photo=picture())).status_code == 302
    assert Proof.objects.get().lat is None


@pytest.mark.parametrize(
    "file",
    [
        SimpleUploadedFile("x.jpg", b"not a picture", "image/jpeg"),
        SimpleUploadedFile("x.jpg", b"<script>alert(1)</script>", "image/jpeg"),
        SimpleUploadedFile("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    ],
)
def test_what_is_no_picture_is_said_and_nothing_happens(evening: Evening, file: SimpleUploadedFile) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    answer = evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", here(package, photo=file))
    assert answer.status_code == 422
    assert "not a picture" in text(answer)
    assert not Proof.objects.exists()


def test_packages_for_one_door_go_together_or_one_by_one(evening: Evening) -> None:
    Package.objects.update(address1="1 Same Street", lat=evening.store.lat + 0.01, lon=evening.store.lon)
    trip = evening.under_way()
    stop = trip.stops.get()
    path = f"/trip/stops/{stop.pk}/drop-off/"
    assert text(evening.client.get(path)).count('type="checkbox"') == 3
    for package in evening.packages:
        package.refresh_from_db()
    one, *rest = evening.packages
    evening.client.post(path, here(one))
    answer = evening.client.post(path, here(one) | {"package": []})
    assert answer.status_code == 422
    evening.client.post(path, here(one) | {"package": [package.pk for package in rest]}, follow=True)
    assert Proof.objects.count() == 3
    trip.refresh_from_db()
    assert trip.state == TripState.FINISHED


def test_a_drop_off_can_be_undone_for_a_minute(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", here(package))
    proof = Proof.objects.get()
    page = text(evening.client.post(f"/trip/proofs/{proof.pk}/undo/", follow=True))
    assert "Taken back" in page
    package.refresh_from_db()
    assert package.state == PackageState.OUT
    evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", here(package))
    late = Proof.objects.get(undone_at=None)
    evening.at(late.at + timedelta(seconds=61))
    assert "Undo" not in text(evening.client.get("/trip/"))
    answer = evening.client.post(f"/trip/proofs/{late.pk}/undo/")
    assert answer.status_code == 409
    assert "60 seconds" in text(answer)


@pytest.mark.parametrize("reason", ["nobody_home", "unsafe", "wrong_address", "refused", "damaged"])
def test_every_reason_leads_to_the_three_ways_on(evening: Evening, reason: str) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    path = f"/trip/stops/{stop.pk}/problem/"
    page = text(evening.client.get(path))
    assert page.count('type="radio"') == 5
    assert "tel:911" in page
    data = {"key": str(uuid4()), "package": package.pk, "reason": reason, "note": "dog\x00"}
    for _ in range(2):
        assert evening.client.post(path, data).headers["Location"] == "/trip/"
    assert DeliveryException.objects.get().reason == reason
    page = text(evening.client.get("/trip/"))
    for way in ("bring-back", "keep", "retry"):
        assert f'action="/trip/packages/{package.pk}/{way}/"' in page


@pytest.mark.parametrize(
    "data", [{}, {"reason": "bored"}, {"reason": "car"}, {"reason": "nobody_home", "package": "x"}]
)
def test_a_problem_without_a_reason_or_package_asks_again(evening: Evening, data: dict[str, str]) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    answer = evening.client.post(
        f"/trip/stops/{stop.pk}/problem/", {"key": str(uuid4()), "package": package.pk, **data}
    )  # fmt: skip
    assert answer.status_code == 422
    assert not DeliveryException.objects.exists()


def test_ways_on_after_a_problem(evening: Evening) -> None:
    trip = evening.under_way()
    packages = [stop.claims.get().package for stop in trip.stops.all()]
    for package in packages:
        exceptions.attempt(
            package=package, reason="nobody_home", by=evening.ana, now=evening.shift.ends_at + timedelta(minutes=9),
            key=uuid4(),
        )  # fmt: skip
    again, keep, back = packages
    for package, way, state in ((again, "retry", "out"), (keep, "keep", "kept"), (back, "bring-back", "returning")):
        evening.client.post(f"/trip/packages/{package.pk}/{way}/")
        package.refresh_from_db()
        assert package.state == state
        assert evening.client.post(f"/trip/packages/{package.pk}/sell/").status_code == 404
    evening.client.post(f"/trip/stops/{trip.stops.first().pk}/drop-off/", here(again))
    page = text(evening.client.get("/trip/"))
    assert "Back to the store" in page
    assert "kept until your next shift" in page
    exceptions.receive_return(package=back, by=system("test"), now=evening.shift.ends_at + timedelta(minutes=40))
    assert "Still in your hands" in text(evening.client.get("/trip/"))
    assert "1 package" in text(evening.client.get("/trip/"))


def test_cannot_go_on_ends_the_trip_and_keeps_the_record(evening: Evening) -> None:
    evening.under_way()
    page = text(evening.client.get("/trip/cannot-go-on/"))
    assert "tel:911" in page
    key = re.search(r'name="key" value="([^"]+)"', page)[1]  # type: ignore[index]
    assert evening.client.post("/trip/cannot-go-on/", {"key": key, "reason": "bored"}).status_code == 400
    for _ in range(2):
        assert evening.client.post("/trip/cannot-go-on/", {"key": key, "reason": "car"}).headers["Location"] == "/trip/"
    assert Trip.objects.get().state == TripState.ABANDONED
    page = text(evening.client.get("/trip/"))
    assert "This trip is over" in page
    assert page.count("goes back to the store") == 3
    assert evening.client.get("/today/").status_code == 200


# --- What is not yours is not there ---------------------------------------------------------------------------------


def test_nothing_of_another_persons_trip_is_there(evening: Evening, sign_in: SignIn) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", here(package, photo=picture()))
    proof = Proof.objects.get()
    bob = make.associate(evening.store)
    eve = sign_in(bob)
    assert "No trip tonight" in text(eve.get("/trip/"))
    for path in (
        f"/trip/stops/{stop.pk}/drop-off/", f"/trip/stops/{stop.pk}/problem/", f"/proofs/{proof.pk}/photo",
        f"/trip/packages/{package.pk}/give-back/",
    ):  # fmt: skip
        assert eve.get(path).status_code == 404, path
    for path in (
        f"/trip/stops/{stop.pk}/drop-off/", f"/trip/stops/{stop.pk}/problem/", f"/trip/stops/{stop.pk}/arrive/",
        f"/trip/proofs/{proof.pk}/undo/", f"/trip/packages/{package.pk}/missing/",
        f"/trip/packages/{package.pk}/give-back/", f"/trip/packages/{package.pk}/keep/",
    ):  # fmt: skip
        assert eve.post(path, here(package)).status_code == 404, path
    assert "No trip" in text(eve.post("/trip/leave/", follow=True))
    assert f"{package.label}" not in text(eve.get("/earnings/"))


def test_a_photo_is_for_its_associate_and_its_store(evening: Evening) -> None:
    trip = evening.under_way()
    stop, package = first_stop(trip)
    evening.client.post(f"/trip/stops/{stop.pk}/drop-off/", here(package, photo=picture((3000, 2000))))
    proof = Proof.objects.get()
    path = f"/proofs/{proof.pk}/photo"
    answer = evening.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert Image.open(io.BytesIO(answer.content)).size == (1600, 1067)
    for user, status in (
        (make.staff(evening.store, StaffMember.Role.SUPPORT), 200), (make.staff(make.store()), 404), (make.user(), 404),
    ):  # fmt: skip
        client = Client()
        client.force_login(user)
        assert client.get(path).status_code == status
    assert Client().get(path).status_code == 302
    proof.photo.delete(save=False)
    assert evening.client.get(path).status_code == 404


def test_earnings_starts_empty_and_has_pages(evening: Evening) -> None:
    assert "Nothing yet" in text(evening.client.get("/earnings/"))
    assert evening.client.get("/earnings/?page=oops").status_code == 200
