"""Ground maps: photos of a plane seen from above, one per date or flight, from a world or a mosaic of views."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.plane import (
    ground_points,
    north_up,
    pixel_centers,
    pixel_jacobian,
    project,
)
from hinted_posenet.simulator.world import Window, World


class GroundMap(nn.Module):
    """Photos (D, 3, rows, cols) of one piece of level ground, north up, as buffers.

    Photo i shows the ground as training sequence i saw it, if there is such a sequence: it is kept from
    the training images of that sequence, which would find themselves in it.

    Args:
        photos: uint8 RGB (D, 3, rows, cols).
        bounds_m: xmin, ymin, xmax, ymax of the outer edges in the world frame.
        height_m: z of the ground.
        known: (D, rows, cols) bool, where a photo shows anything; None is everywhere.
    """

    photo: Tensor  # (D, 3, rows, cols) uint8
    known: Tensor  # (D, rows, cols) bool
    bounds_m: Tensor  # (4,)
    height_m: Tensor  # ()

    def __init__(
        self,
        photos: Tensor,
        bounds_m: tuple[float, float, float, float],
        height_m: float = 0.0,
        known: Tensor | None = None,
    ):
        super().__init__()
        xmin, ymin, xmax, ymax = bounds_m
        if photos.dtype != torch.uint8 or photos.ndim != 4 or photos.shape[1] != 3:
            raise InputError("ground map: photos must be uint8 (D, 3, rows, cols)")
        if not (xmin < xmax and ymin < ymax):
            raise InputError("ground map: bounds_m must be xmin, ymin, xmax, ymax, each min < max")
        everywhere = torch.ones(len(photos), *photos.shape[2:], dtype=torch.bool)
        self.register_buffer("photo", photos)
        self.register_buffer("known", everywhere if known is None else known)
        self.register_buffer("bounds_m", torch.tensor(bounds_m))
        self.register_buffer("height_m", torch.tensor(float(height_m)))

    @property
    def resolution_m(self) -> float:
        """Ground size of a photo pixel."""
        return float(self.bounds_m[2] - self.bounds_m[0]) / self.photo.shape[-1]

    def colours(self, ground_m: Tensor) -> tuple[Tensor, Tensor]:
        """Look up colours (B, D, 3, h, w) in [0, 1] at ground points (B, h, w, 2), and if known (B, D, h, w).

        Bilinear, black where unknown, and differentiable in the points.
        """
        xmin, ymax = self.bounds_m[0], self.bounds_m[3]
        # photo pixels, the center of the first one at (0.5, 0.5)
        pixel = torch.stack([ground_m[..., 0] - xmin, ymax - ground_m[..., 1]], dim=-1)
        pixel = pixel / self.resolution_m
        seen = torch.stack([self._look_up(p) for p in pixel])
        known = seen[:, :, 3] > 0.999
        return seen[:, :, :3] * known.unsqueeze(2), known

    def render(self, pose: Pose, K: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Render every photo for a camera K (3, 3) at poses (B,): (B, D, 3, height, width), known."""
        pixels = pixel_centers(height, width).to(pose.t)
        ground = ground_points(pose, K, pixels.view(1, -1, 2), self.height_m)
        return self.colours(ground.view(-1, height, width, 2))

    def _look_up(self, pixel: Tensor) -> Tensor:
        """Look up colours and if known (D, 4, h, w) at photo pixels (h, w, 2), reading only the part needed."""
        rows, cols = self.photo.shape[2:]
        low, high = pixel.detach().flatten(0, 1).aminmax(dim=0)
        left, right = _around(float(low[0]), float(high[0]), cols)
        top, bottom = _around(float(low[1]), float(high[1]), rows)
        part = self.photo[:, :, top:bottom, left:right].to(pixel) / 255
        known = self.known[:, top:bottom, left:right].to(pixel)
        size = pixel.new_tensor([right - left, bottom - top])
        grid = (pixel - pixel.new_tensor([left, top])) / size * 2 - 1
        stack = torch.cat([part, known.unsqueeze(1)], dim=1).flatten(0, 1)
        found = grid_sample(stack.unsqueeze(0), grid.unsqueeze(0), align_corners=False)
        return found.view(len(part), 4, *pixel.shape[:2])


def _around(low: float, high: float, size: int) -> tuple[int, int]:
    """Return the range of pixels that bilinear lookup between two coordinates reads; at least one."""
    if not math.isfinite(low + high):  # a camera that looks past the horizon
        return 0, size
    first = min(max(math.floor(low - 0.5), 0), size - 1)
    return first, max(min(math.floor(high - 0.5) + 2, size), first + 1)


