"""`make run`: starts, says where, and leaves nothing behind, whichever way it ends.

Most tests give the supervisor stand-ins for web, worker and beat, which start in no time. The last one runs Homeward.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config import embedded
from config.servers import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; `make run` itself runs on macOS as well")

SETUP = "import sys; open(sys.argv[1], 'w').write('sign in as ada@homeward.example'); print('tables made')"
WEB = """
import http.server, os, sys, time
class Page(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Page.asked += 1
        self.send_response(503 if Page.asked < 3 else 200); self.end_headers()
        self.wfile.write(os.environ["SITE_URL"].encode())
print("web is up")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
# Does what a worker may: leaves one process behind that is deaf to being asked, and one in a session of its own, an orphan.
WORKER = """
import subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", deaf, sys.argv[1]])
detach = "import subprocess, sys; subprocess.Popen([sys.executable, *sys.argv[1:]], start_new_session=True)"
subprocess.run([sys.executable, "-c", detach, "-c", deaf, sys.argv[1]])
time.sleep(600)
"""
SUPERVISE = "import json, sys; from pathlib import Path; from config import run\n" + (
    "host, port, root, setup, lasting = json.loads(sys.argv[1])\n"
    "sys.exit(run.supervise(host, port, Path(root), setup, lasting))"
)


class Running:
    """A supervisor in a process of its own, and what it has printed so far."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=embedded.BASE_DIR, env=environment
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.output += line

    def wait_for(self, text: str, seconds: float = 60) -> None:
        eventually(lambda: text in self.output or self.process.poll() is not None, seconds)
        assert text in self.output, self.output

    def ends(self, seconds: float = 90) -> int:
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def environment_of(root: Path) -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "SITE_URL", "MAKELEVEL", "EMAIL_FILE_PATH", "MEDIA_ROOT")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"HOMEWARD_VAR": str(root), "HOMEWARD_ENV": "development"}


def processes_of(root: Path) -> list[psutil.Process]:
    """Every process that was started for `root`: its environment or its command line says so."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get("HOMEWARD_VAR") == str(root) or str(root) in " ".join(process.cmdline()):
                found.append(process)
    return found


def child_named(word: str, root: Path) -> psutil.Process:
    return next(p for p in processes_of(root) if word in p.cmdline())


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder of this test alone. Not below tmp_path: see test_embedded.py."""
    with tempfile.TemporaryDirectory(prefix="homeward-") as folder:
        root = Path(folder) / "a place"
        yield root
        left = processes_of(root)
        for process in left:
            process.kill()
        assert left == []


@pytest.fixture
def start(root: Path) -> Callable[..., Running]:
    def start(port: int, host: str = "127.0.0.1", **changed: list[str]) -> Running:
        def python(code: str, *arguments: str) -> list[str]:
            return [sys.executable, "-u", "-c", code, *arguments, str(root)]

        setup = changed.pop("setup", [sys.executable, "-c", SETUP, str(root / "sign-ins")])
        lasting = {
            "web": python(WEB, str(port)),
            "worker": python(WORKER),
            "beat": python("import time; time.sleep(600)"),
        }
        orders = json.dumps([host, port, str(root), setup, lasting | changed])
        return Running([sys.executable, "-c", SUPERVISE, orders], environment_of(root))

    return start


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_and_ends_when_asked(start: Callable[..., Running], root: Path, signum: signal.Signals) -> None:
    port = free_port()
    running = start(port)
    running.wait_for("Ctrl-C stops everything.")
    assert f"Homeward is running: http://localhost:{port}/" in running.output
    assert "sign in as ada@homeward.example" in running.output
    assert re.search(r"^setup +tables made$", running.output, re.MULTILINE)
    assert re.search(r"^web +web is up$", running.output, re.MULTILINE)
    with urllib.request.urlopen(f"http://localhost:{port}/") as page:
        assert page.read().decode() == f"http://localhost:{port}"  # what mails and links will say
    running.process.send_signal(signum)
    assert running.ends() == 0
    assert processes_of(root) == []


def test_a_second_ctrl_c_does_not_wait(start: Callable[..., Running], root: Path) -> None:
    deaf = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)", str(root)]
    running = start(free_port(), beat=deaf)
    running.wait_for("Ctrl-C stops everything.")
    running.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1)
    running.process.send_signal(signal.SIGINT)
    assert running.ends(10) == 0  # a deaf process is given fifteen seconds from the first


def test_when_one_ends_by_itself_all_end_and_it_is_named(start: Callable[..., Running], root: Path) -> None:
    running = start(free_port(), beat=[sys.executable, "-c", "import time; time.sleep(2); print('no more'); exit(3)"])
    assert running.ends() == 1
    assert "beat ended by itself (exit code 3). Its last lines:\n  no more" in running.output
    assert processes_of(root) == []


def test_a_killed_child_is_named_with_its_signal(start: Callable[..., Running], root: Path) -> None:
    running = start(free_port())
    running.wait_for("Ctrl-C stops everything.")
    next(p for p in processes_of(root) if WORKER in p.cmdline()).kill()
    assert running.ends() == 1
    assert "worker ended by itself (SIGKILL)" in running.output
    assert processes_of(root) == []


def test_a_database_that_dies_ends_it_all_and_is_named(start: Callable[..., Running], root: Path) -> None:
    running = start(free_port())
    running.wait_for("Ctrl-C stops everything.")
    next(p for p in processes_of(root) if p.name() == "postgres" and "-D" in p.cmdline()).kill()
    assert running.ends() == 1
    assert "PostgreSQL ended by itself.\n  The end of" in running.output
    assert processes_of(root) == []


def test_when_setup_fails_nothing_else_starts(start: Callable[..., Running], root: Path) -> None:
    running = start(free_port(), setup=[sys.executable, "-c", "raise SystemExit('no such table')"])
    assert running.ends() == 1
    assert "setup ended by itself (exit code 1). Its last lines:\n  no such table" in running.output
    assert "web is up" not in running.output


def test_killed_without_warning_it_leaves_nothing_running(start: Callable[..., Running], root: Path) -> None:
    quiet = [sys.executable, "-c", "import time; time.sleep(600)", str(root)]
    running = start(free_port(), worker=quiet)
    running.wait_for("Ctrl-C stops everything.")
    running.process.kill()
    assert running.ends() == -signal.SIGKILL
    assert eventually(lambda: processes_of(root) == [])


def test_a_taken_port_is_said_before_anything_starts(start: Callable[..., Running], root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        running = start(port)
        assert running.ends() == 1
    assert running.output.strip() == (
        f"Port {port} is already in use by another program. Choose another: make run PORT={port + 1}"
    )
    assert not (root / "postgres").exists()


def test_an_address_of_another_machine_is_refused(start: Callable[..., Running]) -> None:
    running = start(free_port(), host="192.0.2.1")
    assert running.ends() == 1
    assert running.output.strip().startswith("This machine cannot listen on 192.0.2.1 (")


def test_a_number_that_is_no_port_is_refused(start: Callable[..., Running]) -> None:
    running = start(70000)
    assert running.ends() == 1
    assert running.output.strip().startswith("70000 is not a port.")


def test_one_folder_runs_once(start: Callable[..., Running], root: Path) -> None:
    port = free_port()
    first = start(port)
    first.wait_for("Ctrl-C stops everything.")
    second = start(free_port())
    assert second.ends() == 1
    assert f"Homeward is already running from this folder, at http://localhost:{port}." in second.output
    assert first.process.poll() is None
    assert embedded.running_at(root) == f"http://localhost:{port}", "other commands print links that lead there"
    first.process.terminate()
    assert first.ends() == 0
    assert embedded.running_at(root) == ""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_real_thing_starts_twice_and_stops(root: Path) -> None:
    """What a newcomer sees: tables, demo, sign-ins, a page. The second start finds the demo and keeps it."""
    port = free_port()
    for turn in ("first", "second"):
        running = Running([sys.executable, "-m", "config.run", "--port", str(port)], environment_of(root))
        running.wait_for("Ctrl-C stops everything.", seconds=180)
        running.wait_for("ready.", seconds=30)  # the worker's own word
        with urllib.request.urlopen(f"http://localhost:{port}/") as page:
            assert page.status == 200
            assert b"Homeward" in page.read()
        with urllib.request.urlopen(f"http://localhost:{port}/readyz") as page:
            assert json.load(page)["status"] == "ok"
        running.process.send_signal(signal.SIGTERM)
        assert running.ends() == 0, running.output
        assert "Traceback" not in running.output, running.output
        assert processes_of(root) == []
        assert ("No migrations to apply" in running.output) == (turn == "second")
        assert "@" in (root / "sign-ins").read_text()
