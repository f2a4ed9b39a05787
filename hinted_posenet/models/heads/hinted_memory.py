"""Hinted Memory: the query is compared with the training images that its hint and its appearance point to."""

import torch
from torch import Tensor

from hinted_posenet.core.covariance import given, modes_given
from hinted_posenet.core.types import Hint, Modes, Pose
from hinted_posenet.hints.protocol import robust_sigma
from hinted_posenet.hints.retrieval_database import RetrievalDatabase, evenly_spaced, unit
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.heads.consensus import Hypotheses, consensus, several
from hinted_posenet.models.heads.pair import Pair

ROTATION_WEIGHT = 0.5  # of the rotation's likelihood beside the position's
PROBES = 300  # training images that are looked up to measure how far a neighbour is


class HintedMemoryHead(Head):
    """(feature, hint) -> the consensus of what several remembered images say, fused with the hint.

    A hint does two things: it is the prior of which images are compared, and one more estimate of the pose,
    combined by Bayes' rule with all of its covariance. In training the hint carries neighbours, since the image
    itself is in the database.
    """

    takes_covariance = True
    mean: Tensor  # (C, 1, 1)
    std: Tensor  # (C, 1, 1)
    unit_t_m: Tensor  # ()
    unit_r_rad: Tensor  # ()

    def __init__(
        self, channels: int, grid: int, rotation: Rotation, width: int, hidden: int, neighbours: int
    ):
        super().__init__()
        self.shape = (channels, grid, grid)
        self.neighbours = neighbours
        self.memory = RetrievalDatabase()
        self.pair = Pair(channels, grid, rotation, width, hidden)
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))
        self.register_buffer("unit_t_m", torch.ones(()))
        self.register_buffer("unit_r_rad", torch.ones(()))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set (N,), and measure how far neighbours from other sequences are."""
        self.memory.fit(truth, feature)
        probe = evenly_spaced(len(truth.t), PROBES).to(sequence.device)
        channels = self._remembered(probe)
        self.mean.copy_(channels.mean(dim=(0, 2, 3)).view(-1, 1, 1))
        self.std.copy_(channels.std(dim=(0, 2, 3)).clamp_min(1e-6).view(-1, 1, 1))
        # the nearest of the candidates, since the first may be of another place that looks alike
        found = self.memory.nearest_other(probe, sequence, self.neighbours)
        here = self.memory.pose(probe)
        off_m = (self.memory.t_m[found] - here.t.unsqueeze(1)).norm(dim=-1)
        nearest = found.take_along_dim(off_m.argmin(dim=1, keepdim=True), dim=1).squeeze(1)
        self.unit_t_m, self.unit_r_rad = robust_sigma(self.memory.pose(nearest), here)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
        return self.estimate(feature, hint, frame).pose

    def estimate(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Hint:
        """Return the pose with its estimated error (B,)."""
        hint = evidence(hint)
        return given(consensus(self.hypotheses(feature, hint, frame)), hint)[0]

    def modes(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Modes:
        """Return the places (B, neighbours) that groups of remembered images agree on, given the hint."""
        hint = evidence(hint)
        return modes_given(several(self.hypotheses(feature, hint, frame)), hint)

    def loss(self, feature: Tensor, hint: Hint, frame: SceneFrame, truth: Pose) -> Tensor:
        """Compute the negative log-likelihood (B,) of true poses (B,), which teaches each pair pose and scale.

        The consensus has nothing to learn, and the hint's sigma is known.
        """
        position, rotation = self.hypotheses(feature, hint, frame).negative_log_likelihood(truth)
        return (position + ROTATION_WEIGHT * rotation).mean(dim=1)

    def hypotheses(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Hypotheses:
        """Predict the pose from each of K remembered images, (B, K)."""
        rows = hint.neighbours if self.training else None
        if rows is None or rows.shape[-1] == 0:
            rows = self.memory.nearest(feature, hint, self.neighbours)
        remembered = self._remembered(rows.flatten()).view(*rows.shape, *self.shape)
        query = unit(feature).view(-1, *self.shape)
        features = ((images - self.mean) / self.std for images in (query, remembered))
        units = (self.unit_t_m, self.unit_r_rad)
        pair: Hypotheses = self.pair(*features, self.memory.pose(rows), frame.mean_q, *units)
        return pair

    def _remembered(self, rows: Tensor) -> Tensor:
        """Return features (B, C, G, G) of remembered rows (B,), of unit length as in the database."""
        return self.memory.feature[rows].float().view(-1, *self.shape)


def evidence(hint: Hint) -> Hint:
    """Return what hints (B,) add: nothing, where they were retrieved from the same memory."""
    if hint.neighbours.shape[-1] == 0:
        return hint
    unknown = torch.full_like(hint.sigma_t_m, torch.inf)
    return Hint.isotropic(hint.pose, unknown, unknown, hint.neighbours)
