"""Private links never reach a log, whoever writes it."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from config import logs

from . import road
from .server import Web


def test_the_scrubber_hides_tokens_wherever_they_stand() -> None:
    token = "kTq5vF3xWzR8LmNp2YbHc7UdJe4SgAo9"
    event = {
        "event": f"GET /t/{token}/ and /ws/t/{token}/?lang=es and “/t/{token}”",
        "request": f"GET /t/{token}/state?lang=en",
        "exception": f"ValueError: No route found for path 'ws/t/{token}/x'.",
        "token": token,
    }
    scrubbed = logs.scrub(None, "info", dict(event))
    assert token not in str(scrubbed)
    assert "/state?lang=en" in scrubbed["request"], "what is not private stays readable"


@pytest.mark.django_db(transaction=True)
def test_a_server_that_logs_everything_logs_no_token(web: Web) -> None:
    """Even with uvicorn's own lines on, as somebody might start it."""
    made = road.claimed(1)
    token, wrong = made.tokens[0], "kTq5vF3xWzR8LmNp2YbHc7UdJe4SgAo9"
    for path in (f"/t/{token}/", f"/t/{token}/state?lang=es", f"/t/{wrong}/", f"/t/{wrong}", f"/t/{wrong}/photo/x"):
        try:
            urllib.request.urlopen(web.address + path, timeout=10).read()  # noqa: S310
        except urllib.error.HTTPError as error:
            assert error.code == 404  # noqa: PT017
    for path, refused in ((f"/ws/t/{token}/", False), (f"/ws/t/{wrong}/", True), (f"/ws/t/{wrong}/x/y", True)):
        try:
            with connect(f"ws://127.0.0.1:{web.port}{path}", origin=web.address, proxy=None) as page:  # type: ignore[arg-type]
                page.recv(timeout=10)
            assert not refused
        except InvalidStatus:
            assert refused
    lines = web.log.read_text()
    assert "request_finished" in lines, "the server does log"
    assert token not in lines
    assert wrong not in lines
