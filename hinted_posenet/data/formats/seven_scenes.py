"""7-Scenes: colour images with a 4x4 camera-to-world matrix each, in numbered sequences.

Its three ground truths are centimetres and degrees apart, so a result names its own:

- raw: ``pose.txt`` as published, of the depth camera; used by papers on pose regression.
- calibrated: the same, moved to the colour camera by a constant 2.6 cm and 0.67 degrees.
- sfm: structure from motion over the colour images (Brachmann et al., ICCV 2021), with focal lengths.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import read_text, whole_number
from hinted_posenet.core.types import DepthImage, Fault, View
from hinted_posenet.data.cameras import (
    Lens,
    check_focal,
    intrinsics,
    intrinsics_text,
    parse_intrinsics_text,
    same_camera,
)
from hinted_posenet.data.formats import layout
from hinted_posenet.data.image_files import stored_size
from hinted_posenet.data.poses import (
    SAME_CAMERA,
    ValidatedPose,
    matrix_text,
    parse_matrix_texts,
    parse_pseudo_ground_truth_line,
)

CARD = "datasets/seven_scenes/README.md"
SPLITS = {"train": "TrainSplit.txt", "test": "TestSplit.txt"}
INTRINSICS = "camera-intrinsics.txt"
SIZE = (640, 480)  # pixels, as published; focal_px is for it
FOCAL_PX = 525.0  # of the colour camera
DEPTH_UNIT_M = 0.001
GROUND_TRUTHS = ("raw", "calibrated", "sfm")
# Kinect calibration of LIRIS, Lyon (projet.liris.cnrs.fr/voir), which DSAC* and ACE use; metres
T_COLOUR_DEPTH = np.array(
    [
        [0.99996518012567637, 0.0026765126468950343, -0.0079041012313000904, -0.025558943178152542],
        [-0.00274093112813167, 0.99996302803027592, -0.0081504520778013286, 0.00010109636268061706],
        [0.0078819942130445332, 0.0081718328771890631, 0.99993554558014031, 0.0020318321729487039],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
T_DEPTH_COLOUR = np.linalg.inv(T_COLOUR_DEPTH).astype(np.float64)


class Label(NamedTuple):
    """The pose of one frame."""

    stated: ValidatedPose
    where: str
    focal_px: float | None = None  # at 640x480, if the ground truth has one


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    ground_truth: str = "raw",
    focal_px: float | None = None,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Read the views of one split of a scene, sequence by sequence, see `ReadViews`; "val" is always empty.

    ``ground_truth`` is "raw", "calibrated" or "sfm" (from <root>/pgt, with its own focal lengths). ``focal_px``
    is at 640x480, and scaled if images are stored at another size; None takes the scene's
    camera-intrinsics.txt, or without that file the colour camera's 525.
    """
    layout.check_split(split)
    if ground_truth not in GROUND_TRUTHS:
        raise InputError(f"ground_truth={ground_truth}: use one of {', '.join(GROUND_TRUTHS)}")
    check_focal(focal_px)
    folder = layout.scene_folder(root, scene, SPLITS["train"], CARD)
    if split == "val":
        return []
    size_of = layout.folder_sizes(SIZE)
    K_scene, camera = None, folder / INTRINSICS
    if focal_px is None and camera.is_file():
        K_scene = parse_intrinsics_text(read_text(camera, f"see {CARD}"), str(camera))
    T_depth_cam = T_DEPTH_COLOUR if ground_truth == "calibrated" else SAME_CAMERA
    sfm = _sfm_labels(root, scene, split) if ground_truth == "sfm" else None
    views = []
    for sequence in _read_sequences(folder / SPLITS[split]):
        frames: list[Files] = []
        with layout.collecting(faults, sequence):
            frames = _frames(folder, sequence, SPLITS[split])
        labels = sfm
        if labels is None:
            named = {f"{sequence}/{frame.stem}": frame.pose for frame in frames if frame.pose}
            files = [folder / sequence / pose for pose in named.values()]
            labels = dict(zip(named, pose_file_labels(files, T_depth_cam), strict=True))
        for stem, image, _, depth in frames:
            name = f"{sequence}/{image or f'{stem}.color.png'}"
            with layout.collecting(faults, name):
                label = labels.get(f"{sequence}/{stem}")
                if image is None or label is None:
                    kind = "image" if image is None else "pose"
                    raise InputError(
                        f"{scene}: missing {kind} of {sequence}/{stem}; fetch it again, or remove "
                        f"what there is of the frame, see {CARD}"
                    )
                if isinstance(label, InputError):
                    raise label
                (stated, where, own_px), path = label, folder / name
                width, height = size = size_of(path)
                K = K_scene
                if K is None:
                    focal = focal_px or own_px or FOCAL_PX
                    fx, fy = focal * width / SIZE[0], focal * height / SIZE[1]
                    K = intrinsics(fx, fy, width / 2, height / 2)
                view = layout.labelled_view(name, path, stated, Lens(K, ()), where, sequence, size)
                if depth:
                    view = view._replace(depth=DepthImage(path.with_name(depth), DEPTH_UNIT_M))
                views.append(view)
    return views


