"""LocalizerModule: a network with the source of its inference hints; asks both for poses.

Also the device that it runs on, and a setting of the C allocator that doubles its speed on a CPU.
"""

import ctypes
import logging
import sys
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Pose, Query, Sample
from hinted_posenet.data.posed_images import in_batches
from hinted_posenet.hints.prior import PriorHint
from hinted_posenet.hints.protocol import InferenceHints, robust_sigma
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.map_refinement import MapRefined, MapRefinement
from hinted_posenet.inference.refinement import LandmarkRefinement, Refined
from hinted_posenet.inference.uncertainty import NONE, OWN, Uncertainty
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.models.registration.map_registration import MapRegistration

log = logging.getLogger(__name__)

FEW = 50  # validation images, of which a 95 % quantile is little more than the maximum
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
LARGEST_INT = 2**31 - 1


class Prediction(NamedTuple):
    """What a localizer predicts for a batch of queries."""

    hint: Hint  # (B,) the inference hint
    answers: list[Hint]  # (B,) the pose after each refinement step, with its calibrated covariance
    out_of_map: Tensor  # (B,) see `Uncertainty.out_of_map`; 1 and above: perhaps another place
    # (B,) what landmarks, or the registration to a map, said, which the last answer is from
    refined: Refined | MapRefined | None = None

    @property
    def poses(self) -> list[Pose]:
        """Poses (B,) after each refinement step."""
        return [answer.pose for answer in self.answers]


