"""What tests of messages have in common: a clock that stands at the evening, mail that stays here, and servers that stand
in for a push service and a text message gateway."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .. import make


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(make.EVENING, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _messages_stay_here(settings: Any, tmp_path: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.SITE_URL = "https://homeward.example"


class Service:
    """A real HTTP server on this machine that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 201
        self.lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with service.lock:
                    service.received.append(
                        (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                    )
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.stop()


@pytest.fixture
def gateway(service: Service, settings: Any) -> Service:
    """Text messages go to the local server, as JSON with `to` and `message`."""
    settings.SMS_URL = f"json://127.0.0.1:{service.port}/sms?:to={{to}}"
    return service


class Browser:
    """A browser as a push service knows it: keys of its own, so that a test can read what only it could."""

    def __init__(self, service: Service, name: str = "one") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = b"0123456789abcdef"
        self.endpoint = f"http://127.0.0.1:{service.port}/push/{name}"

    @property
    def keys(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"p256dh": _text(point), "auth": _text(self.secret)}

    def json(self) -> str:
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": self.keys})

    def read(self, body: bytes) -> dict[str, str]:
        return dict(json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret)))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def push_service(service: Service, settings: Any, tmp_path: Any) -> Service:
    settings.PUSH_HOSTS = [f"127.0.0.1:{service.port}"]
    return service
