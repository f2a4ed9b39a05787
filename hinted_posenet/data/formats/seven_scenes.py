"""7-Scenes: colour images with a 4x4 camera-to-world matrix each, in numbered sequences."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import DepthImage, Fault, View
from hinted_posenet.data.cameras import intrinsics, intrinsics_text, parse_intrinsics_text
from hinted_posenet.data.formats.export import same_camera
from hinted_posenet.data.formats.layout import (
    FolderSizes,
    Frame,
    Views,
    check_split,
    collecting,
    file_names,
    image_size,
    numbered,
    numbered_lines,
    scene_folder,
    training_or_test,
)
from hinted_posenet.data.formats.seven_scenes_poses import (
    GROUND_TRUTHS,
    T_DEPTH_COLOUR,
    Label,
    pose_file_labels,
    sfm_labels,
)
from hinted_posenet.data.poses import SAME_CAMERA, matrix_text

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


class SevenScenesFormat:
    """seq-XX/frame-XXXXXX.{color.png,pose.txt,depth.png}, TrainSplit.txt, TestSplit.txt, camera-intrinsics.txt."""

    title = "7-Scenes"
    reads_back = "seven_scenes"
    keeps_validation = False

    def frames(self, views: Views) -> list[Frame]:
        """Numbered sequences; where cameras differ, all images get the one of the longest focal length."""
        (width, height), *others = sorted({image_size(view.image) for _, view in views})
        if others:
            raise InputError(
                f"7-Scenes has images of one size, these are {width}x{height} and "
                f"{others[0][0]}x{others[0][1]}; use another format"
            )
        K = _common(views, width, height)
        found = []
        for split, view, sequence, frame in numbered(views):
            name = f"seq-{sequence:02d}/frame-{frame:06d}.color.png"
            written = view._replace(
                name=name,
                image=Path(name),
                K=K,
                distortion=(),
                sequence=f"seq-{sequence:02d}",
                depth=_depth(view, name),
            )
            found.append(Frame(split, view, written, width, height))
        return found

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """Poses, splits (validation in training) and the camera."""
        for _, _, written, _, _ in frames:
            pose = folder / written.name.replace(".color.png", ".pose.txt")
            pose.write_text(matrix_text(written.T_world_cam), encoding="utf-8")
        for split, file in SPLITS.items():
            names = dict.fromkeys(
                frame.written.sequence for frame in training_or_test(frames, split)
            )
            lines = [f"sequence{int(name.removeprefix('seq-'))}\n" for name in names]
            (folder / file).write_text("".join(lines), encoding="utf-8")
        (folder / INTRINSICS).write_text(intrinsics_text(frames[0].written.K), encoding="utf-8")


def _depth(view: View, name: str) -> DepthImage | None:
    """In millimetres, as 7-Scenes has it, or not at all: another unit would be taken for them."""
    if view.depth is None or view.depth.unit_m != DEPTH_UNIT_M:
        return None
    return view.depth._replace(image=Path(name.replace(".color.", ".depth.")))


def _common(views: Views, width: int, height: int) -> Tensor:
    """The K that all views have, or else one that sees no more than any of them."""
    Ks = torch.stack([view.K for _, view in views])
    if all(same_camera(K, Ks[0]) for K in Ks):
        return Ks[0]
    focal_px = float(Ks[:, [0, 1], [0, 1]].max())
    return intrinsics(focal_px, focal_px, width / 2, height / 2)
