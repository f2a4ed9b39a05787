"""SIFT (Lowe, 2004) of OpenCV as local features: no learned weights."""

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.sift import detect_sift
from hinted_posenet.models.landmarks.local_features import Detections, LocalFeatureExtractor


class SiftFeatures(LocalFeatureExtractor):
    """Blobs over all scales.

    Args:
        keypoints, size_px: see `LocalFeatureExtractor`.
        contrast_threshold: of a blob, as in OpenCV, whose own 0.04 finds too little indoors.
    """

    def __init__(self, keypoints: int = 2048, size_px: int = 640, contrast_threshold: float = 0.01):
        super().__init__(keypoints, size_px, dim=128)
        if contrast_threshold < 0:
            raise InputError(
                f"features.contrast_threshold={contrast_threshold}: expected 0 or more"
            )
        self.contrast_threshold = contrast_threshold

    def detect(self, image: Tensor, allowed: Tensor | None = None) -> Detections:
        """Detect blobs; their score is their contrast, see `LocalFeatureExtractor.detect`."""
        pixels = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
        mask = None if allowed is None else allowed.cpu().numpy()
        found = detect_sift(pixels, self.keypoints, self.contrast_threshold, mask)
        xy, score, descriptor = (torch.from_numpy(part) for part in found)
        return xy, score.float(), descriptor
