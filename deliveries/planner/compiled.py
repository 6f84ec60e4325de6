"""The kernels as machine code, made once per machine and loaded in a few milliseconds.

numba compiles :mod:`.kernels` and its object files are kept (beside the source, or where ``NUMBA_CACHE_DIR`` says). To run
them only llvmlite is needed: importing numba, its types and its dispatchers would take half of a short time limit. Making
them takes up to half a minute and happens in a process of its own; the planner meanwhile goes on in numpy.
``python -m deliveries.planner --warm`` does it ahead of time, for instance while an image is built.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from deliveries.planner import kernels
from deliveries.planner.plan import Stop

HERE = Path(__file__).parent
LOADING_SECONDS = 0.05
"""With less time left than this, loading would come too late to be of use."""

BUSY = 75
"""Its exit code if another process is compiling already."""
NAMES = "names.json"
"""The linker's name of each kernel, beside the object files."""

_loaded: Kernels | None = None
_failed = False


class Kernel:
    """One kernel: called with arrays and numbers of the types it was compiled for, answers a whole number.

    Runs without Python's lock. Raises TypeError for an array of another type or layout: machine code would not notice.
    """

    def __init__(self, name: str, address: int, types: tuple[str, ...], keep: object) -> None:
        """``keep``: what owns the machine code, kept alive with this."""
        self.name, self._keep = name, keep
        self._types = tuple(_parse(kind) for kind in types)
        words: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
        for dtype, dimensions in self._types:
            if dimensions:
                words += [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
                words += [ctypes.c_int64] * (2 * dimensions)
            else:
                words.append(ctypes.c_double if dtype == np.float64 else ctypes.c_int64)
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, *words)(address)

    def __call__(self, *arguments: Any) -> int:
        answer, trouble = ctypes.c_int64(), ctypes.c_void_p()
        words: list[Any] = [ctypes.addressof(answer), ctypes.addressof(trouble)]
        for argument, (dtype, dimensions) in zip(arguments, self._types, strict=True):
            if not dimensions:
                words.append(argument)
            elif argument.dtype != dtype or argument.ndim != dimensions or not argument.flags.c_contiguous:
                raise TypeError(
                    f"{self.name}: {argument.dtype} of {argument.ndim} dimensions, expected {dtype}, {dimensions}"
                )
            else:
                # numba's array: two owners it does not need here, items, bytes of one, address, shape, strides.
                words += (None, None, argument.size, argument.itemsize, _address(argument), *argument.shape)
                words += argument.strides
        if self._call(*words):
            raise RuntimeError(f"the kernel {self.name} failed")
        return answer.value


class Kernels:
    """Kernels by name. :mod:`.kernels` itself can stand in: the same in Python, some hundred times slower."""

    completions: Callable[..., int]
    useful_arcs: Callable[..., int]
    bundles: Callable[..., int]
    insertion_floor: Callable[..., int]
    anneal: Callable[..., int]

    def __init__(self, folder: Path) -> None:
        """Load the object files that :func:`build` left in ``folder``."""
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        names: dict[str, str] = json.loads((folder / NAMES).read_text())
        target = llvm.Target.from_default_triple()
        for function, types in kernels.TYPES.items():
            name = function.__name__
            machine = target.create_target_machine(jit=True)  # one for each: an engine takes it away with itself
            engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
            engine.add_object_file(llvm.ObjectFileRef.from_data((folder / f"{name}.o").read_bytes()))
            engine.finalize_object()
            setattr(self, name, Kernel(name, engine.get_function_address(names[name]), types, engine))


def _address(array: np.ndarray) -> int:
    """Where its items lie; a third of the time that ``array.ctypes`` takes, which a search calls a hundred thousand times."""
    if not array.size:
        return 0
    if not array.flags.writeable:
        return array.ctypes.data
    return ctypes.addressof(ctypes.c_char.from_buffer(array.data))


