"""The ground map: what cameras see of it, and a map made of views."""

import cv2
import numpy as np
import pytest
import torch
from ground import RESOLUTION_M, K, cameras, flat_map, texture

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert, quaternion_log
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.ground_map import GroundMap, map_of_world, mosaic
from hinted_posenet.models.registration.plane import ground_points, project
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import Capture, PixelGrid
from hinted_posenet.simulator.world.world import ArrayWorld


def level_world(dates: int = 2, height_m: float = 0.0) -> ArrayWorld:
    photos = (texture(dates) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    captures = [Capture(f"202{i}-07-01", "summer", f"202{i}-07-01") for i in range(dates)]
    surface = np.full((2, 2), height_m, np.float32)
    pixel_grid = PixelGrid(-180.0, 220.0, RESOLUTION_M, 200, 200)
    return ArrayWorld(pixel_grid, dict(zip(captures, photos, strict=True)), surface, node_px=256)


def test_a_map_is_rendered_as_the_simulator_renders_its_world():
    world = level_world()
    camera = Camera(width=64, height=64, hfov_deg=None, focal_px=70.0)
    ground_map = map_of_world(world, ["2021-07-01", "2020-07-01"])
    poses = cameras(4, reach_m=40.0)
    seen, known = ground_map.render(poses, K, 64, 64)
    assert known.all()
    renderer = Renderer(world, camera, threads=1)
    for index in range(4):
        pose = Pose(poses.t[index].double(), poses.q[index].double())
        for photo, capture in enumerate(reversed(world.captures)):
            theirs = torch.from_numpy(renderer.render(pose, capture).rgb).permute(2, 0, 1) / 255
            # cv2 interpolates in steps of 1/32 pixel
            assert (seen[index, photo] - theirs).abs().mean() < 0.006


def test_the_place_that_a_pixel_sees_has_the_colour_of_the_map():
    colours = torch.zeros(1, 3, 200, 200)
    colours[0, :, 100, 130] = 1.0  # x = 61 m, y = -1 m
    pose = Pose(torch.tensor([[61.0, -1.0, 143.0]]), torch.tensor([[0.0, -1.0, 0.0, 0.0]]))
    seen, _ = flat_map(colours).render(pose, K, 64, 64)
    # a pixel is 2 m on the ground, as the map's, and the dot lies between the four in the middle
    assert seen[0, 0, 0, 31:33, 31:33] == pytest.approx(torch.full((2, 2), 0.25).numpy(), abs=1e-3)
    assert seen.sum() == pytest.approx(3.0, rel=1e-3)


def test_nothing_is_known_beyond_the_edges():
    pose = Pose(torch.tensor([[190.0, 0.0, 143.0]]), torch.tensor([[0.0, -1.0, 0.0, 0.0]]))
    seen, known = flat_map(texture()).render(pose, K, 64, 64)
    assert known[0, 0, :, :36].all()
    assert not known[0, 0, :, 38:].any()
    assert (seen[0, 0, :, :, 38:] == 0).all()


def test_colours_have_a_gradient_in_the_pose():
    poses = cameras(2)
    t = poses.t.clone().requires_grad_(True)
    seen, _ = flat_map(texture()).render(Pose(t, poses.q), K, 16, 16)
    seen.square().sum().backward()
    assert t.grad is not None
    assert (t.grad.abs() > 0).all()


def test_a_mosaic_of_views_is_the_photo_that_they_were_rendered_from():
    colours = texture(dates=2)
    poses, sequence = cameras(120, reach_m=90.0), torch.arange(120) % 2
    views, _ = flat_map(colours).render(poses, K, 64, 64)
    made = mosaic(views[torch.arange(120), sequence], poses, K, sequence, RESOLUTION_M, 3.0)
    points = torch.stack(
        torch.meshgrid(*[torch.arange(-60.0, 61.0, 4.0)] * 2, indexing="xy"), dim=-1
    )
    mine, known = made.colours(points[None])
    theirs, _ = flat_map(colours).colours(points[None])
    assert known.all()
    assert (mine - theirs).abs().mean() < 0.02  # twice interpolated
    assert (mine[0, 0] - theirs[0, 1]).abs().mean() > 0.1  # the dates are told apart


def test_a_mosaic_is_unknown_where_no_view_was_taken():
    pose = Pose(torch.tensor([[0.0, 0.0, 143.0]]), torch.tensor([[0.0, -1.0, 0.0, 0.0]]))
    two = Pose(pose.t.repeat(2, 1), pose.q.repeat(2, 1))
    two.t[1, 0] = 200.0
    made = mosaic(torch.full((2, 3, 64, 64), 0.5), two, K, torch.tensor([0, 0]), RESOLUTION_M, 3.0)
    x = torch.tensor([[[[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]]]])
    colours, known = made.colours(x)
    assert known.flatten().tolist() == [True, False, True]
    assert colours[0, 0, 0, 0].tolist() == pytest.approx([0.5, 0.0, 0.5], abs=0.01)


def test_a_hilly_world_is_refused():
    world = level_world()
    world.height_range_m = (0.0, 20.0)
    with pytest.raises(InputError, match="0 to 20 m high"):
        map_of_world(world, ["2020-07-01"])


def test_a_missing_date_is_named():
    with pytest.raises(InputError, match=r"1999-01-01.*2020-07-01"):
        map_of_world(level_world(), ["1999-01-01"])


@pytest.mark.parametrize(
    ("photos", "bounds"),
    [
        (torch.zeros(1, 3, 4, 4), (0.0, 0.0, 1.0, 1.0)),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), (0.0, 0.0, 1.0, 1.0)),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), (0.0, 1.0, 1.0, 0.0)),
    ],
)
def test_what_is_no_map_is_refused(photos, bounds):
    with pytest.raises(InputError, match="ground map"):
        GroundMap(photos, bounds)


def test_opencv_agrees_where_the_ground_is_seen():
    pose = cameras(1)
    pixels = torch.tensor([[[5.0, 60.0], [50.0, 10.0], [32.0, 32.0]]])
    ground = ground_points(pose, K, pixels, 3.0)
    t, q = invert(pose.t, pose.q)
    points = torch.cat([ground[0], torch.full((3, 1), 3.0)], dim=1).double().numpy()
    theirs, _ = cv2.projectPoints(
        points,
        quaternion_log(q)[0].double().numpy(),
        t[0].double().numpy(),
        K.numpy().astype(float),
        None,
    )
    assert theirs[:, 0] == pytest.approx(pixels[0].numpy(), abs=1e-2)
    torch.testing.assert_close(project(pose, K, ground, 3.0), pixels, atol=1e-3, rtol=0)
