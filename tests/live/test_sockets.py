"""Live updates through a real Redis and a real server in another process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket as sockets
import statistics
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deliveries import actors, consumers, links, matching
from deliveries.actions import exceptions, handover, offers, receiving, trips
from deliveries.actions.moves import move
from deliveries.live import groups, places, publishing
from deliveries.models import Event, Offer, Package, TrackingLink
from deliveries.views import link_limits

from .. import make
from . import road
from .server import OwnValkey, Web

pytestmark = pytest.mark.django_db(transaction=True)
Soon = Callable[..., None]


def news(page: ClientConnection, timeout: float = 15) -> dict[str, object]:
    """The next message that is not a beat."""
    while True:
        message: dict[str, object] = json.loads(page.recv(timeout=timeout))
        if message["type"] != "beat":
            return message


SAME: Any = object()


def open_at(web: Web, path: str, *, origin: Any = SAME, **options: Any) -> connect:
    where = f"ws://127.0.0.1:{web.port}{path}"
    return connect(where, origin=web.address if origin is SAME else origin, proxy=None, max_size=None, **options)


def open_page(web: Web, token: str, language: str = "") -> connect:
    return open_at(web, f"/ws/t/{token}/" + (f"?lang={language}" if language else ""))


def test_a_page_is_told_what_is_true_and_then_what_changes(web: Web) -> None:
    made = road.loaded(3)
    first, last = made.packages[0], made.packages[-1]
    with open_page(web, made.tokens[0]) as mine, open_page(web, made.tokens[-1], "es") as other:
        assert news(mine)["status"] == "with_associate"
        assert news(other)["status"] == "with_associate"
        trips.depart(trip=made.trip, by=made.ana, now=timezone.now())
        told = news(mine)
        first.refresh_from_db()
        assert told["status"] == "next"
        assert told["version"][0] == first.version  # type: ignore[index]
        before = news(other)
        assert before["status"] == "on_the_way"
        assert 'class="stops">2 ' in str(before["html"])
        # Somebody else's delivery is news for this page: one stop less.
        made.deliver(first)
        assert news(mine)["status"] == "delivered"
        after = news(other)
        assert 'class="stops">1 ' in str(after["html"])
        assert after["version"][1] > before["version"][1]  # type: ignore[index]
        last.refresh_from_db()
        assert after["version"][0] == before["version"][0] == last.version  # type: ignore[index]


def test_fifty_moves_reach_an_open_page_and_how_fast(web: Web, record_property: Callable[..., None]) -> None:
    """No time is asserted; the figures are printed and kept."""
    store = make.store()
    package = make.package(store, now=timezone.now())
    token = links.issue(package=package, now=timezone.now())
    took: list[float] = []
    with open_page(web, token) as page:
        news(page)
        for turn in range(50):
            began = time.perf_counter()
            if turn % 2:
                receiving.stage(packages=[package], by=actors.system("test"), now=timezone.now())
            else:
                unstage(package)
            told = news(page)
            took.append((time.perf_counter() - began) * 1000)
            assert told["version"][0] == package.version + turn + 1  # type: ignore[index]
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    record_property("tap_to_page_ms", {"p50": p50, "p95": p95})
    print(f"tap to page, 50 moves: p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {max(took):.1f} ms")  # noqa: T201


def unstage(package: Package) -> None:
    with transaction.atomic():
        move(Package.objects.for_update([package.pk]), "unstage", by=actors.system("test"), now=timezone.now())


def test_offers_and_their_lapse_say_nothing_to_customers(web: Web) -> None:
    store = make.store()
    ana = make.associate(store)
    make.shift(ana)
    package = make.package(store)
    token = links.issue(package=package, now=timezone.now())
    with open_page(web, token) as page:
        assert news(page)["status"] == "ready"
        matching.run_round(store=store, now=make.EVENING)
        offers.not_tonight(offer=Offer.objects.get(), by=ana, now=make.EVENING)
        receiving.hold(package=package, by=actors.system("test"), now=make.EVENING, reason="test")
        assert news(page)["status"] == "pick_up", "the offer and its end were not told"


def test_strangers_are_turned_away_alike(web: Web) -> None:
    made = road.claimed(1)
    now = timezone.now()
    expired = links.issue(package=made.packages[0], now=now - timedelta(days=90), lasts=timedelta(days=1))
    links.TrackingLink.objects.filter(token_hash=links._hash(expired)).update(expires_at=now - timedelta(days=1))
    for token in ("x", "A" * 32, expired):
        with pytest.raises(InvalidStatus) as refused, open_page(web, token):
            pass
        assert refused.value.response.status_code == 403
    for origin in ("https://evil.example", None):
        with pytest.raises(InvalidStatus), open_at(web, f"/ws/t/{made.tokens[0]}/", origin=origin):
            pass
    with pytest.raises(InvalidStatus), open_at(web, "/ws/nowhere/"):
        pass
    assert "Traceback" not in web.log.read_text()


def test_who_tries_many_links_waits_at_the_socket_too(web: Web) -> None:
    """A guesser who is held up at the pages learns nothing here either: not even a valid link opens."""
    made = road.claimed(1)
    cache.clear()
    for _ in range(2):
        with pytest.raises(InvalidStatus), open_page(web, "guess"):
            pass
    assert can_open(web, made.tokens[0]), "a mistyped link or two hold up nobody"
    key = link_limits._of("bad", "127.0.0.1")
    assert cache.get(key) == 2, "tries at the socket are counted with those at the pages"
    cache.set(key, link_limits.BAD_A_MINUTE, timeout=60)
    with pytest.raises(InvalidStatus) as refused, open_page(web, made.tokens[0]):
        pass
    assert refused.value.response.status_code == 403
    assert cache.get(key) == link_limits.BAD_A_MINUTE
    cache.delete(key)
    assert can_open(web, made.tokens[0])


def test_sockets_of_a_link_that_is_hammered_wait(web: Web) -> None:
    made = road.claimed(2)
    cache.clear()
    first, second = TrackingLink.objects.order_by("pk")
    assert can_open(web, made.tokens[0])
    key = link_limits._of_link(first.pk)
    assert cache.get(key) == 1, "a socket is counted as a look"
    cache.set(key, link_limits.READS_A_MINUTE, timeout=60)
    assert not can_open(web, made.tokens[0])
    assert can_open(web, made.tokens[1])
    cache.delete(key)
    assert can_open(web, made.tokens[0])
    assert second.pk


def test_a_link_has_a_limit_of_viewers_and_gives_places_back(web: Web, soon: Soon) -> None:
    made = road.claimed(1)
    with contextlib.ExitStack() as pages:
        for _ in range(consumers.MOST_VIEWERS):
            pages.enter_context(open_page(web, made.tokens[0]))
        with pytest.raises(InvalidStatus), open_page(web, made.tokens[0]):
            pass
    soon(lambda: can_open(web, made.tokens[0]), 15)


def can_open(web: Web, token: str) -> bool:
    try:
        with open_page(web, token) as page:
            news(page)  # the server has read what it wanted to before the test's database is emptied
            return True
    except InvalidStatus:
        return False


def test_the_limit_holds_over_processes_and_heals_after_a_crash(web: Web, tmp_path: Path, soon: Soon) -> None:
    made = road.claimed(1)
    token, elsewhere = made.tokens[0], consumers.MOST_VIEWERS - 12
    with Web(tmp_path / "second.log") as second, contextlib.ExitStack() as pages:
        for _ in range(12):
            pages.enter_context(open_page(second, token))
        for _ in range(elsewhere):
            pages.enter_context(open_page(web, token))
        assert not can_open(web, token)
        assert not can_open(second, token)
        other = links.issue(package=made.packages[0], now=timezone.now())
        assert can_open(web, other), "each link for itself"
        assert second.process is not None
        second.process.kill()
        second.process.wait()
        soon(lambda: can_open(web, token), places.LIVES_S + 15)
        for _ in range(12):
            pages.enter_context(open_page(web, token))
        assert not can_open(web, token)


def test_nothing_is_read_from_a_page(web: Web) -> None:
    made = road.claimed(1)
    with open_page(web, made.tokens[0]) as page:
        news(page)
        page.send("hello")
        with pytest.raises(ConnectionClosed):
            news(page)


def test_associates_and_boards_are_told_to_look(web: Web, client: object) -> None:
    made = road.claimed(1)
    lead, stranger = make.staff(made.store), make.staff(make.store())

    def cookie(user: object) -> dict[str, str]:
        client.force_login(user)  # type: ignore[attr-defined]
        return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}  # type: ignore[attr-defined]

    def open_as(user: object, path: str) -> connect:
        return open_at(web, path, additional_headers=cookie(user))

    board_path = f"/ws/store/{made.store.number}/"
    with open_as(made.ana.user, "/ws/associate/") as feed, open_as(lead, board_path) as board:
        assert news(feed) == {"type": "look", "version": 0}
        assert news(board) == {"type": "look", "version": 0}
        handover.load(
            trip=made.trip, label=made.packages[0].label, by=actors.associate(made.ana.user_id), now=timezone.now()
        )
        trips.depart(trip=made.trip, by=made.ana, now=timezone.now())
        assert news(feed)["type"] == "look"
        newest = Event.objects.order_by("-pk").values_list("pk", flat=True)[0]
        while news(board)["version"] != newest:
            pass
    for user, path in ((stranger, board_path), (made.ana.user, board_path), (lead, "/ws/associate/")):
        with pytest.raises(InvalidStatus), open_as(user, path):
            pass


def test_pages_are_right_again_after_redis_was_away(
    own_valkey: OwnValkey, transactional_db: None, tmp_path: Path
) -> None:
    made = road.under_way(2)
    with (
        Web(tmp_path / "web.log") as web,
        open_page(web, made.tokens[0]) as page,
        open_page(web, made.tokens[1]) as two,
    ):
        assert news(page)["status"] == "next"
        assert news(two)["status"] == "on_the_way"
        own_valkey.stop()
        made.deliver(made.packages[0])
        event = Event.objects.get(package=made.packages[0], verb="deliver")
        assert event.published_at is None, "not told, and not forgotten: the sweep will find it"
        assert event.noticed_at is not None, "messages do not wait for Redis"
        with pytest.raises(TimeoutError):
            news(page, timeout=0.5)
        own_valkey.come_back()
        began = time.perf_counter()
        told = news(page)
        assert told["status"] == "delivered", "told by the hub itself, before any sweep"
        assert "You are the next stop" in str(news(two)["html"])
        print(f"right again {1000 * (time.perf_counter() - began):.0f} ms after Redis answered")  # noqa: T201
        # And still listening: what comes now is heard.
        exceptions.attempt(package=made.packages[1], reason="nobody_home", by=made.ana, now=timezone.now(), key=uuid4())
        assert news(two)["status"] == "attempted"


def test_a_redis_that_hangs_counts_as_gone(
    own_valkey: OwnValkey, transactional_db: None, tmp_path: Path, soon: Soon
) -> None:
    made = road.loaded(1)
    with Web(tmp_path / "web.log") as web, open_page(web, made.tokens[0]) as page:
        news(page)
        assert own_valkey.process is not None
        own_valkey.process.send_signal(signal.SIGSTOP)
        try:
            trips.depart(trip=made.trip, by=made.ana, now=timezone.now())
            assert Event.objects.get(verb="depart").published_at is None, "the tap did not wait for it"
            soon(lambda: "live.redis_silent" in web.log.read_text())
        finally:
            own_valkey.process.send_signal(signal.SIGCONT)
        assert news(page)["status"] == "next"


def test_a_full_socket_holds_up_nobody_and_is_closed(web: Web, soon: Soon) -> None:
    """One page stops reading, with a small window; the other goes on, and the stuck one is let go."""
    made = road.claimed(1)
    package = made.packages[0]
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2048)
    raw.connect(("127.0.0.1", web.port))
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    raw.sendall(
        (
            f"GET /ws/t/{made.tokens[0]}/ HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: {web.address}\r\n\r\n"
        ).encode()
    )
    assert b"101" in raw.recv(64)
    group = groups.package(package.pk, "en")
    big = json.dumps({"type": "state", "version": [1, 1], "html": "x" * 200_000})
    redis_ = publishing.client(os.getpid())
    heard = threading.Event()

    def read(page: ClientConnection) -> None:
        count = 0
        try:
            while count < 100:
                page.recv(timeout=20)
                count += 1
                if count > 60:
                    heard.set()
        except (ConnectionClosed, TimeoutError):
            pass

    with open_page(web, made.tokens[0]) as page:
        reader = threading.Thread(target=read, args=[page], daemon=True)
        reader.start()
        for _ in range(100):
            redis_.publish(group, big)
            time.sleep(0.05)
        assert heard.wait(20), "the page that reads was held up by the one that does not"
        soon(lambda: "live.viewer_stuck" in web.log.read_text())
    raw.close()
