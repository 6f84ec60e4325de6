"""All of Homeward on one machine: `make run`, or `python -m config.run [--port 8001] [--host 0.0.0.0]`.

In order: the port is looked at, PostgreSQL and Valkey are found or started (`config.embedded`), the tables are brought
up to date and the demo is loaded once, then web, worker and beat start side by side, each line of theirs behind its
name. When /readyz answers, the addresses and the demo's sign-ins are printed.

It ends on Ctrl-C or SIGTERM (exit code 0), when one of the five ends by itself (its name, its last lines, 1), or when
the `make` that started it is gone. In every case the others are asked to stop, waited for, and made to stop; a second
Ctrl-C skips the waiting. When this process itself is killed without warning, the kernel stops the three (Linux), and
the database servers go because nobody uses them any more.

Meant for a laptop and for CI. A server runs the same three commands (`commands()`) under its own supervisor.
"""

import argparse
import collections
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

from config import embedded
from config.servers import NotStarted, adopt_orphans, belongs_to_another_user, port_is_free, stop_with_parent

READY_WITHIN = 90  # seconds
STOPPED_WITHIN = 15  # seconds; a worker finishes the task it is at
COLOURS = {"setup": 36, "web": 32, "worker": 35, "beat": 33}


class Refused(RuntimeError):
    """Homeward cannot run. The text is for the person at the terminal."""


