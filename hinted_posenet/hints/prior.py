"""The sensor's own hint (GPS, odometry, last frame): whatever prior the query came with."""

import math
from typing import Annotated

from annotated_types import Gt
from torch import Generator, Tensor

from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.hints.protocol import InferenceHints

Positive = Annotated[float, Gt(0)]


class PriorHint(InferenceHints):
    """Returns ``query.prior`` with the covariance that the sensor states."""

    reads_prior = True

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the prior (B,) of queries (B,)."""
        return query.prior


class OracleHint(PriorHint):
    """A simulated sensor: the truth plus Gaussian noise of the stated sigma. Every result is marked (oracle).

    `query_of` fills ``Query.prior`` with ``simulate_reading``; at inference this sees the prior alone. Sigmas are
    per axis; ``sigma_r_deg`` is None for a sensor without rotation.
    """

    oracle = True
    reads_prior = False  # it makes them itself

    def __init__(self, sigma_t_m: Positive, sigma_r_deg: Positive | None, seed: int):
        super().__init__()
        self.sigma_t_m = sigma_t_m
        self.sigma_r_rad = math.inf if sigma_r_deg is None else math.radians(sigma_r_deg)
        self.seed = seed

    def simulate_reading(self, truth: Pose) -> Hint:
        """Simulate readings (N,) at the true poses (N,)."""
        ones = truth.t.new_ones(len(truth.t))
        generator = Generator().manual_seed(self.seed)
        # a rotation without sigma is never used, but it should be a valid rotation
        turn_rad = min(self.sigma_r_rad, math.pi)
        pose = perturb(truth, self.sigma_t_m * ones, turn_rad * ones, generator)
        nothing = NO_NEIGHBOURS.to(truth.t.device).expand(len(truth.t), 0)
        return Hint.isotropic(pose, self.sigma_t_m * ones, self.sigma_r_rad * ones, nothing)
