"""Coarse registration: a search of heading, altitude and place around the hint, then matching of blocks."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample

from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.features import (
    BLOCK,
    REACH,
    STRIDE,
    DateEncoder,
    block_scores,
    correlate,
    displacement,
    match_loss,
)
from hinted_posenet.models.registration.ground_map import Overhead
from hinted_posenet.models.registration.plane import (
    Prior,
    information_step,
    north_up,
    symmetric_product,
)

HEADINGS = (-1.8, -1.2, -0.6, 0.0, 0.6, 1.2, 1.8)  # sigmas of the prior's, that are searched
ALTITUDES = (-1.3, 0.0, 1.3)  # sigmas of the prior's
ALTITUDE_STEP = 0.1  # of the altitude, at most between two that are searched
SEARCH_SIGMAS = 2.5  # of the position, that are searched
MAX_REACH = 40  # cells that are searched at most to either side
# errors of neighbouring cells are correlated: the share of their joint information that is used
SEARCH_TRUST, BLOCK_TRUST = 0.1, 0.1
MISFIT_M = 2.0  # photos of two dates agree no better than this
OUTLIER = 3.0  # sigmas
ROUNDS = 3  # of downweighting outliers


class Surroundings(NamedTuple):
    """The map's features around places, north up."""

    code: Tensor  # (B, C, h, h)
    center_m: Tensor  # (B, 2)
    reach: int  # cells beyond the canvas and ``REACH``


class CoarseRegistration(nn.Module):
    """Compares learned features of an image laid out on the ground with those of the map."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = DateEncoder()
        self.log_sharpness = nn.Parameter(torch.zeros(()))

    def surroundings(
        self, over: Overhead, pose: Pose, allowed: Tensor, reach: int = 0
    ) -> Surroundings:
        """Average features of the photos that are allowed (B, D), around what poses (B,) look at."""
        center_m = over.center(pose)
        size = over.canvas + 2 * STRIDE * (reach + REACH)
        colours, known = over.map.colours(north_up(center_m, size, over.map.resolution_m))
        row, photo = torch.nonzero(allowed).T
        code = self.encoder(colours[row, photo], known[row, photo]).code
        total = code.new_zeros(len(center_m), *code.shape[1:]).index_add(0, row, code)
        return Surroundings(total / allowed.sum(dim=1).view(-1, 1, 1, 1), center_m, reach)

    def reach(self, over: Overhead, prior: Prior) -> int:
        """Return how many cells to either side the prior (B,) leaves open."""
        farthest_m = float(SEARCH_SIGMAS * prior.sigma[:, :2].max())
        return math.ceil(min(farthest_m / cell_m(over), MAX_REACH))

    def search(self, over: Overhead, image: Tensor, prior: Prior, around: Surroundings) -> Pose:
        """Find the most probable (B,) of headings, altitudes and places; tilt is the prior's."""
        steps = torch.arange(-around.reach, around.reach + 1, device=image.device) * cell_m(over)
        north, east = torch.meshgrid(-steps, steps, indexing="ij")
        places_m = torch.stack([east, north], dim=-1).flatten(0, 1)
        far = (places_m / prior.sigma[:, None, :2]).square().sum(dim=-1) / 2
        window = around.code[:, :, REACH:-REACH, REACH:-REACH]
        best = torch.full((len(image),), -torch.inf, device=image.device)
        found = prior.pose
        for heading in HEADINGS:
            turn = torch.zeros_like(prior.pose.t)
            turn[:, 2] = heading * prior.sigma[:, 5]
            q = compose_rotvec(prior.pose.q, turn)
            for altitude in ALTITUDES:
                most_m = ALTITUDE_STEP * (prior.pose.t[:, 2] - over.map.height_m)
                t = prior.pose.t.clone()
                t[:, 2] += altitude * torch.minimum(prior.sigma[:, 2], most_m)
                t[:, :2] += around.center_m - over.center(Pose(t, q))
                laid_out = over.laid_out(image, Pose(t, q), around.center_m)
                code, weight = self.encoder(*laid_out)
                score = correlate(code * weight, window).flatten(1)
                score = (score - score.mean(dim=1, keepdim=True)) * self.log_sharpness.exp()
                unlikely = far + (heading**2 + altitude**2) / 2
                score, place = (SEARCH_TRUST * score - unlikely).max(dim=1)
                t[:, :2] += places_m[place]
                better = score > best
                best = torch.maximum(score, best)
                found = Pose(t, q).where(better, found)
        return found

    def match(
        self, over: Overhead, image: Tensor, pose: Pose, prior: Prior, around: Surroundings
    ) -> Pose:
        """Solve for the pose (B,) from blocks' displacements and the prior; outliers are downweighted."""
        score, blocks_m, pixels, known = self._blocks(over, image, pose, around)
        mean, covariance = displacement(score)
        seen_m = blocks_m + mean * cell_m(over)
        spread = covariance * cell_m(over) ** 2 + MISFIT_M**2 * torch.eye(2).to(mean)
        trust = (BLOCK_TRUST * known).unsqueeze(-1)
        A = torch.linalg.inv(spread).flatten(2)[..., [0, 1, 3]] * trust
        for _ in range(ROUNDS):
            J = over.jacobian(pose, pixels)
            J = torch.linalg.solve(J[..., :2], J)  # pixels to metres on the ground
            left_m = seen_m - over.ground(pose, pixels)
            b = symmetric_product(A, left_m)
            sigmas2 = (b * left_m).sum(dim=-1, keepdim=True) / BLOCK_TRUST
            weight = 1 / (1 + sigmas2 / OUTLIER**2)
            pose, _ = information_step(pose, J, A * weight, b * weight, prior)
        return pose

    def loss(
        self, over: Overhead, image: Tensor, start: Pose, around: Surroundings, truth: Pose
    ) -> Tensor:
        """Compute the matching loss (B,) of blocks, from starts (B,) around the truth (B,)."""
        score, blocks_m, pixels, known = self._blocks(over, image, start, around)
        return match_loss(score, (over.ground(truth, pixels) - blocks_m) / cell_m(over), known)

    def _blocks(
        self, over: Overhead, image: Tensor, pose: Pose, around: Surroundings
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Score blocks (B, 81, h, w); expected place in metres and pixels (B, n, 2); if known (B, n)."""
        center_m, size = over.center(pose), over.canvas // STRIDE
        code, weight = self.encoder(*over.laid_out(image, pose, center_m))
        cells_m = north_up(center_m, size + 2 * REACH, cell_m(over))
        half_m = around.code.shape[-1] * cell_m(over) / 2
        grid = (cells_m - around.center_m[:, None, None]) / half_m * cells_m.new_tensor([1.0, -1.0])
        window = grid_sample(around.code, grid, align_corners=False)
        score = block_scores(code * weight, window) * self.log_sharpness.exp()
        blocks_m = north_up(center_m, size // BLOCK, BLOCK * cell_m(over)).flatten(1, 2)
        cells = (code.square().sum(dim=1, keepdim=True) > 0).to(code)
        known = (avg_pool2d(cells, BLOCK) > 0.9).flatten(1)  # nearly all cells of a block
        return score, blocks_m, over.pixels(pose, blocks_m), known


def cell_m(over: Overhead) -> float:
    """Return the ground size of a feature's cell."""
    return STRIDE * over.map.resolution_m