class Child:
    """A process whose lines come out behind its name, and whose last lines are remembered."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.last_lines: collections.deque[str] = collections.deque(maxlen=15)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8", errors="replace", cwd=embedded.BASE_DIR, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C reaches us alone, and we ask the others to stop
            preexec_fn=stop_with_parent(signal.SIGTERM),
        )  # fmt: skip
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.last_lines.append(line.rstrip("\n"))
            say(self.name, line.rstrip("\n"))

    def how_it_ended(self) -> str:
        self.reader.join(0.5)
        code = self.process.returncode
        reason = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return "\n  ".join([f"{self.name} ended by itself ({reason}). Its last lines:", *self.last_lines])


def say(name: str, text: str) -> None:
    """One line on our output. One write, so that lines of different children never mix."""
    if sys.stdout.isatty():
        name = f"\033[{COLOURS.get(name, 1)}m{name:<6}\033[0m"
    with contextlib.suppress(BrokenPipeError):  # `make run | tee log`, and Ctrl-C has ended tee already
        sys.stdout.write(f"{name:<6} {text}\n" if name else f"{text}\n")
        sys.stdout.flush()


def commands(host: str, port: int, root: Path) -> dict[str, list[str]]:
    """The three processes that are Homeward.

    uvicorn logs no requests: it would write the private link of a tracking page. Our own log line has it hidden.
    """
    as_root = "ignore:You're running the worker with superuser privileges"  # on a laptop or in CI, on purpose
    celery = [sys.executable, "-W", as_root, "-m", "celery", "--quiet", "--app", "config"]
    return {
        "web": [
            sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", host, "--port", str(port),
            "--lifespan", "off", "--no-access-log", "--log-level", "warning", "--no-server-header",
            "--timeout-graceful-shutdown", "3",
            # Compressing small messages for each of thousands of sockets costs more memory and time than it saves.
            "--ws-per-message-deflate", "false", "--ws-max-size", "1024",
        ],
        "worker": [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"],
        "beat": [*celery, "beat", "--schedule", str(root / "beat-schedule"), "--pidfile", ""],
    }  # fmt: skip


def prepare(sign_ins: Path) -> None:
    """Tables and demo, in one process to save two starts. Runs as `python -m config.run --prepare FILE`."""
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    call_command("demo", "--once")
    with open(sign_ins, "w", encoding="utf-8") as file:
        call_command("demo", "--sign-ins", stdout=file)


class Supervisor:
    """Starts the children, watches them, and leaves none behind.

    address: where the web process will be found, without a slash at the end.
    setup:   a command that runs to its end before the others start; it writes the sign-ins to `root`/sign-ins.
    lasting: the commands that run side by side until the end, by name.
    """

    def __init__(self, address: str, root: Path, setup: list[str], lasting: dict[str, list[str]]) -> None:
        self.address, self.root, self.setup, self.lasting = address, root, setup, lasting
        self.children: list[Child] = []
        self.stops_asked = 0
        self.parent = os.getppid() if "MAKELEVEL" in os.environ else None
        adopt_orphans()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._ask_to_stop)

    def _ask_to_stop(self, signum: int, frame: object) -> None:
        self.stops_asked += 1

    def should_stop(self) -> bool:
        return self.stops_asked > 0 or (self.parent is not None and os.getppid() != self.parent)

    def run(self) -> None:
        """Returns when asked to stop. Raises Refused when something else ended it."""
        try:
            with embedded.services(self.root):
                try:
                    self._work()
                finally:
                    self._stop()
        except NotStarted as error:
            raise Refused(str(error)) from error

    def _work(self) -> None:
        setup = self._start("setup", self.setup)
        while setup.process.poll() is None:
            if self.should_stop():
                return
            time.sleep(0.05)
        if setup.process.returncode:
            raise Refused(setup.how_it_ended())
        self.children.remove(setup)

        for name, command in self.lasting.items():
            self._start(name, command)
        self._wait_until_ready()
        if not self.should_stop():
            sign_ins = (self.root / "sign-ins").read_text(encoding="utf-8").strip()
            say("", f"\nHomeward is running: {self.address}/\n\n{sign_ins}\n\nCtrl-C stops everything.\n")
        while not self.should_stop():
            self._check()
            time.sleep(0.2)

    def _start(self, name: str, command: list[str]) -> Child:
        child = Child(name, command)
        self.children.append(child)
        return child

    def _check(self) -> None:
        for child in self.children:
            if child.process.poll() is not None and not self.should_stop():
                raise Refused(child.how_it_ended())
        if lost := embedded.lost(self.root):
            raise Refused(lost)

    def _wait_until_ready(self) -> None:
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine needs no proxy
        answer, deadline = "nothing", time.monotonic() + READY_WITHIN
        while not self.should_stop():
            self._check()
            try:
                with browser.open(f"{self.address}/readyz", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                answer = f"{error.code}: {error.read(300).decode(errors='replace')}"
            except OSError as error:
                answer = str(error)
            if time.monotonic() > deadline:
                raise Refused(f"/readyz did not answer 200 within {READY_WITHIN} s. Its last answer: {answer}")
            time.sleep(0.1)

    def _stop(self) -> None:
        """Ask, wait, insist. In the end nothing that a child started is left either."""
        for child in self.children:
            child.process.send_signal(signal.SIGTERM)
        asked, deadline = self.stops_asked, time.monotonic() + STOPPED_WITHIN
        while any(child.process.poll() is None for child in self.children):
            if time.monotonic() > deadline or self.stops_asked > max(asked, 1):
                break
            time.sleep(0.05)
        for process in self._descendants():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for child in self.children:
            child.process.wait()
            child.reader.join(1)

    @staticmethod
    def _descendants() -> list[psutil.Process]:
        """What our children started and left, also in sessions of their own; but not the servers and their keepers."""
        found = []
        for process in psutil.Process().children():
            if process.pid not in embedded.keepers():
                found.append(process)
                with contextlib.suppress(psutil.NoSuchProcess):
                    found += process.children(recursive=True)
        return found


@contextlib.contextmanager
def only_one(root: Path, address: str) -> Iterator[None]:
    """Two beats on one database would do everything twice, so a folder runs once; `running` says where."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "running", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(
                f"Homeward is already running from this folder, at {file.read().strip()}. Stop it first (Ctrl-C "
                "where it runs), or give this one a folder of its own: make run HOMEWARD_VAR=/some/other/folder"
            ) from None
        file.truncate(0)
        file.write(address)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise Refused(f"{port} is not a port. Choose a number from 1024 to 65535: make run PORT=8001")
    if port < 1024 and os.geteuid() != 0:
        raise Refused(f"Only root may use port {port}. Choose one from 1024 to 65535: make run PORT=8001")
    try:
        free = port_is_free(host, port)
    except OSError as error:
        raise Refused(
            f"This machine cannot listen on {host} ({error.strerror}). Choose another address: make run HOST=127.0.0.1"
        ) from error
    if not free:
        raise Refused(
            f"Port {port} is already in use by another program. Choose another: make run PORT={port % 65535 + 1}"
        )


def supervise(host: str, port: int, root: Path, setup: list[str], lasting: dict[str, list[str]]) -> int:
    """Run everything until it is asked to stop. Returns the exit code; what was wrong is on standard error."""
    reached_as = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1", "::") else host  # noqa: S104
    address = f"http://{reached_as}:{port}"
    os.environ.setdefault("SITE_URL", address)
    try:
        with only_one(root, address):
            check_port(host, port)
            Supervisor(address, root, setup, lasting).run()
    except PermissionError as error:
        print(f"\n{belongs_to_another_user(error.filename, root)}", file=sys.stderr)
        return 1
    except Refused as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.run", description="Run all of Homeward on this machine.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other devices in the network in")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.prepare:
        prepare(options.prepare)
        return 0
    root = embedded.default_root().resolve()
    setup = [sys.executable, "-m", "config.run", "--prepare", str(root / "sign-ins")]
    return supervise(options.host, options.port, root, setup, commands(options.host, options.port, root))


if __name__ == "__main__":
    sys.exit(main())
