"""Gradient correlation: the heading, altitude and place around the hint at which edges agree best. A control."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, pad

from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.features import correlate
from hinted_posenet.models.registration.ground_map import GroundMap
from hinted_posenet.models.registration.plane import ground_points, north_up, project

# Photo pixels of a cell, degrees and shares of the altitude that are searched, farthest cells
COARSE = (2, torch.arange(-20.0, 20.1, 2.5), torch.arange(-0.12, 0.121, 0.04))
FINE = (
    (2, torch.arange(-2.0, 2.1, 1.0), torch.arange(-0.03, 0.031, 0.015), 4),
    (1, torch.arange(-0.75, 0.8, 0.25), torch.arange(-0.01, 0.011, 0.005), 4),
)
SEARCH_SIGMAS = 2.5


class GradientCorrelation:
    """Answers with the hint's tilt: four of a pose's six numbers are searched, coarse to fine.

    Args:
        ground_map: the mean of its photos' gradients is what images are laid over.
        K: of the one camera (3, 3).
        allowed: (D,) bool, photos that may be used.
    """

    def __init__(self, ground_map: GroundMap, K: Tensor, allowed: Tensor):
        self.map, self.K, self.allowed = ground_map, K.float(), allowed

    @torch.no_grad()
    def locate(self, image: Tensor, hint: Hint) -> Pose:
        """Locate images (B, 3, H, W) with hints (B,) that are known in full."""
        edges = gradient(image.float())
        cell_m = COARSE[0] * self.map.resolution_m
        reach = min(round(SEARCH_SIGMAS * float(hint.sigma_t_m.max()) / cell_m), 40)
        pose = self._best(edges, hint.pose, *COARSE, reach)
        for step in FINE:
            pose = self._best(edges, pose, *step)
        return pose

    def _best(
        self, edges: Tensor, start: Pose, step: int, headings: Tensor, scales: Tensor, reach: int
    ) -> Pose:
        cell_m, rows, K = step * self.map.resolution_m, len(edges), self.K
        middle = K[:2, 2].expand(rows, 1, 2)
        footprint_m = float(start.t[:, 2].max()) * edges.shape[-1] / float(K[0, 0])
        size = int(footprint_m / cell_m)
        center_m = ground_points(start, K, middle, self.map.height_m)[:, 0]
        wide = north_up(center_m, (size + 2 * reach) * step, self.map.resolution_m)
        window = gradient(self.map.colours(wide)[0][:, self.allowed].flatten(0, 1))
        window = avg_pool2d(
            window.view(rows, -1, *window.shape[-2:]).mean(dim=1, keepdim=True), step
        )
        ground = north_up(center_m, size, cell_m).flatten(1, 2)
        best = torch.full((rows,), -torch.inf)
        found = start
        for heading in headings.tolist():
            turn = torch.tensor([0.0, 0.0, heading]).deg2rad().expand(rows, 3)
            q = compose_rotvec(start.q, turn)
            for scale in scales.tolist():
                t = start.t.clone()
                t[:, 2] = self.map.height_m + (t[:, 2] - self.map.height_m) * (1 + scale)
                t[:, :2] += center_m - ground_points(Pose(t, q), K, middle, self.map.height_m)[:, 0]
                pixels = project(Pose(t, q), K, ground, self.map.height_m)
                grid = pixels / pixels.new_tensor([edges.shape[-1], edges.shape[-2]]) * 2 - 1
                grid = grid.view(rows, size, size, 2)
                score, off = _peak(_agreement(edges, grid, window), reach)
                t[:, :2] += off * cell_m
                better = score > best
                best = torch.maximum(score, best)
                found = Pose(t, q).where(better, found)
        return found


def gradient(image: Tensor) -> Tensor:
    """Return the square root of the gradient's magnitude (B, 1, H, W), so that no single edge dominates."""
    smooth = avg_pool2d(pad(image, [1] * 4, mode="replicate"), 3, stride=1)
    smooth = pad(smooth, [1] * 4, mode="replicate")
    dx = smooth[..., 1:-1, 2:] - smooth[..., 1:-1, :-2]
    dy = smooth[..., 2:, 1:-1] - smooth[..., :-2, 1:-1]
    size: Tensor = (dx.square() + dy.square()).sum(dim=1, keepdim=True)
    return size.sqrt().sqrt()


def _agreement(edges: Tensor, grid: Tensor, window: Tensor) -> Tensor:
    """Compute the normalised correlation (B, places, places) of the ground in images with a window of the map."""
    seen = grid_sample(edges, grid, align_corners=False)
    inside = (grid.abs() < 0.98).all(dim=-1).unsqueeze(1).to(seen)
    count = inside.sum(dim=(1, 2, 3)).clamp_min(1).view(-1, 1, 1)
    seen = (seen - (seen * inside).sum(dim=(1, 2, 3), keepdim=True) / count.unsqueeze(1)) * inside
    total, squares = correlate(inside, window), correlate(inside, window.square())
    spread = (squares - total.square() / count).clamp_min(1e-6).sqrt()
    agreement: Tensor = (
        correlate(seen, window) / spread / seen.flatten(1).norm(dim=1).view(-1, 1, 1)
    )
    return agreement


def _peak(score: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Find the largest score (B,) and its place east and north (B, 2) in cells, refined by a parabola."""
    rows, side = len(score), 2 * reach + 1
    best, place = score.flatten(1).max(dim=1)
    row, col = place // side, place % side
    r, c, index = row.clamp(1, side - 2), col.clamp(1, side - 2), torch.arange(rows)

    def vertex(low: Tensor, middle: Tensor, high: Tensor) -> Tensor:
        curve = (low - 2 * middle + high).clamp_max(-1e-6)
        return (0.5 * (low - high) / curve).clamp(-0.5, 0.5)

    middle = score[index, r, c]
    south = r + vertex(score[index, r - 1, c], middle, score[index, r + 1, c])
    east = c + vertex(score[index, r, c - 1], middle, score[index, r, c + 1])
    return best, torch.stack([east - reach, reach - south], dim=-1)
