"""Import of your own posed images: recognise the format, split, write as CSV."""

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.formats.csv_frames import CsvFormat
from hinted_posenet.data.formats.export import write_views
from hinted_posenet.data.formats.layout import SPLITS, ReadViews, image_size
from hinted_posenet.data.formats.recognise import LAYOUTS, recognise
from hinted_posenet.data.importing.split import (
    Divided,
    Shares,
    nearest_m,
    split_by_block,
    split_by_sequence,
)
from hinted_posenet.data.posed_images import natural_key
from hinted_posenet.data.splits import SEPARATOR, Splits, read_splits

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


ENOUGH_SEQUENCES = 3  # one to train on, one for validation and one for the test
SHORTER_SIDE_PX = 256  # of the images that the network is told to see


class Plan(NamedTuple):
    """How frames are split."""

    # "sequence", "block", "keep"; None: by sequence where there are enough
    method: str | None = None
    shares: Shares = Shares(0.2, 0.1)
    seed: int = 0
    test: Sequence[str] = ()  # sequences
    val: Sequence[str] = ()
    blocks: int = 20
    margin_m: float = 0.0


def import_images(
    source: Source,
    out: Path,
    plan: Plan,
    link: bool = True,
    overwrite: bool = False,
    skip_faulty: bool = False,
) -> str:
    """Write a data set of posed images, see `hinted_posenet.data.formats.csv_frames`; a summary in a few lines.

    Args:
        source: where the images are.
        out: folder of the new data set.
        plan: how it is split.
        link: whether images are hard links where they can be, else copies.
        overwrite: whether an earlier import of that name is replaced.
        skip_faulty: leave out frames that cannot be read, instead of stopping at the first.
    """
    out = out.absolute()
    if SEPARATOR in out.name:
        raise InputError(f"{out}: a {SEPARATOR} in a name joins scenes in data.scene; leave it out")
    read = read_source(source, plan.method == "keep", skip_faulty)
    divided = _divided(read, plan)
    origin = {"source": str(source.path), "layout": source.layout, "split": divided.told}
    if read.excluded:
        origin["left_out"] = dict(read.excluded)
    written = write_views(divided.views, source.scene, CsvFormat(origin), out, overwrite, link)
    train = f"  hinted-posenet train {written.overrides} {_shape(divided.views['train'])}"
    return "\n".join([*written.lines, *_told(divided, read), "train on it:", train])


def _divided(read: Splits, plan: Plan) -> Divided:
    if plan.method == "keep":
        return Divided(read.views, {"method": "the source"})
    if plan.seed < 0:
        raise InputError(f"--seed {plan.seed}: expected 0 or more")
    views = sorted(read.views["all"], key=_in_order)
    named = bool(plan.test or plan.val)
    if plan.method == "block" and named:
        raise InputError("--test and --val name sequences; leave them out, or use --split sequence")
    count = len({view.sequence for view in views})
    few = plan.method is None and not named and count < ENOUGH_SEQUENCES
    if few or plan.method == "block":
        divided = split_by_block(views, plan.shares, plan.seed, plan.blocks, plan.margin_m)
        why = f"sequences to hold out whole: {count}, fewer than {ENOUGH_SEQUENCES}"
        return divided._replace(told={**divided.told, "because": why}) if few else divided
    if plan.margin_m:
        raise InputError("--margin-m: goes with spatial blocks; give --split block too")
    return split_by_sequence(views, plan.shares, plan.seed, plan.test, plan.val)


def _in_order(view: View) -> tuple[str, float, list[tuple[int, str]]]:
    """By time where it is known, else by the numbers in the names: a COLMAP model has no order."""
    return view.sequence, view.time_s or 0.0, natural_key(view.name)


def _told(divided: Divided, read: Splits) -> list[str]:
    """How it was split, what was left out, and how far the test is from training."""
    lines = [f"  split by {divided.told['method']}"]
    for key, value in divided.told.items():
        if key != "method":
            lines.append(f"    {key}: {', '.join(value) if isinstance(value, list) else value}")
    if read.excluded:
        lines.append(f"  {len(read.excluded)} frames left out, named in manifest.yaml")
    distances_m = nearest_m(divided.views["test"], divided.views["train"])
    if len(distances_m):
        lines.append(
            f"  test cameras are {np.median(distances_m):.3g} m (median), {distances_m.min():.3g} m "
            "(least) from the nearest training camera"
        )
    return lines


def _shape(views: Sequence[View]) -> str:
    """The size for the network: of the shape that most images have, no larger than they are."""
    sizes = Counter(view.size or image_size(view.image) for view in views)
    width, height = max(sizes, key=lambda size: sizes[size])
    scale = min(1.0, SHORTER_SIDE_PX / min(width, height))
    return f"data.height={round(scale * height)} data.width={round(scale * width)}"
