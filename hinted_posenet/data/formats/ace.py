"""ACE, and with it DSAC*, GLACE and others: a folder per split, and per image a file with its pose and its camera.

Layout::

    <root>/<scene>/train/rgb/seq-01-frame-000000.color.png
    <root>/<scene>/train/poses/seq-01-frame-000000.pose.txt                4x4 camera-to-world
    <root>/<scene>/train/calibration/seq-01-frame-000000.calibration.txt   one focal length, or a 3x3 matrix K
    <root>/<scene>/test/...                                                the same

Other software sorts the files of each folder and pairs them by rank, so one missing file gives every later image
the pose of another. Here they are paired by what their names have in common, and a file without its counterpart is
a fault. A focal length alone puts the principal point in the middle of the image. The targets of scene coordinates
in depth/, init/ and eye/ are not read. What precedes "frame" in a name is its sequence, if anything does, else the
split. There is no validation split: "val" is empty, and `split_views` holds out a sequence.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.core import text
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data import npz
from hinted_posenet.data.cameras import (
    Lens,
    intrinsics_text,
    parse_colmap_camera,
    parse_intrinsics_text,
)
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.seven_scenes import pose_file_labels
from hinted_posenet.data.image_files import stored_size
from hinted_posenet.data.poses import matrix_text

CARD = "docs/formats.md"
MARKERS = ("train/poses", "test/poses")
FOLDERS = ("rgb", "poses", "calibration")


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, in the order of names, see `ReadViews`; "val" is always empty."""
    layout.check_split(split)
    folder = layout.scene_folder(root, scene, MARKERS[0], CARD, *MARKERS[1:])
    if split == "val":
        return []
    images, poses, calibrations = (_by_stem(folder / split / kind) for kind in FOLDERS)
    files = [folder / split / "poses" / file for file in poses.values()]
    labels = dict(zip(poses, pose_file_labels(files), strict=True))
    views = []
    for stem in sorted(images.keys() | poses.keys()):
        name = f"{split}/rgb/{images.get(stem, stem)}"
        with layout.collecting(faults, name):
            for kind, found in zip(FOLDERS, (images, poses, calibrations), strict=True):
                if stem not in found:
                    raise InputError(
                        f"{folder / split / kind}: missing the file of {stem}; add it, or remove the frame"
                    )
            label = labels[stem]
            if isinstance(label, InputError):
                raise label
            image = folder / name
            size = stored_size(image)
            lens = _lens(folder / split / "calibration" / calibrations[stem], *size)
            of_all = (lens, label.where, _sequence(stem, split), size)
            views.append(layout.labelled_view(name, image, label.stated, *of_all))
    return views


def _by_stem(folder: Path) -> dict[str, str]:
    """List the files of a folder by what an image, its pose and its calibration have in common."""
    files: dict[str, str] = {}
    for name in sorted(layout.file_names(folder)):
        stem = re.sub(r"\.(color|pose|calibration)$", "", name.rpartition(".")[0])
        if stem:  # else it is hidden
            layout.check_new(stem, files, str(folder / name))
            files[stem] = name
    return files


def _sequence(stem: str, split: str) -> str:
    before, frame, _ = stem.rpartition("frame")
    return before.rstrip("-_.") or split if frame else split


def _lens(path: Path, width: int, height: int) -> Lens:
    """Read one focal length, or a 3x3 matrix, in pixels."""
    content = text.read_text(path, f"see {CARD}")
    fields = content.split()
    if len(fields) != 1:
        return Lens(parse_intrinsics_text(content, str(path)), ())
    parameters: list[str | float] = [*fields, width / 2, height / 2]
    return parse_colmap_camera("SIMPLE_PINHOLE", parameters, str(path))


class AceFormat:
    """{train,test}/{rgb,poses,calibration}/seq-XX-frame-XXXXXX.*; images with a lens become pinhole PNGs."""

    title = "ACE"
    reads_back = "ace"
    keeps_validation = False

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Assign numbers to sequences and frames; validation joins training."""
        found = []
        for split, view, number, frame in layout.numbered(views):
            has_own = not view.distortion and view.image.suffix != npz.SUFFIX
            suffix = view.image.suffix if has_own else ".png"
            folder = "test" if split == "test" else "train"
            sequence = f"seq-{number:02d}"
            name = f"{folder}/rgb/{sequence}-frame-{frame:06d}.color{suffix}"
            changes = {"sequence": sequence, "distortion": (), "depth": None}
            found.append(layout.written_as(split, view, name, Path(name), **changes))
        return found

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write a pose and a calibration per image: the focal length alone where it says all."""
        for _, _, view, width, height in frames:
            fx, fy, cx, cy = view.K[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
            central = fx == fy and (cx, cy) == (width / 2, height / 2)
            camera = f"{fx}\n" if central else intrinsics_text(view.K)
            stem = view.image.name.rpartition(".color")[0]
            above = folder / view.image.parent.parent
            for kind, content in (("pose", matrix_text(view.T_world_cam)), ("calibration", camera)):
                path = above / ("poses" if kind == "pose" else kind) / f"{stem}.{kind}.txt"
                path.parent.mkdir(exist_ok=True)
                path.write_text(content, encoding="utf-8")
