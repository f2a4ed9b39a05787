import math

import pytest
import torch
from poses import INF, hints, random_poses
from scipy.spatial.transform import Rotation

from hinted_posenet.core.covariance import (
    camera_information,
    given,
    information,
    moved,
    offset,
    world_covariance,
)
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, Modes, Pose

QUERIES = 50


def random_covariance(rows: int, seed: int = 0) -> torch.Tensor:
    root = torch.randn(rows, 6, 6, generator=torch.Generator().manual_seed(seed)).double()
    scaled = torch.tensor([30.0] * 3 + [0.02] * 3).diag().double() @ root
    return scaled @ scaled.mT


def test_bayes_rule_weighs_by_precision():
    a, b = random_poses(QUERIES), random_poses(QUERIES, seed=4)
    answer = hints(a, 1.0, 0.1)
    for sigma, share in ((1.0, 0.5), (2.0, 0.2), (1e-6, 1.0), (INF, 0.0)):
        fused = given(answer, hints(b, sigma, 0.1 * sigma))[0].pose
        torch.testing.assert_close(fused.t, a.t + share * (b.t - a.t), rtol=1e-4, atol=1e-4)
        turned = rotation_angle(a.q, fused.q)
        torch.testing.assert_close(turned, share * rotation_angle(a.q, b.q), rtol=1e-3, atol=2e-3)


def test_the_posterior_has_the_sum_of_the_information():
    a, b = random_poses(QUERIES), random_poses(QUERIES, seed=4)
    first, second = random_covariance(QUERIES), random_covariance(QUERIES, seed=1)
    posterior = given(Hint(a, first), Hint(b, second))[0].covariance
    torch.testing.assert_close(
        torch.linalg.inv(posterior), information(first) + information(second), rtol=1e-4, atol=1e-6
    )


def test_a_gps_moves_only_what_it_knows():
    """Level with an unknown height: the height and the rotation stay, the horizontal position moves."""
    belief = hints(random_poses(1), 10.0, 0.1)
    evidence = hints(random_poses(1, seed=3), 10.0, INF)
    evidence.covariance[:, 2, 2] = INF
    posterior, _ = given(belief, evidence)
    middle = (belief.pose.t + evidence.pose.t) / 2
    torch.testing.assert_close(posterior.pose.t[:, :2], middle[:, :2])
    torch.testing.assert_close(posterior.pose.t[:, 2], belief.pose.t[:, 2])
    assert rotation_angle(posterior.pose.q, belief.pose.q).item() < 1e-6
    expected = torch.tensor([[50.0, 50.0, 100.0, 0.01, 0.01, 0.01]])
    torch.testing.assert_close(posterior.variance, expected)


def test_an_imu_that_knows_the_tilt_alone_leaves_the_heading():
    """Rotations are about the world's axes, so that tilt is x and y, and heading is z."""
    heading, tilted = (
        Rotation.from_euler("z", 70, degrees=True),
        Rotation.from_euler("x", 8, degrees=True),
    )
    believed = torch.tensor((tilted * heading).as_quat(scalar_first=True)).float().view(1, 4)
    level = torch.tensor(Rotation.from_euler("z", -50, degrees=True).as_quat(scalar_first=True))
    here = torch.zeros(1, 3)
    belief = hints(Pose(here, believed), 1.0, math.radians(20))
    imu = hints(Pose(here, level.float().view(1, 4)), INF, math.radians(0.01))
    imu.covariance[:, 5, 5] = INF
    turned = given(belief, imu)[0].pose.q[0].numpy()
    up = Rotation.from_quat(turned, scalar_first=True).apply([0.0, 0.0, 1.0])
    assert math.degrees(math.acos(up[2])) < 0.1
    axis = Rotation.from_quat(turned, scalar_first=True).apply([1.0, 0.0, 0.0])
    assert math.degrees(math.atan2(axis[1], axis[0])) == pytest.approx(70, abs=1)
    variance = given(belief, imu)[0].variance[0, 3:].sqrt().rad2deg()
    assert variance[:2].max() < 0.02
    assert variance[2].item() == pytest.approx(20.0, rel=1e-3)


def test_a_compass_that_knows_the_heading_alone_leaves_the_tilt():
    """A camera that looks down is turned about the vertical, though the compass states a level one."""
    down = Rotation.from_euler("x", 180, degrees=True)  # top of the image to the north
    compass = Rotation.from_euler("z", -30, degrees=True) * Rotation.from_euler(
        "x", 90, degrees=True
    )
    pose = (torch.tensor(r.as_quat(scalar_first=True)).float().view(1, 4) for r in (down, compass))
    belief, evidence = (hints(Pose(torch.zeros(1, 3), q), 1.0, math.radians(40)) for q in pose)
    evidence.covariance[:] = torch.diag(torch.tensor([INF, INF, INF, INF, INF, 1e-8]))
    turned = Rotation.from_quat(given(belief, evidence)[0].pose.q[0].numpy(), scalar_first=True)
    expected = Rotation.from_euler("z", -30, degrees=True) * down
    assert math.degrees((turned * expected.inv()).magnitude()) < 0.1


def test_a_sharp_hint_beside_a_vague_belief_stays_positive():
    belief, evidence = hints(random_poses(4), 5e5, 3.0), hints(random_poses(4, seed=1), 1e-3, 1e-4)
    posterior, likelihood = given(belief, evidence)
    torch.testing.assert_close(posterior.sigma_t_m, torch.full((4,), 1e-3))
    assert torch.linalg.eigvalsh(posterior.covariance).min() > 0
    assert likelihood.isfinite().all()


def test_moving_and_offset_are_inverse():
    a, b = random_poses(QUERIES), random_poses(QUERIES, seed=2)
    there = moved(a, offset(a, b))
    torch.testing.assert_close(there.t, b.t)
    assert rotation_angle(there.q, b.q).max() < 1e-5


def test_camera_axes_and_world_axes_tell_the_same():
    pose, covariance = random_poses(QUERIES), random_covariance(QUERIES)
    q = pose.q.double()
    there = camera_information(world_covariance(covariance, q), q)
    torch.testing.assert_close(there, torch.linalg.inv(covariance))


def test_the_likeliest_mode_is_one_of_them():
    pose = random_poses(6)
    stacked = Pose(pose.t.view(2, 3, 3), pose.q.view(2, 3, 4))
    modes = Modes(
        torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]]).log(),
        stacked,
        random_covariance(6).view(2, 3, 6, 6),
    )
    best = modes.likeliest()
    torch.testing.assert_close(best.pose.t, stacked.t[[0, 1], [1, 0]])
    torch.testing.assert_close(best.covariance, modes.covariance[[0, 1], [1, 0]])
