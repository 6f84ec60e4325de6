"""Homeward's web process for tests: the real uvicorn, on the test database, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from django.conf import settings
from django.db import connection

from config.servers import Valkey, free_port

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """What a process needs to work on this test's database and Redis."""
    database = connection.settings_dict
    where = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{where}",
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
    }


class Web:
    """Start it inside a test that has the database. `port` stays the same over a restart."""

    def __init__(self, log: Path, **environment_: str) -> None:
        self.log, self.port = log, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **environment(), "SITE_URL": self.address, "ALLOWED_HOSTS": "127.0.0.1,localhost", **environment_,
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Web:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(self.port),
                    "--lifespan", "off", "--timeout-graceful-shutdown", "1",
                ],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.address}/livez", timeout=2):  # noqa: S310
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the web process did not answer:\n{self.log.read_text()}")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class OwnValkey(Valkey):
    """A Valkey of a test's own that can be stopped and comes back at the same port."""

    def come_back(self) -> None:
        self.process = self.launch()
        deadline = time.monotonic() + 20
        while not self.answers():
            assert time.monotonic() < deadline, "Valkey did not come back"
            time.sleep(0.01)
