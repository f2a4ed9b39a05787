"""Your images as they are: the layout they have, and the frames of it."""

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hinted_posenet.data.reader.layout import SPLITS, ReadViews
from hinted_posenet.data.reader.recognise import LAYOUTS, recognise
from hinted_posenet.data.views import Splits, read_splits
from hinted_posenet.types import InputError

WITHOUT_SPLITS = ("colmap", "transforms", "tum", "csv")  # these read "all"


class Source(NamedTuple):
    """A folder with a known layout."""

    path: Path
    layout: str
    read_views: ReadViews
    root: Path
    scene: str


def open_source(
    path: Path, layout: str = "auto", options: Mapping[str, Any] | None = None
) -> Source:
    """The folder with its reader.

    Args:
        path: of the scene.
        layout: a name of `configs/data`; "auto" recognises it.
        options: of the reader, as in its config.
    """
    path = path.absolute()
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give the one that holds the images")
    if layout == "auto":
        found = recognise(path)
        source = Source(path, found.layout, found.read_views, found.root, found.scene)
    else:
        (read_views,) = (known.read_views for known in LAYOUTS if known.name == layout)
        source = Source(path, layout, read_views, path.parent, path.name)
    known = inspect.signature(source.read_views).parameters
    for key in options or {}:
        if key not in known:
            raise InputError(
                f"--reader {key}: data={source.layout} has no such option in its config"
            )
    return source._replace(read_views=partial(source.read_views, **(options or {})))


def read_source(source: Source, keep_split: bool, skip_faulty: bool) -> Splits:
    """All frames as the split "all", or "train", "val" and "test" where the split is kept.

    Frames that ``exclude.txt`` of the source names are left out.
    """
    if not keep_split and source.layout not in WITHOUT_SPLITS:
        raise InputError(
            f"{source.path}: {source.layout} has a split of its own, and results on another compare with "
            "nothing; give --keep-split"
        )
    splits = SPLITS if keep_split else ("all",)
    read = read_splits(
        source.read_views, source.root, source.scene, splits, skip_faulty=skip_faulty
    )
    if not any(read.views.values()):
        raise InputError(f"{source.path}: has no images with a pose")
    return read
