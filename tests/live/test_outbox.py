"""An Event that was committed is spoken, whatever dies in between."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from deliveries import actors, live, tasks
from deliveries.actions import receiving
from deliveries.live import groups, publishing, snapshots
from deliveries.models import Event, Notice, Package

from .. import make
from .server import ROOT, OwnValkey, environment

pytestmark = pytest.mark.django_db(transaction=True)

# Runs a verb as the web process would, and dies without a word where `{where}` says.
DYING = """
import os, sys
import django
django.setup()
from django.utils import timezone
from deliveries import actors, live, notices
from deliveries.actions import receiving
from deliveries.live import publishing
from deliveries.models import Package
{where}
receiving.hold(package=Package.objects.get(pk={package}), by=actors.system("test"), now=timezone.now(), reason="x")
raise SystemExit("it was to die before this")
"""
PLACES = {
    "between commit and publish": "live.speak = lambda ids: os._exit(9)",
    "half way, published and nothing marked": "notices.write_down = lambda *a, **k: os._exit(9)",
    "after the notices, before the mark": (
        "down = notices.write_down\ndef dies(*a, **k):\n    down(*a, **k)\n    os._exit(9)\nnotices.write_down = dies"
    ),
}


@pytest.mark.parametrize("where", PLACES.values(), ids=PLACES.keys())
def test_a_process_that_dies_leaves_it_to_the_sweep(where: str) -> None:
    package = make.package(make.store())
    process = subprocess.run(
        [sys.executable, "-c", DYING.format(where=where, package=package.pk)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert process.returncode == 9, process.stderr
    event = Event.objects.get(package=package, verb="hold")
    assert event.published_at is None, "committed, and nobody marked it"
    Event.objects.filter(pk=event.pk).update(at=event.at - timedelta(seconds=5))

    with listening(groups.package(package.pk, "en")) as page:
        tasks.sweep_outbox()
        assert b'"status":"pick_up"' in heard(page)[0]
    event.refresh_from_db()
    assert event.published_at is not None
    assert event.noticed_at is not None
    assert Notice.objects.filter(package=package, kind="pick_up").count() == 1, "owed once, however often it was tried"


def test_a_repeat_says_nothing_again() -> None:
    package = make.package(make.store())
    event = Event.objects.get(package=package, verb="stage")
    assert event.published_at is not None, "spoken right after the commit"
    with listening(groups.package(package.pk, "en")) as page:
        live.speak([event.pk])
        assert heard(page) == []


def test_what_nobody_watches_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    package = make.package(make.store())
    monkeypatch.setattr(snapshots, "render", lambda *args, **options: pytest.fail("rendered for nobody"))
    receiving.hold(package=package, by=actors.system("test"), now=timezone.now(), reason="test")
    assert Event.objects.get(package=package, verb="hold").published_at is not None


def test_one_rendering_a_language_however_many_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    package = make.package(make.store())
    rendered: list[str] = []
    original = snapshots.render

    def counted(facts: snapshots.Facts, language: str, **options: object) -> str:
        rendered.append(language)
        return original(facts, language, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshots, "render", counted)
    name = groups.package(package.pk, "es")
    with listening(name) as one, listening(name) as two:
        receiving.hold(package=package, by=actors.system("test"), now=timezone.now(), reason="test")
        assert heard(one) == heard(two) != []
    assert rendered == ["es"]


def test_without_redis_the_verb_works_and_the_sweep_makes_up_for_it(own_valkey: OwnValkey) -> None:
    package = make.package(make.store())
    own_valkey.stop()
    receiving.hold(package=package, by=actors.system("test"), now=timezone.now(), reason="test")
    event = Event.objects.get(package=package, verb="hold")
    assert (event.published_at, event.noticed_at is None) == (None, False)
    own_valkey.come_back()
    publishing._rest_until = 0.0
    Event.objects.filter(pk=event.pk).update(at=event.at - timedelta(seconds=5))
    tasks.sweep_outbox()
    event.refresh_from_db()
    assert event.published_at is not None
    assert Package.objects.get(pk=package.pk).notices.filter(kind="pick_up").count() == 1


class listening:
    """A page, as Redis sees it."""

    def __init__(self, group: str) -> None:
        self.client = redis.Redis.from_url(settings.REDIS_URL)
        self.pubsub = self.client.pubsub()
        self.pubsub.subscribe(group)
        assert self.pubsub.get_message(timeout=5)["type"] == "subscribe"

    def __enter__(self) -> redis.client.PubSub:
        return self.pubsub

    def __exit__(self, *error: object) -> None:
        self.pubsub.close()
        self.client.close()


def heard(page: redis.client.PubSub) -> list[bytes]:
    said = []
    while message := page.get_message(timeout=0.3):
        said.append(message["data"])
    return said
