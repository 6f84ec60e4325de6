"""A migrated, empty database that the test databases are copied from: migrating takes ten seconds of a core, a copy half of one.

It is made once for what the migrations are, and kept in the folder of the test servers (HOMEWARD_TEST_VAR). That they run
from nothing is tested wherever it is made, by tests/test_run.py and by tests/test_nation_command.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "migrated_"
OURS = re.compile(r"^(?:import|from) ((?:stores|associates|deliveries)\.[\w.]+)", re.MULTILINE)


def digest_of(root: Path) -> str:
    """Of the migrations, of our modules that they name, and of the packages that bring migrations of their own."""
    migrations = sorted(root.glob("*/migrations/*.py"))
    named = {root / f"{name.replace('.', '/')}.py" for path in migrations for name in OURS.findall(path.read_text())}
    whole = hashlib.sha256()
    for path in [*migrations, *sorted(named), root / "requirements.txt", root / "config/settings.py"]:
        whole.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def database(var: Path, url: str) -> str:
    """The name of the migrated database on the server at `url`; made if it is not there, while others wait for it."""
    name = PREFIX + digest_of(ROOT)
    with open(var / "migrated.lock", "a") as lock, psycopg.connect(url, autocommit=True) as server:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = [row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'migrated%%'")]
        if name not in there:
            for old in there:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
            making = sql.Identifier(f"{PREFIX}half")  # one that is found under its own name is whole
            server.execute(sql.SQL("CREATE DATABASE {}").format(making))
            told = subprocess.run(
                [sys.executable, "manage.py", "migrate", "--no-input"], cwd=ROOT, text=True,
                env={**os.environ, "DATABASE_URL": urlsplit(url)._replace(path=f"/{PREFIX}half").geturl()},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            assert told.returncode == 0, told.stdout
            server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(making, sql.Identifier(name)))
    return name
