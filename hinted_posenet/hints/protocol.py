"""Base classes of hint sources; by signature, no inference source sees a label; sigmas measured from errors."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query, Sample

# The norm of a 3-vector of unit normal components has this median (chi distribution, 3 degrees of
# freedom).
CHI3_MEDIAN = 1.5382


def robust_sigma(estimate: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Estimate per-axis standard errors of poses (N,) from their median error: metres (), radians ().

    The median, because a few gross errors (a wrong retrieval) should not make the rest look bad.
    """
    sigma_t_m = (estimate.t - truth.t).norm(dim=-1).quantile(0.5) / CHI3_MEDIAN
    sigma_r_rad = rotation_angle(estimate.q, truth.q).quantile(0.5) / CHI3_MEDIAN
    return sigma_t_m.clamp_min(1e-3), sigma_r_rad.clamp(math.radians(0.1), math.pi)


# the network's own answer (B,) to features (B, C, G, G) and hints (B,), without gradient
Answer = Callable[[Tensor, Hint], Pose]


def sent(device: torch.device, *drawn: Tensor) -> list[Tensor]:
    """Return numbers that were drawn on the CPU, on a device: in one copy, which a GPU need not be waited for.

    Together they are float64, which holds float32 and the rows of any training set exactly.
    """
    if device.type == "cpu":
        return list(drawn)
    together = torch.cat([part.flatten().double() for part in drawn])
    together = together.to(device, non_blocking=True)
    parts = torch.split(together, [part.numel() for part in drawn])
    return [there.view(part.shape).to(part.dtype) for there, part in zip(parts, drawn, strict=True)]


class HintSource(nn.Module):
    """Where hints come from; buffers that it fits are part of the checkpoint."""

    gives_hints = True  # False for the null hint, whose sigma is always inf
    # whether `fit` looks at poses alone; else it is repeated for as long as a backbone is trained
    fits_poses_alone = False

    @property
    def remembers_features(self) -> bool:
        """Whether what it measured is out of date once the backbone has changed."""
        return type(self).fit is not HintSource.fit and not self.fits_poses_alone

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the training set: poses (N,), features (N, C, G, G), and sequences (N,) int64.

        A sequence is the drive, or the flight and date, that an image was taken on. Once; while the backbone is
        trained again and again, with its current features.
        """


class TrainingHints(HintSource):
    """Draws hints during training; may look at the label."""

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Return hints (B,) for a batch of training poses (B,) with features (B, C, G, G)."""
        raise NotImplementedError


class InferenceHints(HintSource):
    """Gives the inference hint, from what a Query holds."""

    oracle = False  # whether a Query's prior was made from its label: marked in every result
    reads_prior = False  # whether the data set has to give priors

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of the source's own hints (N,) on the validation poses (N,)."""

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return hints (B,) for queries (B,) with features (B, C, G, G)."""
        raise NotImplementedError

    def simulate_reading(self, truth: Pose) -> Hint | None:
        """Return an oracle's sensor readings (N,) at the true poses (N,); None for every other source."""
        return None

    def query_of(self, sample: Sample) -> Query:
        """Return what is known at inference; an oracle's simulated reading takes the place of the prior."""
        reading = self.simulate_reading(sample.T_world_cam)
        return sample.query if reading is None else sample.query._replace(prior=reading)


class MeasuredSigma(HintSource):
    """A source whose hints all have the sigma of errors that were seen; unknown (inf) before."""

    sigma_t_m: Tensor  # ()
    sigma_r_rad: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sigma_t_m", torch.tensor(torch.inf))
        self.register_buffer("sigma_r_rad", torch.tensor(torch.inf))

    def measure(self, estimate: Pose, truth: Pose) -> None:
        """Set sigma to the errors of poses (N,)."""
        sigma_t_m, sigma_r_rad = robust_sigma(estimate, truth)
        self.sigma_t_m.copy_(sigma_t_m)
        self.sigma_r_rad.copy_(sigma_r_rad)

    def hint(self, pose: Pose, neighbours: Tensor = NO_NEIGHBOURS) -> Hint:
        """Return poses (B,) with that sigma."""
        return Hint.isotropic(pose, self.sigma_t_m, self.sigma_r_rad, neighbours)
