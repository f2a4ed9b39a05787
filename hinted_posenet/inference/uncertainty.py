"""What a localizer does not know: a covariance for every answer, and how foreign an image is to the map.

An answer is compared with a *reference*: the training image that those nearest to the query agree on most, fused
with the sensor's hint. In a season that it never saw, a network answers as confidently as ever, but away from the
reference. So the covariance is what the head states, stretched, plus a share of that disagreement. Both are fitted
to errors on the validation split, for each kind of hint, such that the 95 % ellipsoids hold 95 % of them. Beyond
the distance of validation images to the training images, in features, what is stated grows in proportion to it: no
split that the fit may see shows how errors grow there.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.covariance import given, offset
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.posed_images import in_batches
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.hints.protocol import robust_sigma
from hinted_posenet.hints.retrieval_database import RetrievalDatabase, evenly_spaced
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.sigma_fit import PARTS, fit_weights, widened

NEIGHBOURS = 8  # training images that vote for the reference
PROBES = 1000  # training images that are looked up among those of other dates
LEAST_NEAR = 1e-3  # cosine distance, which features in half precision cannot tell from 0
CERTAIN = 0.99  # quantile of the validation images' sigmas
FOREIGN = 0.25  # quantile of the distances between training images of different dates
# Rows of the weights, the kinds of hints: the localizer's own source, none, a retrieved pose as the answer, and
# sensors with sigmas of 1, 1/4, 1/16 ... of the scene's half extent and as many radians.
OWN, NONE, RETRIEVED, SENSORS = 0, 1, 2, 3
SENSOR_SIZES = tuple(4.0**-power for power in range(5))


class Comparison(NamedTuple):
    """What is known of queries (B,) without a network."""

    reference: Pose  # (B,) of the training images that look alike, fused with the sensor's hint
    distance: Tensor  # (B,) cosine distance of the feature to the nearest training image


class Uncertainty(nn.Module):
    """Gives answers their covariance, from what it measured in buffers; unfitted, it is not asked."""

    weights: Tensor  # (kinds, parts, 2), see `widened`
    retrieved_sigma: Tensor  # (2,) of retrieved poses: metres, radians
    foreign: Tensor  # () cosine distance between training images of different dates
    near: Tensor  # () cosine distance of validation images to the training images
    scale_m: Tensor  # () half extent of the scene
    certain_t_m: Tensor  # () sigma of the position that 99 % of validation images do not exceed

    def __init__(self) -> None:
        super().__init__()
        self.memory = RetrievalDatabase()
        as_stated = torch.tensor([1.0, 0.0]).repeat(SENSORS + len(SENSOR_SIZES), len(PARTS), 1)
        self.register_buffer("weights", as_stated)
        self.register_buffer("retrieved_sigma", torch.full((2,), torch.inf))
        self.register_buffer("foreign", torch.tensor(torch.inf))
        self.register_buffer("near", torch.tensor(torch.inf))
        self.register_buffer("scale_m", torch.ones(()))
        self.register_buffer("certain_t_m", torch.tensor(torch.inf))

    @property
    def is_fitted(self) -> bool:
        """Whether it has seen a training set."""
        return len(self.memory.t_m) > 0

    @torch.no_grad()
    def fit(self, truth: Pose, feature: Tensor, date: Tensor, scale_m: Tensor) -> None:
        """Remember the training set, and measure retrieval on its images while their whole date is left out.

        It has poses (N,), features (N, C, G, G) and numbers (N,) int64 of dates, or of sequences if there is only
        one date; ``scale_m`` () is the half extent of the scene.
        """
        self.memory.fit(truth, feature)
        self.scale_m.copy_(scale_m)
        probe = evenly_spaced(len(truth.t), PROBES).to(date.device)
        rows = self.memory.nearest_other(probe, date, NEIGHBOURS)
        here, found = self.memory.pose(probe), self.memory.pose(rows[:, 0])
        self.retrieved_sigma.copy_(torch.stack(robust_sigma(found, here)))
        self._fit(RETRIEVED, self.retrieved(found), self._agreed(rows), here)
        self.foreign.copy_(self.memory.distances_apart(probe, date).quantile(FOREIGN))

    def calibrate_retrieval(self, feature: Tensor, truth: Pose) -> None:
        """Measure how near validation images (N,) are, and let retrieved poses hold on them too."""
        seen = in_batches(self.compare, feature, no_hint(feature))
        self.near.copy_(seen.distance.quantile(0.5).clamp_min(LEAST_NEAR))
        left_out = self.weights[RETRIEVED].clone()
        found = in_batches(self._nearest, feature)
        self._fit(RETRIEVED, self.retrieved(found), seen.reference, truth)
        self.weights[RETRIEVED] = self.weights[RETRIEVED].maximum(left_out)

    def _nearest(self, feature: Tensor) -> Pose:
        """Return the pose (B,) of the training image that is most similar to features (B, C, G, G)."""
        return self.memory.pose(self.memory.nearest(feature, no_hint(feature), 1)[:, 0])

    def calibrate(self, kind: int, answer: Hint, seen: Comparison, truth: Pose) -> None:
        """Fit the weights of one kind of hint to answers and true poses of validation images (N,)."""
        self._fit(kind, self._grown(answer, seen), seen.reference, truth)
        if kind == OWN:
            sigma_t_m = self.of_network(answer, seen, None).sigma_t_m
            self.certain_t_m.copy_(sigma_t_m.quantile(CERTAIN))

    def simulated_sensors(self, truth: Pose) -> dict[int, Hint]:
        """Return what sensors would say about true poses (N,): kind -> hints (N,)."""
        hints = {}
        for power, size in enumerate(SENSOR_SIZES):
            sigma_t_m, sigma_r_rad = size * self.scale_m, size * torch.ones_like(self.scale_m)
            each = [sigma.expand(len(truth.t)) for sigma in (sigma_t_m, sigma_r_rad)]
            pose = perturb(truth, each[0], each[1], Generator().manual_seed(power))
            hints[SENSORS + power] = Hint.isotropic(pose, sigma_t_m, sigma_r_rad)
        return hints

    def compare(self, feature: Tensor, sensor: Hint) -> Comparison:
        """Return what training images and the sensor's hints (B,) say about features (B, C, G, G).

        Hints that are no sensor's would only repeat the images, so they do not belong here.
        """
        rows, distance = self.memory.compared(feature, sensor, NEIGHBOURS)
        reference = given(self.retrieved(self._agreed(rows)), sensor)[0].pose
        return Comparison(reference, distance)

    def of_network(self, answer: Hint, seen: Comparison, sensor: Hint | None) -> Hint:
        """Return answers (B,) with calibrated covariances; ``sensor`` is None for the localizer's own hints."""
        own = self.weights[OWN].expand(answer.pose.t.shape[0], -1, -1)
        weights = own if sensor is None else self._of_sensor(sensor)
        return _widened(self._grown(answer, seen), seen.reference, weights)

    def of_retrieval(self, found: Hint, feature: Tensor, sensor: Hint) -> Hint:
        """Return retrieved poses (B,) with calibrated covariances, which dates left out have measured."""
        weights = self.weights[RETRIEVED].expand(feature.shape[0], -1, -1)
        stated = found._replace(covariance=self.retrieved(found.pose).covariance)
        return _widened(stated, self.compare(feature, sensor).reference, weights)

    def out_of_map(self, seen: Comparison) -> Tensor:
        """Score images (B,): the distance to the nearest training image, in units of `foreign`.

        At 1 an image is no nearer to any training image than a quarter of the pairs of training images of
        different dates are to each other: it may show another place.
        """
        return seen.distance / self.foreign

    def _fit(self, kind: int, answer: Hint, reference: Pose, truth: Pose) -> None:
        error, off = offset(answer.pose, truth), offset(answer.pose, reference)
        self.weights[kind] = fit_weights(error, answer.covariance, off).to(self.weights)

    def _grown(self, answer: Hint, seen: Comparison) -> Hint:
        """Return answers (B,) with sigmas in proportion to the distance beyond that of validation images."""
        growth = (seen.distance / self.near).clamp_min(1.0)
        return answer._replace(covariance=growth.square()[:, None, None] * answer.covariance)

    def retrieved(self, pose: Pose) -> Hint:
        """Return retrieved poses (*,) with the errors that such poses have."""
        return Hint.isotropic(pose, *self.retrieved_sigma)

    def _agreed(self, rows: Tensor) -> Pose:
        """Return the pose (B,) among remembered rows (B, K) whose camera is nearest to those of all others."""
        t_m = self.memory.t_m[rows]
        total_m = (t_m.unsqueeze(2) - t_m.unsqueeze(1)).norm(dim=-1).sum(dim=2)  # (B, K)
        best = total_m.argmin(dim=1, keepdim=True)
        return self.memory.pose(rows.take_along_dim(best, dim=1).squeeze(1))

    def _of_sensor(self, hint: Hint) -> Tensor:
        """Return the weights (B, parts, 2) for hints (B,), interpolated in the logarithm of their sigmas."""
        sigma_t, sigma_r = hint.sigma_t_m / self.scale_m, hint.sigma_r_rad
        sizes = torch.stack([sigma_t, sigma_t, sigma_r], dim=1)  # (B, parts)
        last = len(self.weights) - 1
        place = (SENSORS - sizes.log2() / 2).clamp(SENSORS, last)
        place = torch.where(sizes.isfinite(), place, NONE)
        low = place.floor().long()
        high, part = (low + 1).clamp_max(last), torch.arange(len(PARTS), device=low.device)
        between = (place - low).unsqueeze(-1)
        return torch.lerp(self.weights[low, part], self.weights[high, part], between)


def _widened(answer: Hint, reference: Pose, weights: Tensor) -> Hint:
    off = offset(answer.pose, reference)
    return answer._replace(covariance=widened(answer.covariance, off, weights))
