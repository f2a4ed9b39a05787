"""Ground: photos of several dates and heights of the surface, of which a registration takes square patches."""

from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, pad

STEEPEST = 1.0  # slopes are taken as no steeper: at walls, a height says nothing about a slope
SLOPE_CELLS = 5  # over which heights are averaged for a slope
MEETINGS = 6  # steps in which a ray meets a surface


class GroundPatch(NamedTuple):
    """Square pieces of ground around B places, north up: cell (0, 0) is the north-western one."""

    photo: Tensor  # (B, D, 3, n, n) uint8, of D dates
    known: Tensor  # (B, D, n, n) bool, where a photo shows anything
    height_m: Tensor  # (B, n, n) z of the surface at the centers of cells
    center_m: Tensor  # (B, 2) x, y of the middle in the world, float64
    cell_m: Tensor  # (B,) side of a cell

    @property
    def cells(self) -> int:
        """Cells a side."""
        return self.height_m.shape[-1]

    def local(self) -> Self:
        """Return the patches in worlds whose (0, 0) is their middle, float32."""
        return self._replace(center_m=torch.zeros_like(self.center_m, dtype=torch.float32))

    def of(self, photos: Tensor) -> Self:
        """Return the patches with the photos (K,) or (B, K) int64 alone."""
        if photos.ndim == 1:
            photos = photos.expand(len(self.cell_m), -1)
        row = torch.arange(len(photos), device=photos.device).unsqueeze(1)
        return self._replace(photo=self.photo[row, photos], known=self.known[row, photos])

    def points_m(self) -> Tensor:
        """Return the surface (B, n, n, 3) at the centers of cells."""
        step = torch.arange(self.cells, device=self.cell_m.device) + 0.5 - self.cells / 2
        east = self.center_m[:, :1] + step * self.cell_m.unsqueeze(1)
        north = self.center_m[:, 1:] - step * self.cell_m.unsqueeze(1)
        x, y = east.unsqueeze(1).expand_as(self.height_m), north.unsqueeze(2)
        return torch.stack([x, y.expand_as(self.height_m), self.height_m], dim=-1)

    def slope(self) -> Tensor:
        """Return the slope of the surface (B, n, n, 2): metres up per metre east, and per metre north."""
        edge = SLOPE_CELLS // 2
        around = pad(self.height_m.unsqueeze(1), [edge + 1] * 4, mode="replicate")
        smooth = avg_pool2d(around, SLOPE_CELLS, stride=1)[:, 0]
        run_m = 2 * self.cell_m.view(-1, 1, 1)
        east = (smooth[:, 1:-1, 2:] - smooth[:, 1:-1, :-2]) / run_m
        north = (smooth[:, :-2, 1:-1] - smooth[:, 2:, 1:-1]) / run_m
        return torch.stack([east, north], dim=-1).clamp(-STEEPEST, STEEPEST)

    def height_at(self, place_m: Tensor) -> Tensor:
        """Return the height (B, n) of the surface at places (B, n, 2), of its border beyond it."""
        half_m = self.cells * self.cell_m / 2
        grid = (place_m - self.center_m.unsqueeze(1)) / half_m.view(-1, 1, 1)
        grid = grid * grid.new_tensor([1.0, -1.0])
        found = grid_sample(
            self.height_m.unsqueeze(1),
            grid.unsqueeze(1),
            padding_mode="border",
            align_corners=False,
        )
        return found[:, 0, 0]

    def meet(self, start_m: Tensor, direction: Tensor) -> Tensor:
        """Return where rays from starts (B, 3) in directions (B, n, 3) meet the surface (B, n, 3).

        The first guess is level ground of the mean height; steps from there find the surface where it is not
        steeper than the ray. A ray that does not look down is far away.
        """
        height_m = self.height_m.mean(dim=(1, 2)).unsqueeze(1).expand(direction.shape[:2])
        down = (-direction[..., 2]).clamp_min(1e-3)
        for _ in range(MEETINGS):
            along = ((start_m[:, None, 2] - height_m) / down).unsqueeze(-1)
            point_m = start_m.unsqueeze(1) + along * direction
            height_m = self.height_at(point_m[..., :2])
        return point_m

    def window(self, center_m: Tensor, cells: int) -> Self:
        """Return the ``cells`` x ``cells`` nearest around centers (B, 2); not known beyond the patch."""
        off = (center_m - self.center_m) / self.cell_m.unsqueeze(1)
        first = off * off.new_tensor([1.0, -1.0]) + (self.cells - cells) / 2
        first = first.round().nan_to_num().clamp(-cells, self.cells).long()
        step = torch.arange(cells, device=off.device)
        cols, rows = (first[:, axis, None] + step for axis in (0, 1))
        inside = [(axis >= 0) & (axis < self.cells) for axis in (rows, cols)]
        inside_both = inside[0].unsqueeze(2) & inside[1].unsqueeze(1)
        rows, cols = (axis.clamp(0, self.cells - 1) for axis in (rows, cols))
        parts = [
            (
                photo.index_select(-2, row).index_select(-1, col),
                known.index_select(-2, row).index_select(-1, col),
                height.index_select(-2, row).index_select(-1, col),
            )
            for photo, known, height, row, col in zip(
                self.photo, self.known, self.height_m, rows, cols, strict=True
            )
        ]
        photo, known, height_m = (torch.stack(part) for part in zip(*parts, strict=True))
        moved = (first - (self.cells - cells) / 2) * off.new_tensor([1.0, -1.0])
        center_m = self.center_m + moved * self.cell_m.unsqueeze(1)
        known = known & inside_both.unsqueeze(1)
        return type(self)(photo, known, height_m, center_m, self.cell_m)

    def halved(self) -> Self:
        """Return the patches in cells of twice the size; n is even."""
        batch, dates = self.known.shape[:2]
        known = self.known.flatten(0, 1).unsqueeze(1).float()
        share = avg_pool2d(known, 2)
        colours = avg_pool2d(self.photo.flatten(0, 1).float() * known, 2) / share.clamp_min(0.25)
        half = self.cells // 2
        return type(self)(
            colours.round().to(torch.uint8).view(batch, dates, 3, half, half),
            (share[:, 0] > 0.99).view(batch, dates, half, half),
            avg_pool2d(self.height_m.unsqueeze(1), 2)[:, 0],
            self.center_m,
            self.cell_m * 2,
        )


def join_patches(patches: list[GroundPatch]) -> GroundPatch:
    """Join patches (1,) of one size into one batch."""
    return GroundPatch(*(torch.cat(parts) for parts in zip(*patches, strict=True)))


class Ground(Protocol):
    """What gives patches."""

    resolution_m: float  # of the finest photo

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of the photos."""

    def patch(self, center_m: tuple[float, float], cells: int, cell_m: float) -> GroundPatch:
        """Return the patch (1,) around a place of the world."""
