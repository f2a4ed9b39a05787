"""Python packages with heads, hints, readers and configs of your own.

A package is found where HINTED_POSENET_EXTENSIONS names it, or where its installation declares an entry point of
the group ``hinted_posenet.extensions``. It is trusted because you named or installed it: neither a config nor a
checkpoint can do that. docs/extending.md shows an example.
"""

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path

from hinted_posenet.core.errors import InputError

VARIABLE = "HINTED_POSENET_EXTENSIONS"  # package names with commas between them
GROUP = "hinted_posenet.extensions"  # of entry points: NAME = "PACKAGE"


def config_folder() -> Path:
    """Return the configs: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def extensions() -> tuple[str, ...]:
    """Return the names of the packages, such as ("my_parts",)."""
    named = (name.strip() for name in os.environ.get(VARIABLE, "").split(","))
    return tuple(dict.fromkeys([*filter(None, named), *_installed(tuple(sys.path))]))


def extension_configs() -> list[Path]:
    """Return their ``configs`` folders, which are laid out as this package's: GROUP/CHOICE.yaml.

    Raises:
        InputError: if one of them cannot be imported.
    """
    folders: list[Path] = []
    for name in extensions():
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):  # of a parent package, or for a name that is none
            spec = None
        if spec is None:
            raise InputError(
                f"{VARIABLE}={name}: no such package; install it, or add its parent folder to PYTHONPATH"
            )
        folders += (Path(folder, "configs") for folder in spec.submodule_search_locations or ())
    return folders


@cache
def _installed(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the packages that installed distributions declare.

    importlib.metadata takes longer to import than all help, so it is asked only where a file names the group.
    """
    files = (file for folder in folders for file in Path(folder).glob("*-info/entry_points.txt"))
    if not any(f"[{GROUP}]" in file.read_text(errors="ignore") for file in files):
        return ()
    from importlib.metadata import entry_points

    return tuple(point.module for point in entry_points(group=GROUP))
