"""Static files as production serves them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from django.conf import settings

from config.static_files import HashedFiles

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
