"""12-Scenes: rooms filmed with a tablet and a depth sensor on it, each in a few sequences.

Layout::

    <root>/<scene>/split.txt                        `sequence0 [frames=357]  [start=0 ; end=356]`, one a line
    <root>/<scene>/info.txt                         `m_colorWidth = 1296`, `m_calibrationColorIntrinsic = ...`
    <root>/<scene>/data/frame-000000.color.jpg      1296x968
    <root>/<scene>/data/frame-000000.pose.txt       4x4 camera-to-world of the colour camera; -inf: not known
    <root>/<scene>/data/frame-000000.depth.png      millimetres; may be missing

A scene is "apt1/kitchen". Its first sequence is the test, the others are training. Frames without a pose are
faults (`data.skip_faulty` leaves them out). There is no validation split: "val" is empty, and
`views.split_views` holds out a sequence.
"""

import re
from pathlib import Path

from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import DepthImage, Fault, View
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.formats.layout import (
    check_split,
    collecting,
    file_names,
    numbered_lines,
    read_lines,
    scene_folder,
)
from hinted_posenet.data.formats.seven_scenes_poses import pose_file_labels
from hinted_posenet.data.poses import numbers

CARD = "datasets/twelve_scenes/README.md"
DEPTH_UNIT_M = 0.001


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Views of one split of a scene, sequence by sequence, see `ReadViews`; "val" is always empty."""
    check_split(split)
    folder = scene_folder(root, scene, "split.txt", CARD)
    if split == "val":
        return []
    sequences = list(_read_sequences(folder / "split.txt").items())
    K, size = _camera(folder / "info.txt")
    present = file_names(folder / "data")
    views = []
    for sequence, frames in sequences[:1] if split == "test" else sequences[1:]:
        stems = [f"frame-{frame:06d}" for frame in frames]
        labels = pose_file_labels([folder / "data" / f"{stem}.pose.txt" for stem in stems])
        for stem, label in zip(stems, labels, strict=True):
            name = f"data/{stem}.color.jpg"
            depth = folder / "data" / f"{stem}.depth.png"
            with collecting(faults, name):
                if isinstance(label, InputError):
                    raise label
                views.append(
                    View(
                        name,
                        folder / name,
                        label.stated.T_world_cam,
                        K,
                        sequence,
                        tags={},
                        depth=DepthImage(depth, DEPTH_UNIT_M) if depth.name in present else None,
                        size=size,
                        where=label.where,
                        rotation_error=label.stated.rotation_error,
                    )
                )
    return views


def _read_sequences(path: Path) -> dict[str, range]:
    """Frames of each sequence of a split file, in its order."""
    found = {}
    for where, line in numbered_lines(path, CARD):
        match = re.match(r"(sequence\d+)\s.*start=(\d+)\s*;\s*end=(\d+)", line)
        if match is None:
            raise InputError(
                f"{where}: expected a line like `sequence0 [frames=357]  [start=0 ; end=356]`, found "
                f"`{line}`; see {CARD}"
            )
        found[match[1]] = range(int(match[2]), int(match[3]) + 1)
    return found


def _camera(path: Path) -> tuple[Tensor, tuple[int, int]]:
    """K (3, 3) and (width, height) of the colour images."""
    lines = (line.partition("=") for line in read_lines(path, CARD))
    fields = {key.strip(): value.split() for key, _, value in lines}
    needed = {"m_colorWidth": 1, "m_colorHeight": 1, "m_calibrationColorIntrinsic": 16}
    for key, count in needed.items():
        if len(fields.get(key, [])) != count:
            raise InputError(f"{path}: expected `{key} = ` and {count} numbers; see {CARD}")
    width, height, *matrix = (
        float(number) for key in needed for number in numbers(fields[key], f"{path} {key}")
    )
    K = intrinsics(matrix[0], matrix[5], matrix[2], matrix[6])
    return K, (int(width), int(height))
