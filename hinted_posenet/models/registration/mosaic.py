"""A map that is made of training images: one photo for each date or sequence, over heights that are known."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, Sample
from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.map_ground import Surface
from hinted_posenet.models.registration.projection import pixel_centers, project, sight
from hinted_posenet.simulator.world.pixel_grid import Bounds

STEEP = 0.5  # of the length of a line of sight: ground that is seen more flatly is not used
MOST_CELLS = 500_000_000  # of all photos: 2 GB
MOST_CELLS_OF_ONE = 50_000_000  # of one photo, which takes 16 bytes each while it is made
AT_ONCE = 32  # images
MARGIN_PX = 1.0  # at the border of an image, of which nothing is used


class Footage(NamedTuple):
    """Images over the ground, and which of them make one photo."""

    read: Callable[[list[int]], Sample]  # rows -> images (B, 3, H, W) in [0, 1]
    pose: Pose  # (N,)
    K: Tensor  # (N, 3, 3)
    size: tuple[int, int]  # height and width in pixels
    photo: Tensor  # (N,) int64, number of the photo that each belongs to
    names: Sequence[str]  # of photos


class Mosaic(nn.Module):
    """Photos (D, 3, rows, cols) of training images, as buffers.

    Where images overlap, it is their mean, in which the middle of an image counts most.
    """

    photo: Tensor  # uint8
    known: Tensor  # (D, rows, cols) bool
    height_m: Tensor  # (rows, cols)
    bounds_m: Tensor  # (4,) float64: xmin, ymin, xmax, ymax
    names: Tensor  # uint8, of photos, as text in lines
    build_s: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("photo", torch.empty(0, 3, 0, 0, dtype=torch.uint8))
        self.register_buffer("known", torch.empty(0, 0, 0, dtype=torch.bool))
        self.register_buffer("height_m", torch.empty(0, 0))
        self.register_buffer("bounds_m", torch.zeros(4, dtype=torch.float64))
        self.register_buffer("names", torch.empty(0, dtype=torch.uint8))
        self.register_buffer("build_s", torch.zeros(()))

    @property
    def ground(self) -> ArrayGround | None:
        """The mosaic as ground; None before it is made."""
        if not len(self.photo):
            return None
        bounds = Bounds(*self.bounds_m.tolist())
        dates = bytes(self.names.tolist()).decode().splitlines()
        return ArrayGround(self.photo, self.known, self.height_m, bounds, dates)

    @torch.no_grad()
    def fit(self, footage: Footage, surface: Surface, cell_m: float | None) -> None:
        """Lay images out on the ground; without ``cell_m``, cells are as large as pixels on the ground.

        Raises:
            InputError: No image shows ground, or the mosaic would be too large.
        """
        started = time.monotonic()
        level_m = _level_m(footage, surface)
        corners_m, shows = _corners(footage, level_m)
        if not shows.any():
            raise InputError(
                "refine=ground: no training image looks down on the ground; it is for images from above"
            )
        if cell_m is None:
            cell_m = float(_pixel_m(footage, level_m)[shows].quantile(0.5))
        seen = corners_m[shows]
        low, high = seen.amin(dim=(0, 1)), seen.amax(dim=(0, 1))
        cols, rows = ((high - low) / cell_m).ceil().int().clamp_min(1).tolist()
        _check_size(rows, cols, len(footage.names), cell_m)
        bounds = Bounds(
            float(low[0]),
            float(high[1]) - rows * cell_m,
            float(low[0]) + cols * cell_m,
            float(high[1]),
        )
        height_m = surface.on(bounds, rows, cols)
        photos = []
        for number in range(len(footage.names)):
            images = torch.nonzero((footage.photo == number) & shows)[:, 0]
            photos.append(_photo(footage, images, corners_m, bounds, height_m))
        self.photo, self.known = (torch.stack(part) for part in zip(*photos, strict=True))
        self.height_m = height_m
        self.bounds_m.copy_(torch.tensor(bounds, dtype=torch.float64))
        text = "\n".join(" ".join(name.split()) or "-" for name in footage.names)
        self.names = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8).clone()
        self.build_s.fill_(time.monotonic() - started)

    def check(self) -> None:
        """Refuse a mosaic whose parts do not belong together, as a checkpoint's may not.

        Raises:
            InputError: They do not.
        """
        dates, _, rows, cols = self.photo.shape
        fits = self.photo.shape[1] == 3 and self.known.shape == (dates, rows, cols)
        fits = fits and self.height_m.shape == (rows, cols) and self.bounds_m.shape == (4,)
        fits = fits and self.photo.dtype == torch.uint8 and self.known.dtype == torch.bool
        if fits and dates:
            xmin, ymin, xmax, ymax = self.bounds_m.tolist()
            fits = rows > 0 and cols > 0 and bool(self.height_m.isfinite().all())
            fits = fits and all(map(math.isfinite, (xmin, ymin, xmax, ymax)))
            fits = fits and xmin < xmax and ymin < ymax
            fits = fits and abs((xmax - xmin) / cols * rows / (ymax - ymin) - 1) < 1e-3
            try:
                fits = fits and len(bytes(self.names.tolist()).decode().splitlines()) == dates
            except ValueError:  # no text
                fits = False
        if not fits:
            raise InputError("its mosaic of training images does not fit together")


def _level_m(footage: Footage, surface: Surface) -> Tensor:
    """Return the height (N,) of the ground below cameras."""
    return torch.stack(
        [
            surface.on(Bounds.around(x, y, 0.5), 1, 1)[0, 0]
            for x, y in footage.pose.t[:, :2].tolist()
        ]
    )


def _corners(footage: Footage, level_m: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the corners of images meet level ground (N, 4, 2), float64, and which images look down."""
    height, width = footage.size
    corners = torch.tensor([[0, 0], [width, 0], [0, height], [width, height]]).float()
    ray = sight(footage.pose, footage.K.float(), corners.expand(len(level_m), 4, 2))
    down = -ray[..., 2] / ray.norm(dim=-1)
    above_m = footage.pose.t[:, 2] - level_m
    shows = (down > STEEP).all(dim=1) & (above_m > 0)
    along = (above_m.unsqueeze(1) / -ray[..., 2].clamp_max(-1e-3)).unsqueeze(-1)
    return footage.pose.t[:, None, :2].double() + (along * ray[..., :2]).double(), shows