class LocalizerModule(nn.Module):
    """A trained ``PoseNet``, with any head, whose predictions start from the hints of one source.

    With landmarks or a map, its last answer is refined by them.
    """

    refinement: LandmarkRefinement | MapRefinement | None

    def __init__(
        self,
        model: PoseNet,
        inference_hint: InferenceHints,
        refine: LandmarkLocalizer | MapRegistration | None = None,
    ):
        super().__init__()
        self.model = model
        self.inference_hint = inference_hint
        self.uncertainty = Uncertainty()
        self.refinement = None
        if isinstance(refine, MapRegistration):
            self.refinement = MapRefinement(refine)
        elif refine is not None:
            self.refinement = LandmarkRefinement(refine)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.model.frame.center_m.device

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Let the network and the source of hints measure the training set once.

        It has poses (N,) and pooled features (N, C, G, G); ``sequence`` (N,) int64 numbers the drives, or flights
        and dates.
        """
        self.model.fit(truth, feature, sequence)
        self.inference_hint.fit(truth, feature, sequence)

    def predict(self, query: Query, sensor: Hint | None = None) -> Prediction:
        """Return the first hint and the answer of every refinement step, for queries (B,).

        A sensor's hints (B,) take the place of those of the localizer's own source.
        """
        return self._answered(query, self.model.features(query)[0], sensor)

    @in_float32
    def _answered(self, query: Query, feature: Tensor, sensor: Hint | None) -> Prediction:
        """Predict from features (B, C, G, G), as `predict` does."""
        hint = self.inference_hint.at_inference(query, feature) if sensor is None else sensor
        if isinstance(self.inference_hint, PriorHint):
            sensor = hint
        if self.refinement and self.model.head.answers_hint:
            return self._from_hint(query, feature, hint, sensor)
        answers = self.model.cascade(feature, hint)
        if not self.uncertainty.is_fitted:
            return Prediction(hint, answers, torch.full_like(hint.sigma_t_m, torch.nan))
        known = no_hint(feature) if sensor is None else sensor
        seen = self.uncertainty.compare(feature, known)
        stated = [self.uncertainty.of_network(answer, seen, sensor) for answer in answers]
        refined = None
        if self.refinement:
            refined = self._refine(query, feature, stated[-1], stated[-1])
            stated.append(refined.answer)
        return Prediction(hint, stated, self.uncertainty.out_of_map(seen), refined)

    def _from_hint(
        self, query: Query, feature: Tensor, hint: Hint, sensor: Hint | None
    ) -> Prediction:
        """Return what landmarks or a map make of hints (B,).

        Landmarks look up themselves what is retrieved, so that a retrieved hint only repeats it; a map needs it.
        """
        nothing = no_hint(feature)
        prior, fallback = hint, self.model.frame.resolve(hint)
        if sensor is None and isinstance(self.inference_hint, RetrievalHint):
            prior = nothing
            if self.uncertainty.is_fitted:
                # errors in dates that were left out are larger than those on validation images
                fallback = self.uncertainty.of_retrieval(hint, feature, query.prior)
            if isinstance(self.refinement, MapRefinement):
                prior = fallback
        refined = self._refine(query, feature, prior, fallback)
        out_of_map = torch.full_like(hint.sigma_t_m, torch.nan)
        if self.uncertainty.is_fitted:
            seen = self.uncertainty.compare(feature, nothing if sensor is None else sensor)
            out_of_map = self.uncertainty.out_of_map(seen)
        return Prediction(hint, [refined.answer], out_of_map, refined)

    def _refine(
        self, query: Query, feature: Tensor, prior: Hint, fallback: Hint
    ) -> Refined | MapRefined:
        """Ask landmarks or the map, with priors (B,)."""
        if isinstance(self.refinement, MapRefinement):
            registered: MapRefined = self.refinement(query, prior, fallback)
            return registered
        assert self.refinement is not None
        refined: Refined = self.refinement(query, feature, prior, fallback)
        return refined

    def answer(self, query: Query) -> Hint:
        """Return the last pose with its calibrated covariance, for queries (B,)."""
        return self.predict(query).answers[-1]

    @torch.no_grad()
    @in_float32
    def calibrate(self, validation: Sample) -> None:
        """Measure the head, the inference hint's sigma, then that of each refinement step on the validation split.

        The sigma of a step enters the next one, so they are measured in turn. The cascade ends before the first
        step that does not improve the split.
        """
        self.eval()
        query, truth = self.inference_hint.query_of(validation), validation.T_world_cam
        feature = in_batches(lambda some: self.model.features(some)[0], query)
        self.model.calibrate(feature, truth)
        self.model.set_refinement_steps(self.model.refinement_steps)
        own = in_batches(self.inference_hint.at_inference, query, feature)
        self.inference_hint.calibrate(own, truth)
        hint = own = in_batches(self.inference_hint.at_inference, query, feature)
        best = torch.inf
        for step in range(self.model.refinement_steps):
            pose = in_batches(self.model, feature, hint)
            sigma_t_m, sigma_r_rad = robust_sigma(pose, truth)
            score = float(sigma_t_m / self.model.frame.scale_m + sigma_r_rad)
            if score >= best:
                self.model.num_effective_steps.fill_(step)
                for sigma in (self.model.step_sigma_t_m, self.model.step_sigma_r_rad):
                    sigma[step:] = sigma[step - 1]
                break
            best = score
            self.model.step_sigma_t_m[step] = sigma_t_m
            self.model.step_sigma_r_rad[step] = sigma_r_rad
            hint = Hint.isotropic(pose, sigma_t_m, sigma_r_rad)
        if self.uncertainty.is_fitted:
            self._calibrate_covariances(feature, own, truth)
        if isinstance(self.refinement, LandmarkRefinement):
            self.refinement.calibrate(query, feature, truth)
        elif self.refinement:
            start = in_batches(self._start, query, feature)
            self.refinement.calibrate(query, start, truth)

    def _start(self, query: Query, feature: Tensor) -> Hint:
        """Return the priors (B,) that a map gets without a sensor's hints."""
        hint = self.inference_hint.at_inference(query, feature)
        if not self.model.head.answers_hint:
            answer = self.model.cascade(feature, hint)[-1]
            if not self.uncertainty.is_fitted:
                return answer
            sensor = hint if isinstance(self.inference_hint, PriorHint) else None
            seen = self.uncertainty.compare(feature, sensor or no_hint(feature))
            return self.uncertainty.of_network(answer, seen, sensor)
        if isinstance(self.inference_hint, RetrievalHint) and self.uncertainty.is_fitted:
            return self.uncertainty.of_retrieval(hint, feature, query.prior)
        return hint

    def _calibrate_covariances(self, feature: Tensor, own: Hint, truth: Pose) -> None:
        """Measure the answers (N,) to the source's own hints, to none, and to those of simulated sensors."""
        if len(truth.t) < FEW:
            log.warning("%d validation images are too few to calibrate sigmas well", len(truth.t))
        self.uncertainty.calibrate_retrieval(feature, truth)
        nothing = no_hint(feature)
        hints = {OWN: own, NONE: nothing, **self.uncertainty.simulated_sensors(truth)}
        for kind, hint in hints.items():
            answer = in_batches(lambda *some: self.model.cascade(*some)[-1], feature, hint)
            known = nothing if kind == OWN else hint
            seen = in_batches(self.uncertainty.compare, feature, known)
            self.uncertainty.calibrate(kind, answer, seen, truth)


def prepare_device(accelerator: str = "auto", threads: int = 0) -> torch.device:
    """Prepare this process for running networks, and return the device to run them on.

    The accelerator auto takes a GPU if there is one; with 0 threads torch chooses their number.
    """
    keep_freed_memory()
    if threads:
        torch.set_num_threads(threads)
    gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if gpu else "cpu")


def keep_freed_memory() -> None:
    """Let glibc reuse freed blocks of any size instead of returning them to the kernel.

    A network allocates and frees the same large activations with every batch; by default the kernel maps and
    zeroes each of them anew, which took half of the time of EfficientNet-Lite0 (benchmarks/backbone.py).
    """
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if libc is not None and hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_INT)
        libc.mallopt(M_TRIM_THRESHOLD, LARGEST_INT)
