"""One direction: who may import whom. Reads the source; runs nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("stores", "associates", "deliveries")
APP_RANK = {"stores": 0, "associates": 1, "deliveries": 2}

# Inside deliveries, from what knows nothing to what knows everything. A module may import its own rank or below.
LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "states",
        "pay",
        "sizes",
        "labels",
        "barcode",
        "actors",
        "photos",
        "planner",
        "travel",
        "fatigue",
        "outbound",
        "nearby",
    ),
    ("models",),
    (
        "links",
        "waking",
        "feed",
        "webhooks",
        "carriers",
        "pins",
        "controls",
        "gate_codes",
        "carrier_only",
        "live",
        "notices",
        "conflicts",
        "drives",
        "quoting",
        "manifests",
        "switches",
        "hours",
        "payroll",
        "reports",
    ),
    ("actions", "matching", "locating"),
    ("intake",),
    ("simulator",),
    ("tasks",),
    ("views", "api", "consumers", "routing", "admin", "urls", "templatetags", "demo", "nation", "management", "apps"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
PURE = LAYERS[0]
# What the pure files may stand on besides the standard library and each other.
PURE_LIBRARIES = {"numpy", "highspy", "numba", "llvmlite", "PIL", "urllib3"}


def sources() -> list[Path]:
    return sorted(path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def module_of(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(path: Path) -> set[tuple[str, ...]]:
    """Every module that `path` imports anywhere in it, functions and TYPE_CHECKING blocks too, as dotted parts."""
    here = module_of(path)
    package = here if path.name == "__init__.py" else here[:-1]
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            found |= {(*base, alias.name) for alias in node.names}
    return found


def layer(module: tuple[str, ...]) -> str | None:
    """The part of deliveries a module belongs to, None for `deliveries` itself."""
    return module[1] if len(module) > 1 and module[0] == "deliveries" else None


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 40
    assert ("deliveries", "models", "Package") in imports(ROOT / "deliveries/actions/moves.py")
    assert ("deliveries", "actions", "Refused") in imports(ROOT / "deliveries/actions/moves.py"), "relative ones too"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    here = module_of(path)
    for target in imports(path):
        if target[0] in APP_RANK:
            assert APP_RANK[target[0]] <= APP_RANK[here[0]], f"{'.'.join(here)} imports {'.'.join(target)}"
        mine, theirs = layer(here), layer(target)
        if mine and theirs and theirs in RANK:
            assert RANK[theirs] <= RANK[mine], f"deliveries/{mine} imports deliveries/{theirs}"


def test_every_part_of_deliveries_has_a_place() -> None:
    parts = {layer(module_of(path)) for path in sources()} - {None}
    assert parts <= RANK.keys(), f"give {sorted(parts - RANK.keys())} a layer in this test"


@pytest.mark.parametrize("part", PURE)
def test_pure_parts_import_no_django(part: str) -> None:
    import sys

    files = [path for path in sources() if layer(module_of(path)) == part]
    for path in files:
        for target in imports(path):
            top = target[0]
            allowed = top in sys.stdlib_module_names or top in PURE_LIBRARIES or top == "__future__"
            if top == "deliveries":
                allowed = (layer(target) or "") in PURE
            assert allowed, f"{path.relative_to(ROOT)} imports {'.'.join(target)}"


def test_only_the_planners_side_opens_home_cells() -> None:
    may = {("associates", "home"), ("associates", "models"), ("deliveries", "quoting")}
    for path in sources():
        if module_of(path) in may:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in ("reveal", "HomeCell", "sealed"), f"{path.relative_to(ROOT)} reaches for home cells"
        assert ("associates", "home", "reveal") not in imports(path)


def test_state_is_written_by_moves_alone() -> None:
    """`state=` in an update, and assignments to a package's state, stand in `actions/` only."""
    for path in sources():
        if layer(module_of(path)) in ("actions", "demo"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
                written = {keyword.arg for keyword in node.keywords}
                assert module_of(path)[0] == "associates" or "state" not in written, f"{path}: update(state=...)"


def test_no_signals_and_no_drawers() -> None:
    for path in sources():
        assert path.stem not in ("utils", "common", "helpers", "signals", "misc"), path
        assert not any(target[:3] == ("django", "db", "models") and "signals" in target for target in imports(path))
