"""An image laid out on a square of the map, as pictures show it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.geometry import quaternion_inverse, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.images import resized, undistorted
from hinted_posenet.data.posed_images import resized_intrinsics
from hinted_posenet.inference.estimate_row import Located
from hinted_posenet.simulator.world.map_files import MapFiles, MapPart

PHOTO_PX, MAP_CELLS = 900, 560  # an image and a map have on the picture
SMOOTH = 81  # cells over which heights are smoothed for the outline of what an image shows


class PinholeImage(NamedTuple):
    """An image without distortion."""

    pixels: NDArray[np.uint8]  # (H, W, 3) RGB
    lens: Lens


def pinhole_image(one: Located) -> PinholeImage | None:
    """Return an image without distortion, at most `PHOTO_PX` wide; None where it has no answer."""
    if one.pixels is None or one.camera is None or not one.row.answered:
        return None
    height, width = one.pixels.shape[:2]
    lens = one.camera.of_image(height, width, one.row.name)
    pixels = one.pixels
    if lens.distortion:
        pixels = np.asarray(undistorted(pixels, lens.K, lens.distortion), np.uint8)
    scale = min(1.0, PHOTO_PX / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    K = resized_intrinsics(lens.K.double(), (height, width), size)
    return PinholeImage(
        np.ascontiguousarray(resized(pixels, *size).transpose(1, 2, 0)), Lens(K, ())
    )


class MapSquare(NamedTuple):
    """A square of the map as it is drawn."""

    center_m: tuple[float, float]
    side_m: float
    part: MapPart
    laid_out: NDArray[np.uint8]  # (n, n, 3) the image on the ground
    shown: NDArray[np.bool_]  # (n, n) where the image shows the ground
    outline: NDArray[np.bool_]  # (n, n) the same, as if the ground were smooth

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north, as matplotlib takes them."""
        (x, y), half = self.center_m, self.side_m / 2
        return x - half, x + half, y - half, y + half

    @property
    def date(self) -> int:
        """Which date is drawn: of those that show the most ground, the last one."""
        share = self.part.known.mean(axis=(1, 2))
        return int(np.flatnonzero(share >= share.max() - 0.01)[-1])

    def photo(self) -> NDArray[np.uint8]:
        """Return the photo of the date, white where it shows nothing."""
        known = self.part.known[self.date, ..., None]
        return np.where(known, self.part.photo[self.date], 255).astype(np.uint8)


def footprint_m(pose: Pose, image: PinholeImage, files: MapFiles) -> NDArray[np.float64]:
    """Return where rays through the corners of an image meet ground as high as below the camera (4, 2)."""
    height, width = image.pixels.shape[:2]
    corners = torch.tensor([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]]).double()
    rays = rotate(pose.q.double(), corners @ torch.linalg.inv(image.lens.K).T)
    x, y, z = pose.t.tolist()
    above_m = max(z - files.ground_m(x, y), 1.0)
    down = (-rays[:, 2]).clamp_min(0.2)  # a ray near the horizon would lead out of the map
    points: NDArray[np.float64] = (pose.t[:2] + above_m / down[:, None] * rays[:, :2]).numpy()
    return points


def map_square(
    center: Sequence[float] | NDArray[np.float64],
    side_m: float,
    pose: Pose,
    image: PinholeImage | None,
    files: MapFiles,
) -> MapSquare:
    """Read a square of the map, and lay the image out on it."""
    x, y = float(center[0]), float(center[1])
    side_m = max(side_m, 1.0)
    part = files.part((x, y), MAP_CELLS, side_m / MAP_CELLS)
    shape = part.height_m.shape
    if image is None:
        blank = np.zeros((*shape, 3), np.uint8)
        return MapSquare((x, y), side_m, part, blank, *np.zeros((2, *shape), np.bool_))
    step = (np.arange(MAP_CELLS) + 0.5 - MAP_CELLS / 2) * side_m / MAP_CELLS
    plan = np.meshgrid(x + step, y - step)
    col, row, shown = _seen(image, pose, [*plan, part.height_m])
    x_px, y_px = ((axis - 0.5).astype(np.float32) for axis in (col, row))
    laid_out = cv2.remap(
        image.pixels, x_px, y_px, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    # trees and walls would make the outline ragged
    smooth = cv2.blur(part.height_m, (SMOOTH, SMOOTH), borderType=cv2.BORDER_REPLICATE)
    outline = _seen(image, pose, [*plan, smooth]).shown
    return MapSquare((x, y), side_m, part, np.asarray(laid_out, np.uint8), shown, outline)


class _Seen(NamedTuple):
    col: NDArray[np.float64]  # (n, n) pixels
    row: NDArray[np.float64]
    shown: NDArray[np.bool_]  # (n, n) whether this is inside of the image


def _seen(image: PinholeImage, pose: Pose, points: Sequence[NDArray[Any]]) -> _Seen:
    """Project points, x, y and z (n, n) each, into an image."""
    xyz = torch.from_numpy(np.stack([axis.astype(np.float64) for axis in points], axis=-1))
    seen = rotate(quaternion_inverse(pose.q.double()), xyz - pose.t.double()).numpy()
    ahead = seen[..., 2] > 1e-3
    depth = np.where(ahead, seen[..., 2], 1.0)
    fx, fy, cx, cy = (float(image.lens.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    col, row = fx * seen[..., 0] / depth + cx, fy * seen[..., 1] / depth + cy
    height, width = image.pixels.shape[:2]
    return _Seen(col, row, ahead & (col >= 0) & (col <= width) & (row >= 0) & (row <= height))
