"""The pinhole camera: its geometry (K), lens, sensor and poses, and the ground that it sees."""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.world import Bounds, World

OUTLINE_STEPS = 64  # points along each edge of a distorted image


class Camera:
    """Pinhole camera with square pixels, centered principal point and, optionally, a real lens.

    Args:
        width: image width in pixels.
        height: image height in pixels.
        hfov_deg: horizontal field of view in degrees; or give `focal_px`.
        focal_px: focal length in pixels, instead of `hfov_deg`.
        distortion: OpenCV's k1, k2, p1, p2, k3 of the lens; empty for none.
        sensor: photometry of its images; null is a perfect sensor.
    """

    def __init__(
        self,
        width: int,
        height: int,
        hfov_deg: float | None = None,
        focal_px: float | None = None,
        distortion: Sequence[float] = (),
        sensor: Sensor | None = None,
    ) -> None:
        if (hfov_deg is None) == (focal_px is None):
            raise InputError("camera: give either hfov_deg or focal_px, and set the other to null")
        if hfov_deg is not None and not 0 < hfov_deg < 150:
            raise InputError(f"camera.hfov_deg: expected between 0 and 150 degrees, got {hfov_deg}")
        if hfov_deg is not None:
            focal_px = 0.5 * width / math.tan(0.5 * math.radians(hfov_deg))
        assert focal_px is not None
        self.width, self.height, self.focal_px = width, height, float(focal_px)
        if len(distortion) not in (0, 5):
            raise InputError(
                f"camera.distortion: expected [] or [k1, k2, p1, p2, k3], got {list(distortion)}"
            )
        self.distortion = tuple(float(part) for part in distortion)
        self.sensor = sensor or Sensor()

    @property
    def K(self) -> NDArray[np.float64]:  # noqa: N802 - the field's name
        """Intrinsics (3, 3) in pixels; the center of the top-left pixel is (0.5, 0.5)."""
        f, cx, cy = self.focal_px, 0.5 * self.width, 0.5 * self.height
        return np.array([[f, 0.0, cx], [0.0, f, cy], [0.0, 0.0, 1.0]])

    def stated(self) -> dict[str, Any]:
        """Return its geometry in pixels, as a manifest states it."""
        (fx, _, cx), (_, fy, cy), _ = self.K.tolist()
        size = {"width": self.width, "height": self.height}
        lens = {"distortion": list(self.distortion)}
        return size | {"fx": fx, "fy": fy, "cx": cx, "cy": cy} | lens

    def rays(self, uv: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return directions (*, 3) in the camera frame, z = 1, of pixel positions uv (*, 2)."""
        if not self.distortion:
            cx, cy = 0.5 * self.width, 0.5 * self.height
            x, y = (uv[..., 0] - cx) / self.focal_px, (uv[..., 1] - cy) / self.focal_px
            return np.stack([x, y, np.ones_like(x)], axis=-1)
        # exact to 1e-6 px where the lens can be inverted
        flat = np.ascontiguousarray(uv.reshape(-1, 1, 2), np.float64)
        stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)
        lens = np.array(self.distortion)
        xy = cv2.undistortPoints(flat, self.K, lens, criteria=stop)
        rays = cv2.convertPointsToHomogeneous(xy.reshape(-1, 2)).reshape(-1, 3)
        back, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), self.K, lens)
        if not np.abs(back - flat).max() < 1e-3:
            raise InputError(
                f"camera.distortion: {list(self.distortion)} folds the image over; use smaller "
                "coefficients or a smaller field of view"
            )
        return np.asarray(rays.reshape(*uv.shape[:-1], 3), np.float64)

    def pixel_rays(self) -> NDArray[np.float64]:
        """Return directions (height, width, 3) through the center of every pixel, z = 1."""
        u, v = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        return self.rays(np.stack([u, v], axis=-1))

    def outline_rays(self) -> NDArray[np.float64]:
        """Return directions (N, 3) through the outline of the image, z = 1, which bound its view.

        The corners suffice for a pinhole; a lens bends the edges between them.
        """
        w, h = float(self.width), float(self.height)
        if self.distortion:
            u, v = np.linspace(0, w, OUTLINE_STEPS + 1), np.linspace(0, h, OUTLINE_STEPS + 1)
            edges = [(u, 0 * u), (u, 0 * u + h), (0 * v, v), (0 * v + w, v)]
            return self.rays(np.concatenate([np.stack(edge, axis=-1) for edge in edges]))
        return self.rays(np.array([[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]]))


def pose_at(
    position_m: Sequence[float],
    heading_deg: float = 0.0,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
) -> Pose:
    """Return T_world_cam (float64) of a camera at a position (3,) that looks down, turned in this order."""
    heading, pitch, roll = (math.radians(turn) for turn in (heading_deg, pitch_deg, roll_deg))
    turns = [[0.0, 0.0, -heading], [math.pi, 0.0, 0.0], [pitch, 0.0, 0.0], [0.0, roll, 0.0]]
    to_heading, look_down, to_pitch, to_roll = quaternion_exp(
        torch.tensor(turns, dtype=torch.float64)
    )
    tilt = quaternion_product(to_pitch, to_roll)
    turn = quaternion_product(to_heading, quaternion_product(look_down, tilt))
    return Pose(torch.tensor([float(part) for part in position_m], dtype=torch.float64), turn)


def footprint(world: World, camera: Camera, pose: Pose) -> Bounds | None:
    """Return the bounds of all ground that the image may show, including the camera's own place.

    The outline of the image reaches the lowest level of the world within these bounds. None where a ray
    does not lead down.
    """
    outline = rotate(pose.q, torch.from_numpy(camera.outline_rays()))
    if bool((outline[:, 2] >= -1e-3).any()):
        return None
    reach = (world.height_range_m[0] - pose.t[2]) / outline[:, 2:]
    points = torch.cat([pose.t[None], pose.t + reach * outline])
    xmin, ymin, _ = points.amin(dim=0).tolist()
    xmax, ymax, _ = points.amax(dim=0).tolist()
    return Bounds(xmin, ymin, xmax, ymax)


def sees_only(world: World, camera: Camera, pose: Pose) -> bool:
    """Return whether every ray of the image meets the world's surface."""
    seen = footprint(world, camera, pose)
    return seen is not None and world.bounds.contains(seen)
