import copy

import pytest
import torch
from poses import INF, hints, random_poses
from torch import Tensor, nn

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.encoding import LogQuaternion, Quaternion, SixD
from hinted_posenet.models.heads.cross_attention import CrossAttentionHead
from hinted_posenet.models.heads.hinted_embedding import HintedEmbeddingHead
from hinted_posenet.models.heads.hinted_fusion import HintedFusionHead
from hinted_posenet.models.heads.hinted_gated import HintedGatedHead
from hinted_posenet.models.heads.hinted_residual import HintedResidualHead
from hinted_posenet.models.heads.pose_regression import PoseRegressionHead

CHANNELS, GRID, BOUND = 8, 2, 4.0
HEADS = {
    "plain": lambda rotation: PoseRegressionHead(CHANNELS, GRID, rotation, 16, 0.2),
    "embedding": lambda rotation: HintedEmbeddingHead(CHANNELS, GRID, rotation, 16, 0.2, 8),
    "residual": lambda rotation: HintedResidualHead(
        CHANNELS, GRID, rotation, 16, 0.2, 8, "world", BOUND
    ),
    "residual_camera": lambda rotation: HintedResidualHead(
        CHANNELS, GRID, rotation, 16, 0.2, 8, "camera", None
    ),
    "gated": lambda rotation: HintedGatedHead(CHANNELS, GRID, rotation, 16, 0.2, 8),
    "attention": lambda rotation: CrossAttentionHead(CHANNELS, GRID, rotation, 16, 32, 0.1),
    "fusion": lambda rotation: HintedFusionHead(CHANNELS, GRID, rotation, 16, 0.2, 4, 0.05),
}
each_hinted_head = pytest.mark.parametrize("head", [name for name in HEADS if name != "plain"])
each_head = pytest.mark.parametrize("head", HEADS)


def build(name: str, rotation: nn.Module | None = None, spread: float = 0.0) -> nn.Module:
    """A head in evaluation mode; with ``spread`` its weights are far from their start."""
    head = HEADS[name](rotation or Quaternion()).eval()
    if spread:
        for parameter in head.parameters():
            nn.init.normal_(parameter, std=spread)
    return head


def features(count: int) -> Tensor:
    return torch.randn(count, CHANNELS, GRID, GRID)


def same(a: Pose, b: Pose) -> bool:
    return torch.equal(a.t, b.t) and torch.equal(a.q, b.q)


@each_head
@pytest.mark.parametrize("rotation", [Quaternion(), LogQuaternion(), SixD()])
@pytest.mark.parametrize(
    ("sigma_t_m", "sigma_r_rad"), [(1e-6, 1e-6), (1.0, 0.1), (INF, INF), (INF, 0.1)]
)
def test_answers_are_finite_metres_and_unit_quaternions(
    frame, head, rotation, sigma_t_m, sigma_r_rad
):
    hint = frame.resolve(hints(random_poses(20), sigma_t_m, sigma_r_rad))
    feature = 10 * features(20)
    pose = build(head, copy.deepcopy(rotation), spread=0.5)(feature, hint, frame)
    assert pose.t.shape == (20, 3)
    assert pose.t.isfinite().all()
    torch.testing.assert_close(pose.q.norm(dim=-1), torch.ones(20))


@each_head
def test_gradients_are_finite_and_reach_every_parameter(frame, head):
    module = build(head, spread=0.1)
    feature = features(20)
    pose = module(feature, frame.resolve(hints(random_poses(20), 1.0, 0.1)), frame)
    (pose.t.sum() + pose.q.sum()).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(("sigma_t_m", "sigma_r_rad"), [(1e-3, 1e-3), (0.5, 0.1), (100.0, 3.0)])
@pytest.mark.parametrize("rotation", [Quaternion(), LogQuaternion(), SixD()])
def test_residual_head_starts_by_returning_its_hint(frame, rotation, sigma_t_m, sigma_r_rad):
    hint = hints(random_poses(200, seed=3), sigma_t_m, sigma_r_rad)
    pose = build("residual", rotation)(features(200), hint, frame)
    assert torch.equal(pose.t, hint.pose.t)
    assert rotation_angle(pose.q, hint.pose.q).max() < 1e-6


