"""SIFT of neighbouring RedKitchen frames, held against the epipolar lines of their stated poses."""

import numpy as np
import pytest

from hinted_posenet.core.types import Pose
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.decode import decoded
from hinted_posenet.models.landmarks.matchers import MutualMatcher
from hinted_posenet.models.landmarks.sift import SiftFeatures

pytestmark = pytest.mark.realdata

FRAMES = ("frame-000000", "frame-000005")  # 4 cm apart
F_PX = 525.0


def off_px(T_b_a: np.ndarray, ray_a: np.ndarray, ray_b: np.ndarray) -> np.ndarray:
    """Distances (n,) of rays (n, 2) of b from the epipolar lines of those of a, in pixels."""
    x, y, z = T_b_a[:3, 3]
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ T_b_a[:3, :3]
    a, b = (np.column_stack([ray, np.ones(len(ray))]) for ray in (ray_a, ray_b))
    line = a @ essential.T
    return np.abs((line * b).sum(axis=1)) / np.linalg.norm(line[:, :2], axis=1) * F_PX


def test_matches_lie_on_the_epipolar_lines_of_the_poses(real_data):
    folder = real_data / "seven_scenes/redkitchen/seq-03"
    lens = Lens(intrinsics(F_PX, F_PX, 320, 240), ())
    poses = [
        Pose.from_matrix(np.loadtxt(folder / f"{name}.pose.txt")).matrix().numpy()
        for name in FRAMES
    ]
    images = [decoded(folder / f"{name}.color.jpg") for name in FRAMES]
    first, second = (SiftFeatures().extract(image, lens) for image in images)
    i, j = MutualMatcher(min_similarity=0.95).match(first, second).rows.T.numpy()
    off = off_px(np.linalg.inv(poses[1]) @ poses[0], first.ray[i].numpy(), second.ray[j].numpy())
    assert len(off) > 300
    assert (off < 3).mean() > 0.5  # of random pairs some 2 %
