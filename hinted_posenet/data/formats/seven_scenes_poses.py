"""The three ground truths of 7-Scenes, which lie centimetres and degrees apart; a result names its own.

- raw: ``pose.txt`` as published, of the depth camera; what papers on pose regression use.
- calibrated: the same, moved to the colour camera by a constant 2.6 cm and 0.67 degrees.
- sfm: structure from motion over the colour images (Brachmann et al., ICCV 2021), with focal lengths.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.formats.layout import numbered_lines
from hinted_posenet.data.poses import (
    SAME_CAMERA,
    ValidatedPose,
    parse_matrix_texts,
    parse_pseudo_ground_truth_line,
)

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
    focal_px: float | None = None  # at 640x480, where the ground truth has one


def pose_file_labels(
    files: Sequence[Path], T_stated_cam: NDArray[np.float64] = SAME_CAMERA
) -> list[Label | InputError]:
    """What ``pose.txt`` files say; an error in the place of a file without a pose.

    Args:
        files: N of them.
        T_stated_cam: (4, 4) from our camera to the one whose poses they are.
    """
    where = [str(file) for file in files]
    texts = [_text(file) for file in files]
    return [
        found if isinstance(found, InputError) else Label(found, name)
        for found, name in zip(parse_matrix_texts(texts, where, T_stated_cam), where, strict=True)
    ]


def sfm_labels(root: Path, scene: str, split: str, card: str) -> dict[str, Label | InputError]:
    """The poses of <root>/pgt/sfm/7scenes/<scene>_<split>.txt by frame, "seq-01/frame-000000"."""
    path = Path(root) / "pgt" / "sfm" / "7scenes" / f"{scene}_{split}.txt"
    labels: dict[str, Label | InputError] = {}
    for where, line in numbered_lines(path, card):
        frame = line.split()[0].partition(".")[0]
        try:
            _, stated, focal_px = parse_pseudo_ground_truth_line(line, where)
            labels[frame] = Label(stated, where, focal_px)
        except InputError as error:
            labels[frame] = error
    return labels


def _text(file: Path) -> str:
    """Of a pose file; empty, which is no pose, where there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