class Overhead(NamedTuple):
    """What images are registered to, and what takes them."""

    map: GroundMap
    K: Tensor  # (3, 3)
    canvas: int  # photo pixels across the ground that an image is laid out on

    def ground(self, pose: Pose, pixels: Tensor) -> Tensor:
        """Return metres (B, n, 2) on the ground that pixels (B, n, 2) see."""
        return ground_points(pose, self.K, pixels, self.map.height_m)

    def pixels(self, pose: Pose, ground_m: Tensor) -> Tensor:
        """Return pixels (B, n, 2) that see ground points (B, n, 2)."""
        return project(pose, self.K, ground_m, self.map.height_m)

    def jacobian(self, pose: Pose, pixels: Tensor) -> Tensor:
        """Return ``plane.pixel_jacobian``, (B, n, 2, 6)."""
        return pixel_jacobian(pose, self.K, pixels, self.map.height_m)

    def center(self, pose: Pose) -> Tensor:
        """Return the ground (B, 2) that the principal point sees."""
        return self.ground(pose, self.K[:2, 2].expand(len(pose.t), 1, 2))[:, 0]

    def laid_out(self, image: Tensor, pose: Pose, center_m: Tensor) -> tuple[Tensor, Tensor]:
        """Lay images (B, 3, H, W), taken from poses (B,), out on the ground around centers (B, 2).

        Returns:
            Colours (B, 3, canvas, canvas), north up, a cell as large as a photo pixel; and if seen at all.
        """
        ground_m = north_up(center_m, self.canvas, self.map.resolution_m).flatten(1, 2)
        size = image.new_tensor([image.shape[-1], image.shape[-2]]).float()
        grid = self.pixels(pose, ground_m) / size * 2 - 1
        known = (grid.abs() < 0.99).all(dim=-1).view(-1, self.canvas, self.canvas)
        grid = grid.view(-1, self.canvas, self.canvas, 2)
        return grid_sample(image.float(), grid, align_corners=False) * known.unsqueeze(1), known


def footprint_px(ground_map: GroundMap, K: Tensor, height_m: float, image_px: int, of: int) -> int:
    """Return photo pixels across the ground that an image of so many pixels shows, rounded up to a multiple."""
    across = image_px * height_m / float(K[0, 0]) / ground_map.resolution_m
    return of * math.ceil(across / of)


def mosaic(
    image: Tensor,
    truth: Pose,
    K: Tensor,
    sequence: Tensor,
    resolution_m: float,
    height_m: float = 0.0,
) -> GroundMap:
    """Build one photo per sequence: where views overlap, their mean, in which the middle of a view counts most.

    Views (N, 3, H, W) in [0, 1] have poses T_world_cam (N,), one camera K (3, 3), and sequences (N,) int64;
    photo i is of sequence i. ``resolution_m`` is of the map, ``height_m`` the z of the ground.
    """
    height, width = image.shape[-2:]
    corners = K.new_tensor([[0, 0], [width, 0], [0, height], [width, height]], dtype=torch.float32)
    K = K.float()
    seen_m = ground_points(truth, K, corners.expand(len(image), 4, 2), height_m)
    low, high = seen_m.amin(dim=(0, 1)), seen_m.amax(dim=(0, 1))
    cols, rows = ((high - low) / resolution_m).ceil().int().tolist()
    xmin, ymax = float(low[0]), float(low[1]) + rows * resolution_m
    total = torch.zeros(int(sequence.max()) + 1, 4, rows, cols)  # colours times weight, and weight
    for index, corner_m in enumerate(seen_m):
        first = torch.stack([corner_m[:, 0] - xmin, ymax - corner_m[:, 1]], dim=-1) / resolution_m
        left, top = first.amin(dim=0).floor().int().clamp_min(0).tolist()
        right, bottom = first.amax(dim=0).ceil().int().tolist()
        x = xmin + (torch.arange(left, min(right, cols)) + 0.5) * resolution_m
        y = ymax - (torch.arange(top, min(bottom, rows)) + 0.5) * resolution_m
        cells_m = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        pose = Pose(truth.t[index : index + 1], truth.q[index : index + 1])
        pixels = project(pose, K, cells_m.view(1, -1, 2), height_m)
        grid = (pixels / pixels.new_tensor([width, height]) * 2 - 1).view(1, len(y), len(x), 2)
        # inside by half a pixel at least, so that nothing is mixed with what lies beyond the edge
        weight = (1 - grid[0].abs().amax(dim=-1) - 1 / min(height, width)).clamp_min(0)
        colour = grid_sample(image[index : index + 1].float(), grid, align_corners=False)[0]
        part = total[sequence[index], :, top : top + len(y), left : left + len(x)]
        part += torch.cat([colour * weight, weight.unsqueeze(0)])
    weight = total[:, 3]
    photos = (total[:, :3] / weight.unsqueeze(1).clamp_min(1e-6) * 255).round().to(torch.uint8)
    bounds_m = (xmin, float(low[1]), xmin + cols * resolution_m, ymax)
    return GroundMap(photos, bounds_m, height_m, weight > 0)


def map_of_world(world: World, dates: list[str]) -> GroundMap:
    """Build a ground map from photos of a level world at dates, keys of its captures, in that order."""
    low_m, high_m = world.height_range_m
    if low_m != high_m:
        raise InputError(
            f"ground map: the world's ground is from {low_m:g} to {high_m:g} m high; level ground is needed"
        )
    captures = {capture.key: capture for capture in world.captures}
    missing = [date for date in dates if date not in captures]
    if missing:
        raise InputError(
            f"ground map: no photo of {', '.join(missing)}; there are {', '.join(captures)}"
        )
    pixel_grid = world.pixel_grid
    whole = Window(0, 0, pixel_grid.rows, pixel_grid.cols)
    photos = np.stack([world.photo(whole, captures[date]) for date in dates])
    xmin, ymax, size_m = pixel_grid.xmin, pixel_grid.ymax, pixel_grid.resolution_m
    bounds_m = (xmin, ymax - pixel_grid.rows * size_m, xmin + pixel_grid.cols * size_m, ymax)
    return GroundMap(torch.from_numpy(photos).permute(0, 3, 1, 2).contiguous(), bounds_m, low_m)
