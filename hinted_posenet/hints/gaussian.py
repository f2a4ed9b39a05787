"""Gaussian training hints: the truth plus noise of a stated size, from millimetres to the whole scene, or none."""

import math
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import compose_rotvec, robust_box
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.protocol import Answer, TrainingHints, sent


def perturb(
    truth: Pose, sigma_t_m: Tensor, sigma_r_rad: Tensor, generator: torch.Generator
) -> Pose:
    """Add Gaussian noise of these sigmas (N,) per axis to true poses (N,)."""
    noise = torch.randn(2, len(truth.t), 3, generator=generator)
    return shifted(truth, sigma_t_m, sigma_r_rad, sent(truth.t.device, noise)[0].to(truth.t))


def shifted(truth: Pose, sigma_t_m: Tensor, sigma_r_rad: Tensor, noise: Tensor) -> Pose:
    """Add noise (2, N, 3), of position and rotation in sigmas (N,), to true poses (N,)."""
    noise_t, noise_r = noise
    t = truth.t + sigma_t_m.unsqueeze(-1) * noise_t
    return Pose(t, compose_rotvec(truth.q, sigma_r_rad.unsqueeze(-1) * noise_r))


class GaussianHints(TrainingHints):
    """Sigma is drawn log-uniformly for each sample, separately for position and rotation; heads receive it.

    The position's sigma is a fraction of the scene's half extent. Sigma inf leaves the noisy pose in place:
    networks never see the pose of a hint without sigma.
    """

    fits_poses_alone = True
    half_extent_m: Tensor  # ()

    def __init__(
        self,
        sigma_t_min: float,
        sigma_t_max: float,
        sigma_r_min_deg: float,
        sigma_r_max_deg: float,
        p_none: Annotated[float, Ge(0), Le(1)],
        p_part: Annotated[float, Ge(0), Le(1)],
    ):
        super().__init__()
        if not (0 < sigma_t_min <= sigma_t_max and 0 < sigma_r_min_deg <= sigma_r_max_deg):
            raise InputError("train_hint: sigma ranges must satisfy 0 < min <= max")
        self.sigma_t_range = (sigma_t_min, sigma_t_max)
        self.sigma_r_range_rad = (math.radians(sigma_r_min_deg), math.radians(sigma_r_max_deg))
        self.p_none = p_none
        self.p_part = p_part
        self.register_buffer("half_extent_m", torch.ones(()))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the half extent of the training poses (N,)."""
        self.half_extent_m.copy_(robust_box(truth.t)[1])

    def for_training(
        self, truth: Pose, feature: Tensor, generator: torch.Generator, answer: Answer
    ) -> Hint:
        """Return hints (B,) around the training poses (B,)."""
        rows, device = len(truth.t), truth.t.device
        sigma_t_m, sigma_r_rad, noise, draw = sent(
            device,
            log_uniform(*self.sigma_t_range, rows, generator),
            log_uniform(*self.sigma_r_range_rad, rows, generator),
            torch.randn(2, rows, 3, generator=generator),
            torch.rand(3, rows, generator=generator),
        )
        sigma_t_m = sigma_t_m * self.half_extent_m
        pose = shifted(truth, sigma_t_m, sigma_r_rad, noise)
        without = draw[0] < self.p_none
        return Hint.isotropic(
            pose,
            sigma_t_m.masked_fill(without | (draw[1] < self.p_part), torch.inf),
            sigma_r_rad.masked_fill(without | (draw[2] < self.p_part), torch.inf),
            torch.empty(rows, 0, dtype=torch.int64, device=device),
        )


def log_uniform(low: float, high: float, rows: int, generator: torch.Generator) -> Tensor:
    """Draw (rows,) numbers between low and high, uniform in their logarithm."""
    return low * (high / low) ** torch.rand(rows, generator=generator)
