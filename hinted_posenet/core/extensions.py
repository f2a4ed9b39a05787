"""Python packages with heads, hints, readers and configs of your own, named in HINTED_POSENET_EXTENSIONS.

They are trusted because you name them: a config or a checkpoint cannot. docs/extending.md shows one.
"""

import importlib.util
import os
from pathlib import Path

VARIABLE = "HINTED_POSENET_EXTENSIONS"  # package names with commas between them


def config_folder() -> Path:
    """The configs: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def extensions() -> tuple[str, ...]:
    """Names of the packages, such as ("my_parts",)."""
    names = (name.strip() for name in os.environ.get(VARIABLE, "").split(","))
    return tuple(name for name in names if name)


def extension_configs() -> list[Path]:
    """Their ``configs`` folders, laid out as this package's: GROUP/CHOICE.yaml.

    Raises:
        ModuleNotFoundError: if one of them cannot be imported.
    """
    folders: list[Path] = []
    for name in extensions():
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(
                f"{VARIABLE}={name}: no such package; install it, or add its parent folder to PYTHONPATH"
            )
        folders += (Path(folder, "configs") for folder in spec.submodule_search_locations or ())
    return folders
