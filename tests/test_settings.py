"""Settings fail loudly, health answers honestly, logs carry no person."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from config import health, logs

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


def test_pages_travel_compressed(client: Client, db: None) -> None:
    assert client.get("/accounts/login/", headers={"accept-encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/accounts/login/").headers
