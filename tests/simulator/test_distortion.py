"""A lens bends rays as OpenCV says, and undoing it gives a pinhole's image."""

import cv2
import numpy as np
import torch

from hinted_posenet.data.decode import undistorted
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan.attitude import pose_at
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import Epoch, Lattice
from hinted_posenet.simulator.world.array import ArrayWorld

LENS = (-0.2, 0.05, 0.002, -0.001, 0.0)
CAMERA = Camera(160, 120, hfov_deg=60.0, distortion=LENS)
EPOCH = Epoch("summer", "summer", "2025-07-01")


def centroid(image: np.ndarray) -> np.ndarray:
    weight = np.maximum(image[..., 0].astype(float) - 10, 0)
    rows, cols = np.indices(weight.shape) + 0.5
    return np.array([(cols * weight).sum(), (rows * weight).sum()]) / weight.sum()


def test_a_point_lands_where_opencv_projects_it() -> None:
    centre = np.arange(400) * 0.5 - 99.75
    dot_m = np.array([-33.0, 24.0, 0.0])
    distance2 = (centre[None] - dot_m[0]) ** 2 + (-centre[:, None] - dot_m[1]) ** 2
    photo = np.repeat((255 * np.exp(-distance2 / 8))[..., None], 3, axis=2).astype(np.uint8)
    flat = np.zeros((401, 401), np.float32)
    world = ArrayWorld(Lattice(-100, 100, 0.5, 400, 400), {EPOCH: photo}, flat, 1)
    image = Renderer(world, CAMERA, threads=1).render(pose_at((0, 0, 80), 0, 0, 0), EPOCH).rgb
    point_cam = np.array([[-33.0, -24.0, 80.0]])
    bent, _ = cv2.projectPoints(point_cam, np.zeros(3), np.zeros(3), CAMERA.K, np.array(LENS))
    assert np.abs(centroid(image) - bent.ravel()).max() < 0.5
    straight = (CAMERA.K @ point_cam[0])[:2] / 80
    assert np.abs(bent.ravel() - straight).max() > 1  # the test would see a missing lens
    pinhole = undistorted(image, torch.from_numpy(CAMERA.K), LENS)
    assert np.abs(centroid(pinhole) - straight).max() < 0.5


def test_outline_bounds_every_pixel() -> None:
    outline, rays = CAMERA.outline_rays(), CAMERA.pixel_rays().reshape(-1, 3)
    assert (outline.min(axis=0) <= rays.min(axis=0)).all()
    assert (outline.max(axis=0) >= rays.max(axis=0)).all()
