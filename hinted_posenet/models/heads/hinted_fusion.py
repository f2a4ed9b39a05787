"""Hinted Fusion: the image gives a mixture of poses, and Bayes' rule combines it with the hint."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hinted_posenet.core.covariance import modes_given
from hinted_posenet.core.geometry import relative_rotvec
from hinted_posenet.core.types import Hint, Modes, Pose
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head, regressor


class Mixture(NamedTuple):
    """Weighted normal distributions of the position and, on the camera's side, of the rotation."""

    log_weight: Tensor  # (B, K), of weights that sum to 1
    pose: Pose  # (B, K)
    sigma_t_m: Tensor  # (B, K) per axis
    sigma_r_rad: Tensor  # (B, K) per axis

    def negative_log_likelihood(self, truth: Pose) -> tuple[Tensor, Tensor]:
        """Compute it for true positions (B,) and, separately, rotations (B,), up to a constant.

        A component is responsible for a rotation as far as it is for the position: otherwise rotations, the easier
        part, would decide which component a sample belongs to.
        """
        off_t = self.pose.t - truth.t.unsqueeze(1)
        off_r = relative_rotvec(self.pose.q, truth.q.unsqueeze(1))
        position = self.log_weight + _log_density(off_t, self.sigma_t_m.square())
        share = position.detach().softmax(dim=1)
        rotation = _log_density(off_r, self.sigma_r_rad.square())
        return -position.logsumexp(dim=1), -(share * rotation).sum(dim=1)

    def given(self, hint: Hint) -> Modes:
        """Compute the posterior given a hint (B,) by Bayes' rule: a Kalman update of each component.

        Its weight is how well it predicted the hint. What the hint does not know changes nothing.
        """
        covariance = Hint.isotropic(self.pose, self.sigma_t_m, self.sigma_r_rad).covariance
        return modes_given(Modes(self.log_weight, self.pose, covariance), hint)


def _log_density(off: Tensor, variance: Tensor) -> Tensor:
    """Compute the log density of 3-vectors (*, 3) under N(0, variance (*)), up to a constant."""
    log_density: Tensor = -0.5 * off.square().sum(dim=-1) / variance - 1.5 * variance.log()
    return log_density


SIGMA_RANGE = (1e-3, 3.0)  # of a component: boxes, and radians
BACKGROUND_SIGMA = 0.7  # boxes, and radians: anywhere in the scene
STRETCHES = tuple(2.0 ** (step / 4) for step in range(-4, 17))  # tried in calibration


class HintedFusionHead(Head):
    """feature -> mixture density of the pose (Bishop, 1994), times that of the hint -> its likeliest component.

    Nothing about hints is learned, so no distribution of training hints can be wrong. Sharp hints are kept, vague
    ones choose among the modes, and without one the answer is that of the image. The weighting is right because
    sigmas are calibrated: after training they are stretched to the errors of the validation split.
    ``background`` is the share of images which the network may be altogether wrong about. The likelihood overfits
    without dropout.
    """

    takes_covariance = True
    stretch_t: Tensor  # ()
    stretch_r: Tensor  # ()

    def __init__(
        self,
        channels: int,
        grid: int,
        rotation: Rotation,
        hidden: int,
        dropout: float,
        components: int,
        background: float,
    ):
        super().__init__()
        self.rotation = rotation
        self.components = components
        self.background = background
        in_features = channels * grid**2
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.LayerNorm(in_features),
            *regressor(in_features, hidden, dropout, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.regress = nn.Linear(hidden, components * (6 + rotation.size))
        with torch.no_grad():  # components begin all over the scene, each as vague as their spacing
            bias = self.regress.bias.view(components, -1).zero_()
            bias[:, 1:4].uniform_(-1.0, 1.0)
            bias[:, 4:6] = -1.0
        self.register_buffer("stretch_t", torch.ones(()))
        self.register_buffer("stretch_r", torch.ones(()))

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
        return self.estimate(feature, hint, frame).pose

    def estimate(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Hint:
        """Return the component (B,) with the largest weight."""
        return self.modes(feature, hint, frame).likeliest()

    def modes(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Modes:
        """Return all components (B, components + 1), given the hint."""
        return self.mixture(feature, frame).given(hint)

    def loss(self, feature: Tensor, hint: Hint, frame: SceneFrame, truth: Pose) -> Tensor:
        """Compute the negative log-likelihood (B,) of true poses (B,) given the images; hints (B,) are ignored."""
        position, rotation = self.mixture(feature, frame).negative_log_likelihood(truth)
        return position - 3 * frame.scale_m.log() + rotation  # in boxes, whatever the scene's size

    def calibrate(self, feature: Tensor, frame: SceneFrame, truth: Pose) -> None:
        """Scale the sigmas to fit the errors of validation images (N,) best, which training has not seen."""
        losses = []
        for stretch in STRETCHES:
            self.stretch_t.fill_(stretch)
            self.stretch_r.fill_(stretch)
            parts = self.mixture(feature, frame).negative_log_likelihood(truth)
            losses.append(torch.stack([part.mean() for part in parts]))
        best_t, best_r = torch.stack(losses).argmin(dim=0).tolist()
        self.stretch_t.fill_(STRETCHES[best_t])
        self.stretch_r.fill_(STRETCHES[best_r])

    def mixture(self, feature: Tensor, frame: SceneFrame) -> Mixture:
        """Predict the mixture (B, components + 1) of the images (B,) alone."""
        raw = self.regress(self.layers(feature)).view(feature.shape[0], self.components, -1)
        low, high = (math.log(bound) for bound in SIGMA_RANGE)
        sigma = raw[..., 4:6].clamp(low, high).exp()
        log_weight = raw[..., 0].log_softmax(dim=-1) + math.log1p(-self.background)
        return Mixture(
            _with(log_weight, math.log(self.background)),
            Pose(
                _with(frame.to_metres(raw[..., 1:4]), frame.center_m),
                _with(self.rotation(raw[..., 6:]), frame.mean_q),
            ),
            frame.scale_m * _with(self.stretch_t * sigma[..., 0], BACKGROUND_SIGMA),
            _with(self.stretch_r * sigma[..., 1], BACKGROUND_SIGMA),
        )


def _with(components: Tensor, background: Tensor | float) -> Tensor:
    """Append the background component (...) to components (B, K, ...)."""
    return torch.cat([components, torch.zeros_like(components[:, :1]) + background], dim=1)
