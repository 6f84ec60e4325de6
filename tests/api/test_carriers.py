"""Carriers behind one interface; and a package is never with both."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from deliveries import actors, manifests, quoting, tasks
from deliveries.actions import Refused, carriers, claims
from deliveries.carriers import service_of
from deliveries.models import Carrier, Claim, Manifest, Package, Tender
from stores.models import Store
from tests import make

from .receiver import Receiver, listening

NOW = make.EVENING
BY = actors.system("cut-off")
PDF = b"%PDF-1.4 a label"


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.OUTBOUND_LOCAL = True


def with_api(store: Store, url: str) -> Carrier:
    Carrier.objects.filter(store=store).update(active=False)
    return Carrier.objects.create(
        store=store, name="Parcels by wire", kind="http", url=url, token=carriers.seal_token("sesame")
    )


def answers(receiver: Receiver, **by_path: Any) -> None:
    """Have the receiver answer with JSON made from what was asked."""

    def respond(said: dict[str, Any], count: int) -> int:
        what = "labels" if "manifest" in said else "rates"
        receiver.body = json.dumps(by_path[what](said)).encode()
        return 200

    receiver.respond = respond


def labelled(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "labels": [
            {
                "reference": each["reference"], "tracking": f"1Z{n}", "label": base64.b64encode(PDF).decode(),
                "media": "application/pdf",
            }
            for n, each in enumerate(said["packages"])
        ]
    }  # fmt: skip


def test_by_default_it_is_a_list_and_the_retailers_own_price(store: Store) -> None:
    package = make.package(store, carrier_cents=875)
    assert service_of(Carrier.objects.get(store=store)).rates([package]) == {}
    manifest = carriers.tender(store=store, packages=[package], by=BY, now=NOW, reason="late")
    assert manifest is not None
    assert manifest.tenders.get().cents == 875
    assert not carriers.unannounced(NOW + timedelta(days=1)).exists(), "there is nobody to tell"
    text = io.StringIO(newline="")
    assert manifests.write_csv(manifest, text) == 1
    assert package.label in text.getvalue()


def test_a_carrier_with_an_api_is_asked_for_rates_and_told_and_sends_labels(
    store: Store, django_capture_on_commit_callbacks: Any
) -> None:
    with listening() as receiver:
        with_api(store, receiver.url)
        package = make.package(store, carrier_cents=875, deliver_by=NOW + timedelta(minutes=20))
        answers(
            receiver,
            rates=lambda said: {"rates": [{"reference": said["packages"][0]["reference"], "cents": 640}]},
            labels=labelled,
        )
        tasks.tender_store(store.pk)
        tender = Tender.objects.get()
        assert (tender.cents, tender.package) == (640, package)
        tasks.announce_manifest(tender.manifest_id)
        tasks.announce_manifest(tender.manifest_id)
    tender.refresh_from_db()
    assert (tender.tracking, bytes(tender.label or b""), tender.label_media) == ("1Z0", PDF, "application/pdf")
    assert tender.manifest.announced_at is not None
    (ask, _body), (tell, body) = receiver.got
    assert ask["authorization"] == "Bearer sesame"
    assert tell["idempotency-key"] == f"manifest-{tender.manifest_id}"
    assert "recipient" not in receiver.events[0]["packages"][0], "who it is for is told with the order, not before"
    assert json.loads(body)["packages"][0]["recipient"] == "Sam Carter"
    assert b"sesame" not in bytes(Carrier.objects.get(kind="http").token or b"")


@pytest.mark.parametrize(
    "rates",
    [{}, {"rates": 5}, {"rates": [{"reference": "?", "cents": 1}]}, {"rates": [{"cents": -1}]}, [], None],
    ids=["none", "number", "unknown", "nameless", "list", "null"],
)
def test_a_carrier_that_says_nothing_usable_gets_it_at_the_retailers_price(store: Store, rates: Any) -> None:
    with listening() as receiver:
        with_api(store, receiver.url)
        make.package(store, carrier_cents=875, deliver_by=NOW + timedelta(minutes=20))
        answers(receiver, rates=lambda said: rates)
        tasks.tender_store(store.pk)
    assert Tender.objects.get().cents == 875


@pytest.mark.parametrize(
    "labels",
    [
        lambda said: {"labels": []},
        lambda said: {"labels": [{"reference": said["packages"][0]["reference"], "tracking": ""}]},
        lambda said: {"labels": [{"reference": said["packages"][0]["reference"], "tracking": "1", "label": "<svg>"}]},
        lambda said: {
            "labels": [
                {
                    "reference": said["packages"][0]["reference"], "tracking": "1",
                    "label": base64.b64encode(b"<script>").decode(), "media": "application/pdf",
                }
            ]
        },
    ],
    ids=["none", "no number", "no base64", "no pdf"],
)  # fmt: skip
def test_it_is_told_again_until_it_answers_with_labels(store: Store, labels: Any) -> None:
    with listening() as receiver:
        with_api(store, receiver.url)
        package = make.package(store)
        manifest = carriers.tender(store=store, packages=[package], by=BY, now=NOW, reason="late")
        assert manifest is not None
        answers(receiver, labels=labels)
        tasks.announce_manifest(manifest.pk)
        manifest.refresh_from_db()
        assert manifest.announced_at is None
        assert manifest.error
        assert manifest.due_at is not None
        assert manifest.due_at > timezone.now()
        tasks.announce_manifest(manifest.pk)
        assert len(receiver.got) == 1, "not before its time"
        answers(receiver, labels=labelled)
        Manifest.objects.update(due_at=NOW)
        tasks.find_announcements.run()
        tasks.announce_manifest(manifest.pk)
    manifest.refresh_from_db()
    assert manifest.announced_at is not None
    package.refresh_from_db()
    assert package.state == "with_carrier", "custody never hung on the wire"


def test_the_database_knows_what_a_carrier_is(store: Store) -> None:
    manifest = carriers.tender(store=store, packages=[make.package(store)], by=BY, now=NOW, reason="late")
    assert manifest is not None
    for change in (
        lambda: Carrier.objects.filter(store=store).update(kind="http"),
        lambda: Carrier.objects.filter(store=store).update(kind="bird"),
        lambda: Manifest.objects.update(announced_at=NOW, due_at=NOW),
        lambda: Tender.objects.update(label=b"x"),
        lambda: Package.objects.update(trip=make.trip(make.associate(store))),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_a_package_is_never_with_both() -> None:
    """Claims and the cut-off at the same moment, again and again: each package goes one way."""
    store = make.store()
    packages = [make.package(store) for _ in range(8)]
    people = [make.associate(store, limits={"max_packages": 8}) for _ in range(4)]
    plans = []
    for n, person in enumerate(people):
        when = make.shift(person, ends_at=NOW - timedelta(minutes=5))
        plans.append((person, quoting.plan_trip(person, when, packages[2 * n : 2 * n + 2], now=NOW)))
    barrier, outcomes = threading.Barrier(len(plans) * 2), Counter[str]()

    def attempt(work: Any) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            work()
            outcomes["done"] += 1
        except Refused as refused:
            outcomes[refused.code] += 1
        finally:
            connections.close_all()

    def claim(person: Any, planned: Any) -> Any:
        return lambda: claims.claim(planned=planned, shown=planned.quote.digest, by=person, now=NOW, key=uuid4())

    def tender(some: list[Package]) -> Any:
        return lambda: carriers.tender(store=store, packages=some, by=BY, now=NOW, reason="late")

    work = [claim(person, planned) for person, planned in plans]
    work += [tender(packages[n::4] + packages[n:2]) for n in range(len(plans))]
    threads = [threading.Thread(target=attempt, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(outcomes.values()) == len(work)
    assert set(outcomes) <= {"done", "already_taken"}
    claimed = set(Claim.objects.filter(released_at=None).values_list("package_id", flat=True))
    tendered = set(Tender.objects.values_list("package_id", flat=True))
    assert not claimed & tendered
    assert claimed | tendered == {package.pk for package in packages}
    states = {p.pk: p.state for p in Package.objects.all()}
    assert all(states[pk] == "claimed" for pk in claimed)
    assert all(states[pk] == "with_carrier" for pk in tendered)
