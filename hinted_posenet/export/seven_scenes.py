"""7-Scenes: numbered sequences of PNG images, each with a camera-to-world matrix.

One camera for all, without distortion; it stands in camera-intrinsics.txt, which the published scenes do
not have (there it is known: 525 px at 640x480) and software for them does not miss.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from hinted_posenet.camera_io import intrinsics, intrinsics_text
from hinted_posenet.data.reader.layout import image_size
from hinted_posenet.data.reader.seven_scenes import DEPTH_UNIT_M, INTRINSICS, SPLITS
from hinted_posenet.export.frame import Frame, Views, numbered, training_or_test
from hinted_posenet.export.image import same_camera
from hinted_posenet.pose_io import matrix_text
from hinted_posenet.types import DepthImage, InputError, View


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
