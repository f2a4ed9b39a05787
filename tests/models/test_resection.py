import pytest
import torch
from torch import Tensor

from hinted_posenet.core.geometry import quaternion_exp, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.models.heads.pair import project, resect

BATCH, POINTS = 20, 60
FOCAL = torch.tensor([1.7, 2.1])
NO_DAMPING = torch.full((6,), 1e-8)


def scene(seed: int = 0) -> tuple[Tensor, Pose, Tensor]:
    """Points (B, N, 3) about 1 deep, cameras turned and moved by up to a tenth of that, and what they see."""
    generator = torch.Generator().manual_seed(seed)
    flat = 1.2 * torch.rand(BATCH, POINTS, 2, generator=generator) - 0.6
    depth = 0.7 + 0.6 * torch.rand(BATCH, POINTS, 1, generator=generator)
    points = torch.cat([flat, torch.ones_like(depth)], dim=-1) * depth
    pose = Pose(
        0.1 * torch.randn(BATCH, 3, generator=generator),
        quaternion_exp(0.15 * torch.randn(BATCH, 3, generator=generator)),
    )
    return points, pose, project(points, pose, FOCAL)[1]


def solve(points: Tensor, seen: Tensor, weight: Tensor, damping: Tensor = NO_DAMPING) -> Pose:
    return resect(points, seen, weight, FOCAL, torch.tensor(0.1), damping, steps=10)[0]


def assert_close(found: Pose, expected: Pose, tolerance: float) -> None:
    assert (found.t - expected.t).norm(dim=-1).max() < tolerance
    assert rotation_angle(found.q, expected.q).max() < tolerance


def test_a_point_in_front_is_seen_at_the_middle_and_one_to_the_right_on_the_right():
    ahead = Pose(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 0, 0, 0]]))
    _, image = project(torch.tensor([[[1.0, 2.0, 5.0], [2.0, 2.0, 5.0]]]), ahead, FOCAL)
    torch.testing.assert_close(image, torch.tensor([[[0.0, 0.0], [0.85, 0.0]]]))


def test_exact_matches_give_the_exact_pose():
    points, pose, seen = scene()
    assert_close(solve(points, seen, torch.ones(BATCH, POINTS)), pose, 1e-4)


def test_wrong_matches_are_outvoted_and_those_without_weight_ignored():
    points, pose, seen = scene()
    wrong = seen.clone()
    wrong[:, ::5] += 1.0
    assert_close(solve(points, wrong, torch.ones(BATCH, POINTS)), pose, 0.02)
    weight = torch.ones(BATCH, POINTS)
    weight[:, ::5] = 0.0
    assert_close(solve(points, wrong, weight), pose, 1e-4)


def test_damping_holds_the_camera_back():
    points, _, seen = scene()
    held = solve(points, seen, torch.ones(BATCH, POINTS), torch.full((6,), 1e6))
    assert held.t.norm(dim=-1).max() < 1e-4
    assert_close(held, Pose(torch.zeros(BATCH, 3), torch.tensor([1.0, 0, 0, 0])), 1e-3)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_gradients_are_finite_also_for_points_behind_the_camera(weight):
    points, _, seen = scene()
    points[:, 0, 2] = -1.0
    points.requires_grad_()
    found = solve(points, seen, torch.full((BATCH, POINTS), weight), torch.full((6,), 1e-3))
    (found.t.sum() + found.q.sum()).backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()
