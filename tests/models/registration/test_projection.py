"""A camera over ground with relief: its Jacobian, what it sees, and what is hidden from it."""

import pytest
import torch
from ground import DOWN, LEVEL_M, SIZE, K, cameras, ground, level, rendered, whole
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.projection import (
    ground_jacobian,
    in_sight,
    laid_out,
    pixel_centers,
    project,
    sight,
)
from hinted_posenet.models.registration.solve import moved


def seen_on_plane(pose: Pose, pixels: Tensor, slope: Tensor) -> Tensor:
    """Where pixels (B, n, 2) meet a plane through the origin with a slope (2,)."""
    ray = sight(pose, K.double().expand(len(pose.t), 3, 3), pixels)
    normal = torch.cat([-slope, slope.new_ones(1)])
    along = -(pose.t @ normal).unsqueeze(1) / (ray @ normal)
    return pose.t.unsqueeze(1) + along.unsqueeze(-1) * ray


@pytest.mark.parametrize("oblique_deg", [0.0, 45.0])
@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.4, -0.3)])
def test_the_jacobian_is_that_of_finite_steps(oblique_deg, slope):
    near = cameras(2, reach_m=10.0, oblique_deg=oblique_deg)
    pose = Pose(near.t.double(), normalize(near.q.double(), dim=-1))
    pixels = (16 * pixel_centers(4, 4)).flatten(0, 1).double().expand(2, -1, -1)
    up = torch.tensor(slope, dtype=torch.float64)
    points = seen_on_plane(pose, pixels, up)
    J = ground_jacobian(pose, points, up.expand_as(points[..., :2]))
    for axis in range(6):
        step = torch.zeros(2, 6, dtype=torch.float64)
        step[:, axis] = 1e-5
        ahead, behind = (seen_on_plane(moved(pose, by), pixels, up) for by in (step, -step))
        expected = (ahead - behind)[..., :2] / 2e-5
        torch.testing.assert_close(J[..., axis], expected, atol=1e-4, rtol=1e-5)


def test_a_point_is_projected_by_its_camera():
    pose = Pose(torch.tensor([[10.0, 20.0, 103.0]]), DOWN.unsqueeze(0))
    point = torch.tensor([[[10.0, 20.0, 3.0], [20.0, 20.0, 3.0], [10.0, 40.0, 53.0]]])
    pixels, depth_m = project(pose, K.unsqueeze(0), point)
    expected = torch.tensor([[[32.0, 32.0], [39.0, 32.0], [32.0, 4.0]]])
    torch.testing.assert_close(pixels, expected)
    torch.testing.assert_close(depth_m, torch.tensor([[100.0, 100.0, 50.0]]))


@pytest.mark.parametrize("oblique_deg", [0.0, 30.0])
def test_an_image_that_is_laid_out_shows_the_photo(oblique_deg):
    over, pose = ground(), cameras(2, oblique_deg=oblique_deg)
    views, patch = rendered(over, pose), whole(over, 2)
    colours, seen = laid_out(views.image, pose, views.K, patch)
    off = (colours - patch.photo[:, 0] / 255).abs().mean(dim=1)
    assert 1000 < seen.sum() / 2 < 0.5 * SIZE**2
    assert off[seen].mean() < 0.03
    assert (colours * ~seen.unsqueeze(1)).abs().max() == 0


def test_what_is_outside_the_image_or_behind_the_camera_is_not_seen():
    up = Pose(torch.tensor([[0.0, 0.0, 143.0]]), torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    patch, image = whole(ground()), torch.rand(1, 3, 64, 64)
    assert not laid_out(image, up, K.unsqueeze(0), patch)[1].any()
    down = up._replace(q=DOWN.unsqueeze(0))
    seen = laid_out(image, down, K.unsqueeze(0), patch)[1]
    points = patch.points_m()[seen]
    reach_m = 140 * 32 / 70
    assert reach_m - 6 < points[:, :2].abs().max() < reach_m


def walled() -> Tensor:
    """Level ground with a wall of 40 m from west to east, 40 m north of the middle and 8 m thick."""
    heights = level()
    heights[76:80] = LEVEL_M + 40.0
    return heights


def test_a_wall_hides_what_is_behind_it():
    patch = whole(ground(height_m=walled()))
    north_looking = compose_rotvec(DOWN, torch.tensor([0.6, 0.0, 0.0])).unsqueeze(0)
    pose = Pose(torch.tensor([[0.0, -60.0, LEVEL_M + 80.0]]), north_looking)
    # the line of sight over the wall's northern edge, 108 m away, falls 40 m on these, and 40 m more on as many
    north_m = torch.tensor([-20.0, 30.0, 60.0, 100.0, 140.0, 170.0])
    points = torch.stack([torch.zeros(6), north_m, torch.full((6,), LEVEL_M)], dim=-1).unsqueeze(0)
    assert in_sight(pose, patch, points)[0].tolist() == [True, True, False, False, False, True]
    above = pose._replace(t=torch.tensor([[0.0, 60.0, 400.0]]))
    assert in_sight(above, patch, points)[0, [0, 1, 3, 4, 5]].all()


def test_level_ground_hides_nothing():
    patch = whole(ground())
    pose = cameras(1, oblique_deg=60.0)
    assert in_sight(pose, patch, patch.points_m().flatten(1, 2)).all()


def test_roofs_are_in_sight_and_walls_hide_nothing_before_them():
    patch = whole(ground(height_m=walled()))
    pose = Pose(torch.tensor([[0.0, 0.0, LEVEL_M + 140.0]]), DOWN.unsqueeze(0))
    roof = torch.tensor([[[0.0, 44.0, LEVEL_M + 40.0], [0.0, 20.0, LEVEL_M]]])
    assert in_sight(pose, patch, roof).all()
