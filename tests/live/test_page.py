"""The customer's page as a browser without script, a robot or a guesser gets it."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from PIL import Image
from redis.backoff import NoBackoff
from redis.retry import Retry

from deliveries import actors, consumers, links
from deliveries.actions import cancelling, carriers, dropoffs, exceptions, receiving, trips
from deliveries.controls import Control
from deliveries.live import arrival, publishing, snapshots
from deliveries.models import Event, Manifest, Notice, Package, Tender, TrackingLink
from deliveries.states import MOVES, PackageState
from deliveries.views import link_limits
from deliveries.views.tracking_urls import urlpatterns

from .. import make
from . import road

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _no_bad_links_yet() -> None:
    cache.clear()


def text_of(client: Client, token: str, **query: str) -> str:
    answer = client.get(f"/t/{token}/", query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "#887766").save(file, "JPEG")
    return file.getvalue()


def test_every_state_has_words_and_says_what_happens_next(client: Client) -> None:
    """Walks a package through every state of the table, and reads the page in each."""
    made = road.under_way(2)
    package, other = made.packages
    token, other_token = made.tokens
    ana, now, by = made.ana, timezone.now(), actors.system("test")
    seen: dict[str, str] = {}

    def read(which: Package, with_token: str) -> str:
        which.refresh_from_db()
        text = text_of(client, with_token)
        seen[which.state] = text
        return text

    for state, expected in (
        ("received", "We are getting your package ready"),
        ("staged", "Your package is ready to go"),
    ):
        fresh = make.package(made.store, staged=state == "staged")
        assert expected in read(fresh, links.issue(package=fresh, now=now))
    assert "You are the next stop" in read(package, token)
    assert "1 stop before yours" in read(other, other_token)
    assert "Ana, from your store, is bringing it" in seen["out"]
    assert re.search(r"Expected (between .+ and|by) .+\.m\.", seen["out"])

    exceptions.attempt(package=package, reason="nobody_home", by=ana, now=now, key=uuid4())
    assert "Nobody answered" in read(package, token)
    exceptions.keep(package=package, by=ana, now=now)
    assert "keeps it safe" in read(package, token)
    exceptions.retry(package=package, by=ana, now=now)
    exceptions.attempt(package=package, reason="damaged", by=ana, now=now, key=uuid4())
    exceptions.bring_back(package=package, by=ana, now=now)
    assert "going back to the store" in read(package, token)
    exceptions.receive_return(package=package, by=by, now=now)
    assert "another day" in read(package, token)
    receiving.hold(package=package, by=by, now=now, reason="asked for")
    assert "waits for you at the store" in read(package, token)
    receiving.collect(package=package, by=by, now=now)
    assert "was picked up" in read(package, token)

    made.deliver(other, photo=jpeg())
    text = read(other, other_token)
    assert "Your package was delivered" in text
    assert "Ana, from your store, brought it." in text
    assert "Left at your address." in text

    tendered = make.package(made.store)
    carriers.tender(store=made.store, packages=[tendered], by=by, now=now, reason="cut-off")
    text = read(tendered, links.issue(package=tendered, now=now))
    assert "Parcel carrier is bringing it." in text
    assert "cut-off" not in text, "why is the store's business"
    cancelled = make.package(made.store)
    cancelling.cancel(package=cancelled, by=by, now=now, reason="customer called")
    assert "cancelled" in read(cancelled, links.issue(package=cancelled, now=now))

    shown = set(seen)
    loaded = road.loaded(2)
    claimed = road.claimed(2)
    assert "has" not in read(claimed.packages[0], claimed.tokens[0]).split("Ana")[0]
    read(loaded.packages[0], loaded.tokens[0])
    shown = set(seen) | {"offered"}  # what a customer reads is the same as for staged, see PUBLIC_STATUS
    assert shown == {state.value for state in PackageState}
    assert snapshots.PUBLIC_STATUS[PackageState.OFFERED] == snapshots.PUBLIC_STATUS[PackageState.STAGED]
    assert set(snapshots.PUBLIC_STATUS) == set(PackageState)
    for state, text in seen.items():
        for private in ("Alvarez", "Carter", "Test Street", "sam@example.net", package.label):
            assert private not in text, f"{private} on the page of {state}"


def test_the_timeline_has_words_for_every_verb_a_customer_is_told_of() -> None:
    quiet = {"offer", "release", "unstage", "claim", "load", "unload", "undo_delivery", "transfer"}
    said_by_the_customer = {"reschedule", "ask_carrier", "ask_associate", "not_received", "found", "settle_report"}
    assert set(snapshots.words.TIMELINE) == (set(MOVES) | {"receive"} | said_by_the_customer) - quiet


def test_a_promise_that_cannot_be_kept_is_called_late_before_it_is_broken(client: Client) -> None:
    now = timezone.now()
    package = make.package(make.store(), now=now - timedelta(hours=1), deliver_by=now + timedelta(minutes=40))
    token = links.issue(package=package, now=now)
    assert "Late" not in text_of(client, token)
    late_from = arrival.last_chance(package)
    assert now < late_from < package.deliver_by - timedelta(minutes=package.store.load_minutes)
    again_s = client.get(f"/t/{token}/state").json()["again_s"]
    assert again_s == pytest.approx((late_from - timezone.now()).total_seconds(), abs=5), (
        "an open page finds out by itself"
    )
    Package.objects.filter(pk=package.pk).update(deliver_by=now + timedelta(minutes=4))
    assert "Late: it was promised by" in text_of(client, token)


def test_with_the_carrier_the_promise_stands_and_the_number_is_told(client: Client) -> None:
    now, by = timezone.now(), actors.system("test")
    store = make.store()
    package, overdue = (
        make.package(store, now=now - timedelta(hours=5), deliver_by=now + each) for each in (2 * HOUR, -HOUR)
    )
    carriers.tender(store=store, packages=[package, overdue], by=by, now=now, reason="cut-off")
    token = links.issue(package=package, now=now)
    assert re.search(r"By \d.+m\.", text_of(client, token))
    assert client.get(f"/t/{token}/state").json()["again_s"] == pytest.approx(2 * 3600, abs=60)
    assert "Ask them about" not in text_of(client, token)
    assert "Late: it was promised by" in text_of(client, links.issue(package=overdue, now=now))

    Manifest.objects.update(due_at=now)
    assert client.get(f"/t/{token}/state").json()["again_s"] <= 61, "an open page asks until the carrier has answered"
    Manifest.objects.update(due_at=None)
    Tender.objects.filter(package=package).update(tracking="PX 4711")
    assert "Parcel carrier is bringing it. Ask them about PX 4711." in text_of(client, token)
    Package.objects.filter(pk=package.pk).update(deliver_by=now - timedelta(minutes=1))
    Package.objects.filter(pk=package.pk).update(state_since=now - timedelta(hours=2))
    text = text_of(client, token)
    assert "romised" not in text, "whether the carrier was in time we do not know"
    Package.objects.filter(pk=package.pk).update(state_since=now - timedelta(hours=25))
    assert "Ask them about PX 4711." in text_of(client, token), "for its customer it is still on its way (0257)"


def test_who_wants_it_in_their_hands_is_asked_to_be_there(client: Client) -> None:
    made = road.under_way(2)
    Package.objects.filter(pk=made.packages[0].pk).update(safe_place="in_person")
    text = text_of(client, made.tokens[0])
    assert "please be there" in text
    assert "You need not wait" not in text
    assert "You need not wait" in text_of(client, made.tokens[1])


def test_a_window_narrows_with_every_stop_and_holds_what_happens(client: Client) -> None:
    """A trip of five as planned: at each stop the range is narrower or the same, and the arrival lies in every range before."""
    began = timezone.now().replace(second=0, microsecond=0)
    made = road.under_way(5, now=began)
    stops = [claim.stop for claim in made.trip.claims.order_by("stop__position").select_related("stop")]
    last, said = made.packages[-1], []
    at = made.trip.started_at
    assert at is not None
    for package, stop in zip(made.packages[:-1], stops, strict=False):
        said.append(snapshots.load([last.pk], now=at)[last.pk].window)
        assert stop is not None
        at += timedelta(seconds=stop.leg_s)
        trips.arrive(stop=stop, by=made.ana, now=at)
        at += timedelta(seconds=made.store.service_seconds)
        dropoffs.deliver(
            package=package, by=made.ana, now=at, key=uuid4(), position=dropoffs.Position(package.point, 5)
        )
    said.append(snapshots.load([last.pk], now=at)[last.pk].window)
    assert stops[-1] is not None
    there = at + timedelta(seconds=stops[-1].leg_s)
    widths = [window.closes - window.opens for window in said if window]
    assert len(widths) == 5
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0]
    assert all(window.opens <= there <= window.closes for window in said if window)


def test_a_drop_off_taken_back_never_was(client: Client) -> None:
    made = road.under_way(1)
    now = timezone.now()
    proof = dropoffs.deliver(
        package=made.packages[0], by=made.ana, now=now, key=uuid4(),
        position=dropoffs.Position(made.packages[0].point, 5),
    )  # fmt: skip
    assert "Your package was delivered" in text_of(client, made.tokens[0])
    dropoffs.undo(proof=proof, by=made.ana, now=now)
    text = text_of(client, made.tokens[0])
    assert "You are the next stop" in text
    assert "Delivered 2" not in text
    assert text.count("Delivered") == 1, "the fourth step's name, and no line of the timeline"


def test_a_photo_is_shown_through_the_link_and_not_for_long(client: Client) -> None:
    made = road.under_way(2)
    made.deliver(made.packages[0], photo=jpeg())
    answer = client.get(f"/t/{made.tokens[0]}/photo")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert b"".join(answer.streaming_content).startswith(b"\xff\xd8")  # type: ignore[attr-defined]
    assert answer["Cache-Control"] == "no-store, private"
    assert client.get(f"/t/{made.tokens[1]}/photo").status_code == 404, "another package's photo is not theirs"

    Package.objects.filter(pk=made.packages[0].pk).update(state_since=timezone.now() - timedelta(hours=25))
    text = text_of(client, made.tokens[0])
    assert "Your package was delivered" in text
    assert "Ana" not in text, "a day later only the status is left"
    assert "Left the store" not in text
    assert client.get(f"/t/{made.tokens[0]}/photo").status_code == 404


def test_links_that_are_not_valid_get_the_same_bytes(client: Client) -> None:
    made = road.claimed(1)
    package, now = made.packages[0], timezone.now()
    expired, revoked, valid = (links.issue(package=package, now=now) for _ in range(3))
    TrackingLink.objects.filter(token_hash=links._hash(expired)).update(
        made_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1)
    )
    TrackingLink.objects.filter(token_hash=links._hash(revoked)).update(revoked_at=now)
    over = make.package(made.store)
    cancelling.cancel(package=over, by=actors.system("test"), now=now, reason="test")
    long_over = links.issue(package=over, now=now, lasts=timedelta(days=400))
    Package.objects.filter(pk=over.pk).update(state_since=now - links.GONE_AFTER)
    tokens = (expired, revoked, long_over, "A" * 32, "nö%00<script>")
    paths = [str(pattern.pattern).removeprefix("t/<str:token>/") for pattern in urlpatterns]
    assert {"", "state", "photo", "messages/push", *(f"{control}/" for control in Control)} <= set(paths)
    for path in paths:
        for ask in (client.get, client.head, client.post):
            answers = [ask(f"/t/{token}/{path}", REMOTE_ADDR=f"198.51.100.{n}") for n, token in enumerate(tokens)]
            assert len({answer.status_code for answer in answers}) == 1
            assert {answer.status_code for answer in answers} <= {404, 405}
            assert len({answer.content for answer in answers}) == 1
            assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
            cache.clear()
    page = client.get(f"/t/{expired}/").content
    assert b"not valid any more" in page
    assert b"call the store" in page.lower(), "and what to do"
    assert client.get(f"/t/{valid}/").status_code == 200


def test_valid_or_not_the_look_up_is_the_same_work(django_assert_num_queries: Any) -> None:
    made = road.claimed(1)
    for token in (made.tokens[0], "A" * 32, "x", "ü" * 500, "\udce4"):
        with django_assert_num_queries(1):
            links.find(token, timezone.now())


def test_a_token_is_long_random_and_not_stored(client: Client) -> None:
    made = road.claimed(1)
    token = made.tokens[0]
    assert len(token) == 32, "24 bytes in base64: 192 bits"
    link = TrackingLink.objects.get(package=made.packages[0])
    assert token.encode() not in bytes(link.token_hash)
    assert link.expires_at == made.packages[0].deliver_by + links.LASTS
    assert links.revoke(package=made.packages[0], now=timezone.now()) == 1
    assert links.find(token, timezone.now()) is None


@pytest.mark.parametrize("path", ["", "state"])
def test_looking_changes_nothing(client: Client, path: str) -> None:
    made = road.under_way(1)
    before = (list(Event.objects.values()), list(Notice.objects.values()), list(TrackingLink.objects.values()))
    address = f"/t/{made.tokens[0]}/{path}"
    for ask in (client.get, client.head):
        answer = ask(address)
        assert answer.status_code == 200
        assert not answer.cookies
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert "unsafe" not in answer["Content-Security-Policy"]
    for ask in (client.post, client.put, client.delete):
        assert ask(address).status_code == 405
    assert before == (
        list(Event.objects.values()), list(Notice.objects.values()), list(TrackingLink.objects.values())
    )  # fmt: skip


def test_the_page_is_in_the_packages_language_or_the_one_asked_for(client: Client) -> None:
    made = road.claimed(1)
    Package.objects.filter(pk=made.packages[0].pk).update(language="es")
    assert b'<html lang="es">' in client.get(f"/t/{made.tokens[0]}/").content
    assert b'<html lang="en">' in client.get(f"/t/{made.tokens[0]}/", {"lang": "en"}).content
    assert b'<html lang="es">' in client.get(f"/t/{made.tokens[0]}/", {"lang": "xx"}).content


def test_who_tries_many_links_waits() -> None:
    made = road.claimed(1)
    client = Client(REMOTE_ADDR="198.51.100.1")  # other tests open links from 127.0.0.1 meanwhile
    for n in range(link_limits.BAD_A_MINUTE):
        assert client.get(f"/t/guess{n}/").status_code == 404
    answer = client.get("/t/one-more/")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert client.get(f"/t/{made.tokens[0]}/").status_code == 429
    assert client.get(f"/t/{made.tokens[0]}/", REMOTE_ADDR="198.51.100.2").status_code == 200, "others are not held up"


def test_a_network_of_addresses_is_one_guesser() -> None:
    """An IPv6 customer has 2^64 addresses, and a dual-stack server sees IPv4 ones in IPv6 clothes."""
    keys = [
        link_limits._of("bad", address) for address in ("2001:db8:0:1::1", "2001:db8:0:1:ffff:1:2:3", "2001:db8:0:2::1")
    ]
    assert keys[0] == keys[1] != keys[2]
    assert link_limits._of("bad", "::ffff:198.51.100.1") == link_limits._of("bad", "198.51.100.1")
    made = road.claimed(1)
    client = Client(REMOTE_ADDR="2001:db8:0:1::1")
    for n in range(link_limits.BAD_A_MINUTE):
        client.get(f"/t/guess{n}/")
    assert client.get(f"/t/{made.tokens[0]}/", REMOTE_ADDR="2001:db8:0:1::beef").status_code == 429
    assert client.get(f"/t/{made.tokens[0]}/", REMOTE_ADDR="2001:db8:0:2::1").status_code == 200


def test_a_valid_link_that_is_hammered_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is asked from and whichever of its pages; a second link to the same package goes on."""
    monkeypatch.setattr(link_limits, "READS_A_MINUTE", 4)
    made = road.claimed(1)
    here, there, second = Client(REMOTE_ADDR="198.51.100.1"), Client(REMOTE_ADDR="198.51.100.2"), made.tokens[0]
    token = links.issue(package=made.packages[0], now=timezone.now())
    for address in ("", "state", "pin/", "messages/"):
        assert here.get(f"/t/{token}/{address}").status_code == 200
    for address in ("", "state", "photo", "pin/"):
        answer = there.get(f"/t/{token}/{address}")
        assert answer.status_code == 429
        assert 0 < int(answer["Retry-After"]) <= 60
        assert answer["Cache-Control"] == "no-store, private"
    assert "was opened very many times" in answer.content.decode()
    spanish = there.get(f"/t/{token}/", {"lang": "es"})
    assert b'<html lang="es">' in spanish.content, "in the language of the page, not of the browser"
    assert there.get(f"/t/{second}/").status_code == 200


