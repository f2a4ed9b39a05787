"""hinted-posenet data cache: what decoded images and features take on disk, and how to free it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from hinted_posenet.core.errors import UsageError

if TYPE_CHECKING:
    from hinted_posenet.data.cache.folder import Item


def run(folder: Path, prune_gb: Annotated[float, Ge(0)] | None, clear: bool) -> None:
    """List the cache; prune or clear it where asked."""
    from hinted_posenet.data.cache import folder as cache

    if clear and prune_gb is not None:
        raise UsageError("clear=true, prune_gb: give one of them")
    if clear:
        cache.clear(folder)
    if prune_gb is not None:
        freed_bytes = cache.prune(folder, prune_gb)
        print(f"removed {freed_bytes / 1e9:.2f} GB")
    items = cache.kept(folder)
    print(f"{folder}: {sum(item.size_bytes for item in items) / 1e9:.2f} GB")
    sets: dict[tuple[str, str], list[Item]] = {}
    for item in reversed(items):  # the most recently used first
        sets.setdefault((item.title, item.size), []).append(item)
    for (title, size), parts in sets.items():
        gb = sum(part.size_bytes for part in parts) / 1e9
        number = sum(part.number for part in parts)
        used_s = max(part.used_ns for part in parts) / 1e9
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(used_s))
        what = f"{number} images of {size}" if size else f"{number} files"
        print(f"{gb:9.2f} GB  used {used}  {title}: {what}")
