"""Keypoints of an image laid out on the ground, matched with those of the map; then the pose by the same solver.

SIFT, and XFeat as a learned matcher off the shelf. Matches of all dates are gathered; the largest group of them
that one affine map explains is the start of a maximum a posteriori solve with the prior, where outliers are
downweighted by Cauchy's loss.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from hinted_posenet.core.covariance import world_covariance
from hinted_posenet.core.types import Hint
from hinted_posenet.data.sift import detect_sift
from hinted_posenet.models.landmarks.xfeat import XFeatFeatures
from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.models.registration.ground_registration import Surroundings, moved_hint
from hinted_posenet.models.registration.projection import ground_jacobian, laid_out, project, sight
from hinted_posenet.models.registration.search import Views, seen_point
from hinted_posenet.models.registration.solve import Evidence, Prior, solve_step, symmetric_product

RATIO = 0.8  # of the nearest descriptor's distance to the second nearest's (Lowe, 2004)
KEYPOINTS = 2000  # of an image or a photo
LARGER = 2  # times that a raster is enlarged for XFeat, which finds few places in small ones
INLIER_CELLS = 4.0  # of the affine map, which knows no perspective
STEPS = 3  # in each, the image is laid out from the last answer
NEAR_CELLS = 16  # beyond the image, where matches are looked for after the first step
FEWEST = 8  # inliers of a start that is believed
START_ROUNDS, ROUNDS = 3, 7  # of the solve: inliers alone, then all matches
LEAST_CELLS = 0.5  # sigma of a match at least
TRUST = 0.1  # share of the information that is used: errors of matches are correlated

# places (n, 2) in cells, the center of the north-western one at (0.5, 0.5), and descriptors (n, D)
Keypoints = tuple[NDArray[np.float64], Tensor]
Detect = Callable[[Tensor], Keypoints]  # of a raster (3, h, w) in [0, 1]
# rows (m, 2) of matches of two sets of descriptors
Match = Callable[[Tensor, Tensor], Tensor]


class Matcher(NamedTuple):
    """A kind of keypoints and how they are matched."""

    detect: Detect
    match: Match

    @torch.no_grad()
    def __call__(
        self, views: Views, prior: Hint, around: Surroundings, allowed: Tensor
    ) -> tuple[Hint, bool]:
        """Locate one image (1,): the posterior, and whether enough matched; else it is the prior."""
        patch = around.patch.of(allowed[0].nonzero().T)
        center_m, patch = patch.center_m, patch.local()
        hint = moved_hint(prior, -center_m, patch.height_m)
        of_map = [
            _inside(self.detect(photo.float() / 255), known)
            for photo, known in zip(patch.photo[0], patch.known[0], strict=True)
        ]
        pose, found = hint.pose, None
        for step in range(STEPS):
            inner = patch.window(seen_point(views, pose, patch)[:, :2], around.canvas)
            laid, seen = laid_out(views.image, pose, views.K, inner)
            of_image = _inside(self.detect(laid[0]), seen[0])
            shown_m, expected_m = self._matched(of_image, inner, of_map, patch, step > 0)
            first = _explained(shown_m, expected_m, INLIER_CELLS * float(patch.cell_m))
            if first.sum() < FEWEST:
                break
            pixels, _ = project(pose, views.K, shown_m)
            found = solve(views, hint, patch, pixels, expected_m, first.unsqueeze(0))
            pose = found.pose
        if found is None:
            return prior, False
        return moved_hint(found, center_m, prior.pose.t), True

    def _matched(
        self,
        of_image: Keypoints,
        inner: GroundPatch,
        of_map: list[Keypoints],
        patch: GroundPatch,
        near: bool,
    ) -> tuple[Tensor, Tensor]:
        """Return points (1, m, 3) of the surface that an image, laid out on a piece of the patch, and photos show.

        If ``near``, only of the map's keypoints in that piece and a little beyond.
        """
        here, there = [np.empty((0, 2))], [np.empty((0, 2))]
        off = ((inner.center_m - patch.center_m) / patch.cell_m * torch.tensor([1.0, -1.0]))[0]
        middle = off.numpy() + patch.cells / 2
        for places, descriptor in of_map:
            if near:
                close = np.abs(places - middle).max(axis=1) < inner.cells / 2 + NEAR_CELLS
                places, descriptor = places[close], descriptor[torch.from_numpy(close)]
            if min(len(places), len(of_image[0])) >= 2:
                rows = self.match(of_image[1], descriptor).numpy()
                here.append(of_image[0][rows[:, 0]])
                there.append(places[rows[:, 1]])
        return on_ground(np.concatenate(here), inner), on_ground(np.concatenate(there), patch)


def sift() -> Matcher:
    """Return SIFT with the ratio test."""
    return Matcher(_sift, _by_ratio)


def xfeat(weights: str | None = "packaged") -> Matcher:
    """Return XFeat with mutual nearest neighbours; for ``weights`` see `XFeatFeatures`."""
    features = XFeatFeatures(KEYPOINTS, weights=weights)

    def detect(raster: Tensor) -> Keypoints:
        large = interpolate(raster[None], scale_factor=LARGER, mode="bilinear", align_corners=False)
        xy, _, descriptor = features.detect(large[0])
        return xy.numpy() / LARGER, descriptor

    return Matcher(detect, _mutual)


def _explained(shown_m: Tensor, expected_m: Tensor, within_m: float) -> Tensor:
    """Tell which of the matches (1, m, 3) the affine map explains that explains most of them (m,)."""
    here, there = (
        np.ascontiguousarray(points_m[0, :, :2].numpy()) for points_m in (shown_m, expected_m)
    )
    if len(here) < FEWEST:
        return torch.zeros(len(here), dtype=torch.bool)
    _, mask = cv2.estimateAffine2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=within_m, maxIters=5000
    )
    return torch.from_numpy(mask.ravel().astype(bool))


def solve(
    views: Views, hint: Hint, patch: GroundPatch, pixels: Tensor, expected_m: Tensor, first: Tensor
) -> Hint:
    """Solve for the pose (1,) from points (1, m, 3) that pixels (1, m, 2) show, at first those of ``first``."""
    known, pose = Prior.of(hint), hint.pose
    level = torch.zeros_like(expected_m[..., :2])
    for step in range(START_ROUNDS + ROUNDS):
        shown_m = patch.meet(pose.t, sight(pose, views.K, pixels))
        off_m = (expected_m - shown_m)[..., :2]
        squares = off_m.square().sum(dim=-1)
        # of a normal distribution in two dimensions, the median of the squares is 1.39 variances
        variance = (squares[first].median() / 1.39).clamp_min((LEAST_CELLS * patch.cell_m[0]) ** 2)
        weight = first.float() if step < START_ROUNDS else 1 / (1 + squares / (4 * variance))
        A = torch.stack([weight, torch.zeros_like(weight), weight], dim=-1) * TRUST / variance
        J = ground_jacobian(pose, shown_m, level)
        found, _ = solve_step(pose, Evidence(J, A, symmetric_product(A, off_m)), known)
        pose = found.pose
    return Hint(pose, world_covariance(found.covariance, pose.q))


def on_ground(cells: NDArray[np.float64], patch: GroundPatch) -> Tensor:
    """Return points (1, m, 3) of the surface of a patch (1,) at places (m, 2) in its cells."""
    place = torch.from_numpy(cells).float() - patch.cells / 2
    level_m = patch.center_m + place * torch.tensor([1.0, -1.0]) * patch.cell_m
    height_m = patch.height_at(level_m.unsqueeze(0))
    return torch.cat([level_m.unsqueeze(0), height_m.unsqueeze(-1)], dim=-1)


def _sift(raster: Tensor) -> Keypoints:
    pixels = (raster.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    places, _, descriptor = detect_sift(np.ascontiguousarray(pixels), KEYPOINTS)
    return places, torch.from_numpy(descriptor)


def _by_ratio(one: Tensor, other: Tensor) -> Tensor:
    nearest, row = (2 - 2 * one @ other.T).clamp_min(0).sqrt().topk(2, dim=1, largest=False)
    good = nearest[:, 0] < RATIO * nearest[:, 1]
    return torch.stack([good.nonzero()[:, 0], row[good, 0]], dim=1)


def _mutual(one: Tensor, other: Tensor) -> Tensor:
    cosine = one @ other.T
    there, back = cosine.argmax(dim=1), cosine.argmax(dim=0)
    here = torch.arange(len(one))
    same = back[there] == here
    return torch.stack([here[same], there[same]], dim=1)


def _inside(keypoints: Keypoints, known: Tensor) -> Keypoints:
    """Keep the keypoints in cells that are known (n, n)."""
    places, descriptor = keypoints
    cells = np.clip(places.astype(np.int64), 0, len(known) - 1)
    inside = known.numpy()[cells[:, 1], cells[:, 0]]
    return places[inside], descriptor[torch.from_numpy(inside)]
