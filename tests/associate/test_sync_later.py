"""What follows an attempt, and what is about the whole trip, told by a phone: once, in any order, with its own time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpResponse
from django.utils import timezone

from associates.models import Associate
from deliveries.actions import dropoffs
from deliveries.models import Event, Notice, Package
from deliveries.notices import sending
from deliveries.states import PackageState, TripState
from deliveries.views.phone import key_of_person
from tests import make

from .conftest import Evening


@pytest.fixture(autouse=True)
def _mail_stays_here(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def later(evening: Evening, minutes: int = 8) -> datetime:
    """So many minutes go by."""
    at = timezone.now() + timedelta(minutes=minutes)
    evening.at(at)
    return at


def told(
    evening: Evening,
    kind: str,
    key: UUID | None = None,
    age_s: float = 0,
    *,
    by: Associate | None = None,
    **fields: Any,
) -> HttpResponse:
    return evening.client.post(
        "/trip/sync/",
        {"person": key_of_person(by or evening.ana), "key": str(key or uuid4()), "kind": kind,
         "age_ms": int(age_s * 1000), **fields},
    )  # fmt: skip


def result(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["result"]


def test_keep_return_and_retry_once_however_often(evening: Evening) -> None:
    trip = evening.under_way()
    claims = list(trip.claims.order_by("stop__position").select_related("package", "stop"))
    for claim in claims:
        told(evening, "problem", stop=claim.stop_id, package=claim.package_id, reason="nobody_home")
    verbs = ("keep", "return", "retry")
    for claim, kind in zip(claims, verbs, strict=True):
        key = uuid4()
        assert result(told(evening, kind, key, package=claim.package_id)) == (200, "done")
        assert result(told(evening, kind, key, package=claim.package_id)) == (200, "already")
    states = [Package.objects.get(pk=claim.package_id).state for claim in claims]
    assert states == [PackageState.KEPT, PackageState.RETURNING, PackageState.OUT]
    assert Event.objects.filter(trip=trip, verb__in=verbs).count() == 3


def test_what_follows_an_attempt_waits_for_it(evening: Evening) -> None:
    trip = evening.under_way()
    claim = trip.claims.select_related("package").first()
    assert claim is not None
    later(evening)
    key = uuid4()
    assert result(told(evening, "keep", key, age_s=60, package=claim.package_id)) == (425, "later")
    told(evening, "problem", age_s=90, stop=claim.stop_id, package=claim.package_id, reason="refused")
    assert result(told(evening, "keep", key, age_s=61, package=claim.package_id)) == (200, "done")
    event = Event.objects.get(package=claim.package_id, verb="keep")
    assert event.at - event.happened_at == timedelta(seconds=61), "the phone's time beside ours"


def test_medicine_does_not_stay_overnight(evening: Evening) -> None:
    Package.objects.update(item_class="medicine")
    trip = evening.under_way()
    claim = trip.claims.select_related("package").first()
    assert claim is not None
    told(evening, "problem", stop=claim.stop_id, package=claim.package_id, reason="refused")
    answer = told(evening, "keep", package=claim.package_id)
    assert result(answer) == (409, "refused")
    assert "medicine" in json.loads(answer.content)["sentence"]
    page = evening.client.get("/trip/").content.decode()
    assert "What is inside (medicine) cannot stay with you overnight." in page
    assert "Keep it safe until my next shift" not in page
    with pytest.raises(IntegrityError, match="package_kept_may_be_kept"), transaction.atomic():
        Package.objects.filter(pk=claim.package_id).update(state="kept", version=F("version") + 1)


def test_an_older_order_does_not_come_back(evening: Evening) -> None:
    trip = evening.under_way()
    first, second, third = (stop.pk for stop in trip.stops.all())
    later(evening)
    newer, older = uuid4(), uuid4()
    assert result(told(evening, "reorder", newer, age_s=10, order=f"{third} {second} {first}"))[1] == "done"
    assert result(told(evening, "reorder", older, age_s=40, order=f"{second} {first} {third}"))[1] == "done"
    assert [stop.pk for stop in trip.stops.all()] == [third, second, first]
    assert result(told(evening, "reorder", newer, order=f"{first} {second} {third}"))[1] == "already"
    assert result(told(evening, "reorder", order="nonsense"))[0] == 404


def test_undone_in_time_though_told_late(evening: Evening) -> None:
    trip = evening.under_way()
    claim = trip.claims.select_related("package").first()
    assert claim is not None
    proof = dropoffs.deliver(
        package=claim.package, by=evening.ana, now=timezone.now(), key=uuid4(),
        position=dropoffs.Position(claim.package.point, 5),
    )  # fmt: skip
    later(evening, 10)
    assert result(told(evening, "undo", age_s=530, proof=proof.pk)) == (409, "refused"), "70 seconds after"
    key = uuid4()
    assert result(told(evening, "undo", key, age_s=560, proof=proof.pk)) == (200, "done")
    assert result(told(evening, "undo", key, age_s=560, proof=proof.pk)) == (200, "already")
    assert Package.objects.get(pk=claim.package_id).state == PackageState.OUT
    assert result(told(evening, "undo", proof=10**9))[0] == 404


def test_cannot_go_on_tells_the_leads_at_once(evening: Evening) -> None:
    lead, _bay = make.staff(evening.store), make.staff(evening.store, "bay")
    make.staff(make.store())
    trip = evening.under_way()
    now = later(evening)
    key = uuid4()
    assert result(told(evening, "cannot_go_on", key, age_s=120, trip=trip.pk, reason="car", note="Flat tyre")) == (
        200, "done",
    )  # fmt: skip
    assert result(told(evening, "cannot_go_on", key, age_s=120, trip=trip.pk, reason="car")) == (200, "already")
    trip.refresh_from_db()
    assert trip.state == TripState.ABANDONED
    assert trip.ended_at == now - timedelta(minutes=2)
    [notice] = Notice.objects.filter(kind="trip_stopped")
    assert notice.member is not None
    assert notice.member.user == lead
    sent_before = len(mail.outbox)
    assert sending.send_due(now=now) >= 1
    [message] = [m for m in mail.outbox[sent_before:] if m.to == [lead.email]]
    assert message.subject == "Ana cannot go on"
    assert "Trouble with the car" in message.body
    assert "Flat tyre" in message.body
    assert "3 packages are still with them" in message.body
    assert "/admin/tonight/" in message.body
    assert result(told(evening, "cannot_go_on", trip=10**9, reason="car"))[0] == 404
    assert result(told(evening, "cannot_go_on", trip=trip.pk, reason="refused"))[0] == 400


def test_another_persons_things_are_not_there(evening: Evening) -> None:
    trip = evening.under_way()
    claim = trip.claims.select_related("package").first()
    assert claim is not None
    stranger = make.associate(evening.store)
    evening.client.force_login(stranger.user)
    for kind, fields in (
        ("keep", {"package": claim.package_id}), ("cannot_go_on", {"trip": trip.pk, "reason": "car"}),
        ("reorder", {"order": str(claim.stop_id)}),
    ):  # fmt: skip
        assert result(told(evening, kind, by=stranger, **fields))[0] == 404  # type: ignore[arg-type]
