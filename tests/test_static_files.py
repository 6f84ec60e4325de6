"""Static files: what they are called in production, and how they come, in front of Django."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.staticfiles import finders
from servestatic import ServeStatic

from config import static_files
from config.static_files import HashedFiles, StaticFirst

IMPORT = re.compile(r"""(?:from\s*|import\s*\(?\s*)["'](\./[^"']+)["']""")


def test_modules_import_each_other_by_the_name_that_pages_load_them_by(tmp_path: Path) -> None:
    shutil.copytree(settings.BASE_DIR / "static/js", tmp_path / "js")
    files = HashedFiles(location=str(tmp_path), base_url="/static/")
    names = [f"js/{path.name}" for path in (tmp_path / "js").iterdir()]
    faults = [
        done for _name, _hashed, done in files.post_process({name: (files, name) for name in names}) if done is not True
    ]
    assert not [fault for fault in faults if isinstance(fault, Exception)]
    hashed = {name: Path(files.hashed_files[files.hash_key(name)]).name for name in names}
    imported = set()
    for name in names:
        for plain in IMPORT.findall((settings.BASE_DIR / "static" / name).read_text()):
            imported.add(plain)
            assert f"./{hashed[f'js/{plain[2:]}']}" in (tmp_path / "js" / hashed[name]).read_text(), (name, plain)
    assert "./offline.js" in imported


def test_dark_is_other_colours_and_nothing_else() -> None:
    """So that what the browser tests find in light need not be looked for in dark again (tests/browser/quality.py)."""
    for path in (settings.BASE_DIR / "static/css").iterdir():
        dark = re.search(r"prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}\s*\}", path.read_text())
        assert path.read_text().count("prefers-color-scheme") == (1 if dark else 0), path.name
        if dark:
            set_there = {line.split(":")[0].strip() for line in dark[1].split(";") if line.strip()}
            assert all(name.startswith("--") for name in set_there), path.name
            assert "--ink" in set_there


# --- How they come -----------------------------------------------------------------------------------------------------


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Stands where Django does, behind the files."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"Django"})


def ask(path: str, method: str = "GET", application: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer; `accept_encoding="gzip"` is a header."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": named}

    async def answer() -> tuple[int, dict[str, str], bytes]:
        asked = ApplicationCommunicator(application or StaticFirst(django), scope)
        await asked.send_input({"type": "http.request", "body": b""})
        start = await asked.receive_output(5)
        body = b""
        while True:
            part = await asked.receive_output(5)
            body += part.get("body", b"")
            if not part.get("more_body"):
                await asked.wait()
                return start["status"], {n.decode(): v.decode() for n, v in start["headers"]}, body

    return asyncio.run(answer())


SHEET = "/static/css/components.css"


def test_a_file_comes_as_it_lies_there_and_everything_else_from_django() -> None:
    status, headers, body = ask(SHEET)
    assert (status, body) == (200, (settings.BASE_DIR / "static/css/components.css").read_bytes())
    assert headers["content-type"] == 'text/css; charset="utf-8"'
    assert headers["cache-control"] == "max-age=60, public"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert ask("/static/unfold/css/styles.css")[0] == 200, "an app's own"
    for path in ("/", "/static/", "/static/css/none.css", "/static/../manage.py", "/static/css/../../manage.py"):
        assert ask(path)[0] == 418, path
    assert ask(SHEET, "POST")[0] == 405


@pytest.mark.parametrize(("path", "smaller"), [(SHEET, True), ("/static/img/icon-192.png", False)])
def test_what_gets_smaller_travels_compressed(path: str, smaller: bool) -> None:
    plain, packed = ask(path), ask(path, accept_encoding="gzip, br")
    assert packed[1].get("content-encoding") == ("gzip" if smaller else None)
    assert (gzip.decompress(packed[2]) if smaller else packed[2]) == plain[2]
    assert "content-encoding" not in plain[1]
    if smaller:
        assert len(packed[2]) < len(plain[2]) / 2
        assert packed[1]["vary"] == "Accept-Encoding"
        assert "content-length" not in packed[1]
    assert ask(path, "HEAD", accept_encoding="gzip")[2] == b""
    again = ask(path, accept_encoding="gzip", if_modified_since=packed[1]["last-modified"])
    assert (again[0], again[2]) == (304, b"")


def test_what_is_sent_in_parts_is_packed_in_one_piece() -> None:
    """A browser reads the first gzip member and drops the rest, and with it the end of a style or script."""

    async def parts(scope: Any, receive: Any, send: Any) -> None:
        send = static_files.Packer(send)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/css")]})
        for number in range(50):
            await send({"type": "http.response.body", "body": b"chunk %d\n" % number * 200, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert reader.decompress(ask("/", application=parts)[2]).count(b"\n") == 50 * 200
    assert reader.eof
    assert not reader.unused_data


def test_a_server_that_speaks_wsgi_has_them_too() -> None:
    files = static_files.table(ServeStatic, lambda environ, start: [b"Django"])
    said: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": SHEET, "wsgi.input": io.BytesIO()}
    with contextlib.closing(files(environ, lambda status, headers: said.append(status))) as parts:
        assert len(b"".join(parts)) > 1000
    assert said == ["200 OK"]
    assert files({**environ, "PATH_INFO": "/"}, print) == [b"Django"]


def test_production_serves_hashed_names_for_ever_and_the_copies_that_the_build_compressed(
    tmp_path: Path, settings: Any
) -> None:
    plain = Path(finders.find("css/components.css") or "").read_bytes()
    (tmp_path / "x.css").write_bytes(plain)
    files = HashedFiles(location=str(tmp_path), base_url="/static/")
    assert [done for _name, _hashed, done in files.post_process({"x.css": (files, "x.css")})]
    settings.PRODUCTION, settings.STATIC_ROOT = True, tmp_path
    application = StaticFirst(django)
    status, headers, body = ask(
        f"/static/{files.hashed_files['x.css']}", application=application, accept_encoding="gzip"
    )
    assert (status, gzip.decompress(body)) == (200, plain)
    assert body == (tmp_path / f"{files.hashed_files['x.css']}.gz").read_bytes()
    assert headers["cache-control"] == "max-age=315360000, public, immutable"
    assert (headers["content-encoding"], headers["x-content-type-options"]) == ("gzip", "nosniff")
    assert ask("/static/x.css", application=application)[1]["cache-control"] == "max-age=60, public"
    assert ask("/static/js/offline.js", application=application)[0] == 418, "only what the build has put there"
