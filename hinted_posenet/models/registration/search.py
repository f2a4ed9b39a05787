"""Search and matching: learned features of an image laid out on the ground, held against those of the map."""

import math
from typing import NamedTuple, Self

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
    heading: Tensor  # (B,) of the layout, in steps of the space
    height: Tensor  # (B,)
    total: Tensor  # (B,) log probability, up to a constant
    fit: Tensor  # (B,) score of the place, in standard deviations over all places
    # (B,) by which it is better than the best place elsewhere; inf where all are near
    margin: Tensor

    def or_better(self, other: Self) -> Self:
        """Return the more probable (B,) of two."""
        better = other.total > self.total
        rest = (torch.where(better, b, a) for a, b in zip(self[1:], other[1:], strict=True))
        return type(self)(other.pose.where(better, self.pose), *rest)


class Space(NamedTuple):
    """Where images (B,) are looked for."""

    prior: Prior
    patch: GroundPatch
    inner: GroundPatch  # the middle of the patch, on which images are laid out
    middle_m: Tensor  # (B, 3) point of the surface in the middle
    # (P, 2) of a layout in the patch, row by row: features east and north of the middle
    places: Tensor
    feature_m: Tensor  # (B,) side of a feature
    headings: int  # that are searched to either side
    turn_rad: Tensor  # (B,) step between two of them
    rise_m: Tensor  # (B,) step between two heights
    shared: Tensor  # (B, 6, 2) covariance of the pose with heading and height
    both: Tensor  # (B, 2, 2) covariance of heading and height
    covariance: Tensor  # (B, 6, 6) that is left when both are known

    @classmethod
    def of(cls, prior: Prior, patch: GroundPatch, canvas: int) -> Self:
        """Divide what a prior leaves open."""
        covariance = prior.covariance
        up = quaternion_to_rotation_matrix(prior.pose.q)[:, 2]  # the world's vertical in the camera
        zero = torch.zeros_like(up)
        height = zero + zero.new_tensor([0.0, 0.0, 1.0])
        parts = torch.cat([zero, up], dim=1), torch.cat([height, zero], dim=1)
        shared = covariance @ torch.stack(parts, dim=2)
        both = torch.stack(parts, dim=1) @ shared
        heading_rad, height_m = both.diagonal(dim1=1, dim2=2).sqrt().unbind(dim=1)
        reach_rad = (HEADING_SIGMAS * heading_rad).clamp_max(math.pi)
        headings = math.ceil(float(reach_rad.max()) / HEADING_STEP - 0.5)
        above_m = prior.pose.t[:, 2] - patch.height_m.mean(dim=(1, 2))
        rise_m = torch.minimum(HEIGHT_SIGMAS * height_m, HEIGHT_STEP * above_m)
        level_m = patch.height_at(patch.center_m.unsqueeze(1))
        side = (patch.cells - canvas) // STRIDE + 1
        step = torch.arange(side, device=zero.device) - (side - 1) / 2
        south, east = torch.meshgrid(step, step, indexing="ij")
        return cls(
            prior,
            patch,
            patch.window(patch.center_m, canvas),
            torch.cat([patch.center_m, level_m], dim=1),
            torch.stack([east, -south], dim=-1).flatten(0, 1),
            STRIDE * patch.cell_m,
            headings,
            reach_rad / max(headings, 1),
            rise_m,
            shared,
            both,
            covariance - shared @ torch.linalg.solve(both, shared.mT),
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
        average: Tensor = total / allowed.sum(dim=1).clamp_min(1).view(-1, 1, 1, 1)
        return average

    def search(
        self, views: Views, prior: Prior, patch: GroundPatch, code: Tensor, canvas: int
    ) -> Found:
        """Find the most probable (B,) of headings, heights and places in a patch with its map code (B, C, m, m).

        Images are laid out on ``canvas`` cells: first from all headings, then from headings between the best one
        and its neighbours, then from other heights.
        """
        space = Space.of(prior, patch, canvas)
        zero = torch.zeros_like(prior.pose.t[:, 0])
        best = self._place(views, space, zero, zero, code)
        for heading in range(1, space.headings + 1):
            for side in (-1.0, 1.0):
                turn = zero + side * heading
                best = best.or_better(self._place(views, space, turn, zero, code))
        for side in (-0.5, 0.5) if space.headings else ():
            best = best.or_better(self._place(views, space, best.heading + side, zero, code))
        for side in (-1.0, 1.0):
            best = best.or_better(self._place(views, space, best.heading, zero + side, code))
        return best

    def _place(
        self, views: Views, space: "Space", heading: Tensor, height: Tensor, code: Tensor
    ) -> Found:
        """Find the best place (B,) for a heading and a height (B,), in steps of the space.

        The displacement moves position and tilt as far as the prior leaves each of them open.
        """
        row = torch.arange(len(code), device=code.device)
        change = torch.stack([heading * space.turn_rad, height * space.rise_m], dim=1).unsqueeze(2)
        weight = torch.linalg.solve(space.both, change)
        unlikely = (change.mT @ weight).flatten() / 2
        pose = moved(space.prior.pose, (space.shared @ weight).squeeze(2))
        point = seen_point(views, pose, space.patch)
        to_middle = (
            space.middle_m - point
        )  # it is laid out in the middle, as if the camera were there
        there = Pose(pose.t + to_middle, pose.q)
        laid, trust = self.encoder(*laid_out(views.image, there, views.K, space.inner))
        score = correlate(laid * trust, code).flatten(1)
        score = score - score.mean(dim=1, keepdim=True)
        J = ground_jacobian(pose, point.unsqueeze(1), torch.zeros_like(point[:, None, :2]))[:, 0]
        tiny = (0.1 * space.patch.cell_m**2).view(-1, 1, 1) * torch.eye(2).to(J)
        open_m2 = J @ space.covariance @ J.mT + tiny
        off_m = space.places * space.feature_m.view(-1, 1, 1) + to_middle[:, None, :2]
        far = (off_m * torch.linalg.solve(open_m2, off_m.mT).mT).sum(dim=-1) / 2
        total = SEARCH_TRUST * self.log_sharpness.exp() * score - far - unlikely.unsqueeze(1)
        total, place = total.max(dim=1)
        step_m = off_m[row, place].unsqueeze(-1)
        step = (space.covariance @ J.mT @ torch.linalg.solve(open_m2, step_m)).squeeze(-1)
        score = score / score.std(dim=1, keepdim=True).clamp_min(1e-6)
        near = (space.places - space.places[place].unsqueeze(1)).abs().amax(dim=-1) <= REACH
        fit = score[row, place]
        margin = fit - score.masked_fill(near, -torch.inf).amax(dim=1)
        return Found(moved(pose, step), heading, height, total, fit, margin)

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
