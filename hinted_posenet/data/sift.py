"""SIFT keypoints of an image with OpenCV, described by RootSIFT (Arandjelović and Zisserman, CVPR 2012)."""

import cv2
import numpy as np
from numpy.typing import NDArray

CONTRAST = 0.01  # OpenCV's threshold is 0.04, which finds few points on walls and furniture


def detect_sift(
    image: NDArray[np.uint8],
    most: int,
    contrast: float = CONTRAST,
    mask: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Find the keypoints of an RGB image (H, W, 3), at most ``most``, the strongest first.

    With a ``mask`` (H, W) they are looked for where it is true.

    Returns:
        xy (n, 2) in pixels, the center of the top-left pixel at (0.5, 0.5); score (n,), SIFT's response; and
        descriptor (n, 128), square roots of SIFT's, of unit length, so that Euclidean distances compare
        histograms by Hellinger's.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # without precise upscaling OpenCV's keypoints are off by a quarter of a pixel
    count = most if mask is None else 0  # OpenCV chooses the best before it looks at the mask
    sift = cv2.SIFT.create(count, contrastThreshold=contrast, enable_precise_upscale=True)
    wanted = None if mask is None else mask.astype(np.uint8)
    keypoints, found = sift.detectAndCompute(grey, wanted)
    score = np.array([point.response for point in keypoints], np.float64)
    order = np.argsort(-score, kind="stable")[:most]  # OpenCV keeps more where scores are equal
    xy = np.array([point.pt for point in keypoints], np.float64).reshape(-1, 2)[order] + 0.5
    descriptor = np.zeros((0, 128), np.float32) if found is None else np.asarray(found, np.float32)
    sums = np.maximum(descriptor.sum(axis=1, keepdims=True), 1e-12)
    return xy, score[order], np.sqrt(descriptor / sums)[order]
