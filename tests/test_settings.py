"""Settings fail loudly, health answers honestly, logs carry no person."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory

from config import health, logs
from config.middleware import CompressMiddleware

ROOT = Path(__file__).resolve().parent.parent
COMPLETE = {
    "HOMEWARD_ENV": "production",
    "SECRET_KEY": "x" * 50,
    "HOME_KEYS": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY=",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "homeward.example",
    "SITE_URL": "https://homeward.example",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}


def load(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own with just this environment."""
    plain = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    code = "from django.conf import settings; print(settings.DEBUG, settings.DEMO, settings.SESSION_COOKIE_SECURE)"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=plain | environment, capture_output=True, text=True, check=False
    )


def test_production_starts_when_complete_and_is_closed() -> None:
    done = load(COMPLETE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False", "True"]


@pytest.mark.parametrize("name", [name for name in COMPLETE if name != "HOMEWARD_ENV"])
def test_production_refuses_to_start_without(name: str) -> None:
    done = load({key: value for key, value in COMPLETE.items() if key != name})
    assert done.returncode != 0
    assert f"without {name}." in done.stderr
    assert "README" in done.stderr


def test_a_short_secret_is_refused() -> None:
    done = load(COMPLETE | {"SECRET_KEY": "short"})
    assert "fewer than 40 characters" in done.stderr


def test_an_unknown_environment_is_refused() -> None:
    assert "must be development, test or production" in load({"HOMEWARD_ENV": "staging"}).stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OSRM_URL", "osrm.internal:5000", "must be the address of an OSRM server"),
        ("OSRM_URL", "https://router.project-osrm.org", "must be a server of your own"),
        ("OSRM_SECONDS", "0", "OSRM_SECONDS must be more than 0"),
        ("GEOCODER_URL", "https://nominatim.example", "nominatim+https://"),
        ("GEOCODER_PER_SECOND", "0", "GEOCODER_PER_SECOND must be"),
    ],
)
def test_places_and_drives_say_how_they_are_named(variable: str, value: str, said: str) -> None:
    assert said in load({variable: value}).stderr


def test_livez_asks_nothing_and_readyz_asks_both(client: Client, db: None) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ok", "parts": {"database": "ok", "redis": "ok"}}


def test_readyz_names_what_is_down(client: Client, db: None, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"database": "ok", "redis": "down"})

    def broken() -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(health.connection, "cursor", broken)
        assert client.get("/readyz").json()["parts"]["database"] == "down"
        assert client.get("/livez").status_code == 200


def test_logs_lose_people_places_and_tokens() -> None:
    event = logs.scrub(
        None,
        "info",
        {
            "event": "sent to sam.carter@example.net",
            "request": "GET /t/AbCdEf0123456789/state",
            "path": "/ws/t/AbCdEf0123456789/",
            "recipient": "Sam Carter",
            "lat": 40.1,
            "store": 3520,
        },
    )
    assert "sam.carter" not in str(event)
    assert "AbCdEf" not in str(event)
    assert "Sam Carter" not in str(event)
    assert "40.1" not in str(event)
    assert event["store"] == 3520


def test_every_page_says_a_strict_policy_and_names_its_request(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("path", "smaller"),
    [("/accounts/login/", True), ("/static/css/components.css", True), ("/static/img/icon-192.png", False)],
)
def test_what_gets_smaller_travels_compressed(client: Client, db: None, path: str, smaller: bool) -> None:
    answer = client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert (answer.headers.get("Content-Encoding") == "gzip") is smaller
    assert "Content-Encoding" not in client.get(path).headers


def test_what_is_streamed_compressed_is_one_piece() -> None:
    """A browser reads the first gzip member and drops the rest, and with it the end of a style or script."""

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(50):
            yield f"chunk {number}\n".encode() * 200

    async def whole() -> tuple[Any, bytes]:
        request = RequestFactory().get("/static/x.css", headers={"Accept-Encoding": "gzip"})
        answer = StreamingHttpResponse(chunks(), content_type="text/css; charset=utf-8")
        answer.headers["Content-Length"] = "1"
        packed: Any = CompressMiddleware(lambda _request: answer).process_response(request, answer)
        return packed, b"".join([part async for part in packed.streaming_content])

    answer, body = asyncio.run(whole())
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert reader.decompress(body).count(b"\n") == 50 * 200
    assert not reader.unused_data
    assert "Content-Length" not in answer.headers
    assert answer.headers["Content-Encoding"] == "gzip"
