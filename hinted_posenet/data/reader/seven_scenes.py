"""7-Scenes: colour images with a 4x4 camera-to-world matrix each, in numbered sequences.

Layout::

    <root>/<scene>/TrainSplit.txt                      lines `sequence1`
    <root>/<scene>/TestSplit.txt
    <root>/<scene>/seq-01/frame-000000.color.png       640x480; .jpg is read too
    <root>/<scene>/seq-01/frame-000000.pose.txt
    <root>/<scene>/seq-01/frame-000000.depth.png    millimetres; may be missing
    <root>/<scene>/camera-intrinsics.txt            not in the published scenes: K of all images
    <root>/pgt/sfm/7scenes/<scene>_train.txt        ground truth "sfm": `name qw qx qy qz tx ty tz focal`

Frame numbers may start anywhere and have gaps; image and pose are paired by frame name. Depth images are
only told of. There is no validation split: "val" is empty, and `views.split_views` holds out a sequence.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.camera_io import intrinsics, parse_intrinsics_text
from hinted_posenet.data.reader.layout import (
    FolderSizes,
    check_split,
    collecting,
    file_names,
    numbered_lines,
    scene_folder,
)
from hinted_posenet.data.reader.seven_scenes_poses import (
    GROUND_TRUTHS,
    T_DEPTH_COLOUR,
    Label,
    pose_file_labels,
    sfm_labels,
)
from hinted_posenet.stated_pose import SAME_CAMERA
from hinted_posenet.types import DepthImage, Fault, InputError, View

CARD = "datasets/seven_scenes/README.md"
SPLITS = {"train": "TrainSplit.txt", "test": "TestSplit.txt"}
INTRINSICS = "camera-intrinsics.txt"
SIZE = (640, 480)  # pixels, as published; focal_px is for it
FOCAL_PX = 525.0  # of the colour camera
DEPTH_UNIT_M = 0.001


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    ground_truth: str = "raw",
    focal_px: float | None = None,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Views of one split of a scene, sequence by sequence.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene, e.g. "redkitchen".
        split: "train", "test" or "val" (always empty).
        ground_truth: "raw": pose.txt as published, of the depth camera. "calibrated": the same, moved to
            the colour camera. "sfm": the structure-from-motion poses of <root>/pgt, with their own focal
            lengths.
        focal_px: Focal length at 640x480; scaled where images are stored at another size. None takes
            the scene's camera-intrinsics.txt, or without that file the colour camera's 525.
        faults: Takes what is wrong with single frames; None raises the first.
    """
    check_split(split)
    if ground_truth not in GROUND_TRUTHS:
        raise InputError(f"ground_truth={ground_truth}: use one of {', '.join(GROUND_TRUTHS)}")
    folder = scene_folder(root, scene, SPLITS["train"], CARD)
    if split == "val":
        return []
    sizes = FolderSizes(SIZE)
    K_scene = _scene_intrinsics(folder) if focal_px is None else None
    T_depth_cam = T_DEPTH_COLOUR if ground_truth == "calibrated" else SAME_CAMERA
    sfm = sfm_labels(root, scene, split, CARD) if ground_truth == "sfm" else None
    views = []
    for sequence in _read_sequences(folder / SPLITS[split]):
        frames: list[Files] = []
        with collecting(faults, sequence):
            frames = _frames(folder, sequence, SPLITS[split])
        labels = sfm if sfm is not None else _labels(folder, sequence, frames, T_depth_cam)
        for stem, image, _, depth in frames:
            name = f"{sequence}/{image or f'{stem}.color.png'}"
            with collecting(faults, name):
                label = labels.get(f"{sequence}/{stem}")
                if image is None or label is None:
                    kind = "image" if image is None else "pose"
                    raise InputError(
                        f"{scene}: missing {kind} of {sequence}/{stem}; fetch it again, or remove "
                        f"what there is of the frame, see {CARD}"
                    )
                if isinstance(label, InputError):
                    raise label
                size = sizes.of(folder / name)
                views.append(
                    View(
                        name,
                        folder / name,
                        label.stated.T_world_cam,
                        K_scene
                        if K_scene is not None
                        else _intrinsics(focal_px or label.focal_px or FOCAL_PX, *size),
                        sequence,
                        tags={},
                        depth=DepthImage(folder / sequence / depth, DEPTH_UNIT_M)
                        if depth
                        else None,
                        size=size,
                        where=label.where,
                        rotation_error=label.stated.rotation_error,
                    )
                )
    return views


def _read_sequences(path: Path) -> list[str]:
    """Folders of the sequences that a split file lists: ``sequence1`` -> ``seq-01``."""
    sequences = []
    for where, line in numbered_lines(path, CARD):
        match = re.fullmatch(r"sequence\s*(\d+)", line)
        if match is None:
            raise InputError(
                f"{where}: expected a line like `sequence1`, found `{line}`; see {CARD}"
            )
        sequences.append(f"seq-{int(match[1]):02d}")
    return sequences


class Files(NamedTuple):
    """What there is of one frame, names within its sequence's folder."""

    stem: str  # frame-000000
    image: str | None
    pose: str | None
    depth: str | None


def _frames(folder: Path, sequence: str, split_file: str) -> list[Files]:
    """The frames of one sequence that have an image or a pose, in order."""
    if not (folder / sequence).is_dir():
        raise InputError(
            f"{folder.name}: missing folder {sequence} listed in {split_file}; unpack "
            f"{sequence}.zip, see {CARD}"
        )
    found: dict[str, dict[str, str]] = {"color": {}, "pose": {}, "depth": {}}
    for name in sorted(file_names(folder / sequence)):  # .png after .jpg, so that .png wins
        if match := re.fullmatch(
            r"(frame-\d+)\.(color\.png|color\.jpg|pose\.txt|depth\.png)", name
        ):
            found[match[2].partition(".")[0]][match[1]] = name
    images, poses, depths = found["color"], found["pose"], found["depth"]
    if not images:
        raise InputError(f"{folder.name}: no images frame-*.color.png in {sequence}; see {CARD}")
    return [
        Files(stem, images.get(stem), poses.get(stem), depths.get(stem))
        for stem in sorted(images.keys() | poses.keys())
    ]


def _labels(
    folder: Path, sequence: str, frames: Sequence[Files], T_depth_cam: NDArray[np.float64]
) -> Mapping[str, Label | InputError]:
    """Poses of a sequence by frame, from its pose files."""
    named = {f"{sequence}/{frame.stem}": frame.pose for frame in frames if frame.pose}
    files = [folder / sequence / pose for pose in named.values()]
    return dict(zip(named, pose_file_labels(files, T_depth_cam), strict=True))


def _scene_intrinsics(folder: Path) -> Tensor | None:
    path = folder / INTRINSICS
    if not path.is_file():
        return None
    return parse_intrinsics_text(path.read_text(encoding="utf-8"), str(path))


def _intrinsics(focal_px: float, width: int, height: int) -> Tensor:
    """K of images of that size, from the focal length at 640x480."""
    fx, fy = focal_px * width / SIZE[0], focal_px * height / SIZE[1]
    return intrinsics(fx, fy, width / 2, height / 2)
