"""Cambridge Landmarks: labels in two text files, focal lengths in a VisualSFM model.

Layout::

    <root>/<scene>/dataset_train.txt    3 header lines, then `seq1/frame00001.png X Y Z W P Q R`
    <root>/<scene>/dataset_test.txt
    <root>/<scene>/reconstruction.nvm   focal lengths in pixels of the original 1920x1080 images
    <root>/<scene>/seq1/frame00001.png

There is no validation split: "val" is empty, and `views.split_views` holds out a sequence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.camera_io import read_nvm_focals
from hinted_posenet.data.layout import (
    check_split,
    file_names,
    image_size,
    intrinsics,
    read_lines,
    scene_folder,
)
from hinted_posenet.pose_io import parse_cambridge_line
from hinted_posenet.types import InputError, Pose, View

CARD = "datasets/cambridge/README.md"
LABELS = {"train": "dataset_train.txt", "test": "dataset_test.txt"}
HEADER_LINES = 3


class Label(NamedTuple):
    """One line of a label file."""

    line: int  # counted from 1
    name: str
    T_world_cam: Pose


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    focal_px: float | None = None,
    nvm_width_px: int = 1920,
    exclude: Sequence[str] = (),
) -> list[View]:
    """Views of one split of a scene.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene, e.g. "KingsCollege".
        split: "train", "test" or "val" (always empty).
        focal_px: Focal length of all images, in pixels of the images as stored; None takes each
            image's own from reconstruction.nvm.
        nvm_width_px: Longer side of the images that reconstruction.nvm was made of, where its names
            differ from the labels' (as published: .jpg): focal lengths are scaled from there to the
            images as stored. Where it names the very files, they are for these.
        exclude: Names of frames to leave out, for known-bad labels.
    """
    check_split(split, ("train", "val", "test"))
    folder = scene_folder(root, scene, LABELS["train"], CARD)
    if split == "val":
        return []
    _check_excluded(folder, exclude)
    labels = read_labels(folder / LABELS[split], exclude)
    _check_images(folder, labels, LABELS[split])
    focals = {} if focal_px is not None else _nvm_focals(folder)
    originals = {_stem(name): focal for name, focal in focals.items()}
    views = []
    for label in labels:
        width, height = image_size(folder / label.name)
        focal = focal_px if focal_px is not None else focals.get(label.name)
        if focal is None and _stem(label.name) in originals:
            focal = originals[_stem(label.name)] * max(width, height) / nvm_width_px
        if focal is None:
            raise InputError(
                f"{scene}: no focal length of {label.name} in reconstruction.nvm; set focal_px or "
                f"exclude the frame; see {CARD}"
            )
        K = intrinsics(focal, focal, width / 2, height / 2)
        sequence = label.name.rpartition("/")[0]
        views.append(View(label.name, folder / label.name, label.T_world_cam, K, sequence, tags={}))
    return views


def read_labels(path: Path, exclude: Sequence[str] = ()) -> list[Label]:
    """All labels of one label file, in file order; needs no images."""
    lines = read_lines(path, CARD)
    if len(lines) <= HEADER_LINES or lines[HEADER_LINES - 1].strip():
        raise InputError(
            f"{path} line {HEADER_LINES}: expected {HEADER_LINES} header lines, the last one "
            f"blank, then labels; see {CARD}"
        )
    labels: dict[str, Label] = {}
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        if not line.strip() or line.split()[0] in exclude:
            continue
        where = f"{path} line {number}"
        name, T_world_cam = parse_cambridge_line(line, where)
        if name in labels:
            raise InputError(f"{where}: {name} is already on line {labels[name].line}; remove one")
        labels[name] = Label(number, name, T_world_cam)
    return list(labels.values())


def _check_excluded(folder: Path, exclude: Sequence[str]) -> None:
    """A misspelt name would silently leave a bad label in."""
    lines = [line for file in LABELS.values() for line in read_lines(folder / file, CARD)]
    unknown = set(exclude) - {line.split()[0] for line in lines if line.strip()}
    if unknown:
        raise InputError(
            f"{folder.name}: exclude names {min(unknown)}, which no label file lists; "
            "write it as there"
        )


def _check_images(folder: Path, labels: list[Label], file: str) -> None:
    present: dict[str, set[str]] = {}
    missing = []
    for label in labels:
        sequence, _, image = label.name.rpartition("/")
        if sequence not in present:
            present[sequence] = file_names(folder / sequence)
        if image not in present[sequence]:
            missing.append(label)
    if missing:
        others = f" ({len(missing) - 1} more are missing)" if len(missing) > 1 else ""
        raise InputError(
            f"{folder.name}: missing image {missing[0].name} listed in {file} line "
            f"{missing[0].line}{others}; see {CARD}"
        )


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


def _nvm_focals(folder: Path) -> dict[str, float]:
    path = folder / "reconstruction.nvm"
    if not path.is_file():
        raise InputError(
            f"{folder.name}: no reconstruction.nvm to read focal lengths from; add the file or set "
            f"focal_px; see {CARD}"
        )
    return read_nvm_focals(path)
