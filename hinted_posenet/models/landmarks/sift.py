"""SIFT (Lowe, 2004) of OpenCV with RootSIFT descriptors (Arandjelovic and Zisserman, 2012): no learned weights."""

import cv2
import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
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
        detector = cv2.SIFT.create(
            # OpenCV chooses the best before it looks at the mask
            self.keypoints if allowed is None else 0,
            contrastThreshold=self.contrast_threshold,
            enable_precise_upscale=True,  # else all places are a quarter of a pixel off
        )
        mask = None if allowed is None else allowed.cpu().numpy().astype(np.uint8)
        found, sift = detector.detectAndCompute(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), mask)
        if sift is None:
            return torch.empty(0, 2), torch.empty(0), torch.empty(0, self.dim)
        # OpenCV's pixel centers are at whole numbers
        xy = np.array([point.pt for point in found], np.float64) + 0.5
        score = np.array([point.response for point in found], np.float32)
        root = np.sqrt(sift / sift.sum(axis=1, keepdims=True))
        return torch.from_numpy(xy), torch.from_numpy(score), torch.from_numpy(root)
