import math

import numpy as np
import pytest
import torch

from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera, pose_at
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import ArrayWorld, Capture, PixelGrid, World

from .conftest import dotted_world

CAMERA = Camera(64, 48, hfov_deg=60.0)


def centroid_uv(rgb: np.ndarray) -> np.ndarray:
    weight = rgb[..., 0].astype(float)
    v, u = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]] + 0.5
    return np.array([(u * weight).sum(), (v * weight).sum()]) / weight.sum()


def project_uv(point_m: list[float], T_world_cam: Pose) -> np.ndarray:
    t, q = invert(*T_world_cam)
    p_cam = (rotate(q, torch.tensor(point_m, dtype=torch.float64)) + t).numpy()
    uvw = CAMERA.K @ p_cam
    return uvw[:2] / uvw[2]


def hills() -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-100, 100, 101), np.linspace(100, -100, 101))
    return 5 * np.sin(x / 30) + 4 * np.cos(y / 25)


@pytest.mark.parametrize("surface_m", [np.zeros((2, 2)), hills()], ids=["flat", "hills"])
@pytest.mark.parametrize(
    "turns_deg", [(0, 0, 0), (35, 0, 0), (-110, 12, -9), (200, -10, 14)], ids=str
)
def test_dot_appears_where_camera_matrix_and_pose_project_it(
    surface_m: np.ndarray, turns_deg: tuple[float, ...]
) -> None:
    x_m, y_m = 6.0, -4.0
    world = dotted_world(x_m, y_m, surface_m)
    T_world_cam = pose_at((2.0, 3.0, 60.0), *turns_deg)
    rgb, _ = Renderer(world, CAMERA, threads=1).render(T_world_cam, world.captures[0])
    expected = project_uv([x_m, y_m, world.surface_at(x_m, y_m)], T_world_cam)
    assert np.abs(centroid_uv(rgb) - expected).max() < 0.3


def test_north_is_up_at_heading_zero_and_right_at_heading_minus_90() -> None:
    world = dotted_world(0.0, 15.0, np.zeros((2, 2)))
    renderer = Renderer(world, CAMERA, threads=1)
    u, v = centroid_uv(renderer.render(pose_at((0, 0, 60), 0), world.captures[0]).rgb)
    assert abs(u - 32) < 0.3
    assert v < 15
    u, v = centroid_uv(renderer.render(pose_at((0, 0, 60), -90), world.captures[0]).rgb)
    assert u > 44
    assert abs(v - 24) < 0.3


def test_heading_is_clockwise_pitch_looks_up_the_image_and_roll_to_its_right() -> None:
    axes = torch.eye(3, dtype=torch.float64)
    top_of_image = rotate(pose_at((0, 0, 0), heading_deg=90).q, -axes[1])
    assert torch.allclose(top_of_image, axes[0], atol=1e-12)  # east
    forward = rotate(pose_at((0, 0, 0), pitch_deg=10).q, axes[2])
    assert forward[1] > 0.17 and abs(forward[0]) < 1e-12
    right = rotate(pose_at((0, 0, 0), roll_deg=10).q, axes[2])
    assert right[0] > 0.17 and abs(right[1]) < 1e-12


def test_depth_of_a_nadir_view_is_the_altitude() -> None:
    world = dotted_world(0, 0, np.zeros((2, 2)))
    _, depth_m = Renderer(world, CAMERA, threads=1).render(
        pose_at((3, 4, 57.25), 30), world.captures[0]
    )
    assert np.allclose(depth_m, 57.25, atol=1e-3)


def test_dot_keeps_its_place_and_brightness_at_every_mip_level() -> None:
    world = dotted_world(3.0, 2.0, np.zeros((2, 2)))
    for size in (16, 24, 40, 80):  # ground pixels from 4 to 0.9 m over an orthophoto of 0.5 m
        camera = Camera(size, size, hfov_deg=60.0)
        rgb, _ = Renderer(world, camera, threads=1).render(pose_at((0, 0, 60)), world.captures[0])
        ground_pixel_m = 60 / camera.focal_px
        u, v = centroid_uv(rgb)
        assert abs((u - size / 2) * ground_pixel_m - 3) < 0.3
        assert abs((size / 2 - v) * ground_pixel_m - 2) < 0.3
        volume = rgb[..., 0].sum() * ground_pixel_m**2  # of 255 exp(-r^2 / 8)
        assert volume == pytest.approx(255 * 8 * math.pi, rel=0.06)


def test_seasons_share_geometry_and_differ_in_colour(small_world: World) -> None:
    camera = Camera(32, 32, hfov_deg=60.0)
    renderer = Renderer(small_world, camera, threads=1)
    view = pose_at((0, 0, small_world.surface_at(0, 0) + 80), 10, 2, -2)
    frames = [renderer.render(view, capture) for capture in small_world.captures]
    for frame in frames[1:]:
        assert frame.depth_m.tobytes() == frames[0].depth_m.tobytes()
        assert np.abs(frame.rgb.astype(float) - frames[0].rgb).mean() > 5
    assert frames[3].rgb.mean() > frames[1].rgb.mean() + 30  # snow


def test_an_image_does_not_depend_on_what_was_loaded_before() -> None:
    nodes_m = np.random.default_rng(0).uniform(0, 9, (257, 257)).astype(np.float32)
    photo = np.random.default_rng(1).integers(0, 255, (1024, 1024, 3), dtype=np.uint8)
    capture = Capture("summer", "summer", "2025-07-01")
    # 0.3 m: no binary fraction
    world = ArrayWorld(PixelGrid(-100.3, 70.7, 0.3, 1024, 1024), {capture: photo}, nodes_m, 4)
    middles = [(26.3, -56.1), (90.2, -56.1), (26.3, -120.7), (120.123, -160.456)]
    views = [pose_at((x, y, 60.0), 10 * i, 3, -2) for i, (x, y) in enumerate(middles)]
    together = Renderer(world, CAMERA, threads=1)
    together.load(views)
    patches = set()
    for view in views:
        alone = Renderer(world, CAMERA, threads=2)
        one, other = alone.render(view, capture), together.render(view, capture)
        assert one.depth_m.tobytes() == other.depth_m.tobytes()
        assert one.rgb.tobytes() == other.rgb.tobytes()
        patches.add((alone.patch.row, alone.patch.col))
    assert len(patches) > 1


def test_rays_that_leave_the_world_are_an_error() -> None:
    world = dotted_world(0, 0, np.zeros((2, 2)))
    with pytest.raises(RuntimeError, match="leave the world"):
        Renderer(world, CAMERA, threads=1).render(pose_at((99, 0, 60)), world.captures[0])
