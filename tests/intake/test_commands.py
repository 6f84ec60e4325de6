"""The commands: what they print, what they return to a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from associates.models import Shift
from deliveries.models import Package
from stores.models import Store

from .. import make
from .rows import as_csv, package, shift

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return make.store()


@pytest.fixture(autouse=True)
def _that_evening(time_machine_at_the_evening: None) -> None:
    """Promises are of that day."""


@pytest.fixture
def time_machine_at_the_evening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.EVENING)


def written(folder: Path, data: bytes) -> str:
    path = folder / "rows.csv"
    path.write_bytes(data)
    return str(path)


def test_all_good_is_silent_success(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_packages", written(tmp_path, as_csv([package(store)])))
    assert capsys.readouterr().out == "1 rows read: 1 accepted, 0 unchanged, 0 rejected, 0 skipped.\n"
    call_command("import_shifts", written(tmp_path, as_csv([shift(store)])))
    assert (Package.objects.count(), Shift.objects.count()) == (1, 1)


def test_rejected_rows_are_listed_and_counted(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = as_csv([package(store), package(store, 2, weight_lb="-3")])
    with pytest.raises(SystemExit) as left:
        call_command("import_packages", written(tmp_path, data))
    assert left.value.code == 1
    assert capsys.readouterr().out == (
        "3  error negative  weight_lb “-3”: That is below zero.\n2 rows read: 1 accepted, 0 unchanged, 1 rejected, 0 skipped.\n"
    )


def test_json_for_scripts(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_packages", written(tmp_path, as_csv([package(store)])), "--dry-run", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["read"], report["accepted"], report["dry_run"]) == (1, 1, True)
    assert not Package.objects.exists()


@pytest.mark.parametrize("command", ["import_packages", "import_shifts"])
def test_a_file_that_cannot_be_read(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (written(tmp_path, b""), str(tmp_path), str(tmp_path / "nothing.csv"), "a\0b"):
        with pytest.raises(CommandError) as refused:
            call_command(command, name, "--json")
        assert refused.value.returncode == 2
        assert "Nothing was written." in str(refused.value)
        assert json.loads(capsys.readouterr().out)["fault"]["code"] in ("empty", "unreadable")
