"""hinted-posenet data cache: what decoded images and features take on disk, and how to free it."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hinted_posenet.cli.parser import VerbParser, one_line_errors

if TYPE_CHECKING:
    from hinted_posenet.data.cache.folder import Item

EPILOG = """example:
  hinted-posenet data cache --prune 5

`train` and `evaluate` keep decoded images (image_cache_gb bounds them) and features of frozen
backbones there, and make again what is removed."""


def main() -> None:
    """List the cache; prune or clear it where asked."""
    what = "List or prune the decoded images and the features that training keeps."
    parser = VerbParser("data cache", what, EPILOG)
    folder = "of the cache, as paths.cache; default %(default)s"
    parser.add_argument("--folder", type=Path, default=_default_folder(), help=folder)
    removal = parser.add_mutually_exclusive_group()
    keep = "remove what was not used for longest until this much is left"
    removal.add_argument("--prune", type=float, metavar="GB", help=keep)
    removal.add_argument("--clear", action="store_true", help="remove all of it")
    arguments = parser.parse_args()
    with one_line_errors("data cache"):
        from hinted_posenet.data.cache.folder import clear, kept, prune

        if arguments.clear:
            clear(arguments.folder)
        if arguments.prune is not None:
            freed_bytes = prune(arguments.folder, arguments.prune)
            print(f"removed {freed_bytes / 1e9:.2f} GB")
        with kept(arguments.folder) as items:
            print(f"{arguments.folder}: {sum(item.size_bytes for item in items) / 1e9:.2f} GB")
            for line in _table(items):
                print(line)


def _table(items: "list[Item]") -> list[str]:
    """Lines of sets, the most recently used first."""
    sets: dict[tuple[str, str], list[Item]] = {}
    for item in reversed(items):
        sets.setdefault((item.title, item.size), []).append(item)
    lines = []
    for (title, size), parts in sets.items():
        gb = sum(part.size_bytes for part in parts) / 1e9
        number = sum(part.number for part in parts)
        used_s = max(part.used_ns for part in parts) / 1e9
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(used_s))
        what = f"{number} images of {size}" if size else f"{number} files"
        lines.append(f"{gb:9.2f} GB  used {used}  {title}: {what}")
    return lines


def _default_folder() -> Path:
    """As configs/paths/default.yaml has it."""
    folder = os.environ.get("HINTED_POSENET_CACHE")
    return Path(folder) if folder else Path.home() / ".cache" / "hinted_posenet"


if __name__ == "__main__":
    main()
