"""The scene that a config's ``data`` node names: its views, its images, its features."""

import json
import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hinted_posenet.build import build
from hinted_posenet.data.aerial import read_manifest
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.views import split_views
from hinted_posenet.features import compute_features
from hinted_posenet.model.posenet import PoseNet
from hinted_posenet.types import Sample, View

if TYPE_CHECKING:  # it takes seconds to import, and few scenes need it
    from hinted_posenet.data.aerial_live import AerialLive, LiveImages

log = logging.getLogger(__name__)
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
        self.height, self.width = data["height"], data["width"]
        self.excluded: list[str] = list(data["reader"].get("exclude") or [])
        self.map: dict[str, Any] | None = self._read_map()
        self.is_live = "live" in data  # training views are rendered, the others only without files
        self._rendered: dict[str, PosedImages] = {}
        if self.is_live and not self._manifest.is_file():
            log.warning(
                "%s: missing, so validation and test views are rendered too", self._manifest
            )
            self._rendered = {split: self.live_images(split) for split in ("train", "val", "test")}
        self.views: dict[str, list[View]] = {
            split: images.views for split, images in self._rendered.items()
        } or split_views(build(data["reader"]), self.root, data["scene"], data["validation"])

    def images(self, split: str) -> PosedImages:
        """The images of a split, decoded on access."""
        return self._rendered.get(split) or PosedImages(self.views[split], self.height, self.width)

    def live_images(self, split: str, seed: int | None = None) -> "LiveImages":
        """Rendered views of a split: the fixed ones, or with a training's seed its endless ones."""
        return self._live.images(split, self.height, self.width, seed)

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
            cache=Path(config["paths"]["cache"])
            if is_frozen(model) and not self._rendered
            else None,
        )

    @cached_property
    def _live(self) -> "AerialLive":
        parts = {key: self.config[key] for key in ("world", "camera", "flights")}
        live: AerialLive = build(
            self.config["data"]["live"],
            world=build(parts["world"]),
            camera=build(parts["camera"]),
            flights={name: build(flight) for name, flight in parts["flights"].items()},
        )
        if self._manifest.is_file():
            live.check_same(read_manifest(self._manifest))
        return live

    @property
    def _manifest(self) -> Path:
        """Of an aerial scene."""
        return self.root / self.identity["scene"] / "manifest.json"

    def _read_map(self) -> dict[str, Any] | None:
        """An aerial scene's overview picture and its bounds, for figures."""
        if not self._manifest.is_file():
            return None
        overview = json.loads(self._manifest.read_text())["map"]
        return {**overview, "image": str((self._manifest.parent / overview["image"]).resolve())}


def is_frozen(model: PoseNet) -> bool:
    """Whether nothing of the backbone is trained."""
    return not any(parameter.requires_grad for parameter in model.backbone.parameters())
