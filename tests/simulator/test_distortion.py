"""A lens bends rays as OpenCV says, and undoing it gives a pinhole's image."""

import cv2
import numpy as np
import torch

from hinted_posenet.data.images import undistorted
from hinted_posenet.simulator.camera import Camera, pose_at
from hinted_posenet.simulator.render import Renderer

from .conftest import dotted_world
from .test_render import centroid_uv

LENS = (-0.2, 0.05, 0.002, -0.001, 0.0)
CAMERA = Camera(160, 120, hfov_deg=60.0, distortion=LENS)


def test_a_point_lands_where_opencv_projects_it() -> None:
    world = dotted_world(-33.0, 24.0, np.zeros((401, 401)))
    image = Renderer(world, CAMERA, threads=1).render(pose_at((0, 0, 80)), world.captures[0]).rgb
    point_cam = np.array([[-33.0, -24.0, 80.0]])
    bent, _ = cv2.projectPoints(point_cam, np.zeros(3), np.zeros(3), CAMERA.K, np.array(LENS))
    assert np.abs(centroid_uv(image) - bent.ravel()).max() < 0.5
    straight = (CAMERA.K @ point_cam[0])[:2] / 80
    assert np.abs(bent.ravel() - straight).max() > 1  # the test would see a missing lens
    pinhole = undistorted(image, torch.from_numpy(CAMERA.K), LENS)
    assert np.abs(centroid_uv(pinhole) - straight).max() < 0.5


def test_outline_bounds_every_pixel() -> None:
    outline, rays = CAMERA.outline_rays(), CAMERA.pixel_rays().reshape(-1, 3)
    assert (outline.min(axis=0) <= rays.min(axis=0)).all()
    assert (outline.max(axis=0) >= rays.max(axis=0)).all()
