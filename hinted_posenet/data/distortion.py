"""Lens distortion: of points, and where a pinhole's pixels lie in an image.

Points are on the plane z = 1 of the camera, so that K makes pixels of them. OpenCV does all but points of
fisheyes, and their tangential and thin prism terms, which it does not have.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 50  # of the fixed-point iteration that inverts a fisheye; each gains about a digit
CONVERGED = 1e-9


class Fisheye(NamedTuple):
    """The coefficients of a fisheye: with 0 everywhere, the distance from the center is the angle to the axis.

    The first four are OpenCV's, and COLMAP's OPENCV_FISHEYE; the others are THIN_PRISM_FISHEYE's.
    """

    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    sx1: float = 0.0
    sy1: float = 0.0


# OpenCV's k1, k2, p1, p2, k3, or also k4, k5, k6; or a `Fisheye`; () is a pinhole
Distortion = tuple[float, ...]


def distorted(xy: Floats, distortion: Distortion) -> Floats:
    """Return where the lens shows points xy (N, 2) of a pinhole's plane z = 1."""
    if not distortion or not len(xy):
        return xy
    if isinstance(distortion, Fisheye):
        radius = np.linalg.norm(xy, axis=1, keepdims=True)
        angle = np.arctan(radius)
        angles = xy * np.divide(angle, radius, out=np.ones_like(radius), where=radius > 0)
        return np.asarray(angles + _shift(angles, distortion))
    points = np.column_stack([xy, np.ones(len(xy))])
    found, _ = cv2.projectPoints(
        points, np.zeros(3), np.zeros(3), np.eye(3), np.asarray(distortion)
    )
    return np.asarray(found.reshape(-1, 2), np.float64)


def straightened(pixels: Floats, K: Floats, distortion: Distortion) -> Floats:
    """Return where a pinhole with the same K (3, 3) shows what the lens shows at pixels (N, 2).

    It is nan where a fisheye looks more than 90 degrees sideways, or its coefficients have no inverse.
    """
    if not distortion or not len(pixels):
        return pixels
    if not isinstance(distortion, Fisheye):
        found = cv2.undistortPoints(pixels[:, None], K, np.asarray(distortion), P=K)
        return np.asarray(found[:, 0], np.float64)
    focal, center = K[[0, 1], [0, 1]], K[:2, 2]
    shown = (pixels - center) / focal
    with np.errstate(over="ignore", invalid="ignore"):
        angles = shown
        for _ in range(STEPS):
            angles = shown - _shift(angles, distortion)
        angle = np.linalg.norm(angles, axis=1, keepdims=True)
        is_found = np.abs(angles + _shift(angles, distortion) - shown).max(1, keepdims=True)
    stretch = np.divide(np.tan(angle), angle, out=np.ones_like(angle), where=angle > 0)
    ahead = (is_found < CONVERGED) & (angle < np.pi / 2)
    return np.where(ahead, angles * stretch * focal + center, np.nan)


def undistortion_maps(
    K: Floats, distortion: Distortion, K_pinhole: Floats, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the columns and rows (h, w) in the lens's image that a pinhole of ``size`` (w, h) sees.

    All pixels, and both K (3, 3), count from the center of the top-left pixel, as in OpenCV.
    """
    if isinstance(distortion, Fisheye) and any(distortion[4:]):
        width, height = size
        maps = np.empty((2, height, width), np.float32)
        for row in range(height):  # at once, large images would take a gigabyte
            pixels = np.column_stack([np.arange(width), np.full(width, row)])
            xy = (pixels - K_pinhole[:2, 2]) / K_pinhole[[0, 1], [0, 1]]
            maps[:, row] = (distorted(xy, distortion) * K[[0, 1], [0, 1]] + K[:2, 2]).T
        return maps[0], maps[1]
    found: Sequence[cv2.typing.MatLike]
    if isinstance(distortion, Fisheye):
        found = cv2.fisheye.initUndistortRectifyMap(
            K, np.asarray(distortion[:4]), np.eye(3), K_pinhole, size, cv2.CV_32FC1
        )
    else:
        found = cv2.initUndistortRectifyMap(
            K, np.asarray(distortion), np.eye(3), K_pinhole, size, cv2.CV_32FC1
        )
    return np.asarray(found[0], np.float32), np.asarray(found[1], np.float32)


def _shift(angles: Floats, lens: Fisheye) -> Floats:
    """Return by how much the coefficients move points (N, 2) of an ideal fisheye."""
    k1, k2, k3, k4, p1, p2, sx1, sy1 = lens
    squares = (angles**2).sum(axis=1, keepdims=True)
    radial = squares * (k1 + squares * (k2 + squares * (k3 + squares * k4)))
    twice = 2 * angles[:, :1] * angles[:, 1:]
    tangential = np.array([p1, p2]) * twice + np.array([p2, p1]) * (squares + 2 * angles**2)
    return np.asarray(angles * radial + tangential + np.array([sx1, sy1]) * squares)
