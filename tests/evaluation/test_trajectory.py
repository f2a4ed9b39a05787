import math

import numpy as np
import pytest
import torch
from evo.core import metrics, sync, trajectory
from evo.core.metrics import PoseRelation, Unit
from poses import random_poses

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.metrics import align, pose_errors, trajectory_errors

COUNT = 60


def walk(seed: int = 0) -> tuple[Pose, Pose]:
    """A noisy estimate in a world of its own, and the truth."""
    torch.manual_seed(seed)
    steps = torch.randn(COUNT, 3, dtype=torch.float64)
    truth = Pose(steps.cumsum(dim=0), random_poses(COUNT, half_extent_m=1.0).q.double())
    noise = quaternion_exp(0.05 * torch.randn(COUNT, 3).double())
    t = truth.t + 0.3 * torch.randn(COUNT, 3).double()
    turn = quaternion_exp(torch.tensor([0.3, -1.0, 2.0]).double()).expand(COUNT, 4)
    moved = 1.7 * rotate(turn, t) + torch.tensor([5.0, -30.0, 2.0])
    return Pose(moved, quaternion_product(quaternion_product(turn, truth.q), noise)), truth


def in_evo(pose: Pose) -> trajectory.PoseTrajectory3D:
    return trajectory.PoseTrajectory3D(
        pose.t.numpy(), pose.q.numpy(), np.arange(float(len(pose.t)))
    )


def evo(metric: metrics.PE, predicted: Pose, truth: Pose) -> np.ndarray:
    metric.process_data(sync.associate_trajectories(in_evo(truth), in_evo(predicted)))
    return np.asarray(metric.error)


def test_pose_errors_are_those_of_evo():
    predicted, truth = walk()
    t_m, r_deg = pose_errors(predicted, truth)
    for found, relation in (
        (t_m, PoseRelation.translation_part),
        (r_deg, PoseRelation.rotation_angle_deg),
    ):
        np.testing.assert_allclose(found, evo(metrics.APE(relation), predicted, truth), atol=1e-6)


@pytest.mark.parametrize("how", ["rigid", "similarity"])
def test_alignment_is_that_of_evo(how):
    predicted, truth = walk()
    theirs = in_evo(predicted)
    theirs.align(in_evo(truth), correct_scale=how == "similarity")
    ours = align(predicted, truth, how)
    np.testing.assert_allclose(ours.t, theirs.positions_xyz, atol=1e-6)
    dots = (ours.q.numpy() * theirs.orientations_quat_wxyz).sum(axis=1)
    np.testing.assert_allclose(np.abs(dots), 1, atol=1e-9)


def test_trajectory_errors_are_those_of_evo():
    predicted, truth = walk()
    found = trajectory_errors(predicted, truth)
    aligned = align(predicted, truth, "rigid")
    expected = {
        "ate_rmse_m": evo(metrics.APE(PoseRelation.translation_part), aligned, truth),
        "rpe_rmse_m": evo(
            metrics.RPE(PoseRelation.translation_part, 1, Unit.frames), predicted, truth
        ),
        "rpe_rmse_deg": evo(
            metrics.RPE(PoseRelation.rotation_angle_deg, 1, Unit.frames), predicted, truth
        ),
    }
    for name, errors in expected.items():
        assert found[name] == pytest.approx(math.sqrt(np.mean(errors**2)), abs=1e-6), name


def test_a_mirrored_cloud_is_not_aligned_by_a_reflection():
    _, truth = walk()
    mirrored = Pose(truth.t * torch.tensor([1.0, 1.0, -1.0]), truth.q)
    moved = align(mirrored, truth, "rigid")
    assert moved.q.norm(dim=1).sub(1).abs().max() < 1e-6
    assert pose_errors(moved, truth)[0].max() > 0.1


def test_frames_without_an_answer_are_failures_beside_the_errors_of_what_is_there():
    predicted, truth = walk()
    holes = Pose(predicted.t.clone(), predicted.q)
    holes.t[7] = torch.nan
    row, there = trajectory_errors(holes, truth), torch.arange(COUNT) != 7
    only = trajectory_errors(*(Pose(pose.t[there], pose.q[there]) for pose in (predicted, truth)))
    assert (row["frames"], row["answered_frames"]) == (COUNT, COUNT - 1)
    for name in ("ate_rmse_m", "rpe_rmse_m", "rpe_rmse_deg"):
        assert row[name] == math.inf
        assert row[f"{name}_of_answered"] == only[name] == only[f"{name}_of_answered"]
    moved = align(holes, truth, "similarity")
    assert moved.t[7].isnan().all()
    assert pose_errors(moved, truth)[0].quantile(0.5) < 0.6
    with pytest.raises(InputError, match="at least 3 answers, found 2"):
        align(Pose(predicted.t[:2], predicted.q[:2]), Pose(truth.t[:2], truth.q[:2]), "rigid")


def test_trajectory_errors_are_the_same_far_from_the_origin():
    predicted, truth = walk()
    away = torch.tensor([5e6, -4e6, 1e5], dtype=torch.float64)
    near = trajectory_errors(predicted, truth)
    far = trajectory_errors(*(Pose(pose.t + away, pose.q) for pose in (predicted, truth)))
    assert far == pytest.approx(near, abs=1e-8)
