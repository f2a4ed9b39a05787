"""12-Scenes: rooms filmed with a tablet and a depth sensor on it, each in a few sequences.

Layout::

    <root>/<scene>/split.txt                        `sequence0 [frames=357]  [start=0 ; end=356]`, one per line
    <root>/<scene>/info.txt                         `m_colorWidth = 1296`, `m_calibrationColorIntrinsic = ...`
    <root>/<scene>/data/frame-000000.color.jpg      1296x968
    <root>/<scene>/data/frame-000000.pose.txt       4x4 camera-to-world of the colour camera; -inf: not known
    <root>/<scene>/data/frame-000000.depth.png      millimetres; may be missing

A scene is "apt1/kitchen". Its first sequence is the test, the others are training. Frames without a pose are
faults (`data.skip_faulty` leaves them out). There is no validation split: "val" is empty, and
`split_views` holds out a sequence.
"""

import re
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import SCENE_FRAMES
from hinted_posenet.core.text import whole_number
from hinted_posenet.core.types import DepthImage, Fault, View
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.seven_scenes import pose_file_labels
from hinted_posenet.data.poses import numbers

CARD = "datasets/twelve_scenes/README.md"
DEPTH_UNIT_M = 0.001


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, sequence by sequence, see `ReadViews`; "val" is always empty."""
    layout.check_split(split)
    folder = layout.scene_folder(root, scene, "split.txt", CARD)
    if split == "val":
        return []
    present = layout.file_names(folder / "data")
    sequences = list(_read_sequences(folder / "split.txt", len(present)).items())
    lens, size = _camera(folder / "info.txt")
    views = []
    for sequence, frames in sequences[:1] if split == "test" else sequences[1:]:
        stems = [f"frame-{frame:06d}" for frame in frames]
        labels = pose_file_labels([folder / "data" / f"{stem}.pose.txt" for stem in stems])
        for stem, label in zip(stems, labels, strict=True):
            name = f"data/{stem}.color.jpg"
            depth = folder / "data" / f"{stem}.depth.png"
            with layout.collecting(faults, name):
                if isinstance(label, InputError):
                    raise label
                image, stated, where, _ = folder / name, *label
                view = layout.labelled_view(name, image, stated, lens, where, sequence, size)
                has_depth = depth.name in present
                views.append(
                    view._replace(depth=DepthImage(depth, DEPTH_UNIT_M) if has_depth else None)
                )
    return views


def _read_sequences(path: Path, files: int) -> dict[str, range]:
    """Read the frames of each sequence of a split file, in its order; ``files`` is how many there are in data/."""
    found: dict[str, range] = {}
    for where, line in layout.numbered_lines(path, CARD):
        match = re.match(r"(sequence\d+)\s.*start=(\d+)\s*;\s*end=(\d+)", line)
        if match is None:
            raise InputError(
                f"{where}: expected a line like `sequence0 [frames=357]  [start=0 ; end=356]`, found "
                f"`{line}`; see {CARD}"
            )
        layout.check_new(match[1], found, where)
        start, end = (whole_number(match[i], where, high=SCENE_FRAMES) for i in (2, 3))
        frames = range(start, end + 1)
        if not frames:
            raise InputError(f"{where}: ends at {end}, before its start {start}; correct it")
        if len(frames) > files:  # each has a file of its own, and mostly two or three
            raise InputError(
                f"{where}: announces {len(frames)} frames, data/ has {files} files; correct the line or fetch "
                f"the frames, see {CARD}"
            )
        for name, others in found.items():
            if max(start, others.start) < min(end + 1, others.stop):
                raise InputError(f"{where}: has frames of {name} too; one frame has one sequence")
        found[match[1]] = frames
    return found


def _camera(path: Path) -> tuple[Lens, tuple[int, int]]:
    """Read the lens and (width, height) of the colour images."""
    lines = (line.partition("=") for line in layout.read_lines(path, CARD))
    fields = {key.strip(): value.split() for key, _, value in lines}
    needed = {"m_colorWidth": 1, "m_colorHeight": 1, "m_calibrationColorIntrinsic": 16}
    for key, count in needed.items():
        if len(fields.get(key, [])) != count:
            raise InputError(f"{path}: expected `{key} = ` and {count} numbers; see {CARD}")
    key_width, key_height, key_matrix = needed
    width, height = (
        whole_number(fields[key][0], f"{path} {key}", 1) for key in (key_width, key_height)
    )
    matrix = numbers(fields[key_matrix], f"{path} {key_matrix}").tolist()
    K = intrinsics(matrix[0], matrix[5], matrix[2], matrix[6])
    return Lens(K, ()), (width, height)
