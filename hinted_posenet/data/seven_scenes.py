"""7-Scenes: colour images with a 4x4 camera-to-world matrix each, in numbered sequences.

Layout::

    <root>/<scene>/TrainSplit.txt                      lines `sequence1`
    <root>/<scene>/TestSplit.txt
    <root>/<scene>/seq-01/frame-000000.color.png       640x480; .jpg is read too
    <root>/<scene>/seq-01/frame-000000.pose.txt
    <root>/<scene>/seq-01/frame-000000.depth.png    millimetres; may be missing
    <root>/<scene>/camera-intrinsics.txt            not in the published scenes: K of all images

Frame numbers may start anywhere and have gaps; image and pose are paired by frame name. Poses are
the raw ground truth, of the depth camera. Depth images are only told of. There is no validation split:
"val" is empty, and `views.split_views` holds out a sequence.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.camera_io import parse_intrinsics_text
from hinted_posenet.data.layout import (
    check_split,
    file_names,
    image_size,
    intrinsics,
    read_lines,
    scene_folder,
)
from hinted_posenet.pose_io import parse_matrix_text
from hinted_posenet.types import DepthImage, InputError, View

CARD = "datasets/seven_scenes/README.md"
SPLITS = {"train": "TrainSplit.txt", "test": "TestSplit.txt"}
INTRINSICS = "camera-intrinsics.txt"
WIDTH_PX, HEIGHT_PX = 640, 480  # the size that focal_px is for
FOCAL_PX = 525.0  # of the colour camera
DEPTH_UNIT_M = 0.001


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    focal_px: float | None = None,
    exclude: Sequence[str] = (),
) -> list[View]:
    """Views of one split of a scene.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene, e.g. "redkitchen".
        split: "train", "test" or "val" (always empty).
        focal_px: Focal length at 640x480; scaled where images are stored at another size. None takes
            the scene's camera-intrinsics.txt, or without that file the colour camera's 525.
        exclude: Names of frames to leave out, e.g. "seq-01/frame-000000.color.png".
    """
    check_split(split, ("train", "val", "test"))
    folder = scene_folder(root, scene, SPLITS["train"], CARD)
    if split == "val":
        return []
    for name in exclude:  # a misspelt name would silently leave a bad frame in
        if not (folder / name).is_file():
            raise InputError(
                f"{scene}: exclude names {name}, which is no image there; write it like "
                "seq-01/frame-000000.color.png"
            )
    K_scene = None
    if focal_px is None and (folder / INTRINSICS).is_file():
        text = (folder / INTRINSICS).read_text(encoding="utf-8")
        K_scene = parse_intrinsics_text(text, str(folder / INTRINSICS))
    views = []
    for sequence in read_sequences(folder / SPLITS[split]):
        for image_name, pose_name, depth_name in _paired_frames(folder, sequence, SPLITS[split]):
            name = f"{sequence}/{image_name}"
            if name in exclude:
                continue
            image, pose = folder / name, folder / sequence / pose_name
            T_world_cam = parse_matrix_text(pose.read_text(encoding="utf-8"), str(pose))
            width, height = image_size(image)
            fx, fy = (
                (focal_px or FOCAL_PX) * size for size in (width / WIDTH_PX, height / HEIGHT_PX)
            )
            K = K_scene if K_scene is not None else intrinsics(fx, fy, width / 2, height / 2)
            depth = DepthImage(folder / sequence / depth_name, DEPTH_UNIT_M) if depth_name else None
            views.append(View(name, image, T_world_cam, K, sequence, tags={}, depth=depth))
    return views


def read_sequences(path: Path) -> list[str]:
    """Folders of the sequences that a split file lists: ``sequence1`` -> ``seq-01``."""
    sequences = []
    for number, line in enumerate(read_lines(path, CARD), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"sequence\s*(\d+)", line.strip())
        if match is None:
            raise InputError(
                f"{path} line {number}: expected a line like `sequence1`, found `{line.strip()}`; "
                f"see {CARD}"
            )
        sequences.append(f"seq-{int(match[1]):02d}")
    return sequences


def _paired_frames(
    folder: Path, sequence: str, split_file: str
) -> list[tuple[str, str, str | None]]:
    """(image, pose, depth or None) file names of one sequence, in frame order."""
    if not (folder / sequence).is_dir():
        raise InputError(
            f"{folder.name}: missing folder {sequence} listed in {split_file}; unpack "
            f"{sequence}.zip, see {CARD}"
        )
    images: dict[str, str] = {}
    poses: dict[str, str] = {}
    depths: dict[str, str] = {}
    for name in sorted(file_names(folder / sequence)):  # .png after .jpg, so that .png wins
        if match := re.fullmatch(r"(frame-\d+)\.color\.(png|jpg)", name):
            images[match[1]] = name
        elif match := re.fullmatch(r"(frame-\d+)\.pose\.txt", name):
            poses[match[1]] = name
        elif match := re.fullmatch(r"(frame-\d+)\.depth\.png", name):
            depths[match[1]] = name
    if not images:
        raise InputError(f"{folder.name}: no images frame-*.color.png in {sequence}; see {CARD}")
    for frame in sorted(images.keys() ^ poses.keys()):
        kind, have = ("pose", images) if frame in images else ("image", poses)
        raise InputError(
            f"{folder.name}: missing {kind} of {sequence}/{frame}, though there is {have[frame]}; "
            f"fetch it again or remove the other file, see {CARD}"
        )
    return [(images[frame], poses[frame], depths.get(frame)) for frame in sorted(images)]
