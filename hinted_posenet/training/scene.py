"""The scene that a config's ``data`` node names: its views, its images, its features."""

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Sample, View
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.cache.decoded_images import DecodedImages
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.dataset_card import counts_note, dataset_card_names, read_dataset_card
from hinted_posenet.data.formats.aerial import read_manifest, read_overview
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.splits import Splits, split_scenes, stop_or_skip, without
from hinted_posenet.inference.build import build
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training.features import Crop, compute_features

if TYPE_CHECKING:  # it takes seconds to import, and few scenes need it
    from hinted_posenet.data.live_views import AerialLive, LiveImages

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
        self.crop: Crop = tuple(data["crop"]) if data["crop"] else None
        self.map = read_overview(self._manifest.parent)
        self.is_live = "live" in data  # training views are rendered, the others only without files
        self._rendered: dict[str, PosedImages] = {}
        if self.is_live and not self._manifest.is_file():
            log.warning(
                "%s: missing, so validation and test views are rendered too", self._manifest
            )
            self._rendered = {split: self.live_images(split) for split in ("train", "val", "test")}
        if self.is_live and self.crop:
            raise InputError("data.crop: not for live views; render smaller images: camera.width")
        splits = self._read()
        self.views: dict[str, list[View]] = splits.views
        self.excluded: dict[str, str] = splits.excluded  # frame -> why
        self.card_notes = self._compared_with_card(splits.counts)
        self._decoded: DecodedImages | None = None if self._rendered else self._decode()

    def images(self, split: str, whole: bool = False) -> PosedImages:
        """The images of a split; whole ones are not cropped to ``data.crop``."""
        if split in self._rendered:
            return self._rendered[split]
        crop = None if whole else self.crop
        return PosedImages(self.views[split], self.height, self.width, self._decoded, crop)

    def sequences(self) -> torch.Tensor:
        """Which drive, or flight and date, each training image was taken on (N,) int64."""
        keys = [(view.scene, view.sequence, view.tags.get("date")) for view in self.views["train"]]
        number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        return torch.tensor([number[key] for key in keys])

    def augment(self) -> Augment:
        """Augmentation of whole training images, which ends with images of the size of ``data.crop``."""
        augment: Augment = build(self.config["augment"], crop_px=self.crop)
        return augment

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
            self.images(split, whole=True),
            title=f"features of {self.identity['scene']} {split}",
            batch_size=config["feature_batch_size"],
            workers=config["workers"],
            device=device,
            crop=self.crop,
            augment=self.augment(),
            augmented_views=config["augmented_views"] if augmented else 0,
            seed=config["seed"],
            cache=Path(config["paths"]["cache"])
            if is_frozen(model) and not self._rendered
            else None,
        )

    def _read(self) -> Splits:
        if self._rendered:
            return Splits({split: images.views for split, images in self._rendered.items()}, {}, {})
        data = self.config["data"]
        how = (data["validation"], data["exclude"], data["skip_faulty"])
        return split_scenes(build(data["reader"]), self.root, data["scene"], *how)

    def _decode(self) -> DecodedImages:
        """Decode every image that is not in the cache; a broken one stops the run here, or is left out."""
        cache = ImageCache(
            Path(self.config["paths"]["cache"]) / "images",
            self.config["image_cache_gb"],
            self.config["threads"],
        )
        views = [view for views in self.views.values() for view in views]
        name = self.identity["scene"]
        decoded, faults = cache.fill(views, self.height, self.width, name)
        broken = stop_or_skip(name, faults, self.config["data"]["skip_faulty"])
        self.excluded |= broken
        self.views = without(self.views, broken)
        return decoded

    def _compared_with_card(self, counts: dict[str, dict[str, int]]) -> list[str]:
        """What differs from the published counts, a line for each scene."""
        if self.identity["name"] not in dataset_card_names():
            return []
        card = read_dataset_card(self.identity["name"])
        notes = [counts_note(card, scene, found) for scene, found in counts.items()]
        found = [note for note in notes if note]
        for note in found:
            log.warning(note)
        return found

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


def is_frozen(model: PoseNet) -> bool:
    """Whether nothing of the backbone is trained."""
    return not any(parameter.requires_grad for parameter in model.backbone.parameters())
