"""Ground Registration: the pose of an image from above, by registering it to photos and heights of the ground.

An image is laid out on the ground as if taken from the pose that the hint states, and compared there with the
photos of the map: first by learned features, in a search of heading, height and place; then block by block; then
window by window, to fractions of a cell. Each step solves for the maximum a posteriori pose with the hint as its
prior, so that a sharp hint is not made worse, and every sensor counts by its covariance.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from hinted_posenet.core.covariance import world_covariance
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import relative_rotvec
from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.acceptance import DEFAULT_RULE, fits_map
from hinted_posenet.models.registration.alignment import (
    Photos,
    WindowTrust,
    compare,
    known_windows,
    weighted,
)
from hinted_posenet.models.registration.features import BLOCK, REACH, STRIDE
from hinted_posenet.models.registration.ground import Ground, GroundPatch, join_patches
from hinted_posenet.models.registration.projection import ground_jacobian, laid_out, sight
from hinted_posenet.models.registration.search import PLACE_SIGMAS, Registrar, Views, seen_point
from hinted_posenet.models.registration.solve import (
    Evidence,
    Prior,
    accelerated,
    disagreement,
    information_of,
    moved,
    solve_step,
)

MATCHES, ALIGNMENTS = 2, 7  # steps
NEAR = 10  # windows a side, whose errors are alike
BEST_DATES = 3  # photos that fit an image best, to which it is aligned after the first step
CANVAS = 192  # cells at most that an image is laid out on
MULTIPLE = 2 * STRIDE * BLOCK  # of cells of a canvas: whole blocks, also in cells of twice the size
MARGIN = STRIDE * REACH  # cells beyond a canvas in which blocks are looked for
MOST_CELLS = 160  # beyond a canvas that are searched
FARTHEST = 2.5  # distances to the middle of an image, across which it is laid out at most
# of an image's pixels on the ground that cells have at least: finer ones misfit its blur
SHARPEST = 0.9
LEVEL_CELLS = 64  # around the camera, in which the level of the ground is looked up


class Surroundings(NamedTuple):
    """Where images (B,) are looked for."""

    patch: GroundPatch  # (B,)
    canvas: int  # cells a side that an image is laid out on


class Registered(NamedTuple):
    """Answers to images (B,)."""

    answer: Hint  # (B,) posterior of the image, as far as it is believed, and the prior
    image: Hint  # (B,) what the image says alone, with the covariance by which its windows disagree
    belief: Hint  # (B,) the same, with a calibrated covariance
    evidence: Tensor  # (B, MEASURES) of how well images fit the map, see `acceptance`
    fits: Tensor  # (B,) bool, whether they show the map at all


class Aligned(NamedTuple):
    """Of one step of the alignment."""

    solved: Prior  # (B,) poses with their information
    motion: Tensor  # (B, 6) from the last poses to where this step alone leads
    evidence: Evidence  # of the image alone
    misfit: Tensor  # (B, D) log of the noise of windows over their variance: 0 where nothing fits
    seen: Tensor  # (B,) share of the windows that could be compared


class GroundRegistration(nn.Module):
    """(image, camera, prior, patch of the map) -> pose with its covariance.

    Two things are learned: features of the ground that look alike on every date, and how far to trust a window.
    """

    # as measured on images with known poses, see `training.practice.calibrate_registration`
    stretch: (
        Tensor  # () by which sigmas exceed what windows state, as errors of windows are correlated
    )
    # (3,) sigmas of what all windows share, as photos are displaced: cells horizontally and vertically, radians
    shared: Tensor
    # () by which sigmas are wider still, so that they hold the few large errors; the pose is weighed without it,
    # else a vague prior would draw all others
    excess: Tensor
    rule: Tensor  # (MEASURES + 1,) see `acceptance.fits_map`

    def __init__(self) -> None:
        super().__init__()
        self.registrar = Registrar()
        self.trust = WindowTrust()
        self.register_buffer("stretch", torch.tensor(1.0))
        self.register_buffer("shared", torch.zeros(3))
        self.register_buffer("excess", torch.tensor(1.0))
        self.register_buffer("rule", torch.tensor(DEFAULT_RULE))

    @in_float32
    def forward(
        self, views: Views, prior: Hint, around: Surroundings, allowed: Tensor | None = None
    ) -> Registered:
        """Register images (B, 3, H, W) with priors (B,), known in all parts, to their surroundings.

        ``allowed`` (B, D) bool are the photos that may be looked at.
        """
        patch, canvas = around
        if allowed is None:
            allowed = patch.known.flatten(2).any(dim=2)
        center_m, patch = patch.center_m, patch.local()
        known = Prior.of(moved_hint(prior, -center_m, patch.height_m))
        coarse = patch.halved()
        code = self.registrar.map_code(coarse, allowed)
        found = self.registrar.search(views, known, coarse, code, canvas // 2)
        pose = found.pose
        wide = patch.window(seen_point(views, pose, patch)[:, :2], canvas + 2 * MARGIN)
        code = self.registrar.map_code(wide, allowed)
        for _ in range(MATCHES):
            pose = self.registrar.match(views, pose, known, wide, code).pose
        inner = patch.window(seen_point(views, pose, patch)[:, :2], canvas)
        photos = Photos.of(inner)
        step = self.align(views, pose, known, inner, photos, allowed)
        misfit = step.misfit.masked_fill(~allowed, torch.inf)
        best = misfit.topk(min(BEST_DATES, misfit.shape[1]), dim=1, largest=False).indices
        inner, allowed = inner.of(best), allowed.take_along_dim(best, dim=1)
        photos = Photos.of(inner)
        taken = step.motion
        for _ in range(ALIGNMENTS - 1):
            pose, last = step.solved.pose, step.motion
            step = self.align(views, pose, known, inner, photos, allowed)
            taken = accelerated(step.motion, last, taken, step.solved.information)
            step = step._replace(solved=step.solved._replace(pose=moved(pose, taken)))
        parts = posterior(step, known, self._believed(patch.cell_m), self.excess)
        image, belief, answer = (moved_hint(part, center_m, prior.pose.t) for part in parts)
        usual = torch.where(allowed, step.misfit, 0.0).sum(dim=1) / allowed.sum(dim=1).clamp_min(1)
        evidence = torch.stack([found.fit, found.margin, usual, step.seen], dim=1)
        fits = fits_map(evidence, self.rule)
        return Registered(answer, image, belief, evidence, fits)

    def _believed(self, cell_m: Tensor) -> tuple[Tensor, Tensor]:
        """Return the stretch (B,) of sigmas, and variances (B, 6) that are added."""
        metres = cell_m.unsqueeze(1).expand(-1, 3)
        units = torch.cat([metres, torch.ones_like(metres)], dim=1)
        return self.stretch, (units * self.shared[[0, 0, 1, 2, 2, 2]]).square().double()

    def align(
        self,
        views: Views,
        pose: Pose,
        prior: Prior,
        patch: GroundPatch,
        photos: Photos,
        allowed: Tensor,
    ) -> Aligned:
        """Solve for poses (B,) from windows and the prior."""
        with torch.no_grad():
            image, seen = laid_out(views.image, pose, views.K, patch)
            windows = compare(image, photos)
            usable = known_windows(photos.known & seen.unsqueeze(1)) & allowed[:, :, None, None]
            cells = patch.cell_m.view(-1, 1, 1, 1) * pose.t.new_tensor([1.0, -1.0]).view(1, 1, 2, 1)
            J = ground_jacobian(pose, photos.point_m, photos.slope) / cells
            misfit = (windows.statistics[:, :, 0::4].mean(dim=2) * usable).sum(dim=(2, 3))
            misfit = misfit / usable.sum(dim=(2, 3)).clamp_min(1)
        trust = self.trust(windows.statistics) * usable.unsqueeze(2)
        evidence = Evidence(J, *weighted(windows, trust))
        solved, motion = solve_step(pose, evidence, prior)
        share = usable.any(dim=1).float().mean(dim=(1, 2))
        return Aligned(solved, motion, evidence, misfit, share)


def posterior(
    step: Aligned, prior: Prior, believed: tuple[Tensor, Tensor], excess: Tensor
) -> tuple[Hint, Hint, Hint]:
    """Return what images (B,) say alone, by their windows and as far as they are believed, and with priors (B,).

    What is believed has sigmas that are wider by ``excess`` () than those that the pose is weighed by.
    """
    pose, stated = step.solved.pose, information_of(step.evidence)[0].double()
    turn = relative_rotvec(pose.q, prior.pose.q)
    off = torch.cat([prior.pose.t - pose.t, turn], dim=-1).double().unsqueeze(-1)
    known = prior.information.double()
    tiny = 1e-9 * stated.diagonal(dim1=1, dim2=2).clamp_min(1e-6).diag_embed()
    inverse = torch.linalg.inv(stated + tiny)
    apart = disagreement(step.evidence, step.motion, NEAR)
    covariance = inverse + inverse @ apart @ inverse
    # the last solution is where image and prior pull alike, by what is stated
    alone = -inverse @ known @ off
    stretch, added = believed
    trusted = torch.linalg.inv(stretch**2 * covariance + added.diag_embed())
    whole = trusted + known
    motion = torch.linalg.solve(whole, trusted @ alone + known @ off)
    image, answer = (moved(pose, part.squeeze(-1).to(pose.t)) for part in (alone, motion))
    sure = trusted / excess**2
    return (
        Hint(image, world_covariance(covariance, image.q.double())),
        Hint(image, world_covariance(torch.linalg.inv(sure), image.q.double())),
        Hint(answer, world_covariance(torch.linalg.inv(sure + known), answer.q.double())),
    )


def moved_hint(hint: Hint, by_m: Tensor, like: Tensor) -> Hint:
    """Return hints (B,) in worlds that are shifted by (B, 2), moved in float64, in the type of ``like``."""
    t = hint.pose.t.double() + pad(by_m, (0, 1))
    return Hint(Pose(t.to(like), hint.pose.q.to(like)), hint.covariance.to(like), hint.neighbours)


def take_surroundings(ground: Ground, views: Views, prior: Hint) -> Surroundings:
    """Take the patches (B,) of the map in which images (B,) with priors (B,) may lie.

    Cells are those of the map, or larger ones for images that show more than `CANVAS` of them or have larger
    pixels.

    Raises:
        InputError: A prior is not known in all parts.
    """
    check_known(prior)
    rows = [
        _row_of(ground, Views(*(part[i : i + 1] for part in views)), prior, i)
        for i in range(len(views.K))
    ]
    canvas = max(row.canvas for row in rows)
    cells = canvas + 2 * max(row.reach for row in rows)
    patches = [ground.patch(row.center_m, cells, row.cell_m) for row in rows]
    return Surroundings(join_patches(patches), canvas)


def check_known(prior: Hint) -> None:
    """Refuse priors (B,) of which a part is not known or not a number.

    Raises:
        InputError: Which one.
    """
    parts = (*prior.pose, prior.covariance.flatten(1))
    known = torch.stack([part.isfinite().all(dim=1) for part in parts]).all(dim=0)
    if not known.all():
        row = int((~known).nonzero()[0])
        raise InputError(
            f"prior of image {row} of {len(known)}: position {prior.pose.t[row].tolist()}, variances "
            f"{prior.variance[row].tolist()}; expected one that is known in all parts: complete a "
            "GPS by the rotations and heights that cameras have"
        )


class _Row(NamedTuple):
    center_m: tuple[float, float]
    cell_m: float
    canvas: int
    reach: int


def _row_of(ground: Ground, views: Views, prior: Hint, row: int) -> _Row:
    """Return where one image lies, and with which cells."""
    pose = Pose(prior.pose.t[row : row + 1], prior.pose.q[row : row + 1])
    covariance = prior.covariance[row : row + 1]
    x, y, _ = pose.t[0].tolist()
    center_m = x, y
    # the second one lies around what the image shows, which need not be below the camera
    for _ in range(2):
        level = ground.patch(center_m, LEVEL_CELLS, ground.resolution_m)
        local = Pose((pose.t - pad(level.center_m, (0, 1))).float(), pose.q.float())
        level = level.local()
        point = seen_point(views, local, level)
        center_m = center_m[0] + float(point[0, 0]), center_m[1] + float(point[0, 1])
    across_m = footprint_m(views, local, level)
    pixel_m = float((point - local.t).norm() / views.K[0, 0, 0])
    cell_m = max(ground.resolution_m, across_m / CANVAS, SHARPEST * pixel_m)
    canvas = min(MULTIPLE * math.ceil(across_m / cell_m / MULTIPLE), CANVAS)
    J = ground_jacobian(local, point.unsqueeze(1), torch.zeros(1, 1, 2))[0, 0]
    known = Prior.of(Hint(local, covariance.float())).covariance[0]
    reach_m = PLACE_SIGMAS * float((J @ known @ J.T).diagonal().max().sqrt())
    reach = min(MULTIPLE // 2 * math.ceil(reach_m / cell_m / (MULTIPLE // 2)), MOST_CELLS)
    return _Row(center_m, cell_m, canvas, max(reach, 2 * MARGIN))


def footprint_m(views: Views, pose: Pose, patch: GroundPatch) -> float:
    """Return how far it is across the ground that an image shows, from edge to edge.

    Not farther than `FARTHEST`: beyond, ground near the horizon would take the cells of what lies before it.
    """
    height, width = views.image.shape[-2:]
    edges = [(0, height / 2), (width, height / 2), (width / 2, 0), (width / 2, height)]
    edge = views.K.new_tensor(edges).expand(len(views.K), 4, 2)
    shown = patch.meet(pose.t, sight(pose, views.K, edge))[..., :2]
    west, east, north, south = shown[0]
    across_m = torch.stack([(west - east).norm(), (north - south).norm()]).max()
    distance_m = (seen_point(views, pose, patch) - pose.t).norm()
    return float(torch.minimum(across_m, FARTHEST * distance_m))
