"""Local features: keypoints of one image as viewing rays, with their descriptors.

An extractor only has to detect, in pixels of an image that is small enough. Resizing, the lens, and the fixed
number of rows are the same for all of them.
"""

import math
from typing import Any, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.distortion import Fisheye, distorted, straightened
from hinted_posenet.data.posed_images import in_unit_range, resized_intrinsics
from hinted_posenet.models.landmarks.module_key import module_key

MOST_KEYPOINTS = 1 << 16  # each image has as many rows, used or not
SMALLEST_PX = 32  # of a side; smaller images have no features
WIDEST = math.tan(math.radians(80))  # ray; an error of a pixel grows with its square
STEPS = 10  # after OpenCV's five, which leave strong lenses off by a pixel in the corners
INVERTED_PX = 0.05  # by which a ray may miss its pixel when it is distorted again

# xy (n, 2) in pixels, score (n,) above 0, descriptor (n, D) of unit length
Detections = tuple[Tensor, Tensor, Tensor]


class LocalFeatureExtractor(nn.Module):
    """Image -> keypoints and descriptors. Subclasses write `detect`; weights are never trained.

    Args:
        keypoints: most that are kept of an image, those with the best scores; the number of rows.
        size_px: longest side that larger images are shrunk to; smaller ones stay as they are.
        dim: of a descriptor.
    """

    def __init__(self, keypoints: int, size_px: int, dim: int):
        super().__init__()
        self.eval()
        if not 1 <= keypoints <= MOST_KEYPOINTS or size_px < SMALLEST_PX:
            raise InputError(
                f"features: keypoints={keypoints}, size_px={size_px}; expected 1 to {MOST_KEYPOINTS:,} keypoints "
                f"and at least {SMALLEST_PX} pixels"
            )
        self.keypoints, self.size_px, self.dim = keypoints, size_px, dim

    def detect(self, image: Tensor, allowed: Tensor | None = None) -> Detections:
        """Detect keypoints, the best ``keypoints`` of them or more, in any order.

        Args:
            image: (3, H, W) RGB in [0, 1], at least `SMALLEST_PX` high and wide.
            allowed: (H, W) bool, pixels where a keypoint may lie; None allows all.

        Returns:
            Places (n, 2) in pixels, where the center of the top-left pixel is (0.5, 0.5), scores (n,) above 0,
            and descriptors (n, D) of unit length.
        """
        raise NotImplementedError

    @torch.no_grad()
    def extract(
        self, image: NDArray[np.uint8], lens: Lens, mask: NDArray[np.bool_] | None = None
    ) -> LocalFeatures:
        """Return the features () of an image (H, W, 3) RGB, best first, on the CPU.

        A blank image, or one with a side under `SMALLEST_PX`, has only unused rows.

        Args:
            image: As stored, lens distortion included.
            lens: Of that image.
            mask: (H, W), true where features are wanted; None wants them everywhere.
        """
        small = self._shrunk(image)
        K = resized_intrinsics(lens.K, _size(image), _size(small))
        focal_px = float(K[0, 0] + K[1, 1]) / 2
        if min(_size(small)) < SMALLEST_PX:
            return self._rows(_nothing(self.dim), focal_px)
        pixels = in_unit_range([np.ascontiguousarray(small.transpose(2, 0, 1))])[0]
        allowed = None
        if mask is not None:  # a pixel of the small image counts where all that it covers is wanted
            shares = self._shrunk(np.where(mask, np.uint8(255), np.uint8(0)))
            allowed = torch.from_numpy(shares == 255)
        xy, score, descriptor = (
            part.cpu() for part in self.detect(pixels.to(self._device), allowed)
        )
        ray = rays(xy.double().numpy(), Lens(K, lens.distortion))
        seen = torch.from_numpy(np.isfinite(ray).all(axis=1))
        return self._rows((torch.from_numpy(ray)[seen], score[seen], descriptor[seen]), focal_px)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: a batch of training must not change features."""
        return super().train(False)

    @property
    def key(self) -> str:
        """Hash of the class, its settings and weights: equal keys mean equal features."""
        return module_key(self)

    @property
    def _device(self) -> torch.device:
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    def _shrunk(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return an image (H, W, ...) whose longest side is at most ``size_px``."""
        height, width = _size(image)
        scale = self.size_px / max(height, width)
        if scale >= 1:
            return image
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)

    def _rows(self, found: Detections, focal_px: float) -> LocalFeatures:
        """Return the best ``keypoints`` of rays, scores and descriptors, and unused rows below them."""
        best = found[1].argsort(descending=True, stable=True)[: self.keypoints]
        spare = (0, self.keypoints - len(best))
        ray, score, descriptor = (part[best] for part in found)
        pad = nn.functional.pad
        return LocalFeatures(
            pad(ray.float(), (0, 0, *spare)),
            pad(score.float(), spare),
            pad(descriptor.half(), (0, 0, *spare)),
            torch.tensor(focal_px, dtype=torch.float32),
        )


def rays(xy: NDArray[np.float64], lens: Lens) -> NDArray[np.float64]:
    """Return x/z and y/z (n, 2) in the camera of pixels (n, 2); nan where the lens has no ray.

    Rays beyond 80 degrees, and those that do not lead back to their pixel, are nan too.
    """
    K = lens.K.numpy()
    focal, center = K[[0, 1], [0, 1]], K[:2, 2]
    if not lens.distortion:
        return np.asarray((xy - center) / focal)
    found = np.nan_to_num((straightened(xy, K, lens.distortion) - center) / focal, nan=np.inf)
    good = np.linalg.norm(found, axis=1) < WIDEST
    found[~good] = 0
    shown = (xy - center) / focal
    if not isinstance(lens.distortion, Fisheye):
        with np.errstate(over="ignore", invalid="ignore"):  # of what has no ray
            for _ in range(STEPS):
                found = found + shown - distorted(found, lens.distortion)
    missed = np.abs(distorted(found, lens.distortion) - shown) * focal
    good &= missed.max(axis=1, initial=0) < INVERTED_PX
    return np.where(good[:, None], found, np.nan)


def _size(image: NDArray[Any]) -> tuple[int, int]:
    """Return (height, width)."""
    return image.shape[0], image.shape[1]


def _nothing(dim: int) -> Detections:
    return torch.empty(0, 2), torch.empty(0), torch.empty(0, dim)
