"""Ground in memory: photos of a world, or a mosaic of images whose poses are known."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, grid_sample

from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.world.pixel_grid import Bounds

FINEST = 8  # lookups along a side of a cell, however many pixels it covers


class ArrayGround(nn.Module):
    """Photos (D, 3, rows, cols) and heights (rows, cols) of one piece of ground, north up, as buffers.

    Args:
        photo: uint8 RGB (D, 3, rows, cols).
        known: (D, rows, cols) bool, where a photo shows anything.
        height_m: (rows, cols) z of the surface.
        bounds: outer edges in the world.
        dates: names of the photos.
    """

    photo: Tensor
    known: Tensor
    height_m: Tensor

    def __init__(
        self, photo: Tensor, known: Tensor, height_m: Tensor, bounds: Bounds, dates: Sequence[str]
    ):
        super().__init__()
        self.register_buffer("photo", photo)
        self.register_buffer("known", known)
        self.register_buffer("height_m", height_m)
        self.bounds, self.dates = bounds, tuple(dates)
        self.resolution_m = bounds.width_m / photo.shape[-1]

    @classmethod
    def of_world(cls, world: World, dates: Sequence[str]) -> Self:
        """Read a whole world at some dates, keys of its captures."""
        captures = world.select_all(dates)
        grid = world.pixel_grid
        pixels = np.stack([world.photo(grid.window, capture) for capture in captures])
        heights = torch.from_numpy(world.surface(grid.window))
        y, x = ((torch.arange(n) + 0.5) / n * 2 - 1 for n in (grid.rows, grid.cols))
        centers = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).unsqueeze(0)
        # the outermost heights are at the edges of the world, not at the centers of its pixels
        height_m = grid_sample(heights[None, None], centers, align_corners=True)[0, 0]
        known = torch.ones(len(captures), grid.rows, grid.cols, dtype=torch.bool)
        names = [capture.key for capture in captures]
        photo = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        return cls(photo, known, height_m, grid.bounds, names)

    def patch(
        self,
        center_m: tuple[float, float],
        cells: int,
        cell_m: float,
        photos: Sequence[int] | None = None,
    ) -> GroundPatch:
        """See `Ground`: bilinear, or averages where cells are larger than the pixels; of some photos or all."""
        chosen = list(range(len(self.dates)) if photos is None else photos)
        finer = min(max(1, round(cell_m / self.resolution_m)), FINEST)
        side = cells * finer
        step_m = (torch.arange(side) + 0.5 - side / 2) * cell_m / finer
        x = (center_m[0] + step_m.double() - self.bounds.xmin) / self.resolution_m
        y = (self.bounds.ymax - center_m[1] + step_m.double()) / self.resolution_m
        rows, cols = self.photo.shape[2:]
        left, right = _span(x, cols)
        top, bottom = _span(y, rows)
        box = (..., slice(top, bottom), slice(left, right))
        grid_x = ((x - left) / (right - left) * 2 - 1).float()
        grid_y = ((y - top) / (bottom - top) * 2 - 1).float()
        grid = torch.stack(torch.meshgrid(grid_x, grid_y, indexing="xy"), dim=-1).unsqueeze(0)
        known = self.known[box][chosen].float()
        stack = torch.cat([self.photo[box][chosen].flatten(0, 1).float(), known])
        found = grid_sample(stack[None], grid, align_corners=False)[0]
        height_m = grid_sample(
            self.height_m[box][None, None], grid, padding_mode="border", align_corners=False
        )[0]
        if finer > 1:
            found, height_m = (adaptive_avg_pool2d(part, cells) for part in (found, height_m))
        count = len(chosen)
        photo = found[: 3 * count].view(1, count, 3, cells, cells).round().to(torch.uint8)
        known = found[3 * count :].unsqueeze(0) > 0.99
        center = torch.tensor([center_m], dtype=torch.float64)
        return GroundPatch(photo, known, height_m, center, torch.tensor([cell_m]))


def _span(place: Tensor, size: int) -> tuple[int, int]:
    """Return the range of pixels that bilinear lookup of places (n,) reads; at least one."""
    first = min(max(int(place[0].floor()) - 1, 0), size - 1)
    return first, max(min(int(place[-1].ceil()) + 1, size), first + 1)