def _read_sequences(path: Path) -> list[str]:
    """Read the folders of the sequences that a split file lists: ``sequence1`` -> ``seq-01``."""
    sequences: dict[str, str] = {}
    for where, line in layout.numbered_lines(path, CARD):
        match = re.fullmatch(r"sequence\s*(\d+)", line)
        if match is None:
            raise InputError(
                f"{where}: expected a line like `sequence1`, found `{line}`; see {CARD}"
            )
        sequence = f"seq-{whole_number(match[1], where):02d}"
        layout.check_new(sequence, sequences, where)
        sequences[sequence] = where
    return list(sequences)


class Files(NamedTuple):
    """The files of one frame, named within its sequence's folder."""

    stem: str  # frame-000000
    image: str | None
    pose: str | None
    depth: str | None


def _frames(folder: Path, sequence: str, split_file: str) -> list[Files]:
    """List the frames of one sequence that have an image or a pose, in order."""
    if not (folder / sequence).is_dir():
        raise InputError(
            f"{folder.name}: missing folder {sequence} listed in {split_file}; unpack "
            f"{sequence}.zip, see {CARD}"
        )
    found: dict[str, dict[str, str]] = {"color": {}, "pose": {}, "depth": {}}
    for name in sorted(layout.file_names(folder / sequence)):  # .png after .jpg, so that .png wins
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


def pose_file_labels(
    files: Sequence[Path], T_stated_cam: NDArray[np.float64] = SAME_CAMERA
) -> list[Label | InputError]:
    """Read ``pose.txt`` files; an error takes the place of a file without a pose.

    ``T_stated_cam`` (4, 4) is from our camera to the one whose poses they hold.
    """
    texts = list(map(_pose_text, files))
    read = [
        (text, str(file)) for text, file in zip(texts, files, strict=True) if isinstance(text, str)
    ]
    poses = iter(parse_matrix_texts([text for text, _ in read], [f for _, f in read], T_stated_cam))
    labels: list[Label | InputError] = []
    for text, file in zip(texts, files, strict=True):
        pose = next(poses) if isinstance(text, str) else text
        labels.append(pose if isinstance(pose, InputError) else Label(pose, str(file)))
    return labels


def _pose_text(file: Path) -> str | InputError:
    """Return the content of a file, or why it cannot be read."""
    try:
        return read_text(file, f"fetch it again, see {CARD}")
    except InputError as error:
        return error


def _sfm_labels(root: Path, scene: str, split: str) -> dict[str, Label | InputError]:
    """Read <root>/pgt/sfm/7scenes/<scene>_<split>.txt -> labels by frame, "seq-01/frame-000000"."""
    path = Path(root) / "pgt" / "sfm" / "7scenes" / f"{scene}_{split}.txt"
    labels: dict[str, Label | InputError] = {}
    for where, line in layout.numbered_lines(path, CARD):
        frame = line.split()[0].partition(".")[0]
        try:
            layout.check_new(frame, labels, where)
            _, stated, focal_px = parse_pseudo_ground_truth_line(line, where)
            labels[frame] = Label(stated, where, focal_px)
        except InputError as error:
            labels[frame] = error
    return labels


class SevenScenesFormat:
    """seq-XX/frame-XXXXXX.{color.png,pose.txt,depth.png}, TrainSplit.txt, TestSplit.txt, camera-intrinsics.txt."""

    title = "7-Scenes"
    reads_back = "seven_scenes"
    keeps_validation = False

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Assign numbers to sequences; if cameras differ, all images get the one of the longest focal length."""
        (width, height), *others = sorted({stored_size(view.image) for _, view in views})
        if others:
            raise InputError(
                f"7-Scenes has images of one size, these are {width}x{height} and "
                f"{others[0][0]}x{others[0][1]}; use another format"
            )
        K = _common(views, width, height)
        found = []
        for split, view, number, frame in layout.numbered(views):
            sequence = f"seq-{number:02d}"
            name = f"{sequence}/frame-{frame:06d}.color.png"
            written = view._replace(name=name, image=Path(name), K=K, distortion=())
            written = written._replace(sequence=sequence, depth=_depth(view, name))
            found.append(layout.Frame(split, view, written, width, height))
        return found

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write the poses, the splits (validation joins training) and the camera."""
        for _, _, written, _, _ in frames:
            pose = folder / written.name.replace(".color.png", ".pose.txt")
            pose.write_text(matrix_text(written.T_world_cam), encoding="utf-8")
        for split, file in SPLITS.items():
            chosen = layout.training_or_test(frames, split)
            names = dict.fromkeys(frame.written.sequence for frame in chosen)
            lines = [f"sequence{int(name.removeprefix('seq-'))}\n" for name in names]
            (folder / file).write_text("".join(lines), encoding="utf-8")
        (folder / INTRINSICS).write_text(intrinsics_text(frames[0].written.K), encoding="utf-8")


def _depth(view: View, name: str) -> DepthImage | None:
    """Return depth in millimetres, as in 7-Scenes, or None: another unit would be read as millimetres."""
    if view.depth is None or view.depth.unit_m != DEPTH_UNIT_M:
        return None
    return view.depth._replace(image=Path(name.replace(".color.", ".depth.")))


def _common(views: layout.Views, width: int, height: int) -> Tensor:
    """Return the K that all views have, or else one that sees no more than any of them."""
    Ks = torch.stack([view.K for _, view in views])
    if all(same_camera(K, Ks[0]) for K in Ks):
        return Ks[0]
    focal_px = float(Ks[:, [0, 1], [0, 1]].max())
    return intrinsics(focal_px, focal_px, width / 2, height / 2)
