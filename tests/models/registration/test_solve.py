"""The solver: against dense algebra, with exact displacements, and what priors of each kind change."""

import math

import pytest
import torch
from ground import LEVEL_M, K, cameras, uneven
from torch import Tensor

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.models.registration.projection import ground_jacobian, pixel_centers, sight
from hinted_posenet.models.registration.solve import (
    Evidence,
    Prior,
    accelerated,
    information_of,
    moved,
    solve_step,
    symmetric_product,
)

PIXELS = (8 * pixel_centers(8, 8)).flatten(0, 1)


def on_level(pose: Pose) -> Tensor:
    """Points (B, 64, 3) of level ground that pixels show."""
    ray = sight(pose, K.expand(len(pose.t), 3, 3), PIXELS.expand(len(pose.t), -1, -1))
    along = ((LEVEL_M - pose.t[:, None, 2]) / ray[..., 2]).unsqueeze(-1)
    return pose.t.unsqueeze(1) + along * ray


def evidence(pose: Pose, truth: Pose, A: Tensor, wrong: Tensor | float = 0.0) -> Evidence:
    """What perfect measurements say at a pose (B,), plus an error."""
    points = on_level(pose)
    off_m = (on_level(truth) - points)[..., :2] + wrong
    J = ground_jacobian(pose, points, torch.zeros_like(off_m))
    return Evidence(J, A, symmetric_product(A, off_m))


def solved(start: Pose, truth: Pose, A: Tensor, known: Prior, wrong: Tensor | float = 0.0) -> Pose:
    pose = start
    for _ in range(6):
        pose = solve_step(pose, evidence(pose, truth, A, wrong), known)[0].pose
    return pose


def nothing(pose: Pose) -> Prior:
    return Prior(pose, torch.zeros(len(pose.t), 6, 6))


def alike(count: int) -> Tensor:
    """Information of one displacement of a metre, in all directions."""
    return torch.tensor([1.0, 0.0, 1.0]).repeat(count, 64, 1)


def test_the_step_is_that_of_dense_algebra():
    J = torch.randn(2, 5, 2, 6, dtype=torch.float64)
    root = torch.randn(2, 5, 2, 2, dtype=torch.float64)
    A = root @ root.mT
    off = torch.randn(2, 5, 2, dtype=torch.float64)
    packed = torch.stack([A[..., 0, 0], A[..., 0, 1], A[..., 1, 1]], dim=-1)
    pose = Pose(*(part.double() for part in cameras(2)))
    away = 0.01 * torch.randn(2, 6, dtype=torch.float64)
    root = torch.randn(2, 6, 6, dtype=torch.float64)
    known = Prior(moved(pose, away), root @ root.mT)
    given = Evidence(J, packed, symmetric_product(packed, off))
    found, step = solve_step(pose, given, known)
    for row in range(2):
        tall = J[row].reshape(10, 6)
        weight = torch.block_diag(*A[row])
        information = tall.T @ weight @ tall + known.information[row]
        pull = tall.T @ weight @ off[row].flatten() + known.information[row] @ away[row]
        torch.testing.assert_close(found.information[row], information)
        torch.testing.assert_close(step[row], torch.linalg.solve(information, pull))
    torch.testing.assert_close(found.pose, moved(pose, step))


def test_a_hint_and_its_prior_say_the_same():
    root = torch.randn(3, 6, 6, dtype=torch.float64)
    pose = Pose(*(part.double() for part in cameras(3)))
    hint = Hint(pose, root @ root.mT + torch.eye(6))
    back = Prior.of(hint).as_hint()
    torch.testing.assert_close(back.covariance, hint.covariance)
    torch.testing.assert_close(back.pose, hint.pose)


def test_a_hint_that_does_not_know_a_part_has_no_information_about_it():
    known = Prior.of(uneven(cameras(2), [3.0, 3.0, math.inf], [1.0, 1.0, 1.0]))
    assert known.information.isfinite().all()
    assert known.information[:, 2].abs().max() == 0
    torch.testing.assert_close(known.information[:, 0, 0], torch.full((2,), 1 / 9))


def test_exact_displacements_give_the_exact_pose():
    truth = cameras(5, oblique_deg=20.0)
    start = perturb(truth, torch.full((5,), 8.0), torch.full((5,), 0.04), torch.Generator())
    A = torch.tensor([2.0, 0.5, 1.0]).expand(5, 64, 3)
    pose = solved(start, truth, A, nothing(start))
    torch.testing.assert_close(pose.t, truth.t, atol=0.02, rtol=0)
    assert rotation_angle(pose.q, truth.q).max() < 2e-4


