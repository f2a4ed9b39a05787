"""Search and matching: learned features of an image laid out on the ground, held against those of the map."""

import math
from typing import NamedTuple

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

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
from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.models.registration.projection import ground_jacobian, laid_out, project, sight
from hinted_posenet.models.registration.solve import (
    Evidence,
    Prior,
    moved,
    solve_step,
    symmetric_product,
)

HEADING_STEP = math.radians(12)  # between two that are searched
HEADING_SIGMAS, HEIGHT_SIGMAS = 1.8, 1.3  # of the prior, that are searched
HEIGHT_STEP = 0.1  # of the height above ground, at most between two that are searched
PLACE_SIGMAS = 2.5  # of the ground in the middle of the image, that are searched
# errors of neighbouring cells are correlated: the share of their joint information that is used
SEARCH_TRUST, BLOCK_TRUST = 0.1, 0.1
MISFIT_CELLS = 0.2  # of features: photos of two dates agree no better than this
OUTLIER = 3.0  # sigmas
ROUNDS = 3  # of downweighting outliers


class Views(NamedTuple):
    """Images and the cameras that took them."""

    image: Tensor  # (B, 3, H, W) in [0, 1]
    K: Tensor  # (B, 3, 3)

    def middle(self) -> Tensor:
        """Return the middle pixel (B, 1, 2)."""
        size = self.K.new_tensor([self.image.shape[-1], self.image.shape[-2]])
        return (size / 2).expand(len(self.K), 1, 2)


class Found(NamedTuple):
    """Of a search."""

    pose: Pose  # (B,)
    fit: Tensor  # (B,) score of the place, in standard deviations over all places
    margin: (
        Tensor  # (B,) by which it is better than the best place elsewhere; inf where all are near
    )


def seen_point(views: Views, pose: Pose, patch: GroundPatch) -> Tensor:
    """Return the point (B, 3) of the surface that the middle of images shows."""
    return patch.meet(pose.t, sight(pose, views.K, views.middle()))[:, 0]


class Registrar(nn.Module):
    """Compares learned features of images with those of the map's photos."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = DateEncoder()
        self.log_sharpness = nn.Parameter(torch.zeros(()))

    def map_code(self, patch: GroundPatch, allowed: Tensor) -> Tensor:
        """Average the features (B, C, n / 2, n / 2) of the photos that are allowed (B, D)."""
        row, photo = torch.nonzero(allowed).T
        colours = patch.photo[row, photo].float() / 255
        code = self.encoder(colours, patch.known[row, photo]).code
        total = code.new_zeros(len(allowed), *code.shape[1:]).index_add(0, row, code)
        return total / allowed.sum(dim=1).clamp_min(1).view(-1, 1, 1, 1)

    def search(
        self, views: Views, prior: Prior, patch: GroundPatch, code: Tensor, canvas: int
    ) -> Found:
        """Find the most probable (B,) of headings, heights and places in a patch with its map code (B, C, m, m).

        Images are laid out on ``canvas`` cells. The displacement that is found moves position and tilt as far as
        the prior leaves each of them open.
        """
        batch = len(views.K)
        row = torch.arange(batch, device=code.device)
        cells, inner = _places(patch, canvas), patch.window(patch.center_m, canvas)
        places_m = cells * (STRIDE * patch.cell_m).view(-1, 1, 1)
        level_m = patch.height_at(patch.center_m.unsqueeze(1))[:, 0]
        layouts, covariance = _layouts(prior, patch)
        best = torch.full((batch,), -torch.inf, device=code.device)
        fits, margin, found = best, best, prior.pose
        for motion, unlikely in layouts:
            pose = moved(prior.pose, motion)
            point = seen_point(views, pose, patch)
            # laid out in the middle of the patch, as if the camera were there
            to_middle = torch.cat([patch.center_m, level_m.unsqueeze(1)], dim=1) - point
            there = Pose(pose.t + to_middle, pose.q)
            laid, weight = self.encoder(*laid_out(views.image, there, views.K, inner))
            score = correlate(laid * weight, code).flatten(1)
            score = score - score.mean(dim=1, keepdim=True)
            J = ground_jacobian(pose, point.unsqueeze(1), torch.zeros_like(point[:, None, :2]))[
                :, 0
            ]
            open_m2 = J @ covariance @ J.mT + (0.1 * patch.cell_m**2).view(-1, 1, 1) * torch.eye(2)
            off_m = places_m + to_middle[:, None, :2]
            far = (off_m * torch.linalg.solve(open_m2, off_m.mT).mT).sum(dim=-1) / 2
            total = SEARCH_TRUST * self.log_sharpness.exp() * score - far - unlikely.unsqueeze(1)
            top, place = total.max(dim=1)
            score = score / score.std(dim=1, keepdim=True).clamp_min(1e-6)
            elsewhere = (cells - cells[place].unsqueeze(1)).abs().amax(dim=-1) > REACH
            fit = score[row, place]
            step_m = off_m[row, place].unsqueeze(-1)
            step = (covariance @ J.mT @ torch.linalg.solve(open_m2, step_m)).squeeze(-1)
            better = top > best
            found = moved(pose, step).where(better, found)
            best = torch.where(better, top, best)
            fits = torch.where(better, fit, fits)
            gap = fit - score.where(elsewhere, -torch.inf).amax(dim=1)
            margin = torch.where(better, gap, margin)
        return Found(found, fits, margin)

    def match(
        self, views: Views, pose: Pose, prior: Prior, patch: GroundPatch, code: Tensor
    ) -> Prior:
        """Solve for poses (B,) from the displacements of blocks and the prior; outliers are downweighted.

        ``code`` is of the patch, which reaches ``REACH`` features beyond what is compared.
        """
        score, known, points, slope = self._blocks(views, pose, patch, code)
        mean, covariance = displacement(score)
        feature_m = STRIDE * patch.cell_m.view(-1, 1, 1)
        off_m = mean * feature_m
        misfit = MISFIT_CELLS**2 * torch.eye(2).to(mean)
        A = torch.linalg.inv((covariance + misfit) * feature_m.unsqueeze(-1) ** 2)
        A = A.flatten(2)[..., [0, 1, 3]] * (BLOCK_TRUST * known).unsqueeze(-1)
        J = ground_jacobian(pose, points, slope)
        found, left_m = Prior(pose, prior.information), off_m
        for _ in range(ROUNDS):
            sigmas2 = (symmetric_product(A, left_m) * left_m).sum(dim=-1) / BLOCK_TRUST
            weighted = A / (1 + sigmas2 / OUTLIER**2).unsqueeze(-1)
            evidence = Evidence(J, weighted, symmetric_product(weighted, off_m))
            found, step = solve_step(pose, evidence, prior)
            left_m = off_m - (J @ step[:, None, :, None]).squeeze(-1)
        return found

    def loss(
        self, views: Views, pose: Pose, truth: Pose, patch: GroundPatch, code: Tensor
    ) -> Tensor:
        """Compute the matching loss (B,) of blocks of images laid out from poses (B,) near the truth."""
        score, known, points, _ = self._blocks(views, pose, patch, code)
        off_m = true_displacement(views, pose, truth, points, patch)
        return match_loss(score, off_m / (STRIDE * patch.cell_m.view(-1, 1, 1)), known)

    def _blocks(
        self, views: Views, pose: Pose, patch: GroundPatch, code: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Score blocks (B, 81, h, w); if known (B, n), and their points and slopes (B, n, 3), (B, n, 2)."""
        inner = patch.window(patch.center_m, patch.cells - 2 * STRIDE * REACH)
        laid, weight = self.encoder(*laid_out(views.image, pose, views.K, inner))
        score = block_scores(laid * weight, code) * self.log_sharpness.exp()
        cells = (laid.square().sum(dim=1, keepdim=True) > 0).to(laid)
        known = (avg_pool2d(cells, BLOCK) > 0.9).flatten(1)  # nearly all cells of a block
        points, slope = (
            avg_pool2d(part.permute(0, 3, 1, 2), BLOCK * STRIDE).flatten(2).mT
            for part in (inner.points_m(), inner.slope())
        )
        return score, known, points, slope


