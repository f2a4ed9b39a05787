"""The whole import: read the frames, split them, write them as CSV, say what became of them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hinted_posenet.data.posed_images import natural_key
from hinted_posenet.data.reader.layout import image_size
from hinted_posenet.data.scenes import SEPARATOR
from hinted_posenet.data.views import Splits
from hinted_posenet.export.csv_frames import CsvFormat
from hinted_posenet.export.export import write_views
from hinted_posenet.imports.by_block import split_by_block
from hinted_posenet.imports.by_sequence import split_by_sequence
from hinted_posenet.imports.divided import Divided, Shares, nearest_m
from hinted_posenet.imports.source import Source, read_source
from hinted_posenet.types import InputError, View

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
    """Write a data set of posed images, see `hinted_posenet.data.reader.csv_frames`; a summary in a few lines.

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
