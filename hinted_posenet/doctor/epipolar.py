"""How well matched pixels of two images fit the motion between their cameras."""

import numpy as np
import numpy.typing as npt
from kornia.geometry.conversions import quaternion_to_rotation_matrix

from hinted_posenet.geometry import quaternion_inverse, quaternion_product, rotate
from hinted_posenet.types import Pose

Floats = npt.NDArray[np.float64]


def fundamental(a: Pose, b: Pose, K_a: Floats, K_b: Floats) -> Floats:
    """F (3, 3) with ``x_b^T F x_a = 0`` for homogeneous pixels of one point seen by cameras a and b.

    Args:
        a: T_world_cam of the first camera.
        b: T_world_cam of the second.
        K_a: (3, 3) pixels.
        K_b: (3, 3) pixels.
    """
    to_b = quaternion_inverse(b.q)
    R = quaternion_to_rotation_matrix(quaternion_product(to_b, a.q)).numpy()
    t = rotate(to_b, a.t - b.t)
    length = float(t.norm())
    # without a baseline any will do: then a right rotation obeys all of them, and a wrong one none
    baseline = t.numpy() / length if length > 0 else np.array([1.0, 0.0, 0.0])
    E = np.cross(np.eye(3), baseline) @ R
    F: Floats = np.linalg.inv(K_b).T @ E @ np.linalg.inv(K_a)
    return F


def sampson_px(F: Floats, x_a: Floats, x_b: Floats) -> Floats:
    """First-order distance (M,) in pixels of matches x_a, x_b (M, 2) from obeying F."""
    ones = np.ones((len(x_a), 1))
    a, b = np.hstack([x_a, ones]), np.hstack([x_b, ones])
    lines_b, lines_a = a @ F.T, b @ F
    error = np.abs((b * lines_b).sum(axis=1))
    slope = np.sqrt((lines_b[:, :2] ** 2).sum(axis=1) + (lines_a[:, :2] ** 2).sum(axis=1))
    distance: Floats = error / np.maximum(slope, 1e-300)
    return distance
