"""The whole export: read every split, write images and labels, say what became of them."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from hinted_posenet.data.reader.layout import SPLITS, ReadViews
from hinted_posenet.data.views import read_splits
from hinted_posenet.export.folder import check_free, whole_folder
from hinted_posenet.export.frame import Format, Frame
from hinted_posenet.export.image import place_depth, place_image
from hinted_posenet.types import InputError, View

NAMES = "names.csv"  # which image is which; marks a folder as an export


class Written(NamedTuple):
    """A data set that was written."""

    lines: list[str]  # what is in it, for people
    overrides: str  # of a command line that reads it


def export(
    read_views: ReadViews,
    root: Path,
    scene: str,
    layout: Format,
    out: Path,
    overwrite: bool = False,
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> str:
    """Write a scene in the layout of other software; a summary in a few lines.

    Args:
        read_views: reader of the data set, with its options bound.
        root: folder that holds the scenes.
        scene: name of the scene.
        layout: the format.
        out: folder of the new data set, which is one scene.
        overwrite: whether an earlier export of that name is replaced.
        exclude: frames to leave out, besides those that exclude.txt in the scene's folder names.
        skip_faulty: leave out frames that cannot be read, instead of stopping at the first.
    """
    read = read_splits(read_views, root, scene, SPLITS, exclude, skip_faulty)
    if not any(read.views.values()):
        raise InputError(f"{scene}: has no images in {root}; check its split files")
    written = write_views(read.views, scene, layout, out, overwrite)
    left_out = [f"  {len(read.excluded)} frames left out"] if read.excluded else []
    names = f"  names, tags and times of the source in {NAMES}"
    return "\n".join([*written.lines, *left_out, names, f"read it back: {written.overrides}"])


def write_views(
    views: Mapping[str, Sequence[View]],
    scene: str,
    layout: Format,
    out: Path,
    overwrite: bool = False,
    link: bool = True,
) -> Written:
    """Write views in the layout of other software.

    Args:
        views: by split; their images are there.
        scene: what they are called, for the summary.
        layout: the format.
        out: folder of the new data set, which is one scene.
        overwrite: whether an earlier export of that name is replaced.
        link: whether images are hard links where they can be, else copies.
    """
    out = Path(out).absolute()
    if not out.name:
        raise InputError(f"out={out}: expected a folder to create")
    check_free(out, overwrite, NAMES)
    frames = layout.frames([(split, view) for split in SPLITS for view in views[split]])
    _check(frames, scene)
    with whole_folder(out) as partial:
        bar = tqdm(frames, f"write {out.name}", unit="image")
        done = Counter(
            what
            for frame in bar
            for what in (place_image(frame, partial, link), place_depth(frame, partial, link))
            if what is not None
        )
        layout.write_labels(partial, frames)
        _write_names(partial / NAMES, frames)
    return _summary(scene, layout, out, frames, done)


def _check(frames: Sequence[Frame], scene: str) -> None:
    """Names are those of one image each, inside the new folder; cameras are those of the images."""
    names = Counter(frame.written.name for frame in frames)
    if len(names) < len(frames):
        raise InputError(f"{scene}: {names.most_common(1)[0][0]} is in two splits; remove one")
    for _, source, written, width, height in frames:
        if written.image.is_absolute() or ".." in written.image.parts:
            raise InputError(f"{source.where}: {source.name} leads out of the folder; rename it")
        if source.size not in (None, (width, height)):
            raise InputError(
                f"{source.where}: {source.image} is {width}x{height}, its camera is for "
                f"{source.size[0]}x{source.size[1]}; use the images that the labels were made of"
            )


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
) -> Written:
    counts = Counter(frame.split for frame in frames)
    splits = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    lines = [f"{scene} as {layout.title} in {out}", f"  {len(frames)} images: {splits}"]
    lines += [f"  {count} {what}" for what, count in done.items()]
    read = f"data={layout.reads_back} data.root={out.parent} data.scene={out.name}"
    if counts["val"] and not layout.keeps_validation:
        held = dict.fromkeys(f.written.sequence for f in frames if f.split == "val")
        lines.append(f"  validation is part of training there, as {', '.join(held)}")
        read += f" data.validation=[{','.join(held)}]"
    return Written(lines, read)
