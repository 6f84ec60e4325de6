"""An HTTP server that speaks OSRM's JSON, and can be told to misbehave."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

SPEED_M_S = 12.0
Answer = dict[str, Any]


def drive(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Metres between two (lon, lat) in a town whose streets run north and east; one way is longer than the other."""
    metres = 111_200 * abs(a[1] - b[1]) + 84_000 * abs(a[0] - b[0])
    return metres + (100.0 if a < b else 0.0)


class Osrm(BaseHTTPRequestHandler):
    """One request; `server.twist` may change an answer, `server.behave` may take the connection over."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, service, _version, _profile, coordinates = parts.path.split("/")
        points = [tuple(map(float, pair.split(","))) for pair in coordinates.split(";")]
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((service, len(points), asked))
        if self.server.behave is not None and self.server.behave(self):
            return
        answer = self.table(points, asked) if service == "table" else self.route(points)
        self.say(200, json.dumps(self.server.twist(answer)).encode())

    def table(self, points: list[Any], asked: dict[str, str]) -> Answer:
        def chosen(name: str) -> list[int]:
            return [int(i) for i in asked[name].split(";")] if name in asked else list(range(len(points)))

        sources, targets = chosen("sources"), chosen("destinations")
        metres = [[drive(points[i], points[j]) if i != j else 0.0 for j in targets] for i in sources]
        return {
            "code": "Ok",
            "durations": [[m / SPEED_M_S for m in row] for row in metres],
            "distances": metres,
            "sources": [{"distance": 3.1, "location": points[i], "name": "", "hint": "x"} for i in sources],
            "destinations": [{"distance": 3.1, "location": points[j], "name": "", "hint": "x"} for j in targets],
        }

    def route(self, points: list[Any]) -> Answer:
        legs = [drive(a, b) for a, b in itertools.pairwise(points)]
        return {
            "code": "Ok",
            "waypoints": [{"distance": 3.1, "location": point, "name": ""} for point in points],
            "routes": [
                {
                    "legs": [{"duration": m / SPEED_M_S, "distance": m} for m in legs],
                    "geometry": {"type": "LineString", "coordinates": [list(point) for point in points]},
                }
            ],
        }

    def say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def drip(request: Osrm) -> bool:
    """A byte every 0.05 s, for ever: no single read ever times out."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    try:
        for _ in range(400):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass
    request.close_connection = True
    return True


def half(request: Osrm) -> bool:
    """Promises more than it sends, and hangs up."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"code":"Ok","durations":[[0,')
    request.close_connection = True
    return True


def silent(request: Osrm) -> bool:
    """Takes the question and says nothing for longer than anybody waits."""
    time.sleep(2)
    request.close_connection = True
    return True


def status(code: int, body: bytes = b"{}") -> Callable[[Osrm], bool]:
    """Answers with this status."""

    def behave(request: Osrm) -> bool:
        request.say(code, body)
        return True

    return behave


class StandIn(ThreadingHTTPServer):
    """The server, on a port of its own; a context manager."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Osrm)
        self.asked: list[tuple[str, int, dict[str, str]]] = []
        self.twist: Callable[[Answer], Any] = lambda answer: answer
        self.behave: Callable[[Osrm], bool] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that gave up are the point of some tests."""

    def __enter__(self) -> StandIn:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
