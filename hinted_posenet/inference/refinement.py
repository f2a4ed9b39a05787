"""Refinement by landmarks: what an image's landmarks say, with a calibrated covariance, combined with a prior.

The landmarks alone give a pose and, from the curvature of the reprojection errors, its covariance. Errors that all
landmarks share, as those of the labels, do not show in it. So it is stretched, and a constant is added; both are
fitted to validation images, and to training images that are located without their sequence. The answer is the
posterior of that belief and the prior. A prior that contradicts the image is left out, and where the image shows
too few landmarks, the fallback is the answer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from hinted_posenet.core.covariance import given, offset
from hinted_posenet.core.types import Hint, LocalFeatures, Pose, Query
from hinted_posenet.hints.retrieval_database import evenly_spaced
from hinted_posenet.inference.belief import CalibratedBelief, contradicts, row_of
from hinted_posenet.inference.sigma_fit import fit_weights
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer, View

PROBES = 150  # training images that are located without their own sequence
PARTS_OF_ONE = 10  # a single sequence is divided into as many


class Refined(NamedTuple):
    """Answers to queries (B,)."""

    answer: Hint  # (B,) the posterior; the fallback where too few landmarks are seen
    inliers: Tensor  # (B,) int64, landmarks that agree on the pose; 0: too few
    contradicted: Tensor  # (B,) bool, whether the prior was left out since the image contradicts it
    candidates: Tensor  # (B,) int64, landmarks that were compared
    guided: Tensor  # (B,) bool, whether they were looked for only where the prior predicts them

    @property
    def found(self) -> Tensor:
        """Which images (B,) show enough landmarks."""
        return self.inliers > 0


class LandmarkRefinement(CalibratedBelief):
    """Landmarks, and how far poses from them can be trusted."""

    def __init__(self, landmarks: LandmarkLocalizer):
        super().__init__()
        self.landmarks = landmarks

    def forward(self, query: Query, feature: Tensor, prior: Hint, fallback: Hint) -> Refined:
        """Refine priors (B,) for queries (B,) with features (B, C, G, G)."""
        rows = [
            self._refine(
                _one(query.local, i), feature[i : i + 1], row_of(prior, i), row_of(fallback, i)
            )
            for i in range(len(feature))
        ]
        answers, *about = zip(*rows, strict=True)
        t, q, covariance = (
            torch.stack(parts).to(feature)
            for parts in zip(*((*one.pose, one.covariance) for one in answers), strict=True)
        )
        inliers, contradicted, candidates, guided = (torch.tensor(part) for part in about)
        answer = Hint(Pose(t, q), covariance, fallback.neighbours)
        return Refined(answer, inliers, contradicted, candidates, guided)

    @torch.no_grad()
    def fit(
        self,
        truth: Pose,
        feature: Tensor,
        local: Sequence[LocalFeatures],
        sequence: Tensor,
        folder: Path | None = None,
    ) -> None:
        """Build the map of training images, and locate some of them without the landmarks of their own sequence.

        It has poses (N,), features (N, C, G, G), local features, and sequences (N,) int64. A held-out sequence is
        often near to another one, so the errors of validation images alone would promise too much. In ``folder``
        it keeps what an interrupted fit has done.
        """
        self.landmarks.fit(truth, feature, local, folder)
        if bool((sequence == sequence[0]).all()):
            sequence = torch.arange(len(sequence)) * PARTS_OF_ONE // len(sequence)
        probes = evenly_spaced(len(truth.t), PROBES)
        kept = sequence[self.landmarks.map.row]
        views = [
            self.landmarks.locate(feature[i : i + 1], local[i], None, kept != sequence[i])
            for i in tqdm(probes.tolist(), "errors of landmarks", unit="image", leave=False)
        ]
        self.probe_error, self.probe_covariance = _errors(views, _rows(truth, probes))

    @torch.no_grad()
    def calibrate(self, query: Query, feature: Tensor, truth: Pose) -> None:
        """Fit the covariance to the errors of landmarks on validation images (N,) and on those of `fit`."""
        views = [
            self.landmarks.locate(feature[i : i + 1], _one(query.local, i), None)
            for i in range(len(feature))
        ]
        error, covariance = _errors(views, truth)
        stated = self.fit_weights_to(
            (error, covariance),
            (self.probe_error.to(error), self.probe_covariance.to(error)),
            fit_weights,
        )
        if len(stated):
            self.set_certain(self.calibrated(stated), self.landmarks.map.depth_m)

    def _refine(
        self, local: LocalFeatures, feature: Tensor, prior: Hint, fallback: Hint
    ) -> tuple[Hint, int, bool, int, bool]:
        """Return the answer () in float64, and the other parts of `Refined`."""
        if not local.score.numel():
            return fallback, 0, False, 0, False
        view = self.landmarks.locate(feature, local, prior)
        if view and view.guided and contradicts(self._belief(view), prior):
            # landmarks were looked for in the wrong places
            view = self.landmarks.locate(feature, local, None)
        if view is None:
            return fallback, 0, False, 0, False
        belief, inliers = self._belief(view), int(view.solved.inlier.sum())
        contradicted = contradicts(belief, prior)
        answer = belief if contradicted else given(belief, prior)[0]
        return answer, inliers, contradicted, view.candidates, view.guided

    def _belief(self, view: View) -> Hint:
        """Return what the landmarks say () with its calibrated covariance."""
        stated = _stated(view)
        return stated._replace(covariance=self.calibrated(stated.covariance.unsqueeze(0))[0])


def _stated(view: View) -> Hint:
    """Return the pose () with the inverse of its information."""
    tiny = 1e-9 * view.solved.information.diagonal().diag()
    return Hint(view.solved.pose, torch.linalg.inv(view.solved.information + tiny))


def _errors(views: Sequence[View | None], truth: Pose) -> tuple[Tensor, Tensor]:
    """Return the errors (n, 6) of views of images at true poses (N,), and the covariances (n, 6, 6) they state."""
    rows = [i for i, view in enumerate(views) if view]
    if not rows:
        return torch.empty(0, 6, dtype=torch.float64), torch.empty(0, 6, 6, dtype=torch.float64)
    stated = [_stated(view) for view in views if view]
    pose = Pose(*(torch.stack(part) for part in zip(*(one.pose for one in stated), strict=True)))
    true = Pose(*(part[rows].double().cpu() for part in truth))
    return offset(pose, true), torch.stack([one.covariance for one in stated])


def _rows(pose: Pose, rows: Tensor) -> Pose:
    return Pose(pose.t[rows], pose.q[rows])


def _one(local: LocalFeatures, row: int) -> LocalFeatures:
    return LocalFeatures(*(part[row].cpu() for part in local))
