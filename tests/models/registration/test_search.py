"""The search finds a place, with heading and height off; blocks pull a pose towards the truth."""

import math

import pytest
import torch
from ground import K, cameras, ground, hills, rendered, uneven
from torch.nn.functional import pad

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.ground_registration import take_surroundings
from hinted_posenet.models.registration.search import (
    Registrar,
    Views,
    seen_point,
    true_displacement,
)
from hinted_posenet.models.registration.solve import Prior

UNKNOWN = ([20.0, 20.0, 8.0], [1.0, 1.0, 12.0])  # sigmas: a GPS, and the heading roughly


def sharp() -> Registrar:
    """Untrained features, believed as those of a trained network are."""
    registrar = Registrar().eval()
    registrar.log_sharpness.data.fill_(3.0)
    return registrar


def off(truth: Pose, place_m: list[float], heading_deg: float) -> Pose:
    """Poses that are off in place and heading, which for a camera that looks down turns about its z."""
    turn = torch.tensor([0.0, 0.0, math.radians(heading_deg)]).expand(len(truth.t), 3)
    return Pose(truth.t + torch.tensor(place_m), compose_rotvec(truth.q, turn))


@torch.no_grad()
@pytest.mark.parametrize("relief", [False, True])
@pytest.mark.parametrize("heading_deg", [-16.0, 9.0])
def test_a_displacement_is_found_with_heading_and_height_off(relief, heading_deg):
    over = ground(height_m=hills() if relief else None)
    truth = cameras(3, seed=5, reach_m=30.0)
    views = rendered(over, truth)
    hint = uneven(off(truth, [24.0, -31.0, 9.0], heading_deg), *UNKNOWN)
    around = take_surroundings(over, views, hint)
    coarse = around.patch.local().halved()
    shift_m = around.patch.center_m.float()
    start = hint.pose._replace(t=hint.pose.t - pad(shift_m, (0, 1)))
    registrar = sharp()
    code = registrar.map_code(coarse, torch.ones(3, 1, dtype=torch.bool))
    known = Prior.of(hint._replace(pose=start))
    found = registrar.search(views, known, coarse, code, around.canvas // 2)
    true = truth._replace(t=truth.t - pad(shift_m, (0, 1)))
    seen, expected = (seen_point(views, pose, coarse) for pose in (found.pose, true))
    feature_m = 2 * coarse.cell_m[0]
    assert ((seen - expected)[:, :2].norm(dim=1) < 1.5 * feature_m).all()  # the hints are 39 m off
    assert (rotation_angle(found.pose.q, truth.q) < math.radians(7)).all()
    assert ((found.pose.t - truth.t)[:, 2].abs() < 9.1).all()  # no worse than the hints
    assert (found.fit > 3).all()


@torch.no_grad()
def test_a_place_that_the_prior_excludes_is_not_found():
    over, truth = ground(), cameras(2, seed=5, reach_m=30.0)
    views = rendered(over, truth)
    start = off(truth, [60.0, 0.0, 0.0], 0.0)
    around = take_surroundings(over, views, uneven(start, [30.0] * 3, [1.0, 1.0, 5.0]))
    assert around.patch.center_m.abs().max() > 0
    patch = around.patch.halved()._replace(center_m=around.patch.center_m.float())
    registrar = sharp()
    code = registrar.map_code(patch, torch.ones(2, 1, dtype=torch.bool))
    near, far = (
        registrar.search(
            views,
            Prior.of(uneven(start, [sigma_m] * 3, [0.2, 0.2, 5.0])),
            patch,
            code,
            around.canvas // 2,
        ).pose.t[:, 0]
        - truth.t[:, 0]
        for sigma_m in (1.0, 30.0)
    )
    assert (near > 50).all()
    assert (far.abs() < 10).all()


@torch.no_grad()
def test_photos_that_are_not_allowed_are_not_in_the_code():
    patch = ground(torch.rand(3, 3, 200, 200)).patch((0.0, 0.0), 32, 2.0).local()
    registrar = Registrar().eval()
    code = registrar.map_code(patch, torch.tensor([[False, True, True]]))
    alone = patch.of(torch.tensor([1, 2]))
    expected = registrar.map_code(alone, torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(code, expected)


@pytest.mark.parametrize("oblique_deg", [0.0, 30.0])
def test_the_true_displacement_is_where_pixels_belong(oblique_deg):
    over = ground(height_m=hills())
    truth = cameras(1, reach_m=5.0, oblique_deg=oblique_deg)
    views = Views(torch.empty(1, 3, 64, 64), K.unsqueeze(0))
    patch = over.patch((0.0, 0.0), 160, 2.0).local()
    pose = off(truth, [6.0, -4.0, 0.0], 0.0)
    points = seen_point(views, pose, patch).unsqueeze(1)
    off_m = true_displacement(views, pose, truth, points, patch)
    expected = seen_point(views, truth, patch).unsqueeze(1) - points
    torch.testing.assert_close(off_m, expected[..., :2], atol=0.1, rtol=0)


@torch.no_grad()
def test_blocks_pull_a_pose_towards_the_truth():
    over, truth = ground(), cameras(3, seed=5, reach_m=20.0)
    views = rendered(over, truth)
    start = off(truth, [3.0, -4.0, 0.0], 0.0)
    hint = uneven(start, [5.0, 5.0, 1.0], [0.2, 0.2, 0.5])
    patch = over.patch((0.0, 0.0), 160, 2.0)
    patch = type(patch)(*(part.expand(3, *part.shape[1:]) for part in patch.local()))
    registrar = sharp()
    code = registrar.map_code(patch, torch.ones(3, 1, dtype=torch.bool))
    found = registrar.match(views, start, Prior.of(hint), patch, code)
    assert ((found.pose.t - truth.t).norm(dim=1) < 1.5).all()  # from 5 m; a feature is 4 m
    assert (found.information > 0).any()
