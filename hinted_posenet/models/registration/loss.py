"""The loss that a registration is trained by: blocks have to match, and windows have to align."""

import torch
from torch import Tensor

from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.alignment import Photos
from hinted_posenet.models.registration.ground_registration import (
    MARGIN,
    GroundRegistration,
    Surroundings,
    moved_hint,
)
from hinted_posenet.models.registration.projection import pixel_centers, sight
from hinted_posenet.models.registration.search import Views, seen_point
from hinted_posenet.models.registration.solve import Prior

ALIGNMENTS = 3
# Errors, in cells of the map: how far a training starts from the truth at most, and from where on its loss grows
# as a logarithm.
COARSE_START, MATCH_START, ALIGN_START = 12.0, 6.0, 1.8
NEAR, NEAR_GROUND = 0.4, 0.1
LIKELIHOOD = 0.05  # of the likelihood of the information that is stated, beside the error's
PIXELS = 4  # a side, whose errors on the ground are averaged


def registration_loss(
    model: GroundRegistration,
    views: Views,
    hint: Hint,
    truth: Pose,
    around: Surroundings,
    allowed: Tensor,
) -> Tensor:
    """Compute the loss (B,) of images with true poses (B,), from starts between hints (B,) and truth.

    ``allowed`` (B, D) are the photos that an image may be held against: not the one that it is of.
    """
    patch, canvas = around
    shift, patch = -patch.center_m, patch.local()
    hint = moved_hint(hint, shift, patch.height_m)
    truth = moved_hint(Hint(truth, hint.covariance), shift, patch.height_m).pose
    cell_m = patch.cell_m
    loss = torch.zeros_like(cell_m)
    levels = ((patch.halved(), canvas // 2, COARSE_START), (patch, canvas, MATCH_START))
    for level, cells, start in levels:
        pose = toward(truth, hint.pose, start * cell_m, patch.height_m.mean(dim=(1, 2)))
        wide = level.window(seen_point(views, pose, level)[:, :2], cells + 2 * MARGIN)
        code = model.registrar.map_code(wide, allowed)
        loss = loss + model.registrar.loss(views, pose, truth, wide, code)
    pose = toward(truth, hint.pose, ALIGN_START * cell_m, patch.height_m.mean(dim=(1, 2)))
    inner = patch.window(seen_point(views, pose, patch)[:, :2], canvas)
    photos = Photos.of(inner)
    nothing = torch.zeros(len(cell_m), 6, 6, device=cell_m.device)
    width, height = views.image.shape[-1], views.image.shape[-2]
    pixels = pixel_centers(PIXELS, PIXELS).flatten(0, 1) / PIXELS
    pixels = (pixels * pixels.new_tensor([width, height])).to(pose.t).expand(len(cell_m), -1, -1)
    true_m = inner.meet(truth.t, sight(truth, views.K, pixels))[..., :2]
    for _ in range(ALIGNMENTS):
        weak = Prior(pose, nothing + 1e-6 * torch.eye(6))
        solved = model.align(views, pose, weak, inner, photos, allowed).solved
        shown_m = inner.meet(solved.pose.t, sight(solved.pose, views.K, pixels))[..., :2]
        moved_m = (shown_m - true_m).norm(dim=-1).mean(dim=1)
        loss = loss + pose_loss(solved, truth, moved_m, cell_m)
        pose = Pose(solved.pose.t.detach(), solved.pose.q.detach())
    return loss


def toward(truth: Pose, hint: Pose, limit_m: Tensor, level_m: Tensor) -> Pose:
    """Return the hint (B,), or the pose on the way to it from the truth that is off by ``limit_m`` (B,) there.

    A turn counts as what it moves at the distance of the ground, which is at a height of ``level_m`` (B,).
    """
    off_m = hint.t - truth.t
    turn = relative_rotvec(truth.q, hint.q)
    size_m = off_m.norm(dim=-1) + turn.norm(dim=-1) * (truth.t[:, 2] - level_m).abs()
    part = (limit_m / size_m.clamp_min(1e-6)).clamp_max(1.0).unsqueeze(-1)
    return Pose(truth.t + part * off_m, compose_rotvec(truth.q, part * turn))


def pose_loss(solved: Prior, truth: Pose, moved_m: Tensor, cell_m: Tensor) -> Tensor:
    """Compute the loss (B,): log errors, and their likelihood under the stated information, as Student's t.

    ``moved_m`` (B,) is how far what pixels see is off on the ground.
    """
    turn = relative_rotvec(solved.pose.q, truth.q)
    error = torch.cat([truth.t - solved.pose.t, turn], dim=-1).unsqueeze(-1)
    size = torch.log1p(error[:, :3, 0].norm(dim=-1) / (NEAR * cell_m))
    size = size + torch.log1p(moved_m / (NEAR_GROUND * cell_m))
    surprise = (error.mT @ solved.information @ error).flatten() / 6
    unit = torch.cat([cell_m.unsqueeze(1).expand(-1, 3), torch.ones_like(error[:, 3:, 0])], dim=1)
    scaled = unit.unsqueeze(1) * solved.information * unit.unsqueeze(2)
    return size + LIKELIHOOD * (3.5 * torch.log1p(surprise) - 0.5 * torch.logdet(scaled))
