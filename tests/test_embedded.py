"""The embedded servers: found when they run, started when not, gone when nobody is left, healed after a crash."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config import embedded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the embedded servers need Linux or macOS")

VARIABLES = ("DATABASE_URL", "REDIS_URL")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a space in its name, of this test alone, and no servers named by the environment.

    Not below tmp_path: as root PostgreSQL runs as another user, and every start of pytest closes that tree to others.
    """
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")  # so that monkeypatch puts back whatever was there
        monkeypatch.delenv(variable)
    monkeypatch.delenv("HOMEWARD_ENV", raising=False)
    with tempfile.TemporaryDirectory(prefix="homeward-") as folder:
        root = Path(folder) / "a place"
        yield root
        embedded.release(root)
        assert running_below(root) == []


def running_below(root: Path) -> list[str]:
    """Command lines of processes that work in `root` or were told about it. A server changes into its data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if Path(process.cwd()).is_relative_to(root) or any(str(root) in word for word in process.cmdline()):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def eventually(condition: object, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def keeper_of(name: str, root: Path) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-4:-1] == ["--keep", name, str(root / name)]:
            return process
    raise LookupError(name)


def ask(urls: dict[str, str]) -> str:
    """The version of the database, over a real connection; and a round trip through Redis."""
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        client.set("asked", 1)
        assert client.get("asked") == b"1"
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT current_database(), current_setting('timezone'), version()").fetchone()
    assert row is not None
    assert row[:2] == ("homeward", "UTC")
    return row[2]


def test_both_answer_and_leave_nothing_behind(root: Path) -> None:
    with embedded.services(root, durable=False) as urls:
        assert ask(urls).startswith("PostgreSQL 18")
        assert {name: os.environ[name] for name in VARIABLES} == urls
        assert len(running_below(root)) >= 3  # two keepers, and PostgreSQL with its own
    assert running_below(root) == []
    assert not any(name in os.environ for name in VARIABLES)


def test_the_data_outlives_the_servers(root: Path) -> None:
    with embedded.services(root) as urls:
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        redis.Redis.from_url(urls["REDIS_URL"]).lpush("queue", "waiting")
    with embedded.services(root) as urls:
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert redis.Redis.from_url(urls["REDIS_URL"]).lrange("queue", 0, -1) == [b"waiting"]


def test_a_second_command_finds_the_same_servers_and_leaves_them_be(root: Path) -> None:
    with embedded.services(root, durable=False) as urls:
        environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        told = subprocess.run(
            [
                sys.executable,
                "-m",
                "config.embedded",
                sys.executable,
                "-c",
                "import os; print(os.environ['REDIS_URL'])",
            ],
            env=environment | {"HOMEWARD_VAR": str(root)},
            cwd=embedded.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == urls["REDIS_URL"]
        assert ask(urls)


def test_whoever_stays_longest_keeps_them(root: Path) -> None:
    """The first user leaves by kill -9; the second is not disturbed, and the servers stop after the second."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    first = subprocess.Popen(
        [sys.executable, "-m", "config.embedded"],
        env=environment | {"HOMEWARD_VAR": str(root)},
        cwd=embedded.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    with first.stdout:
        printed = [first.stdout.readline().strip() for _ in VARIABLES]
    with embedded.services(root) as urls:
        assert printed == [f"export {name}={url}" for name, url in urls.items()]
        first.kill()
        first.wait()
        time.sleep(embedded.LOOK_EVERY * 3)
        assert ask(urls)
    assert running_below(root) == []


def test_a_user_killed_without_warning_leaves_nothing_running(root: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    user = subprocess.Popen(
        [sys.executable, "-m", "config.embedded"],
        env=environment | {"HOMEWARD_VAR": str(root)},
        cwd=embedded.BASE_DIR,
        stdout=subprocess.PIPE,
    )
    assert user.stdout is not None
    with user.stdout:
        user.stdout.readline()
    user.kill()
    user.wait()
    assert eventually(lambda: not running_below(root))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_keeper_takes_its_server_along_and_the_next_one_starts_afresh(root: Path, name: str) -> None:
    embedded.ensure(root, durable=False)
    keeper = keeper_of(name, root)
    (server,) = keeper.children()
    keeper.kill()
    assert eventually(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    for variable in VARIABLES:
        os.environ.pop(variable)
    assert ask(embedded.ensure(root, durable=False))


def test_a_server_that_crashes_is_started_again_by_the_next_command(root: Path) -> None:
    """A postmaster killed at once leaves its pid file, with a number that may belong to somebody else by now."""
    embedded.ensure(root)
    (server,) = keeper_of("postgres", root).children()
    server.send_signal(signal.SIGKILL)
    pid_file = root / "postgres" / "data" / "postmaster.pid"
    assert eventually(lambda: not (root / "postgres" / "url").exists())
    assert pid_file.exists()
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    for variable in VARIABLES:
        os.environ.pop(variable)
    assert ask(embedded.ensure(root))


def test_an_unreadable_pid_file_is_cleared_away(root: Path) -> None:
    with embedded.services(root, durable=False):
        pass
    (root / "postgres" / "data" / "postmaster.pid").write_text("")
    with embedded.services(root, durable=False) as urls:
        assert ask(urls)


def test_an_initdb_cut_short_is_set_aside_not_lost(root: Path) -> None:
    data = root / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "half").write_text("made")
    with embedded.services(root, durable=False) as urls:
        assert ask(urls)
    (aside,) = (root / "postgres").glob("data.incomplete-*")
    assert (aside / "half").read_text() == "made"


def test_what_the_environment_names_is_not_started(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/theirs")
    assert list(embedded.ensure(root, durable=False)) == ["REDIS_URL"]
    assert os.environ["DATABASE_URL"] == "postgres://elsewhere/theirs"
    assert not (root / "postgres").exists()


def test_nothing_is_started_in_production(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_ENV", "production")
    assert embedded.ensure(root) == {}
    assert not root.exists()


def test_data_of_another_version_is_refused_by_name(root: Path) -> None:
    data = root / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)
    with pytest.raises(embedded.NotStarted, match=r"made by PostgreSQL 16, and this is PostgreSQL 18\. Move"):
        embedded.ensure(root)


def test_a_server_that_cannot_start_says_so_with_the_end_of_its_log(root: Path) -> None:
    with embedded.services(root, durable=False):
        pass
    (root / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(embedded.NotStarted, match=r"(?s)PostgreSQL stopped right after its start.*no_such_setting"):
        embedded.ensure(root, durable=False)
    assert not any(name in os.environ for name in VARIABLES)
