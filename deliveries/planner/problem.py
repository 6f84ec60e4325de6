"""One store's evening as the planner sees it: packages, associates, pay parameters and drive times.

The interchange format is ``store-evening/1``; the optional fields Homeward adds to it keep the meaning of files without them
(``docs/planner.md`` lists them). Everything is an integer: seconds, grams, millilitres, cents, ticks of 1/60 cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = "store-evening/1"
TICKS_PER_CENT = 60
UNREACHABLE = -1
LARGEST = 10**9
"""No weight, volume, time or amount of one store's evening comes near a milliard; larger input is a mistake."""

IntMatrix = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Params:
    """What holds for the whole evening.

    ``service_s``: seconds at each stop. ``load_s``: seconds between clock-out and departure. ``base_pay_cents``: per package.
    ``pay_cents_per_detour_minute``: for each minute of detour. ``max_bonus_cents``: the bound of ``Associate.bonus_cents``.
    """

    service_s: int
    load_s: int
    base_pay_cents: int
    pay_cents_per_detour_minute: int
    max_bonus_cents: int = 200


@dataclass(frozen=True, slots=True)
class Package:
    """A package in the store.

    ``due_s``: latest arrival, seconds of the store's day. ``saved_cents``: what the carrier would cost.
    ``together``: packages with the same key go with the same associate, in one stop with one service time, or not at all.
    Their stop is where the first of them (in the order of the problem) is.
    """

    id: str
    weight_g: int
    volume_ml: int
    size_class: int
    due_s: int
    saved_cents: int
    associate_ok: bool = True
    together: str | None = None
    longest_side_cm: int | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Associate:
    """Somebody driving home tonight, with the limits they set themselves.

    ``floor_cents_per_hour``: what the modelled pay must reach per hour that this trip adds (loading and detour).
    ``home_by_s``: latest arrival at home, seconds of the store's day. ``bonus_cents``: fair-rotation bonus of the objective if
    this associate gets any package; never paid. ``blocked``: ids of packages this associate must not carry.
    """

    id: str
    shift_end_s: int
    max_packages: int
    max_package_weight_g: int
    max_total_weight_g: int
    max_volume_ml: int
    max_size_class: int
    max_detour_s: int
    floor_cents_per_hour: int | None = None
    home_by_s: int | None = None
    bonus_cents: int = 0
    blocked: frozenset[str] = frozenset()
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One store, one evening.

    ``time_s``: int32, shape (1 + M, 1 + M + N); row and column 0 the store, 1..M the packages in order, further columns the
    homes in the order of the associates; seconds of driving, negative where no path exists.
    """

    params: Params
    packages: tuple[Package, ...]
    associates: tuple[Associate, ...]
    time_s: IntMatrix = field(repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse what no solver should be asked: see ``_check``."""
        object.__setattr__(self, "packages", tuple(self.packages))
        object.__setattr__(self, "associates", tuple(self.associates))
        matrix = np.ascontiguousarray(self.time_s, dtype=np.int32)
        matrix.setflags(write=False)
        object.__setattr__(self, "time_s", matrix)
        _check(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Problem:
        """Read a ``store-evening/1`` object; raises ValueError naming the field that is missing or wrong."""
        if not isinstance(data, Mapping):
            raise ValueError("the instance must be a JSON object")
        if data.get("format") != FORMAT:
            raise ValueError(f"format: expected {FORMAT!r}, found {data.get('format')!r}")
        packages = tuple(_package(row, f"packages[{k}]") for k, row in enumerate(_rows(data, "packages")))
        associates = tuple(_associate(row, f"associates[{k}]") for k, row in enumerate(_rows(data, "associates")))
        params = data.get("params")
        if not isinstance(params, Mapping):
            raise ValueError("params: missing or not an object")
        return cls(
            params=Params(
                service_s=_integer(params, "service_s", "params"),
                load_s=_integer(params, "load_s", "params"),
                base_pay_cents=_integer(params, "base_pay_cents", "params"),
                pay_cents_per_detour_minute=_integer(params, "pay_cents_per_detour_minute", "params"),
                max_bonus_cents=_integer(params, "max_bonus_cents", "params", default=200),
            ),
            packages=packages,
            associates=associates,
            time_s=_matrix(data.get("time_s"), len(packages), len(associates)),
            name=str(data.get("name", "")),
        )

    def to_json(self) -> dict[str, Any]:
        """The problem as a ``store-evening/1`` object; optional fields appear only where they are set."""
        rows = self.time_s.tolist()
        return {
            "format": FORMAT,
            "name": self.name,
            "params": asdict(self.params),
            "packages": [_without_unset(p) for p in self.packages],
            "associates": [_without_unset(a) for a in self.associates],
            "time_s": [[None if cell < 0 else cell for cell in row] for row in rows],
        }


def _without_unset(row: Package | Associate) -> dict[str, Any]:
    found = {column.name: getattr(row, column.name) for column in fields(row)}
    if "blocked" in found:
        found["blocked"] = sorted(found["blocked"])
    if not found.get("bonus_cents", True):
        del found["bonus_cents"]
    return {name: value for name, value in found.items() if value is not None and value != []}


def _rows(data: Mapping[str, Any], name: str) -> Sequence[Any]:
    rows = data.get(name)
    if not isinstance(rows, list):
        raise ValueError(f"{name}: missing or not a list")
    return rows


def _integer(row: Mapping[str, Any], name: str, where: str, *, default: int | None = None, signed: bool = False) -> int:
    if name not in row or (row[name] is None and default is not None):
        if default is None:
            raise ValueError(f"{where}.{name}: missing")
        return default
    value = row[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{where}.{name}: expected a whole number, found {value!r}")
    if not (-LARGEST if signed else 0) <= value <= LARGEST:
        raise ValueError(f"{where}.{name}: {value} is out of range")
    return value


def _optional_integer(row: Mapping[str, Any], name: str, where: str) -> int | None:
    return None if row.get(name) is None else _integer(row, name, where)


def _optional_float(row: Mapping[str, Any], name: str, where: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 360:
        raise ValueError(f"{where}.{name}: expected degrees, found {value!r}")
    return float(value)


def _identity(row: Any, where: str) -> str:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where}: expected an object, found {row!r}")
    value = row.get("id")
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}.id: expected a non-empty string, found {value!r}")
    return value


def _package(row: Any, where: str) -> Package:
    identity = _identity(row, where)
    allowed, together = row.get("associate_ok", True), row.get("together")
    if not isinstance(allowed, bool):
        raise ValueError(f"{where}.associate_ok: expected true or false, found {allowed!r}")
    if together is not None and not isinstance(together, str):
        raise ValueError(f"{where}.together: expected a string, found {together!r}")
    return Package(
        id=identity,
        weight_g=_integer(row, "weight_g", where),
        volume_ml=_integer(row, "volume_ml", where),
        size_class=_integer(row, "size_class", where),
        due_s=_integer(row, "due_s", where),
        saved_cents=_integer(row, "saved_cents", where, signed=True),
        associate_ok=allowed,
        together=together,
        longest_side_cm=_optional_integer(row, "longest_side_cm", where),
        lat=_optional_float(row, "lat", where),
        lon=_optional_float(row, "lon", where),
    )


def _associate(row: Any, where: str) -> Associate:
    identity = _identity(row, where)
    blocked = row.get("blocked") or []
    if not isinstance(blocked, list) or not all(isinstance(p, str) for p in blocked):
        raise ValueError(f"{where}.blocked: expected a list of package ids, found {blocked!r}")
    return Associate(
        id=identity,
        shift_end_s=_integer(row, "shift_end_s", where),
        max_packages=_integer(row, "max_packages", where),
        max_package_weight_g=_integer(row, "max_package_weight_g", where),
        max_total_weight_g=_integer(row, "max_total_weight_g", where),
        max_volume_ml=_integer(row, "max_volume_ml", where),
        max_size_class=_integer(row, "max_size_class", where),
        max_detour_s=_integer(row, "max_detour_s", where),
        floor_cents_per_hour=_optional_integer(row, "floor_cents_per_hour", where),
        home_by_s=_optional_integer(row, "home_by_s", where),
        bonus_cents=_integer(row, "bonus_cents", where, default=0),
        blocked=frozenset(blocked),
        lat=_optional_float(row, "lat", where),
        lon=_optional_float(row, "lon", where),
    )


def _matrix(rows: Any, packages: int, associates: int) -> IntMatrix:
    """The drive times, null read as unreachable."""
    height, width = 1 + packages, 1 + packages + associates
    if not isinstance(rows, list) or len(rows) != height:
        raise ValueError(f"time_s: expected {height} rows (store and packages)")
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            raise ValueError(f"time_s[{k}]: expected {width} columns (store, packages, homes)")
    try:
        matrix = np.array(rows)
        if matrix.dtype.kind == "O":
            matrix = np.array([[UNREACHABLE if cell is None else cell for cell in row] for row in rows])
    except (ValueError, TypeError, OverflowError):
        matrix = np.array(["not numbers"])
    if matrix.dtype.kind == "f" and np.all(matrix == np.floor(matrix)) and np.all(np.abs(matrix) < LARGEST):
        matrix = matrix.astype(np.int64)
    if matrix.dtype.kind != "i" and matrix.size:
        for k, row in enumerate(rows):
            for j, cell in enumerate(row):
                if cell is not None and (isinstance(cell, bool) or not isinstance(cell, int)):
                    raise ValueError(f"time_s[{k}][{j}]: expected whole seconds or null, found {cell!r}")
        raise ValueError("time_s: expected whole seconds or null")
    return np.clip(matrix, UNREACHABLE, LARGEST).astype(np.int32).reshape(height, width)


def _check(problem: Problem) -> None:
    height, width = 1 + len(problem.packages), 1 + len(problem.packages) + len(problem.associates)
    if problem.time_s.shape != (height, width):
        raise ValueError(f"time_s: expected shape {(height, width)}, found {problem.time_s.shape}")
    for name, ids in (
        ("packages", [p.id for p in problem.packages]),
        ("associates", [a.id for a in problem.associates]),
    ):
        seen: set[str] = set()
        for k, identity in enumerate(ids):
            if identity in seen:
                raise ValueError(f"{name}[{k}].id: {identity!r} appears twice")
            seen.add(identity)
    most = problem.params.max_bonus_cents
    for k, associate in enumerate(problem.associates):
        if not 0 <= associate.bonus_cents <= most:
            raise ValueError(
                f"associates[{k}].bonus_cents: {associate.bonus_cents} is not within 0..{most} (max_bonus_cents)"
            )
