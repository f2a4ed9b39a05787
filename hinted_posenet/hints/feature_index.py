"""Compressed copy of remembered features, which names the images that are worth an exact comparison."""

from typing import NamedTuple

import torch
from torch import Tensor

EXACT = 5000  # remembered images up to which everything is compared exactly
CANDIDATES = 256  # images that are compared exactly where there are more
COMPONENTS = 128  # principal components
SAMPLE = 512  # remembered images that the components are computed from
CHUNK = 4096  # remembered images at a time, which bounds the float32 copy


class FeatureIndex(NamedTuple):
    """Principal components of remembered features; inner products of the two copies are alike."""

    feature: Tensor  # (N, D) of which it is the index
    axis: Tensor  # (D, P) orthonormal
    row: Tensor  # (N, P)

    @classmethod
    def of(cls, feature: Tensor) -> "FeatureIndex":
        """Compress features (N, D), float16, without a copy in float32."""
        # an index may outlive the mode in which the first query was answered
        with torch.inference_mode(mode=False), torch.no_grad():
            sample = feature[torch.linspace(0, len(feature) - 1, SAMPLE).long()].float()
            # not centered, since inner products are wanted; the mean is the first component
            value, vector = torch.linalg.eigh(sample @ sample.T)
            kept = value[-COMPONENTS:] > 1e-6 * value[-1]
            axis = sample.T @ vector[:, -COMPONENTS:][:, kept] / value[-COMPONENTS:][kept].sqrt()
            return cls(
                feature, axis, torch.cat([f.float() @ axis for f in torch.split(feature, CHUNK)])
            )

    def similarity(self, wanted: Tensor) -> Tensor:
        """Return the approximate cosine similarity (B, N) of unit rows (B, D) to everything remembered."""
        return (wanted @ self.axis) @ self.row.T