def test_an_address_that_hammers_many_links_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_limits, "READS_A_MINUTE_HERE", 4)
    made = road.claimed(3)
    client = Client(REMOTE_ADDR="2001:db8:0:1::1")
    assert [client.get(f"/t/{token}/").status_code for token in made.tokens * 2] == [200] * 4 + [429] * 2
    other = Client(REMOTE_ADDR="2001:db8:0:2::1")
    assert other.get(f"/t/{made.tokens[0]}/").status_code == 200, "others are not held up"


def test_when_the_minute_is_over_it_goes_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window begins with the first look and no later one makes it longer, or a page that asks on would never get in."""
    monkeypatch.setattr(link_limits, "READS_A_MINUTE", 1)
    made = road.claimed(1)
    address = f"/t/{made.tokens[0]}/"
    assert [client.get(address).status_code for _ in range(3)] == [200, 429, 429]
    key = link_limits._of_link(TrackingLink.objects.get().pk)
    cache.touch(key, 20)
    assert int(client.get(address)["Retry-After"]) <= 20
    cache.delete(key)
    assert client.get(address).status_code == 200


def test_a_family_with_many_pages_never_meets_the_limit(client: Client) -> None:
    """Twenty pages without a socket, each opened, asked three times and once more when the phone wakes."""
    made = road.claimed(1)
    for _page in range(consumers.MOST_VIEWERS):
        assert client.get(f"/t/{made.tokens[0]}/").status_code == 200
    counted = link_limits._count([link_limits._of_link(TrackingLink.objects.get().pk)], 60)
    [(opened, _left)] = counted.values()
    assert opened == consumers.MOST_VIEWERS + 1, "one page is one look"
    a_minute = consumers.MOST_VIEWERS * (1 + 3 + 1 + 8)  # opened, polled, woken, and its socket lost again and again
    assert a_minute * 2 < link_limits.READS_A_MINUTE


def test_without_redis_there_is_no_limit_and_there_is_a_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = road.claimed(1)
    for name in ("BAD_A_MINUTE", "READS_A_MINUTE", "READS_A_MINUTE_HERE"):
        monkeypatch.setattr(link_limits, name, 0)
    monkeypatch.setattr(publishing, "client", lambda process: redis.Redis(port=1, retry=Retry(NoBackoff(), 0)))
    assert client.get(f"/t/{made.tokens[0]}/").status_code == 200
    assert client.get(f"/t/{made.tokens[0]}/state").status_code == 200
    assert client.get("/t/nothing/").status_code == 404


def test_names_that_are_code_stay_text(client: Client) -> None:
    made = road.claimed(1)
    type(made.ana).objects.filter(pk=made.ana.pk).update(first_name="<img src=x onerror=alert(1)>")
    page = client.get(f"/t/{made.tokens[0]}/").content
    assert b"<img src=x" not in page
    assert b"&lt;img src=x" in page
