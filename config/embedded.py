"""PostgreSQL and Valkey for a machine that has neither, from the wheels in requirements.txt.

`DATABASE_URL` and `REDIS_URL` name the servers to use. Where one of them is not set, `ensure()` sets it, to a server
that it finds running for this folder or starts there:

    from config import embedded
    embedded.ensure()                                        # manage.py, before Django reads its settings

    with embedded.services(Path("var/test"), durable=False) as urls:      # a test run
        ...

    python -m config.embedded psql                           # a command with both variables set
    python -m config.embedded                                # start both, say where, wait for Ctrl-C

**Who stops them.** Nobody has to: a server lives exactly as long as somebody uses it. Each one has a keeper, a small
process of its own, and each user holds a shared lock on a file. The kernel drops a lock when its process ends, however
it ends, so neither `kill -9` nor a crash leaves a false count. The keeper looks every 0.2 s whether it could lock that
file alone; then nobody is left, and it stops its server and goes. So `manage.py migrate` on its own starts and stops
the servers, and beside a running `make run` finds its servers and leaves them be, and whoever stays longest keeps them.

    var/postgres/   users     shared lock: one per user            exclusive: the keeper, while it stops the server
                    starting  exclusive: whoever looks whether a keeper is there, and starts one when not
                    keeper    exclusive: the keeper, all its life. Held means: `url` is true.
                    url       where the server is                  log, log.previous: what server and keeper wrote
                    password  made once                            data/: the server's own
    var/valkey/     the same

**What can go wrong.** A server that dies takes its keeper along, and the next `ensure()` starts both. A keeper that is
killed takes its server along (the kernel sends the signal, Linux only; elsewhere the next keeper stops the orphan).
A crash leaves a `postmaster.pid`, which is healed, and an `initdb` cut short, which is set aside. Two commands at once
wait for each other. What cannot be healed is a `NotStarted` with a sentence and the last lines of the log.

As root PostgreSQL runs as somebody else; see `config.servers`. Not for production: there, set both variables.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from config.servers import SERVERS, NotStarted, belongs_to_another_user, write_private

__all__ = ["BASE_DIR", "NotStarted", "default_root", "ensure", "keepers", "lost", "release", "running_at", "services"]

BASE_DIR = Path(__file__).resolve().parent.parent
LOOK_EVERY = 0.2  # seconds between a keeper's looks at its users

_held: dict[Path, IO[str]] = {}  # our shared locks, by the folder of the server
_keepers: dict[Path, subprocess.Popen[str]] = {}  # those that we happened to start


def default_root() -> Path:
    """Where the servers' folders lie when nobody says: HOMEWARD_VAR, or else var/ in the project."""
    return Path(os.environ.get("HOMEWARD_VAR") or BASE_DIR / "var")


def running_at(root: Path | None = None) -> str:
    """The address at which `make run` serves this folder, as it wrote it down; "" when it does not run.

    Links that another command prints (`manage.py demo --evening`) are to lead there, whatever PORT was. After a
    `kill -9` of `make run` this is where it was.
    """
    with contextlib.suppress(OSError):
        written = ((root or default_root()) / "running").read_text(encoding="utf-8").strip()
        return written if "://" in written else ""
    return ""


def ensure(root: Path | None = None, *, durable: bool = True) -> dict[str, str]:
    """Set DATABASE_URL and REDIS_URL where they are not set; start the servers if nobody has.

    root:    the folder that holds the servers' folders.
    durable: False for tests only: faster, and a power cut may lose everything.

    Returns the variables that were set here and their values; they are in os.environ as well, so child processes use
    the same servers without counting as users. We count as a user until we end, or until `release()`.
    Does nothing when HOMEWARD_ENV is `production`. Raises NotStarted.
    """
    if os.environ.get("HOMEWARD_ENV") == "production":
        return {}
    root = (root or default_root()).resolve()
    wanted = [name for name, server in SERVERS.items() if not os.environ.get(server.variable)]
    try:
        found = _find_or_start(root, wanted, durable)
    except PermissionError as error:
        raise belongs_to_another_user(error.filename, root) from error
    os.environ.update(found)
    return found


def release(root: Path | None = None) -> bool:
    """Stop being a user of the servers under `root`, and wait until those that nobody uses have stopped.

    Returns whether all of them have stopped. Leaves os.environ as it is.
    """
    root = (root or default_root()).resolve()
    return _leave([folder for folder in _held if folder.parent == root])


def lost(root: Path | None = None) -> str:
    """Says which of the servers that we use under `root` has died, with the end of its log; empty when none has."""
    root = (root or default_root()).resolve()
    for folder in _held:
        if folder.parent == root and not _is_locked(folder / "keeper"):
            return _with_log(f"{SERVERS[folder.name].name} ended by itself.", folder)
    return ""


def keepers() -> list[int]:
    """The process numbers of the keepers that we started. They may have other users: not ours to end."""
    return [keeper.pid for keeper in _keepers.values()]


@contextlib.contextmanager
def services(root: Path | None = None, *, durable: bool = True) -> Iterator[dict[str, str]]:
    """`ensure()` for the length of a block: on leaving it the variables are unset and unused servers are stopped."""
    urls = ensure(root, durable=durable)
    try:
        yield urls
    finally:
        for variable in urls:
            os.environ.pop(variable, None)
        release(root)