def test_displacements_without_information_are_not_looked_at():
    truth = cameras(2)
    start = moved(truth, 0.01 * torch.ones(2, 6))
    A, wrong = alike(2), torch.zeros(2, 64, 2)
    A[:, ::3], wrong[:, ::3] = 0.0, 50.0
    pose = solved(start, truth, A, nothing(start), wrong)
    torch.testing.assert_close(pose.t, truth.t, atol=0.02, rtol=0)


def test_the_prior_is_weighted_by_its_sigma():
    truth = cameras(1)
    off = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.02]])  # heading, which nothing else explains
    believed = moved(truth, off)
    sharp = 1e12 * torch.eye(6).expand(1, 6, 6)
    kept = solved(believed, truth, alike(1), Prior(believed, sharp))
    torch.testing.assert_close(kept.t, believed.t, atol=1e-4, rtol=0)
    assert rotation_angle(kept.q, believed.q) < 1e-4
    # as much information as the pixels have: half way
    equal = sharp.clone()
    equal[0, 5, 5] = information_of(evidence(truth, truth, alike(1)))[0][0, 5, 5]
    between = solved(believed, truth, alike(1), Prior(believed, equal))
    assert rotation_angle(between.q, truth.q).item() == pytest.approx(0.01, rel=0.05)


GPS, COMPASS = [20.0] * 3, [5.0, 5.0, 20.0]


@pytest.mark.parametrize(
    ("sigma_m", "sigma_deg", "helps", "stays"),
    [
        ([20.0, 20.0, 0.5], COMPASS, [2], [0, 1]),  # a height
        (GPS, [0.1, 0.1, 20.0], [0, 1, 3, 4], [2, 5]),  # a tilt
        (GPS, [5.0, 5.0, 0.01], [5], [0, 1, 2, 3, 4]),  # a compass
    ],
)
def test_a_sensor_makes_sure_what_it_measures_and_what_depends_on_it(
    sigma_m, sigma_deg, helps, stays
):
    pose = Pose(torch.tensor([[0.0, 0.0, LEVEL_M + 140.0]]), torch.tensor([[0.0, -1.0, 0.0, 0.0]]))
    given = evidence(pose, pose, 0.01 * alike(1))
    plain, known = (
        solve_step(pose, given, Prior.of(hint))[0].as_hint().variance[0].sqrt()
        for hint in (uneven(pose, GPS, COMPASS), uneven(pose, sigma_m, sigma_deg))
    )
    assert (known[helps] < 0.7 * plain[helps]).all()
    torch.testing.assert_close(known[stays], plain[stays], atol=0, rtol=0.02)


def test_tilt_that_is_known_halves_the_error_of_the_position():
    count = 200
    truth = cameras(count)
    start = perturb(
        truth, torch.full((count,), 10.0), torch.full((count,), 0.03), torch.Generator()
    )
    noise = 3.0 * torch.randn(count, 64, 2)
    errors_m = []
    for sigma_deg in ([2.0, 2.0, 2.0], [0.05, 0.05, 2.0]):
        hint = uneven(truth, [20.0] * 3, sigma_deg)
        pose = solved(start, truth, alike(count) / 9, Prior.of(hint), noise)
        errors_m.append((pose.t - truth.t)[:, :2].norm(dim=-1).median())
    assert errors_m[1] < 0.5 * errors_m[0]


@pytest.mark.parametrize("seen", [0.4, 0.7, 1.0, 1.2])
def test_steps_that_see_a_part_of_what_is_left_arrive_all_the_same(seen):
    """Of 1, windows see ``seen``, in each of five steps."""
    left = torch.randn(3, 6, dtype=torch.float64)
    first, weight = left, torch.diag(torch.tensor([1.0, 1, 1, 400, 400, 400]).double())
    motion = taken = seen * left
    left = left - taken
    for _ in range(3):
        last, motion = motion, seen * left
        taken = accelerated(motion, last, taken, weight.expand(3, 6, 6))
        left = left - taken
    assert (left.norm(dim=1) < 1e-6 * first.norm(dim=1)).all()


def test_steps_that_are_done_stay_where_they_are():
    nothing = torch.zeros(2, 6)
    assert not accelerated(nothing, nothing, nothing, torch.eye(6).expand(2, 6, 6)).any()
