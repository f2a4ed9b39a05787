"""Points from the rays of cameras with known poses."""

import pytest
import torch
from landmark_world import FOCAL_PX, cameras, random, wall

from hinted_posenet.core.geometry import quaternion_inverse, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.models.landmarks.triangulation import Points, Rays, triangulate

MOST_PX = 3.0


def seen_by(point_m: torch.Tensor, pose: Pose) -> Rays:
    """All rays of cameras (V,) to points (N, 3)."""
    local = rotate(quaternion_inverse(pose.q), point_m.unsqueeze(1) - pose.t)
    ray = local[..., :2] / local[..., 2:]
    focal_px = torch.full((len(pose.t),), FOCAL_PX)
    return Rays(ray, torch.ones(ray.shape[:2], dtype=torch.bool), pose, focal_px)


def agreed(points: Points) -> torch.Tensor:
    return (points.error_px < MOST_PX).sum(dim=1)


@pytest.mark.parametrize("about_m", [0.0, 1e4])
@pytest.mark.parametrize("views", [2, 5])
def test_exact_rays_meet_in_the_point(about_m, views):
    point_m = wall(200, about_m=about_m).point_m
    points = triangulate(seen_by(point_m, cameras(views, about_m=about_m)), MOST_PX)
    assert (points.t_m - point_m).norm(dim=1).max() < 1e-6
    assert points.error_px.max() < 1e-3


def test_wrong_rays_are_left_out():
    point_m, pose = wall(500).point_m, cameras(10)
    rays = seen_by(point_m, pose)
    noise = random(*rays.ray.shape, seed=3) / FOCAL_PX
    wrong = torch.rand(rays.seen.shape) < 0.3
    wrong[:, 0] = False  # the point is the first camera's
    elsewhere = torch.rand_like(rays.ray) - 0.5
    ray = torch.where(wrong.unsqueeze(-1), elsewhere, rays.ray + 0.5 * noise)
    points = triangulate(rays._replace(ray=ray), MOST_PX)
    off_m = (points.t_m - point_m).norm(dim=1)
    assert off_m.quantile(0.5) < 0.01
    assert (off_m < 0.1).double().mean() > 0.9
    # of points found, right rays are kept and wrong ones are not
    good = off_m < 0.1
    kept = points.error_px < MOST_PX
    assert kept[good][~wrong[good]].double().mean() > 0.97
    assert kept[good][wrong[good]].double().mean() < 0.02


def test_noise_is_averaged_over_cameras():
    point_m = wall(500).point_m
    error_m = []
    for views in (2, 8):
        rays = seen_by(point_m, cameras(views))
        ray = rays.ray + random(*rays.ray.shape, seed=3) / FOCAL_PX
        points = triangulate(rays._replace(ray=ray), 10.0)
        error_m.append(float((points.t_m - point_m).norm(dim=1).quantile(0.5)))
    assert error_m[0] < 0.02  # 1 px of 500 at 4 m, cameras 4 m apart
    assert error_m[1] < 0.8 * error_m[0]


def test_a_point_behind_a_camera_does_not_agree_with_it():
    point_m, pose = wall(50).point_m, cameras(4)
    rays = seen_by(point_m, pose)
    turned = pose.q.clone()
    turned[3] = torch.tensor([0.0, 0.0, 1.0, 0.0]).double()  # half a turn about y: it looks away
    points = triangulate(rays._replace(pose=Pose(pose.t, turned)), MOST_PX)
    assert (points.error_px[:, 3] > 1e6).all()
    assert (agreed(points) == 3).all()
    assert (points.t_m - point_m).norm(dim=1).max() < 1e-6


def test_cameras_that_do_not_see_a_point_do_not_matter():
    point_m, pose = wall(50).point_m, cameras(4)
    rays = seen_by(point_m, pose)
    seen = rays.seen.clone()
    seen[:25, 2] = False
    rays.ray[:25, 2] = 0.3
    points = triangulate(rays._replace(seen=seen), MOST_PX)
    assert (points.t_m - point_m).norm(dim=1).max() < 1e-6
    assert points.error_px[:25, 2].isinf().all()
    assert agreed(points).tolist() == [3] * 25 + [4] * 25


def test_parallax_is_the_angle_between_the_rays():
    pose = Pose(torch.tensor([[0.0, 0, 0], [1.0, 0, 0], [0.1, 0, 0]]).double(), cameras(3).q)
    pose = pose._replace(q=torch.tensor([1.0, 0, 0, 0]).double().repeat(3, 1))
    rays = seen_by(torch.tensor([[0.5, 0.0, 5.0]]).double(), pose)
    expected = 2 * torch.atan(torch.tensor(0.1).double())
    torch.testing.assert_close(triangulate(rays, MOST_PX).parallax_rad, expected.view(1))


@pytest.mark.parametrize("views", [1, 3])
def test_without_parallax_nothing_is_known(views):
    """Of one camera, or of several at one place, all numbers are finite and the parallax is none."""
    point_m = wall(50).point_m
    pose = cameras(views)
    rays = seen_by(point_m, Pose(torch.zeros_like(pose.t), pose.q))
    points = triangulate(rays, MOST_PX)
    assert points.t_m.isfinite().all()
    assert points.parallax_rad.max() < 1e-5


def test_no_points_at_all():
    points = triangulate(seen_by(torch.empty(0, 3).double(), cameras(3)), MOST_PX)
    assert points.t_m.shape == (0, 3)
    assert points.parallax_rad.shape == (0,)
