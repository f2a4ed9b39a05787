"""Read one scene: its views by split, the frames that cannot be read, and those that ``exclude.txt`` leaves out.

Layout of ``<scene>/exclude.txt``::

    # a header, skipped like every line that begins with #
    seq2/frame00036.png # 15.1 m off the frames beside it
    a frame without a reason.png

A name may contain spaces; the reason follows the first `` # ``.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text
from hinted_posenet.core.text import read_lines
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats.layout import ReadViews, file_names

EXCLUDE_FILE = "exclude.txt"  # in the folder of a scene
HEADER = "# Frames that are left out: name # reason\n"
SEPARATOR = " # "

log = logging.getLogger(__name__)


class SceneViews(NamedTuple):
    """Everything that was read of a scene, good and bad."""

    views: dict[str, list[View]]  # by split, without excluded and faulty frames
    faults: list[Fault]  # frames that cannot be read and are not excluded
    excluded: dict[str, str]  # frames of the scene that are left out -> why
    counts: dict[str, int]  # frames by split, including excluded and faulty ones
    broken: dict[str, InputError]  # splits that cannot be read at all -> why
    strangers: dict[str, str]  # excluded names that the scene does not have -> the stated reason


def read_scene(
    read_views: ReadViews,
    root: Path,
    scene: str,
    splits: Sequence[str],
    exclude: Sequence[str] = (),
) -> SceneViews:
    """Read everything that can be read, and report the rest; nothing about the scene is an error.

    ``exclude`` names frames to leave out, besides those that ``exclude.txt`` in the scene's folder names.
    """
    reasons = dict.fromkeys(exclude, "data.exclude")
    reasons |= read_exclude(root / scene / EXCLUDE_FILE)
    found: dict[str, list[View]] = {}
    faults: list[Fault] = []
    counts: dict[str, int] = {}
    broken: dict[str, InputError] = {}
    for split in splits:
        unreadable: list[Fault] = []
        try:
            found[split] = read_views(root, scene, split, faults=unreadable)
            counts[split] = len(found[split]) + len(unreadable)
        except InputError as error:
            broken[split] = error
        faults += unreadable
    found, other_poses = _single_poses(found)
    faults += other_poses
    known = {view.name for views in found.values() for view in views} | {f.name for f in faults}
    return SceneViews(
        views=without(found, reasons),
        # a row that names no split is reported for each of them
        faults=[fault for fault in dict.fromkeys(faults) if fault.name not in reasons],
        excluded={name: why for name, why in reasons.items() if name in known},
        counts=counts,
        broken=broken,
        strangers={name: why for name, why in reasons.items() if name not in known},
    )


def _single_poses(splits: Mapping[str, list[View]]) -> tuple[dict[str, list[View]], list[Fault]]:
    """Leave out views whose image has another pose under another name or in another split -> views and faults."""
    first: dict[str, View] = {}
    kept: dict[str, list[View]] = {split: [] for split in splits}
    faults = []
    for split, views in splits.items():
        for view in views:
            other = first.setdefault(os.path.normpath(view.image), view)
            if other is view or all(map(torch.equal, view.T_world_cam, other.T_world_cam)):
                kept[split].append(view)
            else:
                message = (
                    f"{view.where}: {view.name} has another pose as {other.name} in {other.where}; remove the "
                    "wrong one"
                )
                faults.append(Fault(view.name, message))
    return kept, faults


def read_usable(
    read_views: ReadViews,
    root: Path,
    scene: str,
    splits: Sequence[str],
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> SceneViews:
    """Read the frames of a scene that can be used, images included, and stop at the first problem.

    With ``skip_faulty``, frames that cannot be read are excluded instead. The other arguments are those of
    `read_scene`.

    Raises:
        InputError: A split or a frame cannot be read, or an excluded frame does not exist.
    """
    read = read_scene(read_views, root, scene, splits, exclude)
    for error in read.broken.values():
        raise error
    for name, why in read.strangers.items():  # a misspelt name would leave a bad frame in
        raise InputError(
            f"{scene}: no frame {name}, which {EXCLUDE_FILE} or data.exclude names ({why}); "
            "write it as the data set does, or remove it"
        )
    missing = [fault for views in read.views.values() for fault in missing_images(views)]
    skipped = stop_or_skip(scene, [*read.faults, *missing], skip_faulty)
    views = without(read.views, skipped)
    return read._replace(views=views, faults=[], excluded=read.excluded | skipped)


def missing_images(views: Sequence[View]) -> list[Fault]:
    """Return a fault for each view whose image file does not exist; each folder is listed once."""
    present: dict[Path, set[str]] = {}
    faults = []
    for view in views:
        folder = view.image.parent
        if folder not in present:
            present[folder] = file_names(folder)
        if view.image.name not in present[folder]:
            message = f"{view.where}: missing image {view.image}; fetch or write it again"
            faults.append(Fault(view.name, message))
    return faults


def stop_or_skip(scene: str, faults: Sequence[Fault], skip: bool) -> dict[str, str]:
    """Return the frames to leave out and why; raise the first as an InputError unless they may be skipped."""
    if faults and not skip:
        others = f" ({len(faults) - 1} more such frames)" if len(faults) > 1 else ""
        raise InputError(
            f"{scene}: {faults[0].message}{others}; data.skip_faulty=true leaves out what cannot be "
            "read, and `hinted-posenet data check` lists it"
        )
    if faults:
        log.warning("%s: %d frames cannot be read and are left out", scene, len(faults))
    return {fault.name: fault.message for fault in faults}


def without(splits: Mapping[str, list[View]], names: Mapping[str, str]) -> dict[str, list[View]]:
    """Return the views by split, without those of the given names."""
    return {
        split: [view for view in views if view.name not in names] for split, views in splits.items()
    }


def read_exclude(path: Path) -> dict[str, str]:
    """Read the frames to leave out -> why ("" where the file does not say); none if there is no file.

    Raises:
        InputError: The file is not text.
    """
    if not os.path.lexists(path):
        return {}
    frames = {}
    for line in map(str.strip, read_lines(path, "write lines `name # reason`, or remove it")):
        if line and not line.startswith("#"):
            name, _, reason = line.partition(SEPARATOR)
            frames[name.strip()] = reason.strip()
    return frames


def write_exclude(path: Path, frames: Mapping[str, str]) -> None:
    """Write the file that `read_exclude` reads: names and why; line breaks become spaces.

    Raises:
        InputError: A name would be read back as a comment.
    """
    for name in frames:
        if name.startswith("#") or SEPARATOR in name or name != " ".join(name.splitlines()).strip():
            raise InputError(f"{path}: {name!r} cannot be listed; rename the frame")
    lines = [
        f"{name}{SEPARATOR}{' '.join(reason.split())}" if reason.strip() else name
        for name, reason in frames.items()
    ]
    write_text(path, HEADER + "".join(f"{line}\n" for line in lines))