def test_residual_head_corrects_by_at_most_bound_sigmas(frame):
    hint = hints(random_poses(200, seed=3), 0.3, 0.02)
    pose = build("residual", spread=3.0)(features(200), hint, frame)
    moved = (pose.t - hint.pose.t).abs()
    assert moved.max() <= BOUND * 0.3 * 1.001
    assert moved.max() > 0.5 * BOUND * 0.3  # the weights do push to the bound
    assert rotation_angle(pose.q, hint.pose.q).max() <= 3**0.5 * BOUND * 0.02 * 1.001


def test_residual_cascade_of_20_steps_stays_in_bounds(frame):
    head = build("residual", spread=1.0)
    start = random_poses(50, seed=3)
    pose, refinement_steps, sigma_t_m, sigma_r_rad = start, 20, 0.1, 0.01
    feature = features(50)
    for _ in range(refinement_steps):
        pose = head(feature, hints(pose, sigma_t_m, sigma_r_rad), frame)
    assert (pose.t - start.t).abs().max() <= refinement_steps * BOUND * sigma_t_m * 1.001
    assert (
        rotation_angle(pose.q, start.q).max()
        <= refinement_steps * 3**0.5 * BOUND * sigma_r_rad * 1.001
    )
    assert (pose.q.norm(dim=-1) - 1).abs().max() < 1e-6


def test_residual_correction_scales_with_a_hint_vaguer_than_the_scene_only_to_its_box(frame):
    start = random_poses(50, seed=3)
    pose = build("residual", spread=3.0)(features(50), hints(start, 1e6, 1e6), frame)
    assert (pose.t - start.t).abs().max() <= BOUND * frame.scale_m * 1.001


def test_plain_head_does_not_look_at_its_hint(frame):
    head, feature = build("plain", spread=0.5), features(20)
    a = head(feature, hints(random_poses(20, seed=1), 0.01, 0.01), frame)
    b = head(feature, hints(random_poses(20, seed=2), INF, 5.0), frame)
    assert same(a, b)


@each_hinted_head
def test_hinted_heads_do_look_at_theirs(frame, head):
    module, feature = build(head, spread=0.5), features(20)
    poses = random_poses(20, seed=1)
    sharp = module(feature, hints(poses, 0.1, 0.01), frame)
    elsewhere = module(feature, hints(random_poses(20, seed=2), 0.1, 0.01), frame)
    vague = module(feature, hints(poses, 5.0, 0.5), frame)
    assert not same(sharp, elsewhere)
    assert not same(sharp, vague)


@each_hinted_head
def test_both_signs_of_a_hint_give_the_same_rotation(frame, head):
    module, feature = build(head, spread=0.3), features(20)
    poses = random_poses(20, seed=1)
    a = module(feature, hints(poses, 1.0, 0.1), frame)
    b = module(feature, hints(Pose(poses.t, -poses.q), 1.0, 0.1), frame)
    torch.testing.assert_close(a.t, b.t, rtol=0, atol=1e-4)
    assert rotation_angle(a.q, b.q).max() < 1e-5


@each_head
@pytest.mark.parametrize(("without_t", "without_r"), [(True, True), (True, False), (False, True)])
def test_nothing_stands_in_a_pose_without_sigma(frame, head, without_t, without_r):
    """Training hints leave the noisy truth in place where sigma is inf: it must not leak."""
    known = random_poses(20, seed=1)
    sigma_t_m = torch.full((20,), INF if without_t else 1.0)
    sigma_r_rad = torch.full((20,), INF if without_r else 0.1)
    module, feature = build(head, spread=0.5), features(20)
    answers = []
    for seed in (2, 3):
        other = random_poses(20, seed=seed)
        pose = Pose(other.t if without_t else known.t, other.q if without_r else known.q)
        hint = frame.resolve(Hint.isotropic(pose, sigma_t_m, sigma_r_rad))
        answers.append(module(feature, hint, frame))
    assert same(*answers)
