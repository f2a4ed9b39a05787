"""The scene that a config's ``data`` node names: its views, its images, its features."""

import json
from pathlib import Path
from typing import Any

import torch

from hinted_posenet.build import build
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.views import split_views
from hinted_posenet.features import compute_features
from hinted_posenet.model.posenet import PoseNet
from hinted_posenet.types import Sample, View

IDENTITY = ("name", "scene", "ground_truth")  # of a scene: what a checkpoint must agree with


class Scene:
    """Views of every split and how to turn them into samples.

    Args:
        config: the whole training config: its ``data``, ``augment``, and loader settings are used.
    """

    def __init__(self, config: dict[str, Any]):
        data = config["data"]
        self.config = config
        self.identity: dict[str, str] = {key: data[key] for key in IDENTITY}
        self.root = Path(data["root"])
        self.views: dict[str, list[View]] = split_views(
            build(data["reader"]), self.root, data["scene"], data["validation"]
        )

        self.height, self.width = data["height"], data["width"]
        self.excluded: list[str] = list(data["reader"].get("exclude") or [])
        self.map: dict[str, Any] | None = self._read_map()

    def images(self, split: str) -> PosedImages:
        """The images of a split, decoded on access."""
        return PosedImages(self.views[split], self.height, self.width)

    def features(
        self, model: PoseNet, split: str, device: torch.device, augmented: bool = False
    ) -> Sample:
        """Features of a split, from the disk cache where it has them.

        Args:
            model: its backbone and pool make the features; only a frozen backbone's are cached.
            split: train, val or test.
            device: to compute on.
            augmented: also ``config.augmented_views`` augmented versions of every image.
        """
        config = self.config
        return compute_features(
            model,
            self.images(split),
            title=f"features of {self.identity['scene']} {split}",
            batch_size=config["feature_batch_size"],
            workers=config["workers"],
            device=device,
            augment=build(config["augment"]),
            augmented_views=config["augmented_views"] if augmented else 0,
            seed=config["seed"],
            cache=Path(config["paths"]["cache"]) if is_frozen(model) else None,
        )

    def _read_map(self) -> dict[str, Any] | None:
        """An aerial scene's overview picture and its bounds, for figures."""
        folder = self.root / self.identity["scene"]
        manifest = folder / "manifest.json"
        if not manifest.is_file():
            return None
        overview = json.loads(manifest.read_text())["map"]
        return {**overview, "image": str((folder / overview["image"]).resolve())}


def is_frozen(model: PoseNet) -> bool:
    """Whether nothing of the backbone is trained."""
    return not any(parameter.requires_grad for parameter in model.backbone.parameters())