def _pixel_m(footage: Footage, level_m: Tensor) -> Tensor:
    """Return the size (N,) of pixels on the ground below cameras."""
    return (footage.pose.t[:, 2] - level_m).abs() / footage.K[:, 0, 0].float()


def _check_size(rows: int, cols: int, photos: int, cell_m: float) -> None:
    if rows * cols > MOST_CELLS_OF_ONE or rows * cols * photos > MOST_CELLS:
        raise InputError(
            f"refine.cell_m: a mosaic of {photos} photos with {rows} x {cols} cells of {cell_m:.2g} m is too "
            "large; give larger cells, or refine.map=FILES, which are read part by part"
        )


def _photo(
    footage: Footage, rows: Tensor, corners_m: Tensor, bounds: Bounds, height_m: Tensor
) -> tuple[Tensor, Tensor]:
    """Return one photo uint8 (3, rows, cols) of images (n,), and where it shows anything."""
    total = torch.zeros(4, *height_m.shape)  # colours times weight, and weight
    for part in torch.split(rows, AT_ONCE):
        sample = footage.read(part.tolist())
        for image, index in zip(sample.query.image, part.tolist(), strict=True):
            pose = Pose(*(x[index : index + 1] for x in footage.pose))
            K = footage.K[index : index + 1].float()
            _add(total, image, pose, K, corners_m[index], bounds, height_m)
    weight = total[3]
    colour = (total[:3] / weight.clamp_min(1e-6) * 255).round().clamp(0, 255)
    return colour.to(torch.uint8), weight > 0


def _add(
    total: Tensor,
    image: Tensor,
    pose: Pose,
    K: Tensor,
    corner_m: Tensor,
    bounds: Bounds,
    height_m: Tensor,
) -> None:
    """Add an image (3, H, W) to the sums (4, rows, cols) of its photo."""
    rows, cols = height_m.shape
    cell_m = bounds.width_m / cols
    edge = torch.stack([corner_m[:, 0] - bounds.xmin, bounds.ymax - corner_m[:, 1]]) / cell_m
    low, high = edge.amin(dim=1).floor().int().tolist(), edge.amax(dim=1).ceil().int().tolist()
    left, top = (max(value, 0) for value in low)
    right, bottom = min(high[0], cols), min(high[1], rows)
    if left >= right or top >= bottom:
        return
    size = bottom - top, right - left
    cells = pixel_centers(*size).double() + torch.tensor([left, top])
    east, north = bounds.xmin + cells[..., 0] * cell_m, bounds.ymax - cells[..., 1] * cell_m
    place_m = torch.stack([east.float(), north.float(), height_m[top:bottom, left:right]], dim=-1)
    pixels, depth_m = project(pose, K, place_m.view(1, -1, 3))
    shape = pixels.new_tensor([image.shape[-1], image.shape[-2]])
    grid = (pixels / shape * 2 - 1).view(1, *size, 2)
    weight = (1 - grid[0].abs().amax(dim=-1) - 2 * MARGIN_PX / float(shape.min())).clamp_min(0)
    weight = weight * (depth_m.view(size) > 0)
    colour = grid_sample(image.unsqueeze(0).float(), grid, align_corners=False)[0]
    total[:, top:bottom, left:right] += torch.cat([colour * weight, weight.unsqueeze(0)])
