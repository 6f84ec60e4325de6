"""What is watched: packages with a link each, made through the verbs, and what happens to them. Needs Django."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from django.utils import timezone
from websockets.sync.client import connect

from deliveries import actors, links
from deliveries.actions import receiving
from deliveries.live import groups, snapshots
from deliveries.models import Package
from stores.places import Precision
from tests import make

from .processes import Server

BY = actors.system("benchmark")


class World:
    """`packages` in one store, received and not staged; a link, a channel each, and a message of a real page."""

    def __init__(self, packages: int) -> None:
        now = timezone.now()
        store = make.store()
        self.packages = receiving.receive(
            packages=[
                Package(
                    store=store, reference=f"L{number}", label=f"{number:06d}", fingerprint=str(number),
                    recipient="Sam Carter", address1=f"{number} Test Street", city="Bayonne", region="NJ", zip="07002",
                    lat=store.lat, lon=store.lon, precision=Precision.ROOFTOP, weight_g=900, length_mm=300,
                    width_mm=200, height_mm=100, carrier_cents=900, deliver_by=now + timedelta(hours=4),
                )
                for number in range(packages)
            ],
            by=BY, now=now,
        )  # fmt: skip
        self.tokens = [links.issue(package=package, now=now) for package in self.packages]
        self.channels = [groups.package(package.pk, "en") for package in self.packages]
        first = self.packages[0].pk
        self.text = snapshots.message(snapshots.load([first], now=now)[first], "en", now=now)

    def move_some(self) -> dict[str, int]:
        """Stage a tenth of the packages; returns the version of each by its token."""
        some = self.packages[: len(self.packages) // 10]
        moved = {package.pk: package for package in receiving.stage(packages=some, by=BY, now=timezone.now())}
        tokens = dict(zip((package.pk for package in self.packages), self.tokens, strict=True))
        return {tokens[pk]: package.version for pk, package in moved.items()}

    def taps(self, turns: int = 30) -> dict[str, float]:
        """From calling a verb to the text on an open page: commit, rendering, Redis, hub, socket."""
        took = []
        with Server("config.asgi:application") as server:
            for turn in range(min(turns, len(self.packages) // 2)):
                package, token = self.packages[-1 - turn], self.tokens[-1 - turn]
                where = f"ws://127.0.0.1:{server.port}/ws/t/{token}/"
                with connect(where, origin="http://127.0.0.1", proxy=None) as page:  # type: ignore[arg-type]
                    page.recv(timeout=10)
                    began = time.perf_counter()
                    receiving.hold(package=package, by=BY, now=timezone.now(), reason="benchmark")
                    while b"pick_up" not in page.recv(timeout=10, decode=False):
                        pass
                    took.append(1000 * (time.perf_counter() - began))
        return {"p50": round(statistics.median(took), 1), "p95": round(statistics.quantiles(took, n=20)[-1], 1)}
