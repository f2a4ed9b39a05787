"""Landmarks: where an image was taken, from the landmarks that it shows, with or without a prior of the pose.

A prior says which landmarks can be in view and, if it is sharp, where in the image to look for each. It is not
mixed into the pose that is solved here: that is what the image says, so that a wrong prior can be recognised.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, LocalFeatures, Pose
from hinted_posenet.hints.retrieval_database import RetrievalDatabase
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.models.landmarks.landmark_map import LandmarkMap, Landmarks
from hinted_posenet.models.landmarks.local_features import LocalFeatureExtractor
from hinted_posenet.models.landmarks.matchers import Matcher
from hinted_posenet.models.landmarks.pose_solver import Seen, Solved, projected, refine, search

GATE = 3.0  # standard deviations around a predicted place in which a feature is looked for
GATE_PX = 3.0  # standard deviation of places that is always allowed
# of the focal length: a prior that predicts places more vaguely does not guide the search
SHARP = 0.15
FEWEST_INLIERS = 25  # that make a pose; RANSAC finds up to 12 in images of other places
VIEW_TURN_RAD = 0.6  # cameras turned by as much see other things


class View(NamedTuple):
    """What the landmarks say about one image."""

    solved: Solved  # from the image alone
    guided: bool  # whether matches were looked for where the prior predicts them
    candidates: int  # landmarks that were compared


class LandmarkLocalizer(nn.Module):
    """Local features, a map of landmarks, and the search for a pose.

    Args:
        features: keypoints and descriptors of an image.
        matcher: which features and landmarks show the same.
        neighbours: images that each training image is matched with, to triangulate its features.
        spacing: between training images that are kept, in units of the distance to the scene; 0 keeps all.
        candidates: training images whose landmarks a query is matched with.
        query_keypoints: features of a query that are matched, the best ones.
        iterations: of RANSAC, at most.
        masks: folder of masks of the training images; None masks nothing. A query is never masked.
    """

    def __init__(
        self,
        features: LocalFeatureExtractor,
        matcher: Matcher,
        neighbours: Annotated[int, Ge(1)],
        spacing: Annotated[float, Ge(0)],
        candidates: Annotated[int, Ge(1)],
        query_keypoints: Annotated[int, Ge(4)],
        iterations: Annotated[int, Ge(1)],
        masks: str | None = None,
    ):
        super().__init__()
        if matcher.dim not in (None, features.dim):
            raise InputError(
                f"matcher: takes descriptors of {matcher.dim} numbers, features have {features.dim}; choose the "
                "matcher that was trained with the features"
            )
        self.features, self.matcher = features, matcher
        self.candidates, self.query_keypoints = candidates, query_keypoints
        self.iterations, self.masks = iterations, masks
        self.map = LandmarkMap(neighbours, spacing)
        self.memory = RetrievalDatabase()

    def fit(
        self,
        truth: Pose,
        feature: Tensor,
        local: Sequence[LocalFeatures],
        folder: Path | None = None,
    ) -> None:
        """Build the map from poses (N,), features (N, C, G, G) and local features of training images.

        In ``folder`` it keeps what an interrupted fit has done.
        """
        self.map.fit(truth, local, self.matcher, folder)
        rows = self.map.row
        self.memory.fit(Pose(truth.t[rows], truth.q[rows]), feature[rows])

    def check(self) -> None:
        """Refuse a map that does not fit together, or the features.

        Raises:
            InputError: It does not.
        """
        self.map.check()
        images, dim = len(self.map.row), self.map.descriptor.shape[1]
        if images and (len(self.memory.t_m) != images or dim != self.features.dim):
            raise InputError("its landmarks are of other features or images")

    def about(self) -> dict[str, Any]:
        """Return what results say about the map."""
        known = self.map
        size = sum(
            part.numel() * part.element_size()
            for part in (*known.buffers(), *self.memory.buffers())
        )
        return {
            "features": type(self.features).__name__,
            "matcher": type(self.matcher).__name__,
            "images": len(known.row),
            "landmarks": len(known.point_m),
            "megabytes": round(size / 1e6, 1),
            "build_s": round(float(known.build_s), 1),
        }

    @torch.no_grad()
    def locate(
        self,
        feature: Tensor,
        local: LocalFeatures,
        prior: Hint | None,
        allowed: Tensor | None = None,
    ) -> View | None:
        """Locate one image by its feature (1, C, G, G), local features () and prior () in the world.

        Only landmarks of allowed keyframes (M,) are used; None allows all. A prior that does not lead to the place
        is left out. Where too few landmarks are seen, there is no answer.
        """
        query = _best(local, self.query_keypoints)
        found = None
        if prior is not None and prior.variance.isfinite().any():
            likely = self._likely_images(feature, prior, allowed)
            found = self._guided(query, likely, prior) or self._unguided(query, likely)
        return found or self._unguided(query, self._likely_images(feature, None, allowed))

    def _unguided(self, query: LocalFeatures, likely: Tensor) -> View | None:
        """Match with the landmarks of the likeliest keyframes (M,), and of more if those are not enough."""
        for count in (self.candidates, 4 * self.candidates):
            if found := self._solve(query, self.map.of_images(likely[:count]), None):
                return found
        return None

    def _guided(self, query: LocalFeatures, likely: Tensor, prior: Hint) -> View | None:
        """Match where a sharp prior () predicts the landmarks of the likeliest keyframes (M,).

        Fewer matches are wrong, so half as many features and keyframes do.
        """
        if not prior.variance.isfinite().all():
            return None
        marks = self.map.of_images(likely[: max(1, self.candidates // 2)])
        pose = Pose(prior.pose.t.double(), prior.pose.q.double())
        place, depth, J = projected(marks.point_m, pose)
        flat = J.flatten(0, 1)
        variance = ((flat @ prior.covariance.double()) * flat).sum(dim=1).view(-1, 2)
        sigma = (variance + (GATE_PX / float(query.focal_px)) ** 2).sqrt().float()
        if not len(sigma) or float(sigma.median()) > SHARP:
            return None
        query, sigma = _best(query, self.query_keypoints // 2), GATE * sigma
        low, high = place.float() - sigma, place.float() + sigma
        near = (depth > 0).repeat(len(query.ray), 1)
        for axis in (0, 1):  # not at once: a third of the time
            ray = query.ray[:, axis, None]
            near &= (ray > low[:, axis]) & (ray < high[:, axis])
        return self._solve(query, marks, near)

    def _solve(self, query: LocalFeatures, marks: Landmarks, allowed: Tensor | None) -> View | None:
        """Match, search and refine; None if too few landmarks agree."""
        rows = self._matched(query, marks, allowed)
        seen = Seen(marks.point_m[rows[:, 1]], query.ray[rows[:, 0]], float(query.focal_px))
        found = search(seen, 0, self.iterations)
        if found is None or int(found[1].sum()) < FEWEST_INLIERS:
            return None
        solved = refine(seen, found[0])
        if int(solved.inlier.sum()) < FEWEST_INLIERS:
            return None
        return View(solved, allowed is not None, len(marks.point_m))

    def _matched(self, query: LocalFeatures, marks: Landmarks, allowed: Tensor | None) -> Tensor:
        """Return pairs (M, 2) of rows of the query's features and of landmarks."""
        if not self.matcher.by_image:
            return self.matcher.match(query, _as_features(marks), allowed).rows
        pairs = []
        for image in dict.fromkeys(marks.image.tolist()):
            rows = (marks.image == image).nonzero()[:, 0]
            part = _as_features(Landmarks(*(one[rows] for one in marks)))
            part = part._replace(focal_px=self.map.focal_px[image].cpu())
            may = None if allowed is None else allowed[:, rows]
            here, there = self.matcher.match(query, part, may).rows.T
            pairs.append(torch.stack([here, rows[there]], dim=1))
        return torch.cat(pairs) if pairs else torch.empty(0, 2, dtype=torch.int64)

    def _likely_images(
        self, feature: Tensor, prior: Hint | None, allowed: Tensor | None = None
    ) -> Tensor:
        """Return the allowed keyframes, those that most likely see what the query sees first."""
        nothing = no_hint(feature)
        if prior is None:
            score = self.memory.log_likelihood(feature, nothing)[0]
        else:
            t, q = (part.to(feature).unsqueeze(0) for part in prior.pose)
            batch = Hint(Pose(t, q), prior.covariance.to(feature).unsqueeze(0))
            turn = rotation_angle(self.memory.q, q.expand_as(self.memory.q))
            variance = VIEW_TURN_RAD**2 + batch.sigma_r_rad.square()  # infinite without a rotation
            score = self.memory.log_likelihood(feature, batch)[0] - turn.square() / 2 / variance
        if allowed is not None:
            score = score.masked_fill(~allowed, -torch.inf)
        order = score.argsort(descending=True)
        return order[score[order] > -torch.inf]


def _best(local: LocalFeatures, count: int) -> LocalFeatures:
    """Return the best features () of an image, which come first."""
    ray, score, descriptor, focal_px = local
    return LocalFeatures(ray[:count], score[:count], descriptor[:count], focal_px)


def _as_features(marks: Landmarks) -> LocalFeatures:
    """Return landmarks as the features () of an image."""
    return LocalFeatures(marks.ray, torch.ones(len(marks.ray)), marks.descriptor, torch.tensor(1.0))
