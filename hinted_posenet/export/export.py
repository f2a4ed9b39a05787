"""The whole export: read every split, write images and labels, say what became of them."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from hinted_posenet.data.views import ReadViews
from hinted_posenet.export.folder import check_free, whole_folder
from hinted_posenet.export.frame import Format, Frame
from hinted_posenet.export.image import place_depth, place_image
from hinted_posenet.types import InputError

NAMES = "names.csv"  # which image is which; marks a folder as an export


def export(
    read_views: ReadViews,
    root: Path,
    scene: str,
    layout: Format,
    out: Path,
    overwrite: bool = False,
) -> str:
    """Write a scene in the layout of other software; a summary in a few lines.

    Args:
        read_views: reader of the data set, with its options bound.
        root: folder that holds the scenes.
        scene: name of the scene.
        layout: the format.
        out: folder of the new data set, which is one scene.
        overwrite: whether an earlier export of that name is replaced.
    """
    out = Path(out).absolute()
    if not out.name:
        raise InputError(f"out={out}: expected a folder to create")
    check_free(out, overwrite, NAMES)
    views = {split: read_views(root, scene, split) for split in ("train", "val", "test")}
    if not any(views.values()):
        raise InputError(f"{scene}: has no images in {root}; check its split files")
    frames = layout.frames(views)
    names = Counter(frame.written.name for frame in frames)
    if len(names) < len(frames):
        raise InputError(f"{scene}: {names.most_common(1)[0][0]} is in two splits; remove one")
    with whole_folder(out) as partial:
        bar = tqdm(frames, f"export {scene}", unit="image")
        done = Counter(
            what
            for frame in bar
            for what in (place_image(frame, partial), place_depth(frame, partial))
            if what is not None
        )
        layout.write_labels(partial, frames)
        _write_names(partial / NAMES, frames)
    return _summary(scene, layout, out, frames, done)


def _write_names(path: Path, frames: Sequence[Frame]) -> None:
    """What the formats have no place for: the source's names, splits, sequences, times and tags."""
    tags = sorted({tag for frame in frames for tag in frame.source.tags})
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "source", "split", "sequence", "time_s", *tags])
        for split, source, written, _, _ in frames:
            told = [source.tags.get(tag, "") for tag in tags]
            time_s = "" if source.time_s is None else source.time_s
            table.writerow([written.name, source.name, split, source.sequence, time_s, *told])


def _summary(
    scene: str, layout: Format, out: Path, frames: Sequence[Frame], done: Counter[str]
) -> str:
    counts = Counter(frame.split for frame in frames)
    splits = ", ".join(f"{counts[split]} {split}" for split in ("train", "val", "test"))
    lines = [f"{scene} as {layout.title} in {out}", f"  {len(frames)} images: {splits}"]
    lines += [f"  {count} {what}" for what, count in done.items()]
    read = f"data={layout.reads_back} data.root={out.parent} data.scene={out.name}"
    if counts["val"] and not layout.keeps_validation:
        held = dict.fromkeys(f.written.sequence for f in frames if f.split == "val")
        lines.append(f"  validation is part of training there, as {', '.join(held)}")
        read += f" data.validation=[{','.join(held)}]"
    lines.append(f"  names, tags and times of the source in {NAMES}")
    lines.append(f"read it back: {read}")
    return "\n".join(lines)
