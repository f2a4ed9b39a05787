"""Import your own posed images: recognise the format, split, write as CSV."""

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
from hinted_posenet.data.formats.georeference import KEY, scene_origin
from hinted_posenet.data.formats.layout import SPLITS
from hinted_posenet.data.formats.recognise import LAYOUTS, Recognised, recognise
from hinted_posenet.data.image_files import stored_size
from hinted_posenet.data.import_priors import ImportPriors, WithPriors, add_priors
from hinted_posenet.data.import_splits import (
    Divided,
    Shares,
    nearest_m,
    split_by_block,
    split_by_sequence,
)
from hinted_posenet.data.posed_images import natural_key
from hinted_posenet.data.read_scene import SceneViews, read_usable
from hinted_posenet.data.splits import SEPARATOR

# these read "all"
WITHOUT_SPLITS = (
    *("colmap", "transforms", "tum", "csv", "llff", "kapture", "polycam", "record3d"),
    *("anyvisloc", "uav_visloc"),
)
ENOUGH_SEQUENCES = 3  # one to train on, one for validation and one for the test
SHORTER_SIDE_PX = 256  # of the images in the suggested training command


def open_source(
    path: Path, layout: str = "auto", options: Mapping[str, Any] | None = None
) -> Recognised:
    """Find the scene at a folder, and bind the options of its reader, as in its config.

    ``layout`` is a name of `configs/data`; "auto" recognises it.
    """
    path = path.absolute()
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give the one that holds the images")
    if layout == "auto":
        source = recognise(path)
    else:
        (read_views,) = (known.read_views for known in LAYOUTS if known.name == layout)
        source = Recognised(layout, read_views, path.parent, path.name, ())
    known = inspect.signature(source.read_views).parameters
    for key in options or {}:
        if key not in known:
            raise InputError(f"reader.{key}: data={source.layout} has no such option in its config")
    return source._replace(read_views=partial(source.read_views, **(options or {})))


def _read(source: Recognised, keep_split: bool, skip_faulty: bool) -> SceneViews:
    """Read all frames as the split "all", or "train", "val" and "test" if the split is kept."""
    if not keep_split and source.layout not in WITHOUT_SPLITS:
        raise InputError(
            f"{source.folder}: {source.layout} has a split of its own, and results on another one are "
            "not comparable; give split=keep"
        )
    splits = SPLITS if keep_split else ("all",)
    read = read_usable(
        source.read_views, source.root, source.scene, splits, skip_faulty=skip_faulty
    )
    if not any(read.views.values()):
        raise InputError(f"{source.folder}: has no images with a pose")
    return read


class Plan(NamedTuple):
    """How frames are split."""

    # "sequence", "block" or "keep"; None: by sequence if there are enough
    method: str | None = None
    shares: Shares = Shares(0.2, 0.1)
    seed: int = 0
    test: Sequence[str] = ()  # names of sequences
    val: Sequence[str] = ()
    blocks: int = 20
    margin_m: float = 0.0


def import_images(
    source: Recognised,
    out: Path,
    plan: Plan,
    link: bool = True,
    overwrite: bool = False,
    skip_faulty: bool = False,
    priors: ImportPriors | None = None,
) -> str:
    """Write a data set of posed images as CSV, split by a plan -> a summary in a few lines.

    Frames that ``exclude.txt`` of the source names are left out and, with ``skip_faulty``, those that cannot be
    read, instead of stopping at the first. ``link`` makes images hard links where possible, otherwise copies;
    ``overwrite`` replaces an earlier import of that name. ``priors`` are given to the images, see `add_priors`.
    """
    out = out.absolute()
    if SEPARATOR in out.name:
        raise InputError(f"{out}: a {SEPARATOR} in a name joins scenes in data.scene; leave it out")
    read = _read(source, plan.method == "keep", skip_faulty)
    if priors:
        given = add_priors(read.views, source.folder, priors)
    else:
        earth = scene_origin(source.folder)
        given = WithPriors(read.views, {KEY: earth._asdict()} if earth else {}, [])
    divided = _divide(read._replace(views=given.views), plan)
    origin = {"source": str(source.folder), "layout": source.layout, "split": divided.method}
    if read.excluded:
        origin["left_out"] = dict(read.excluded)
    origin |= given.manifest
    written = write_views(divided.views, source.scene, CsvFormat(origin), out, overwrite, link)
    train = f"  hinted-posenet train {written.overrides} {_shape(divided.views['train'])}"
    return "\n".join(
        [*written.lines, *given.lines, *_describe(divided, read), "train on it:", train]
    )


def _divide(read: SceneViews, plan: Plan) -> Divided:
    if plan.method == "keep":
        return Divided(read.views, {"method": "the source"})
    if plan.seed < 0:
        raise InputError(f"seed={plan.seed}: expected 0 or more")
    # by time if it is known, else by the numbers in the names, because a COLMAP model has no order
    views = sorted(
        read.views["all"], key=lambda v: (v.sequence, v.time_s or 0.0, natural_key(v.name))
    )
    named = bool(plan.test or plan.val)
    if plan.method == "block" and named:
        raise InputError("test and val name sequences; leave them out, or use split=sequence")
    count = len({view.sequence for view in views})
    few = plan.method is None and not named and count < ENOUGH_SEQUENCES
    if few or plan.method == "block":
        divided = split_by_block(views, plan.shares, plan.seed, plan.blocks, plan.margin_m)
        why = f"sequences to hold out whole: {count}, fewer than {ENOUGH_SEQUENCES}"
        return divided._replace(method={**divided.method, "because": why}) if few else divided
    if plan.margin_m:
        raise InputError("margin_m: applies to spatial blocks; give split=block too")
    return split_by_sequence(views, plan.shares, plan.seed, plan.test, plan.val)


def _describe(divided: Divided, read: SceneViews) -> list[str]:
    """Describe how frames were split, what was left out, and how far the test is from training."""
    lines = [f"  split by {divided.method['method']}"]
    for key, value in divided.method.items():
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
    """Return overrides for the size of images: of the shape that most have, and no larger than they are."""
    sizes = Counter(view.size or stored_size(view.image) for view in views)
    width, height = max(sizes, key=lambda size: sizes[size])
    scale = min(1.0, SHORTER_SIDE_PX / min(width, height))
    return f"data.height={round(scale * height)} data.width={round(scale * width)}"
