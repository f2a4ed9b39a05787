"""Gradient correlation over patches of ground: the heading, height and place at which edges agree best."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from hinted_posenet.core.covariance import moved
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.features import correlate
from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.models.registration.ground_registration import Surroundings, moved_hint
from hinted_posenet.models.registration.projection import laid_out
from hinted_posenet.models.registration.search import Views, seen_point

SIGMAS = 1.75  # of heading and height that are searched: all of a uniform distribution
HEADING_STEP_DEG, HEIGHT_STEP = 2.5, 0.04  # of the first search; shares of the height above ground
FINER = ((2, 2, 1.0, 0.015), (1, 3, 0.25, 0.005))  # cells of a cell, steps each way, step sizes
REACH = 4  # cells that finer searches move


@torch.no_grad()
def correlated(views: Views, prior: Hint, around: Surroundings, allowed: Tensor) -> Pose:
    """Locate one image (1,) with the tilt that its prior states: four of a pose's six numbers are searched."""
    patch = around.patch.of(allowed[0].nonzero().T)
    center_m, patch = patch.center_m, patch.local()
    known = moved_hint(prior, -center_m, patch.height_m)
    edges = Views(gradient(views.image), views.K)
    sigma_rad, sigma_m = (float(known.variance[0, axis].sqrt()) for axis in (5, 2))
    above_m = float(known.pose.t[0, 2] - patch.height_m.mean())
    reach_deg = min(SIGMAS * torch.rad2deg(torch.tensor(sigma_rad)).item(), 180.0)
    headings = list(_steps(reach_deg, HEADING_STEP_DEG))
    rises = [share * above_m for share in _steps(SIGMAS * sigma_m / above_m, HEIGHT_STEP)]
    coarse = patch.halved()
    pose = _best(edges, known.pose, coarse, around.canvas // 2, headings, rises)
    for finer, count, turn_deg, share in FINER:
        canvas, level = around.canvas // finer, (coarse if finer == 2 else patch)
        window = level.window(seen_point(views, pose, level)[:, :2], canvas + 2 * REACH)
        steps = [float(i) for i in range(-count, count + 1)]
        headings, rises = [s * turn_deg for s in steps], [s * share * above_m for s in steps]
        pose = _best(edges, pose, window, canvas, headings, rises)
    return moved_hint(Hint(pose, known.covariance), center_m, prior.pose.t).pose


def gradient(image: Tensor) -> Tensor:
    """Return the square root of the gradient's magnitude (B, 1, H, W), so that no single edge dominates."""
    smooth = avg_pool2d(pad(image, [1] * 4, mode="replicate"), 3, stride=1)
    smooth = pad(smooth, [1] * 4, mode="replicate")
    dx = smooth[..., 1:-1, 2:] - smooth[..., 1:-1, :-2]
    dy = smooth[..., 2:, 1:-1] - smooth[..., :-2, 1:-1]
    size: Tensor = (dx.square() + dy.square()).sum(dim=1, keepdim=True)
    return size.sqrt().sqrt()


def _steps(reach: float, step: float) -> Iterator[float]:
    count = round(reach / step)
    yield from (i * step for i in range(-count, count + 1))


def _best(
    edges: Views,
    start: Pose,
    patch: GroundPatch,
    canvas: int,
    headings_deg: list[float],
    rises_m: list[float],
) -> Pose:
    """Try all headings and heights (1,), each laid out in the middle of a patch and moved over all of it."""
    photos = gradient(patch.photo[0].float() / 255).mean(dim=0, keepdim=True)
    known = patch.known.all(dim=1, keepdim=True).to(photos)
    photos = photos * known
    inner = patch.window(patch.center_m, canvas)
    level_m = patch.height_at(patch.center_m.unsqueeze(1))[:, 0]
    middle_m = torch.cat([patch.center_m, level_m.unsqueeze(1)], dim=1)
    best, found = -torch.inf, start
    for heading in headings_deg:
        for rise_m in rises_m:
            motion = torch.tensor([[0.0, 0.0, rise_m, 0.0, 0.0, heading]])
            motion[:, 5].deg2rad_()
            pose = moved(start, motion)
            there = Pose(pose.t + middle_m - seen_point(edges, pose, patch), pose.q)
            score, off_m = _peak(*laid_out(edges.image, there, edges.K, inner), photos, known)
            if score > best:
                best = score
                # the height is the one that was tried: what is seen moves level
                shift_m = pad(off_m * patch.cell_m, (0, 1))
                found = Pose(torch.cat([there.t[:, :2], pose.t[:, 2:]], dim=1) + shift_m, pose.q)
    return found


def _peak(laid: Tensor, seen: Tensor, photos: Tensor, known: Tensor) -> tuple[float, Tensor]:
    """Return the largest normalised correlation, and its place east and north (1, 2) of the middle in cells."""
    inside = seen.unsqueeze(1).to(laid)
    count = correlate(inside, known).clamp_min(1.0)
    laid = (laid - laid.sum() / inside.sum().clamp_min(1.0)) * inside
    total, squares = correlate(inside, photos), correlate(inside, photos.square())
    spread = (squares - total.square() / count).clamp_min(1e-4).sqrt()
    score = (correlate(laid, photos) / spread / laid.norm().clamp_min(1e-6))[0]
    score = score.where(count[0] > 0.5 * inside.sum(), -1.0)
    side = len(score)
    place = int(score.argmax())
    row, col = place // side, place % side
    r, c = (min(max(i, 1), side - 2) for i in (row, col))
    south = r + _vertex(score[r - 1 : r + 2, c])
    east = c + _vertex(score[r, c - 1 : c + 2])
    middle = (side - 1) / 2
    return float(score[row, col]), torch.tensor([[east - middle, middle - south]])


def _vertex(values: Tensor) -> float:
    """Return where the parabola through three values is highest, from the middle one."""
    low, middle, high = values.tolist()
    curve = min(low - 2 * middle + high, -1e-6)
    vertex: float = min(max(0.5 * (low - high) / curve, -0.5), 0.5)
    return vertex
