"""GroundMap: photos of a plane as seen from above, one per date or flight, looked up at points on the ground."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from hinted_posenet.model.registration.plane import ground_points, pixel_centres
from hinted_posenet.types import InputError, Pose


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
        """Bilinear colours (B, D, 3, h, w) in [0, 1] at ground points (B, h, w, 2), and if known (B, D, h, w).

        What is not known is black. Differentiable in the points.
        """
        xmin, ymax = self.bounds_m[0], self.bounds_m[3]
        # photo pixels, the centre of the first one at (0.5, 0.5)
        pixel = torch.stack([ground_m[..., 0] - xmin, ymax - ground_m[..., 1]], dim=-1)
        pixel = pixel / self.resolution_m
        seen = torch.stack([self._look_up(p) for p in pixel])
        known = seen[:, :, 3] > 0.999
        return seen[:, :, :3] * known.unsqueeze(2), known

    def render(self, pose: Pose, K: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """What a camera K (3, 3) sees of every photo from poses (B,): (B, D, 3, height, width), known."""
        pixels = pixel_centres(height, width).to(pose.t)
        ground = ground_points(pose, K, pixels.view(1, -1, 2), self.height_m)
        return self.colours(ground.view(-1, height, width, 2))

    def _look_up(self, pixel: Tensor) -> Tensor:
        """Colours and knowledge (D, 4, h, w) at photo pixels (h, w, 2); only the part they lie in is read."""
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
    """Pixels of a range that bilinear lookup between two coordinates reads; at least one."""
    if not math.isfinite(low + high):  # a camera that looks past the horizon
        return 0, size
    first = min(max(math.floor(low - 0.5), 0), size - 1)
    return first, max(min(math.floor(high - 0.5) + 2, size), first + 1)
