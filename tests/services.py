"""A pytest plugin (see pyproject.toml), loaded before Django: a real PostgreSQL and a real Valkey for every run, in a
folder of their own, beside whatever else is running."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

os.environ["HOMEWARD_ENV"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
VAR = Path(os.environ.get("HOMEWARD_TEST_VAR") or Path(tempfile.gettempdir()) / f"homeward-tests-{os.getuid()}")
os.environ.setdefault("EMAIL_FILE_PATH", str(VAR / "mail"))
os.environ.setdefault("MEDIA_ROOT", str(VAR / "media"))

from config import embedded  # noqa: E402

embedded.ensure(VAR, durable=False)

# A test that empties the cache empties a database of Valkey: each worker has its own, so that it is not another's.
if _worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    _url = urlsplit(os.environ["REDIS_URL"])
    os.environ["REDIS_URL"] = _url._replace(path=f"/{int(_worker) % 15 + 1}").geturl()


def started(url: str) -> bool:
    """Whether `url` is the database server of this folder, ours to leave things on, and not one that somebody named."""
    ours = VAR / "postgres" / "url"
    return ours.exists() and ours.read_text() == url
