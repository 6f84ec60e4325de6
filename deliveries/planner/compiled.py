"""The compiled kernels, loaded so that their start-up never delays a plan.

numba compiles :mod:`.kernels` once per machine and keeps the machine code in its cache (beside the file, or where
``NUMBA_CACHE_DIR`` says); from then on loading takes a third of a second. The first time, which takes up to half a minute,
happens in a process of its own: the planner meanwhile goes on in numpy. ``python -m deliveries.planner --warm`` does it
ahead of time, for instance while an image is built.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from deliveries.planner.plan import Stop

HERE = Path(__file__).parent
LOADING_SECONDS = 0.5
"""With less time left than this, loading would come too late to be of use."""

BUILDING = "HOMEWARD_PLANNER_BUILDING"
"""Set in the environment of the process that compiles, so that it never starts another."""
BUSY = 75
"""Its exit code if another process is compiling already."""

_loaded: ModuleType | None = None
_failed = False


def load(stop: Stop, meanwhile: Callable[[Callable[[], bool]], None]) -> ModuleType | None:
    """The kernels, or None if numba is missing or cannot compile, or there is too little time.

    If they must be compiled first, ``meanwhile`` is called with a question that turns true when they are, or at ``stop``.
    """
    global _failed
    if _loaded is not None:
        return _loaded
    if _failed or BUILDING in os.environ or stop.left() < LOADING_SECONDS or find_spec("numba") is None:
        return None
    mark = _mark()
    if not mark.exists():
        building = _start()
        meanwhile(lambda: mark.exists() or building.poll() not in (None, BUSY) or stop())
        if not mark.exists():
            _failed = building.poll() not in (None, BUSY)  # If it still runs, it goes on without us for the next time.
            return None
        if stop.left() < LOADING_SECONDS:
            return None
    return _import()


def warm() -> ModuleType | None:
    """Compile if need be, and load; None where numba is missing or cannot compile."""
    if find_spec("numba") is None:
        return None
    mark = _mark()
    while not mark.exists():
        if _start().wait() != BUSY and not mark.exists():
            return None
        time.sleep(0.2)
    return _import()


def _import() -> ModuleType:
    global _loaded
    from deliveries.planner import kernels

    _loaded = kernels
    return kernels


def _start() -> subprocess.Popen[bytes]:
    root = str(HERE.parent.parent)
    return subprocess.Popen(
        [sys.executable, "-c", "from deliveries.planner import compiled; compiled.build()"],
        cwd=root,
        env={
            **os.environ,
            BUILDING: "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _mark() -> Path:
    """The file that says so; its name holds all that makes numba compile anew."""
    import llvmlite.binding as llvm

    source = HERE / "kernels.py"
    parts = (
        source.read_bytes(),
        str(source.stat().st_mtime_ns).encode(),
        importlib.metadata.version("numba").encode(),
        sys.version.encode(),
        llvm.get_host_cpu_name().encode(),
        llvm.get_host_cpu_features().flatten().encode(),
    )
    name = f"kernels.{hashlib.sha256(b'|'.join(parts)).hexdigest()[:16]}.ready"
    return _folder() / name


def _folder() -> Path:
    """Where the mark lies: with numba's cache."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    beside = HERE / "__pycache__"
    if os.access(beside if beside.exists() else HERE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homeward"


def build() -> None:
    """In a process of its own: run the kernels on one evening, then leave the mark."""
    from deliveries.planner.sample import evening
    from deliveries.planner.solve import solve

    os.nice(5)
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    with (mark.parent / "kernels.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(BUSY)
        if mark.exists():
            return
        _import()
        solve(evening(1, packages=30, associates=16, style="gen"), stop=Stop.never(), threads=1)
        mark.touch()
