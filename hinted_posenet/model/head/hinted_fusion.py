"""Hinted Fusion: the image gives a mixture of poses, of which the hint makes one, by Bayes' rule."""

import math

import torch
from torch import Tensor, nn

from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.model.head.mixture import Mixture
from hinted_posenet.model.rotation import Rotation
from hinted_posenet.types import Hint, Pose

SIGMA_RANGE = (1e-3, 3.0)  # of a component: boxes, and radians
BACKGROUND_SIGMA = 0.7  # boxes, and radians: anywhere in the scene
STRETCHES = tuple(2.0 ** (step / 4) for step in range(-4, 17))  # tried in calibration


class HintedFusionHead(nn.Module):
    """feature -> mixture density of the pose (Bishop, 1994), times that of the hint -> its likeliest component.

    Nothing about hints is learned, so no distribution of training hints can be wrong. Sharp hints are kept, vague
    ones choose among the modes, and without one the answer is that of the image. What makes the weighing
    right are calibrated sigmas: after training they are stretched to the errors of the validation split.

    Args:
        channels, grid: of the feature (B, C, G, G).
        rotation: one of model/rotation.py.
        hidden: width of both layers.
        dropout: after each of them; the likelihood overfits without.
        components: of the mixture.
        background: weight of one more component that covers the whole scene: the share of images which the network
            may be altogether wrong about.
    """

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
            nn.Linear(in_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
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
        """Feature (B, C, G, G), hint (B,) -> Pose (B,)."""
        return self.estimate(feature, hint, frame).pose

    def estimate(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Hint:
        """The same with the sigma (B,) of the component that was chosen."""
        return self.mixture(feature, frame).given(hint).likeliest()

    def loss(self, feature: Tensor, hint: Hint, frame: SceneFrame, truth: Pose) -> Tensor:
        """(B,) negative log-likelihood of the true poses (B,) given the images; the hint (B,) is not looked at."""
        position, rotation = self.mixture(feature, frame).negative_log_likelihood(truth)
        return position - 3 * frame.scale_m.log() + rotation  # in boxes, whatever the scene's size

    def calibrate(self, feature: Tensor, frame: SceneFrame, truth: Pose) -> None:
        """Stretch the sigmas to what suits validation images (N,) best, which training has not seen."""
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
        """What the images (B,) say by themselves: (B, components + 1)."""
        raw = self.regress(self.layers(feature)).view(len(feature), self.components, -1)
        low, high = (math.log(bound) for bound in SIGMA_RANGE)
        sigma = raw[..., 4:6].clamp(low, high).exp()
        return Mixture(
            _with(
                raw[..., 0].log_softmax(dim=-1) + math.log1p(-self.background),
                math.log(self.background),
            ),
            Pose(
                _with(frame.to_metres(raw[..., 1:4]), frame.center_m),
                _with(self.rotation(raw[..., 6:]), frame.mean_q),
            ),
            frame.scale_m * _with(self.stretch_t * sigma[..., 0], BACKGROUND_SIGMA),
            _with(self.stretch_r * sigma[..., 1], BACKGROUND_SIGMA),
        )


def _with(components: Tensor, background: Tensor | float) -> Tensor:
    """(B, K, ...) and one more (...) -> (B, K + 1, ...)."""
    one = components[:, :1].detach().clone()
    one[:] = background
    return torch.cat([components, one], dim=1)
