"""Localizer: a network with the source of its inference hints; asks both for poses.

Also the device that it runs on, and a setting of the C allocator that doubles its speed on a CPU.
"""

import ctypes
import sys
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hinted_posenet.core.types import Hint, Pose, Query, Sample
from hinted_posenet.hints.protocol import InferenceHints, robust_sigma
from hinted_posenet.models.posenet import PoseNet

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
LARGEST_INT = 2**31 - 1


class Prediction(NamedTuple):
    """What a localizer predicts for a batch of queries."""

    hint: Hint  # (B,) the inference hint
    answers: list[Hint]  # (B,) the pose after each refinement step, and what is known of its error

    @property
    def poses(self) -> list[Pose]:
        """Poses (B,) after each refinement step."""
        return [answer.pose for answer in self.answers]


class Localizer(nn.Module):
    """A trained ``PoseNet``, with any head, whose predictions start from the hints of one source."""

    def __init__(self, model: PoseNet, inference_hint: InferenceHints):
        super().__init__()
        self.model = model
        self.inference_hint = inference_hint

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

    def predict(self, query: Query) -> Prediction:
        """Return the inference hint and the answer of every refinement step, for queries (B,)."""
        feature = self.model.features(query)[0]
        hint = self.inference_hint.at_inference(query, feature)
        return Prediction(hint, self.model.cascade(feature, hint))

    def answer(self, query: Query) -> Hint:
        """Return the last pose with the sigma that it had on the validation split, for queries (B,)."""
        pose = self.predict(query).poses[-1]
        return Hint.with_sigma(pose, self.model.step_sigma_t_m[-1], self.model.step_sigma_r_rad[-1])

    @torch.no_grad()
    def calibrate(self, validation: Sample) -> None:
        """Measure the head, the inference hint's sigma, then that of each refinement step on the validation split.

        The sigma of a step enters the next one, so they are measured in turn. The cascade ends before the first
        step that does not improve the split.
        """
        self.eval()
        query, truth = self.inference_hint.query_of(validation), validation.T_world_cam
        feature = self.model.features(query)[0]
        self.model.calibrate(feature, truth)
        self.model.set_refinement_steps(self.model.refinement_steps)
        self.inference_hint.calibrate(self.inference_hint.at_inference(query, feature), truth)
        hint = self.inference_hint.at_inference(query, feature)
        best = torch.inf
        for step in range(self.model.refinement_steps):
            pose = self.model(feature, hint)
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
            hint = Hint.with_sigma(pose, sigma_t_m, sigma_r_rad)


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
