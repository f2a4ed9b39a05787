"""The import rule: a room imports only rooms to its left, and a library only where this table names it."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "hinted_posenet"
ROOMS = [
    "core",
    "simulator",
    "data",
    "hints",
    "models",
    "inference",
    "evaluation",
    "reports",
    "training",
    "show",
    "cli",
]
LIBRARIES = {  # where a library may be imported; one that is not listed may be used anywhere
    "pytorch_lightning": {"training"},
    "hydra": {"inference", "training", "cli"},
    "open3d": {"simulator", "show"},
    "rasterio": {"simulator"},
    "distributed": {"simulator"},
    "plotly": {"reports"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), path


def imported(path: Path) -> set[str]:
    """Dotted names of all imports of a file, those inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def test_every_module_is_in_a_room() -> None:
    assert {name.split(".")[0] for name, _ in modules()} == {*ROOMS, "__init__", "__main__"}


def test_a_room_imports_only_rooms_to_its_left() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, path in modules()
        for other in imported(path)
        if (room := name.split(".")[0]) in ROOMS and other.startswith("hinted_posenet.")
        if other.split(".")[1] not in ROOMS[: ROOMS.index(room) + 1]
    ]
    assert not wrong, "\n".join(wrong)


def test_a_library_stays_in_its_rooms() -> None:
    wrong = [
        f"{name} imports {library}"
        for name, path in modules()
        for library in {other.split(".")[0] for other in imported(path)}
        if name.split(".")[0] not in LIBRARIES.get(library, {name.split(".")[0]})
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_is_longer_than_300_lines() -> None:
    long = [name for name, path in modules() if len(path.read_text().splitlines()) > 300]
    assert not long
