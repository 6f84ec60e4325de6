"""docs/integration.md is run: every command of its afternoon against a real server, its receiver's check against ours."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from associates.models import Employee, Shift
from deliveries import webhooks
from deliveries.intake import imports
from deliveries.models import Import, Package, TrackingLink, Webhook
from tests import make
from tests.live.conftest import _web, web
from tests.live.server import Web, environment

__all__ = ["_web", "web"]

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs/integration.md").read_text()
AFTERNOON = DOC[DOC.index("## An afternoon") : DOC.index("## What holds for every feed")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the afternoon uses curl")
@pytest.mark.real_time
def test_the_afternoon_runs_as_it_is_written(web: Web, tmp_path: Path) -> None:
    store = make.store(number=3520)
    script = "\n".join(re.findall(r"```bash\n(.*?)```", AFTERNOON, re.DOTALL))
    assert script.count("api ") > 12
    assert "2026-" not in script, "a fixed date is over one day"
    for written, here in ((".venv/bin/python", sys.executable), ("manage.py", str(ROOT / "manage.py"))):
        script = script.replace(written, shlex.quote(here))  # a checkout may lie in a folder with a space
    script = script.replace("http://localhost:8000", web.address)
    over = threading.Event()

    def worker() -> None:
        while not over.wait(0.2):
            for import_id in imports.unfinished():
                imports.run(import_id, now=timezone.now)
        connections.close_all()

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env={**environment(), "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=100,
        )  # fmt: skip
    finally:
        over.set()
        thread.join(20)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    package = Package.objects.get(store=store)
    assert package.reference.startswith("W-20")
    assert (package.state, package.deliver_by > timezone.now()) == ("cancelled", True)
    assert Employee.objects.count() == 3
    shift = Shift.objects.select_related("employee").get()
    assert (shift.employee.first_name, shift.version) == ("Ana", 2), "Ben's was called off"
    assert Import.objects.get().status == "done"
    assert TrackingLink.objects.filter(package=package).exists()
    assert Webhook.objects.get().url == "https://orders.example.com/homeward"
    assert '"eligible":' in ran.stdout
    assert '"promise_past"' not in ran.stdout


def test_the_receivers_check_knows_our_signature(db: None) -> None:
    [code] = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    written: dict[str, Any] = {}
    exec(compile(code, "docs/integration.md", "exec"), written)  # noqa: S102 - it is our own page
    check = written["is_homeward"]
    secret, old, body = webhooks.new_secret(), webhooks.new_secret(), '{"package":"W–1"}'.encode()
    headers = webhooks.signature([secret, old], "evt_1", timezone.now(), body)
    assert check(secret, headers, body)
    assert check(old, headers, body)
    assert not check(webhooks.new_secret(), headers, body)
    assert not check(secret, headers, body + b" ")
    late = webhooks.signature([secret], "evt_1", make.EVENING.replace(year=2020), body)
    assert not check(secret, late, body)
