"""Export: write images and labels of a scene in another format, and summarize what was written."""

import csv
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import cv2
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_folder, check_free
from hinted_posenet.core.types import View
from hinted_posenet.data.cameras import same_camera
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.formats.csv_frames import CsvFormat
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.layout import SPLITS, Format, Frame, ReadViews
from hinted_posenet.data.image_files import opened, read_bytes, stored_pixels, turn_of
from hinted_posenet.data.images import undistorted
from hinted_posenet.data.read_scene import read_usable

NO_UNICODE = re.compile("[\ud800-\udfff]")  # bytes in names of files that are in another encoding
NAMES = "names.csv"  # maps written names to those of the source; marks a folder as an export


class Written(NamedTuple):
    """Summary of a data set that was written."""

    lines: list[str]  # its content
    overrides: str  # of the command line that reads it


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
    """Write a scene in the layout of other software, as a data set of one scene -> a summary in a few lines.

    Frames are left out that ``exclude`` or exclude.txt in the scene's folder names and, with ``skip_faulty``,
    those that cannot be read, instead of stopping at the first. ``overwrite`` replaces an earlier export of
    that name.
    """
    read = read_usable(read_views, root, scene, SPLITS, exclude, skip_faulty)
    if not any(read.views.values()):
        raise InputError(f"{scene}: has no images in {root}; check its split files")
    if isinstance(layout, CsvFormat):
        layout = layout.placed(scene_origin(root / scene))
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
    """Write views, by split, whose images exist, in the layout of other software, see `export`.

    ``scene`` is their name in the summary. ``link`` makes images hard links where possible; otherwise copies.
    """
    out = Path(out).absolute()
    if not out.name:
        raise InputError(f"out={out}: expected a folder to create")
    check_free(out, overwrite, NAMES)
    frames = layout.frames([(split, view) for split in SPLITS for view in views[split]])
    _check(frames, scene)
    with atomic_folder(out) as partial:
        bar = tqdm(frames, f"write {out.name}", unit="image")
        done = Counter(
            what
            for frame in bar
            for what in (_place_image(frame, partial, link), _place_depth(frame, partial, link))
            if what is not None
        )
        layout.write_labels(partial, frames)
        _write_names(partial / NAMES, frames)
    return _summary(scene, layout, out, frames, done)


def _check(frames: Sequence[Frame], scene: str) -> None:
    """Check that names are unique and inside the new folder, and that cameras fit the images."""
    names = Counter(frame.written.name for frame in frames)
    if len(names) < len(frames):
        raise InputError(f"{scene}: {names.most_common(1)[0][0]} is in two splits; remove one")
    files: dict[Path, View] = {}
    for _, source, written, width, height in frames:
        for path in (written.image, *([written.depth.image] if written.depth else [])):
            if path.is_absolute() or ".." in path.parts:
                raise InputError(
                    f"{source.where}: {source.name} leads out of the folder; rename it"
                )
            other = files.setdefault(path, source)
            if other is not source:
                raise InputError(
                    f"{source.where}: {source.name} would be written as {path}, as would {other.name}; rename it"
                )
        for text in (source.name, written.name, source.sequence, *source.tags.values()):
            if NO_UNICODE.search(text):
                raise InputError(f"{source.where}: {text!r} is no Unicode; rename it")
        if source.size not in (None, (width, height)):
            raise InputError(
                f"{source.where}: {source.image} is {width}x{height}, its camera is for "
                f"{source.size[0]}x{source.size[1]}; use the images that the labels were made of"
            )


def _write_names(path: Path, frames: Sequence[Frame]) -> None:
    """Write what the formats cannot store: the source's names, splits, sequences, times and tags."""
    tags = sorted({tag for frame in frames for tag in frame.source.tags})
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "source", "split", "sequence", "time_s", *tags])
        for split, source, written, _, _ in frames:
            time_s = "" if source.time_s is None else source.time_s
            row = [written.name, source.name, split, source.sequence, time_s]
            table.writerow([*row, *(source.tags.get(tag, "") for tag in tags)])


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


def _place_image(frame: Frame, folder: Path, link: bool) -> str:
    """Write the image of a frame into the folder of the data set -> what was done, for the summary."""
    source, written = frame.source, frame.written
    path = folder / written.image
    as_seen = _as_seen(frame)
    if as_seen and source.image.suffix == path.suffix:
        with opened(source.image) as header:
            turned = turn_of(header) != 1
        note = ", whose labels are of the pixels before their EXIF orientation" if turned else ""
        return f"images {_place(source.image, path, link)}{note}"
    image: cv2.typing.MatLike = decoded(source.image)
    if not as_seen:
        image = undistorted(image, source.K, source.distortion, written.K)
    _write_png(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return "images encoded as PNG" if as_seen else "images resampled to a pinhole, as PNG"


def _place_depth(frame: Frame, folder: Path, link: bool) -> str | None:
    """Write the depth image, if there is one, without interpolating between surfaces -> what was done."""
    source, written = frame.source, frame.written
    if source.depth is None:
        return None
    if written.depth is None:
        return f"depth images left out: the format has none in steps of {source.depth.unit_m:g} m"
    path = folder / written.depth.image
    if not source.depth.image.is_file():
        raise InputError(f"{source.depth.image}: missing; write the data set again")
    if _as_seen(frame):
        return f"depth images {_place(source.depth.image, path, link)}"
    depth = stored_pixels(read_bytes(source.depth.image), source.depth.image)[..., 0]
    _write_png(path, undistorted(depth, source.K, source.distortion, written.K, cv2.INTER_NEAREST))
    return "depth images resampled to a pinhole"


def _as_seen(frame: Frame) -> bool:
    """Return whether the written camera is the source's."""
    source, written = frame.source, frame.written
    return source.distortion == written.distortion and same_camera(source.K, written.K)


def _place(source: Path, path: Path, link: bool) -> str:
    """Hard-link a file, or copy it if links are not wanted or not possible, as across file systems."""
    source = source.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    if link:
        with suppress(OSError):
            os.link(source, path)
            return "hard-linked"
    with (
        source.open("rb") as original,
        path.open("xb") as copy,
    ):  # never into a link to another source
        shutil.copyfileobj(original, copy)
    return "copied"


def _write_png(path: Path, image: cv2.typing.MatLike) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
