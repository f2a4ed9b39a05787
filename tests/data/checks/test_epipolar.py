import numpy as np
import pytest
import torch

from hinted_posenet.core.geometry import invert, quaternion_exp, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.data.checks.convention import fundamental, sampson_px

K_A = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])
K_B = np.array([[300.0, 0, 150], [0, 300, 100], [0, 0, 1]])
A = Pose(
    torch.tensor([1.0, 2, 3]).double(), quaternion_exp(torch.tensor([0.2, -0.1, 0.3]).double())
)
B = Pose(
    torch.tensor([1.5, 1, 3.4]).double(), quaternion_exp(torch.tensor([0.1, 0.2, 0.1]).double())
)


def project(T: Pose, K: np.ndarray, world: torch.Tensor) -> np.ndarray:
    t, q = invert(*T)
    cam = (rotate(q, world) + t).numpy()
    return ((cam / cam[:, 2:]) @ K.T)[:, :2]


def points() -> torch.Tensor:
    return torch.rand(50, 3).double() * 4 + torch.tensor([0, 0, 8]).double()


def test_projections_of_one_point_obey_the_poses():
    world = points()
    F = fundamental(A, B, K_A, K_B)
    assert sampson_px(F, project(A, K_A, world), project(B, K_B, world)).max() < 1e-9


def test_distance_is_in_pixels():
    world = points()
    F = fundamental(A, B, K_A, K_A)
    x_a, x_b = project(A, K_A, world), project(B, K_A, world)
    lines = np.hstack([x_a, np.ones((50, 1))]) @ F.T
    across = lines[:, :2] / np.linalg.norm(lines[:, :2], axis=1, keepdims=True)
    distance = sampson_px(F, x_a, x_b + 2 * across)
    # a move of 2 px in one image is shared between both
    assert distance == pytest.approx(2 / np.sqrt(2), rel=0.2)


def test_without_a_baseline_the_rotation_decides():
    turned, other = Pose(A.t, B.q), Pose(A.t, A.q)
    world = points()
    x_a, x_b = project(A, K_A, world), project(turned, K_A, world)
    assert sampson_px(fundamental(A, turned, K_A, K_A), x_a, x_b).max() < 1e-9
    assert np.median(sampson_px(fundamental(A, other, K_A, K_A), x_a, x_b)) > 5