def _parse(kind: str) -> tuple[np.dtype[Any], int]:
    """Type and number of dimensions: "int64[:, ::1]" is (int64, 2), "float64" (float64, 0)."""
    name, _, shape = kind.partition("[")
    return np.dtype({"boolean": "bool"}.get(name, name)), shape.count(":") - 1 if shape else 0


def load(stop: Stop, meanwhile: Callable[[Callable[[], bool]], None]) -> Kernels | None:
    """The kernels, or None if they cannot be made here, or there is too little time.

    If they must be made first, ``meanwhile`` is called with a question that turns true when they are, or at ``stop``.
    """
    global _failed
    if _loaded is not None:
        return _loaded
    if _failed or stop.left() < LOADING_SECONDS or not possible():
        return None
    folder = _folder()
    if not folder.exists():
        building = _start()
        meanwhile(lambda: folder.exists() or building.poll() not in (None, BUSY) or stop())
        if not folder.exists():
            _failed = building.poll() not in (None, BUSY)  # If it still runs, it goes on without us for the next time.
            return None
        if stop.left() < LOADING_SECONDS:
            return None
    return _load(folder)


def warm() -> Kernels | None:
    """Compile if need be, and load; None where they cannot be made."""
    if not possible():
        return None
    folder = _folder()
    while not folder.exists():
        if _start().wait() != BUSY and not folder.exists():
            return None
        time.sleep(0.2)
    return _load(folder)


def ready() -> None:
    """Load them now if they lie there, so that they are at hand before a clock starts."""
    if possible() and (folder := _folder()).exists():
        _load(folder)


def made() -> bool:
    """Whether they are loaded, or only have to be."""
    return _loaded is not None or (possible() and _folder().exists())


def possible() -> bool:
    """Whether there is what makes and loads them."""
    return find_spec("llvmlite") is not None and find_spec("numba") is not None


def _load(folder: Path) -> Kernels:
    global _loaded
    if _loaded is None:
        _loaded = Kernels(folder)
    return _loaded


def _start() -> subprocess.Popen[bytes]:
    root = str(HERE.parent.parent)
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; from deliveries.planner import compiled; sys.exit(compiled.build())"],
        cwd=root,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _folder() -> Path:
    """Where the object files lie, or will; the name holds all that they depend on."""
    import llvmlite
    import llvmlite.binding as llvm

    parts = (
        (HERE / "kernels.py").read_bytes(),
        llvmlite.__version__.encode(),
        llvm.get_host_cpu_name().encode(),
        llvm.get_host_cpu_features().flatten().encode(),
    )
    return _cache() / f"kernels.{hashlib.sha256(b'|'.join(parts)).hexdigest()[:16]}"


def _cache() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    beside = HERE / "__pycache__"
    if os.access(beside if beside.exists() else HERE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homeward"


def build() -> int:
    """In a process of its own: compile the kernels and leave the object files. Returns the exit code."""
    import numba

    # Without its run-time (_nrt) numba refuses whatever would allocate. Its types do not know this option.
    options: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
    plain: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    njit: Any = numba.njit
    os.nice(5)
    folder = _folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "kernels.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return BUSY
        if folder.exists():
            return 0
        for helper in kernels.HELPERS:
            setattr(kernels, helper.__name__, njit(helper, **options))
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="kernels.", ignore_cleanup_errors=True) as made:
            names = {}
            for function, types in kernels.TYPES.items():
                (made_one,) = njit(f"int64({', '.join(types)})", **options, **plain)(function).overloads.values()
                _, _, (code, _) = made_one.library.serialize_using_object_code()
                names[function.__name__] = made_one.fndesc.llvm_func_name
                (Path(made) / f"{function.__name__}.o").write_bytes(code)
            (Path(made) / NAMES).write_text(json.dumps(names))
            Path(made).chmod(0o755)
            Path(made).rename(folder)  # whole or not at all
    return 0