def true_displacement(
    views: Views, pose: Pose, truth: Pose, points_m: Tensor, patch: GroundPatch
) -> Tensor:
    """Return how far (B, n, 2) the ground that pixels show lies from points (B, n, 3), where poses (B,) put it."""
    pixels, _ = project(pose, views.K, points_m)
    off_m: Tensor = (patch.meet(truth.t, sight(truth, views.K, pixels)) - points_m)[..., :2]
    return off_m


def _places(patch: GroundPatch, canvas: int) -> Tensor:
    """Return the places (P, 2) of a canvas in a patch, row by row: features east and north of the middle."""
    side = (patch.cells - canvas) // STRIDE + 1
    step = torch.arange(side, device=patch.cell_m.device) - (side - 1) / 2
    south, east = torch.meshgrid(step, step, indexing="ij")
    return torch.stack([east, -south], dim=-1).flatten(0, 1)


def _layouts(prior: Prior, patch: GroundPatch) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Return the motions (B, 6) of the headings and heights that are searched, and how improbable (B,) each is.

    Also the covariance (B, 6, 6) that is left when heading and height are known.
    """
    covariance = prior.covariance
    up = quaternion_to_rotation_matrix(prior.pose.q)[:, 2]  # the world's vertical in the camera
    zero = torch.zeros_like(up)
    G = torch.stack(
        [torch.cat([zero, up], dim=1), zero.new_tensor([0, 0, 1, 0, 0, 0]).expand(len(up), 6)],
        dim=2,
    )
    shared = covariance @ G  # (B, 6, 2)
    both = G.mT @ shared
    heading_rad, height_m = both.diagonal(dim1=1, dim2=2).sqrt().unbind(dim=1)
    above_m = prior.pose.t[:, 2] - patch.height_m.mean(dim=(1, 2))
    count = math.ceil(
        2
        * HEADING_SIGMAS
        * float(heading_rad.max().clamp_max(math.pi / HEADING_SIGMAS))
        / HEADING_STEP
    )
    headings = torch.linspace(-HEADING_SIGMAS, HEADING_SIGMAS, count + 1 + count % 2)
    turn = heading_rad.clamp_max(math.pi / HEADING_SIGMAS)
    rise = torch.minimum(HEIGHT_SIGMAS * height_m, HEIGHT_STEP * above_m)
    layouts = []
    for heading in headings.tolist():
        for height in (-1.0, 0.0, 1.0):
            change = torch.stack([heading * turn, height * rise], dim=1).unsqueeze(2)
            weight = torch.linalg.solve(both, change)
            layouts.append(((shared @ weight).squeeze(2), (change.mT @ weight).flatten() / 2))
    return layouts, covariance - shared @ torch.linalg.solve(both, shared.mT)
