"""Overhead: a ground map and the one camera above it, which belong together in every step of a registration."""

import math
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import grid_sample

from hinted_posenet.model.ground_map import GroundMap
from hinted_posenet.model.registration.plane import (
    ground_points,
    north_up,
    pixel_jacobian,
    project,
)
from hinted_posenet.types import Pose


class Overhead(NamedTuple):
    """What images are registered to, and what takes them."""

    map: GroundMap
    K: Tensor  # (3, 3)
    canvas: int  # photo pixels across the ground that an image is laid out on

    def ground(self, pose: Pose, pixels: Tensor) -> Tensor:
        """Metres (B, n, 2) on the ground that pixels (B, n, 2) see."""
        return ground_points(pose, self.K, pixels, self.map.height_m)

    def pixels(self, pose: Pose, ground_m: Tensor) -> Tensor:
        """Pixels (B, n, 2) that see ground points (B, n, 2)."""
        return project(pose, self.K, ground_m, self.map.height_m)

    def jacobian(self, pose: Pose, pixels: Tensor) -> Tensor:
        """See ``plane.pixel_jacobian``, (B, n, 2, 6)."""
        return pixel_jacobian(pose, self.K, pixels, self.map.height_m)

    def center(self, pose: Pose) -> Tensor:
        """Ground (B, 2) that the principal point sees."""
        return self.ground(pose, self.K[:2, 2].expand(len(pose.t), 1, 2))[:, 0]

    def laid_out(self, image: Tensor, pose: Pose, center_m: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) on the ground around centres (B, 2), if taken from poses (B,).

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
    """Photo pixels across the ground that an image of so many pixels shows, rounded up to a multiple."""
    across = image_px * height_m / float(K[0, 0]) / ground_map.resolution_m
    return of * math.ceil(across / of)
