"""The sensor's own hint (GPS, odometry, last frame): whatever prior the query came with."""

import math

from torch import Generator, Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.gaussian import perturb


class PriorHint(nn.Module):
    """Passes ``query.prior`` on, with the sigma that the sensor states."""

    oracle = False

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Nothing to fit."""

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Nothing to set: the sensor states its sigma."""

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The prior (B,) of queries (B,)."""
        return query.prior


class OracleHint(PriorHint):
    """A simulated sensor: the truth plus Gaussian noise of the stated sigma. Every result is stamped with it.

    Before evaluation the engine fills ``Query.prior`` with ``simulate_reading``; at inference this sees the
    prior alone.

    Args:
        sigma_t_m: standard deviation per axis in metres.
        sigma_r_deg: standard deviation per axis in degrees; None for a sensor that knows no rotation.
        seed: of the noise.
    """

    oracle = True

    def __init__(self, sigma_t_m: float, sigma_r_deg: float | None, seed: int):
        super().__init__()
        if not (sigma_t_m > 0 and (sigma_r_deg is None or sigma_r_deg > 0)):
            raise InputError(
                "inference_hint.sigma_t_m and inference_hint.sigma_r_deg: must be above 0"
            )
        self.sigma_t_m = sigma_t_m
        self.sigma_r_rad = math.inf if sigma_r_deg is None else math.radians(sigma_r_deg)
        self.seed = seed

    def simulate_reading(self, truth: Pose) -> Hint:
        """Simulated readings (N,) at the true poses (N,)."""
        ones = truth.t.new_ones(len(truth.t))
        generator = Generator().manual_seed(self.seed)
        # what stands in a rotation without sigma is no one's business, but it should be a rotation
        turn_rad = min(self.sigma_r_rad, math.pi)
        hint = perturb(truth, self.sigma_t_m * ones, turn_rad * ones, generator)
        return hint._replace(sigma_r_rad=self.sigma_r_rad * ones)