def _find_or_start(root: Path, names: list[str], durable: bool) -> dict[str, str]:
    """Become a user of each server. The keepers that are missing start side by side."""
    new: list[Path] = []
    try:
        with contextlib.ExitStack() as until_up:
            started = {}
            for name in names:
                folder = root / name
                folder.mkdir(parents=True, exist_ok=True)
                if folder not in _held:
                    new.append(folder)
                    _held[folder] = _lock(folder / "users", fcntl.LOCK_SH)  # waits while an old one stops
                until_up.enter_context(_lock(folder / "starting", fcntl.LOCK_EX))
                if not _is_kept(folder):
                    started[name] = _start_keeper(name, folder, durable)
            for name, keeper in started.items():
                _wait_until_up(keeper, name, root / name)
            return {SERVERS[name].variable: _read_url(name, root / name) for name in names}
    except BaseException:
        _leave(new)
        raise


def _leave(folders: list[Path]) -> bool:
    """Give back our locks, then wait. Returns whether all these servers have stopped."""
    for folder in folders:
        if folder in _held:
            _held.pop(folder).close()
    stopped = [folder for folder in folders if _wait_until_stopped(folder)]
    for folder in stopped:
        _bury(folder)
    return stopped == folders


def _bury(folder: Path) -> None:
    """A keeper that we started and that is gone: close its pipe, take its exit code."""
    if folder in _keepers:
        with _keepers.pop(folder):
            pass


def _is_kept(folder: Path) -> bool:
    """Whether a keeper has its server up. One that is on its way in or out is waited for."""
    while _is_locked(folder / "keeper"):
        if (folder / "url").exists():
            return True
        time.sleep(0.02)
    return False


def _start_keeper(name: str, folder: Path, durable: bool) -> "subprocess.Popen[str]":
    _bury(folder)
    with contextlib.suppress(FileNotFoundError):
        (folder / "log").replace(folder / "log.previous")
    with open(folder / "log", "w") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "config.embedded", "--keep", name, folder, "durable" if durable else "fast"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, cwd=BASE_DIR,
            start_new_session=True,  # a terminal's Ctrl-C is for the users, not for the keeper
        )  # fmt: skip
    _keepers[folder] = keeper
    return keeper


def _wait_until_up(keeper: "subprocess.Popen[str]", name: str, folder: Path) -> None:
    """Read what the keeper says until it says `ready`. See `_keep`."""
    reason = f"{SERVERS[name].name} did not start."
    assert keeper.stdout is not None
    with keeper.stdout:
        for line in keeper.stdout:
            word, _, text = line.rstrip("\n").partition(" ")
            if word == "ready":
                return
            if word == "failed":
                reason = text
            else:
                print(text, file=sys.stderr)
    raise NotStarted(_with_log(reason, folder))


def _with_log(sentence: str, folder: Path) -> str:
    lines = (folder / "log").read_text(errors="replace").splitlines()[-8:]
    return "\n  ".join([sentence, *([f"The end of {folder / 'log'}:", *lines] if lines else [])])


def _read_url(name: str, folder: Path) -> str:
    try:
        return (folder / "url").read_text()
    except FileNotFoundError:
        raise NotStarted(f"{SERVERS[name].name} has just stopped; {folder / 'log'} says why. Try again.") from None


def _wait_until_stopped(folder: Path) -> bool:
    """Wait for the keeper to go. False as soon as it is clear that somebody else still uses the server."""
    while _is_locked(folder / "keeper"):
        if _is_locked(folder / "users", by_anybody=True) and not _is_locked(folder / "users"):
            return False
        time.sleep(0.02)
    return True


# --- The keeper ---------------------------------------------------------------------------------------------------


def _keep(name: str, folder: Path, durable: bool) -> int:
    """Run one server as long as it has users.

    Says on standard output `note TEXT` any number of times, then `ready`, or `failed TEXT`.
    Returns the exit code: 0 after an orderly stop, 1 when the server could not start or died.
    """
    stop_asked = False

    def ask_to_stop(signum: int, frame: object) -> None:
        nonlocal stop_asked
        stop_asked = True

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, ask_to_stop)

    url = folder / "url"
    fcntl.flock(os.open(folder / "keeper", os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)  # never closed: until we are gone
    with open(folder / "users") as users:
        url.unlink(missing_ok=True)
        server = SERVERS[name](folder, durable=durable, note=lambda text: print("note", text, flush=True))
        try:
            server.start()
            write_private(url, server.url())
            print("ready", flush=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever started us may be gone
            while not stop_asked and not _try_lock(users, fcntl.LOCK_EX):
                assert server.process is not None
                if server.process.poll() is not None:
                    print(f"{server.name} died: exit code {server.process.returncode}", file=sys.stderr)
                    return 1
                time.sleep(LOOK_EVERY)
        except (NotStarted, OSError) as error:
            print("failed", error, flush=True)
            return 1
        finally:
            url.unlink(missing_ok=True)
            server.stop()
    return 0


# --- Locks: the kernel's, on open files. They go with the process. -------------------------------------------------


def _lock(path: Path, kind: int) -> IO[str]:
    """Open `path` and wait for the lock. Closing the file, or ending, gives it back."""
    file = open(path, "a")  # noqa: SIM115
    fcntl.flock(file, kind)
    return file


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(path: Path, *, by_anybody: bool = False) -> bool:
    """Whether somebody holds `path` exclusively; with `by_anybody`, also whether somebody shares it."""
    with open(path, "a") as file:
        return not _try_lock(file, fcntl.LOCK_EX if by_anybody else fcntl.LOCK_SH)


# --- The command line ---------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    """`python -m config.embedded [COMMAND ...]`; `--keep` is for `_start_keeper`."""
    match arguments:
        case ["--keep", name, folder, speed]:
            return _keep(name, Path(folder), speed == "durable")
        case [option, *_] if option.startswith("-"):
            print("usage: python -m config.embedded [COMMAND ...]", file=sys.stderr)
            return 2
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    try:
        with services() as urls:
            if arguments:
                return subprocess.run(arguments, check=False).returncode
            for variable, url in urls.items():
                print(f"export {variable}={url}", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
